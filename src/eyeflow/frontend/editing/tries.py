"""How often and how fast: "retry 3 times", "don't retry", "wait 10 seconds between the tries", "at most 10 per hour".

Knows: which actions such a rule is for. In: a piece, a task. Out: `Done`.
Never: repeats what nobody spoke of while a rule is there that is meant.
"""

from __future__ import annotations

from typing import Final

import msgspec

from eyeflow.frontend import policies
from eyeflow.frontend.data import words
from eyeflow.frontend.editing.pieces import Done, Piece, entry_of, rebuilt, walk
from eyeflow.frontend.editing.removing import order_away
from eyeflow.frontend.intent import Assumption
from eyeflow.frontend.pauses import duration_of
from eyeflow.frontend.resolve import rate_of, retry_of
from eyeflow.ir import task as ir
from eyeflow.ir.text import parse_duration

_BETWEEN: Final = ("between", "before")


def tries(piece: Piece, task: ir.Task) -> Done | None:
    """The task with other retries or rates; None when the piece says nothing of that kind."""
    for read in (_none, _apart, _ruled):
        done = read(piece, task)
        if done is not None:
            return done
    return None


def _governed(task: ir.Task, names: set[str], retry: ir.Retry | None, rate: ir.Rate | None) -> ir.Task:
    def governed(actions: tuple[ir.Action, ...]) -> tuple[ir.Action, ...]:
        return tuple(
            msgspec.structs.replace(a, retry=retry, rate=rate or a.rate) if a.name in names else a for a in actions
        )

    return msgspec.structs.replace(task, actions=rebuilt(task.actions, governed))


def _none(piece: Piece, task: ir.Task) -> Done | None:
    """`don't retry`, `no retries`."""
    start = order_away(piece.lowered)
    rest = [
        i.lower for i in piece.items[start:] if i.kind != "punct" and i.lower not in words("edits", "removed_words")
    ]
    if not start or not rest or any(word not in words("edits", "tries") for word in rest):
        return None
    names = {action.name for action in walk(task.actions) if action.retry is not None}
    return Done(task=_governed(task, names, None, None)) if names else Done(why="nothing here is tried again")


def _apart(piece: Piece, task: ir.Task) -> Done | None:
    """`wait 10 seconds between the tries`: the pause of the retries there are."""
    lengths = [length for i in piece.items if (length := duration_of(i)) is not None]
    rest = [i.lower for i in piece.items if i.kind != "punct" and duration_of(i) is None]
    known = (
        *words("edits", "tries"),
        *words("edits", "fillers"),
        *words("edits", "about_waits"),
        *_BETWEEN,
        "each",
        "two",
    )
    if len(lengths) != 1 or not any(word in words("edits", "tries") for word in rest) or not set(rest) & set(_BETWEEN):
        return None
    if any(word not in known for word in rest):
        return None
    found = [action for action in walk(task.actions) if action.retry is not None]
    if not found:
        return Done(why="nothing here is tried again; say how often, such as retry 3 times")
    changed = task
    for action in found:
        assert action.retry is not None, "they were looked for"
        back = ir.Backoff(kind="fixed", first_ms=parse_duration(lengths[0]))
        changed = _governed(changed, {action.name}, msgspec.structs.replace(action.retry, backoff=back), None)
    return Done(task=changed)


def _ruled(piece: Piece, task: ir.Task) -> Done | None:
    """Where there is such a rule now, else where something is done if it fails, else for every action that changes
    something."""
    found = policies.read(piece.items)
    rest = [i for i in piece.items if i.index not in found.used and i.kind != "punct"]
    if not (found.retry or found.rate) or any(i.lower not in words("edits", "around_times") for i in rest):
        return None
    all_of_it = list(walk(task.actions))
    names = {a.name for a in all_of_it if (found.retry and a.retry) or (found.rate and a.rate)}
    names = names or {a.name for a in all_of_it if found.retry and a.fallback is not None}
    names = names or {a.name for a in all_of_it if (e := entry_of(a, piece.vocab)) is not None and not e.reads}
    if not names:
        return Done(why="no action here changes anything, so there is nothing to hold to that")
    retry, rate = retry_of(found.retry), rate_of(found.rate)
    changed = task
    for action in all_of_it:
        if action.name in names:
            changed = _governed(changed, {action.name}, retry or action.retry, rate)
    assumed = tuple(Assumption(slot, value, why) for slot, value, why in found.assumed)
    return Done(task=changed, assumptions=assumed)
