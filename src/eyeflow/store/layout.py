"""What tables have beside columns, in nobody's SQL yet: their indexes, and the number of the newest migration.

Knows: how an index is named and what it begins with. In: record types. Out: `Index` tuples. Never: a database, nor
the library that speaks to several of them.
"""

from __future__ import annotations

from typing import Final

import msgspec

from eyeflow.store.columns import by_name, is_scoped
from eyeflow.store.records import Record

HEAD_REVISION: Final = "0001"
"""The migration that makes what this version of the package reads; older ones are migrated, newer ones refused."""


class Index(msgspec.Struct, frozen=True):
    """An index; a `sparse` one leaves out rows that have nothing in that column, or False."""

    name: str
    columns: tuple[str, ...]
    unique: bool = False
    sparse: str | None = None
    flag: bool = False
    """Whether the sparse column is true or false."""

    @property
    def some(self) -> str | None:
        """The condition of the rows that a sparse index has."""
        if self.sparse is None:
            return None
        return f'"{self.sparse}" = TRUE' if self.flag else f'"{self.sparse}" IS NOT NULL'


def indexes(table: type[Record]) -> tuple[Index, ...]:
    """The indexes of `table` beside its key."""
    return (
        *(Index(_name("ix", table, names), _scoped(table, names)) for names in table.indexes),
        *(_sparse(table, names) for names in table.sparse),
        *(Index(_name("ux", table, names), _scoped(table, names), unique=True) for names in table.unique),
    )


def _sparse(table: type[Record], names: tuple[str, ...]) -> Index:
    flag = by_name(table)[names[0]].kind == "boolean"
    return Index(_name("ix", table, names), _scoped(table, names), sparse=names[0], flag=flag)


def _scoped(table: type[Record], names: tuple[str, ...]) -> tuple[str, ...]:
    """Indexes begin with the workspace where conditions do."""
    bare = names[0] == "workspace_id" or not is_scoped(table)
    return names if bare else ("workspace_id", *names)


def _name(prefix: str, table: type[Record], names: tuple[str, ...]) -> str:
    return "_".join((prefix, table.table, *(name for name in names if name != "workspace_id")))
