"""`eyeflow check`: what a program says that cannot be so, before it runs.

Knows: the command's options. In: sentences, LLM-IR, or files of either. Out: the findings of the compiler and of the
formal checks, exit code 1 when there is an error (with --strict: or a warning). Never: runs or changes anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from eyeflow.cli.context import (
    AnswerOption,
    CatalogOption,
    JsonOption,
    SettingsOption,
    WithOption,
    open_workspace,
)
from eyeflow.cli.output import Screen, located
from eyeflow.cli.reading import Given, read_answers, read_given, stop
from eyeflow.cli.start import Exit
from eyeflow.cli.told import code_of, show_undecided, texts_of, told_by
from eyeflow.diagnostics import Diagnostic, Report, Severity, report

if TYPE_CHECKING:
    from eyeflow.catalog.model import CompileContext
    from eyeflow.compilation import Compilation
    from eyeflow.frontend.intent import Question, Refusal

_LONGEST_MS = 600_000


class Checked(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What `--json` says of one text."""

    source: str
    outcome: str
    diagnostics: tuple[Diagnostic, ...] = ()
    questions: tuple[Question, ...] = ()
    refusals: tuple[Refusal, ...] = ()


def check(
    given: Annotated[list[str], typer.Argument(metavar="TEXT|FILES|-", help="Requests, .eir or .txt files.")],
    *,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail, too.")] = False,
    budget: Annotated[
        int, typer.Option("--budget-ms", min=1, max=_LONGEST_MS, help="Time the proofs of one task may take.")
    ] = 2_000,
    answer: AnswerOption = None,
    catalog: CatalogOption = None,
    extra: WithOption = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find what cannot be so: branches that never run, conditions that never hold, gaps, deadlines too short.

    \b
    Examples:
      eyeflow check hello.eir
      eyeflow check --strict --json tasks/orders.eir tasks/stock.eir
    """
    screen = Screen(as_json=as_json)
    texts = [read_given(screen, each) for each in given]
    if wrong := next((each for each in texts if each.artifact is not None), None):
        stop(screen, f"{wrong.source}: check takes text; an artifact was checked when it was compiled")
    ctx = open_workspace(screen, catalog=catalog, extra=extra, settings=settings).context()
    answers = read_answers(screen, answer)
    results = [_one(screen, each, ctx, answers, budget, strict=strict) for each in texts]
    if as_json:
        screen.json([result for result, _ in results])
    raise typer.Exit(max(code for _, code in results))


def _one(
    screen: Screen, given: Given, ctx: CompileContext, answers: dict[str, str], budget: int, *, strict: bool
) -> tuple[Checked, int]:
    """What is said of one text, and the exit code it deserves."""
    from eyeflow.compilation import compile_in

    made = compile_in(ctx, given.text, answers=answers, language=given.language, source=given.source)
    texts = texts_of(made, given.source)
    if made.outcome != "program":
        if not screen.as_json:
            show_undecided(screen, made, given.source, "the same command")
        said = _checked(given, made, told_by(made, given.source), texts)
        return said, int(code_of(made))
    compiled, proved = told_by(made, given.source, but=(Severity.CONNECT,)), _proved(made, given, budget)
    found = compiled + proved
    screen.findings(compiled + report(_spelled(each) for each in proved.diagnostics), texts)
    if not screen.as_json:
        screen.line(_summary(given.source, found))
    failed = not found.ok or (strict and bool(found.of(Severity.WARNING)))
    return _checked(given, made, found, texts), int(Exit.FAILED if failed else Exit.OK)


def _proved(made: Compilation, given: Given, budget: int) -> Report:
    """The formal findings of every task of a request; only LLM-IR text can be mended by a fix."""
    from eyeflow.verify import verify

    english = made.intent is not None
    found: list[Diagnostic] = []
    for each in (made, *made.also):
        assert each.task is not None, "a program has a task"
        source = "sentence" if english else given.source
        text = None if english else made.text
        found.extend(verify(each.task, each.context, budget_ms=budget, source=source, text=text).diagnostics)
    return report(dict.fromkeys(found))


def _spelled(found: Diagnostic) -> Diagnostic:
    """A proved finding for people: a fix that is a guess is their choice, and `fmt --fix` leaves it to them."""
    from eyeflow.verify.fixes import machine_applicable

    if found.fix is None or machine_applicable(found):
        return found
    hint = (
        f"{found.hint}; or {found.fix.title}" if found.hint and found.fix.title not in found.hint else found.fix.title
    )
    return msgspec.structs.replace(found, hint=hint, fix=None)


def _checked(given: Given, made: Compilation, found: Report, texts: dict[str, str]) -> Checked:
    asked = ("question", "refused")
    return Checked(
        source=given.source, outcome=made.outcome, questions=tuple(made.questions), refusals=tuple(made.refusals),
        diagnostics=tuple(located(each, texts) for each in found.diagnostics if each.code not in asked),
    )  # fmt: skip


def _summary(source: str, found: Report) -> str:
    """`hello.eir: 1 warning, 2 notes`."""
    counted = [(len(found.of(s)), s.value) for s in (Severity.ERROR, Severity.WARNING, Severity.NOTE)]
    parts = [f"{count} {word}{'s' if count > 1 else ''}" for count, word in counted if count]
    return f"{source}: {', '.join(parts) or 'nothing found'}"
