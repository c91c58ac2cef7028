"""Connections to the file, each with the settings its use needs.

Knows: pragmas, file modes, the search function, what marks a file as ours. In: a path. Out: `sqlite3` connections
that begin and end transactions only when told. Never: statements of the port.

Source: https://www.sqlite.org/wal.html, https://www.sqlite.org/pragma.html
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import quote

from eyeflow.store.port import StoreError
from eyeflow.store.sqlite.errors import is_busy
from eyeflow.store.statements import CONTAINS

APPLICATION_ID: Final = 0x45794631
"""What `PRAGMA application_id` says of a file of ours: "EyF1"."""

_STATEMENTS: Final = 512
_WAL_LIMIT_BYTES: Final = 64 << 20
_NAP_S: Final = 0.002
_OPENING_MS: Final = 5_000


def connect_writer(
    path: Path, *, cache_kib: int = 32_768, max_bytes: int | None = None, wait_ms: int = 0
) -> sqlite3.Connection:
    """A connection that writes: every commit is on disk when it returns, and none of them checkpoints.

    Opening waits up to `wait_ms` for other processes; what is done with the connection then does not.
    Raises: sqlite3.Error.
    """

    def settle(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute(f"PRAGMA journal_size_limit = {_WAL_LIMIT_BYTES}")
        connection.execute("PRAGMA secure_delete = FAST")
        if max_bytes is not None:
            (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
            connection.execute(f"PRAGMA max_page_count = {max(1, max_bytes // page_bytes)}")

    return _connected(path, cache_kib, settle, wait_ms)


def connect_reader(path: Path, *, wait_ms: int = 5_000, cache_kib: int = 16_384) -> sqlite3.Connection:
    """A connection that only reads, and waits up to `wait_ms` for each answer. Raises: sqlite3.Error."""

    def settle(connection: sqlite3.Connection) -> None:
        connection.execute(f"PRAGMA busy_timeout = {wait_ms}")
        connection.execute("PRAGMA query_only = ON")

    return _connected(path, cache_kib, settle, _OPENING_MS)


def create(path: Path) -> None:
    """Make the file for its owner alone, if there is none. Raises: StoreError."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except PermissionError:
        raise StoreError("store_read_only", "the store cannot be written", hint="check who owns the folder") from None
    except (OSError, ValueError):
        raise StoreError("store_unavailable", "the store's file cannot be made", hint="check the data folder") from None


def check_ours(connection: sqlite3.Connection) -> bool:
    """Whether the file has our tables; False when it is empty. Raises: StoreError `store_damaged` for any other."""
    (mark,) = connection.execute("PRAGMA application_id").fetchone()
    if mark == APPLICATION_ID:
        return True
    if connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None:
        return False
    raise StoreError("store_damaged", "this file belongs to another program", hint="choose another data folder")


def _connected(
    path: Path, cache_kib: int, settle: Callable[[sqlite3.Connection], None], wait_ms: int
) -> sqlite3.Connection:
    """A connection with its settings.

    Settings read the file, and whoever is the first to come or the last to leave has the file alone while the log is
    made or emptied. SQLite's own patience does not cover these moments: so they are waited for here.
    """
    until = time.monotonic() + wait_ms / 1000
    connection = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=rw",
        uri=True,
        timeout=0,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_STATEMENTS,
    )
    try:
        connection.create_function(CONTAINS, 2, _contains, deterministic=True)
        while True:
            try:
                connection.execute(f"PRAGMA cache_size = -{cache_kib}")
                settle(connection)
                return connection
            except sqlite3.OperationalError as error:
                if not is_busy(error) or time.monotonic() >= until:
                    raise
            time.sleep(_NAP_S)
    except BaseException:
        connection.close()
        raise


def _contains(text: str | None, folded: str) -> bool:
    return text is not None and folded in text.casefold()
