"""Further actions: "also email it to ops@example.com".

Knows: how to speak of what a task has: its event, its results, its last message. In: a piece, a task. Out: `Done`.
Never: guesses where an action goes when the task has several places that send something.
"""

from __future__ import annotations

from typing import Final

import msgspec

from eyeflow.catalog.model import TriggerKind
from eyeflow.frontend import pauses, policies, triggers
from eyeflow.frontend.build import build
from eyeflow.frontend.data import words
from eyeflow.frontend.editing.pieces import Done, Piece, entry_of, output_of, rebuilt, walk
from eyeflow.frontend.finishing import unexplained
from eyeflow.frontend.intent import JsonValue, Question
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import is_base_verb
from eyeflow.frontend.nouns import entry_words
from eyeflow.frontend.resolve import longest, resolve_actions
from eyeflow.frontend.scope import Scope, Source
from eyeflow.frontend.tree import grow
from eyeflow.frontend.values_said import escape
from eyeflow.frontend.vocabulary import Entry
from eyeflow.ir import task as ir
from eyeflow.ir.expr import Expr, Lit, Ref, Template
from eyeflow.ir.text import print_expression

BESIDE: Final = "edit.beside"
_DAY_MS: Final = 86_400_000


def says_also(piece: Piece) -> bool:
    """`also`, `as well`, `too`."""
    said = f" {' '.join(piece.lowered)} "
    return any(f" {word} " in said for word in words("edits", "adding"))


def add(piece: Piece, task: ir.Task) -> Done:
    """The task with the actions the piece asks for beside the last message there is."""
    items = _plain(piece.items)
    if not items or not is_base_verb(items[0].lower):
        return Done(why=f"“{piece.said}” does not say what is to be done as well")
    if any(item.kind == "time" and item.time is not None and item.time.triggers for item in items):
        return Done(why="an action at a time of its own is an automation of its own")
    place = _place(piece, task)
    if isinstance(place, Done):
        return place
    scope = _scope(piece, task, place)
    found = policies.read(items)
    held = [c for c in pauses.cut(items, 0, piece.text, scope.told_at) if c.items]
    nodes = grow(
        [msgspec.structs.replace(c, items=tuple(i for i in c.items if i.index not in found.used)) for c in held]
    )
    scope = build(nodes, scope.explain(found.used), found)
    scope = unexplained(items, scope)
    if scope.refusals:
        return Done(why=scope.refusals[0].reason)
    scope, answered = _answered(piece, scope)
    if scope.questions and not answered:
        return Done(questions=scope.questions)
    actions, report = resolve_actions(scope.actions, piece.ctx)
    if not report.ok or not actions:
        return Done(why=report.errors[0].message if report.errors else "this adds nothing")
    changed = msgspec.structs.replace(task, actions=_beside(task.actions, place, actions))
    if task.deadline_ms is not None:
        more = longest(scope.actions, piece.ctx)
        changed = msgspec.structs.replace(changed, deadline_ms=min(task.deadline_ms + more, _DAY_MS))
    return Done(task=changed, assumptions=scope.assumptions)


