"""Arithmetic on types: what two types share, what is inside one, how units meet.

Knows: joins and the shape of json. In: types. Out: types. Never: looks at values or expressions.
"""

from __future__ import annotations

from typing import Final

from eyeflow import units
from eyeflow.values import (
    JSON,
    Field,
    Json,
    ListOf,
    MapOf,
    Null,
    Nullable,
    ObjectOf,
    Scalar,
    Type,
    is_numeric,
    non_null,
    nullable,
)

MAX_TYPE_DEPTH: Final = 32
MAX_TYPE_NODES: Final = 5_000


def join(a: Type, b: Type) -> Type:
    """What a value that is either `a` or `b` is known to be: common fields of objects, else `json`; a bare number takes
    the other's unit."""
    if a == b:
        return a
    if isinstance(a, Null) or isinstance(b, Null):
        return nullable(b if isinstance(a, Null) else a)
    if isinstance(a, Nullable) or isinstance(b, Nullable):
        return nullable(join(non_null(a), non_null(b)))
    match a, b:
        case Scalar(one, unit), Scalar(other, other_unit) if is_numeric(a) and is_numeric(b):
            if unit is not None and other_unit is not None and unit != other_unit:
                return JSON
            return Scalar(one if one == other else "number", unit or other_unit)
        case ListOf(item), ListOf(other_item):
            return ListOf(join(item, other_item))
        case MapOf(value), MapOf(other_value):
            return MapOf(join(value, other_value))
        case ObjectOf(), ObjectOf():
            return _common(a, b)
        case _:
            return JSON


def _common(a: ObjectOf, b: ObjectOf) -> Type:
    fields: list[Field] = []
    for field in a.fields:
        other = b.field(field.name)
        if other is None:
            continue
        secret = field.secret or other.secret
        if field.type == other.type and field.required == other.required and field.secret == other.secret:
            fields.append(field)
        else:
            both = join(field.type, other.type)
            fields.append(Field(field.name, both, field.required and other.required, secret=secret))
    return ObjectOf(tuple(fields)) if fields else JSON


def joined(types: tuple[Type, ...]) -> Type:
    """The join of all; `json?`-free `Null` when there are none."""
    if not types:
        return Null()
    result = types[0]
    for each in types[1:]:
        result = join(result, each)
    return result


def item_of(source: Type) -> Type | None:
    """What the items of `source` are, or None when it has no items."""
    match source:
        case ListOf(item):
            return item
        case Json():
            return JSON
        case _:
            return None


def holds_secret(of: Type) -> bool:
    """True when a value of this type has a secret somewhere inside."""
    stack: list[Type] = [of]
    while stack:
        match stack.pop():
            case ListOf(inner) | MapOf(inner) | Nullable(inner):
                stack.append(inner)
            case ObjectOf(fields):
                if any(f.secret for f in fields):
                    return True
                stack.extend(f.type for f in fields)
            case _:
                pass
    return False


def too_deep(of: Type) -> bool:
    """True for a type nested or branched beyond what a program may hold; safe on any input."""
    stack: list[tuple[Type, int]] = [(of, 1)]
    seen = 0
    while stack:
        node, depth = stack.pop()
        seen += 1
        if depth > MAX_TYPE_DEPTH or seen > MAX_TYPE_NODES:
            return True
        match node:
            case ListOf(inner) | MapOf(inner) | Nullable(inner):
                stack.append((inner, depth + 1))
            case ObjectOf(fields):
                stack.extend((f.type, depth + 1) for f in fields)
            case _:
                pass
    return False


def is_time_unit(unit: str | None) -> bool:
    """True for seconds, minutes, days and the like."""
    return unit is not None and units.compatible(unit, "seconds")
