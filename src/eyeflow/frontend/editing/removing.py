"""Actions that go: "remove the email", "no need to wait", "stop emailing bob", "only text, no Slack".

Knows: how people order something away. In: a piece, a task. Out: `Done`.
Never: leaves behind a read that only the removed action used, or takes away what another action needs.
"""

from __future__ import annotations

from typing import Final

import msgspec

from eyeflow.frontend.data import words
from eyeflow.frontend.editing.naming import changes, effects, named
from eyeflow.frontend.editing.pieces import Done, Piece, entry_of, output_of, rebuilt, walk
from eyeflow.frontend.editing.receivers import without_receiver
from eyeflow.frontend.intent import Question
from eyeflow.frontend.items import Item
from eyeflow.ir import task as ir
from eyeflow.ir.text import print_task

WHICH: Final = "edit.action"


def remove(piece: Piece, task: ir.Task) -> Done | None:
    """The task without the action that the piece names; None when the piece says nothing of that kind."""
    only = _only(piece, task)
    if only is not None:
        return only
    start = order_away(piece.lowered)
    if start == 0 or any(word in words("edits", "adding") for word in piece.lowered):
        return None
    items = piece.items[start:]
    less = without_receiver(piece, items, task)
    if less is not None:
        return less
    there = effects(task, piece)
    every = any(item.lower in ("all", "both", "every") for item in items)
    found = named(items, there, piece)
    if not _names_something(items):
        found = there
    chosen = piece.answer(WHICH)
    if len(found) > 1 and chosen is not None:
        found = [action for action in found if action.name == chosen]
    if len(found) > 1 and not every:
        options = tuple(action.name for action in found)
        return Done(questions=(Question(WHICH, f"Which action is to go: {', '.join(options)}?", options),))
    if not found:
        if piece.times:
            return None  # `skip weekends`: it is about when
        said = " ".join(i.text for i in items if i.kind != "punct" and i.lower not in words("edits", "removed_words"))
        told = ", ".join(action.name for action in there)
        return Done(why=f"no action here is “{said}”" + (f"; there are: {told}" if told else ""))
    return _all_gone(found, task, piece)


def order_away(lowered: tuple[str, ...]) -> int:
    """How many words at the start order something away."""
    held = [word for word in lowered if word not in ("please", "and", "but", ",")]
    skipped = len(lowered) - len(held)
    for length in range(6, 0, -1):
        if " ".join(held[:length]) in words("edits", "removing"):
            return length + (skipped if lowered and lowered[0] != held[0] else 0)
    return 0


def without(gone: ir.Action, task: ir.Task, piece: Piece) -> Done:
    """The task less one action, and less the reads that only it used."""
    return _all_gone([gone], task, piece)


def _names_something(items: tuple[Item, ...]) -> bool:
    return any(i.kind != "punct" and i.lower not in words("edits", "removed_words") for i in items)


def _only(piece: Piece, task: ir.Task) -> Done | None:
    """`only text`, `just the email`: every other message goes."""
    lowered = piece.lowered
    led = lowered[:1] in (("only",), ("just",)) or lowered[-1:] == ("only",)
    led = led or (lowered[:1] in (("use",), ("keep",)) and "only" in lowered)
    if not led or piece.times or "if" in lowered or "when" in lowered:
        return None
    telling = [a for a in effects(task, piece) if (e := entry_of(a, piece.vocab)) is not None and e.capability_says]
    around = (*words("edits", "removed_words"), "use", "keep")
    items = [i for i in piece.items if i.lower not in around and i.kind != "punct"]
    kept = named(items, telling, piece) if items else []
    if len(kept) != 1:
        return None
    gone = [action for action in telling if action is not kept[0]]
    return _all_gone(gone, task, piece) if gone else Done(task=task)


def _all_gone(gone: list[ir.Action], task: ir.Task, piece: Piece) -> Done:
    left = _dropped(task, {action.name: action.after for action in gone})
    used = next((action.name for action in gone if _spoken_of(output_of(action), left)), None)
    if used is not None:
        return Done(why=f"another action uses what {used} gives")
    while True:
        idle = {
            action.name: action.after
            for action in walk(left.actions)
            if (entry := entry_of(action, piece.vocab)) is not None
            and entry.reads
            and _spoken_of(output_of(action), task)
            and not _spoken_of(output_of(action), left)
        }
        if not idle:
            break
        left = _dropped(left, idle)
    if not any(changes(action, piece) for action in walk(left.actions)):
        return Done(why="nothing would be left to do; to end the automation, pause or remove it")
    return Done(task=left)


def _dropped(task: ir.Task, gone: dict[str, tuple[str, ...]]) -> ir.Task:
    """The task less the actions called so; what came after one of them comes after what that came after."""

    def awaited(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(n for name in names for n in (awaited(gone[name]) if name in gone else (name,))))

    def change(actions: tuple[ir.Action, ...]) -> tuple[ir.Action, ...]:
        kept = []
        for action in actions:
            if action.name in gone or _hollow(action):
                continue
            after = awaited(action.after)
            kept.append(msgspec.structs.replace(action, after=after) if after != action.after else action)
        return tuple(kept)

    return msgspec.structs.replace(task, actions=rebuilt(task.actions, change))


def _hollow(action: ir.Action) -> bool:
    """A choice or a loop whose last action went."""
    match action.do:
        case ir.ForEach(actions=()):
            return True
        case ir.Conditional(cases=cases, default=default):
            blocks = [*(case.block for case in cases), default]
            return not any(b.actions or b.format is not None or b.value is not None for b in blocks)
    return False


def _spoken_of(name: str, task: ir.Task) -> bool:
    """Is the result called `name` mentioned by any expression? A word of text that looks like it counts as well."""
    text = print_task(msgspec.structs.replace(task, description=None))
    return any(f"{lead}{name}{tail}" in text for lead in "{( ,[" for tail in ".})],[ ")
