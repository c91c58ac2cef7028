"""The compiler: one tuple of stages from a sentence, or LLM-IR text, to a program.

Knows: the order of the stages and what each hands to the next. In: text and a `CompileContext`. Out: `Compiled`.
Never: runs a program, opens a file or a socket; every stage is a pure function of its input and the context.

    understand   sentence  -> Intent      frontend
    parse        LLM-IR    -> Task        ir.text
    resolve      Intent    -> Task        frontend
    check        Task      -> typed Task  ir.check
    optimize     Task      -> Plan        optimizer
    generate     Plan      -> Program     ir.codegen
    validate     Program   -> Program     ir.validate
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec
from msgspec.structs import replace

from eyeflow.catalog.model import CompileContext
from eyeflow.diagnostics import EMPTY, Diagnostic, Place, Report
from eyeflow.errors import CompileError
from eyeflow.frontend.intent import Intent
from eyeflow.frontend.resolve import resolve
from eyeflow.frontend.rules import heard
from eyeflow.ir.check import check
from eyeflow.ir.codegen import generate, places
from eyeflow.ir.plan import Plan
from eyeflow.ir.program import Artifact, Envelope, Program
from eyeflow.ir.seal import SigningKey, seal
from eyeflow.ir.task import Task
from eyeflow.ir.text import parse
from eyeflow.ir.validate import validate
from eyeflow.optimizer import optimize

if TYPE_CHECKING:
    from eyeflow.frontend.engines import Engine

VERSION: Final = "eyeflow 0.1.0"


class Compiled(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a compile made, as far as it came. `report` has the findings of all stages that ran; `source` is the
    name of the text they point into (`sentence`, or a file)."""

    text: str
    source: str = "sentence"
    name: str | None = None
    answers: tuple[tuple[str, str], ...] = ()
    intent: Intent | None = None
    task: Task | None = None
    plan: Plan | None = None
    program: Program | None = None
    report: Report = EMPTY

    def require(self) -> Program:
        """The program. Raises: CompileError with the whole report when there is none."""
        if self.program is None:
            errors = self.report.errors
            said = errors[0].message if errors else "the request is not decided yet"
            raise CompileError(errors[0].code if errors else "undecided", said, self.report)
        return self.program


Stage: TypeAlias = Callable[[Compiled, CompileContext], tuple[Compiled, Report]]
Observer: TypeAlias = Callable[[str, Compiled], None]


def _understand(state: Compiled, ctx: CompileContext) -> tuple[Compiled, Report]:
    found = heard(state.text, ctx, dict(state.answers))
    return replace(state, intent=found.intent), _outcome(found.intent) + found.report


def _outcome(intent: Intent) -> Report:
    """Refusals and questions as findings: both stop the compile, each in its own way."""
    refused = tuple(
        Diagnostic("refused", f"“{r.text}”: {r.reason}", place=Place("sentence", r.span), hint="; ".join(r.suggestions))
        for r in intent.refusals
    )
    asked = tuple(
        Diagnostic("question", q.text, place=Place("sentence", q.span), hint=f"answer with --answer {q.slot}=...")
        for q in intent.questions
    )
    return Report(refused or asked)


def _parse(state: Compiled, ctx: CompileContext) -> tuple[Compiled, Report]:
    del ctx
    task, report = parse(state.text, state.source)
    return replace(state, task=task), report


def _resolve(state: Compiled, ctx: CompileContext) -> tuple[Compiled, Report]:
    assert state.intent is not None
    task, report = resolve(state.intent, ctx, name=state.name)
    return replace(state, task=task), report


def _check(state: Compiled, ctx: CompileContext) -> tuple[Compiled, Report]:
    assert state.task is not None
    task, report = check(state.task, ctx)
    return replace(state, task=task), report


def _optimize(state: Compiled, ctx: CompileContext) -> tuple[Compiled, Report]:
    assert state.task is not None
    plan, report = optimize(state.task, ctx)
    return replace(state, plan=plan), report


def _generate(state: Compiled, ctx: CompileContext) -> tuple[Compiled, Report]:
    assert state.plan is not None
    program, report = generate(state.plan, ctx)
    return replace(state, program=program), report


def _validate(state: Compiled, ctx: CompileContext) -> tuple[Compiled, Report]:
    del ctx
    assert state.program is not None
    return state, validate(state.program)


