"""The tables of every database, made from the records.

Knows: how columns, keys and indexes are spelled in SQLAlchemy. In: `records.RECORDS`. Out: its `Table`s, from which
migrations are written. Never: a connection; loaded by a running server.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from eyeflow.store.columns import Column, Kind, columns, key_of
from eyeflow.store.layout import indexes
from eyeflow.store.records import RECORDS, AuditRecord, Record

_BIG: Final = sa.BigInteger()
_TYPES: Final[dict[Kind, sa.types.TypeEngine[Any]]] = {
    "text": sa.Text(),
    "integer": _BIG,
    "boolean": sa.Boolean(create_constraint=False),
    "bytes": sa.LargeBinary(),
}
_SEQUENCE: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite's own row number must be INTEGER

metadata: Final = sa.MetaData()


def _table(record: type[Record]) -> sa.Table:
    key = key_of(record)
    made = sa.Table(
        record.table,
        metadata,
        *(_column(record, column) for column in columns(record)),
        sa.PrimaryKeyConstraint(*key, name=f"pk_{record.table}"),
        sqlite_with_rowid=not record.whole,
    )
    for index in indexes(record):
        some = None if index.some is None else sa.text(index.some)
        where: dict[str, Any] = {} if some is None else {"sqlite_where": some, "postgresql_where": some}
        sa.Index(index.name, *(made.c[name] for name in index.columns), unique=index.unique, **where)
    return made


def _column(record: type[Record], column: Column) -> sa.Column[Any]:
    kind = _SEQUENCE if record is AuditRecord and column.name == "seq" else _TYPES[column.kind]
    return sa.Column(column.name, kind, nullable=column.nullable, autoincrement=False)


for _record in RECORDS:
    _table(_record)
