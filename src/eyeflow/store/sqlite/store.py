"""`SqliteStore`: the `Store` port over one file, nothing else to install.

Knows: how the parts fit: statements, group commit, readers, checkpoints, migrations. In: units and conditions.
Out: records. Never: SQL of its own.

WAL mode with synchronous FULL: what a `write` returned from survives kill and power loss, and readers never wait for
writers. Checkpoints run in a thread beside the commits.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from eyeflow.store.chaining import PlainChain
from eyeflow.store.columns import is_scoped
from eyeflow.store.port import Chain, Op, R, Scalar, StoreError, Where
from eyeflow.store.records import WORKSPACE, Record
from eyeflow.store.sqlite.checkpoints import Checkpoints
from eyeflow.store.sqlite.committing import Committer
from eyeflow.store.sqlite.copying import back_up
from eyeflow.store.sqlite.errors import typed
from eyeflow.store.sqlite.grouping import GroupCommit
from eyeflow.store.sqlite.locks import FileLock
from eyeflow.store.sqlite.opening import make_ready, presence_path, writer_path
from eyeflow.store.sqlite.reading import Readers, is_short
from eyeflow.store.sqlite.units import prepare
from eyeflow.store.statements import Statements

WAIT_MS: Final = 5_000
SLOW_S: Final = 20.0


class SqliteStore:
    """A `Store` in the file at `path`.

    `shared`: other processes write the same file, so commits leave the loop and take turns. `window_ms` bounds how
    long a batch is gathered. `wait_ms` is how long a write waits for other processes (`store_busy`), `slow_s` how
    long a search may take (`store_slow`), `max_bytes` how big the file may grow (`store_full`).
    """

    def __init__(
        self,
        path: str | Path,
        *,
        chain: Chain | None = None,
        shared: bool = False,
        window_ms: float = 1.0,
        wait_ms: int = WAIT_MS,
        slow_s: float = SLOW_S,
        max_bytes: int | None = None,
        workspace: str = WORKSPACE,
    ) -> None:
        self.path = Path(path)
        self._chain: Chain = chain or PlainChain()
        self._shared = shared
        self._window_s = window_ms / 1000
        self._wait_ms = wait_ms
        self._slow_s = slow_s
        self._max_bytes = max_bytes
        self._workspace = workspace
        self._statements = Statements(workspace)
        self._open: _Open | None = None

    async def open(self, *, migrate: bool = True) -> None:
        """See `Store.open`. Also raises: StoreError `store_older` when it is not to migrate and would have to."""
        assert self._open is None, "the store is open"
        await asyncio.to_thread(make_ready, self.path, migrate=migrate, wait_ms=self._wait_ms)
        opened = _Open(self)
        try:
            await asyncio.to_thread(opened.connect)
        except BaseException as error:
            await opened.close()
            if isinstance(error, sqlite3.Error):
                raise typed(error, self.path) from error
            raise
        self._open = opened

    async def close(self) -> None:
        """See `Store.close`."""
        opened, self._open = self._open, None
        if opened is not None:
            await opened.close()

    async def write(self, *unit: Op) -> tuple[int, ...]:
        """See `Store.write`."""
        return await self._parts().group.submit(prepare(self._statements, unit))

    def submit(self, *unit: Op) -> asyncio.Future[tuple[int, ...]]:
        """See `Store.submit`."""
        return self._parts().group.submit(prepare(self._statements, unit))

    async def get(self, table: type[R], *key: Scalar) -> R | None:
        """See `Store.get`."""
        assert len(key) == len(table.primary), f"the key of {table.table} is {table.primary}"
        sql, selection = self._statements.point(table)
        values = (self._workspace, *key) if is_scoped(table) else key
        readers = self._parts().readers
        rows = readers.now(sql, values)
        if rows is None:
            rows = await readers.later(sql, values, list)
        return selection.record(rows[0]) if rows else None

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
        sql, values, selection = self._statements.select(
            table, where, order=order, after=after, limit=limit, without=without
        )
        readers = self._parts().readers
        if is_short(table, where, order, limit):
            rows = readers.now(sql, values)
            if rows is not None:
                return [selection.record(row) for row in rows]
        return await readers.later(sql, values, lambda rows: [selection.record(row) for row in rows])

    async def count(self, table: type[Record], *where: Where, limit: int | None = None) -> int:
        """See `Store.count`."""
        sql, values = self._statements.count(table, where, limit)
        return await self._parts().readers.later(sql, values, lambda rows: int(rows[0][0] or 0))

    async def backup(self, path: str) -> None:
        """See `Store.backup`. Raises: StoreError `store_exists` when there is a file at `path` already."""
        self._parts()
        await asyncio.to_thread(back_up, self.path, Path(path))

    def _parts(self) -> _Open:
        if self._open is None:
            raise StoreError("store_unavailable", "the store is not open")
        return self._open


class _Open:
    """What an open store holds."""

    def __init__(self, store: SqliteStore) -> None:
        self._presence = FileLock(presence_path(store.path), shared=True)
        if not self._presence.acquire(0):
            self._presence.close()
            raise StoreError("store_busy", "the store is being restored", hint="wait for its end")
        self._lock = lock = FileLock(writer_path(store.path)) if store._shared else None
        self._thread = ThreadPoolExecutor(1, "eyeflow-store-write")
        self._committer = Committer(
            store.path, store._statements, store._chain, lock=lock, wait_ms=store._wait_ms, max_bytes=store._max_bytes
        )
        self.readers = Readers(store.path, store._slow_s)
        self.group = GroupCommit(self._committer, self._thread, window_s=store._window_s, committed=self._committed)
        self._checkpoints = Checkpoints(store.path, self.group, lock)

    def connect(self) -> None:
        """Open the connection that writes. Raises: sqlite3.Error."""
        self._committer.connect()

    def _committed(self, rows: int) -> None:
        self._checkpoints.wrote(rows)

    async def close(self) -> None:
        await self.group.finish()
        await self._checkpoints.close()
        await asyncio.to_thread(self._thread.shutdown)
        await asyncio.to_thread(self.readers.close)
        await asyncio.to_thread(self._committer.close)
        self._presence.close()
        if self._lock is not None:
            self._lock.close()
