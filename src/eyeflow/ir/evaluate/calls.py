"""Functions of the function table on pieces: APPLY and EACH.

Knows: null rules, journaled values, and how work on large values is counted. In: a function's number and pieces.
Out: closures. Never: implements a function.

A block costs its number of operations. Besides, a function that looks through text or a list costs a sixteenth of
its arguments' length, what it makes costs a sixty-fourth of its length, and a body costs its own operations for each
item, which must all be left before the first one runs. So neither time nor memory can grow beyond a program's budget.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import add, eq, ge, gt, le, lt, mul, ne, sub
from typing import Any, Final

from eyeflow.ir.evaluate.frame import PACE, Code, Frame
from eyeflow.ir.evaluate.piece import NO_CONSTANT, Piece
from eyeflow.ir.functions import BY_NUMBER
from eyeflow.ir.functions.row import Function, mismatched
from eyeflow.values import Value

_FLAT: Final = frozenset(
    ("GT", "GE", "LT", "LE", "NOT", "IS_NULL", "ADD", "SUB", "MUL", "DIV", "MOD", "ROUND", "ABS", "LEN", "NOW", "UUID",
     "DATE_ADD", "DATE_DIFF")
)  # fmt: skip
"""Functions whose work does not depend on the length of their arguments."""

_WHOLE: Final = frozenset((str, bool))
"""Kinds whose values are equal when Python says so."""

_FAST: Final[dict[str, Any]] = {"GT": gt, "GE": ge, "LT": lt, "LE": le, "EQ": eq, "NE": ne}
_SUMS: Final[dict[str, Any]] = {"ADD": add, "SUB": sub, "MUL": mul}
_MOST: Final = 2**53
_LEAST: Final = -_MOST
_NUMBERS: Final = frozenset((int, float))


def apply(number: int, args: Sequence[Piece]) -> Code:
    """A call of function `number`."""
    row = BY_NUMBER[number]
    if row.journaled:
        return _journaled(row)
    if row.name in _FAST and len(args) == 2:
        return _comparison(row, args[0], args[1])
    if row.name in _SUMS and len(args) == 2:
        return _sum(row, args[0], args[1])
    if row.name in _FLAT:
        return _flat(row, [arg.code for arg in args])
    return _counted(row, [arg.code for arg in args])


def each(number: int, source: Piece, rest: Sequence[Piece], *, item: int, body: Code, cost: int) -> Code:
    """A call of binder `number`: `body` runs with register `item` set to each element and is counted as `cost`."""
    row = BY_NUMBER[number]
    run, code, others, strict = row.run, source.code, tuple(arg.code for arg in rest), row.nulls == "strict"

    def call(frame: Frame) -> Value:
        items = code(frame)
        if items is None and strict:
            return None
        if not isinstance(items, (list, tuple)):
            raise mismatched(row.name, "a list", items)
        values = [other(frame) for other in others]
        if strict and any(value is None for value in values):
            return None
        meter, total = frame.meter, len(items) * (cost + 1)
        long = total > PACE
        if long:
            meter.require(total)
        else:
            meter.spend(total)

        def on(element: Value) -> Value:
            if long:
                meter.spend(cost + 1)
            frame[item] = element
            return body(frame)

        return run(items, on, *values)

    return call


def _journaled(row: Function) -> Code:
    run, name = row.run, row.name

    def call(frame: Frame) -> Value:
        return run(frame.meter.recorded(name))

    return call


def _flat(row: Function, args: list[Code]) -> Code:
    run, strict = row.run, row.nulls == "strict"
    if len(args) == 1:
        only = args[0]

        def one(frame: Frame) -> Value:
            value = only(frame)
            return None if value is None and strict else run(value)

        return one

    def call(frame: Frame) -> Value:
        values = [arg(frame) for arg in args]
        if strict and any(value is None for value in values):
            return None
        return run(*values)

    return call


def _counted(row: Function, args: list[Code]) -> Code:
    run, strict = row.run, row.nulls == "strict"

    def call(frame: Frame) -> Value:
        values = [arg(frame) for arg in args]
        size = 0
        for value in values:
            if value is None:
                if strict:
                    return None
            elif isinstance(value, (str, list, tuple, dict, bytes)):
                size += len(value)
        meter = frame.meter
        meter.spend(size >> 4)
        result = run(*values)
        if isinstance(result, (str, list, dict)):
            meter.left -= len(result) >> 6
        return result

    return call


def _sum(row: Function, left: Piece, right: Piece) -> Code:
    """Sums of two plain numbers without a detour, when the result is plain too; everything else by the table."""
    fast = _SUMS[row.name]
    run, strict = row.run, row.nulls == "strict"
    one, other, known = left.code, right.code, right.constant
    if type(known) is int and _LEAST < known < _MOST:

        def with_constant(frame: Frame) -> Value:
            a = one(frame)
            if type(a) is int and _LEAST < (result := fast(a, known)) < _MOST:
                return result  # type: ignore[no-any-return]
            return None if a is None and strict else run(a, known)

        return with_constant

    def call(frame: Frame) -> Value:
        a, b = one(frame), other(frame)
        if type(a) in _NUMBERS and type(b) in _NUMBERS:
            try:
                result = fast(a, b)
            except OverflowError:
                return run(a, b)
            if _LEAST < result < _MOST:
                return result  # type: ignore[no-any-return]
        if strict and (a is None or b is None):
            return None
        return run(a, b)

    return call


def _comparison(row: Function, left: Piece, right: Piece) -> Code:
    """Comparisons of plain numbers without a detour; everything else by the table."""
    fast = _FAST[row.name]
    run, strict = row.run, row.nulls == "strict"
    one, other, known = left.code, right.code, right.constant
    if known is not NO_CONSTANT and type(known) in _NUMBERS:

        def with_constant(frame: Frame) -> Value:
            a = one(frame)
            if type(a) in _NUMBERS:
                return fast(a, known)  # type: ignore[no-any-return]
            return None if a is None and strict else run(a, known)

        return with_constant
    if type(known) in _WHOLE and row.name in ("EQ", "NE"):
        kind = type(known)

        def with_like(frame: Frame) -> Value:
            a = one(frame)
            return fast(a, known) if type(a) is kind else run(a, known)

        return with_like

    def general(frame: Frame) -> Value:
        a, b = one(frame), other(frame)
        if type(a) in _NUMBERS and type(b) in _NUMBERS:
            return fast(a, b)  # type: ignore[no-any-return]
        if strict and (a is None or b is None):
            return None
        if isinstance(a, (str, list, tuple, dict)):
            frame.meter.spend(len(a) >> 4)
        return run(a, b)

    return general
