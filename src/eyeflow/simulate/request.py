"""A request compiled in the context of one scenario: all its tasks, or why there is none.

Knows: how English, its `also` tasks and LLM-IR text become programs; what stands for an outcome. In: a `Case`, a
catalog, a moment, a profile, answers. Out: `Request`. Never: runs a program.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeVar

import msgspec

from eyeflow.catalog.model import Catalog, CompileContext, Connection
from eyeflow.compiler import Compiled, compile_intent, compile_ir, compile_sentence
from eyeflow.diagnostics import Diagnostic, Report
from eyeflow.frontend.intent import Intent, Question, Refusal
from eyeflow.frontend.resolve import part_names, task_name
from eyeflow.simulate.result import Outcome
from eyeflow.simulate.scenario import Case, Scenario
from eyeflow.values import Span

if TYPE_CHECKING:
    from eyeflow.frontend.engines import Engine

T = TypeVar("T")


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """`tasks` are compiled, the request's own first, and empty unless `outcome` is `program`."""

    outcome: Outcome
    intent: Intent | None = None
    tasks: tuple[Compiled, ...] = ()
    questions: tuple[Question, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    report: Report = Report()


def context(catalog: Catalog, connections: tuple[Connection, ...], scenario: Scenario) -> CompileContext:
    """All that a compile in this scenario may depend on."""
    profile = scenario.profile
    return CompileContext(
        catalog=catalog, connections=connections, profile=profile, now=scenario.now, zone=profile.timezone or "UTC",
        zone_assumed=profile.timezone is None,
    )  # fmt: skip


def compile_request(
    case: Case, ctx: CompileContext, answers: Mapping[str, str], engine: Engine | None = None
) -> Request:
    """The request of `case`, compiled with `answers` to its questions; `engine` helps the rules to read it."""
    if case.ir is not None:
        return _judged(case.ir, None, (compile_ir(case.ir, ctx),))
    assert case.text is not None, "a case has either text or LLM-IR"
    own = compile_sentence(case.text, ctx, answers=answers, engine=engine)
    intent = own.intent
    assert intent is not None, "the first stage always gives an intent"
    if intent.outcome != "program":
        parts = (intent, *intent.also)
        return Request(
            outcome=intent.outcome,
            intent=intent,
            questions=_once(q for part in parts for q in part.questions),
            refusals=_once(r for part in parts for r in part.refusals),
            report=own.report,
        )
    return _judged(case.text, intent, (own, *_also(intent, ctx)))


def _also(intent: Intent, ctx: CompileContext) -> tuple[Compiled, ...]:
    """The further tasks of a request, named after their words."""
    names = part_names(intent, task_name(intent.text))
    return tuple(compile_intent(part, ctx, name=name) for part, name in zip(intent.also, names, strict=True))


def _judged(text: str, intent: Intent | None, tasks: tuple[Compiled, ...]) -> Request:
    """A program when every task became one. What the later stages refuse is refused: nothing half of it may run."""
    report = Report(tuple(each for task in tasks for each in task.report.diagnostics))
    if all(task.program is not None for task in tasks):
        return Request(outcome="program", intent=intent, tasks=tasks, report=report)
    parts = [task.intent for task in tasks if task.intent is not None]
    wrong = [each for each in report.errors if each.code not in ("question", "refused")]
    refusals = _once((*(r for part in parts for r in part.refusals), *(_refusal(each, text) for each in wrong)))
    questions = _once(q for part in parts for q in part.questions)
    outcome: Outcome = "refused" if refusals else "questions"
    return Request(outcome=outcome, intent=intent, questions=questions, refusals=refusals, report=report)


def _refusal(finding: Diagnostic, text: str) -> Refusal:
    """A finding of the compiler as a refusal of the words it points at, or of the whole request."""
    span = finding.place.span or _line(finding, text) or Span(0, len(text))
    start, end = min(span.start, len(text)), min(span.end, len(text))
    reason = f"{finding.code}: {finding.message}"
    return Refusal(Span(start, end), text[start:end][:500], reason, (finding.hint,) if finding.hint else ())


def _line(finding: Diagnostic, text: str) -> Span | None:
    """The span of the line a finding names."""
    if finding.place.line is None:
        return None
    lines = text.split("\n")
    if not 1 <= finding.place.line <= len(lines):
        return None
    start = sum(len(line) + 1 for line in lines[: finding.place.line - 1])
    return Span(start, start + len(lines[finding.place.line - 1]))


def _once(items: Iterable[T]) -> tuple[T, ...]:
    found: list[T] = []
    for item in items:
        if item not in found:
            found.append(item)
    return tuple(found)
