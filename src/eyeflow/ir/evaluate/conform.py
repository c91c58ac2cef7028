"""Data meets types: what a declared field reads as, and whether a value is what a typed place wants.

Knows: how each type looks in data. In: types and the task's zone. Out: readers, functions of a value.
Never: renders, converts units, evaluates.

Two strengths. A *reader* (for FIELD) goes as deep as lists and maps of scalars, and stops at objects: a field nobody
reads is not checked. An *expecter* (for EXPECT, before an effect) goes all the way and applies the constraints that
fields declare (enum, lengths, pattern, range). Both turn text into dates, times, timestamps, durations and bytes
where the type says so, and accept a value that already is one. Undeclared fields of an object pass through.

Scalars in data: `integer` takes an integral number; `number` any finite one; `date` and `time` ISO 8601; `timestamp`
RFC 3339, or Unix seconds as a number; text without an offset is local to the task's zone; `duration` ISO 8601
(`PT1H30M`, no months or years) or milliseconds as a number; `bytes` base64.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from eyeflow.conform import checker
from eyeflow.errors import RunError
from eyeflow.ir.evaluate import scalars
from eyeflow.ir.functions.row import named
from eyeflow.values import Field, Json, ListOf, MapOf, Null, Nullable, ObjectOf, Scalar, Type, Value, spell

Reader: TypeAlias = Callable[[Value], Value]
"""Gives the value as its type has it. Raises: RunError `type_mismatch`."""

_WORDS: Final = {"string": "text", "boolean": "true or false", "integer": "a whole number", "number": "a number"}


def mismatch(place: str, wanted: str, value: Value) -> RunError:
    """`type_mismatch`: what was wanted where, and the kind of what came; never its content."""
    return RunError("type_mismatch", f"{place} should be {wanted}, not {named(value)}")


def wanted(of: Type) -> str:
    """A type in words, for messages."""
    match of:
        case Scalar(name):
            return _WORDS.get(name, f"a {name}")
        case ListOf():
            return "a list"
        case ObjectOf() | MapOf():
            return "an object"
        case Null():
            return "null"
        case Nullable(inner):
            return f"{wanted(inner)} or null"
        case _:
            return spell(of)


def reader(of: Type, zone: ZoneInfo, place: str) -> Reader | None:
    """How FIELD reads a value of type `of`; None when anything goes. `place` names it in messages."""
    return _build(of, zone, place, deep=False)


def expecter(of: Type, zone: ZoneInfo, place: str) -> Reader | None:
    """How EXPECT reads a value of type `of`, all the way down; None when anything goes."""
    return _build(of, zone, place, deep=True)


def _build(of: Type, zone: ZoneInfo, place: str, *, deep: bool) -> Reader | None:
    match of:
        case Json():
            return _not_null(place) if deep else None
        case Null():
            return _null(place)
        case Nullable(inner):
            if isinstance(inner, Json):
                return None
            return _nullable(_build(inner, zone, place, deep=deep))
        case Scalar(name):
            return scalars.reader(name, zone, lambda value: mismatch(place, wanted(of), value))
        case ListOf(item):
            return _list(_build(item, zone, f"an item of {place}", deep=deep), place)
        case MapOf(value):
            return _map(_build(value, zone, f"a value of {place}", deep=deep), place)
        case ObjectOf(fields):
            return _object(fields, zone, place) if deep else _kept_object(place)


def _null(place: str) -> Reader:
    def read(value: Value) -> Value:
        if value is not None:
            raise mismatch(place, "null", value)
        return None

    return read


def _not_null(place: str) -> Reader:
    def read(value: Value) -> Value:
        if value is None:
            raise mismatch(place, "a value", value)
        return value

    return read


def _nullable(inner: Reader | None) -> Reader | None:
    if inner is None:
        return None
    read_inner = inner

    def read(value: Value) -> Value:
        return None if value is None else read_inner(value)

    return read


def _list(item: Reader | None, place: str) -> Reader:
    def read(value: Value) -> Value:
        if not isinstance(value, (list, tuple)):
            raise mismatch(place, "a list", value)
        if item is None:
            return value
        return [item(each) for each in value]

    return read


def _map(of: Reader | None, place: str) -> Reader:
    def read(value: Value) -> Value:
        if not isinstance(value, dict):
            raise mismatch(place, "an object", value)
        if of is None:
            return value
        return {name: of(each) for name, each in value.items()}

    return read


def _kept_object(place: str) -> Reader:
    def read(value: Value) -> Value:
        if not isinstance(value, dict):
            raise mismatch(place, "an object", value)
        return value

    return read


def _object(fields: tuple[Field, ...], zone: ZoneInfo, place: str) -> Reader:
    parts = tuple((f.name, f.required, _constrained(f, zone)) for f in fields)

    def read(value: Value) -> Value:
        if not isinstance(value, dict):
            raise mismatch(place, "an object", value)
        changed: dict[str, Value] = {}
        for name, required, of in parts:
            held = value.get(name)
            if held is None and name not in value:
                if required:
                    raise RunError("missing_field", f"{place} has no {name!r}")
                continue
            if held is None and not required:
                continue
            if of is not None:
                read_as = of(held)
                if read_as is not held:
                    changed[name] = read_as
        return {**value, **changed} if changed else value

    return read


def _constrained(field: Field, zone: ZoneInfo) -> Reader | None:
    """The type of a field, then what else it declares."""
    inner = _build(field.type, zone, repr(field.name), deep=True)
    if not _limited(field):
        return inner
    check = checker(field)

    def read(value: Value) -> Value:
        result = value if inner is None else inner(value)
        problem = None if result is None else check(result)
        if problem is not None:
            raise RunError("type_mismatch", f"{field.name}{problem.path} {problem.message}")
        return result

    return read


def _limited(field: Field) -> bool:
    """True when a field says more than its type."""
    sizes = (field.min_length, field.max_length, field.min_items, field.max_items, field.minimum, field.maximum)
    return bool(field.enum or field.pattern or field.format or field.items) or any(size is not None for size in sizes)
