"""What can be said of a task, a trigger and an action, one by one.

Knows: every field of every node, and what kind of thing it is. In: nodes of a checked Task and a `Speller`.
Out: `Facet`s. Never: compares, forgets a field that a run can notice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, TypeAlias

import msgspec

from eyeflow.ir import task as ir
from eyeflow.ir.diff.canonical import Speller
from eyeflow.ir.expr import Entry, Expr
from eyeflow.ir.text import print_trigger, print_type
from eyeflow.recurrence import Recurrence, describe
from eyeflow.values import Field

Area: TypeAlias = Literal["trigger", "effect", "data", "condition", "order", "policy", "name"]


class Facet(msgspec.Struct, frozen=True):
    """One thing that is so. Equal `key` means the same; `shown` is for people, "" when it is not given at all."""

    area: Area
    what: str
    key: str
    shown: str


def trigger_facets(trigger: ir.Trigger, spell: Speller) -> Iterator[Facet]:
    """What is so of one trigger; the first facet says what it waits for."""
    yield Facet("trigger", "starts", *_waits_for(trigger, spell))
    if isinstance(trigger, ir.Schedule | ir.Once):
        yield plain("policy", "MISSED", trigger.missed)
    if isinstance(trigger, ir.Schedule):
        yield plain("policy", "OVERLAP", trigger.overlap)
    if isinstance(trigger, ir.Webhook):
        fields = sorted(f"{f.name}{'' if f.required else '?'}: {print_type(f.type)}" for f in trigger.fields)
        yield plain("data", "fields", ", ".join(fields))
        yield plain("policy", "signature", "not asked for" if trigger.unsigned else "asked for")
    if isinstance(trigger, ir.Event):
        yield from _entries("trigger", trigger.params, spell)
    if isinstance(trigger, ir.Webhook | ir.Event | ir.Topic):
        yield _facet("condition", "WHERE", trigger.where, spell)


def _waits_for(trigger: ir.Trigger, spell: Speller) -> tuple[str, str]:
    match trigger:
        case ir.Schedule():
            spec = Recurrence(
                rules=trigger.rules, cron=trigger.cron, zone=trigger.zone or "UTC", start=trigger.start,
                until=trigger.until, exclude=trigger.exclude, anchor=trigger.anchor,
            )  # fmt: skip
            rules = sorted(";".join(sorted(_parts(rule))) for rule in trigger.rules)
            # An anchor is only counted from where a rule steps over days.
            anchor = trigger.anchor if any("INTERVAL=" in rule for rule in rules) and not trigger.start else None
            key = repr((rules, spec.cron, spec.zone, spec.start, spec.until, sorted(spec.exclude), anchor))
            said = describe(spec)
            return key, f"{said[0].lower()}{said[1:]}"
        case ir.Once(at=at, zone=zone):
            return repr((at, zone)), f"once, at {at.replace('T', ' ')} ({zone or 'UTC'})"
        case ir.Webhook(path=path, method=method):
            return repr((path, method)), f"when {path} receives a {method} request"
        case ir.Event(service=service, event=event):
            return repr((service, event)), f"at {service}.{event}"
        case ir.Topic(name=name):
            return repr(name), f"at a message on {name}"
        case ir.Manual():
            return "manual", f"by hand: {print_trigger(trigger)}"


def _parts(rule: str) -> Iterator[str]:
    for part in rule.removeprefix("RRULE:").upper().split(";"):
        name, _, values = part.partition("=")
        if part and part != "INTERVAL=1":
            yield f"{name}={','.join(sorted(values.split(',')))}"


def task_facets(task: ir.Task, spell: Speller) -> Iterator[Facet]:
    """What is so of the whole, triggers and actions aside."""
    yield plain("name", "name", task.name)
    for word, ms in (("DEADLINE", task.deadline_ms), ("EXPIRES", task.expires_ms)):
        yield _time("policy", word, ms)
    yield plain("policy", "DURABLE", task.durable)
    yield plain("data", "ZONE", task.zone)
    for field in task.inputs:
        yield plain("data", f"INPUT {field.name}", _input(field))
    yield _facet("data", "RETURN", task.returns, spell)


def _input(field: Field) -> str:
    given = "" if field.default is None else f" DEFAULT {field.default.json}"
    return f"{print_type(field.type)}{'' if field.required or given else ', optional'}{given}"


def action_facets(action: ir.Action, spell: Speller) -> Iterator[Facet]:
    """What is so of one action; what it waits for, and actions inside it, aside."""
    yield target_facet(action)
    yield from _body(action.do, spell)
    yield _facet("condition", "WHEN", action.when, spell)
    yield _time("policy", "TIMEOUT", action.timeout_ms)
    yield plain("policy", "RETRY", _retry(action.retry))
    if action.fallback is not None:
        yield _facet("policy", "FALLBACK", action.fallback.value, spell)
        yield plain("policy", "FALLBACK THEN", action.fallback.then)
        yield _time("policy", "FALLBACK TIMEOUT", action.fallback.timeout_ms)
    yield plain("policy", "ON_ERROR", action.on_error)
    yield plain("policy", "UNCERTAIN", action.uncertain)
    yield _time("policy", "CACHE", action.cache_ms)
    rate = action.rate
    yield plain("policy", "RATE", f"{rate.calls} in {rate.window_ms} ms, {rate.mode or 'queue'}" if rate else None)


def target(action: ir.Action) -> tuple[str, str]:
    """The service and capability that an action calls, else its type and what that type is about; and the account."""
    match action.do:
        case ir.ConnectorCall(bound=bound) | ir.HttpCall(bound=bound) if bound is not None:
            return f"{bound.service}.{bound.capability}", bound.connection
        case ir.HttpCall(method=method):
            return f"http_call {method}", ""
        case ir.ConnectorCall(connector=connector, function=function):
            return f"{connector}.{function}", ""
        case ir.Subtask(task=task):
            return f"task {task}", ""
        case ir.Emit(topic=topic):
            return f"emit {topic}", ""
        case body:
            return str(body.__struct_config__.tag), ""


def target_facet(action: ir.Action) -> Facet:
    """What the action does, as one facet."""
    name, account = target(action)
    return Facet("effect", "calls", f"{name} {account}", f"{name} as {account}" if account else name)


def _body(do: ir.Body, spell: Speller) -> Iterator[Facet]:
    match do:
        case ir.HttpCall(bound=bound, params=params) if bound is not None:
            yield from _entries("data", params, spell)
        case ir.HttpCall():
            yield _facet("effect", "URL", do.url, spell)
            yield from _entries("data", do.query, spell, "QUERY ")
            yield from _entries("data", do.headers, spell, "HEADERS ")
            yield _facet("data", "BODY", do.body, spell)
            yield plain("policy", "AUTH", " ".join(filter(None, (do.auth, do.auth_connection))))
            yield plain("data", "EXPECT", print_type(do.expect) if do.expect is not None else None)
        case ir.ConnectorCall(params=params) | ir.Subtask(params=params):
            yield from _entries("data", params, spell)
        case ir.Transform(value=value) | ir.Emit(value=value):
            yield _facet("data", "VALUE", value, spell)
        case ir.ForEach():
            yield _facet("data", "IN", do.source, spell)
            yield plain("policy", "PARALLEL", do.parallel)
            yield plain("policy", "MAX_ITEMS", do.max_items)
        case ir.Wait():
            yield _facet("policy", "FOR", do.for_, spell)
            yield _facet("policy", "UNTIL", do.until, spell)
        case ir.Approval():
            yield plain("policy", "ROLE", do.role)
            yield _facet("data", "MESSAGE", do.message, spell)
            yield _time("policy", "EXPIRES", do.expires_ms)
        case ir.Log(message=message):
            yield _facet("data", "MESSAGE", message, spell)
        case ir.Respond():
            yield _facet("data", "STATUS", do.status, spell)
            yield _facet("data", "BODY", do.body, spell)
        case ir.Conditional():
            pass  # its branches are compared one by one


def item_facets(loop: ir.ForEach, spell: Speller) -> Iterator[Facet]:
    """What a loop says about its item; `spell` knows what the item is called."""
    yield _facet("condition", "WHERE", loop.where, spell)
    yield _facet("data", "COLLECT", loop.collect, spell)


def value_facet(block: ir.Block, spell: Speller) -> Facet:
    """The value of a branch that holds no actions."""
    return _facet("data", "value", block.format if block.format is not None else block.value, spell)


def _entries(area: Area, entries: Iterable[Entry], spell: Speller, lead: str = "") -> Iterator[Facet]:
    for entry in entries:
        yield _facet(area, f"{lead}{entry.name}", entry.value, spell)


def _facet(area: Area, what: str, expr: Expr | None, spell: Speller) -> Facet:
    return Facet(area, what, spell.key(expr), spell.shown(expr))


def plain(area: Area, what: str, value: object) -> Facet:
    """A facet of something that is no expression; None and "" are: not given."""
    text = "" if value is None else str(value)
    return Facet(area, what, text, text)


def _time(area: Area, what: str, ms: int | None) -> Facet:
    return plain(area, what, None if ms is None else f"{ms / 1000:g} s" if ms >= 1000 else f"{ms} ms")


def _retry(retry: ir.Retry | None) -> str | None:
    if retry is None:
        return None
    back = retry.backoff
    if back is None:
        return f"{retry.attempts} attempts"
    growth = f", times {back.factor:g}" if back.kind == "exponential" else ""
    most = f", at most {back.max_ms} ms" if back.max_ms is not None else ""
    return f"{retry.attempts} attempts, {back.first_ms} ms apart{growth}{most}"
