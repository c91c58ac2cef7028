"""Actions that go: "remove the email", "don't post to #general anymore".

Knows: what an action may be called: its service, its verb, a value it passes. In: a piece, a task. Out: `Done`.
Never: leaves behind a read that only the removed action used, or takes away what another action needs.
"""

from __future__ import annotations

from typing import Final

import msgspec

from eyeflow.frontend.data import words
from eyeflow.frontend.editing.pieces import Done, Piece, entry_of, output_of, rebuilt, walk
from eyeflow.frontend.intent import Question
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import stem
from eyeflow.ir import task as ir
from eyeflow.ir.expr import Lit, Template
from eyeflow.ir.text import print_task

WHICH: Final = "edit.action"


def remove(piece: Piece, task: ir.Task) -> Done | None:
    """The task without the action that the piece names; None when the piece says nothing of that kind."""
    start = _order(piece.lowered)
    if start == 0 or any(word in words("edits", "adding") for word in piece.lowered):
        return None
    named = [i for i in piece.items[start:] if i.lower not in words("edits", "removed_words") and i.kind != "punct"]
    effects = [action for action in walk(task.actions) if _changes(action, piece)]
    found = [action for action in effects if all(_called(item, action, piece) for item in named)]
    chosen = piece.answer(WHICH)
    if len(found) > 1 and chosen is not None:
        found = [action for action in found if action.name == chosen]
    if len(found) > 1:
        options = tuple(action.name for action in found)
        return Done(questions=(Question(WHICH, f"Which action is to go: {', '.join(options)}?", options),))
    if not found:
        there = ", ".join(action.name for action in effects)
        return Done(
            why=f"no action here is “{' '.join(i.text for i in named)}”" + (f"; there are: {there}" if there else "")
        )
    return _without(found[0], task, piece)


def _order(lowered: tuple[str, ...]) -> int:
    """How many words at the start order something away."""
    held = [word for word in lowered if word not in ("please", "and", "but", ",")]
    skipped = len(lowered) - len(held)
    for length in (3, 2, 1):
        if " ".join(held[:length]) in words("edits", "removing"):
            return length + (skipped if lowered and lowered[0] != held[0] else 0)
    return 0


def _changes(action: ir.Action, piece: Piece) -> bool:
    if isinstance(action.do, ir.Wait | ir.Approval | ir.Emit | ir.Log | ir.Respond | ir.Subtask | ir.HttpCall):
        return True
    entry = entry_of(action, piece.vocab)
    return entry is not None and not entry.reads


def _called(item: Item, action: ir.Action, piece: Piece) -> bool:
    """Is this word, or this value, about the action?"""
    if item.is_literal:
        said = str(item.value if item.value is not None else item.text)
        return said in _constants(action)
    if item.stem in {stem(part) for part in action.name.split("_")}:
        return True
    kinds = {ir.Wait: ("wait", "pause", "delay"), ir.Approval: ("approval", "question", "ask", "approv")}
    if item.stem in {stem(word) for word in kinds.get(type(action.do), ())}:
        return True
    entry = entry_of(action, piece.vocab)
    if entry is None:
        return False
    spoken = {word for phrase in entry.phrases for word in phrase} | entry.summary | entry.names
    names = {stem(part) for name in (entry.service.title, *entry.service.aliases) for part in name.split()}
    gerund = (
        {stem(item.lower.removesuffix("ing")), stem(item.lower.removesuffix("ing") + "e")}
        if item.lower.endswith("ing")
        else set()
    )
    return bool({item.stem, *gerund} & (spoken | names))


def _constants(action: ir.Action) -> set[str]:
    found: set[str] = set()
    for entry in action.do.params if isinstance(action.do, ir.ConnectorCall) else ():
        match entry.value:
            case Lit(value=value):
                found.add(str(value))
            case Template(parts=parts) if all(isinstance(part, str) for part in parts):
                found.add("".join(str(part) for part in parts))
    return found


def _without(gone: ir.Action, task: ir.Task, piece: Piece) -> Done:
    left = _dropped(task, {gone.name})
    if _spoken_of(output_of(gone), left):
        return Done(why=f"another action uses what {gone.name} gives")
    while True:
        idle = {
            action.name
            for action in walk(left.actions)
            if (entry := entry_of(action, piece.vocab)) is not None
            and entry.reads
            and _spoken_of(output_of(action), task)
            and not _spoken_of(output_of(action), left)
        }
        if not idle:
            break
        left = _dropped(left, idle)
    if not any(_changes(action, piece) for action in walk(left.actions)):
        return Done(why="nothing would be left to do")
    return Done(task=left)


def _dropped(task: ir.Task, names: set[str]) -> ir.Task:
    def change(actions: tuple[ir.Action, ...]) -> tuple[ir.Action, ...]:
        kept = []
        for action in actions:
            if action.name in names or _hollow(action):
                continue
            after = tuple(name for name in action.after if name not in names)
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
