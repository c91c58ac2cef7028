"""The database of a data folder brought up to date by itself, before or instead of a start.

Knows: that nobody else may use the folder meanwhile. In: settings. Out: `Migrated`. Never: makes a folder or a
database, reads a record.
"""

from __future__ import annotations

import asyncio
from typing import Literal

import msgspec

from eyeflow.server.folder import FolderError, Lock
from eyeflow.server.settings import DATABASE, Settings, required
from eyeflow.store.port import StoreError
from eyeflow.store.sqlite import SqliteStore


class Migrated(msgspec.Struct, frozen=True, kw_only=True):
    """`current`: nothing was to be done. `older`: something is, and was only looked for. `migrated`: it was done."""

    database: str
    state: Literal["current", "older", "migrated"]


def migrated(settings: Settings, *, check: bool = False) -> Migrated:
    """Bring the database up to date, or with `check` say whether it is. Raises: SettingsError; FolderError
    `data_unusable`, `data_in_use`; StoreError `store_newer`, `store_damaged`, `store_unavailable`."""
    required(settings)
    path = settings.folder / DATABASE
    if not path.is_file():
        raise FolderError(
            "data_unusable", f"there is no database in {settings.folder}",
            hint="`eyeflow up` makes one; or name the folder with --data",
        )  # fmt: skip
    lock = Lock(settings.folder)
    lock.take()
    try:
        older = asyncio.run(_older(SqliteStore(path)))
        if older and not check:
            asyncio.run(_opened(SqliteStore(path)))
    finally:
        lock.release()
    return Migrated(database=str(path), state="current" if not older else "older" if check else "migrated")


async def _older(store: SqliteStore) -> bool:
    try:
        await store.open(migrate=False)
    except StoreError as error:
        if error.code != "store_older":
            raise
        return True
    await store.close()
    return False


async def _opened(store: SqliteStore) -> None:
    await store.open(migrate=True)
    await store.close()
