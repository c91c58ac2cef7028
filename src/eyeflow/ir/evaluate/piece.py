"""A part of a block on its way to becoming a closure.

Knows: that a value may be a constant, a register, or still to be computed. In: those. Out: `Piece`, cached constants.
Never: knows operations.
"""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

from eyeflow.errors import RunError
from eyeflow.ir.evaluate import conform
from eyeflow.ir.evaluate.frame import Code, Frame
from eyeflow.ir.program import Constant
from eyeflow.values import Value


class Absent:
    """The mark of a piece that is no constant."""


NO_CONSTANT: Final = Absent()


class Piece:
    """One value: `code` gives it; `register` when it only reads one; `constant` when it is known; `depth` counts the
    closures inside one another, because a chain of closures uses the interpreter's stack."""

    __slots__ = ("code", "constant", "depth", "register")

    def __init__(
        self, code: Code, *, depth: int = 1, register: int = -1, constant: Value | Absent = NO_CONSTANT
    ) -> None:
        self.code = code
        self.depth = depth
        self.register = register
        self.constant = constant


def constant(value: Value) -> Piece:
    """A piece that is always `value`."""

    def give(frame: Frame) -> Value:
        return value

    return Piece(give, constant=value)


def register(number: int) -> Piece:
    """A piece that reads a register."""

    def give(frame: Frame) -> Value:
        return frame[number]

    return Piece(give, register=number)


def constant_value(held: Constant, zone: ZoneInfo) -> Value:
    """The run-time value of a pool constant.

    Raises:
        RunError: `type_mismatch`, when the JSON is not of the type it claims; the validator finds that first.
    """
    read = conform.expecter(held.type, zone, "a constant")
    try:
        value = held.value.value
        return value if read is None else read(value)
    except (RecursionError, ValueError):
        raise RunError("type_mismatch", "a constant is nested too deep, or is no JSON") from None
