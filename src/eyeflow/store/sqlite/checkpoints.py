"""Moves what the write-ahead log holds into the file, beside the commits and not within them.

Knows: when enough was written, and that a log which is always written to is never quite emptied from the side.
In: numbers of rows. Out: nothing. Never: holds up a write, except for the moment that empties a big log.

Source: https://www.sqlite.org/wal.html#avoiding_excessively_large_wal_files
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path
from typing import Final

from eyeflow.store.sqlite.connection import connect_writer
from eyeflow.store.sqlite.grouping import GroupCommit
from eyeflow.store.sqlite.locks import FileLock

_EVERY_ROWS: Final = 5_000
_BIG_PAGES: Final = 8_192
_PASSES: Final = 5
_QUICK_S: Final = 0.05
_WAIT_S: Final = 0.5


class Checkpoints:
    """Starts a checkpoint each few thousand rows. `lock` is the processes' own, where they share the file."""

    def __init__(self, path: Path, group: GroupCommit, lock: FileLock | None) -> None:
        self._path = path
        self._group = group
        self._lock = lock
        self._rows = 0
        self._running: asyncio.Task[None] | None = None

    def wrote(self, rows: int) -> None:
        """`rows` more are in the log."""
        self._rows += rows + 8
        if self._rows >= _EVERY_ROWS and (self._running is None or self._running.done()):
            self._rows = 0
            self._running = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Wait for the one that runs."""
        if self._running is not None:
            await asyncio.wait([self._running])

    async def _run(self) -> None:
        """Pages come in while others are moved: so passes are repeated until one is quick, then the log is short."""
        for _ in range(_PASSES):
            started = time.monotonic()
            pages = await asyncio.to_thread(self._passive)
            if time.monotonic() - started < _QUICK_S:
                break
        if pages > _BIG_PAGES:
            await self._group.alone(self._last_pages)

    def _last_pages(self) -> None:
        """Empty the log while nobody of ours writes: the pages that came during the first pass are few."""
        if self._lock is None:
            self._passive()
            return
        with self._lock.held(_WAIT_S):
            self._passive()

    def _passive(self) -> int:
        """Move what nobody is in the way of; pages in the log. A failing disk shows at the next commit, to somebody
        who can be told."""
        connection = None
        try:
            connection = connect_writer(self._path, cache_kib=256)
            _, pages, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            return int(pages)
        except sqlite3.Error:
            return 0
        finally:
            if connection is not None:
                connection.close()
