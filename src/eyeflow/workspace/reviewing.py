"""One request, compiled and laid out for review: a pure function, run beside the event loop.

Knows: how a `Compilation` becomes views and drafts, what a program touches, what is new against another. In: a request
and a `CompileContext`. Out: `Reviewed`, `ComparedView`. Never: reads the store, signs, keeps anything.

A program that is shown is the program that is stored: its LLM-IR must read back to the very same task, or there is
no program (`not_spellable`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Literal, TypeAlias

import msgspec

from eyeflow.catalog.connections import implicit_connection
from eyeflow.catalog.model import CompileContext, Connection, Effect, Service
from eyeflow.compilation import Compilation, compile_in, language_of, revise
from eyeflow.compiler import Compiled, Observer, compile_intent, compile_ir, envelope_of
from eyeflow.connectors.guard import rules_for
from eyeflow.diagnostics import Diagnostic, Severity
from eyeflow.frontend.intent import Intent, Refusal
from eyeflow.frontend.literals import seed_tokens
from eyeflow.frontend.readback import ASSUMED_CODES
from eyeflow.frontend.summary import summary
from eyeflow.ir.bytecode import digest, encode, encode_envelope
from eyeflow.ir.depends import actions_within
from eyeflow.ir.diff import diff
from eyeflow.ir.plan import Plan
from eyeflow.ir.task import ConnectorCall, Event, HttpCall, Task
from eyeflow.ir.text import parse, print_trigger, strip
from eyeflow.optimizer.describe import estimate_line, order_line
from eyeflow.values import Span, spell
from eyeflow.workspace.views import (
    ComparedView,
    CompileView,
    Draft,
    InputView,
    MissingAccount,
    PlanView,
    ProgramView,
    ReadbackView,
    Reviewed,
    StageView,
    Touch,
)

Language: TypeAlias = Literal["english", "ir", "intent"]
Watcher: TypeAlias = Callable[[StageView], None]

MAX_SENTENCE_CHARS: Final = 10_000
MAX_IR_CHARS: Final = 1_000_000
_EFFECTS: Final = ("pure", "read", "write", "irreversible")
_TOLD: Final = ("question", "refused")


class CompileRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be compiled. Without `language`, English is told from LLM-IR by the text itself; `intent` means that
    `text` is an Intent as JSON. `name` is the task's, or None to make one from the sentence. `change`
    says in plain English what is to be different about the program that `text` stands for.

    `{"text": "Send weather to Slack every morning at 9am", "answers": {"weather.location": "Paris"}}`
    """

    text: str
    change: str = ""
    language: Language | None = None
    name: str | None = None
    answers: dict[str, str] = {}


class ProposeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is to become live. With `practice` it runs against practice services only, and needs no account.
    A `change` with an empty `text` is made to the task `name` that runs now.

    `{"text": "Send weather to Slack every morning at 9am", "name": "morning_weather",
    "answers": {"weather.location": "Paris", "message.channel": "#general"}}`
    """

    text: str
    change: str = ""
    language: Language | None = None
    name: str | None = None
    answers: dict[str, str] = {}
    practice: bool = False

    def compiled(self) -> CompileRequest:
        """The part that is compiled."""
        return CompileRequest(
            text=self.text, change=self.change, language=self.language, name=self.name, answers=self.answers
        )


def review(request: CompileRequest, ctx: CompileContext, watcher: Watcher | None = None) -> Reviewed:
    """Compile and lay out; bad input is in the view."""
    made = _compiled(request, ctx, watcher)
    if isinstance(made, Diagnostic):
        return Reviewed(view=CompileView(outcome="errors", language=request.language or "english", findings=(made,)))
    if request.change and made.outcome == "program":
        made = _changed(made, request)
        text = made.ir if made.outcome == "program" else request.text
        request = CompileRequest(text=text, language="ir", name=request.name)
    language = request.language or language_of(request.text)
    parts = (made, *made.also)
    wrong = tuple(_unspellable(each) for each in parts if made.outcome == "program" and not _spellable(each))
    ready = made.outcome == "program" and not wrong
    drafts = _drafts(parts, request, language) if ready else ()
    view = CompileView(
        outcome="errors" if wrong else made.outcome,
        language=language,
        programs=tuple(_program(part, draft) for part, draft in zip(parts, drafts, strict=False)),
        questions=made.questions,
        refusals=made.refusals,
        missing=tuple(MissingAccount(message=found.message, how=found.hint) for found in made.missing_accounts),
        findings=(*wrong, *_findings(made)),
        intent=made.intent,
        tokens=seed_tokens(request.text) if language == "english" else (),
        summary=summary(made.intent, ctx.catalog)
        if made.intent is not None and made.intent.trigger is not None
        else "",
    )
    return Reviewed(view=view, drafts=drafts)


def compare(running: str | None, proposed: str, ctx: CompileContext) -> ComparedView:
    """What the program of LLM-IR `proposed` does that the one of `running` does not."""
    after = _task(proposed, ctx)
    if after is None:
        return ComparedView(compared=False)
    before = _task(running, ctx) if running is not None else None
    old = _touches(before, ctx) if before is not None else ()
    new = _touches(after, ctx)
    found = diff(before if before is not None else Task(name=after.name), after)
    return ComparedView(
        compared=before is not None,
        same=running == proposed,
        changes=found.changes,
        names=found.names,
        new_accounts=_added(_accounts(old), _accounts(new)),
        new_hosts=_added((host for each in old for host in each.hosts), (host for each in new for host in each.hosts)),
        new_effects=_added(_effects(old), _effects(new)),
    )


def _changed(made: Compilation, request: CompileRequest) -> Compilation:
    """The program changed as the words say, or what is asked or refused about the change."""
    if made.also:
        span = Span(0, min(len(request.change), 80))
        why = "these are several automations; change one of them"
        open_ = Intent(text=request.change, outcome="refused", refusals=(Refusal(span, request.change[:80], why),))
        return Compilation(compiled=Compiled(text=request.change, intent=open_), context=made.context)
    found = revise(made, request.change, answers=request.answers)
    if found.made is not None:
        return found.made
    if found.outcome == "errors":
        return Compilation(compiled=Compiled(text=request.change, report=found.report), context=made.context)
    open_ = Intent(
        text=request.change, outcome=found.outcome, questions=found.questions, refusals=found.refusals,
        assumptions=found.assumptions,
    )  # fmt: skip
    return Compilation(compiled=Compiled(text=request.change, intent=open_), context=made.context)


def _compiled(request: CompileRequest, ctx: CompileContext, watcher: Watcher | None) -> Compilation | Diagnostic:
    language = request.language or language_of(request.text)
    most = MAX_SENTENCE_CHARS if language == "english" else MAX_IR_CHARS
    if len(request.text) > most:
        return Diagnostic("too_large", f"a request of this kind has at most {most:,} characters")
    if any("\ud800" <= char <= "\udfff" for char in request.text):
        return Diagnostic("bad_request", "the text is not Unicode: it has a lone surrogate")
    observer = None if watcher is None else _observer(watcher)
    if language == "intent":
        return _from_intent(request, ctx, observer)
    return compile_in(
        ctx, request.text, answers=request.answers, name=request.name, language=language, observer=observer
    )


def _from_intent(request: CompileRequest, ctx: CompileContext, observer: Observer | None) -> Compilation | Diagnostic:
    try:
        intent = msgspec.json.decode(request.text, type=Intent)
    except (msgspec.MsgspecError, RecursionError) as error:
        return Diagnostic("bad_intent", f"this is no Intent: {str(error)[:200]}")
    own = compile_intent(intent, ctx, name=request.name, observer=observer)
    name = own.task.name if own.task is not None else "task"
    also = tuple(
        Compilation(compiled=compile_intent(part, ctx, name=f"{name}_{number}"), context=ctx)
        for number, part in enumerate(intent.also, 2)
    )
    return Compilation(compiled=own, context=ctx, also=also)


def _observer(watcher: Watcher) -> Observer:
    def observe(stage: str, state: Compiled) -> None:
        watcher(StageView(stage=stage, detail=_detail(stage, state)))

    return observe


def _detail(stage: str, state: Compiled) -> str:
    if stage == "understand" and state.intent is not None:
        found = state.intent
        held = {
            "action": found.actions, "assumption": found.assumptions, "question": found.questions,
            "refusal": found.refusals,
        }  # fmt: skip
        return ", ".join(_counted(len(each), name) for name, each in held.items() if each)
    if not state.report.ok:
        return _counted(len(state.report.errors), "error")
    if stage == "optimize" and state.plan is not None:
        return f"order {order_line(state.plan)}, {estimate_line(state.plan)}"
    if stage == "generate" and state.program is not None:
        return f"{len(encode(state.program))} bytes"
    return f"task {state.task.name}" if state.task is not None else ""


def _counted(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"


def _findings(made: Compilation) -> tuple[Diagnostic, ...]:
    """What people should hear, each once: what questions, refusals and the read-back say already is left out."""
    kept = dict.fromkeys(made.report.diagnostics)
    told = (*_TOLD, *ASSUMED_CODES) if made.outcome == "program" else _TOLD
    return tuple(found for found in kept if found.code not in told and found.severity is not Severity.CONNECT)


# --- programs ------------------------------------------------------------------------------------------------------


def _drafts(parts: tuple[Compilation, ...], request: CompileRequest, language: str) -> tuple[Draft, ...]:
    first = parts[0].compiled.require().task
    return tuple(_draft(part, request, language, "" if part is parts[0] else first) for part in parts)


def _draft(made: Compilation, request: CompileRequest, language: str, first: str) -> Draft:
    program = made.compiled.require()
    data = encode(program)
    return Draft(
        task=program.task, request=first, language=language, source=request.text,
        answers=msgspec.json.encode(request.answers, order="deterministic"),
        ir=made.ir, digest=digest(data), program=data,
        envelope=encode_envelope(envelope_of(made.compiled, made.context)),
        readback=msgspec.json.encode(_readback(made)),
        missing=tuple(found.message for found in made.compiled.report.of(Severity.CONNECT)),
    )  # fmt: skip


def _spellable(made: Compilation) -> bool:
    task, _ = parse(made.ir)
    assert made.task is not None, "a program has a task"
    return task is not None and strip(task) == strip(made.task)


def _unspellable(made: Compilation) -> Diagnostic:
    said = f"the task {made.compiled.require().task[:60]!a} has a name or text that LLM-IR cannot spell"
    return Diagnostic("not_spellable", said, hint="use plain names")


def _program(made: Compilation, draft: Draft) -> ProgramView:
    task, plan = made.task, made.plan
    assert task is not None and plan is not None, "a program has both"
    return ProgramView(
        task=draft.task, digest=draft.digest, ir=draft.ir, readback=_readback(made), plan=_plan(plan),
        touches=_touches(task, made.context),
        inputs=tuple(
            InputView(
                name=field.name, type=spell(field.type), required=field.required and field.default is None,
                default=None if field.default is None else field.default.json,
            )
            for field in task.inputs
        ),
        triggers=tuple(print_trigger(each) for each in task.triggers),
    )  # fmt: skip


def _readback(made: Compilation) -> ReadbackView:
    said = made.readback
    return ReadbackView(
        text=said.text(), when=said.when, steps=said.steps, limits=said.limits, next_runs=said.next_runs,
        assumed=said.assumed,
    )  # fmt: skip


def _plan(plan: Plan) -> PlanView:
    return PlanView(
        order=plan.order,
        stages=tuple(stage.actions for stage in plan.stages),
        resources={each.label: "READY" if each.ready else "IN PROCESS" for each in plan.bindings},
        estimate_ms=plan.estimate_ms,
        memory_bytes=plan.memory_bytes,
        decisions=tuple(f"{each.kind}: {each.subject} {each.choice} ({each.why})" for each in plan.decisions),
    )


# --- what is touched -----------------------------------------------------------------------------------------------


def _touches(task: Task, ctx: CompileContext) -> tuple[Touch, ...]:
    """Every account a task uses, each operation once; what computes in the process is left out."""
    return tuple(dict.fromkeys(_touched(task, ctx)))


def _touched(task: Task, ctx: CompileContext) -> Iterator[Touch]:
    for trigger in task.triggers:
        if isinstance(trigger, Event):
            yield from _of_event(trigger, ctx)
    for action in actions_within(task):
        do = action.do
        if isinstance(do, ConnectorCall | HttpCall) and do.bound is not None:
            service = ctx.catalog.service(do.bound.service)
            capability = service.capability(do.bound.capability) if service is not None else None
            if service is None or capability is None or capability.effect == "pure":
                continue
            account = _account(service, do.bound.connection, ctx)
            yield _touch(service, account, capability.name, capability.summary, capability.effect)


def _of_event(trigger: Event, ctx: CompileContext) -> Iterator[Touch]:
    known = next((each for each in ctx.connections if each.name == trigger.service), None)
    service = ctx.catalog.service(known.service if known is not None else trigger.service)
    kind = service.trigger(trigger.event) if service is not None else None
    if service is not None and kind is not None:
        own = [each for each in ctx.connections if each.service == service.id]
        account = known or (own[0] if len(own) == 1 else implicit_connection(service))
        yield _touch(service, account, kind.name, kind.summary, "read")


def _account(service: Service, name: str, ctx: CompileContext) -> Connection:
    found = next((each for each in ctx.connections if each.name == name), None)
    return found or implicit_connection(service)


def _touch(service: Service, account: Connection, operation: str, said: str, effect: Effect) -> Touch:
    rules = rules_for(service, account)
    return Touch(
        service=service.id, title=service.title, account=account.name, operation=operation, summary=said,
        effect=effect,
        hosts=tuple(sorted(set(rules.narrowed or rules.hosts))),
        connected=account.credential is not None or not service.needs_credential,
    )  # fmt: skip


def _accounts(touches: tuple[Touch, ...]) -> Iterator[str]:
    return (f"{each.title} ({each.account})" for each in touches)


def _effects(touches: tuple[Touch, ...]) -> Iterator[str]:
    return (f"{each.title}: {each.summary or each.operation}" for each in touches if each.effect not in _EFFECTS[:2])


def _added(before: Iterator[str], after: Iterator[str]) -> tuple[str, ...]:
    known = set(before)
    return tuple(dict.fromkeys(each for each in after if each not in known))


def _task(text: str, ctx: CompileContext) -> Task | None:
    """The checked task of LLM-IR text, or None when it does not check any more."""
    made = compile_ir(text, ctx)
    return made.task if made.program is not None else None
