"""Signatures: from the types of the arguments to the types they must have and the type of the result.

Knows: the type rules functions share (comparison, arithmetic, binders). In: argument types. Out: `Signed` or
`Mismatch`. Never: looks at values; `compare`, `numbers`, `lists`, `times`, `text` and `data` do.

The rules, so that the table can name them:

- `fixed(T..., returns=R)` wants exactly these types, the later ones optional; text is wanted as text, not rendered.
- Numbers: a bare number takes the other side's unit; two different compatible units meet in the first one's.
- json meets a typed argument by a run-time check; two json arguments of a comparison are compared as they are.
"""

from __future__ import annotations

from eyeflow import units
from eyeflow.ir.functions.row import Mismatch, Sign, Signed
from eyeflow.ir.types import is_time_unit, item_of, join, joined
from eyeflow.values import (
    BOOLEAN,
    BYTES,
    DATE,
    DURATION,
    INTEGER,
    JSON,
    NUMBER,
    STRING,
    TIMESTAMP,
    Json,
    ListOf,
    Null,
    Nullable,
    Scalar,
    Type,
    is_numeric,
    non_null,
    nullable,
)

ORDERED = ("string", "integer", "number", "date", "time", "timestamp", "duration")
_APART = "convert one side to the other's unit, or compare like with like"


def fixed(*params: Type, returns: Type) -> Sign:
    """Arguments of exactly these types; the row's arity says how many may be left out."""

    def sign(args: tuple[Type, ...]) -> Signed | Mismatch:
        return Signed(params[: len(args)], returns)

    return sign


def variadic(param: Type, returns: Type) -> Sign:
    """Any number of arguments of one type."""
    return lambda args: Signed((param,) * len(args), returns)


def unit_of(of: Type) -> str | None:
    """The unit of a numeric type, else None."""
    return of.unit if isinstance(of, Scalar) else None


def _numeric_meeting(a: Scalar, b: Scalar) -> tuple[Type, Type, tuple[str, str] | None] | None:
    """Both sides of a comparison of numbers: their types, and the units when both have one and they differ."""
    if a.unit is None or b.unit is None or a.unit == b.unit:
        unit = a.unit or b.unit
        return Scalar(a.name, unit), Scalar(b.name, unit), None
    if units.compatible(a.unit, b.unit):
        return a, b, (a.unit, b.unit)
    return None


def _meet(a: Type, b: Type) -> tuple[Type, Type, tuple[str, str] | None] | None:
    """The types under which two values are compared, or None when they never can be."""
    a, b = non_null(a), non_null(b)
    if isinstance(a, Null) or isinstance(b, Null):
        return a, b, None
    if isinstance(a, Json) or isinstance(b, Json):
        other = b if isinstance(a, Json) else a
        if isinstance(other, Scalar):
            wanted = Scalar("number", other.unit) if is_numeric(other) else other
            return (wanted, other, None) if isinstance(a, Json) else (other, wanted, None)
        return a, b, None
    if isinstance(a, Scalar) and isinstance(b, Scalar):
        if is_numeric(a) and is_numeric(b):
            return _numeric_meeting(a, b)
        if a.name == b.name:
            return a, b, None
        names = {a.name, b.name}
        if names == {"date", "timestamp"}:
            return TIMESTAMP, TIMESTAMP, None
        if "string" in names and names & {"date", "time", "timestamp", "duration"}:
            typed = b if a.name == "string" else a
            return typed, typed, None
        if "duration" in names and is_time_unit(a.unit or b.unit):
            return DURATION, DURATION, None
        return None
    return (a, b, None) if type(a) is type(b) else None


def compares(args: tuple[Type, ...]) -> Signed | Mismatch:
    """GT GE LT LE: two values with an order."""
    for index, each in enumerate(args[:2]):
        plain = non_null(each)
        if isinstance(plain, Null):
            return Mismatch(index, "a value", "null has no order; test with IS_NULL")
        if not isinstance(plain, Json) and not (isinstance(plain, Scalar) and plain.name in ORDERED):
            return Mismatch(index, "a number, text, date, time, timestamp or duration")
    met = _meet(args[0], args[1])
    if met is None:
        return Mismatch(1, f"something comparable with {_said(args[0])}", _APART)
    return Signed(met[:2], BOOLEAN, met[2])


