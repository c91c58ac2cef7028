"""Tasks said in English: triggers, actions, what if it fails.

Knows: `TRIGGERS` and `BODIES`, one sayer per node type of `ir.task`. In: a checked Task and the context.
Out: `Readback`: the sentences, what is touched, the next runs. Never: an unknown node in silence (a KeyError is a bug).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from eyeflow.catalog.model import Capability, CompileContext
from eyeflow.frontend.intent import NEXT_DAY_AT
from eyeflow.frontend.readback.expressions import Roots, condition, path, quoted, template, value
from eyeflow.frontend.readback.naming import root_word, to_be_named
from eyeflow.ir import task as ir
from eyeflow.ir.depends import actions_within
from eyeflow.ir.expr import Call, Convert, Entry, Expr, Lit, Ref, Template
from eyeflow.ir.text import parse_expression, print_expression
from eyeflow.recurrence import Recurrence, describe, read_moment, upcoming, zone_of
from eyeflow.values import Field

_INDENT = "  "
_CLOCK_IN: Final = re.compile(r"\d\d:\d\d")


class Readback(msgspec.Struct, frozen=True, kw_only=True):
    """`when` says what starts the task, `steps` what it does (indented by nesting), `limits` its deadline and
    durability, `touches` the accounts and effects, `next_runs` the coming fires in UTC (none for other triggers),
    `assumed` what nobody said, as `slot = value (where it comes from)`."""

    when: str
    steps: tuple[str, ...]
    limits: tuple[str, ...] = ()
    touches: tuple[str, ...] = ()
    next_runs: tuple[datetime, ...] = ()
    assumed: tuple[str, ...] = ()

    def text(self) -> str:
        """The whole as one text, a line per step."""
        return "\n".join((self.when, *(f"{_INDENT}{s}" for s in self.steps), *self.limits))


def read_back(task: ir.Task, ctx: CompileContext, *, runs: int = 3, assumed: tuple[str, ...] = ()) -> Readback:
    """`task` in plain English; `runs` next fire times are worked out from the context's now. `assumed` is what the
    stages before took for granted (`assumptions` has the words)."""
    said = [TRIGGERS[type(t)](t, ctx) for t in task.triggers] or ["When somebody runs it"]
    roots = _roots(task)
    zone = task.zone or next((t.zone for t in task.triggers if isinstance(t, ir.Schedule) and t.zone), "UTC")
    told = _Telling(ctx, zone, {a.name: _called(a)[4:] for a in actions_within(task)}, to_be_named(task))
    steps = _actions(task.actions, roots, told, 0)
    done = _known(task.actions, roots)
    if task.returns is not None:
        steps.append(f"answer with {value(task.returns, done)}")
    if task.on_failure:
        steps.append("if the task fails:")
        steps += _actions(task.on_failure, done, told, 1)
    return Readback(
        when=" and ".join([said[0], *(s[0].lower() + s[1:] for s in said[1:])]) + _inputs(task) + ":",
        steps=tuple(steps),
        limits=_limits(task),
        touches=_touches(task, ctx),
        next_runs=_next(task, ctx, runs),
        assumed=assumed,
    )


def _inputs(task: ir.Task) -> str:
    if not task.inputs:
        return ""
    said = ", ".join(_input(field) for field in task.inputs)
    return f", given {said}"


def _input(field: Field) -> str:
    name = field.name.replace("_", " ")
    if field.default is not None:
        return f"{name} ({field.default.json} when left out)"
    return name if field.required else f"{name} (may be left out)"


def _roots(task: ir.Task) -> dict[str, str]:
    roots = {"trigger": "the event", "input": "the input", "me": "me", "now": "the present time"}
    for trigger in task.triggers:
        if isinstance(trigger, ir.Event):
            roots["trigger"] = f"the {root_word(trigger.event)}"
        elif isinstance(trigger, ir.Webhook):
            roots["trigger"] = "the request"
        elif isinstance(trigger, ir.Topic):
            roots["trigger"] = "the message"
    return roots


# --- triggers ------------------------------------------------------------------------------------------------------


def recurrence(schedule: ir.Schedule) -> Recurrence:
    """The schedule as the recurrence room takes it."""
    return Recurrence(
        rules=schedule.rules, cron=schedule.cron, zone=schedule.zone or "UTC", start=schedule.start,
        until=schedule.until, exclude=schedule.exclude, anchor=schedule.anchor,
    )  # fmt: skip


def _schedule(trigger: ir.Schedule, ctx: CompileContext) -> str:
    text = describe(recurrence(trigger))
    if trigger.missed in ("run_all", "skip"):
        text += {"run_all": ", every missed time made up for", "skip": ", missed times left out"}[trigger.missed]
    if trigger.overlap in ("queue", "cancel"):
        text += {"queue": ", one after the other", "cancel": ", a new run stops the old one"}[trigger.overlap]
    return text


def _once(trigger: ir.Once, ctx: CompileContext) -> str:
    missed = ", not later when that was missed" if trigger.missed == "skip" else ""
    return f"Once, at {trigger.at.replace('T', ' ')} ({trigger.zone or 'UTC'}){missed}"


def _where(where: Expr | None, root: str) -> str:
    return f", if {condition(where, {'trigger': root})}" if where is not None else ""


def _webhook(trigger: ir.Webhook, ctx: CompileContext) -> str:
    fields = ", ".join(f.name for f in trigger.fields)
    what = f" with {fields}" if fields else ""
    unsigned = ", from anyone (unsigned)" if trigger.unsigned else ""
    return (
        f"When {trigger.path} receives a {trigger.method} request{what}{unsigned}{_where(trigger.where, 'the request')}"
    )


def _event(trigger: ir.Event, ctx: CompileContext) -> str:
    connection = next((c for c in ctx.connections if c.name == trigger.service), None)
    service = ctx.catalog.service(connection.service if connection is not None else trigger.service)
    kind = service.trigger(trigger.event) if service is not None else None
    summary = kind.summary if kind is not None else trigger.event.replace("_", " ")
    title = service.title if service is not None else trigger.service
    if service is not None and trigger.service != service.id:
        title += f", account {trigger.service}"
    root = f"the {root_word(trigger.event)}"
    params = "".join(f", {e.name.replace('_', ' ')} {value(e.value, {})}" for e in trigger.params)
    return f"When {summary[0].lower()}{summary[1:].rstrip('.')} ({title}{params}){_where(trigger.where, root)}"


def _topic(trigger: ir.Topic, ctx: CompileContext) -> str:
    return f"When a message arrives on {trigger.name}{_where(trigger.where, 'the message')}"


def _manual(trigger: ir.Manual, ctx: CompileContext) -> str:
    return "When somebody runs it"


TRIGGERS: Final[Mapping[type[Any], Callable[[Any, CompileContext], str]]] = {
    ir.Schedule: _schedule,
    ir.Once: _once,
    ir.Webhook: _webhook,
    ir.Event: _event,
    ir.Topic: _topic,
    ir.Manual: _manual,
}


# --- actions -------------------------------------------------------------------------------------------------------


class _Telling(msgspec.Struct, frozen=True, eq=False):
    """The context, the task's zone, what actions are called by their names, and those whose line has to say it."""

    ctx: CompileContext
    zone: str
    called: Mapping[str, str]
    named: frozenset[str]


