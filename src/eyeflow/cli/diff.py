"""`eyeflow diff`: what two programs do differently, in sentences.

Knows: the command's options. In: two requests, `.eir`, `.txt` or `.efb` files. Out: sentences or JSON, exit code 5
when a run could notice a difference. Never: compares lines, runs anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Annotated

import typer

from eyeflow.cli.context import (
    AnswerOption,
    CatalogOption,
    JsonOption,
    SettingsOption,
    WithOption,
    Workspace,
    open_workspace,
)
from eyeflow.cli.output import Screen
from eyeflow.cli.reading import Given, read_answers, read_given, stop
from eyeflow.cli.sealed import opened
from eyeflow.cli.start import Exit
from eyeflow.cli.told import code_of, resumed, show_undecided, undecided_json

if TYPE_CHECKING:
    from eyeflow.compilation import Compilation
    from eyeflow.ir.diff import Change, Difference


def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="A request, an .eir, .txt or .efb file, or - for stdin.")],
    after: Annotated[str, typer.Argument(metavar="B", help="What it is compared with.")],
    *,
    answer: AnswerOption = None,
    catalog: CatalogOption = None,
    extra: WithOption = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what B does differently from A: triggers, effects, data, conditions, order, policies. Lines do not matter.

    \b
    Examples:
      eyeflow diff report.eir report_new.eir
      eyeflow diff "Page ops when a payment fails" payments.eir --json
    """
    screen = Screen(as_json=as_json)
    if before == after == "-":
        stop(screen, "stdin can be one of the two, not both")
    given = read_given(screen, before), read_given(screen, after)
    space = open_workspace(screen, catalog=catalog, extra=extra, settings=settings)
    answers = read_answers(screen, answer)
    first, second = (compiled(screen, each, space, answers) for each in given)
    found = _differences(first, second)
    changes = [change for each in found for change in each.changes]
    names = [change for each in found for change in each.names]
    if as_json:
        screen.json({"changed": bool(changes), "changes": changes, "names": names})
    else:
        show_changes(screen, changes, names)
    raise typer.Exit(Exit.CHANGES if changes else Exit.OK)


def compiled(screen: Screen, given: Given, space: Workspace, answers: dict[str, str]) -> Compilation:
    """The program a request, a file or an artifact stands for. Raises: typer.Exit after saying why there is none."""
    from eyeflow.compilation import compile_in

    if given.artifact is not None:
        envelope = opened(given).envelope
        text, language = (envelope.source, "ir") if envelope.source else (envelope.sentence, "english")
        given = Given(text=text, source=given.source, path=given.path, language="ir" if language == "ir" else "english")
    made = compile_in(space.context(), given.text, answers=answers, language=given.language, source=given.source)
    if made.outcome == "program":
        return made
    if screen.as_json:
        undecided_json(screen, made, given.source)
    else:
        show_undecided(screen, made, given.source, resumed("compile", given.source, answers))
    raise typer.Exit(code_of(made))


def _differences(first: Compilation, second: Compilation) -> list[Difference]:
    """One comparison per task; a task that only one side has is compared with an empty one."""
    from eyeflow.ir.diff import diff as compared
    from eyeflow.ir.task import Task

    nothing = Task(name="")
    pairs = zip_longest((first, *first.also), (second, *second.also))
    return [compared((a and a.task) or nothing, (b and b.task) or nothing) for a, b in pairs]


def show_changes(screen: Screen, changes: Sequence[Change], names: Sequence[Change]) -> None:
    """What is different, kind by kind."""
    if not changes:
        screen.line("Nothing that a run could notice is different.")
    for title, area in _SECTIONS.items():
        screen.section(title, [each.text for each in changes if each.area == area])
    screen.section("Only other names:", [each.text for each in names])


_SECTIONS = {
    "When it starts:": "trigger", "What it does:": "effect", "With what:": "data", "On what condition:": "condition",
    "In what order:": "order", "How careful:": "policy",
}  # fmt: skip
