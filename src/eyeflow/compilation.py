"""`Compilation`: what became of one request, ready to be read, sealed, or answered.

Knows: how text is told from LLM-IR, what a compile needs at the least. In: text and a context. Out: `Compilation`.
Never: reads settings or keys by itself, prints, keeps state between calls, runs anything.

    made = compile_text("Send weather to Slack every morning at 9am", catalog=catalog, answers={...})
    made.outcome, made.questions, made.readback.text(), made.plan, made.seal(key)

`eyeflow.compile` is `compile_text`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

from eyeflow.catalog.load import open_catalog
from eyeflow.catalog.model import Catalog, CompileContext, Connection, Policy, Profile, Role
from eyeflow.compiler import Compiled, Observer, compile_intent, compile_ir, compile_sentence, seal_compiled
from eyeflow.diagnostics import Diagnostic, Report, Severity
from eyeflow.frontend.editing import edit
from eyeflow.frontend.intent import Assumption, Intent, Question, Refusal
from eyeflow.frontend.readback import Readback, assumptions, read_back
from eyeflow.frontend.resolve import part_names
from eyeflow.ir.diff import Difference, diff
from eyeflow.ir.plan import Plan
from eyeflow.ir.program import Artifact, Program
from eyeflow.ir.seal import SigningKey
from eyeflow.ir.task import Task
from eyeflow.ir.text import print_task, strip
from eyeflow.ports import SystemClock

if TYPE_CHECKING:
    from eyeflow.frontend.engines import Engine

Language: TypeAlias = Literal["english", "ir"]
Outcome: TypeAlias = Literal["program", "questions", "refused", "errors"]

_IR: Final = re.compile(r"(?:\ufeff?(?:[ \t]*(?:#[^\n]*)?\r?\n))*TASK[ \t]+[A-Za-z_]")


def language_of(text: str) -> Language:
    """LLM-IR when the first line that is no comment begins with `TASK`, else English."""
    return "ir" if _IR.match(text) else "english"


class Compilation(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one request. `also` are the further tasks of a request with several triggers."""

    compiled: Compiled
    context: CompileContext
    also: tuple[Compilation, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """`program` when every task became one; `errors` when a later stage than understanding stopped it."""
        tasks = (self, *self.also)
        if all(each.compiled.program is not None for each in tasks):
            return "program"
        intents = [each.intent.outcome for each in tasks if each.intent is not None]
        if "refused" in intents:
            return "refused"
        return "questions" if "questions" in intents else "errors"

    @property
    def text(self) -> str:
        """The request as given."""
        return self.compiled.text

    @property
    def intent(self) -> Intent | None:
        """What was said; None for LLM-IR text."""
        return self.compiled.intent

    @property
    def task(self) -> Task | None:
        """The checked task; None when there is no program."""
        return self.compiled.task

    @property
    def plan(self) -> Plan | None:
        """What the optimizer decided."""
        return self.compiled.plan

    @property
    def program(self) -> Program | None:
        """The executable form."""
        return self.compiled.program

    @property
    def report(self) -> Report:
        """Every finding, those of `also` included."""
        found = self.compiled.report
        for each in self.also:
            found = found + each.report
        return found

    @property
    def questions(self) -> tuple[Question, ...]:
        """What must be answered before there is a program."""
        return tuple(q for each in (self, *self.also) if each.intent is not None for q in each.intent.questions)

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """What cannot be served, and what could be said instead."""
        return tuple(r for each in (self, *self.also) if each.intent is not None for r in each.intent.refusals)

    @property
    def missing_accounts(self) -> tuple[Diagnostic, ...]:
        """What must be connected before the program can be sealed for live use, each item once."""
        return tuple(dict.fromkeys(self.report.of(Severity.CONNECT)))

    @property
    def readback(self) -> Readback:
        """The program in plain English. Raises: CompileError when there is none."""
        self.compiled.require()
        assert self.task is not None, "a program has a task"
        return read_back(self.task, self.context, assumed=assumptions(self.intent, self.compiled.report))

    @property
    def ir(self) -> str:
        """The program as LLM-IR text. Raises: CompileError when there is none."""
        self.compiled.require()
        assert self.task is not None, "a program has a task"
        return print_task(self.task)

    def seal(self, key: SigningKey, *, approver: str = "local", practice: bool = False) -> Artifact:
        """The signed artifact of this task (those of `also` are sealed each for itself).

        Raises: CompileError when there is no program, or `connect` when an account is missing for live use.
        """
        return seal_compiled(self.compiled, self.context, key, approver=approver, practice=practice)


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a change to an automation. `made` is the changed program, `difference` what it does differently;
    both None while something is asked or refused, or a later stage stopped it (`report`)."""

    made: Compilation | None = None
    difference: Difference | None = None
    questions: tuple[Question, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    report: Report = Report()

    @property
    def outcome(self) -> Outcome:
        """As of a `Compilation`."""
        if self.made is not None:
            return "program"
        return "refused" if self.refusals else "questions" if self.questions else "errors"


def revise(made: Compilation, change: str, *, answers: Mapping[str, str] | None = None) -> Revision:
    """The program of `made` changed as the words of `change` say: compiled anew, with the difference in meaning.

    A change that is not understood in all its parts changes nothing. Raises: CompileError when `made` has no program.
    """
    made.compiled.require()
    assert made.task is not None, "a program has a task"
    edited = edit(made.task, change, made.context, answers)
    if edited.task is None:
        return Revision(questions=edited.questions, refusals=edited.refusals, assumptions=edited.assumptions)
    again = compile_in(made.context, print_task(strip(edited.task)), language="ir", source="<change>")
    if again.task is None or again.program is None:
        return Revision(report=again.report, assumptions=edited.assumptions)
    found = diff(made.task, again.task)
    return Revision(made=again, difference=found, assumptions=edited.assumptions, report=again.report)


def compile_text(
    text: str,
    *,
    catalog: Catalog | None = None,
    connections: Sequence[Connection] = (),
    profile: Profile | None = None,
    policy: Policy | None = None,
    now: datetime | None = None,
    zone: str | None = None,
    role: Role = "owner",
    answers: Mapping[str, str] | None = None,
    name: str | None = None,
    language: Language | None = None,
    observer: Observer | None = None,
) -> Compilation:
    """Compile an English request or LLM-IR text; which of them it is is seen from the text unless `language` says.

    `catalog`: the services that ship when None. `now`: aware, the present when None. `zone`: IANA, else the
    profile's, else UTC as an assumption. `answers`: question slots and what a person said. `name`: the task's name.
    Bad input is in the result (`outcome`, `report`), never raised. Raises: CatalogError when the shipped catalog
    is damaged.
    """
    held = profile or Profile()
    ctx = CompileContext(
        catalog=open_catalog() if catalog is None else catalog, connections=tuple(connections), profile=held,
        now=now or SystemClock().now(), zone=zone or held.timezone or "UTC",
        zone_assumed=zone is None and held.timezone is None, role=role, policy=policy or Policy(),
    )  # fmt: skip
    return compile_in(ctx, text, answers=answers, name=name, language=language, observer=observer)


def compile_in(
    ctx: CompileContext,
    text: str,
    *,
    answers: Mapping[str, str] | None = None,
    name: str | None = None,
    language: Language | None = None,
    source: str = "<ir>",
    observer: Observer | None = None,
    engine: Engine | None = None,
) -> Compilation:
    """`compile_text` in a context that is there already; `source` is what findings call LLM-IR text; `engine` helps
    the rules with English."""
    if (language or language_of(text)) == "ir":
        return Compilation(compiled=compile_ir(text, ctx, name=source, observer=observer), context=ctx)
    own = compile_sentence(text, ctx, answers=answers, name=name, observer=observer, engine=engine)
    return Compilation(compiled=own, context=ctx, also=_also(own, ctx))


def _also(own: Compiled, ctx: CompileContext) -> tuple[Compilation, ...]:
    """The further tasks of a request, each named after its words, or numbered after the name that was given."""
    if own.intent is None or own.task is None:
        return ()
    names = part_names(own.intent, own.task.name)
    if own.name is not None:
        names = tuple(f"{own.name}_{number}" for number in range(2, len(names) + 2))
    return tuple(
        Compilation(compiled=compile_intent(part, ctx, name=name), context=ctx)
        for part, name in zip(own.intent.also, names, strict=True)
    )
