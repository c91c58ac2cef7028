"""The command line as tests use it: called in the process, its two streams and its exit code kept."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from eyeflow.cli import main

REQUEST = "Send weather to Slack every morning at 9am"
ANSWERS = ("--answer", "weather.location=Paris", "--answer", "message.channel=#general")

HELLO = """\
TASK hello_world
  INPUT name string

  ACTION greet
    TYPE log
    MESSAGE "Hello {input.name}"

  ACTION greeting
    TYPE transform
    AFTER greet
    VALUE {greeting: "Hello {input.name}"}
    OUTPUT result

  RETURN result
"""


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)

    @property
    def said(self) -> str:
        """Everything printed."""
        return self.out + self.err


Command = Callable[..., Done]


def command(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """`eyeflow` with these arguments, `stdin` and further environment."""

    def call(*args: str, stdin: bytes = b"", **env: str) -> Done:
        capfd.readouterr()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["eyeflow", *args])
            patch.setenv("EYEFLOW_DEBUG", "0")
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
            for name in ("EYEFLOW_DATA", "NO_COLOR", "FORCE_COLOR"):
                patch.delenv(name, raising=False)
            for name, value in env.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main()
        out, err = capfd.readouterr()
        return Done(int(ended.value.code or 0), out, err)

    return call


def written(folder: Path) -> set[str]:
    """Every file under a folder, by its relative name."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def source_environment() -> dict[str, str]:
    """The environment for a process of its own that finds the package under test."""
    src = Path(__file__).parents[2] / "src"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EYEFLOW")}
    return kept | {"PYTHONPATH": str(src)}
