"""The stores that one suite drives."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from eyeflow.store.memory import MemoryStore
from eyeflow.store.port import Store
from eyeflow.store.sqlite import SqliteStore


@pytest.fixture(params=["memory", "sqlite", "sqlite-shared"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An open, empty store of each kind."""
    made: Store = MemoryStore()
    if request.param != "memory":
        made = SqliteStore(tmp_path / "eyeflow.db", shared=request.param == "sqlite-shared")
    await made.open()
    yield made
    await made.close()
