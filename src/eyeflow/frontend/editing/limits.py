"""Numbers in conditions, lengths of waits, the name: "if above 30 instead of 25", "wait 30 minutes instead".

Knows: where conditions lie in a task, what a number beside a unit may mean. In: a piece, a task. Out: `Done`.
Never: changes a number that stands in several places, or to another unit than the one it has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, Final

import msgspec

from eyeflow.frontend import comparisons
from eyeflow.frontend.data import words
from eyeflow.frontend.editing.pieces import Done, Piece, swapped, walk
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import stem
from eyeflow.frontend.pauses import duration_of
from eyeflow.ir import task as ir
from eyeflow.ir.expr import Call, Expr, Lit
from eyeflow.ir.text import is_name, is_reserved, parse_expression

_NUMBERS: Final = ("number", "quantity", "money")
_DEGREES: Final = ("degrees", "degree", "°")
_SAME: Final = {"GT": ("GT", "GE"), "GE": ("GT", "GE"), "LT": ("LT", "LE"), "LE": ("LT", "LE")}
SECONDS: Final = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800}
_MANY: Final = "several conditions have such a number; say the old one, or change the program's text"
_MOST: Final = 64
"""Characters of a task's name."""


def limits(piece: Piece, task: ir.Task) -> Done | None:
    """The task with a number of a condition, a wait or its name changed; None when the words say nothing of that."""
    for read in (_number, _compared, _wait, _name):
        done = read(piece, task)
        if done is not None:
            return done
    return None


# --- numbers -------------------------------------------------------------------------------------------------------


def _number(piece: Piece, task: ir.Task) -> Done | None:
    """`above 30 instead of 25`, `the top 5 rather than 3`, `raise the limit to 800`, `make it the top 10`."""
    said = [item for item in piece.items if item.kind in _NUMBERS]
    rest = [i for i in piece.items if i.kind not in _NUMBERS and i.kind != "punct"]
    lowered = [i.lower for i in rest]
    swaps = len(said) == 2 and _swaps(piece, said)
    ranked = any(word in words("edits", "ranks") for word in lowered)
    named = any(word in words("edits", "limits") for word in lowered)
    if not said or not (swaps or (len(said) == 1 and (ranked or named))):
        return None
    known = (*words("edits", "about_limits"), *words("edits", "fillers"), *words("edits", "ranks"))
    told = {stem(word) for word in re.findall(r"[a-z]+", (task.description or "").casefold())}
    if any(i.lower not in known and i.stem not in told for i in rest):
        return None  # a word that neither changes say nor the request said
    new, old = (said[0], said[1]) if swaps else (said[0], None)
    if old is not None and piece.lowered.index("from") < piece.items.index(old) if "from" in lowered else False:
        new, old = said[1], said[0]
    held = _counts(task) if ranked and not named else [*_all_conditions(task), *(_counts(task) if swaps else ())]
    there = [lit for lit in held if old is None or lit.value == _amount(old)]
    if not there:
        return Done(why=f"no condition here has {f'“{old.text}”' if old is not None else 'a number'}")
    if len(there) > 1:
        return Done(why=_MANY)
    return _to(task, there[0], new)


def _swaps(piece: Piece, said: list[Item]) -> bool:
    """Is one of these two numbers said to take the place of the other?"""
    lowered = piece.lowered
    between = lowered[piece.items.index(said[0]) + 1 : piece.items.index(said[1])]
    first = lowered[: piece.items.index(said[0])]
    if "from" in first and "to" in between:
        return True
    return between[-2:] in (("instead", "of"), ("rather", "than")) or between[-1:] == ("not",)


def _to(task: ir.Task, old: Lit, new: Item) -> Done:
    unit = _unit(new)
    if unit in _DEGREES and old.unit in ("celsius", "fahrenheit"):
        unit = old.unit
    if unit is not None and unit != old.unit:
        return Done(why=f"“{new.text}” has another unit than {old.value} {old.unit or 'without one'}")
    fresh = msgspec.structs.replace(old, value=_amount(new))
    return Done(task=_changed(task, old, fresh))