def equates(args: tuple[Type, ...]) -> Signed | Mismatch:
    """EQ NE: any two values that could be equal; json is compared as it is, null equals null only."""
    if isinstance(non_null(args[0]), Json) or isinstance(non_null(args[1]), Json):
        return Signed((args[0], args[1]), BOOLEAN)
    met = _meet(args[0], args[1])
    if met is None:
        return Mismatch(1, f"something that could equal {_said(args[0])}", _APART)
    a, b, differing = met
    one, other = (nullable(t) if isinstance(arg, Nullable) else t for arg, t in zip(args, (a, b), strict=False))
    return Signed((one, other), BOOLEAN, differing)


def includes(args: tuple[Type, ...]) -> Signed | Mismatch:
    """IN(item, list)."""
    items = item_of(non_null(args[1]))
    if items is None:
        return Mismatch(1, "a list", "CONTAINS(text, part) looks inside text")
    if isinstance(non_null(args[0]), Json) or isinstance(non_null(items), Json | Null):
        return Signed((args[0], args[1]), BOOLEAN)
    met = _meet(args[0], items)
    if met is None or met[2] is not None:
        return Mismatch(1, f"a list of {_said(args[0])}", _APART)
    item, element, _ = met
    return Signed((as_nullable(args[0], item), as_nullable(args[1], ListOf(as_nullable(items, element)))), BOOLEAN)


def contains(args: tuple[Type, ...]) -> Signed | Mismatch:
    """CONTAINS(text, part), CONTAINS(list, item)."""
    if isinstance(args[0], ListOf):
        signed = includes((args[1], args[0]))
        if isinstance(signed, Mismatch):
            return Mismatch(1 - signed.argument, signed.wanted, signed.hint)
        return Signed(signed.params[::-1], BOOLEAN)
    if isinstance(args[0], Json):
        return Signed((JSON, args[1]), BOOLEAN)
    return Signed((STRING, STRING), BOOLEAN)


def adds(args: tuple[Type, ...]) -> Signed | Mismatch:
    """ADD SUB over numbers of meeting units."""
    for index, each in enumerate(args):
        if not isinstance(each, Json) and not is_numeric(each):
            hint = "CONCAT joins text" if each == STRING else "DATE_ADD and DATE_DIFF work with dates"
            return Mismatch(index, "a number", hint)
    unit = next((unit_of(each) for each in args if unit_of(each)), None)
    for index, each in enumerate(args):
        own = unit_of(each)
        if own and unit and not units.compatible(own, unit):
            return Mismatch(index, f"a number of {unit}", _APART)
    whole = all(isinstance(each, Scalar) and each.name == "integer" for each in args)
    whole = whole and all(unit_of(each) in (None, unit) for each in args)
    result = Scalar("integer" if whole else "number", unit)
    return Signed(tuple(Scalar(_kind(each), unit) for each in args), result)


def adds_times(args: tuple[Type, ...]) -> Signed | Mismatch:
    """ADD: numbers; two durations; a date or timestamp and a duration."""
    if len(args) == 2 and any(_timely(each) for each in args):
        first, second = args
        if first == DURATION and second in (DATE, TIMESTAMP):
            return Signed((DURATION, second), second)
        if first in (DATE, TIMESTAMP, DURATION):
            return Signed((first, DURATION), first)
    return adds(args)


def subtracts(args: tuple[Type, ...]) -> Signed | Mismatch:
    """SUB: numbers; durations; a date or timestamp less a duration; two dates or two timestamps give a duration."""
    first, second = args
    if first in (DATE, TIMESTAMP) and (second == DURATION or is_time_unit(unit_of(second))):
        return Signed((first, DURATION), first)
    if first in (DATE, TIMESTAMP) and second in (DATE, TIMESTAMP, STRING, JSON):
        both = first if first == second or second in (STRING, JSON) else TIMESTAMP
        return Signed((both, both), DURATION)
    if DURATION in (first, second):
        return Signed((DURATION, DURATION), DURATION)
    return adds(args)


