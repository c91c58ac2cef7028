"""Another way of doing it: "use email to me@example.com instead of Slack", "text it to +15550111 instead".

Knows: how the old way and the new one are said. In: a piece, a task. Out: `Done`.
Never: takes the old way out unless the new one is complete.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from eyeflow.frontend.data import words
from eyeflow.frontend.editing.adding import beside
from eyeflow.frontend.editing.naming import effects, named
from eyeflow.frontend.editing.pieces import Done, Piece, entry_of, swapped, walk, with_params
from eyeflow.frontend.editing.removing import without
from eyeflow.frontend.intent import Question
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import is_base_verb, stem
from eyeflow.ir import task as ir

WHICH = "edit.instead"
_CUES = (("instead", "of"), ("rather", "than"), ("and", "not"))


def exchange(piece: Piece, task: ir.Task) -> Done | None:
    """The task with one action in the place of one that is named; None when the piece says nothing of that kind."""
    items = [i for i in piece.items if i.kind != "punct" and i.lower != "please"]
    said = _halves(items)
    if said is None or not said[1] or all(item.is_literal for item in said[1]):
        return None
    return _exchanged(piece, task, said)


def exchange_it(piece: Piece, task: ir.Task) -> Done | None:
    """The same where only `instead` is said: `text it to +15550111 instead`."""
    items = [i for i in piece.items if i.kind != "punct" and i.lower != "please"]
    said = _halves(items)
    return _exchanged(piece, task, said) if said is not None and not said[1] else None


def _exchanged(piece: Piece, task: ir.Task, said: tuple[list[Item], list[Item]]) -> Done | None:
    new, old = _order(said[0], piece), said[1]
    if not new:
        return None
    there = [a for a in effects(task, piece) if (e := entry_of(a, piece.vocab)) is not None and e.capability_says]
    gone = named(old, there, piece) if old else there
    chosen = piece.answer(WHICH)
    gone = [a for a in gone if a.name == chosen] if chosen is not None and len(gone) > 1 else gone
    if len(gone) > 1:
        options = tuple(action.name for action in gone)
        return Done(questions=(Question(WHICH, f"Instead of which action: {', '.join(options)}?", options),))
    if not gone:
        return None
    done = beside(piece, tuple(new), task, gone[0].name)
    if done.task is None:
        return done
    names = {action.name for action in walk(task.actions)}
    added = [action for action in walk(done.task.actions) if action.name not in names]
    if len(added) == 1 and _same(added[0], gone[0]):
        own = with_params(gone[0], {each.name: each.value for each in added[0].do.params})  # type: ignore[union-attr]
        same = msgspec.structs.replace(task, actions=swapped(task.actions, gone[0], own))
        return msgspec.structs.replace(done, task=same)
    left = without(gone[0], done.task, piece)
    return msgspec.structs.replace(left, assumptions=done.assumptions)


def _same(one: ir.Action, other: ir.Action) -> bool:
    """Do both call the same function?"""
    if not isinstance(one.do, ir.ConnectorCall) or not isinstance(other.do, ir.ConnectorCall):
        return False
    bound = other.do.bound
    return one.do.function == (bound.capability if bound is not None else other.do.function) and one.do.connector in (
        other.do.connector, bound.service if bound is not None else other.do.connector,
    )  # fmt: skip


def _halves(items: list[Item]) -> tuple[list[Item], list[Item]] | None:
    """What is to be done, and instead of what (nothing where it only says `instead`)."""
    lowered = [i.lower for i in items]
    for at in range(len(items) - 1):
        if tuple(lowered[at : at + 2]) in _CUES or (lowered[at] == "not" and at > 0):
            cut = at + 1 if lowered[at] == "not" else at + 2
            return (items[:at], items[cut:]) if at else None
    if "instead" in lowered:
        return [i for i in items if i.lower != "instead"], []
    return None


def _order(items: Sequence[Item], piece: Piece) -> list[Item]:
    """The new way as an order: `use email to ...`, `by email to ...` are `send it by email to ...`."""
    held = list(items)
    if held and held[0].lower in ("use", "switch", "change", "try", "go", "do"):
        held = [i for i in held[1:] if i.lower not in ("to", "it", "with") or i is not held[1]]
    if not held:
        return []
    if is_base_verb(held[0].lower) and held[0] is items[0]:
        return held
    while held and held[0].lower in (*words("edits", "fillers"), "by", "via", "with", "as", "through", "over", "per"):
        held.pop(0)
    named_first = bool(held) and piece.vocab.name_at([i.lower for i in held], 0) is not None
    if not held or not (named_first or held[0].stem in piece.vocab.means):
        return []
    at = max(i.index for i in piece.items)
    led = [msgspec.structs.replace(held[0], index=at + n, kind="word", lower=word, stem=stem(word), value=None)
           for n, word in enumerate(("send", "it", "by"), 1)]  # fmt: skip
    return [*led, *held]
