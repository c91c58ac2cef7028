"""What the disk itself takes for a record: `python -m bench.web.commits FOLDER SECONDS [PAUSE_MS]`.

One row of a record's size and a commit, again and again with a pause between them, by SQLite as the store sets it: WAL,
synchronous FULL. It runs beside a server to say what of the server's time is the disk's.

Knows: nothing of EyeFlow. In: a folder on the same disk. Out: milliseconds of each commit, as JSON on stdout. Never:
leaves its file.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

_ROW: Final = os.urandom(1_000)
_EMPTY_EVERY: Final = 1_000


def commits(folder: Path, seconds: float, pause_ms: float) -> list[float]:
    """Milliseconds of each commit. Raises: sqlite3.Error."""
    found: list[float] = []
    with tempfile.TemporaryDirectory(dir=folder) as held, closing(_opened(Path(held) / "commits.db")) as connection:
        until = time.perf_counter() + seconds
        while (begun := time.perf_counter()) < until:
            connection.execute("INSERT INTO held VALUES (?, ?)", (len(found), _ROW))
            found.append((time.perf_counter() - begun) * 1000)
            if len(found) % _EMPTY_EVERY == 0:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            time.sleep(pause_ms / 1000)
    return found


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("CREATE TABLE held (number INTEGER PRIMARY KEY, row BLOB)")
    return connection


if __name__ == "__main__":
    pause = float(sys.argv[3]) if len(sys.argv) > 3 else 0.0
    sys.stdout.buffer.write(msgspec.json.encode(commits(Path(sys.argv[1]), float(sys.argv[2]), pause)))