BACK: Final[tuple[tuple[str, Stage], ...]] = (
    ("check", _check),
    ("optimize", _optimize),
    ("generate", _generate),
    ("validate", _validate),
)
FROM_ENGLISH: Final[tuple[tuple[str, Stage], ...]] = (("understand", _understand), ("resolve", _resolve), *BACK)
FROM_TEXT: Final[tuple[tuple[str, Stage], ...]] = (("parse", _parse), *BACK)


def _helped(engine: Engine) -> Stage:
    """`understand` with an engine beside the rules; `judge` decides between them."""
    from eyeflow.frontend.engines import consult  # noqa: PLC0415 - most compiles have no engine

    def understand_with(state: Compiled, ctx: CompileContext) -> tuple[Compiled, Report]:
        found = consult(engine, state.text, ctx, dict(state.answers))
        return replace(state, intent=found.intent), _outcome(found.intent) + found.report

    return understand_with


def compile_sentence(
    text: str,
    ctx: CompileContext,
    *,
    answers: Mapping[str, str] | None = None,
    name: str | None = None,
    observer: Observer | None = None,
    engine: Engine | None = None,
) -> Compiled:
    """Compile an English request. `answers` maps question slots to what a person said; `observer` hears each stage
    that has ended, well or not; `engine` proposes beside the rules, and never decides alone.

    Refusals, questions and errors are in the result's report; nothing is raised for bad input.
    """
    given = tuple(sorted((answers or {}).items()))
    stages = FROM_ENGLISH if engine is None else (("understand", _helped(engine)), *FROM_ENGLISH[1:])
    return _run(stages, Compiled(text=text, name=name, answers=given), ctx, observer)


def compile_ir(source: str, ctx: CompileContext, *, name: str = "<ir>", observer: Observer | None = None) -> Compiled:
    """Compile LLM-IR text; `name` is what findings call it."""
    return _run(FROM_TEXT, Compiled(text=source, source=name), ctx, observer)


def compile_intent(
    intent: Intent, ctx: CompileContext, *, name: str | None = None, observer: Observer | None = None
) -> Compiled:
    """Compile an Intent that some engine, or a task under `also`, has made."""
    state = Compiled(text=intent.text, name=name, intent=intent, report=_outcome(intent))
    return _run(FROM_ENGLISH[1:], state, ctx, observer) if intent.outcome == "program" else state


def _run(
    stages: tuple[tuple[str, Stage], ...], state: Compiled, ctx: CompileContext, observer: Observer | None
) -> Compiled:
    for name, stage in stages:
        state, report = stage(state, ctx)
        state = replace(state, report=state.report + report, program=state.program if report.ok else None)
        if observer is not None:
            observer(name, state)
        if not report.ok:
            break
    return state


def context_digest(ctx: CompileContext) -> str:
    """SHA-256 over all that a compile may depend on, hexadecimal; the catalog goes in by its own digest."""
    held = replace(ctx, catalog=replace(ctx.catalog, services=()))
    return hashlib.sha256(msgspec.json.encode(held, order="deterministic")).hexdigest()


def seal_compiled(
    compiled: Compiled, ctx: CompileContext, key: SigningKey, *, approver: str, practice: bool = False
) -> Artifact:
    """The signed artifact of a compile.

    Raises: CompileError when there is no program, or when an account it needs is missing and it is not for practice.
    """
    from eyeflow.diagnostics import Severity  # noqa: PLC0415

    program = compiled.require()
    missing = compiled.report.of(Severity.CONNECT)
    if missing and not practice:
        raise CompileError("connect", missing[0].message, compiled.report, hint=missing[0].hint)
    return seal(program, envelope_of(compiled, ctx, approver=approver, practice=practice), key)


def envelope_of(compiled: Compiled, ctx: CompileContext, *, approver: str = "", practice: bool = False) -> Envelope:
    """What surrounds the program of a compile, before it is signed: `seal` sets digest, key and signature.

    Raises: CompileError when there is no program.
    """
    compiled.require()
    assert compiled.plan is not None, "a program has a plan"
    return Envelope(
        program_digest="",
        source=compiled.text if compiled.intent is None else "",
        sentence=compiled.text if compiled.intent is not None else "",
        places=places(compiled.plan.task),
        context_digest=context_digest(ctx),
        catalog_digest=ctx.catalog.digest,
        approver=approver,
        compiler=VERSION,
        practice=practice,
    )
