"""Copies of the whole file, while it is used, and back.

Knows: SQLite's online backup, what makes a copy complete, who uses a file. In: paths. Out: files.
Never: the master key: a copy is of use only together with it.

Source: https://www.sqlite.org/backup.html
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from eyeflow.store.port import StoreError
from eyeflow.store.sqlite.connection import check_ours, connect_reader, create
from eyeflow.store.sqlite.errors import typed
from eyeflow.store.sqlite.locks import FileLock
from eyeflow.store.sqlite.opening import presence_path, revision_of


def back_up(path: Path, target: Path) -> None:
    """A consistent copy of the store at `path`, complete and on disk when this returns.

    Raises: StoreError `store_exists`, `store_full`, `store_read_only`, `store_unavailable`.
    """
    if target.exists():
        raise StoreError("store_exists", "there is a file at the place of the copy", hint="name another file")
    _copy(path, target)


def restore(copy: Path, path: Path, *, replace: bool = False) -> None:
    """Put a copy made by `back_up` in the place of the store at `path`, which nobody may be using. With `replace` the
    store that is there is lost. An older copy is migrated when it is opened.

    Raises: StoreError `store_exists`, `store_busy` (somebody uses it), `store_damaged` (not a whole copy),
    `store_unavailable`, `store_full`, `store_read_only`.
    """
    if not copy.is_file():
        raise StoreError("store_unavailable", "there is no copy at this place", hint="name a file made by a backup")
    _check(copy)
    if path.exists() and not replace:
        raise StoreError("store_exists", "there is a store already", hint="choose another data folder, or replace it")
    create(path)
    lock = FileLock(presence_path(path))
    try:
        with lock.held(0) as held:
            if not held:
                raise StoreError("store_busy", "the store is in use", hint="stop EyeFlow first")
            _copy(copy, path)
    finally:
        lock.close()


def _check(copy: Path) -> None:
    """Raises: StoreError `store_damaged`."""
    try:
        with closing(connect_reader(copy)) as connection:
            whole = check_ours(connection) and revision_of(connection) is not None
            (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        raise typed(error, copy) from error
    if not whole or said != "ok":
        raise StoreError("store_damaged", "this copy is not whole", hint="use another one")


def _copy(source: Path, target: Path) -> None:
    """`source` at `target`, complete before it takes the name; what stood there goes, with its log."""
    part = target.with_name(target.name + ".part")
    try:
        part.unlink(missing_ok=True)
        create(part)
        with closing(connect_reader(source)) as reader, closing(sqlite3.connect(part)) as copy:
            reader.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE").fetchone()
        _settle(part, target)
    except sqlite3.Error as error:
        raise typed(error, target) from error
    except OSError:
        raise StoreError(
            "store_unavailable", "the copy cannot be written", hint="check the folder and its disk"
        ) from None
    finally:
        part.unlink(missing_ok=True)


def _settle(part: Path, target: Path) -> None:
    descriptor = os.open(part, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    for log in ("-wal", "-shm"):
        target.with_name(target.name + log).unlink(missing_ok=True)
    part.replace(target)
