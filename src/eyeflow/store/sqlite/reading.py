"""Reads: the short ones at once on the event loop, all others in threads.

Knows: connections that only read, which reads an index answers in microseconds, how long a search may take.
In: SELECTs. Out: rows. Never: writes.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Final, TypeVar

from eyeflow.store.columns import is_scoped, key_of
from eyeflow.store.port import Where
from eyeflow.store.records import Record
from eyeflow.store.sqlite.connection import connect_reader
from eyeflow.store.sqlite.errors import UNSTORABLE, is_busy, typed
from eyeflow.store.statements import Row

T = TypeVar("T")
_THREADS: Final = 3
_SHORT_ROWS: Final = 100
_AGAIN_S: Final = 0.05


class Readers:
    """Reading connections to the file at `path`. A search in a thread ends after `slow_s` seconds."""

    def __init__(self, path: Path, slow_s: float) -> None:
        self._path = path
        self._slow_s = slow_s
        self._inline: sqlite3.Connection | None = connect_reader(path, wait_ms=0)
        self._idle: list[sqlite3.Connection] = []
        self._threads = ThreadPoolExecutor(_THREADS, "eyeflow-store-read")

    def now(self, sql: str, values: Row) -> list[Row] | None:
        """The rows, read on the spot; None when somebody is in the way. Raises: StoreError."""
        assert self._inline is not None, "the store is closed"
        try:
            return self._inline.execute(sql, values).fetchall()
        except (sqlite3.Error, *UNSTORABLE) as error:
            if is_busy(error):
                return None
            raise typed(error, self._path) from error

    async def later(self, sql: str, values: Row, shape: Callable[[list[Row]], T]) -> T:
        """`shape` of the rows, both made in a thread. Raises: StoreError, `store_slow` after too long."""
        loop = asyncio.get_running_loop()
        try:
            connection = self._idle.pop() if self._idle else await loop.run_in_executor(self._threads, self._connect)
        except sqlite3.Error as error:
            raise typed(error, self._path) from error
        alarm = _Alarm(loop, connection, self._slow_s)
        work = loop.run_in_executor(self._threads, lambda: shape(connection.execute(sql, values).fetchall()))
        work.add_done_callback(lambda done: self._give_back(connection, alarm, done))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            alarm.now()
            raise
        except (sqlite3.Error, *UNSTORABLE) as error:
            raise typed(error, self._path) from error

    def close(self) -> None:
        """End what still reads, and let go of the file."""
        self._threads.shutdown(wait=True)
        for connection in (*self._idle, *([self._inline] if self._inline is not None else [])):
            connection.close()
        self._idle, self._inline = [], None

    def _connect(self) -> sqlite3.Connection:
        return connect_reader(self._path)

    def _give_back(self, connection: sqlite3.Connection, alarm: _Alarm, done: asyncio.Future[T]) -> None:
        alarm.off()
        if done.cancelled() or done.exception() is not None or self._inline is None:
            connection.close()
        else:
            self._idle.append(connection)


class _Alarm:
    """Ends what a connection does after a while, and again after that: an interruption that comes before the thread
    has begun does nothing."""

    def __init__(self, loop: asyncio.AbstractEventLoop, connection: sqlite3.Connection, after_s: float) -> None:
        self._loop = loop
        self._connection = connection
        self._timer = loop.call_later(after_s, self.now)

    def now(self) -> None:
        """End it."""
        self._connection.interrupt()
        self._timer.cancel()
        self._timer = self._loop.call_later(_AGAIN_S, self.now)

    def off(self) -> None:
        """It has ended by itself."""
        self._timer.cancel()


def is_short(table: type[Record], where: Sequence[Where], order: Sequence[str], limit: int | None) -> bool:
    """Whether an index leads straight to the rows, and there are few: then a thread would cost more than the read."""
    names = tuple(item.column for item in where if item.op == "=" and item.value is not None)
    ranges = tuple(item.column for item in where if item.op in ("<", "<=", ">", ">="))
    if len(names) + len(ranges) != len(where):
        return False
    if set(table.primary) <= set(names):
        return True
    if limit is None or limit > _SHORT_ROWS or len({name.startswith("-") for name in order}) > 1:
        return False
    unset = any(item.value is False for item in where)  # a sparse index has no rows with False
    return not unset and _answered(
        table, frozenset(names), frozenset(ranges), tuple(name.removeprefix("-") for name in order)
    )


@lru_cache(maxsize=1_000)
def _answered(table: type[Record], equal: frozenset[str], ranges: frozenset[str], order: tuple[str, ...]) -> bool:
    """Whether some index has the equal columns first and then the range and the order: no row is read in vain."""
    scope = ("workspace_id",) if is_scoped(table) else ()
    wanted = equal | set(scope)
    for index in (key_of(table), *table.indexes, *table.sparse, *table.unique):
        scoped = index if index[:1] == scope else (*scope, *index)
        rest = scoped[len(wanted) :]
        if set(scoped[: len(wanted)]) == wanted and rest[: len(order)] == order and ranges <= set(rest[:1]):
            return True
    return False
