"""What a task does, said in English: a line per action, indented by nesting.

Knows: `BODIES`, one sayer per kind of action of `ir.task`; policies, fallbacks, order. In: checked actions and what
things in reach are called. Out: lines. Never: an unknown node in silence (a KeyError is a bug).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from eyeflow.catalog.model import Capability, CompileContext
from eyeflow.frontend.intent import NEXT_DAY_AT
from eyeflow.frontend.readback.expressions import Roots, condition, path, quoted, template, value
from eyeflow.ir import task as ir
from eyeflow.ir.expr import Call, Convert, Entry, Expr, Lit, Ref, Template
from eyeflow.ir.text import parse_expression, print_expression

INDENT: Final = "  "
_CLOCK_IN: Final = re.compile(r"\d\d:\d\d")


class Telling(msgspec.Struct, frozen=True, eq=False):
    """The context, the task's zone, what actions are called by their names, and those whose line has to say it."""

    ctx: CompileContext
    zone: str
    called: Mapping[str, str]
    named: frozenset[str]


class _Say(msgspec.Struct, frozen=True, eq=False):
    """What a sayer gets: the action, what roots are called, what is known of the task, and how deep it stands."""

    action: ir.Action
    roots: dict[str, str]
    told: Telling
    depth: int

    @property
    def ctx(self) -> CompileContext:
        """The context."""
        return self.told.ctx

    @property
    def name(self) -> str:
        """`, called weather 2` where the line has to say it."""
        return f", called {called(self.action)[4:]}" if self.action.name in self.told.named else ""


def lines_of(actions: tuple[ir.Action, ...], roots: dict[str, str], told: Telling, depth: int) -> list[str]:
    lines: list[str] = []
    for number, action in enumerate(actions):
        lines += _action(action, known_after(actions[:number], roots), told, depth)
    return lines


def known_after(actions: tuple[ir.Action, ...], roots: dict[str, str]) -> dict[str, str]:
    """What roots are called after `actions`."""
    return {**roots, **{action.output: called(action) for action in actions if action.output is not None}}


def called(action: ir.Action) -> str:
    return "the " + (action.output or action.name).replace("_", " ")


def _action(action: ir.Action, roots: dict[str, str], told: Telling, depth: int) -> list[str]:
    pad = INDENT * depth
    head, inner = BODIES[type(action.do)](action.do, _Say(action, roots, told, depth))
    when = f"if {condition(action.when, roots)}, " if action.when is not None else ""
    after = f" (after {', '.join(told.called.get(a, a) for a in action.after)})" if action.after else ""
    lines = [f"{pad}{when}{head}{after}{_policy(action)}{_timeout(action, told.ctx)}", *inner]
    if action.fallback is not None:
        lines += _fallback(action.fallback, roots, told, depth)
    if action.on_error == "continue":
        lines.append(f"{pad}  if that fails, go on without it")
    return lines


def _fallback(fallback: ir.Fallback, roots: dict[str, str], told: Telling, depth: int) -> list[str]:
    pad = INDENT * (depth + 1)
    end = " and then stop" if fallback.then == "stop" else ""
    if fallback.timeout_ms is not None and fallback.actions:
        end = f", for at most {span(fallback.timeout_ms)}{end}"
    if fallback.value is not None:
        return [f"{pad}if that fails, use {value(fallback.value, roots)} instead{end}"]
    return [f"{pad}if that fails{end}:", *lines_of(fallback.actions, roots, told, depth + 2)]


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


_UNITS: Final = (("day", 86_400_000), ("hour", 3_600_000), ("minute", 60_000), ("second", 1_000))
_MOST_COUNTED: Final = 180
"""Minutes or seconds that people count before they speak of the next unit."""


def span(ms: int) -> str:
    """Milliseconds as people say them: `90000` is `90 seconds`, `3600000` is `1 hour`, `605400000` is `7 days and 10
    minutes`."""
    for unit, size in _UNITS:
        if ms and ms % size == 0:
            count = ms // size
            if count <= _MOST_COUNTED or unit == "day":
                return f"{count:,} {unit}{'s' if count != 1 else ''}"
            large = next(each for _, each in _UNITS if each <= ms)
            return f"{span(ms - ms % large)} and {span(ms % large)}"
    return f"{ms:,} ms"


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
    pad = INDENT * (say.depth + 1)
    for case in do.cases:
        lines += _block(f"{pad}if {condition(case.when, say.roots)}: ", case.block, say)
    empty = not (do.default.actions or do.default.value is not None or do.default.format is not None)
    lines += [f"{pad}otherwise nothing"] if empty else _block(f"{pad}otherwise: ", do.default, say)
    return f"do the first of these that applies{say.name}", lines


def _block(lead: str, block: ir.Block, say: _Say) -> list[str]:
    if block.format is not None:
        return [lead + "the text " + template(block.format.parts, say.roots)]
    if block.value is not None:
        return [lead + value(block.value, say.roots)]
    if not block.actions:
        return [lead + "nothing"]
    inner = lines_of(block.actions, say.roots, say.told, say.depth + 2)
    return [lead.rstrip(), *inner]


def _transform(do: ir.Transform, say: _Say) -> _Said:
    return f"work out {value(do.value, say.roots)}, called {called(say.action)[4:]}", []


def _foreach(do: ir.ForEach, say: _Say) -> _Said:
    roots = {**say.roots, do.item: f"the {do.item.replace('_', ' ')}"}
    where = f" where {condition(do.where, roots)}" if do.where is not None else ""
    speed = f", {do.parallel} at a time" if do.parallel and do.parallel > 1 else ", one at a time"
    most = f", at most {do.max_items:,}" if do.max_items is not None else ""
    inner = lines_of(do.actions, roots, say.told, say.depth + 1)
    if do.collect is not None:
        inner.append(f"{INDENT * (say.depth + 1)}keep {value(do.collect, known_after(do.actions, roots))}")
    return (
        f"for each {do.item.replace('_', ' ')} of {value(do.source, say.roots)}{where}{speed}{most}{say.name}:",
        inner,
    )


def _subtask(do: ir.Subtask, say: _Say) -> _Said:
    params = _params(do.params, say.roots)
    return f"run the task {do.task}{say.name}" + (f" with {params}" if params else ""), []


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
    return f"ask {_role(do.role)} to approve{expires}{say.name}: {_param(do.message, say.roots)}", []


def _role(name: str) -> str:
    """A role as a person in it is spoken of: `the owner`, `an editor`."""
    if name == "owner":
        return "the owner"
    return f"{'an' if name[:1] in 'aeiou' else 'a'} {name}"


def _emit(do: ir.Emit, say: _Say) -> _Said:
    return f"publish {value(do.value, say.roots)} on {do.topic}{say.name}", []


def _log(do: ir.Log, say: _Say) -> _Said:
    return f"write to the log{say.name}: {_param(do.message, say.roots)}", []


def _respond(do: ir.Respond, say: _Say) -> _Said:
    status = f" with status {value(do.status, say.roots)}" if do.status is not None else ""
    body = f": {_param(do.body, say.roots)}" if do.body is not None else ""
    return f"answer the caller{status}{say.name}{body}", []


BODIES: Final[Mapping[type[Any], Callable[[Any, _Say], _Said]]] = {
    ir.ConnectorCall: _connector, ir.HttpCall: _http, ir.Conditional: _conditional, ir.Transform: _transform,
    ir.ForEach: _foreach, ir.Subtask: _subtask, ir.Wait: _wait, ir.Approval: _approval, ir.Emit: _emit, ir.Log: _log,
    ir.Respond: _respond,
}  # fmt: skip
