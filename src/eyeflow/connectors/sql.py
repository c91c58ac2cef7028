"""SQL for the row operations of a database service, with values bound and identifiers quoted.

Knows: the statements of `find_rows`, `count_rows`, `insert_row`, `update_rows`, `delete_rows`. In: names and values.
Out: `Statement`s. Never: puts a value into the text of a statement, or a name that is not a plain identifier.

Source: postgresql.org/docs/current/sql-syntax-lexical.html (quoted identifiers, 63 bytes at most).
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from eyeflow.connectors.payload import bad_value
from eyeflow.values import Value

MAX_ROWS: Final = 10_000
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_$]{0,62}")
_ORDER: Final = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_$]{0,62})(?:\s+(asc|desc))?\s*", re.IGNORECASE)


class Statement(msgspec.Struct, frozen=True):
    """Text with `$1`, `$2` ... and the values they stand for."""

    text: str
    values: tuple[Value, ...] = ()


def quoted(name: str) -> str:
    """An identifier in quotes. Raises: CallError (`bad_value`) for anything but letters, digits, `_` and `$`."""
    if not _IDENTIFIER.fullmatch(name):
        raise bad_value(f"{name[:80]!a} is not a column or table name")
    return f'"{name}"'


def table_name(name: str) -> str:
    """`table` or `schema.table`, quoted. Raises: CallError (`bad_value`)."""
    parts = name.split(".")
    if len(parts) > 2:
        raise bad_value(f"{name[:80]!a} is not a table name")
    return ".".join(quoted(part) for part in parts)


def find_rows(table: Value, where: Value, order_by: Value, limit: Value) -> Statement:
    """Rows whose columns equal `where`. Raises: CallError (`bad_value`)."""
    condition, values = _where(where, 1)
    order = ""
    if order_by is not None:
        found = _ORDER.fullmatch(_text(order_by))
        if found is None:
            raise bad_value("order_by is a column, with ` desc` for falling")
        order = f" ORDER BY {quoted(found[1])} {(found[2] or 'asc').upper()}"
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MAX_ROWS:
        raise bad_value(f"limit must be from 1 to {MAX_ROWS}")
    return Statement(f"SELECT * FROM {table_name(_text(table))}{condition}{order} LIMIT {limit}", values)


def all_rows(table: Value) -> Statement:
    """Every row of a table, one more than the bound so that a cut is noticed."""
    return Statement(f"SELECT * FROM {table_name(_text(table))} LIMIT {MAX_ROWS + 1}")


def count_rows(table: Value, where: Value) -> Statement:
    """How many rows match."""
    condition, values = _where(where, 1)
    return Statement(f"SELECT count(*) AS count FROM {table_name(_text(table))}{condition}", values)


def insert_row(table: Value, row: Value) -> Statement:
    """One new row, given back as stored. Raises: CallError (`bad_value`) for a row without columns."""
    columns = _columns(row, "values")
    names = ", ".join(quoted(name) for name in columns)
    places = ", ".join(f"${at}" for at in range(1, len(columns) + 1))
    return Statement(
        f"INSERT INTO {table_name(_text(table))} ({names}) VALUES ({places}) RETURNING *", tuple(columns.values())
    )


def update_rows(table: Value, change: Value, where: Value) -> Statement:
    """Columns set where others match. Raises: CallError (`bad_value`) when either is empty: no accidental `all`."""
    columns = _columns(change, "set")
    _columns(where, "where")
    assigned = ", ".join(f"{quoted(name)} = ${at}" for at, name in enumerate(columns, start=1))
    condition, values = _where(where, len(columns) + 1)
    return Statement(f"UPDATE {table_name(_text(table))} SET {assigned}{condition}", (*columns.values(), *values))


def delete_rows(table: Value, where: Value) -> Statement:
    """Rows deleted where columns match. Raises: CallError (`bad_value`) for an empty condition."""
    _columns(where, "where")
    condition, values = _where(where, 1)
    return Statement(f"DELETE FROM {table_name(_text(table))}{condition}", values)


def _where(where: Value, first: int) -> tuple[str, tuple[Value, ...]]:
    if where is None or where == {}:
        return "", ()
    parts: list[str] = []
    values: list[Value] = []
    for name, value in _columns(where, "where").items():
        if value is None:
            parts.append(f"{quoted(name)} IS NULL")
        else:
            parts.append(f"{quoted(name)} = ${first + len(values)}")
            values.append(value)
    return " WHERE " + " AND ".join(parts), tuple(values)


def _columns(value: Value, what: str) -> dict[str, Value]:
    if not isinstance(value, dict) or not value:
        raise bad_value(f"{what} must be an object with at least one column")
    return value


def _text(value: Value) -> str:
    if not isinstance(value, str):
        raise bad_value("a name must be text")
    return value