class _Say(msgspec.Struct, frozen=True, eq=False):
    """What a sayer gets: the action, what roots are called, what is known of the task, and how deep it stands."""

    action: ir.Action
    roots: dict[str, str]
    told: _Telling
    depth: int

    @property
    def ctx(self) -> CompileContext:
        """The context."""
        return self.told.ctx

    @property
    def name(self) -> str:
        """`, called weather 2` where the line has to say it."""
        return f", called {_called(self.action)[4:]}" if self.action.name in self.told.named else ""


def _actions(actions: tuple[ir.Action, ...], roots: dict[str, str], told: _Telling, depth: int) -> list[str]:
    lines: list[str] = []
    for number, action in enumerate(actions):
        lines += _action(action, _known(actions[:number], roots), told, depth)
    return lines


def _known(actions: tuple[ir.Action, ...], roots: dict[str, str]) -> dict[str, str]:
    """What roots are called after `actions`."""
    return {**roots, **{action.output: _called(action) for action in actions if action.output is not None}}


def _called(action: ir.Action) -> str:
    return "the " + (action.output or action.name).replace("_", " ")


def _action(action: ir.Action, roots: dict[str, str], told: _Telling, depth: int) -> list[str]:
    pad = _INDENT * depth
    head, inner = BODIES[type(action.do)](action.do, _Say(action, roots, told, depth))
    when = f"if {condition(action.when, roots)}, " if action.when is not None else ""
    after = f" (after {', '.join(told.called.get(a, a) for a in action.after)})" if action.after else ""
    lines = [f"{pad}{when}{head}{after}{_policy(action)}{_timeout(action, told.ctx)}", *inner]
    if action.fallback is not None:
        lines += _fallback(action.fallback, roots, told, depth)
    if action.on_error == "continue":
        lines.append(f"{pad}  if that fails, go on without it")
    return lines


