"""A `Task` as canonical LLM-IR text.

Knows: the order of lines, where blank lines stand, when text becomes a block. In: a `Task`. Out: text that `parse`
reads back to `strip(task)`. Never: checks; a task that names values by reserved words cannot be spelled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from eyeflow.ir.expr import Convert, Entry, Expr, ListExpr, Lit, ObjectExpr, Template
from eyeflow.ir.task import (
    Action,
    Approval,
    Block,
    Body,
    Conditional,
    ConnectorCall,
    Emit,
    Event,
    Fallback,
    ForEach,
    HttpCall,
    Log,
    Manual,
    Once,
    Respond,
    Retry,
    Schedule,
    Subtask,
    Task,
    Topic,
    Transform,
    Trigger,
    Wait,
    Webhook,
)
from eyeflow.ir.text.durations import print_duration, print_window
from eyeflow.ir.text.expressions import print_entries, print_expression
from eyeflow.ir.text.schedules import print_short
from eyeflow.ir.text.strings import escape, print_template, quote, quote_block
from eyeflow.ir.text.types import print_fields, print_key, print_type
from eyeflow.ir.text.vocabulary import is_reserved
from eyeflow.ir.text.words import is_dotted, is_name
from eyeflow.values import Field, Value


class _Page:
    """Lines under construction, each with its depth."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def put(self, depth: int, text: str) -> None:
        self.lines.append("  " * depth + text if text else "")

    def maybe(self, depth: int, word: str, value: object, spell: Callable[..., str] = str) -> None:
        """A line `word value`, unless value is None."""
        if value is not None:
            self.put(depth, f"{word} {spell(value)}")

    def expression(self, depth: int, word: str, expr: Expr | None) -> None:
        """A line `word expr`; text of several lines as a block."""
        if expr is not None:
            self.put(depth, f"{word} {_spread(expr, depth + 1)}")

    def entries(self, depth: int, word: str, entries: tuple[Entry, ...]) -> None:
        """`word { ... }`, one entry a line; nothing when there are none."""
        if not entries:
            return
        self.put(depth, f"{word} {{")
        for number, entry in enumerate(entries, 1):
            comma = "," if number < len(entries) else ""
            self.put(depth + 1, f"{print_key(entry.name)}: {_spread(entry.value, depth + 2)}{comma}")
        self.put(depth, "}")


def _spread(expr: Expr, depth: int) -> str:
    while isinstance(expr, Convert):
        expr = expr.value
    text = escape(expr.value) if isinstance(expr, Lit) and isinstance(expr.value, str) else None
    text = print_template(expr) if isinstance(expr, Template) else text
    return quote_block(text, "  " * depth) if text is not None and "\n" in text else print_expression(expr)


def _name(text: str) -> str:
    return text if is_dotted(text) and not is_reserved(text) else quote(text)


def print_task(task: Task) -> str:
    """`task` as canonical text, ending in a line break."""
    page = _Page()
    page.put(0, f"TASK {_name(task.name)}")
    page.maybe(1, "VERSION", task.version, quote)
    page.maybe(1, "DESCRIPTION", task.description, quote)
    page.maybe(1, "ZONE", task.zone, quote)
    page.maybe(1, "DEADLINE", task.deadline_ms, print_duration)
    page.maybe(1, "EXPIRES", task.expires_ms, print_duration)
    page.maybe(1, "DURABLE", task.durable)
    for field in task.inputs:
        page.put(1, _input(field))
    for trigger in task.triggers:
        page.put(1, f"TRIGGER {print_trigger(trigger)}")
        if isinstance(trigger, Webhook | Event | Topic):
            page.expression(2, "WHERE", trigger.where)
    for action in task.actions:
        page.put(0, "")
        _action(page, 1, action)
    if task.on_failure:
        page.put(0, "")
        page.put(1, "ON_FAILURE")
        _actions(page, 2, task.on_failure)
    if task.returns is not None:
        page.put(0, "")
        page.expression(1, "RETURN", task.returns)
    return "\n".join(page.lines) + "\n"


