"""Numbers in conditions, lengths of waits, the name: "if above 30 instead of 25", "wait 30 minutes instead".

Knows: where conditions lie in a task, what a number beside a unit may mean. In: a piece, a task. Out: `Done`.
Never: changes a number that stands in several places, or to another unit than the one it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from eyeflow.frontend.data import words
from eyeflow.frontend.editing.pieces import Done, Piece, rebuilt, walk
from eyeflow.frontend.items import Item
from eyeflow.frontend.pauses import duration_of
from eyeflow.ir import task as ir
from eyeflow.ir.expr import Lit
from eyeflow.ir.text import is_name, is_reserved, parse_expression

_NUMBERS: Final = ("number", "quantity", "money")
_MOST: Final = 64
"""Characters of a task's name."""


def limits(piece: Piece, task: ir.Task) -> Done | None:
    """The task with a number of a condition, a wait or its name changed; None when the words say nothing of that."""
    for read in (_number, _wait, _name):
        done = read(piece, task)
        if done is not None:
            return done
    return None


# --- numbers -------------------------------------------------------------------------------------------------------


def _number(piece: Piece, task: ir.Task) -> Done | None:
    lowered = piece.lowered
    said = [item for item in piece.items if item.kind in _NUMBERS]
    rest = [i.lower for i in piece.items if i.kind not in _NUMBERS and i.kind != "punct"]
    about = words("edits", "about_limits")
    if not said or not all(word in about or word in words("edits", "fillers") for word in rest):
        return None
    swaps = any(lowered[at : at + 2] in (("instead", "of"), ("rather", "than")) for at in range(len(lowered)))
    named = any(word in words("edits", "limits") for word in rest)
    if not (swaps and len(said) == 2) and not (named and len(said) == 1):
        return None
    new, old = said[0], said[1] if swaps else None
    held = [lit for part in _conditions(task) for lit in _literals(part)]
    there = [lit for lit in held if old is None or lit.value == _amount(old)]
    if not there:
        return Done(why=f"no condition here has {f'“{old.text}”' if old is not None else 'a number'}")
    if len(there) > 1:
        return Done(why="several conditions have such a number; say the old one, or change the program's text")
    unit = _unit(new)
    if unit is not None and unit != there[0].unit:
        return Done(why=f"“{new.text}” has another unit than {there[0].value} {there[0].unit or 'without one'}")
    fresh = msgspec.structs.replace(there[0], value=_amount(new))
    return Done(task=_changed(task, there[0], fresh))


def _amount(item: Item) -> int | float | None:
    value = item.value
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return int(value) if value == int(value) else value


def _unit(item: Item) -> str | None:
    return item.unit.casefold() if item.unit is not None else None


def _conditions(task: ir.Task) -> Iterator[Any]:
    """Every condition of the task."""
    yield from (t.where for t in task.triggers if isinstance(t, ir.Event | ir.Webhook | ir.Topic) and t.where)
    for action in walk(task.actions):
        if action.when is not None:
            yield action.when
        match action.do:
            case ir.Conditional(cases=cases):
                yield from (case.when for case in cases)
            case ir.ForEach(where=where) if where is not None:
                yield where


def _literals(value: object) -> Iterator[Lit]:
    if isinstance(value, Lit):
        if isinstance(value.value, int | float) and not isinstance(value.value, bool):
            yield value
    elif isinstance(value, msgspec.Struct):
        for name in ("args", "value", "source", "body", "rest", "items"):
            yield from _literals(getattr(value, name, ()))
    elif isinstance(value, tuple):
        for each in value:
            yield from _literals(each)


def _changed(task: ir.Task, old: Lit, new: Lit) -> ir.Task:
    made = _mapped(task, lambda lit: new if lit is old else lit)
    assert isinstance(made, ir.Task)
    return made


def _mapped(value: object, change: Callable[[Lit], Lit]) -> object:
    """The tree with `change` made to every literal; what has none stays the same object."""
    if isinstance(value, Lit):
        return change(value)
    if isinstance(value, tuple):
        held = tuple(_mapped(each, change) for each in value)
        return held if any(a is not b for a, b in zip(held, value, strict=True)) else value
    if isinstance(value, msgspec.Struct):
        fields = {name: getattr(value, name) for name in value.__struct_fields__}
        fresh = {name: made for name, was in fields.items() if (made := _mapped(was, change)) is not was}
        return msgspec.structs.replace(value, **fresh) if fresh else value
    return value


# --- waits and names -----------------------------------------------------------------------------------------------


def _wait(piece: Piece, task: ir.Task) -> Done | None:
    """`wait 30 minutes instead`: the one pause there is."""
    held = [
        i for i in piece.items if i.kind != "punct" and i.lower not in (*words("edits", "fillers"), "instead", "only")
    ]
    length = duration_of(held[1]) if len(held) == 2 and held[0].lower in ("wait", "pause") else None
    if length is None:
        return None
    waits = [action for action in walk(task.actions) if isinstance(action.do, ir.Wait)]
    if len(waits) != 1:
        return Done(why="there is no pause here" if not waits else "there are several pauses here")
    expr, report = parse_expression(length)
    if not report.ok:
        return Done(why=report.errors[0].message)
    fresh = msgspec.structs.replace(waits[0], do=ir.Wait(for_=expr))
    made = _swapped(task.actions, waits[0], fresh)
    return Done(task=msgspec.structs.replace(task, actions=made))


def _swapped(actions: tuple[ir.Action, ...], old: ir.Action, new: ir.Action) -> tuple[ir.Action, ...]:
    return rebuilt(actions, lambda held: tuple(new if each.name == old.name else each for each in held))


def _name(piece: Piece, task: ir.Task) -> Done | None:
    """`rename it to lunch_call`, `call it lunch_call`."""
    held = [i for i in piece.items if i.kind != "punct"]
    said = [i.lower for i in held]
    renames = said[:1] == ["rename"] and "to" in said and len(said) >= 3
    if not renames and said[:2] != ["call", "it"]:
        return None
    at = said.index("to") + 1 if renames else 2
    about = [word for word in said[1 : at - 1] if word not in ("it", "this", "the", "task", "automation", "program")]
    if about or at >= len(held):
        return None
    name = "_".join(item.text for item in held[at:]).strip("\"'“”").replace("-", "_").casefold()
    if not is_name(name) or is_reserved(name) or len(name) > _MOST:
        return Done(why=f"“{name[:60]}” is no name: letters, digits and _, beginning with a letter")
    return Done(task=msgspec.structs.replace(task, name=name))