def _fallback(fallback: ir.Fallback, roots: dict[str, str], told: _Telling, depth: int) -> list[str]:
    pad = _INDENT * (depth + 1)
    end = " and then stop" if fallback.then == "stop" else ""
    if fallback.timeout_ms is not None and fallback.actions:
        end = f", for at most {span(fallback.timeout_ms)}{end}"
    if fallback.value is not None:
        return [f"{pad}if that fails, use {value(fallback.value, roots)} instead{end}"]
    return [f"{pad}if that fails{end}:", *_actions(fallback.actions, roots, told, depth + 2)]


def _timeout(action: ir.Action, ctx: CompileContext) -> str:
    """How long one attempt may take, where that is not what the catalog says of the capability."""
    if action.timeout_ms is None:
        return ""
    bound = action.do.bound if isinstance(action.do, ir.ConnectorCall | ir.HttpCall) else None
    service = ctx.catalog.service(bound.service) if bound is not None else None
    capability = service.capability(bound.capability) if service is not None and bound is not None else None
    if capability is not None and capability.timeout_ms == action.timeout_ms:
        return ""
    return f", giving up after {span(action.timeout_ms)}"


def _pause(back: ir.Backoff | None) -> str:
    if back is None:
        return ""
    if back.kind == "fixed":
        return f", {span(back.first_ms)} apart"
    most = f", at most {span(back.max_ms)}" if back.max_ms is not None else ""
    return f", first {span(back.first_ms)} apart, then {back.factor:g} times longer each time{most}"


def _policy(action: ir.Action) -> str:
    said = ""
    if action.retry is not None and action.retry.attempts > 1:
        said += f", trying up to {action.retry.attempts} times{_pause(action.retry.backoff)}"
    if action.rate is not None:
        refuse = ", refusing more" if action.rate.mode == "refuse" else ""
        said += f", at most {action.rate.calls} in {span(action.rate.window_ms)}{refuse}"
    if action.cache_ms:
        said += f", using an answer again for {span(action.cache_ms)}"
    if action.uncertain in ("retry", "ask"):
        said += {
            "retry": ", again when it is not known whether it worked",
            "ask": ", asking when it is not known whether it worked",
        }[action.uncertain]
    return said


def span(ms: int) -> str:
    """Milliseconds as people say them: `90000` is `90 seconds`, `3600000` is `1 hour`."""
    for unit, size in (("day", 86_400_000), ("hour", 3_600_000), ("minute", 60_000), ("second", 1_000)):
        if ms and ms % size == 0:
            count = ms // size
            return f"{count} {unit}{'s' if count != 1 else ''}"
    return f"{ms} ms"


def _params(entries: tuple[Entry, ...], roots: Roots) -> str:
    return ", ".join(f"{e.name.replace('_', ' ')} {_param(e.value, roots)}" for e in entries)


def _param(expr: Expr, roots: Roots) -> str:
    if isinstance(expr, Convert):
        return _param(expr.value, roots)
    if isinstance(expr, Template) and all(isinstance(p, str) for p in expr.parts):
        return quoted("".join(str(p) for p in expr.parts))
    if isinstance(expr, Template):
        return template(expr.parts, roots)
    return path(expr, roots) if isinstance(expr, Ref) else value(expr, roots)