def _input(field: Field) -> str:
    optional = "?" if not field.required and field.default is None else ""
    text = f"INPUT {print_key(field.name)}{optional} {print_type(field.type)}"
    return text if field.default is None else f"{text} DEFAULT {print_expression(constant(field.default.value))}"


def constant(value: Value) -> Expr:
    """A JSON value as an expression."""
    if isinstance(value, list | tuple):
        return ListExpr(tuple(constant(item) for item in value))
    if isinstance(value, dict):
        return ObjectExpr(tuple(Entry(name, constant(inner)) for name, inner in value.items()))
    assert value is None or isinstance(value, bool | int | float | str)
    return Lit(value)


def print_trigger(trigger: Trigger) -> str:
    """What stands after `TRIGGER`, without its WHERE."""
    match trigger:
        case Schedule():
            return _schedule(trigger)
        case Once(at=at, zone=zone, missed=missed):
            text = _called("once", (quote(at), quote(zone) if zone is not None else None))
            return f"{text} MISSED {missed}" if missed else text
        case Webhook():
            path = quote(trigger.path) if trigger.method == "POST" else f"{trigger.method} {quote(trigger.path)}"
            fields = print_fields(trigger.fields) if trigger.fields else None
            return _called("webhook", (path, fields, "unsigned" if trigger.unsigned else None))
        case Event(service=service, event=event):
            dotted = is_dotted(service)
            name = (
                f"{service}.{event if is_name(event) else quote(event)}"
                if dotted
                else f"{quote(service)}, {quote(event)}"
            )
            return _called("event", (name, print_entries(trigger.params) if trigger.params else None))
        case Topic(name=name):
            return f"topic({quote(name)})"
        case Manual():
            return "manual()"


def _called(name: str, parts: Iterable[str | None]) -> str:
    return f"{name}({', '.join(part for part in parts if part is not None)})"


def _schedule(trigger: Schedule) -> str:
    short = print_short(trigger.rules[0]) if len(trigger.rules) == 1 else None
    rules = [short] if short else [f"rrule {quote(rule)}" for rule in trigger.rules]
    cron = f"cron {quote(trigger.cron)}" if trigger.cron is not None else None
    text = _called("schedule", (*rules, cron, quote(trigger.zone) if trigger.zone is not None else None))
    if trigger.start is not None:
        text += f" START {quote(trigger.start)}"
    if trigger.until is not None:
        text += f" UNTIL {quote(trigger.until)}"
    if trigger.exclude:
        text += " EXCEPT " + ", ".join(f"rrule {quote(e)}" if "=" in e else quote(e) for e in trigger.exclude)
    if trigger.missed is not None:
        text += f" MISSED {trigger.missed}"
    return text + (f" OVERLAP {trigger.overlap}" if trigger.overlap is not None else "")


def _actions(page: _Page, depth: int, actions: tuple[Action, ...]) -> None:
    for action in actions:
        _action(page, depth, action)


def _action(page: _Page, depth: int, action: Action) -> None:
    page.put(depth, f"ACTION {_name(action.name)}")
    inner = depth + 1
    page.put(inner, f"TYPE {action.do.__struct_config__.tag}")
    if action.after:
        page.put(inner, "AFTER " + ", ".join(map(_name, action.after)))
    page.expression(inner, "WHEN", action.when)
    _body(page, inner, action.do)
    page.maybe(inner, "TIMEOUT", action.timeout_ms, print_duration)
    page.maybe(inner, "RETRY", action.retry, _retry)
    if action.fallback is not None:
        _fallback(page, inner, action.fallback)
    page.maybe(inner, "ON_ERROR", action.on_error)
    page.maybe(inner, "UNCERTAIN", action.uncertain)
    page.maybe(inner, "CACHE", action.cache_ms, print_duration)
    if (rate := action.rate) is not None:
        mode = f" {rate.mode.upper()}" if rate.mode else ""
        page.put(inner, f"RATE {rate.calls}/{print_window(rate.window_ms)}{mode}")
    page.maybe(inner, "OUTPUT", action.output)


