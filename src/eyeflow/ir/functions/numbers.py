"""Arithmetic.

Knows: exact integers (bounded), IEEE doubles that are never NaN nor infinite. In: ints and floats; durations where a
unit of time is added. Out: the same. Never: units, which the checker has converted before.

Division always gives a double. ROUND rounds half away from zero on the decimal that the number prints as.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from functools import reduce
from typing import TypeAlias

import msgspec

from eyeflow.ir.functions.order import order
from eyeflow.ir.functions.row import MAX_INTEGER_BITS, impossible, mismatched, too_big
from eyeflow.values import Value

Number: TypeAlias = int | float


def finite(name: str, value: Number) -> Number:
    """`value` when it is a number a program may hold. Raises: RunError `evaluation`, `output_limit`."""
    if isinstance(value, int):
        if value.bit_length() > MAX_INTEGER_BITS:
            raise too_big(name, "an integer of more than 1,200 digits")
        return value
    if math.isfinite(value):
        return value
    raise impossible(f"the result of {name} is not a finite number")


def _pair(name: str, work: Callable[[Number, Number], Number]) -> Callable[[Number, Number], Number]:
    def run(a: Number, b: Number) -> Number:
        try:
            return finite(name, work(_number(name, a), _number(name, b)))
        except OverflowError:
            raise impossible(f"the result of {name} is not a finite number") from None

    return run


def _number(name: str, value: Value) -> Number:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise mismatched(name, "a number", value)
    return value


_plus = _pair("ADD", lambda a, b: a + b)
_minus = _pair("SUB", lambda a, b: a - b)
_times = _pair("MUL", lambda a, b: a * b)
_over = _pair("DIV", lambda a, b: a / b)
_modulo = _pair("MOD", lambda a, b: a % b)


def add(*values: Value) -> Value:
    """ADD: numbers; two durations; a date or timestamp and a duration."""
    if any(isinstance(value, (date, timedelta)) for value in values):
        return _moved("ADD", values, 1)
    return reduce(_plus, values)  # type: ignore[arg-type]


def subtract(a: Value, b: Value) -> Value:
    """SUB: numbers, durations, dates, timestamps."""
    if isinstance(a, date) and isinstance(b, date):
        return _moved("SUB", (a, b), -1)
    if isinstance(a, (date, timedelta)) or isinstance(b, timedelta):
        return _moved("SUB", (a, b), -1)
    return _minus(a, b)  # type: ignore[arg-type]


def _moved(name: str, values: tuple[Value, ...], sign: int) -> Value:
    first, second = values
    if isinstance(first, timedelta) and isinstance(second, date):
        first, second = second, first
    try:
        if sign < 0:
            return first - second  # type: ignore[operator, no-any-return, unused-ignore]
        return first + second  # type: ignore[operator, no-any-return, unused-ignore]
    except OverflowError:
        raise impossible(f"the result of {name} is outside the calendar (years 1 to 9999)") from None
    except TypeError:
        raise mismatched(name, "a date or duration", second) from None


def multiply(*values: Value) -> Value:
    """MUL: numbers, at most one duration among them."""
    spans = [value for value in values if isinstance(value, timedelta)]
    if spans:
        factor = reduce(_times, (value for value in values if not isinstance(value, timedelta)), 1)  # type: ignore[arg-type]
        return scaled(spans[0], factor)
    return reduce(_times, values)  # type: ignore[arg-type]


def scaled(span: timedelta, factor: Number) -> timedelta:
    """A duration times a number, to the microsecond. Raises: RunError `evaluation` when it is too long."""
    try:
        return span * factor
    except OverflowError:
        raise impossible("the duration is longer than a program can hold") from None


def divide(a: Value, b: Value) -> Value:
    """DIV. Raises: RunError `evaluation` for a divisor of zero."""
    try:
        if isinstance(a, timedelta):
            return a / b  # type: ignore[operator, no-any-return, unused-ignore]
        return _over(a, b)  # type: ignore[arg-type]
    except ZeroDivisionError:
        raise impossible("DIV by zero", "guard it: IF(EQ(n, 0), 0, DIV(total, n))") from None
    except OverflowError:
        raise impossible("the result of DIV is not a finite number") from None


def modulo(a: Number, b: Number) -> Number:
    """MOD: the remainder with the sign of the divisor. Raises: RunError `evaluation` for a divisor of zero."""
    try:
        return _modulo(a, b)
    except ZeroDivisionError:
        raise impossible("MOD by zero") from None


def rounded(value: Number, places: int | None = None) -> Number:
    """ROUND half away from zero; an integer without `places` (-15 to 15)."""
    if places is not None and not -15 <= places <= 15:
        raise impossible("ROUND takes from -15 to 15 places")
    if isinstance(value, int) and (places is None or places >= 0):
        return value if places is None else float(value)
    with localcontext(prec=1500):
        try:
            step = Decimal(1).scaleb(-(places or 0))
            exact = Decimal(repr(value)).quantize(step, rounding=ROUND_HALF_UP)
        except InvalidOperation:
            raise impossible("the number is too large for ROUND") from None
    return int(exact) if places is None else float(exact)


def absolute(value: Value) -> Value:
    """ABS of a number or duration."""
    return abs(value) if isinstance(value, timedelta) else abs(_number("ABS", value))


def _members(name: str, values: tuple[Value, ...]) -> list[Value]:
    members: Value = values[0] if len(values) == 1 else list(values)
    if not isinstance(members, (list, tuple)):
        raise mismatched(name, "a list", members)
    return [member for member in members if member is not None]


def smallest(*values: Value) -> Value:
    """MIN of a list (nulls aside; null when nothing is left) or of two and more values."""
    return _extreme(_members("MIN", values), -1)


def largest(*values: Value) -> Value:
    """MAX of a list (nulls aside; null when nothing is left) or of two and more values."""
    return _extreme(_members("MAX", values), 1)


def _extreme(members: list[Value], sign: int) -> Value:
    best: Value = None
    for index, member in enumerate(members):
        if index == 0 or order(member, best) == sign:
            best = member
    return best


def _amounts(name: str, items: Value, body: Callable[[Value], Value] | None) -> list[Value]:
    if not isinstance(items, (list, tuple)):
        raise mismatched(name, "a list", items)
    amounts = items if body is None else [body(item) for item in items]
    return [amount for amount in amounts if amount is not None]


def total(items: Value, body: Callable[[Value], Value] | None = None) -> Value:
    """SUM: exact for integers, correctly rounded for doubles (so the order of items does not matter); nulls aside."""
    return _summed("SUM", _amounts("SUM", items, body))


def _summed(name: str, amounts: list[Value]) -> Value:
    if amounts and isinstance(amounts[0], timedelta):
        span: Value = timedelta()
        for amount in amounts:
            span = _moved(name, (span, amount), 1)
        return span
    numbers = [_number(name, amount) for amount in amounts]
    if all(isinstance(number, int) for number in numbers):
        return finite(name, sum(numbers))
    try:
        return finite(name, math.fsum(numbers))
    except OverflowError:
        raise impossible(f"the result of {name} is not a finite number") from None


def average(items: Value, body: Callable[[Value], Value] | None = None) -> Value:
    """AVG: null for nothing; nulls aside."""
    amounts = _amounts("AVG", items, body)
    return divide(_summed("AVG", amounts), len(amounts)) if amounts else None


def to_number(value: Value) -> Number:
    """TO_NUMBER: a number, or text that spells one as JSON does. Raises: RunError `evaluation`."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise mismatched("TO_NUMBER", "text or a number", value)
    try:
        found = msgspec.json.decode(value.strip(" \t\r\n").removeprefix("+"), type=int | float)
    except (msgspec.DecodeError, UnicodeEncodeError):
        raise impossible("TO_NUMBER was given text that is no number", "remove words, units and separators") from None
    return finite("TO_NUMBER", found)