def multiplies(args: tuple[Type, ...]) -> Signed | Mismatch:
    """MUL: numbers of which at most one has a unit; a duration and bare numbers."""
    bearing = [i for i, each in enumerate(args) if unit_of(each) or each == DURATION]
    if len(bearing) > 1:
        return Mismatch(bearing[1], "a number without a unit", "at most one factor may have a unit")
    for index, each in enumerate(args):
        if not isinstance(each, Json) and not is_numeric(each) and each != DURATION:
            return Mismatch(index, "a number")
    params = tuple(each if each == DURATION else Scalar(_kind(each), unit_of(each)) for each in args)
    if DURATION in args:
        return Signed(params, DURATION)
    unit = unit_of(args[bearing[0]]) if bearing else None
    whole = all(isinstance(each, Scalar) and each.name == "integer" for each in args)
    return Signed(params, Scalar("integer" if whole else "number", unit))


def divides(args: tuple[Type, ...]) -> Signed | Mismatch:
    """DIV: always a number; like by like loses its unit; a duration by a number stays one."""
    first, second = args
    if first == DURATION:
        if second == DURATION or is_time_unit(unit_of(second)):
            return Signed((DURATION, DURATION), NUMBER)
        return Signed((DURATION, NUMBER), DURATION)
    for index, each in enumerate(args):
        if not isinstance(each, Json) and not is_numeric(each):
            return Mismatch(index, "a number")
    top, bottom = unit_of(first), unit_of(second)
    if bottom is None:
        return Signed((Scalar(_kind(first), top), Scalar(_kind(second))), Scalar("number", top))
    if top is None:
        return Mismatch(1, "a number without a unit", "only like divides by like")
    if not units.compatible(top, bottom):
        return Mismatch(1, f"a number of {top}", _APART)
    return Signed((Scalar(_kind(first), top), Scalar(_kind(second), top)), NUMBER)


def remainder(args: tuple[Type, ...]) -> Signed | Mismatch:
    """MOD: numbers of one unit."""
    return adds(args)


def rounds(args: tuple[Type, ...]) -> Signed | Mismatch:
    """ROUND: a whole number without places, a number with them; the unit stays."""
    if not isinstance(args[0], Json) and not is_numeric(args[0]):
        return Mismatch(0, "a number")
    source = Scalar(_kind(args[0]), unit_of(args[0]))
    return Signed((source, INTEGER)[: len(args)], Scalar("integer" if len(args) == 1 else "number", source.unit))


def keeps_number(args: tuple[Type, ...]) -> Signed | Mismatch:
    """ABS: the same kind of number; a duration stays one."""
    if args[0] == DURATION:
        return Signed((DURATION,), DURATION)
    if not isinstance(args[0], Json) and not is_numeric(args[0]):
        return Mismatch(0, "a number")
    source = Scalar(_kind(args[0]), unit_of(args[0]))
    return Signed((source,), source)


def extreme(args: tuple[Type, ...]) -> Signed | Mismatch:
    """MIN MAX of a list, null when it is empty; or of two or more values."""
    if len(args) == 1:
        if isinstance(args[0], Json):
            return Signed((JSON,), nullable(JSON))
        if not isinstance(args[0], ListOf):
            return Mismatch(0, "a list, or two or more values")
        item = args[0].item
        plain = non_null(item)
        if not isinstance(plain, Json | Null) and not (isinstance(plain, Scalar) and plain.name in ORDERED):
            return Mismatch(0, "a list of values with an order", "name the value: MAX(MAP(list, x, x.amount))")
        return Signed(args, nullable(item))
    if all(isinstance(each, Json) or is_numeric(each) for each in args):
        return adds(args)
    first = args[0]
    if isinstance(first, Scalar) and first.name in ORDERED:
        return Signed((first,) * len(args), first)
    return Mismatch(0, "a value with an order")


def chooses(args: tuple[Type, ...]) -> Signed | Mismatch:
    """IF(condition, then, else): what both share."""
    result = join(args[1], args[2])
    return Signed((BOOLEAN, *_towards(args[1:], result)), result)


