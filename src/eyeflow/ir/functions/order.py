"""Equality, order and the logical functions.

Knows: when two run-time values are equal and which comes first. In: values. Out: booleans, sort keys.
Never: converts representations, which the checker has arranged before.

Numbers compare by exact value (`1` equals `1.0`), a boolean never equals a number, text compares by code point,
timestamps as instants. Values of different kinds are never equal, and ordering them is the error `type_mismatch`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import cmp_to_key, lru_cache
from typing import Any, Final

import re2

from eyeflow import units
from eyeflow.errors import RunError
from eyeflow.ir.functions.row import impossible, mismatched, named
from eyeflow.values import Value

_KINDS: Final = (
    (bool, "boolean"),
    ((int, float), "number"),
    (str, "text"),
    (bytes, "bytes"),
    (datetime, "timestamp"),
    (date, "date"),
    (time, "time"),
    (timedelta, "duration"),
    ((list, tuple), "list"),
    (dict, "object"),
)
_WITH_ORDER: Final = frozenset(("number", "text", "timestamp", "date", "time", "duration"))


def kind_of(value: Value) -> str:
    """The kind under which a value is compared; `null` for null."""
    for python, kind in _KINDS:
        if isinstance(value, python):
            return kind
    return "null"


def equal(a: Value, b: Value) -> bool:
    """Deep equality; iterative, so that nesting cannot exhaust the stack."""
    stack: list[tuple[Value, Value]] = [(a, b)]
    while stack:
        one, other = stack.pop()
        kind = kind_of(one)
        if kind != kind_of(other):
            return False
        if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
            if len(one) != len(other):
                return False
            stack.extend(zip(one, other, strict=True))
        elif isinstance(one, dict) and isinstance(other, dict):
            if one.keys() != other.keys():
                return False
            stack.extend((one[key], other[key]) for key in one)
        elif one != other:
            return False
    return True


def order(a: Value, b: Value) -> int:
    """-1, 0 or 1. Raises: RunError `type_mismatch` for kinds that differ or have no order."""
    kind = kind_of(a)
    if kind not in _WITH_ORDER:
        raise mismatched("a comparison", "a value with an order", a)
    if kind != kind_of(b):
        raise RunError("type_mismatch", f"{named(a)} cannot be compared with {named(b)}")
    one: Any = a
    return int(one > b) - int(one < b)


def _order_keys(a: Value, b: Value) -> int:
    """The order sorting uses: nulls last, booleans false first, otherwise `order`."""
    if a is None or b is None:
        return (a is None) - (b is None)
    if isinstance(a, bool) and isinstance(b, bool):
        return a - b
    return order(a, b)


sort_key: Final[Callable[[Value], Any]] = cmp_to_key(_order_keys)
"""A key for `sorted`: nulls last."""


def _exactly(a: Value, b: Value, unit_a: str, unit_b: str) -> int:
    if not isinstance(a, (int, float)) or not isinstance(b, (int, float)):
        raise mismatched("a comparison", "a number", b if isinstance(a, (int, float)) else a)
    try:
        one, other = units.exact(a, unit_a, unit_b), units.exact(b, unit_b, unit_b)
    except units.UnitError as error:
        raise impossible(error.message, error.hint) from None
    return (one > other) - (one < other)


def _compared(a: Value, b: Value, differing: tuple[str, ...]) -> int:
    return _exactly(a, b, *differing) if len(differing) == 2 else order(a, b)


def gt(a: Value, b: Value, *differing: str) -> bool:
    """a > b."""
    return _compared(a, b, differing) > 0


def ge(a: Value, b: Value, *differing: str) -> bool:
    """a >= b."""
    return _compared(a, b, differing) >= 0


def lt(a: Value, b: Value, *differing: str) -> bool:
    """a < b."""
    return _compared(a, b, differing) < 0


def le(a: Value, b: Value, *differing: str) -> bool:
    """a <= b."""
    return _compared(a, b, differing) <= 0


def eq(a: Value, b: Value, *differing: str) -> bool:
    """Equal; null equals only null."""
    if len(differing) == 2 and a is not None and b is not None:
        return _exactly(a, b, *differing) == 0
    return equal(a, b)


def ne(a: Value, b: Value, *differing: str) -> bool:
    """Not equal."""
    return not eq(a, b, *differing)


def both(*conditions: Callable[[], Value]) -> bool:
    """AND: stops at the first that is false."""
    return all(truth(condition()) for condition in conditions)


def either(*conditions: Callable[[], Value]) -> bool:
    """OR: stops at the first that is true."""
    return any(truth(condition()) for condition in conditions)


def truth(value: Value) -> bool:
    """A boolean, or the error `type_mismatch`."""
    if isinstance(value, bool):
        return value
    raise mismatched("a condition", "a boolean", value)


def negate(value: Value) -> bool:
    """NOT."""
    return not truth(value)


def choose(condition: Callable[[], Value], then: Callable[[], Value], otherwise: Callable[[], Value]) -> Value:
    """IF: only the chosen side runs."""
    return then() if truth(condition()) else otherwise()


def first_known(*values: Callable[[], Value]) -> Value:
    """COALESCE: the first that is not null; later ones do not run."""
    for value in values:
        known = value()
        if known is not None:
            return known
    return None


def is_null(value: Value) -> bool:
    """IS_NULL."""
    return value is None


def is_in(item: Value, items: Value) -> bool:
    """IN: equal to one of the list; nothing is in null."""
    if items is None:
        return False
    if not isinstance(items, (list, tuple)):
        raise mismatched("IN", "a list", items)
    return any(equal(item, each) for each in items)


def contains(whole: Value, part: Value) -> bool:
    """CONTAINS: text inside text, or an item of a list."""
    if isinstance(whole, (list, tuple)):
        return is_in(part, whole)
    if isinstance(whole, str) and isinstance(part, str):
        return part in whole
    raise mismatched("CONTAINS", "text or a list, and its part", part if isinstance(whole, str) else whole)


def starts_with(text: str, prefix: str) -> bool:
    """STARTS_WITH."""
    return text.startswith(prefix)


def ends_with(text: str, suffix: str) -> bool:
    """ENDS_WITH."""
    return text.endswith(suffix)


@lru_cache(maxsize=512)
def pattern(text: str) -> Any:
    """A compiled RE2 pattern. Raises: ValueError naming what is wrong with it."""
    options = re2.Options()
    options.log_errors = False
    if len(text) > 10_000:
        raise ValueError("the pattern is longer than 10000 characters")
    try:
        return re2.compile(text, options)
    except (re2.error, UnicodeEncodeError) as error:
        said = error.args[0] if error.args else "not a pattern"
        raise ValueError(said.decode(errors="replace") if isinstance(said, bytes) else str(said)) from None


def matches(text: str, expression: str) -> bool:
    """MATCHES: the pattern occurs somewhere in the text. Linear time. Source: RE2 syntax."""
    try:
        found = pattern(expression)
    except ValueError as error:
        raise impossible(f"MATCHES cannot read its pattern: {error}", "patterns are RE2: no look-around") from None
    try:
        return found.search(text) is not None
    except UnicodeEncodeError:
        raise impossible("MATCHES needs well-formed text", "the text holds half of a surrogate pair") from None
