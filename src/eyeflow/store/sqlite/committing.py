"""Many units, one transaction: the part of group commit that talks to SQLite.

Knows: the writing connection, the order of the audit chain, how one unit's failure is kept from the others.
In: prepared units. Out: for each the numbers of changed rows, or its error. Never: an event loop; it is called on it
or in a thread, by one caller at a time.

Statements only change pages in memory and are done in microseconds; what waits for the disk is COMMIT. So the two can
be had apart: a batch is prepared on the loop, where no other thread has to be waited for, and committed wherever
waiting is cheap.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeAlias

from eyeflow.store.chaining import chained, head_setting
from eyeflow.store.port import Chain, Conflict, StoreError
from eyeflow.store.records import AuditRecord, SettingRecord
from eyeflow.store.sqlite.connection import connect_writer
from eyeflow.store.sqlite.errors import UNSTORABLE, busy, is_busy, primary_code, typed
from eyeflow.store.sqlite.locks import FileLock
from eyeflow.store.sqlite.units import Step, Unit
from eyeflow.store.statements import Statements

Outcome: TypeAlias = tuple[int, ...] | StoreError

_TAKEN: Final = frozenset((sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY))
_LAST: Final = "SELECT seq, digest FROM audit ORDER BY seq DESC LIMIT 1"
_POLL_S: Final = 0.001
_ONE: Final = (1,)


class InTheWayError(Exception):
    """Another process is writing: come again off the loop, with patience."""


class _SpoiledError(Exception):
    """A unit failed in a way that its savepoint, or the lack of one, cannot undo: start over, each unit guarded."""


class Committer:
    """Writes batches to the file at `path`. `lock` is taken around each transaction when processes share the file."""

    def __init__(
        self,
        path: Path,
        statements: Statements,
        chain: Chain,
        *,
        lock: FileLock | None,
        wait_ms: int,
        max_bytes: int | None = None,
    ) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._chain = chain
        self._lock = lock
        self._wait_s = wait_ms / 1000
        self._audit = statements.insertion(AuditRecord, "fail")
        self._head = statements.insertion(SettingRecord, "replace")
        self._connection: sqlite3.Connection | None = None
        self._last: tuple[int, bytes] | None = None
        self._written: AuditRecord | None = None
        self._locked = False
        self.commit_s = 0.0

    def connect(self) -> None:
        """Open the connection now, rather than at the first batch; other processes that have the file to themselves
        for a moment are waited for. Raises: sqlite3.Error."""
        if self._connection is None:
            wait_ms = round(self._wait_s * 1000)
            self._connection = connect_writer(self._path, max_bytes=self._max_bytes, wait_ms=wait_ms)

    def close(self) -> None:
        """Let go of the file."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def run(self, batch: Sequence[Unit]) -> list[Outcome]:
        """Write `batch` durably, however long that takes. Raises: StoreError when nothing of it is stored."""
        outcomes = self.prepare(batch, patient=True)
        self.commit()
        return outcomes

    def prepare(self, batch: Sequence[Unit], *, patient: bool = False) -> list[Outcome]:
        """What becomes of `batch` if the `commit` that has to follow succeeds. Nothing is waited for, unless `patient`.

        Raises: StoreError when nothing of it will be stored; InTheWayError when not `patient`.
        """
        with self._failing():
            if self._connection is None and not patient:
                raise InTheWayError  # opening waits
            if self._lock is not None:
                if not self._lock.acquire(self._wait_s if patient else 0):
                    raise busy() if patient else InTheWayError
                self._locked = True
            self.connect()
            assert self._connection is not None
            cursor = self._connection.cursor()
            self._begin(cursor, patient)
            try:
                outcomes = self._units(cursor, batch)
            except (_SpoiledError, sqlite3.IntegrityError, *UNSTORABLE):
                self._undo(cursor, "ROLLBACK")
                self._begin(cursor, patient)
                outcomes = [self._unit(cursor, unit, guarded=True) for unit in batch]
            if self._written is not None:
                cursor.execute(self._head.sql, self._head.values(head_setting(self._chain, self._written)))
            return outcomes

    def commit(self) -> None:
        """Make durable what was prepared; this waits for the disk. Raises: StoreError when nothing of it is stored."""
        assert self._connection is not None, "prepare first"
        with self._failing():
            started = time.perf_counter()
            self._connection.execute("COMMIT")
            self.commit_s = time.perf_counter() - started
            self._unlock()
        if self._written is not None:
            self._chain.committed(self._written.seq, self._written.digest)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Whatever fails, nothing of the transaction is left, and the lock is free."""
        try:
            yield
        except BaseException as error:
            try:
                if self._connection is not None and self._connection.in_transaction:
                    self._undo(self._connection.cursor(), "ROLLBACK")
            finally:
                self._unlock()
            if not isinstance(error, sqlite3.Error):
                raise
            if primary_code(error) in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_CANTOPEN):
                self.close()
            raise typed(error, self._path) from error

    def _unlock(self) -> None:
        if self._locked:
            self._locked = False
            assert self._lock is not None
            self._lock.release()

    def _begin(self, cursor: sqlite3.Cursor, patient: bool) -> None:
        self._last = self._written = None
        until = time.monotonic() + self._wait_s
        while True:
            try:
                cursor.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if not is_busy(error):
                    raise
                if not patient:
                    raise InTheWayError from None
                if time.monotonic() > until:
                    raise
            time.sleep(_POLL_S)

    def _units(self, cursor: sqlite3.Cursor, batch: Sequence[Unit]) -> list[Outcome]:
        """Write units one after the other; lone rows of one table that follow each other together, for which the
        caller starts over when one of them was there. Raises: _SpoiledError, sqlite3.Error."""
        outcomes: list[Outcome] = []
        at = 0
        while at < len(batch):
            unit, end = batch[at], at + 1
            if unit.lone:
                sql = unit.steps[0].sql
                while end < len(batch) and batch[end].lone and batch[end].steps[0].sql is sql:
                    end += 1
            if end - at > 1:
                cursor.executemany(sql, [each.steps[0].values for each in batch[at:end]])
                outcomes += [_ONE] * (end - at)
            else:
                outcomes.append(self._unit(cursor, unit, guarded=unit.guarded))
            at = end
        return outcomes

    def _unit(self, cursor: sqlite3.Cursor, unit: Unit, *, guarded: bool) -> Outcome:
        if not guarded:
            try:
                return self._steps(cursor, unit)
            except Conflict as conflict:
                return conflict
        cursor.execute("SAVEPOINT unit")
        written = self._written
        try:
            counts = self._steps(cursor, unit)
        except (StoreError, sqlite3.IntegrityError, *UNSTORABLE) as error:
            self._undo(cursor, "ROLLBACK TO unit")
            self._written = written
            cursor.execute("RELEASE unit")
            return typed(error, self._path)
        except _SpoiledError as spoiled:
            self._undo(cursor, "ROLLBACK TO unit")
            self._written = written
            cursor.execute("RELEASE unit")
            assert isinstance(spoiled.__cause__, Conflict)
            return spoiled.__cause__
        cursor.execute("RELEASE unit")
        return counts

    def _steps(self, cursor: sqlite3.Cursor, unit: Unit) -> tuple[int, ...]:
        counts = []
        for number, step in enumerate(unit.steps):
            if step.audit is not None:
                self._append(cursor, step.audit)
                counts.append(1)
                continue
            try:
                cursor.execute(step.sql, step.values)
            except sqlite3.IntegrityError as error:
                if error.sqlite_errorcode not in _TAKEN:
                    raise
                raise Conflict(number, f"{step.table} has such a row already") from None
            if step.probe:
                _probe(cursor, number, step)
                counts.append(0)
                continue
            count = cursor.rowcount
            if step.expect is not None and count != step.expect:
                conflict = Conflict(number, f"{count} rows of {step.table} are as expected, not {step.expect}")
                if count:
                    raise _SpoiledError from conflict
                raise conflict
            counts.append(count)
        return tuple(counts)

    def _append(self, cursor: sqlite3.Cursor, record: AuditRecord) -> None:
        if self._last is None:
            self._last = cursor.execute(_LAST).fetchone() or (0, b"")
        seq, previous = self._last
        row = chained(self._chain, seq + 1, previous, record)
        cursor.execute(self._audit.sql, self._audit.values(row))
        self._last = (row.seq, row.digest)
        self._written = row

    def _undo(self, cursor: sqlite3.Cursor, statement: str) -> None:
        """Undo, and forget what was known of the chain's end."""
        self._last = None
        cursor.execute(statement)


def _probe(cursor: sqlite3.Cursor, number: int, step: Step) -> None:
    if (cursor.fetchone() is None) != step.absent:
        raise Conflict(number, f"{step.table} is not as required")