def _retry(retry: Retry) -> str:
    backoff = retry.backoff
    if backoff is None:
        return str(retry.attempts)
    parts: list[str | None] = [print_duration(backoff.first_ms)]
    if backoff.kind == "exponential" and (backoff.factor != 2.0 or backoff.max_ms is not None):
        parts.append(f"{backoff.factor:g}" if float(f"{backoff.factor:g}") == backoff.factor else repr(backoff.factor))
        parts.append(print_duration(backoff.max_ms) if backoff.max_ms is not None else None)
    return f"{retry.attempts} BACKOFF {_called(backoff.kind, parts)}"


def _fallback(page: _Page, depth: int, fallback: Fallback) -> None:
    page.put(depth, "FALLBACK" + (f" THEN {fallback.then}" if fallback.then else ""))
    page.maybe(depth + 1, "TIMEOUT", fallback.timeout_ms, print_duration)
    page.expression(depth + 1, "VALUE", fallback.value)
    _actions(page, depth + 1, fallback.actions)


def _block(page: _Page, depth: int, head: str, block: Block) -> None:
    filled = block.format is not None or block.value is not None or block.actions
    if not filled and head == "DEFAULT" and block.name is None and block.output is None:
        page.put(depth, "DEFAULT NOTHING")
        return
    page.put(depth, head if block.name is None else f"{head} {_name(block.name)}")
    page.expression(depth + 1, "FORMAT", block.format)
    page.expression(depth + 1, "VALUE", block.value)
    _actions(page, depth + 1, block.actions)
    if not filled:
        page.put(depth + 1, "NOTHING")
    page.maybe(depth + 1, "OUTPUT", block.output)


def _body(page: _Page, depth: int, body: Body) -> None:
    match body:
        case HttpCall():
            _http_call(page, depth, body)
        case ConnectorCall(connector=connector, function=function, params=params):
            page.put(depth, f"CONNECTOR {_name(connector)}")
            page.put(depth, f"FUNCTION {_name(function)}")
            page.entries(depth, "PARAMS", params)
        case Conditional(cases=cases, default=default):
            for case in cases:
                page.expression(depth, "CONDITION", case.when)
                _block(page, depth + 1, "BRANCH", case.block)
            _block(page, depth, "DEFAULT", default)
        case ForEach():
            page.put(depth, _each(body))
            _actions(page, depth, body.actions)
            page.expression(depth, "COLLECT", body.collect)
        case Subtask(task=task, params=params):
            page.put(depth, f"TASK {_name(task)}")
            page.entries(depth, "PARAMS", params)
        case Wait(for_=for_, until=until):
            page.expression(depth, "FOR", for_)
            page.expression(depth, "UNTIL", until)
        case Approval(role=role, message=message, expires_ms=expires_ms):
            page.put(depth, f"ROLE {_name(role)}")
            page.expression(depth, "MESSAGE", message)
            page.maybe(depth, "EXPIRES", expires_ms, print_duration)
        case Emit(topic=topic, value=value):
            page.put(depth, f"TOPIC {quote(topic)}")
            page.expression(depth, "VALUE", value)
        case Log(message=message):
            page.expression(depth, "MESSAGE", message)
        case Respond(status=status, body=answer):
            page.expression(depth, "STATUS", status)
            page.expression(depth, "BODY", answer)
        case Transform(value=value):
            page.expression(depth, "VALUE", value)


def _http_call(page: _Page, depth: int, call: HttpCall) -> None:
    page.put(depth, f"METHOD {call.method}")
    page.expression(depth, "URL", call.url)
    page.entries(depth, "HEADERS", call.headers)
    page.entries(depth, "QUERY", call.query)
    page.expression(depth, "BODY", call.body)
    if call.auth is not None:
        connection = f"({_name(call.auth_connection)})" if call.auth_connection is not None else ""
        page.put(depth, f"AUTH {call.auth}{connection}")
    page.maybe(depth, "EXPECT", call.expect, print_type)


def _each(loop: ForEach) -> str:
    text = f"EACH {loop.item} IN {print_expression(loop.source)}"
    if loop.where is not None:
        text += f" WHERE {print_expression(loop.where)}"
    if loop.parallel is not None:
        text += f" PARALLEL {loop.parallel}"
    return text + (f" MAX_ITEMS {loop.max_items}" if loop.max_items is not None else "")
