"""The store in one SQLite file."""

from eyeflow.store.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
