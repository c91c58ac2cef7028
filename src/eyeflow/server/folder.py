"""The data folder: who may use it, and that one server uses it at a time.

Knows: the folder's lock and its rights. In: a path. Out: a held `Lock`. Never: opens database or keys.

The lock is the kernel's (flock): it goes with the process that holds it, however that ends, and stays with its
children as long as one of them lives.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

import msgspec

from eyeflow.errors import EyeFlowError
from eyeflow.server.settings import ANCHOR, DATABASE

LOCK: Final = "lock"


class FolderError(EyeFlowError):
    """The data folder cannot be used: `data_in_use`, `data_unusable`."""


class Holder(msgspec.Struct, frozen=True):
    """Who holds the lock, for the message to whoever comes second."""

    pid: int
    url: str = ""


class Lock:
    """A data folder that is this process's, and its children's, until `release` or the end of them all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / LOCK
        self._descriptor: int | None = None

    def take(self) -> None:
        """Make the folder when there is none, and take it. Raises: FolderError."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if self.folder.stat().st_uid == os.getuid():
                self.folder.chmod(0o700)
            self._descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            why = "it is no folder" if self.folder.is_file() else (error.strerror or str(error)).lower()
            raise FolderError(
                "data_unusable", f"the data folder {self.folder} cannot be used: {why}", hint="name another with --data"
            ) from error
        if not _locked(self._descriptor):
            holder = self._holder()
            os.close(self._descriptor)
            self._descriptor = None
            where = f" at {holder.url}" if holder is not None and holder.url else ""
            who = f" (process {holder.pid})" if holder is not None else ""
            raise FolderError(
                "data_in_use", f"a server{where} uses the data folder {self.folder} already{who}",
                hint="stop it, or name another folder with --data",
            )  # fmt: skip

    def held_by(self) -> Holder | None:
        """Who holds it now, without taking it or making anything."""
        try:
            descriptor = os.open(self._file, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            return None if _locked(descriptor) else self._holder() or Holder(0)
        finally:
            os.close(descriptor)

    def say(self, url: str) -> None:
        """Leave word of who holds it."""
        assert self._descriptor is not None, "the lock is held"
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, msgspec.json.encode(Holder(os.getpid(), url)), 0)

    def release(self) -> None:
        """Let go of it in this process."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _holder(self) -> Holder | None:
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            return msgspec.json.decode(self._file.read_bytes(), type=Holder)
        return None


def require_database(folder: Path) -> None:
    """Return unless the folder has lost its database: an empty one would pass for a folder where nothing happened.
    Raises: FolderError."""
    there = any(_size(folder / name) for name in (DATABASE, f"{DATABASE}-wal"))
    if not there and _size(folder / ANCHOR):
        raise FolderError(
            "data_unusable", f"the database of {folder} is gone: {ANCHOR} tells of one",
            hint="restore the newest backup into a new folder; to begin with nothing, name a new one with --data",
        )  # fmt: skip


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _locked(descriptor: int) -> bool:
    try:
        import fcntl  # noqa: PLC0415 - not on every system
    except ImportError:
        import msvcrt  # noqa: PLC0415

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