def _compared(piece: Piece, task: ir.Task) -> Done | None:
    """`make it below 0 degrees`: the number of the one comparison of that kind."""
    said = [item for item in piece.items if item.kind in _NUMBERS]
    rest = [i.lower for i in piece.items if i.kind not in _NUMBERS and i.kind != "punct"]
    known = (*words("edits", "about_limits"), *words("edits", "fillers"))
    hit = comparisons.find(list(piece.lowered))
    if len(said) != 1 or hit is None or hit.op not in _SAME or not all(word in known for word in rest):
        return None
    if any(word in ("only", "if", "when") for word in rest):
        return None  # that is a condition more
    held = list(_all_conditions(task))
    if len(held) != 1:
        return Done(why=_MANY if held else "no condition here has a number")
    ops = [call.name for part in _conditions(task) for call in _calls(part) if held[0] in call.args]
    if not ops or ops[0] not in _SAME[hit.op]:
        return Done(why="the condition here is of another kind; say “only if ...” in the words it should have")
    return _to(task, held[0], said[0])


def _calls(value: object) -> Iterator[Call]:
    if isinstance(value, Call):
        yield value
    if isinstance(value, msgspec.Struct):
        for name in ("args", "value", "source", "body", "rest", "items"):
            yield from _calls(getattr(value, name, ()))
    elif isinstance(value, tuple):
        for each in value:
            yield from _calls(each)


def _all_conditions(task: ir.Task) -> Iterator[Lit]:
    for part in _conditions(task):
        yield from _literals(part)


def _counts(task: ir.Task) -> list[Lit]:
    """How many of a list are meant: the end of a slice, a number that a service is asked for."""
    found = [call.args[2] for action in walk(task.actions) for call in _slices(action.do)]
    for action in walk(task.actions):
        given = action.do.params if isinstance(action.do, ir.ConnectorCall) else ()
        found += [e.value for e in given if isinstance(e.value, Lit) and e.name in words("edits", "counts")]
    return [lit for lit in found if isinstance(lit, Lit) and isinstance(lit.value, int) and lit.value > 0]


def _slices(value: object) -> Iterator[Call]:
    """Every slice from the first item on in what an action works out, or passes."""
    match value:
        case ir.ConnectorCall(params=params):
            for each in params:
                yield from _slices(each.value)
        case Call(name="SLICE", args=(source, Lit(value=0), _)):
            yield value
            yield from _slices(source)
        case msgspec.Struct():
            for name in ("args", "value", "source", "body", "rest", "items"):
                yield from _slices(getattr(value, name, ()))
        case tuple():
            for each in value:
                yield from _slices(each)


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
    """`wait 30 minutes instead`, `wait an hour, not 10 minutes`, `make the wait an hour`: the one pause there is."""
    known = (*words("edits", "fillers"), *words("edits", "changing"), *words("edits", "about_waits"))
    rest = [i for i in piece.items if i.kind != "punct" and duration_of(i) is None]
    lengths = [(i, length) for i in piece.items if (length := duration_of(i)) is not None]
    if not lengths or len(lengths) > 2 or not any(i.lower in words("edits", "waits") for i in rest):
        return None
    if any(i.lower not in known for i in rest):
        return None
    lowered = piece.lowered
    backwards = "from" in lowered and len(lengths) == 2 and lowered.index("from") < piece.items.index(lengths[0][0])
    length = lengths[-1 if backwards else 0][1]
    waits = [action for action in walk(task.actions) if isinstance(action.do, ir.Wait)]
    if len(lengths) == 2:
        old = parse_expression(lengths[0 if backwards else 1][1])[0]
        waits = [a for a in waits if isinstance(a.do, ir.Wait) and _as_long(a.do.for_, old)]
    if len(waits) != 1:
        return Done(why="there is no such pause here" if not waits else "there are several pauses here")
    expr, report = parse_expression(length)
    if not report.ok:
        return Done(why=report.errors[0].message)
    fresh = msgspec.structs.replace(waits[0], do=ir.Wait(for_=expr))
    return Done(task=msgspec.structs.replace(task, actions=swapped(task.actions, waits[0], fresh)))


def _as_long(one: Expr | None, other: Expr | None) -> bool:
    if not isinstance(one, Lit) or not isinstance(other, Lit):
        return False
    sizes = [Fraction(str(e.value)) * SECONDS.get((e.unit or "").rstrip("s"), 0) for e in (one, other)]
    return sizes[0] == sizes[1] != 0


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
