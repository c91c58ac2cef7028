"""A workspace on each store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from eyeflow.catalog.load import open_catalog
from eyeflow.catalog.model import Catalog
from eyeflow.store.memory import MemoryStore
from eyeflow.store.port import Store
from eyeflow.store.sqlite import SqliteStore
from workspace.house import House


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return open_catalog()


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made: Store = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "eyeflow.db")
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def house(store: Store, catalog: Catalog) -> AsyncIterator[House]:
    made = House(store, catalog)
    yield made
    await made.workspace.close()
