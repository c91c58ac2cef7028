"""Whether two readings of one request come to the same, and where they part.

Knows: which parts of an intent are names only. In: two intents. Out: `differences`, in words a person can choose by.
Never: prefers one.

Ids of actions and loop items are names: they are replaced by what they stand for before anything is compared. Retries,
rates and approvals are the rules' own and are left aside; spans too. A difference of order alone (`after`) is told
but is none by itself: data decides most of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec
from msgspec.structs import replace

from eyeflow.catalog.model import CompileContext
from eyeflow.frontend.engines.grounding import fold
from eyeflow.frontend.intent import Action, EventTrigger, Intent, JsonValue, Trigger, WebhookTrigger
from eyeflow.ir.expr import Bind, Call, Expr, ListExpr, Lit, ObjectExpr, Ref, Template
from eyeflow.ir.text import parse_expression, print_expression
from eyeflow.units import is_currency


class Difference(msgspec.Struct, frozen=True):
    """One place where two readings part; both sides in words, empty when a side has nothing there."""

    slot: str
    first: str
    second: str


def differences(first: Intent, second: Intent, ctx: CompileContext) -> tuple[Difference, ...]:
    """Where two readings part: what starts them, what they call, under which conditions, with what, in which order;
    none when they part in the order only."""
    found: list[Difference] = []
    if _started(first.trigger) != _started(second.trigger):
        found.append(Difference("trigger", _started(first.trigger), _started(second.trigger)))
    one, two = _calls(first), _calls(second)
    for key in dict.fromkeys((*one, *two)):
        if key not in one or key not in two:
            named = _named(key, ctx)
            found.append(Difference(key, named if key in one else "", named if key in two else ""))
            continue
        here, there = one[key], two[key]
        for part in dict.fromkeys((*here, *there)):
            a, b = here.get(part), there.get(part)
            if _plain(a) != _plain(b):
                found.append(Difference(f"{key}.{part}", _said(a), _said(b)))
    return tuple(found) if any(not d.slot.endswith(".after") for d in found) else ()


def _started(trigger: Trigger | None) -> str:
    if trigger is None:
        return "manual"
    bare = replace(trigger, span=None)
    if isinstance(bare, EventTrigger):
        where = f" where {canonical(bare.where, {})}" if bare.where else ""
        return f"{bare.service}.{bare.event} {_plain(bare.params)}{where}"
    if isinstance(bare, WebhookTrigger):
        return f"{bare.method} {bare.path}{f' where {canonical(bare.where, {})}' if bare.where else ''}"
    return msgspec.json.encode(bare, order="sorted").decode()


_Call = dict[str, JsonValue]


def _calls(intent: Intent) -> dict[str, _Call]:
    """Every action by what it is (numbered when it comes again), with names replaced by what they stand for."""
    labels: dict[str, str] = {}
    count: dict[str, int] = {}
    held: list[tuple[str, Action, str]] = []
    for action, place in _placed(intent.actions, ""):
        kind = f"{action.service}.{action.function}" if action.service is not None else _kind(action)
        count[kind] = count.get(kind, 0) + 1
        label = kind if count[kind] == 1 else f"{kind} ({count[kind]})"
        labels[action.id] = label
        if action.for_each is not None:
            labels[action.for_each.item] = f"item of {label}"
        held.append((label, action, place))
    return {label: _parts(action, labels) | ({"within": place} if place else {}) for label, action, place in held}


def _placed(actions: Iterable[Action], place: str) -> Iterator[tuple[Action, str]]:
    """Every action of a tree with the arms it stands in: the same call under another condition is another reading."""
    for action in actions:
        yield action, place
        inner = f"{place} {_kind(action)}".strip() if action.service is None else place
        yield from _placed(action.actions, inner)
        for number, branch in enumerate(action.branches, 1):
            yield from _placed(branch.actions, f"{inner} {number}")
        yield from _placed(action.default, f"{inner} otherwise")
        if action.fallback is not None:
            yield from _placed(action.fallback.actions, f"{place} if {action.function or action.id} fails".strip())


def canonical(text: str, labels: Mapping[str, str]) -> str:
    """Expression text with roots renamed, in one spelling, currencies in hundredths (as services count them)."""
    expr, _ = parse_expression(text)
    return print_expression(_same(expr, labels)) if expr is not None else text


def _same(expr: Expr, labels: Mapping[str, str]) -> Expr:
    match expr:
        case Lit(value=int() | float() as value, unit=str() as unit) if is_currency(unit):
            return Lit(round(value * 100, 6))
        case Lit(value=float() as value, unit=None) if value.is_integer():
            return Lit(int(value))
        case Ref(root=root):
            return replace(expr, root=labels.get(root, root))
        case Template(parts=parts):
            return Template(tuple(p if isinstance(p, str) else replace(p, root=labels.get(p.root, p.root))
                                  for p in parts))  # fmt: skip
        case Call(args=args):
            return replace(expr, args=tuple(_same(each, labels) for each in args))
        case Bind(source=source, item=item, body=body, rest=rest):
            inner = {**labels, item: "item"}
            more = tuple(_same(each, labels) for each in rest)
            return replace(expr, source=_same(source, labels), item="item", body=_same(body, inner), rest=more)
        case ListExpr(items=items):
            return replace(expr, items=tuple(_same(each, labels) for each in items))
        case ObjectExpr(entries=entries):
            return replace(expr, entries=tuple(replace(e, value=_same(e.value, labels)) for e in entries))
        case _:
            return expr


def _kind(action: Action) -> str:
    parts = ("for_each", "branches", "wait", "approval", "value")
    return next(part for part in parts if getattr(action, part))


def _parts(action: Action, labels: Mapping[str, str]) -> _Call:
    loop, wait = action.for_each, action.wait
    found: _Call = {name: _renamed(value, labels) for name, value in action.params.items()}
    stated: dict[str, str | None] = {
        "when": action.when,
        "value": action.value,
        "over": loop.source if loop is not None else None,
        "where": loop.where if loop is not None else None,
        "for": wait.for_ if wait is not None else None,
        "until": wait.until if wait is not None else None,
    }
    found |= {name: canonical(text, labels) for name, text in stated.items() if text is not None}
    if action.branches:
        found["choice"] = [canonical(b.when, labels) for b in action.branches]
    if action.fallback is not None:
        found["instead"] = [a.function for a in action.fallback.actions]
    if action.after:
        found["after"] = sorted(labels.get(name, name) for name in action.after)
    return found


def _renamed(value: JsonValue, labels: Mapping[str, str]) -> JsonValue:
    if isinstance(value, str):
        return re.sub(r"\b[A-Za-z_]\w*\b", lambda m: labels.get(m[0], m[0]) if _root(value, m) else m[0], value)
    if isinstance(value, Mapping):
        return {name: _renamed(each, labels) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_renamed(each, labels) for each in value]
    return value


def _root(text: str, match: re.Match[str]) -> bool:
    """True where a name stands that begins a path, not a word of text or the inside of a path."""
    before = text[match.start() - 1 : match.start()]
    after = text[match.end() : match.end() + 1]
    return before != "." and (after == "." or (before in ("{", "(", " ", "") and after in ("}", ")", ",", "")))


def _plain(value: JsonValue) -> str:
    said = msgspec.json.encode(value, order="sorted").decode()
    return re.sub(r'"[#@]', '"', fold(said))


def _said(value: JsonValue) -> str:
    if value is None:
        return ""
    said = value if isinstance(value, str) else msgspec.json.encode(value, order="sorted").decode()
    return said if len(said) <= 200 else said[:199] + "…"


def _named(key: str, ctx: CompileContext) -> str:
    service_id, _, function = key.split(" (", maxsplit=1)[0].partition(".")
    service = ctx.catalog.service(service_id)
    capability = service.capability(function) if service is not None else None
    if service is None or capability is None:
        return key
    return f"{service.title}: {capability.summary.rstrip('.')}"
