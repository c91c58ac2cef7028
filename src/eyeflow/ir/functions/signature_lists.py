"""Signatures of the functions of lists, maps and objects.

Knows: what the items, keys and fields of a result are. In: argument types (a binder's body counts as the second).
Out: `Signed` or `Mismatch`. Never: looks at values.

json is taken for a list of json by a run-time check.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from eyeflow.ir.functions.row import Mismatch, Signed
from eyeflow.ir.functions.signature import ORDERED, as_nullable, unit_of
from eyeflow.ir.types import item_of, join, joined
from eyeflow.values import (
    BOOLEAN,
    BYTES,
    DURATION,
    INTEGER,
    JSON,
    NUMBER,
    STRING,
    Field,
    Json,
    ListOf,
    MapOf,
    Null,
    ObjectOf,
    Scalar,
    Type,
    is_numeric,
    non_null,
    nullable,
)

TEXTS: Final = ListOf(STRING)


def totals(args: tuple[Type, ...]) -> Signed | Mismatch:
    """SUM of a list of numbers, or of a body over its items; 0 for nothing."""
    items = item_of(args[0])
    if items is None:
        return Mismatch(0, "a list")
    value = args[1] if len(args) > 1 else items
    plain = non_null(value)
    if not isinstance(plain, Json | Null) and not is_numeric(plain) and plain != DURATION:
        return Mismatch(len(args) - 1, "numbers", "name the number: SUM(list, x, x.amount)")
    number = plain if is_numeric(plain) or plain == DURATION else NUMBER
    wanted = as_nullable(value, number) if isinstance(plain, Json) else value
    if len(args) > 1:
        return Signed((list_type(args[0]), wanted), number)
    return Signed((ListOf(wanted),), number)


def averages(args: tuple[Type, ...]) -> Signed | Mismatch:
    """AVG: like SUM, but a number, and null for nothing."""
    signed = totals(args)
    if isinstance(signed, Mismatch):
        return signed
    mean = signed.result if signed.result == DURATION else Scalar("number", unit_of(signed.result))
    return Signed(signed.params, nullable(mean))


def counts(args: tuple[Type, ...]) -> Signed | Mismatch:
    """COUNT(list), COUNT(list, item, condition)."""
    if isinstance(args[0], MapOf | ObjectOf) and len(args) == 1:
        return Signed(args, INTEGER)
    if item_of(args[0]) is None:
        return Mismatch(0, "a list", "LEN counts the characters of text")
    return Signed((args[0], BOOLEAN)[: len(args)], INTEGER)


def measures(args: tuple[Type, ...]) -> Signed | Mismatch:
    """LEN of text, a list, a map, an object, bytes."""
    if isinstance(args[0], ListOf | MapOf | ObjectOf | Json) or args[0] in (STRING, BYTES):
        return Signed(args, INTEGER)
    return Mismatch(0, "text or a list")


def slices(args: tuple[Type, ...]) -> Signed | Mismatch:
    """SLICE of text or a list."""
    if isinstance(args[0], ListOf | Json) or args[0] == STRING:
        return Signed((args[0], INTEGER, INTEGER)[: len(args)], args[0])
    return Mismatch(0, "text or a list")


def concatenates(args: tuple[Type, ...]) -> Signed | Mismatch:
    """CONCAT: lists make a list; anything else is rendered and makes text."""
    if all(isinstance(each, ListOf) for each in args):
        whole = joined(args)
        return Signed((whole,) * len(args), whole)
    return Signed((STRING,) * len(args), STRING, renders=True)


def joins(args: tuple[Type, ...]) -> Signed | Mismatch:
    """JOIN(list[, separator]); items are rendered."""
    if item_of(args[0]) is None:
        return Mismatch(0, "a list", "CONCAT joins single values")
    return Signed((ListOf(STRING), STRING)[: len(args)], STRING, renders=True)


def maps(args: tuple[Type, ...]) -> Signed | Mismatch:
    """MAP(list, item, value)."""
    return _listed(args, lambda: Signed(args, ListOf(args[1])))


def filters(args: tuple[Type, ...]) -> Signed | Mismatch:
    """FILTER(list, item, condition)."""
    return _listed(args, lambda: Signed((args[0], BOOLEAN), list_type(args[0])))


def sorts(args: tuple[Type, ...]) -> Signed | Mismatch:
    """SORT_BY(list, item, key[, "asc" or "desc"])."""
    bad = _key(args[1])
    return bad or _listed(args, lambda: Signed((args[0], args[1], STRING)[: len(args)], list_type(args[0])))


def uniques(args: tuple[Type, ...]) -> Signed | Mismatch:
    """UNIQUE(list), UNIQUE(list, item, key)."""
    return _listed(args, lambda: Signed(args, list_type(args[0])))


def groups(args: tuple[Type, ...]) -> Signed | Mismatch:
    """GROUP_BY(list, item, key): list of {key, items}."""
    return _listed(
        args,
        lambda: Signed(args, ListOf(ObjectOf((Field("key", args[1]), Field("items", list_type(args[0])))))),
    )


def ends(args: tuple[Type, ...]) -> Signed | Mismatch:
    """FIRST LAST: the item, or the first one that fits; null when there is none."""
    items = item_of(args[0])
    if items is None:
        return Mismatch(0, "a list", "SLICE takes a part of text")
    return Signed((args[0], BOOLEAN)[: len(args)], nullable(items))


def tops(args: tuple[Type, ...]) -> Signed | Mismatch:
    """TOP(list, n): the first n. TOP(list, item, key, n): the n largest by key."""
    if len(args) == 2:
        return _listed(args, lambda: Signed((args[0], INTEGER), list_type(args[0])))
    if len(args) == 1 or len(args) > 3:
        return Mismatch(0, "a list and a number")
    bad = _key(args[1])
    return bad or _listed(args, lambda: Signed((args[0], args[1], INTEGER), list_type(args[0])))


def keys(args: tuple[Type, ...]) -> Signed | Mismatch:
    """KEYS of an object or map."""
    if isinstance(args[0], MapOf | ObjectOf | Json):
        return Signed(args, ListOf(STRING))
    return Mismatch(0, "an object")


def values(args: tuple[Type, ...]) -> Signed | Mismatch:
    """VALUES of an object or map."""
    match args[0]:
        case MapOf(value):
            return Signed(args, ListOf(value))
        case ObjectOf(fields):
            types = tuple(f.type if f.required else nullable(f.type) for f in fields)
            return Signed(args, ListOf(joined(types)))
        case Json():
            return Signed(args, ListOf(nullable(JSON)))
        case _:
            return Mismatch(0, "an object")


def gets(args: tuple[Type, ...]) -> Signed | Mismatch:
    """GET(map, key[, default]), GET(list, index[, default])."""
    source = non_null(args[0])
    match source:
        case ListOf(item):
            key: Type = INTEGER
        case MapOf(item):
            key = STRING
        case ObjectOf():
            item, key = JSON, STRING
        case Json():
            item = JSON
            key = args[1] if args[1] in (INTEGER, STRING) else JSON
        case _:
            return Mismatch(0, "a list, map or object")
    if len(args) == 2:
        return Signed((args[0], key), nullable(item))
    result = join(non_null(item), args[2]) if item != JSON else JSON
    return Signed((args[0], key, args[2]), result)


def merges(args: tuple[Type, ...]) -> Signed | Mismatch:
    """MERGE of objects: the fields of all, later ones win."""
    for index, each in enumerate(args):
        if not isinstance(each, ObjectOf | MapOf | Json):
            return Mismatch(index, "an object")
    if not all(isinstance(each, ObjectOf) for each in args):
        whole = joined(args)
        return Signed(args, whole if isinstance(whole, MapOf) else JSON)
    fields: dict[str, Field] = {}
    for each in args:
        assert isinstance(each, ObjectOf)
        for field in each.fields:
            before = fields.get(field.name)
            if before is not None and not field.required:
                fields[field.name] = Field(
                    field.name, join(before.type, field.type), before.required, secret=before.secret or field.secret
                )
            else:
                fields[field.name] = field
    return Signed(args, ObjectOf(tuple(fields.values())))


def list_type(of: Type) -> Type:
    return ListOf(JSON) if isinstance(of, Json) else of


def _listed(args: tuple[Type, ...], signed: Callable[[], Signed]) -> Signed | Mismatch:
    if item_of(args[0]) is None:
        return Mismatch(0, "a list")
    result = signed()
    return Signed((list_type(args[0]), *result.params[1:]), result.result)


def _key(of: Type) -> Mismatch | None:
    plain = non_null(of)
    if isinstance(plain, Json | Null) or plain == BOOLEAN or (isinstance(plain, Scalar) and plain.name in ORDERED):
        return None
    return Mismatch(1, "a key with an order (a number, text or date)")
