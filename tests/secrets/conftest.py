"""An open store with its keys, on disk and in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from eyeflow.ports import FixedClock
from eyeflow.secrets import AuditChain, FileKeys, Secrets, unlock
from eyeflow.store.memory import MemoryStore
from eyeflow.store.port import Store
from eyeflow.store.sqlite import SqliteStore


class House(msgspec.Struct):
    """A store, its chain and its secrets, in a folder."""

    folder: Path
    store: Store
    chain: AuditChain
    clock: FixedClock
    secrets: Secrets

    @property
    def source(self) -> FileKeys:
        """The file of the master key."""
        return FileKeys(self.folder / "master.key")


@pytest.fixture(params=["memory", "sqlite"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    """At its first start."""
    chain = AuditChain(tmp_path / "audit.head")
    store: Store = MemoryStore(chain) if request.param == "memory" else SqliteStore(tmp_path / "db", chain=chain)
    await store.open()
    clock = FixedClock(datetime(2026, 3, 1, 9, tzinfo=UTC))
    yield House(tmp_path, store, chain, clock, await unlock(store, chain, FileKeys(tmp_path / "master.key"), clock))
    await store.close()
    chain.close()
