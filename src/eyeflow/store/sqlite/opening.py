"""Before a file is used: make it, recognise it, migrate it.

Knows: which revision of the tables a file has, and which this version reads. In: a path. Out: a file that is ready.
Never: reads records. Alembic is only loaded when there is something to migrate, and a new file is not: its tables are
made as they are now.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from eyeflow.store.layout import HEAD_REVISION
from eyeflow.store.port import StoreError
from eyeflow.store.sqlite.connection import APPLICATION_ID, check_ours, connect_writer, create
from eyeflow.store.sqlite.errors import busy, typed
from eyeflow.store.sqlite.locks import FileLock
from eyeflow.store.sqlite.tables import from_nothing


def writer_path(path: Path) -> Path:
    """The file that processes lock to take turns in writing."""
    return path.with_name(path.name + ".writer")


def presence_path(path: Path) -> Path:
    """The file that every process that uses the store has locked."""
    return path.with_name(path.name + ".users")


def make_ready(path: Path, *, migrate: bool, wait_ms: int) -> None:
    """Make or migrate the file. Raises: StoreError `store_newer`, `store_older`, `store_damaged`, `store_read_only`,
    `store_busy`, `store_unavailable`."""
    create(path)
    lock = FileLock(writer_path(path))
    try:
        with lock.held(wait_ms / 1000) as held:
            if not held:
                raise busy()
            _bring_up(path, migrate=migrate, wait_ms=wait_ms)
    except sqlite3.Error as error:
        raise typed(error, path) from error
    finally:
        lock.close()


def revision_of(connection: sqlite3.Connection) -> str | None:
    """The revision of a file of ours; None before its first migration ended."""
    named = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    if named is None:
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def _bring_up(path: Path, *, migrate: bool, wait_ms: int) -> None:
    with closing(connect_writer(path, wait_ms=wait_ms)) as connection:
        connection.execute(f"PRAGMA busy_timeout = {wait_ms}")
        ours = check_ours(connection)
        found = revision_of(connection) if ours else None
        if found == HEAD_REVISION:
            return
        if not migrate:
            raise StoreError("store_older", "the store is not as this version needs it", hint="run `eyeflow migrate`")
        if not ours:
            _make(connection)
            return
    from eyeflow.store.migrating import migrate_sqlite  # noqa: PLC0415 - Alembic takes a moment to load

    migrate_sqlite(path, found, wait_ms=wait_ms)


def _make(connection: sqlite3.Connection) -> None:
    """All tables in an empty file: after a crash it is ours and complete, or empty as before."""
    connection.execute("BEGIN IMMEDIATE")
    for statement in from_nothing():
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("COMMIT")