_Said = tuple[str, list[str]]


def _connector(do: ir.ConnectorCall, say: _Say) -> _Said:
    bound = do.bound
    service = say.ctx.catalog.service(bound.service if bound else do.connector)
    capability = service.capability(bound.capability if bound else do.function) if service is not None else None
    title = service.title if service is not None else do.connector
    account = f", account {bound.connection}" if bound is not None and bound.connection != bound.service else ""
    params = _params(do.params, say.roots)
    if capability is not None and not account:
        words = capability_words(capability, title)
    else:
        summary = capability.summary if capability is not None else do.function.replace("_", " ")
        words = f"{_lower(summary)} ({title}{account})"
    return words + say.name + (f": {params}" if params else ""), []


def capability_words(capability: Capability, title: str) -> str:
    """What a call is called: `send a message to a channel (Slack)`."""
    return f"{_lower(capability.summary)} ({title})"


_ARTICLES = ("the", "a", "an", "all", "today's")
"""A summary that begins so names a thing; what is done is to get it."""


def _lower(summary: str) -> str:
    text = summary.rstrip(".")
    text = text if text[:2].isupper() else text[0].lower() + text[1:]
    return f"get {text}" if text.split(" ", 1)[0] in _ARTICLES else text


def _http(do: ir.HttpCall, say: _Say) -> _Said:
    auth = f", as {do.auth_connection}" if do.auth_connection else ""
    body = f", sending {value(do.body, say.roots)}" if do.body is not None else ""
    extra = "".join(
        f", {what} {_params(entries, say.roots)}"
        for what, entries in (("query", do.query), ("headers", do.headers))
        if entries
    )
    return f"{do.method} {_param(do.url, say.roots)}{extra}{body}{auth}{say.name}", []


def _conditional(do: ir.Conditional, say: _Say) -> _Said:
    lines: list[str] = []
    pad = _INDENT * (say.depth + 1)
    for case in do.cases:
        lines += _block(f"{pad}if {condition(case.when, say.roots)}: ", case.block, say)
    empty = not (do.default.actions or do.default.value is not None or do.default.format is not None)
    lines += [f"{pad}otherwise nothing"] if empty else _block(f"{pad}otherwise: ", do.default, say)
    return f"choose the first that holds{say.name}", lines


def _block(lead: str, block: ir.Block, say: _Say) -> list[str]:
    if block.format is not None:
        return [lead + "the text " + template(block.format.parts, say.roots)]
    if block.value is not None:
        return [lead + value(block.value, say.roots)]
    if not block.actions:
        return [lead + "nothing"]
    inner = _actions(block.actions, say.roots, say.told, say.depth + 2)
    return [lead.rstrip(), *inner]


def _transform(do: ir.Transform, say: _Say) -> _Said:
    return f"work out {value(do.value, say.roots)}, called {_called(say.action)[4:]}", []


def _foreach(do: ir.ForEach, say: _Say) -> _Said:
    roots = {**say.roots, do.item: f"the {do.item.replace('_', ' ')}"}
    where = f" where {condition(do.where, roots)}" if do.where is not None else ""
    speed = f", {do.parallel} at a time" if do.parallel and do.parallel > 1 else ", one at a time"
    most = f", at most {do.max_items:,}" if do.max_items is not None else ""
    inner = _actions(do.actions, roots, say.told, say.depth + 1)
    if do.collect is not None:
        inner.append(f"{_INDENT * (say.depth + 1)}keep {value(do.collect, _known(do.actions, roots))}")
    return (
        f"for each {do.item.replace('_', ' ')} of {value(do.source, say.roots)}{where}{speed}{most}{say.name}:",
        inner,
    )


def _subtask(do: ir.Subtask, say: _Say) -> _Said:
    params = _params(do.params, say.roots)
    return f"run the task {do.task}" + (f" with {params}" if params else ""), []


def _wait(do: ir.Wait, say: _Say) -> _Said:
    if do.for_ is not None:
        return f"wait {value(do.for_, say.roots)}{say.name}", []
    assert do.until is not None
    clock = _next_day(do.until, say.told.zone)
    if clock is not None:
        return f"wait until {clock} the next day{say.name}", []
    return f"wait until {value(do.until, say.roots)}{say.name}", []


