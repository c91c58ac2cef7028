"""Fixtures of the command line's tests: every test has a folder of its own to work in."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.shell import HELLO, Command, command


@pytest.fixture
def eyeflow(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """The command, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return command(monkeypatch, capfd)


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    """`hello.eir` in the folder."""
    path = tmp_path / "hello.eir"
    path.write_text(HELLO)
    return path
