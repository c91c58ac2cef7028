"""Practice services for tasks that are deployed for practice: started when the first of them calls one.

Knows: which connectors serve practice, and that each is preceded by its service's start. In: the catalog. Out:
factories, credentials. Never: reaches anything but practice; starts a service nobody uses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from eyeflow.catalog.model import Catalog
from eyeflow.connectors.port import Connector, ConnectorConfig, Credential
from eyeflow.connectors.registry import Factory
from eyeflow.values import Value

if TYPE_CHECKING:
    from eyeflow.simulate.practice import Practice


class Practising:
    """Practice services of one process."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._running: dict[str, Practice] = {}
        self._lock = asyncio.Lock()

    def factories(self) -> Mapping[str, Factory]:
        """A connector for each connector id of the catalog; none of them reaches a real service."""
        return {service.connector: self._late for service in self._catalog.services}

    async def credentials(self, reference: str) -> Credential:
        """No credential is needed: each connector brings its own."""
        return Credential()

    async def of(self, service: str) -> Practice:
        """The practice of one service, started if it was not."""
        async with self._lock:
            held = self._running.get(service)
            if held is None:
                from eyeflow.simulate.practice import Practice  # noqa: PLC0415 - a web server: only who practises pays

                held = Practice(self._catalog, [service])
                await held.__aenter__()
                self._running[service] = held
            return held

    async def close(self) -> None:
        """Stop every service."""
        running, self._running = list(self._running.values()), {}
        for each in running:
            await each.stop()

    def _late(self) -> Connector:
        return _Late(self)


class _Late:
    """A connector that finds its practice service when it is initialised."""

    def __init__(self, practising: Practising) -> None:
        self._practising = practising
        self._real: Connector | None = None

    async def initialize(self, config: ConnectorConfig) -> None:
        practice = await self._practising.of(config.service.id)
        connection = practice.connection(config.connection)
        reference = connection.credential

        async def credential() -> Credential:
            assert reference is not None, "only asked for where there is one"
            return await practice.credentials(reference)

        self._real = practice.factories()[config.service.connector]()
        await self._real.initialize(msgspec.structs.replace(
            config, connection=connection, credential=None if reference is None else credential
        ))  # fmt: skip

    async def call(self, method: str, params: Mapping[str, Value], *, key: str | None = None) -> Value:
        assert self._real is not None, "initialize comes before call"
        return await self._real.call(method, params, key=key)

    async def cleanup(self) -> None:
        if self._real is not None:
            await self._real.cleanup()
