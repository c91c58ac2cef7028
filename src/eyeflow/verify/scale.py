"""Types and constants on the solver's scale.

Knows: which kind of unknown a type is, which number a constant is. In: types, run-time values. Out: kinds, fractions.
Never: looks at expressions beyond the unit names a comparison ends with.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Final

from eyeflow import units
from eyeflow.ir.check.tree import type_of
from eyeflow.ir.expr import Expr, Lit
from eyeflow.values import DURATION, Json, Null, Scalar, Type, Value, is_numeric, non_null
from eyeflow.verify.symbols import MAX_EXACT
from eyeflow.verify.terms import Kind, Term

_MOMENTS: Final = frozenset(("date", "time", "timestamp", "duration"))
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def comparable(a: Term, b: Term) -> bool:
    """True for two terms that have an order between them."""
    numbers = ("int", "real")
    if a.kind in numbers and b.kind in numbers:
        return True
    return a.kind == b.kind == "moment" and a.scalar == b.scalar


def is_whole(expr: Expr) -> bool:
    """True for expressions that are counted exactly: whole numbers and durations."""
    of = type_of(expr)
    return (isinstance(of, Scalar) and of.name == "integer") or of == DURATION


def kind_of(of: Type) -> tuple[Kind, str]:
    """The kind of unknown that values of a type are, and the name of the scalar."""
    plain = non_null(of)
    if isinstance(plain, Json):
        return "json", "json"
    if isinstance(plain, Null):
        return "null", "null"
    if not isinstance(plain, Scalar):
        return "thing", "thing"
    if is_numeric(plain):
        return ("int" if plain.name == "integer" else "real"), plain.name
    if plain.name in _MOMENTS:
        return "moment", plain.name
    kinds: dict[str, Kind] = {"string": "text", "boolean": "bool"}
    return kinds.get(plain.name, "thing"), plain.name


def number_of(value: Value) -> Fraction | None:
    """A constant on the solver's scale, or None for what has no exact place there."""
    match value:
        case bool() | None:
            return None
        case int():
            return Fraction(value)
        case float():
            return Fraction(repr(value)) if abs(value) <= MAX_EXACT else None
        case timedelta():
            return Fraction(value // timedelta(microseconds=1))
        case datetime():
            return None if value.tzinfo is None else Fraction((value - _EPOCH) // timedelta(microseconds=1))
        case date():
            return Fraction(value.toordinal())
        case time():
            if value.tzinfo is not None:
                return None
            seconds = value.hour * 3600 + value.minute * 60 + value.second
            return Fraction(seconds * 1_000_000 + value.microsecond)
        case _:
            return None


def unit_names(args: tuple[Expr, ...]) -> tuple[str | None, str | None]:
    """The two units a comparison ends with, when they differ."""
    if len(args) == 4 and isinstance(args[2], Lit) and isinstance(args[3], Lit):
        return str(args[2].value), str(args[3].value)
    return None, None


def scaled(value: Fraction, source: str, target: str) -> Fraction:
    """A constant of one unit in another, exactly."""
    one, other = units.lookup(source), units.lookup(target)
    assert one is not None and other is not None, "the checker let these units meet"
    return (value * one.factor + one.offset - other.offset) / other.factor
