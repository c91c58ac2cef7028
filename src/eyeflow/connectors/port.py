"""The `Connector` port: what every connector implements, shipped or a user's own.

Knows: the three calls of the seed (`initialize`, `call`, `cleanup`) and what a connector is given.
In: nothing. Out: protocols and frozen structs. Never: a policy; time, retries, journal and rates belong to the machine.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import msgspec

from eyeflow.catalog.model import Connection, Service
from eyeflow.values import Value


class Credential(msgspec.Struct, frozen=True):
    """Parts of a resolved secret by name (`token`, `username`, `password`, `key`). Its repr never shows a value.

    `renew`, where a credential can be renewed, gives the one in the place of one that the service refused, None when
    there is none; it raises CallError.
    """

    parts: tuple[tuple[str, str], ...] = ()
    renew: Callable[[Credential], Awaitable[Credential | None]] | None = None

    def __repr__(self) -> str:
        return f"Credential({', '.join(name for name, _ in self.parts)})"

    def part(self, name: str) -> str | None:
        """The part called `name`, or None."""
        for known, value in self.parts:
            if known == name:
                return value
        return None


class ConnectorConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What `initialize` receives. `credential` resolves the reference at call time, so that a rotation needs no
    restart and no secret is kept by the connector; `pool` is the number of connections to keep."""

    service: Service
    connection: Connection
    credential: Callable[[], Awaitable[Credential]] | None = None
    pool: int = 1


class Connector(Protocol):
    """A live use of one connection. `initialize` once per process, `call` for each attempt, `cleanup` on drain."""

    async def initialize(self, config: ConnectorConfig) -> None:
        """Connect ahead of the first call. Raises: CallError when the service cannot be reached or refuses."""
        ...

    async def call(self, method: str, params: Mapping[str, Value], *, key: str | None = None) -> Value:
        """Run capability `method` once. `key` is the idempotency key, sent the way the catalog says.

        Raises: CallError; anything else is a bug. Cancellation after the first byte left means uncertain.
        """
        ...

    async def cleanup(self) -> None:
        """Close everything. Called once, also after a failed `initialize`."""
        ...
