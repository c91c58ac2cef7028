"""The `Store` port: units of writes that are durable when they return, and typed reads.

Knows: the operations of a write, the conditions of a read, what can go wrong. In: nothing. Out: protocols and frozen
structs. Never: SQL, files; `sqlite` and `memory` speak this port, and one suite drives both.

A *unit* is what one caller writes: all of it or nothing. Units of many callers share a commit, and each caller is
answered when that commit is on disk. A unit that conflicts fails its own caller and nobody else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal, Protocol, TypeAlias, TypeVar

import msgspec

from eyeflow.errors import EyeFlowError
from eyeflow.store.records import AuditRecord, Record

R = TypeVar("R", bound=Record)
Scalar: TypeAlias = str | int | bool | bytes | None
Operator: TypeAlias = Literal["=", "!=", "<", "<=", ">", ">=", "in", "contains"]


class Where(msgspec.Struct, frozen=True):
    """`column op value`. `= None` and `!= None` test for null, every other test fails on a null; `in` takes a tuple;
    `contains` is a case-insensitive search for text. Conditions are on the store's own workspace unless one of them
    names another."""

    column: str
    op: Operator
    value: Scalar | tuple[Scalar, ...]


class Insert(msgspec.Struct, frozen=True):
    """A new row. With its key, or a unique index, taken: `fail` raises Conflict, `ignore` changes 0 rows, `replace`
    puts this row in the place of the one with the same key."""

    record: Record
    taken: Literal["fail", "ignore", "replace"] = "fail"


class Update(msgspec.Struct, frozen=True):
    """Set columns of the rows that meet `where`. With `expect`, another number of rows raises Conflict."""

    table: type[Record]
    values: tuple[tuple[str, Scalar], ...]
    where: tuple[Where, ...]
    expect: int | None = None


class Delete(msgspec.Struct, frozen=True):
    """Remove the rows that meet `where`, at most `limit` of them."""

    table: type[Record]
    where: tuple[Where, ...]
    limit: int | None = None


class Require(msgspec.Struct, frozen=True):
    """Nothing of this unit happens unless some row (`absent`: no row) meets `where`: otherwise Conflict."""

    table: type[Record]
    where: tuple[Where, ...]
    absent: bool = False


class Append(msgspec.Struct, frozen=True):
    """One more row of the audit chain; the store numbers and chains it."""

    record: AuditRecord


Op: TypeAlias = Insert | Update | Delete | Require | Append


class StoreError(EyeFlowError):
    """The store could not do what was asked: `store_busy`, `store_full`, `store_read_only`, `store_unavailable`,
    `store_newer` (made by a newer version), `store_older` (to be migrated), `store_damaged`, `store_bad_value` (a text
    or number no store can hold), `store_slow` (a search that took too long), `store_exists` (a backup or restore would
    overwrite). Nothing of the unit is stored."""


class Conflict(StoreError):  # noqa: N818 - named as its code is
    """Somebody was first: operation `number` (from 0) of the unit met a taken key or rows it did not expect."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__("conflict", message)
        self.number = number


class Chain(Protocol):
    """How audit rows are chained; `secrets` makes it, since it holds the key."""

    def digest(self, previous: bytes, record: AuditRecord) -> bytes:
        """The digest of `record`, whose `seq` and `previous` are set."""
        ...

    def head(self, seq: int, digest: bytes) -> bytes:
        """What shows that the row `seq` with this digest is the last one; kept as the setting `audit.head`."""
        ...

    def committed(self, seq: int, digest: bytes) -> None:
        """Told after a commit that ended the chain with this row; returns at once."""
        ...


class Store(Protocol):
    """Where records live. `open` before use (it migrates when asked to), `close` after. Every call may raise
    StoreError."""

    async def open(self, *, migrate: bool = True) -> None:
        """Make ready. Raises: StoreError `store_newer`, `store_damaged`, `store_read_only`, `store_unavailable`."""
        ...

    async def close(self) -> None:
        """Finish what was accepted, and let go of the file."""
        ...

    async def write(self, *unit: Op) -> tuple[int, ...]:
        """All of `unit` or nothing, durable on return; the number of rows each operation changed (`Require` 0).
        A caller that is cancelled does not know whether its unit was stored. Raises: Conflict, StoreError."""
        ...

    def submit(self, *unit: Op) -> asyncio.Future[tuple[int, ...]]:
        """As `write`, for a caller who has something to do meanwhile: the unit has its place in the order of units when
        this returns, so that no unit that is written later can be durable before it. Raises: StoreError."""
        ...

    async def get(self, table: type[R], *key: Scalar) -> R | None:
        """The row with this key (without the workspace), or None. Reads what any `write` that returned has written."""
        ...

    async def find(
        self,
        table: type[R],
        *where: Where,
        order: Sequence[str] = (),
        after: Sequence[Scalar] = (),
        limit: int | None = None,
        without: Sequence[str] = (),
    ) -> list[R]:
        """Rows that meet all of `where`, ordered by columns (`-column` descending), going on after the row whose
        values of these columns are `after` (never null). Columns in `without` are not read: they hold their
        default, or the empty value of their type. No `order` means no promise."""
        ...

    async def count(self, table: type[Record], *where: Where, limit: int | None = None) -> int:
        """How many rows meet all of `where`; counting stops at `limit`."""
        ...

    async def backup(self, path: str) -> None:
        """A consistent copy at `path`, made while everything goes on. Raises: StoreError."""
        ...
