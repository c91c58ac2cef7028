"""`eyeflow edit`: a program changed in plain English, with what is different shown before anything is written.

Knows: the command's options. In: a program or a request, the words of a change, answers. Out: the difference in
meaning, the changed read-back, an `.eir` file. Never: writes what was not shown, or a part of a change.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from eyeflow.cli.context import (
    AnswerOption,
    CatalogOption,
    JsonOption,
    SettingsOption,
    WithOption,
    open_workspace,
)
from eyeflow.cli.diff import compiled, show_changes
from eyeflow.cli.output import Screen, clean
from eyeflow.cli.reading import read_answers, read_given, stop, write_file
from eyeflow.cli.start import Exit
from eyeflow.cli.told import show_open, show_readback

if TYPE_CHECKING:
    from eyeflow.compilation import Compilation, Revision

_CODES: Final = {"program": Exit.OK, "questions": Exit.QUESTIONS, "refused": Exit.REFUSED, "errors": Exit.FAILED}
_ROUNDS: Final = 20


def edit(
    program: Annotated[str, typer.Argument(metavar="FILE|TEXT", help="An .eir, .txt or .efb file, or a request.")],
    change: Annotated[str, typer.Argument(help="What is to be different, in plain English.")],
    *,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The .eir file to write; else FILE.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write the file without asking.")] = False,
    answer: AnswerOption = None,
    catalog: CatalogOption = None,
    extra: WithOption = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change a program in plain English: see what is different and what it does then, and write it as LLM-IR.

    \b
    Examples:
      eyeflow edit report.eir "make it 10am instead"
      eyeflow edit report.eir "also email it to ops@example.com" --yes
      eyeflow edit report.eir "change the channel to #ops" -o ops.eir
    """
    screen = Screen(as_json=as_json)
    given = read_given(screen, program)
    space = open_workspace(screen, catalog=catalog, extra=extra, settings=settings)
    answers = read_answers(screen, answer)
    made = compiled(screen, given, space, answers)
    if made.also:
        stop(screen, "these are several automations; write them with eyeflow new, and change one of the files")
    found = _revised(screen, made, change, answers)
    if as_json:
        _as_json(screen, found)
    elif found.made is None or found.difference is None:
        again = f"eyeflow edit {shlex.quote(program)} {shlex.quote(change)}"
        show_open(screen, found, {"sentence": change}, again)
        raise typer.Exit(_CODES[found.outcome])
    else:
        show_changes(screen, found.difference.changes, found.difference.names)
        screen.line()
        show_readback(screen, found.made)
        assumed = [f"{each.slot} = {each.value} ({each.why})" for each in found.assumptions]
        screen.section("Assumed for the change:", assumed, "yellow")
    path = output or (given.path if given.path is not None and given.path.suffix == ".eir" else None)
    if found.made is not None:
        _write(screen, found.made, path, yes=yes)
    raise typer.Exit(_CODES[found.outcome])


def _revised(screen: Screen, made: Compilation, change: str, answers: dict[str, str]) -> Revision:
    """The change, with its questions put to whoever sits at the terminal."""
    from eyeflow.compilation import revise

    found = revise(made, change, answers=answers)
    for _ in range(_ROUNDS):
        if not found.questions or not sys.stdin.isatty() or screen.as_json:
            break
        question = found.questions[0]
        if question.slot in answers:
            screen.note(f"“{answers[question.slot]}” does not answer that")
        screen.line(question.text, "bold")
        for number, option in enumerate(question.options, 1):
            screen.line(f"  {number}. {option}")
        said = str(typer.prompt(clean(question.slot))).strip()
        if said.isdigit() and 0 < int(said) <= len(question.options):
            said = question.options[int(said) - 1]
        answers[question.slot] = said
        found = revise(made, change, answers=answers)
    return found


def _as_json(screen: Screen, found: Revision) -> None:
    difference, made = found.difference, found.made
    screen.json({
        "outcome": found.outcome, "questions": found.questions, "refusals": found.refusals,
        "assumptions": found.assumptions, "changes": difference.changes if difference is not None else (),
        "names": difference.names if difference is not None else (), "ir": made.ir if made is not None else None,
    })  # fmt: skip


def _write(screen: Screen, made: Compilation, path: Path | None, *, yes: bool) -> None:
    """Write the changed program where it belongs, when somebody says so."""
    if path is None:
        screen.note("nothing was written; -o FILE.eir writes it")
        return
    if not yes and not sys.stdin.isatty():
        screen.note(f"nothing was written; --yes writes {path}")
        return
    if not yes and not typer.confirm(f"Write it to {clean(str(path))}", default=True):
        screen.note("nothing was written")
        return
    write_file(screen, path, made.ir.encode())
    screen.note(f"wrote {path}")
