"""Both stores, where what is kept matters."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from eyeflow.store.memory import MemoryStore
from eyeflow.store.port import Store
from eyeflow.store.sqlite import SqliteStore


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made: Store = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "eyeflow.db")
    await made.open()
    yield made
    await made.close()
