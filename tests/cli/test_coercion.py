"""Options are read without typer's validation library, and mean what they mean with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
import typer.main

from eyeflow.cli.coercion import lighten


def command(seen: list[Any]) -> Any:
    """A command with every kind of option that EyeFlow's have, and some of others."""
    app = typer.Typer(add_completion=False)

    @app.command()
    def one(
        text: Annotated[str, typer.Argument()],
        rest: Annotated[list[str] | None, typer.Argument()] = None,
        *,
        answer: Annotated[list[str] | None, typer.Option("--answer")] = None,
        extra: Annotated[list[Path] | None, typer.Option("--with")] = None,
        data: Annotated[Path | None, typer.Option("--data", envvar="DATA_OF_TEST")] = None,
        there: Annotated[Path | None, typer.Option("--there", exists=True)] = None,
        count: Annotated[int, typer.Option("--count", min=1)] = 3,
        plan: Annotated[bool, typer.Option("--plan", envvar="PLAN_OF_TEST")] = False,
    ) -> None:
        seen.append((text, rest, answer, extra, data, there, count, plan))

    return typer.main.get_command(app)


LINES = (
    ["a"], ["a", "b", "c"], [""], ["ä\u202e"], ["-"], ["a", "--answer", "x=1", "--answer", ""], ["a", "--with", "d"],
    ["a", "--with", "d", "--with", "/"], ["a", "--data", "d/e"], ["a", "--data", ""], ["a", "--there", "/"],
    ["a", "--there", "/no/such/place"], ["a", "--count", "7"], ["a", "--count", "0"], ["a", "--count", "x"],
    ["a", "--plan"], [], ["a", "--nope"], ["a", "--data"], ["a", "--data", "\0"],
)  # fmt: skip


@pytest.mark.parametrize("args", LINES, ids=repr)
@pytest.mark.parametrize("env", [{}, {"DATA_OF_TEST": "from/env", "PLAN_OF_TEST": "1"}], ids=["", "environment"])
def test_a_command_line_means_the_same(args: list[str], env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert outcome(args, light=True) == outcome(args, light=False)


def outcome(args: list[str], *, light: bool) -> object:
    seen: list[Any] = []
    made = command(seen)
    if light:
        lighten(made.params)
        lighten(made.params)
    try:
        made.main(args=args, prog_name="one", standalone_mode=False)
    except Exception as error:
        said = getattr(error, "message", str(error))
        return type(error).__name__, said if light else said.removeprefix("Value error, ")
    return seen


def test_a_command_starts_without_what_it_does_not_need(tmp_path: Path) -> None:
    program = tmp_path / "hello.eir"
    program.write_text('TASK hello\n  RETURN "Hello"\n', encoding="utf-8")
    code = (
        "import sys\nfrom eyeflow.cli import main\n"
        "sys.argv = ['eyeflow', *sys.argv[1:]]\n"
        "try:\n    main()\nexcept SystemExit as ended:\n    assert not ended.code\n"
        "heavy = ('pydantic', 'lark', 'aiohttp', 'z3', 'eyeflow.svm', 'eyeflow.connectors')\n"
        "assert not [each for each in heavy if each in sys.modules]\n"
    )
    args = [sys.executable, "-c", code, "explain", str(program)]
    subprocess.run(args, cwd=tmp_path, stdout=subprocess.DEVNULL, check=True, timeout=60)
