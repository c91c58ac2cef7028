"""To whom: "add lee@example.com to the recipients", "cc boss@example.com", "stop emailing bob".

Knows: which parameters hold receivers, how people add one and take one away. In: a piece, a task. Out: `Done`.
Never: adds somebody to a message that was not meant: where several could be, it asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from eyeflow.frontend.data import words
from eyeflow.frontend.editing.naming import receivers_of
from eyeflow.frontend.editing.pieces import Done, Piece, entry_of, output_of, rebuilt, swapped, walk, with_params
from eyeflow.frontend.intent import Question
from eyeflow.frontend.items import Item
from eyeflow.frontend.vocabulary import Entry
from eyeflow.ir import task as ir
from eyeflow.ir.text import constant
from eyeflow.values import Field, Value

MESSAGE: Final = "edit.message"
_KINDS: Final = {"email": "email", "person": "person", "phone": "phone", "channel": "slack_channel"}
_COPIES: Final = ("cc", "bcc")


class _Told(msgspec.Struct, frozen=True, eq=False):
    """A message, and the parameter of it that takes receivers of one kind."""

    action: ir.Action
    entry: Entry
    param: Field


def receive(piece: Piece, task: ir.Task) -> Done | None:
    """The task with one receiver more; None when the piece says nothing of that kind."""
    held = [i for i in piece.items if i.kind != "punct"]
    said = [i for i in held if i.kind in _KINDS]
    rest = [i.lower for i in held if i.kind not in _KINDS]
    copy = next((word for word in rest if word in _COPIES), "")
    if not said or (not copy and not _adds(rest)) or any(word not in words("edits", "receiving") for word in rest):
        return None
    changed = task
    for item in said:
        done = _one_more(piece, changed, item, copy)
        if done.task is None:
            return done
        changed = done.task
    return Done(task=changed)


def _adds(rest: Sequence[str]) -> bool:
    """`add ... to the recipients`, `include ...`, `copy ... in`."""
    return any(word in words("edits", "includes") for word in rest)


def _one_more(piece: Piece, task: ir.Task, item: Item, copy: str) -> Done:
    new = str(item.value if item.value is not None else item.text)
    found = _taking(piece, task, _KINDS[item.kind], copy)
    alike = {tuple(sorted(_others(each))) for each in found}
    if len(alike) > 1:
        chosen = piece.answer(MESSAGE)
        options = tuple(each.action.name for each in found)
        found = [each for each in found if each.action.name == chosen]
        if not found:
            asked = f"Which message should {item.text} get: {', '.join(options)}?"
            return Done(questions=(Question(MESSAGE, asked, options),))
    if not found:
        return Done(why=f"no message here can go to “{item.text}”")
    told = found[-1]
    if any(new in held for each in found for _, held in receivers_of(each.action, each.entry)):
        return Done(why=f"“{item.text}” gets it already")
    if told.param.items is not None:
        there = next((held for name, held in receivers_of(told.action, told.entry) if name == told.param.name), [])
        own = with_params(told.action, {told.param.name: constant([*there, new])})
        return Done(task=msgspec.structs.replace(task, actions=swapped(task.actions, told.action, own)))
    return Done(task=_twice(task, told, new))


def _others(told: _Told) -> list[str]:
    """What a message is, apart from the receiver."""
    assert isinstance(told.action.do, ir.ConnectorCall), "messages are calls"
    given = [f"{e.name}={msgspec.json.encode(e.value)!r}" for e in told.action.do.params if e.name != told.param.name]
    return [told.entry.key, *given]


def _taking(piece: Piece, task: ir.Task, entity: str, copy: str) -> list[_Told]:
    """The messages that can go to such a receiver."""
    found = []
    for action in walk(task.actions):
        entry = entry_of(action, piece.vocab)
        if entry is None or not entry.capability_says:
            continue
        params = [p for p in entry.spec.params if p.name == copy] if copy else _places(entry, entity)
        found += [_Told(action, entry, p) for p in params[:1]]
    return found


def _places(entry: Entry, entity: str) -> list[Field]:
    return [p for p in entry.spec.params if p.entity == entity and p.required]


def _twice(task: ir.Task, told: _Told, new: str) -> ir.Task:
    """The same message once more, to somebody else."""
    taken = {name for action in walk(task.actions) for name in (action.name, output_of(action))}
    number = next(n for n in range(2, len(taken) + 3) if f"{told.action.name}_{n}" not in taken)
    name = f"{told.action.name}_{number}"
    again = with_params(told.action, {told.param.name: constant(new)})
    again = msgspec.structs.replace(again, name=name, output=name if told.action.output is not None else None)

    def change(held: tuple[ir.Action, ...]) -> tuple[ir.Action, ...]:
        at = next((k for k, action in enumerate(held) if action.name == told.action.name), None)
        return held if at is None else (*held[: at + 1], again, *held[at + 1 :])

    return msgspec.structs.replace(task, actions=rebuilt(task.actions, change))


def without_receiver(piece: Piece, items: Sequence[Item], task: ir.Task) -> Done | None:
    """`remove bob from the recipients`, where a message has others as well; None when it is the message that goes."""
    said = [i for i in items if i.kind != "punct" and i.lower not in words("edits", "removed_words")]
    for action in walk(task.actions):
        entry = entry_of(action, piece.vocab)
        for name, held in receivers_of(action, entry) if entry is not None else ():
            gone = [each for each in held if any(_is(item, each) for item in said)]
            if len(gone) != 1:
                continue
            kept = [each for each in held if each not in gone]
            param = next(p for p in entry.spec.params if p.name == name) if entry is not None else None
            if param is None or (param.required and not kept):
                continue
            left: Value = [*kept] if param.items is not None else ", ".join(kept)
            value = constant(left) if kept else None
            own = with_params(action, {name: value})
            return Done(task=msgspec.structs.replace(task, actions=swapped(task.actions, action, own)))
    return None


def _is(item: Item, receiver: str) -> bool:
    """`bob@example.com` and `bob` are both said of bob@example.com."""
    if item.is_literal:
        return str(item.value if item.value is not None else item.text) == receiver
    return item.is_word and item.lower == receiver.lstrip("#@").partition("@")[0].casefold()
