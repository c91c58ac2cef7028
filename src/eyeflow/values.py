"""The types that values have, everywhere in EyeFlow.

Knows: the type lattice of LLM-IR (`string`, `list<T>`, `object{...}`, `T?`, units on numbers) and what a declared
field may say beyond its type (enum, length, entity, role).
In: nothing. Out: frozen type structs, `spell(type)` for people, `Value` for what flows at run time.
Never: reads catalogs, evaluates expressions, converts units (see `units.py`).

Run-time values are plain Python: str, int, float, bool, None, list, dict with str keys, bytes, and from `datetime`
date, time, datetime (aware), timedelta. Nothing else may flow through a program.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Final, TypeAlias

import msgspec

Value: TypeAlias = (
    None
    | bool
    | int
    | float
    | str
    | bytes
    | date
    | time
    | datetime
    | timedelta
    | list["Value"]
    | tuple["Value", ...]
    | dict[str, "Value"]
)

SCALARS: Final = ("string", "integer", "number", "boolean", "date", "time", "timestamp", "duration", "bytes")


class Span(msgspec.Struct, frozen=True, array_like=True):
    """Half-open range of code points `[start, end)` in one source text."""

    start: int
    end: int


class Scalar(msgspec.Struct, frozen=True, tag="scalar", tag_field="kind"):
    """One of `SCALARS`; `unit` only on integer and number."""

    name: str
    unit: str | None = None


class Json(msgspec.Struct, frozen=True, tag="json", tag_field="kind"):
    """Data of unknown shape: a path through it is `json?`; checked at run time where a typed place receives it."""


class Null(msgspec.Struct, frozen=True, tag="null", tag_field="kind"):
    """The type of the literal null alone."""


class ListOf(msgspec.Struct, frozen=True, tag="list", tag_field="kind"):
    """`list<item>`."""

    item: Type


class MapOf(msgspec.Struct, frozen=True, tag="map", tag_field="kind"):
    """`map<value>`: string keys nobody declared."""

    value: Type


class Nullable(msgspec.Struct, frozen=True, tag="nullable", tag_field="kind"):
    """`of?`: may be null. Never nested, never around `Null`; `json?` is legal and what a path through json has."""

    of: Type


class Field(msgspec.Struct, frozen=True, omit_defaults=True):
    """A named, typed place: a parameter of a capability, a property of an object, an input of a task.

    `required` of a parameter means the caller must give it; of a property of `returns` or `payload`, that the
    service promises it. `entity`, `role` and `unit` are the front end's cues; lengths count code points.
    `enum` holds texts as they are and other scalars as JSON writes them. `items` says what each item of a list may be
    beyond its type (enum, entity, lengths), when the schema says so.
    """

    name: str
    type: Type
    required: bool = True
    default: Literal | None = None
    secret: bool = False
    entity: str | None = None
    role: str | None = None
    enum: tuple[str, ...] = ()
    format: str | None = None
    pattern: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    min_items: int | None = None
    max_items: int | None = None
    minimum: int | float | None = None
    maximum: int | float | None = None
    description: str = ""
    items: Field | None = None


class ObjectOf(msgspec.Struct, frozen=True, tag="object", tag_field="kind"):
    """`object{a: T, b?: T}`; fields in declaration order."""

    fields: tuple[Field, ...]

    def field(self, name: str) -> Field | None:
        """The field called `name`, or None."""
        for field in self.fields:
            if field.name == name:
                return field
        return None


class Literal(msgspec.Struct, frozen=True):
    """A JSON constant kept as canonical JSON text, so that structs holding it stay hashable and comparable."""

    json: str

    @property
    def value(self) -> Value:
        """The constant itself."""
        return msgspec.json.decode(self.json)  # type: ignore[no-any-return]


Type: TypeAlias = Scalar | Json | Null | ListOf | MapOf | ObjectOf | Nullable

STRING: Final = Scalar("string")
INTEGER: Final = Scalar("integer")
NUMBER: Final = Scalar("number")
BOOLEAN: Final = Scalar("boolean")
DATE: Final = Scalar("date")
TIME: Final = Scalar("time")
TIMESTAMP: Final = Scalar("timestamp")
DURATION: Final = Scalar("duration")
BYTES: Final = Scalar("bytes")
JSON: Final = Json()
NULL: Final = Null()


def literal(value: Value) -> Literal:
    """`value` (JSON shaped) as a `Literal`; keys sorted, so equal constants are equal structs."""
    return Literal(msgspec.json.encode(value, order="sorted").decode())


def nullable(of: Type) -> Type:
    """`of?`, collapsing `T??` and `null?`."""
    return of if isinstance(of, Nullable | Null) else Nullable(of)


def may_be_left_out(field: Field) -> bool:
    """True for an input that need not be given: it has a default, is optional, or may be null, and then is null."""
    return field.default is not None or not field.required or isinstance(field.type, Nullable)


def non_null(of: Type) -> Type:
    """`T` of `T?`; any other type unchanged."""
    return of.of if isinstance(of, Nullable) else of


def is_numeric(of: Type) -> bool:
    """True for integer and number, with or without a unit."""
    return isinstance(of, Scalar) and of.name in ("integer", "number")


def deeper(value: object, limit: int) -> bool:
    """True when lists and dicts nest more than `limit` deep in `value`. Level by level: depth costs no stack."""
    level: list[object] = [value]
    for _ in range(limit + 1):
        nests = [each for each in level if isinstance(each, dict | list)]
        if not nests:
            return False
        level = [item for each in nests for item in (each.values() if isinstance(each, dict) else each)]
    return True


def spell(of: Type, key: Callable[[str], str] = str) -> str:
    """The type as LLM-IR text writes it, for example `list<object{id: string, amount?: integer<cents>}>`; `key` writes
    the name of a field."""
    match of:
        case Scalar(name, unit):
            return f"{name}<{unit}>" if unit else name
        case Json():
            return "json"
        case Null():
            return "null"
        case ListOf(item):
            return f"list<{spell(item, key)}>"
        case MapOf(value):
            return f"map<{spell(value, key)}>"
        case Nullable(inner):
            return f"{spell(inner, key)}?"
        case ObjectOf(fields):
            return "object" + spell_fields(fields, key)


def spell_fields(fields: tuple[Field, ...], key: Callable[[str], str] = str) -> str:
    """`{a: T, b?: T}`."""
    return "{" + ", ".join(f"{key(f.name)}{'' if f.required else '?'}: {spell(f.type, key)}" for f in fields) + "}"
