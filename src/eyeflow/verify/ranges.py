"""The values of one number for which each branch is taken, exactly.

Knows: that conditions which only compare one number with constants change at those constants and nowhere else.
In: encoded conditions. Out: cells of the number line, gaps. Never: samples: every cell stands for all its values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Final

import msgspec

from eyeflow.verify.symbols import TAGS, Symbols
from eyeflow.verify.terms import Encoded, Formula, Symbol

DEFAULT: Final = -1
"""The branch of a cell where no condition holds."""

_ERROR: Final = -2


class Cell(msgspec.Struct, frozen=True):
    """A constant, or everything strictly between two (None: without end). `branch` is the case that is taken."""

    low: Fraction | None
    high: Fraction | None
    sample: Fraction
    branch: int

    @property
    def point(self) -> bool:
        """True for a constant alone."""
        return self.low is not None and self.low == self.high


class Gap(msgspec.Struct, frozen=True):
    """A stretch of DEFAULT between two conditions; the ends belong to it or not."""

    low: Fraction
    high: Fraction
    with_low: bool
    with_high: bool
    sample: Fraction
    before: int
    after: int


def only_symbol(conditions: Sequence[Encoded]) -> Symbol | None:
    """The one number that all conditions compare with constants, and do nothing else; or None."""
    symbols = {symbol for each in conditions for symbol in each.symbols}
    if len(symbols) != 1:
        return None
    symbol = symbols.pop()
    usable = symbol.kind in ("int", "real", "moment", "json") and symbol.origin != "opaque"
    return symbol if usable and all(symbol in each.points for each in conditions) else None


def cells(made: Symbols, symbol: Symbol, conditions: Sequence[Encoded], spent: Callable[[], bool]) -> list[Cell] | None:
    """The number line cut at every constant; None when a condition is not decided by the number alone, or when time
    is `spent`."""
    bounds = [each for each in (symbol.low, symbol.high) if each is not None]
    points = sorted({p for each in conditions for p in each.points[symbol]} | set(bounds))
    whole = symbol.kind in ("int", "moment")
    taken = _taken(made, conditions)
    found: list[Cell] = []
    for low, high in _pieces(points):
        sample = low if low is not None and low == high else _inside(low, high, whole=whole)
        if sample is None or (whole and sample.denominator != 1) or _outside(symbol, sample):
            continue
        branch = None if spent() else _at(made, symbol, taken, sample)
        if branch is None or branch == _ERROR:
            return None
        found.append(Cell(low, high, sample, branch))
    return found


def _pieces(points: list[Fraction]) -> list[tuple[Fraction | None, Fraction | None]]:
    pieces: list[tuple[Fraction | None, Fraction | None]] = []
    for before, point in pairwise((None, *points)):
        assert point is not None, "only the first has nothing before it"
        pieces.extend(((before, point), (point, point)))
    return [*pieces, (points[-1], None)] if points else []


def _outside(symbol: Symbol, value: Fraction) -> bool:
    low, high = symbol.low, symbol.high
    return (low is not None and value < low) or (high is not None and value > high)


def _taken(made: Symbols, conditions: Sequence[Encoded]) -> Formula:
    """The number of the first condition that holds, as one formula; `_ERROR` where evaluating one fails."""
    taken = made.integer(DEFAULT)
    for number, condition in reversed(list(enumerate(conditions))):
        later = made.choose(condition.false, taken, made.integer(_ERROR))
        taken = made.choose(condition.true, made.integer(number), later)
    return taken


def _at(made: Symbols, symbol: Symbol, formula: Formula, value: Fraction) -> int | None:
    """`formula` where the number is `value`; None when that alone does not decide it."""
    number = made.fraction(value) if symbol.kind in ("real", "json") else made.integer(int(value))
    pairs = [(symbol.value, number), (symbol.null, made.no)]
    if symbol.tag is not None:
        pairs.append((symbol.tag, made.integer(TAGS["number"])))
    result = made.z3.simplify(made.z3.substitute(formula, *pairs))
    return int(result.as_long()) if made.z3.is_int_value(result) else None


def gaps(line: list[Cell], possible: Callable[[Cell], bool], *, whole: bool) -> list[Gap]:
    """Stretches of DEFAULT with a stretch of two different conditions on either side: what a partition forgot.

    A single value set apart (`EQ`, `NE`) is no stretch. `possible` says whether a cell can occur where one stands;
    `whole` that only whole numbers do.
    """
    real = [cell for cell in line if possible(cell)]
    runs: list[list[Cell]] = []
    for cell in real:
        if runs and (runs[-1][0].branch == DEFAULT) == (cell.branch == DEFAULT):
            runs[-1].append(cell)
        else:
            runs.append([cell])
    found: list[Gap] = []
    for before, run, after in zip(runs, runs[1:], runs[2:], strict=False):
        if run[0].branch != DEFAULT:
            continue
        left = [cell for cell in before if not cell.point]
        right = [cell for cell in after if not cell.point]
        if left and right and left[-1].branch != right[0].branch:
            found.append(_gap(run, left[-1].branch, right[0].branch, whole=whole))
    return found


def _gap(run: list[Cell], before: int, after: int, *, whole: bool) -> Gap:
    first, last = run[0], run[-1]
    low, high = first.low, last.high
    assert low is not None and high is not None, "a gap has conditions on both sides"
    sample = roundest(low, high, whole=whole) or first.sample
    return Gap(low, high, first.point, last.point, sample, before, after)


def _inside(low: Fraction | None, high: Fraction | None, *, whole: bool) -> Fraction | None:
    """A plain number strictly between; None when there is no whole one."""
    if low is None:
        return Fraction(high.__ceil__() - 1) if high is not None else Fraction(0)
    return Fraction(low.__floor__() + 1) if high is None else roundest(low, high, whole=whole)


def roundest(low: Fraction, high: Fraction, *, whole: bool) -> Fraction | None:
    """The number strictly between `low` and `high` with the fewest digits, the nearest to the middle of those; None
    when `whole` is wanted and there is none."""
    if low >= high:
        return None
    middle, step = (low + high) / 2, Fraction(1)
    while step < high - low:
        step *= 10
    while not low < _nearest(middle, step) < high:
        step /= 10
        if whole and step < 1:
            return None
    return _nearest(middle, step)


def _nearest(value: Fraction, step: Fraction) -> Fraction:
    """The multiple of `step` next to `value`; of two equally near, the lower."""
    return (value / step - Fraction(1, 2)).__ceil__() * step
