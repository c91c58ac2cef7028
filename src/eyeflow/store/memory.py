"""The store that forgets: records in dicts, with the same port and the same answers as a database.

Knows: the whole `Store` port. In: units and conditions. Out: records. Never: a file, a thread; it ships so that
users and other rooms test with it.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from eyeflow.ports import Clock
from eyeflow.store.chaining import PlainChain, chained, head_setting
from eyeflow.store.columns import by_name, check_record, check_value, check_where, contains, is_scoped, key_of
from eyeflow.store.port import (
    Append,
    Chain,
    Conflict,
    Delete,
    Insert,
    Op,
    R,
    Require,
    Scalar,
    StoreError,
    Update,
    Where,
)
from eyeflow.store.records import WORKSPACE, AuditRecord, Record

Key = tuple[Scalar, ...]

_TESTS: Final[dict[str, Callable[..., bool]]] = {
    "<": lambda value, wanted: value < wanted,
    "<=": lambda value, wanted: value <= wanted,
    ">": lambda value, wanted: value > wanted,
    ">=": lambda value, wanted: value >= wanted,
    "!=": lambda value, wanted: value != wanted,
    "in": lambda value, wanted: value in wanted,
    "contains": contains,
}


class MemoryStore:
    """A `Store` in this process. `chain` makes the audit digests; `clock` is taken for symmetry and not read."""

    def __init__(self, chain: Chain | None = None, clock: Clock | None = None, *, workspace: str = WORKSPACE) -> None:
        self._chain: Chain = chain or PlainChain()
        self._clock = clock
        self._workspace = workspace
        self._rows: defaultdict[type[Record], dict[Key, Record]] = defaultdict(dict)
        self._taken: defaultdict[tuple[type[Record], tuple[str, ...]], dict[Key, Key]] = defaultdict(dict)
        self._undo: list[tuple[type[Record], Key, Record | None]] = []
        self._last: AuditRecord | None = None

    async def open(self, *, migrate: bool = True) -> None:
        """Nothing to make ready; what was written before stays, as on a disk."""

    async def close(self) -> None:
        """Nothing to let go of."""

    async def write(self, *unit: Op) -> tuple[int, ...]:
        """See `Store.write`."""
        await asyncio.sleep(0)
        return self._write(unit)

    def submit(self, *unit: Op) -> asyncio.Future[tuple[int, ...]]:
        """See `Store.submit`."""
        done: asyncio.Future[tuple[int, ...]] = asyncio.get_running_loop().create_future()
        try:
            done.set_result(self._write(unit))
        except Exception as error:
            done.set_exception(error)
        return done

    def _write(self, unit: Sequence[Op]) -> tuple[int, ...]:
        last, self._undo = self._last, []
        try:
            counts = tuple([self._apply(number, op) for number, op in enumerate(unit)])
        except BaseException:
            for table, key, before in reversed(self._undo):
                self._put(table, key, before)
            self._last = last
            raise
        if self._last is not None and self._last is not last:
            self._chain.committed(self._last.seq, self._last.digest)
        return counts

    async def get(self, table: type[R], *key: Scalar) -> R | None:
        """See `Store.get`."""
        assert len(key) == len(table.primary), f"the key of {table.table} is {table.primary}"
        found = self._rows[table].get((self._workspace, *key) if is_scoped(table) else key)
        assert found is None or isinstance(found, table)
        return found

    async def find(
        self,
        table: type[R],
        *where: Where,
        order: Sequence[str] = (),
        after: Sequence[Scalar] = (),
        limit: int | None = None,
        without: Sequence[str] = (),
    ) -> list[R]:
        """See `Store.find`."""
        await asyncio.sleep(0)
        check_where(table, where)
        rows = [row for row in self._meeting(table, where) if isinstance(row, table)]
        for column in reversed(order):
            name = column.removeprefix("-")
            rows.sort(key=lambda row, name=name: _sortable(getattr(row, name)), reverse=column.startswith("-"))  # type: ignore[misc]
        if after:
            assert len(after) == len(order) and None not in after, "`after` has a value for each column of `order`"
            rows = [row for row in rows if _comes_after(row, order, after)]
        blank = {name: by_name(table)[name].blank for name in without}
        found = rows[:limit]
        return [msgspec.structs.replace(row, **blank) for row in found] if blank else found

    async def count(self, table: type[Record], *where: Where, limit: int | None = None) -> int:
        """See `Store.count`."""
        check_where(table, where)
        found = sum(1 for _ in self._meeting(table, where))
        return found if limit is None else min(found, limit)

    async def backup(self, path: str) -> None:
        """Memory has no copy on disk. Raises: StoreError `store_unavailable`."""
        raise StoreError("store_unavailable", "a store in memory cannot be backed up", hint="use a data folder")

    def _apply(self, number: int, op: Op) -> int:
        match op:
            case Insert():
                return self._insert(number, op)
            case Update():
                return self._update(number, op)
            case Delete():
                check_where(op.table, op.where)
                gone = [_key(row) for row in self._meeting(op.table, op.where)][: op.limit]
                for key in gone:
                    self._put(op.table, key, None)
                return len(gone)
            case Require():
                check_where(op.table, op.where)
                if any(True for _ in self._meeting(op.table, op.where)) == op.absent:
                    raise Conflict(number, f"{op.table.table} is not as required")
                return 0
            case Append():
                return self._append(op.record)

    def _insert(self, number: int, op: Insert) -> int:
        record, table = op.record, type(op.record)
        check_record(record)
        key = _key(record)
        if op.taken != "replace" and key in self._rows[table]:
            if op.taken == "fail":
                raise Conflict(number, f"{table.table} has this key already")
            return 0
        if self._clashes(table, key, record):
            if op.taken == "ignore":
                return 0
            raise Conflict(number, f"{table.table} has such a row already")
        self._put(table, key, record)
        return 1

    def _update(self, number: int, op: Update) -> int:
        check_where(op.table, op.where)
        known = by_name(op.table)
        for name, value in op.values:
            check_value(op.table, known[name], value, optional=known[name].nullable)
        rows = list(self._meeting(op.table, op.where))
        if op.expect is not None and len(rows) != op.expect:
            raise Conflict(number, f"{len(rows)} rows of {op.table.table} are as expected, not {op.expect}")
        for row in rows:
            changed = msgspec.structs.replace(row, **dict(op.values))
            key, before = _key(changed), _key(row)
            if (key != before and key in self._rows[op.table]) or self._clashes(op.table, before, changed):
                raise Conflict(number, f"{op.table.table} has such a row already")
            if key != before:
                self._put(op.table, before, None)
            self._put(op.table, key, changed)
        return len(rows)

    def _append(self, record: AuditRecord) -> int:
        check_record(record)
        last = self._last
        row = chained(self._chain, last.seq + 1 if last else 1, last.digest if last else b"", record)
        self._put(AuditRecord, _key(row), row)
        head = head_setting(self._chain, row)
        self._put(type(head), _key(head), head)
        self._last = row
        return 1

    def _clashes(self, table: type[Record], key: Key, record: Record) -> bool:
        """Whether another row than `key` has the same values of a unique index."""
        for index in table.unique:
            values = tuple(getattr(record, name) for name in index)
            if None not in values and self._taken[table, index].get(values, key) != key:
                return True
        return False

    def _put(self, table: type[Record], key: Key, record: Record | None) -> None:
        """Set or remove one row, with its unique indexes, and note how to undo it."""
        rows = self._rows[table]
        before = rows.get(key)
        self._undo.append((table, key, before))
        for index in table.unique:
            taken = self._taken[table, index]
            if before is not None:
                taken.pop(tuple(getattr(before, name) for name in index), None)
            if record is not None:
                taken[tuple(getattr(record, name) for name in index)] = key
        if record is None:
            rows.pop(key, None)
        else:
            rows[key] = record

    def _meeting(self, table: type[Record], where: tuple[Where, ...]) -> Iterable[Record]:
        if is_scoped(table) and not any(condition.column == "workspace_id" for condition in where):
            where = (Where("workspace_id", "=", self._workspace), *where)
        rows = self._rows[table]
        exact = {condition.column: condition.value for condition in where if condition.op == "="}
        if all(name in exact for name in key_of(table)):
            row = rows.get(tuple(exact[name] for name in key_of(table)))  # type: ignore[misc]
            candidates: Iterable[Record] = () if row is None else (row,)
        else:
            candidates = rows.values()
        return (row for row in candidates if all(_meets(row, condition) for condition in where))


def _key(record: Record) -> Key:
    return tuple(getattr(record, name) for name in key_of(type(record)))


def _meets(row: Record, condition: Where) -> bool:
    value, wanted = getattr(row, condition.column), condition.value
    if condition.op == "=":
        return bool(value == wanted)
    if condition.op == "!=" and wanted is None:
        return value is not None
    if value is None or wanted is None:
        return False
    return _TESTS[condition.op](value, wanted)


def _sortable(value: Scalar) -> tuple[bool, Scalar]:
    """Nulls come first, as SQLite has them."""
    return (value is not None, value)


def _comes_after(row: Record, order: Sequence[str], after: Sequence[Scalar]) -> bool:
    for column, mark in zip(order, after, strict=True):
        value = getattr(row, column.removeprefix("-"))
        if value != mark:
            return (_sortable(value) > _sortable(mark)) != column.startswith("-")
    return False
