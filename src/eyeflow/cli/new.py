"""`eyeflow new`: from a sentence to a checked program, with a person answering on the way.

Knows: the order of the walk: questions, read-back, what it touches, next runs, then the files. In: a sentence, answers
on the terminal. Out: `NAME.eir`, and `NAME.efb` when no account is missing. Never: starts over, loses an answer: when
the walk ends early it prints the command line that goes on from there.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from eyeflow.cli.context import (
    AnswerOption,
    CatalogOption,
    DataOption,
    SettingsOption,
    WithOption,
    Workspace,
    open_workspace,
)
from eyeflow.cli.helping import EngineOption, engine_of
from eyeflow.cli.output import Screen, clean
from eyeflow.cli.reading import Given, read_answers, read_given, stop, write_file
from eyeflow.cli.sealed import sealed, show_sealed
from eyeflow.cli.start import Exit
from eyeflow.cli.told import about_answers, code_of, resumed, show_missing, show_readback, show_undecided

if TYPE_CHECKING:
    from eyeflow.compilation import Compilation
    from eyeflow.frontend.engines import Engine
    from eyeflow.frontend.intent import Question

_TRIES: Final = 3


def new(
    text: Annotated[
        str | None,
        typer.Argument(metavar="SENTENCE|FILE.txt", help="What you want done, in plain English; asked for without."),
    ] = None,
    *,
    name: Annotated[str | None, typer.Option("--name", help="Name of the task and its files.")] = None,
    folder: Annotated[Path, typer.Option("--into", metavar="DIR", help="Where the files go.")] = Path(),
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write the files without asking.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over files that are there.")] = False,
    answer: AnswerOption = None,
    catalog: CatalogOption = None,
    extra: WithOption = None,
    settings: SettingsOption = None,
    data: DataOption = None,
    engine: EngineOption = None,
) -> None:
    """Walk from a sentence to a checked program: questions, read-back, next runs, then NAME.eir and NAME.efb.

    \b
    Examples:
      eyeflow new "Send weather to Slack every morning at 9am"
      eyeflow new "Send weather to Slack every morning at 9am" --answer weather.location=Paris --answer message.channel=#general --yes
    """  # noqa: E501 - one command is one line
    screen = Screen()
    given = read_given(screen, text if text is not None else _sentence(screen))
    if given.artifact is not None or given.language == "ir":
        stop(screen, f"{given.source} is a program already; new starts from a sentence")
    space = open_workspace(screen, catalog=catalog, extra=extra, settings=settings, data=data)
    walk = _Walk(screen, given, space, name=name, engine=engine_of(screen, space, engine, settings))
    walk.answers.update(read_answers(screen, answer))
    try:
        made = walk.decided()
        _read_back(screen, made)
        path = _place(screen, made, folder, yes=yes, force=force)
    except (KeyboardInterrupt, EOFError, typer.Abort):
        screen.note(f"\nto go on from here: {resumed('new', given.text, walk.answers)}")
        raise typer.Exit(Exit.INTERRUPTED) from None
    if path is None:
        screen.note(f"nothing was written; to go on from here: {resumed('new', given.text, walk.answers)}")
        return
    _write(screen, made, path, space)


def _sentence(screen: Screen) -> str:
    """What somebody at the terminal wants done. Raises: typer.Exit when nobody is there, or says nothing."""
    if not sys.stdin.isatty():
        stop(screen, "say what you want done", hint='eyeflow new "Send weather to Slack every morning at 9am"')
    try:
        return str(typer.prompt("What should happen")).strip()
    except (KeyboardInterrupt, EOFError, typer.Abort):
        raise typer.Exit(Exit.INTERRUPTED) from None


class _Walk:
    """The questions of one request, until nothing is open."""

    def __init__(
        self, screen: Screen, given: Given, space: Workspace, *, name: str | None, engine: Engine | None = None
    ) -> None:
        self._engine = engine
        self._screen = screen
        self._given = given
        self._ctx = space.context()
        self._name = name
        self.answers: dict[str, str] = {}

    def decided(self) -> Compilation:
        """The request with every question answered. Raises: typer.Exit when it cannot be."""
        made = self._compiled()
        while made.outcome == "questions" and sys.stdin.isatty():
            self._answer(made.questions[0], made)
            made = self._compiled()
        if made.outcome != "program":
            again = resumed("new", self._given.text, self.answers)
            show_undecided(self._screen, made, self._given.source, again)
            raise typer.Exit(code_of(made))
        return made

    def _compiled(self) -> Compilation:
        from eyeflow.compilation import compile_in

        return compile_in(
            self._ctx, self._given.text, answers=self.answers, name=self._name, language="english",
            source=self._given.source, engine=self._engine,
        )  # fmt: skip

    def _answer(self, question: Question, made: Compilation) -> None:
        """Ask one question. Raises: typer.Exit when an answer never fits, typer.Abort on Ctrl-C."""
        if question.slot in self.answers:
            refused = self.answers.pop(question.slot)
            found = about_answers(made.report).errors
            why = [each.message for each in found if f"answer {question.slot}:" in each.message]
            self._screen.note(why[0] if why else f"“{refused}” does not answer that")
            self._tries += 1
            if self._tries >= _TRIES:
                stop(self._screen, f"no answer to {question.slot} fits", code=Exit.QUESTIONS)
        else:
            self._tries = 0
        self._screen.line(question.text, "bold")
        for number, option in enumerate(question.options, 1):
            self._screen.line(f"  {number}. {option}")
        said = str(typer.prompt(clean(question.slot))).strip()
        if said.isdigit() and 0 < int(said) <= len(question.options):
            said = question.options[int(said) - 1]
        self.answers[question.slot] = said

    _tries = 0


def _read_back(screen: Screen, made: Compilation) -> None:
    screen.line()
    show_readback(screen, made)
    screen.line()


def _place(screen: Screen, made: Compilation, folder: Path, *, yes: bool, force: bool) -> Path | None:
    """Where the program goes, asked where somebody can answer; None when nobody wants it."""
    if not folder.is_dir():
        stop(screen, f"{folder}: no such folder")
    path = folder / f"{made.compiled.require().task}.eir"
    if sys.stdin.isatty() and not yes:
        said = str(typer.prompt("Write it to (`no`: leave it)", default=str(path))).strip()
        if said.lower() in ("no", "n"):
            return None
        if said.lower() not in ("y", "yes"):
            path = Path(said).with_suffix(".eir")
    places = [place for number in range(1, len(made.also) + 2) for place in _files(path, number)]
    for each in places:
        if each.exists() and not force:
            hint = "--force writes over it, --name gives another"
            stop(screen, f"{each} is there already", hint=hint, code=Exit.FAILED)
    return path


def _files(path: Path, number: int) -> tuple[Path, Path]:
    """The text and the artifact of the request's first, second, ... task."""
    place = path if number == 1 else path.with_stem(f"{path.stem}_{number}")
    return place, place.with_suffix(".efb")


def _write(screen: Screen, made: Compilation, path: Path, space: Workspace) -> None:
    """The text of every task, and the artifact of each unless an account is missing."""
    for number, each in enumerate((made, *made.also), 1):
        place, artifact_place = _files(path, number)
        write_file(screen, place, each.ir.encode())
        screen.line(f"wrote {place}")
        if not made.missing_accounts:
            artifact = each.seal(space.key())
            show_sealed(screen, sealed(each.compiled.require().task, artifact, artifact_place, screen))
    if made.missing_accounts:
        screen.note("no artifact yet:")
        show_missing(screen, made)
    for number in range(1, len(made.also) + 2):
        place, artifact_place = _files(path, number)
        if made.missing_accounts:
            screen.note(f"then: eyeflow compile {place} -o {artifact_place}")
        screen.note(f"try it without accounts: eyeflow practice {place}")
