"""Fewer events: "only over $500", "only if it is from acme/api".

Knows: how a filter is said about an event. In: a piece, a task. Out: `Done`.
Never: widens a filter, filters by a part of the words.
"""

from __future__ import annotations

import msgspec

from eyeflow.catalog.model import TriggerKind
from eyeflow.frontend import conditions, triggers
from eyeflow.frontend.editing.pieces import Done, Piece
from eyeflow.frontend.nouns import content
from eyeflow.frontend.scope import Scope, Source
from eyeflow.ir import task as ir
from eyeflow.ir.expr import Call, Expr
from eyeflow.ir.text import parse_expression

_LEADS = ("only", "but", "just", "and", "if", "when", "for", "do", "it", "run", "that", "those")


def narrow(piece: Piece, task: ir.Task) -> Done | None:
    """The task with a narrower event filter; None when the piece says nothing of that kind."""
    lowered = piece.lowered
    events = [trigger for trigger in task.triggers if isinstance(trigger, ir.Event)]
    if not ({"only", "just"} & set(lowered[:2])) or len(events) != 1 or len(task.triggers) != 1:
        return None
    trigger = events[0]
    entry = piece.vocab.entry(trigger.service, trigger.event)
    if entry is None or not isinstance(entry.spec, TriggerKind):
        return None
    items = list(piece.items)
    while items and items[0].lower in _LEADS:
        items.pop(0)
    if not items:
        return None
    source = Source("trigger", entry.spec.payload, triggers.nouns_of(entry), entry.service.id, "trigger", entry)
    scope = Scope(ctx=piece.ctx, vocab=piece.vocab, text=piece.text, answers=piece.answers).see(source)
    exprs, scope, used = triggers.modifiers(items, set(), scope, source)
    if not exprs:
        made = conditions.read(items, scope, source)
        if made is None or made.unexplained:
            return Done(why=f"“{piece.said}” is no condition on what starts this")
        exprs, scope, used = [made.expr], made.scope, {i.index for i in items}
    left = [item for item in content(items) if item.index not in used]
    if left or scope.actions or scope.questions:
        return Done(why=f"“{piece.said}” is no condition on what starts this")
    where = trigger.where
    for text in exprs:
        expr, report = parse_expression(text)
        if expr is None or not report.ok:
            return Done(why=f"“{piece.said}” is no condition on what starts this")
        where = expr if where is None else _both(where, expr)
    return Done(task=msgspec.structs.replace(task, triggers=(msgspec.structs.replace(trigger, where=where),)))


def _both(one: Expr, other: Expr) -> Expr:
    return Call("AND", (one, other))
