"""The tables of a new file, at once: what running every migration from nothing would make.

Knows: SQLite's spelling of columns, keys and indexes. In: record types. Out: statements. Never: changes a table there
is; that is what migrations are for. A test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from eyeflow.store.columns import Column, Kind, columns, key_of
from eyeflow.store.layout import HEAD_REVISION, Index, indexes
from eyeflow.store.records import RECORDS, AuditRecord, Record

_TYPES: Final[dict[Kind, str]] = {"text": "TEXT", "integer": "BIGINT", "boolean": "BOOLEAN", "bytes": "BLOB"}


def from_nothing() -> Iterator[str]:
    """The statements that make all tables in an empty file, and note that no migration is missing."""
    yield (
        "CREATE TABLE alembic_version "
        "(version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
    )
    for table in RECORDS:
        yield _table(table)
        for index in indexes(table):
            yield _index(table, index)
    yield f"INSERT INTO alembic_version (version_num) VALUES ('{HEAD_REVISION}')"


def _table(table: type[Record]) -> str:
    made = ", ".join(_column(table, column) for column in columns(table))
    key = f"CONSTRAINT pk_{table.table} PRIMARY KEY ({_listed(key_of(table))})"
    return f"CREATE TABLE {table.table} ({made}, {key}){' WITHOUT ROWID' if table.whole else ''}"


def _column(table: type[Record], column: Column) -> str:
    counts = table is AuditRecord and column.name == "seq"  # SQLite's own row number must be INTEGER
    kind = "INTEGER" if counts else _TYPES[column.kind]
    return f'"{column.name}" {kind}{"" if column.nullable else " NOT NULL"}'


def _index(table: type[Record], index: Index) -> str:
    unique = "UNIQUE " if index.unique else ""
    some = "" if index.some is None else f" WHERE {index.some}"
    return f"CREATE {unique}INDEX {index.name} ON {table.table} ({_listed(index.columns)}){some}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
