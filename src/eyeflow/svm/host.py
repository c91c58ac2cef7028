"""`ConnectorHost`: the live connectors of this process, one for each connection.

Knows: who makes a connector of which kind, which connections are connected. In: service, connection, pool.
Out: `Handle`s that speak the `Connector` port and connect at most once. Never: policy; credentials pass through as
functions that resolve them at call time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import TypeAlias

from eyeflow.catalog.model import Connection, Service
from eyeflow.connectors.port import Connector, ConnectorConfig, Credential
from eyeflow.errors import CallError, LoadError
from eyeflow.values import Value

Factory: TypeAlias = Callable[[], Connector]
"""Makes a connector that is not initialised yet."""

Credentials: TypeAlias = Callable[[str], Awaitable[Credential]]
"""Resolves a credential reference (`env:NAME`, `vault:name`)."""


class Handle:
    """A connection's connector: connects when asked to or on the first call, once, however many ask at a time."""

    def __init__(self, make: Factory, config: ConnectorConfig, connected: Callable[[Connection], None]) -> None:
        self._make = make
        self.config = config
        self._connected = connected
        self._live: Connector | None = None
        self._lock = asyncio.Lock()

    @property
    def ready(self) -> bool:
        """True once connected."""
        return self._live is not None

    async def initialize(self, config: ConnectorConfig | None = None) -> None:
        """Connect, if nobody has. Raises: CallError when the service cannot be reached or refuses."""
        async with self._lock:
            if self._live is not None:
                return
            connector = self._make()
            try:
                await connector.initialize(self.config)
            except BaseException:
                await connector.cleanup()
                raise
            self._live = connector
            self._connected(self.config.connection)

    def call(self, method: str, params: Mapping[str, Value], *, key: str | None = None) -> Coroutine[None, None, Value]:
        """One attempt, connecting first if need be. Raises: CallError."""
        if self._live is not None:
            return self._live.call(method, params, key=key)
        return self._first_call(method, params, key)

    async def _first_call(self, method: str, params: Mapping[str, Value], key: str | None) -> Value:
        try:
            await self.initialize()
        except CallError as error:
            # Nothing of the call itself was sent, so whatever initialize knew, this call is surely not done.
            if error.kind == "uncertain":
                raise CallError("transient", error.code, error.message, hint=error.hint) from error
            raise
        assert self._live is not None
        return await self._live.call(method, params, key=key)

    async def cleanup(self) -> None:
        """Close; a later call connects anew."""
        live, self._live = self._live, None
        self._lock = asyncio.Lock()
        if live is not None:
            await live.cleanup()


class ConnectorHost:
    """All handles, one for each connection as configured. `factories` is keyed by the connector id services name."""

    def __init__(
        self,
        factories: Mapping[str, Factory],
        *,
        credentials: Credentials | None = None,
        connected: Callable[[Connection], None] | None = None,
    ) -> None:
        self._factories = dict(factories)
        self._credentials = credentials
        self._connected = connected or (lambda _: None)
        self._handles: dict[tuple[Connection, str, str], Handle] = {}

    def handle(self, service: Service, connection: Connection, pool: int) -> Handle:
        """The handle of `connection`; its first user decides the pool.

        Raises: LoadError `unknown_connector` when nobody makes the service's kind of connector.
        """
        name = (connection, service.id, service.digest)
        if (known := self._handles.get(name)) is not None:
            return known
        make = self._factories.get(service.connector)
        if make is None:
            raise LoadError(
                "unknown_connector",
                f"service {service.id} wants connector {service.connector}, which this machine does not have",
                hint=f"it has {', '.join(sorted(self._factories)) or 'none'}",
            )
        reference, resolve = connection.credential, self._credentials
        credential = None
        if reference is not None and resolve is not None:
            credential = lambda: resolve(reference)  # noqa: E731 - a name would say no more
        config = ConnectorConfig(service=service, connection=connection, credential=credential, pool=pool)
        handle = Handle(make, config, self._connected)
        self._handles[name] = handle
        return handle

    async def drain(self) -> None:
        """Clean up every connector, also when some of them fail to; the first failure is raised at the end."""
        results = await asyncio.gather(*(h.cleanup() for h in self._handles.values()), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
