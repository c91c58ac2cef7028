"""Programs changed at one or more places, as somebody might who signs what he should not.

Everything in a program is numbers, short texts and lists of them: a change replaces one number by another that means
something somewhere (an index of another pool, a boundary), swaps, drops or repeats entries of a list, or flips a flag.
"""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec

from eyeflow.ir.opcodes import TABLE
from eyeflow.ir.program import Program

Place = tuple[Any, Any]
NUMBERS = (-1, 0, 1, 2, 3, 4, 5, 7, 11, 50, 255, 100_000, 2**31, 2**53, -(2**63))
POOLS = ("blocks", "scopes", "fans", "constants", "bindings", "inputs", "triggers", "limits")


def mutated(program: Program, luck: Random) -> Program | None:
    """The program with one to three changes; None when the result is no program at all."""
    tree = msgspec.to_builtins(program)
    for _ in range(luck.choice((1, 1, 1, 2, 3))):
        _change(tree, luck)
    try:
        return msgspec.convert(tree, Program)
    except msgspec.ValidationError:
        return None


def _change(tree: dict[str, Any], luck: Random) -> None:
    pool = luck.choice(POOLS * 3 + ("root", "on_failure", "registers"))
    if pool == "blocks" or not isinstance(tree.get(pool), list | dict) or not tree[pool]:
        pool = "blocks"
    places = _places(tree[pool])
    if not places:
        return
    held, key = luck.choice(places)
    value = held[key]
    if isinstance(value, bool):
        held[key] = not value
    elif isinstance(value, int):
        held[key] = _number(value, luck)
    elif isinstance(value, list):
        _shuffle(value, luck)
    elif isinstance(value, str):
        held[key] = luck.choice((value + "x", "", "read", "write", "null", "1", '"text"', "[]", "number", "string"))
    elif value is None:
        held[key] = luck.choice((0, 1, 60_000))


def _number(value: int, luck: Random) -> int:
    near = (value - 1, value + 1, value * 2, luck.randrange(30), luck.choice(TABLE).number)
    return luck.choice((*near, luck.choice(NUMBERS)))


def _shuffle(value: list[Any], luck: Random) -> None:
    kind = luck.randrange(4)
    if not value:
        value.append(luck.randrange(12))
    elif kind == 0:
        luck.shuffle(value)
    elif kind == 1:
        value.pop(luck.randrange(len(value)))
    elif kind == 2:
        value.append(luck.choice(value))
    else:
        value[luck.randrange(len(value))] = luck.choice(value)


def _places(tree: Any) -> list[Place]:
    """Every entry of every list and mapping inside."""
    found: list[Place] = []
    waiting = [tree]
    while waiting:
        held = waiting.pop()
        keys = list(held) if isinstance(held, dict) else range(len(held))
        for key in keys:
            found.append((held, key))
            if isinstance(held[key], list | dict):
                waiting.append(held[key])
    return found
