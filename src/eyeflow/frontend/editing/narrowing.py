"""Fewer events, fewer items: "only over $500", "ignore orders below 50", "only those with the label bug".

Knows: how a filter is said about what starts an automation, or about the items of its loop. In: a piece, a task. Out:
`Done`. Never: widens a filter, filters by a part of the words.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from eyeflow.frontend import conditions, filters
from eyeflow.frontend.comparisons import negate
from eyeflow.frontend.data import words
from eyeflow.frontend.editing.naming import effects, named
from eyeflow.frontend.editing.pieces import Done, Piece, swapped, walk
from eyeflow.frontend.editing.reach import reach
from eyeflow.frontend.items import Item
from eyeflow.frontend.nouns import content
from eyeflow.frontend.scope import Scope, Source
from eyeflow.ir import task as ir
from eyeflow.ir.expr import Call, Expr
from eyeflow.ir.text import parse_expression


def narrow(piece: Piece, task: ir.Task) -> Done | None:
    """The task with a narrower filter; None when the piece says nothing of that kind."""
    leads = 0
    while leads < len(piece.items) and piece.lowered[leads] in words("edits", "narrowing"):
        leads += 1
    items, led = list(piece.items[leads:]), piece.lowered[:leads]
    if not items or not set(led) & {*words("edits", "narrows"), *words("edits", "ignoring")}:
        return None
    fails = bool(set(led) & set(words("edits", "ignoring")))
    filtered = _filtered(task)
    if filtered is None or (fails and named(items, effects(task, piece), piece)):
        return None  # `skip the email`: an action is to go
    scope = reach(piece, task, filtered.name if isinstance(filtered, ir.Action) else "")
    source = next((s for s in scope.sources if s.kind == "trigger"), None)
    if isinstance(filtered, ir.Action):
        assert isinstance(filtered.do, ir.ForEach), "a loop was looked for"
        inner = next(iter(filtered.do.actions), None)
        scope = reach(piece, task, inner.name if inner is not None else "")
        source = next((s for s in reversed(scope.sources) if s.kind == "item"), None)
    read = _read(items, scope, source) if source is not None else None
    if read is None:
        return Done(why=f"“{piece.said}” is no condition on what this is done for")
    if fails:
        read = negate(read)
    expr, report = parse_expression(read)
    if expr is None or not report.ok:
        return Done(why=f"“{piece.said}” is no condition on what this is done for")
    if isinstance(filtered, ir.Action):
        loop = filtered.do
        assert isinstance(loop, ir.ForEach), "a loop was looked for"
        own = msgspec.structs.replace(filtered, do=msgspec.structs.replace(loop, where=_both(loop.where, expr)))
        return Done(task=msgspec.structs.replace(task, actions=swapped(task.actions, filtered, own)))
    trigger = msgspec.structs.replace(filtered, where=_both(filtered.where, expr))
    return Done(task=msgspec.structs.replace(task, triggers=(trigger,)))


def _filtered(task: ir.Task) -> ir.Event | ir.Webhook | ir.Action | None:
    """What has a filter: the event, the request, or the one loop."""
    if len(task.triggers) == 1 and isinstance(task.triggers[0], ir.Event | ir.Webhook):
        return task.triggers[0]
    loops = [action for action in walk(task.actions) if isinstance(action.do, ir.ForEach)]
    return loops[0] if len(loops) == 1 else None


def _read(items: Sequence[Item], scope: Scope, source: Source) -> str | None:
    """The condition that all of the words say."""
    exprs, after, used = filters.modifiers(items, set(), scope, source)
    if not exprs:
        made = conditions.read(items, scope, source)
        if made is None or made.unexplained:
            return None
        exprs, after, used = [made.expr], made.scope, {i.index for i in items}
    left = [item for item in content(items) if item.index not in used and item.stem not in source.nouns]
    if left or after.actions or after.questions:
        return None
    return filters.all_of(exprs)


def _both(one: Expr | None, other: Expr) -> Expr:
    return other if one is None else Call("AND", (one, other))
