"""What SQLite's errors mean to a caller.

Knows: result codes of SQLite. In: exceptions of `sqlite3`. Out: `StoreError`s. Never: a path or a statement in a
message.

Source: https://www.sqlite.org/rescode.html
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Final

from eyeflow.store.columns import bad_value
from eyeflow.store.port import StoreError

_SPARE_BYTES: Final = 1 << 20
BUSY: Final = frozenset((sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED))
_READ_ONLY: Final = frozenset((sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH))
_DAMAGED: Final = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT))
UNSTORABLE: Final = (UnicodeEncodeError, OverflowError, sqlite3.ProgrammingError, sqlite3.InterfaceError)


def primary_code(error: BaseException) -> int:
    """The result code without its extension; 0 when the error is not one of SQLite's."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def is_busy(error: BaseException) -> bool:
    """Whether another connection is in the way."""
    return primary_code(error) in BUSY


def typed(error: BaseException, path: Path) -> StoreError:
    """What the caller of a store at `path` is told."""
    code = primary_code(error)
    if isinstance(error, StoreError):
        return error
    if code in BUSY:
        return busy()
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _no_space(path)):
        return StoreError("store_full", "there is no space left for the store", hint="free space on its disk")
    if code in _READ_ONLY:
        return StoreError("store_read_only", "the store cannot be written", hint="check who owns the data folder")
    if code in _DAMAGED:
        return StoreError("store_damaged", "the store's file is damaged", hint="restore the newest backup")
    if code == sqlite3.SQLITE_INTERRUPT:
        return StoreError("store_slow", "the search took too long", hint="ask for less, or for a shorter time")
    if code == sqlite3.SQLITE_CONSTRAINT or isinstance(error, UNSTORABLE):
        return bad_value("this unit")
    return StoreError("store_unavailable", "the store's file cannot be used", hint="check the data folder and its disk")


def busy() -> StoreError:
    """The error of one who waited for other processes too long."""
    return StoreError("store_busy", "another process holds the store", hint="try again; look for a process that hangs")


def _no_space(path: Path) -> bool:
    try:
        disk = os.statvfs(path.parent)
    except (OSError, AttributeError):
        return False
    return disk.f_bavail * disk.f_frsize < _SPARE_BYTES
