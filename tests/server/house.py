"""A whole server in this process, without a socket: everything real, the database in a folder of the test's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from eyeflow.engine.model import LOCAL
from eyeflow.server.assemble import Assembled, assemble
from eyeflow.server.settings import Settings
from eyeflow.workspace.keys import NewKey
from server.asgi import Reply, ask
from server.running import CACHE


class House:
    """A started service, and the key of its owner."""

    def __init__(self, made: Assembled, key: str) -> None:
        self.made = made
        self.service = made.service
        self.key = key

    async def ask(self, method: str, path: str, **more: Any) -> Reply:
        """One request, with the owner's key unless another is given."""
        return await ask(self.made.door, method, path, **{"key": self.key, **more})

    async def key_for(self, role: Any, **more: Any) -> str:
        """A key of somebody else."""
        wanted = NewKey(name=f"key of a {role}", role=role, principal=f"some_{role}", **more)
        return (await self.service.workspace.keys.create(LOCAL, wanted)).token


@asynccontextmanager
async def house(folder: Path, **sections: Any) -> AsyncIterator[House]:
    """A server in `folder`; `sections` are sections of its settings."""
    made = await assemble(Settings(data=str(folder), cache=CACHE.name, **sections))
    try:
        await made.service.start()
        key = await made.service.workspace.keys.first()
        assert key is not None
        yield House(made, key)
    finally:
        await made.service.stop(2.0)
        await made.close()
