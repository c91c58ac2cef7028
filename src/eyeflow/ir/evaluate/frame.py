"""Where a run keeps its values, and what it may still spend on computing.

Knows: registers, the budget of pure operations, the door to journaled values. In: sizes and limits.
Out: `Frame`, `Meter`, `Code`. Never: evaluates.

A frame is a list of registers with one attribute, so that closures read a register by one subscript. Blocks run
without awaiting, so a meter needs no lock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import msgspec

from eyeflow.errors import RunError
from eyeflow.values import Value

PACE: Final = 10_000
"""Operations between two looks at the time: some milliseconds of computing."""


class Meter(msgspec.Struct, eq=False):
    """The budget of one run, shared by its frames: `left` pure operations, and `recorded`, which gives the value
    of a journaled function (`NOW`, `UUID`) by name, from the world or from the journal.

    A `paced` meter hands operations out `PACE` at a time, keeps the `rest`, and calls `pace` before each further
    portion: it raises RunError when there is no time to go on.
    """

    left: int
    recorded: Callable[[str], Value]
    pace: Callable[[], None] | None = None
    rest: int = 0

    @classmethod
    def paced(cls, operations: int, recorded: Callable[[str], Value], pace: Callable[[], None]) -> Meter:
        """A meter of so many operations that looks at the time between portions."""
        return cls(min(operations, PACE), recorded, pace, max(operations - PACE, 0))

    def spend(self, operations: int) -> None:
        """Take `operations` off the budget.

        Raises:
            RunError: `operation_limit`, when they are more than what is left; what `pace` raises.
        """
        self.left -= operations
        if self.left >= 0:
            return
        if self.rest > 0 and self.pace is not None:
            portion = min(self.rest, PACE - self.left)
            self.rest -= portion
            self.left += portion
            if self.left >= 0:
                self.pace()
                return
        raise _too_much()

    def require(self, operations: int) -> None:
        """See that so many operations are left, and take none. Raises: RunError `operation_limit`."""
        if operations > self.left + self.rest:
            raise _too_much()


def _too_much() -> RunError:
    return RunError(
        "operation_limit",
        "the run computes more than its program allows",
        hint="work on fewer items, or filter before sorting and grouping",
    )


class Frame(list[Value]):
    """Registers of a scope, all null at first; `program.TRIGGER` to `program.NOW` hold the roots. Whoever makes one
    from values sets `meter`."""

    __slots__ = ("meter",)
    meter: Meter

    @classmethod
    def of(cls, registers: int, meter: Meter) -> Frame:
        """So many registers, all null."""
        frame = cls([None] * registers)
        frame.meter = meter
        return frame

    def child(self) -> Frame:
        """A copy for one turn of a loop: it sees what is outside now, and what it assigns stays inside."""
        copy = Frame(self)
        copy.meter = self.meter
        return copy


Code: TypeAlias = Callable[[Frame], Value]
"""A block as a closure."""
