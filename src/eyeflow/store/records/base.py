"""What every record has, and how its class says what its table is.

Knows: names of keys and indexes. In: nothing. Out: `Record`. Never: a table of its own.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

WORKSPACE = "default"


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What all records have. `table` names the table, `primary` its key (the workspace is part of every key but
    that of the audit chain, which counts), `indexes` the columns of further indexes, `sparse` those of indexes that
    leave out rows without a value in their first column, or with False, `unique` those of unique ones. `whole` tables
    hold small rows that are kept in their key's own tree."""

    table: ClassVar[str] = ""
    primary: ClassVar[tuple[str, ...]] = ("id",)
    indexes: ClassVar[tuple[tuple[str, ...], ...]] = ()
    sparse: ClassVar[tuple[tuple[str, ...], ...]] = ()
    unique: ClassVar[tuple[tuple[str, ...], ...]] = ()
    whole: ClassVar[bool] = False

    workspace_id: str = WORKSPACE
