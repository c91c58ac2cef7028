"""What columns a record has: read off its annotations, once.

Knows: the four types of a column, which may be null, which make the key. In: record types. Out: `Column` tuples.
Never: a database.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from types import NoneType, UnionType
from typing import Final, Literal, TypeAlias, Union, get_args, get_origin

import msgspec

from eyeflow.store.port import Scalar, StoreError, Where
from eyeflow.store.records import AuditRecord, Record

Kind: TypeAlias = Literal["text", "integer", "boolean", "bytes"]

_KINDS: Final[dict[object, Kind]] = {str: "text", int: "integer", bool: "boolean", bytes: "bytes"}
_TYPES: Final[dict[Kind, type]] = {"text": str, "integer": int, "boolean": bool, "bytes": bytes}
EMPTY: Final[dict[Kind, Scalar]] = {"text": "", "integer": 0, "boolean": False, "bytes": b""}
MAX_INTEGER: Final = 2**63 - 1
_MAX_PLAIN: Final = 1_000


class Column(msgspec.Struct, frozen=True):
    """A stored field; `blank` is what it holds when it was not read."""

    name: str
    kind: Kind
    nullable: bool
    blank: Scalar


@cache
def columns(table: type[Record]) -> tuple[Column, ...]:
    """The columns of `table`: the workspace first, then as declared, with those that may be big at the end so that
    the others are read without them."""
    made = [_column(field) for field in msgspec.structs.fields(table)]
    return tuple(sorted(made, key=lambda column: column.kind == "bytes"))


@cache
def by_name(table: type[Record]) -> dict[str, Column]:
    """The columns of `table` by name."""
    return {column.name: column for column in columns(table)}


@cache
def key_of(table: type[Record]) -> tuple[str, ...]:
    """The primary key, which begins with the workspace where the table is scoped."""
    return ("workspace_id", *table.primary) if is_scoped(table) else table.primary


def is_scoped(table: type[Record]) -> bool:
    """Whether rows belong to a workspace each. The audit chain is one sequence, whatever the workspace."""
    return table is not AuditRecord


def check_where(table: type[Record], where: tuple[Where, ...]) -> None:
    """Assert that conditions are of columns there are and of their types: anything else is a bug of the caller."""
    known = by_name(table)
    for condition in where:
        column = known.get(condition.column)
        assert column is not None, f"{table.table} has no column {condition.column}"
        values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
        assert (condition.op == "in") == isinstance(condition.value, tuple), (
            f"`in`, and nothing else, takes a tuple: {condition.op}"
        )
        assert condition.op != "contains" or (column.kind == "text" and isinstance(condition.value, str)), condition
        for value in values:
            check_value(table, column, value, optional=True)


def check_record(record: Record) -> None:
    """Assert the types of a record, and refuse what cannot be stored. Raises: StoreError `store_bad_value`."""
    table = type(record)
    read, kinds = _reading(table)
    for column, value, kind in zip(columns(table), read(record), kinds, strict=True):
        if type(value) is kind and (kind is bytes or (kind is str and value.isascii())):  # type: ignore[union-attr]
            continue
        check_value(table, column, value, optional=column.nullable)


@cache
def _reading(table: type[Record]) -> tuple[Callable[[Record], tuple[Scalar, ...]], tuple[type, ...]]:
    """What gives all values of a record of `table` together, and the types of its columns."""
    known = columns(table)
    return attrgetter(*(column.name for column in known)), tuple(_TYPES[column.kind] for column in known)


def check_value(table: type[Record], column: Column, value: Scalar | tuple[Scalar, ...], *, optional: bool) -> None:
    """The same for one value."""
    if value is None:
        assert optional, f"{table.table}.{column.name} is never null"
        return
    assert isinstance(value, _TYPES[column.kind]), (
        f"{table.table}.{column.name} holds {column.kind}, not {type(value).__name__}"
    )
    if isinstance(value, str):
        if value.isascii():
            return
        try:
            value.encode()
        except UnicodeEncodeError:
            raise bad_value(f"{table.table}.{column.name}") from None
    elif isinstance(value, int) and not -MAX_INTEGER - 1 <= value <= MAX_INTEGER:
        raise bad_value(f"{table.table}.{column.name}")


def bad_value(place: str) -> StoreError:
    """The error of a text with a lone surrogate, or an integer of more than 64 bits."""
    return StoreError(
        "store_bad_value",
        f"a value of {place} cannot be stored",
        hint="texts must be valid Unicode, integers fit in 64 bits",
    )


def is_plain(text: object) -> bool:
    """Whether a search for `text` folds ASCII only, as databases do by themselves; other text is folded in full."""
    return isinstance(text, str) and text.isascii() and len(text) <= _MAX_PLAIN and "\0" not in text


def contains(text: str, wanted: str) -> bool:
    """`contains` of a condition, for stores that are not databases."""
    if is_plain(wanted):
        return wanted.encode().lower() in text.encode().lower()
    return wanted.casefold() in text.casefold()


def _column(field: msgspec.structs.FieldInfo) -> Column:
    options = set(get_args(field.type)) if get_origin(field.type) in (Union, UnionType) else {field.type}
    nullable = NoneType in options
    (declared,) = options - {NoneType}
    kind = _KINDS[declared]
    blank = field.default if field.default is not msgspec.NODEFAULT else (None if nullable else EMPTY[kind])
    return Column(field.name, kind, nullable, blank)
