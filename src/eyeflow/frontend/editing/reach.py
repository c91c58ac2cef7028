"""What a further action may speak of: the event, results, the item of a loop, and what an automation says now.

Knows: which of these are in reach beside which action. In: a piece, a task, the name of an action. Out: a `Scope`.
Never: reads words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from eyeflow.catalog.model import TriggerKind
from eyeflow.frontend import triggers
from eyeflow.frontend.editing.pieces import Piece, entry_of, lists_of, output_of, walk
from eyeflow.frontend.fetching import entry_words
from eyeflow.frontend.intent import JsonValue
from eyeflow.frontend.lexicon import stem
from eyeflow.frontend.scope import Scope, Source
from eyeflow.frontend.values_said import escape
from eyeflow.frontend.vocabulary import Entry
from eyeflow.ir import task as ir
from eyeflow.ir.expr import Expr, ListExpr, Lit, Ref, Template
from eyeflow.ir.text import print_expression
from eyeflow.values import JSON, ListOf, ObjectOf, non_null


class Said(msgspec.Struct, frozen=True, eq=False):
    """What an action says: its content parameter and the value, as an Intent's template."""

    action: ir.Action
    entry: Entry
    param: str
    text: JsonValue


def reach(piece: Piece, task: ir.Task, place: str) -> Scope:
    """What the words of an action beside `place` (empty: at the end of the task) may refer to."""
    names = {name for action in walk(task.actions) for name in (action.name, output_of(action))}
    scope = Scope(ctx=piece.ctx, vocab=piece.vocab, text=piece.text, answers=piece.answers, ids=frozenset(names))
    for trigger in task.triggers:
        kind = piece.vocab.entry(trigger.service, trigger.event) if isinstance(trigger, ir.Event) else None
        if kind is not None and isinstance(kind.spec, TriggerKind):
            nouns = triggers.nouns_of(kind)
            scope = scope.see(Source("trigger", kind.spec.payload, nouns, kind.service.id, "trigger", kind))
        if isinstance(trigger, ir.Webhook):
            body = ObjectOf(trigger.fields) if trigger.fields else JSON
            scope = scope.see(Source("trigger", body, frozenset({"request"}), "webhook", "trigger"))
    for held in _around(task.actions, place):
        for action in held:
            scope = _seen(scope, action, piece)
        loop = next((a for a in held if isinstance(a.do, ir.ForEach) and _holds(a, place)), None)
        scope = _item(scope, loop) if loop is not None else scope
    return scope


def _around(actions: tuple[ir.Action, ...], place: str) -> Iterator[tuple[ir.Action, ...]]:
    """The lists of actions around `place`, the outermost first, each as far as what is in reach there."""
    yield actions
    for action in actions:
        for held in lists_of(action):
            if place and any(each.name == place for each in walk(held)):
                yield from _around(held, place)


def _holds(action: ir.Action, place: str) -> bool:
    return bool(place) and any(each.name == place for held in lists_of(action) for each in walk(held))


def _item(scope: Scope, loop: ir.Action) -> Scope:
    assert isinstance(loop.do, ir.ForEach), "a loop was looked for"
    listed = loop.do.source.type
    if not isinstance(listed, ListOf):
        return scope
    nouns = frozenset(stem(part) for part in loop.do.item.split("_"))
    return scope.see(Source(loop.do.item, non_null(listed.item), nouns, "", "item"))


def _seen(scope: Scope, action: ir.Action, piece: Piece) -> Scope:
    entry = entry_of(action, piece.vocab)
    if entry is None or entry.capability_says:
        return scope  # `it` is what is said, not the receipt for having said it
    kind = "result" if entry.reads else "made"
    return scope.see(Source(output_of(action), entry.result, entry_words(entry), entry.service.id, kind, entry))


def sayings(piece: Piece, task: ir.Task, place: str) -> list[Said]:
    """What the actions in reach of `place` say, that of `place` itself first."""
    found: list[Said] = []
    for held in _around(task.actions, place):
        for action in held:
            said = said_by(action, piece)
            if said is not None:
                found.append(said)
    return sorted(found, key=lambda each: each.action.name != place)


def said_by(action: ir.Action, piece: Piece) -> Said | None:
    """What an action tells somebody; None when it tells nothing."""
    entry = entry_of(action, piece.vocab)
    if entry is None or entry.reads or not isinstance(action.do, ir.ConnectorCall):
        return None
    content = {param.name for param in entry.spec.params if param.role == "content"}
    for each in action.do.params:
        if each.name in content:
            return Said(action, entry, each.name, template_of(each.value))
    return None


def template_of(value: Expr) -> JsonValue:
    """An expression as an Intent's template; None for one that has no such form."""
    match value:
        case Lit(value=held):
            return escape(held) if isinstance(held, str) else held
        case Template(parts=parts):
            return "".join(escape(part) if isinstance(part, str) else f"{{{print_expression(part)}}}" for part in parts)
        case Ref():
            return f"{{{print_expression(value)}}}"
        case ListExpr(items=items):
            return _all([template_of(each) for each in items])
        case _:
            inner = getattr(value, "value", None)  # a conversion the checker put around it
            return template_of(inner) if inner is not None else None


def _all(held: Sequence[JsonValue]) -> JsonValue:
    return None if any(each is None for each in held) else list(held)
