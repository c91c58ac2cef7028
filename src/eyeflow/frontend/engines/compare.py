"""Whether two readings of one request come to the same, and where they part.

Knows: which parts of an intent are names only. In: two intents. Out: `differences`, in words a person can choose by.
Never: prefers one.

Ids of actions and loop items are names: they are replaced by what they stand for before anything is compared. Order
(`after`), retries and rates are the rules' own and are left aside; spans too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from eyeflow.catalog.model import CompileContext
from eyeflow.frontend.engines.grounding import fold
from eyeflow.frontend.intent import Action, EventTrigger, Intent, JsonValue, Trigger, WebhookTrigger
from eyeflow.frontend.summary import walk


class Difference(msgspec.Struct, frozen=True):
    """One place where two readings part; both sides in words, empty when a side has nothing there."""

    slot: str
    first: str
    second: str


def differences(first: Intent, second: Intent, ctx: CompileContext) -> tuple[Difference, ...]:
    """Where two readings part: what starts them, what they call, under which conditions, with what."""
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
    return tuple(found)


def _started(trigger: Trigger | None) -> str:
    if trigger is None:
        return "manual"
    bare = msgspec.structs.replace(trigger, span=None)
    if isinstance(bare, EventTrigger):
        where = f" where {bare.where}" if bare.where else ""
        return f"{bare.service}.{bare.event} {_plain(bare.params)}{where}"
    if isinstance(bare, WebhookTrigger):
        return f"{bare.method} {bare.path}{f' where {bare.where}' if bare.where else ''}"
    return msgspec.json.encode(bare, order="sorted").decode()


_Call = dict[str, JsonValue]


def _calls(intent: Intent) -> dict[str, _Call]:
    """Every action by what it is (numbered when it comes again), with names replaced by what they stand for."""
    labels: dict[str, str] = {}
    count: dict[str, int] = {}
    held: list[tuple[str, Action]] = []
    for action in walk(intent.actions):
        kind = f"{action.service}.{action.function}" if action.service is not None else _kind(action)
        count[kind] = count.get(kind, 0) + 1
        label = kind if count[kind] == 1 else f"{kind} ({count[kind]})"
        labels[action.id] = label
        if action.for_each is not None:
            labels[action.for_each.item] = f"item of {label}"
        held.append((label, action))
    return {label: _parts(action, labels) for label, action in held}


def _kind(action: Action) -> str:
    parts = ("for_each", "branches", "wait", "approval", "value")
    return next(part for part in parts if getattr(action, part))


def _parts(action: Action, labels: Mapping[str, str]) -> _Call:
    loop, wait = action.for_each, action.wait
    found: _Call = {name: _renamed(value, labels) for name, value in action.params.items()}
    said: _Call = {
        "when": action.when,
        "value": action.value,
        "over": loop.source if loop is not None else None,
        "where": loop.where if loop is not None else None,
        "choice": [b.when for b in action.branches] or None,
        "for": wait.for_ if wait is not None else None,
        "until": wait.until if wait is not None else None,
        "instead": [a.function for a in action.fallback.actions] if action.fallback is not None else None,
    }
    return found | {name: _renamed(value, labels) for name, value in said.items() if value is not None}


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
