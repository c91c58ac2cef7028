"""Locks between processes that do not make the waiting ones sleep long.

Knows: advisory locks of the operating system. In: a path. Out: `FileLock`. Never: correctness: SQLite's own locks
decide who writes; this one only makes the others wait less than SQLite's ever longer naps would.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

try:
    import fcntl
except ImportError:  # Windows: SQLite's own lock has to do
    fcntl = None  # type: ignore[assignment]

_FIRST_NAP_S: Final = 0.000_2
_LONGEST_NAP_S: Final = 0.001


class FileLock:
    """A lock held by whoever has locked the file at `path`, released when its process ends, however it ends."""

    def __init__(self, path: Path, *, shared: bool = False) -> None:
        self._file = os.open(path, os.O_CREAT | os.O_RDWR | getattr(os, "O_CLOEXEC", 0), 0o600)
        self._shared = shared

    def acquire(self, wait_s: float) -> bool:
        """Take the lock within `wait_s` seconds; False when somebody else kept it."""
        if fcntl is None:
            return True
        kind = fcntl.LOCK_SH if self._shared else fcntl.LOCK_EX
        until, nap = time.monotonic() + wait_s, _FIRST_NAP_S
        while True:
            try:
                fcntl.flock(self._file, kind | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                if time.monotonic() >= until:
                    return False
            time.sleep(nap)
            nap = min(nap * 1.5, _LONGEST_NAP_S)

    def release(self) -> None:
        """Give it back."""
        if fcntl is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    @contextmanager
    def held(self, wait_s: float) -> Iterator[bool]:
        """Hold the lock for a block; False when it was not to be had."""
        taken = self.acquire(wait_s)
        try:
            yield taken
        finally:
            if taken:
                self.release()

    def close(self) -> None:
        """Let go of the file, and of the lock."""
        os.close(self._file)