def _next_day(until: Expr, zone: str) -> str | None:
    """`09:00` of an expression for that time on the day after, in the task's own zone."""
    plain = _unzoned(until, zone)
    clock = _CLOCK_IN.search(print_expression(plain))
    wanted = parse_expression(NEXT_DAY_AT.format(clock[0]))[0] if clock is not None else None
    same = wanted is not None and print_expression(plain) == print_expression(wanted)
    return clock[0] if clock is not None and same else None


def _unzoned(expr: Expr, zone: str) -> Expr:
    """The expression without the zone of the task, which the checker adds to functions of dates."""
    match expr:
        case Convert(value=inner):
            return _unzoned(inner, zone)
        case Call(name="FORMAT_DATE" | "DATE_ADD" as name, args=args):
            most = {"FORMAT_DATE": 2, "DATE_ADD": 3}[name]
            plain = tuple(_unzoned(arg, zone) for arg in args)
            return Call(name, plain[:most] if plain[most:] == (Lit(zone),) else plain)
        case Lit(value=held):
            return Lit(held)
        case Template(parts=(str(text),)):
            return Lit(text)
        case Ref(root=root, path=path):
            return Ref(root, path)
    return expr


def _approval(do: ir.Approval, say: _Say) -> _Said:
    expires = f", within {span(do.expires_ms)}" if do.expires_ms is not None else ""
    return f"ask {do.role} to approve{expires}{say.name}: {_param(do.message, say.roots)}", []


def _emit(do: ir.Emit, say: _Say) -> _Said:
    return f"publish {value(do.value, say.roots)} on {do.topic}", []


def _log(do: ir.Log, say: _Say) -> _Said:
    return f"write to the log: {_param(do.message, say.roots)}", []


def _respond(do: ir.Respond, say: _Say) -> _Said:
    status = f" with status {value(do.status, say.roots)}" if do.status is not None else ""
    body = f": {_param(do.body, say.roots)}" if do.body is not None else ""
    return f"answer the caller{status}{body}", []


BODIES: Final[Mapping[type[Any], Callable[[Any, _Say], _Said]]] = {
    ir.ConnectorCall: _connector, ir.HttpCall: _http, ir.Conditional: _conditional, ir.Transform: _transform,
    ir.ForEach: _foreach, ir.Subtask: _subtask, ir.Wait: _wait, ir.Approval: _approval, ir.Emit: _emit, ir.Log: _log,
    ir.Respond: _respond,
}  # fmt: skip


# --- around it -----------------------------------------------------------------------------------------------------


def _limits(task: ir.Task) -> tuple[str, ...]:
    said = []
    if task.deadline_ms is not None:
        said.append(f"It gives up after {span(task.deadline_ms)} of work.")
    if task.expires_ms is not None:
        said.append(f"A run ends at the latest {span(task.expires_ms)} after it began.")
    return tuple(said)


_EFFECTS = {"pure": "computes", "read": "reads", "write": "changes", "irreversible": "changes for good"}


def _touches(task: ir.Task, ctx: CompileContext) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for action in actions_within(task):
        do = action.do
        if not isinstance(do, ir.ConnectorCall | ir.HttpCall) or do.bound is None:
            continue
        service = ctx.catalog.service(do.bound.service)
        capability: Capability | None = service.capability(do.bound.capability) if service is not None else None
        if service is not None and capability is not None and capability.effect != "pure":
            found[f"{_EFFECTS[capability.effect]} {service.title}: {capability.summary}"] = None
    return tuple(found)


def _next(task: ir.Task, ctx: CompileContext, runs: int) -> tuple[datetime, ...]:
    fires: set[datetime] = set()
    for trigger in task.triggers:
        if isinstance(trigger, ir.Schedule):
            fires.update(upcoming(recurrence(trigger), ctx.now, runs))
        elif isinstance(trigger, ir.Once):
            at = read_moment(trigger.at, zone_of(trigger.zone or "UTC"))
            if at > ctx.now:
                fires.add(at)
    return tuple(sorted(fires)[:runs])