def _plain(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """The order without `also`, `and`, `too`."""
    listed = words("edits", "adding")
    out: list[Item] = []
    at = 0
    while at < len(items):
        length = next((n for n in (3, 2, 1) if " ".join(i.lower for i in items[at : at + n]) in listed), 0)
        if length == 0:
            out.append(items[at])
        at += length or 1
    while out and (out[0].lower in ("and", "then", ",", "please", "but") or out[0].kind == "punct"):
        out.pop(0)
    while out and out[-1].kind == "punct":
        out.pop()
    return tuple(out)


def _answered(piece: Piece, scope: Scope) -> tuple[Scope, bool]:
    """Answers to what the new actions leave open, put in their places."""
    from eyeflow.frontend.answers import apply  # noqa: PLC0415 - answers are rare

    done = apply(scope, None, piece.answers)
    return done.scope, not done.scope.questions


# --- where ---------------------------------------------------------------------------------------------------------


def _place(piece: Piece, task: ir.Task) -> str | Done:
    """The name of the action beside which the new ones go; empty: at the end of the task."""
    writes = [a for a in walk(task.actions) if (e := entry_of(a, piece.vocab)) is not None and not e.reads]
    if not writes:
        return ""
    top = {action.name for action in task.actions}
    if all(action.name in top for action in writes):
        return writes[-1].name
    lists = [_names(task.actions)]
    lists += [_names(held) for action in walk(task.actions) for held in _lists(action)]
    homes = {next(n for n, names in enumerate(lists) if action.name in names) for action in writes}
    if len(homes) == 1:
        return writes[-1].name
    chosen = piece.answer(BESIDE)
    options = tuple(action.name for action in writes)
    if chosen in options and chosen is not None:
        return chosen
    asked = f"Beside which action: {', '.join(options)}?"
    return Done(questions=(Question(BESIDE, asked, options),))


def _names(actions: tuple[ir.Action, ...]) -> frozenset[str]:
    return frozenset(action.name for action in actions)


def _lists(action: ir.Action) -> list[tuple[ir.Action, ...]]:
    held: list[tuple[ir.Action, ...]] = []
    match action.do:
        case ir.Conditional(cases=cases, default=default):
            held = [*(case.block.actions for case in cases), default.actions]
        case ir.ForEach(actions=actions):
            held = [actions]
    return [*held, action.fallback.actions] if action.fallback is not None else held


def _beside(actions: tuple[ir.Action, ...], place: str, new: tuple[ir.Action, ...]) -> tuple[ir.Action, ...]:
    if not place:
        return (*actions, *new)

    def change(held: tuple[ir.Action, ...]) -> tuple[ir.Action, ...]:
        at = next((k for k, action in enumerate(held) if action.name == place), None)
        if at is None:
            return held
        when = held[at].when
        added = tuple(msgspec.structs.replace(a, when=when) if when is not None and a.when is None else a for a in new)
        return (*held[: at + 1], *added, *held[at + 1 :])

    return rebuilt(actions, change)


# --- what it may speak of ------------------------------------------------------------------------------------------


def _scope(piece: Piece, task: ir.Task, place: str) -> Scope:
    """What the words of the new action may refer to."""
    names = {name for action in walk(task.actions) for name in (action.name, output_of(action))}
    scope = Scope(ctx=piece.ctx, vocab=piece.vocab, text=piece.text, answers=piece.answers, ids=frozenset(names))
    for trigger in task.triggers:
        kind = piece.vocab.entry(trigger.service, trigger.event) if isinstance(trigger, ir.Event) else None
        if kind is not None and isinstance(kind.spec, TriggerKind):
            payload = kind.spec.payload
            nouns = triggers.nouns_of(kind)
            scope = scope.see(Source("trigger", payload, nouns, kind.service.id, "trigger", kind))
    for action in walk(task.actions):
        entry = entry_of(action, piece.vocab)
        if entry is None or not isinstance(action.do, ir.ConnectorCall):
            continue
        kind_of = "result" if entry.reads else "made"
        if entry.capability_says:  # `it` is what is said, not the receipt for having said it
            scope = _heard(scope, action, place, entry)
            continue
        scope = scope.see(Source(output_of(action), entry.result, entry_words(entry), entry.service.id, kind_of, entry))
        scope = _heard(scope, action, place, entry)
    return scope


def _heard(scope: Scope, action: ir.Action, place: str, entry: Entry) -> Scope:
    if entry.reads or not isinstance(action.do, ir.ConnectorCall):
        return scope
    if place and action.name != place and scope.said is not None:
        return scope
    return _said(scope, action.do, {p.name for p in entry.spec.params if p.role == "content"})


def _said(scope: Scope, call: ir.ConnectorCall, content: set[str]) -> Scope:
    for each in call.params:
        if each.name in content:
            return scope.put(said=_template(each.value))
    return scope


def _template(value: Expr) -> JsonValue:
    """An expression as an Intent's template."""
    match value:
        case Lit(value=held):
            return escape(held) if isinstance(held, str) else held
        case Template(parts=parts):
            return "".join(escape(part) if isinstance(part, str) else f"{{{print_expression(part)}}}" for part in parts)
        case Ref():
            return f"{{{print_expression(value)}}}"
        case _:
            inner = getattr(value, "value", None)  # a conversion the checker put around it
            return _template(inner) if inner is not None else None