def coalesces(args: tuple[Type, ...]) -> Signed | Mismatch:
    """COALESCE: the first value that is not null; json takes the type of the others."""
    typed = [non_null(each) for each in args if not isinstance(non_null(each), Json | Null)]
    goal: Type = joined(tuple(typed)) if typed else JSON
    if all(isinstance(each, Nullable | Null) for each in args):
        return Signed(tuple(nullable(t) for t in _towards(args, goal)), nullable(goal))
    return Signed(_towards(args, goal), goal)


def adds_date(args: tuple[Type, ...]) -> Signed | Mismatch:
    """DATE_ADD(when, duration) or DATE_ADD(when, amount, unit[, zone])."""
    when = _instant(args[0])
    if when is None:
        return Mismatch(0, "a date or timestamp")
    if len(args) == 2 or args[1] == DURATION:
        return Signed((when, DURATION, STRING, STRING)[: len(args)], when)
    return Signed((when, INTEGER, STRING, STRING)[: len(args)], when)


def differs_date(args: tuple[Type, ...]) -> Signed | Mismatch:
    """DATE_DIFF(end, start) is a duration; with a unit, whole units as an integer."""
    one, other = _instant(args[0]), _instant(args[1])
    if one is None or other is None:
        return Mismatch(0 if one is None else 1, "a date or timestamp")
    both = DATE if one == other == DATE else TIMESTAMP
    return Signed((both, both, STRING, STRING)[: len(args)], DURATION if len(args) == 2 else INTEGER)


def formats_date(args: tuple[Type, ...]) -> Signed | Mismatch:
    """FORMAT_DATE(when, pattern[, zone])."""
    if args[0] == Scalar("time"):
        return Signed((args[0], STRING, STRING)[: len(args)], STRING)
    when = _instant(args[0])
    if when is None:
        return Mismatch(0, "a date, time or timestamp")
    return Signed((when, STRING, STRING)[: len(args)], STRING)


def to_number(args: tuple[Type, ...]) -> Signed | Mismatch:
    """TO_NUMBER of text; numbers pass."""
    if is_numeric(args[0]):
        return Signed((Scalar("number", unit_of(args[0])),), Scalar("number", unit_of(args[0])))
    if args[0] == STRING or isinstance(args[0], Json):
        return Signed(args, NUMBER)
    return Mismatch(0, "text")


def hashes(args: tuple[Type, ...]) -> Signed | Mismatch:
    """HASH and BASE64 take text or bytes."""
    return Signed((BYTES if args[0] == BYTES else STRING, STRING)[: len(args)], STRING)


def renders(args: tuple[Type, ...]) -> Signed | Mismatch:
    """FORMAT and TO_STRING: one value of any type, rendered."""
    return Signed((STRING,) * len(args), STRING, renders=True)


def anything(returns: Type) -> Sign:
    """Arguments as they are."""
    return lambda args: Signed(args, returns)


def _timely(of: Type) -> bool:
    return of in (DATE, TIMESTAMP, DURATION)


def _kind(of: Type) -> str:
    return of.name if isinstance(of, Scalar) and is_numeric(of) else "number"


def as_nullable(source: Type, wanted: Type) -> Type:
    """`wanted`, nullable when `source` is."""
    return nullable(wanted) if isinstance(source, Nullable) and not isinstance(source.of, Json) else wanted


def _said(of: Type) -> str:
    from eyeflow.values import spell  # noqa: PLC0415 - only a mismatch pays for it

    return spell(of)


def _towards(args: tuple[Type, ...], goal: Type) -> tuple[Type, ...]:
    """Each argument converted to `goal`; nulls and nullables stay nullable, json stays json when the goal is."""
    plain = non_null(goal)
    return tuple(nullable(plain) if isinstance(each, Nullable | Null) else plain for each in args)


def _instant(of: Type) -> Type | None:
    if of in (DATE, TIMESTAMP):
        return of
    return TIMESTAMP if of == STRING or isinstance(of, Json) else None
