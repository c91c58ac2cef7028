"""Practice for drivers that speak no HTTP and have no practice server: a stand-in inside the process.

Knows: a capability's declared result. In: calls. Out: a value made from the schema, or what it was told to give.
Never: opens a socket; nothing of the real protocol is exercised, and `Practice.notes` says so.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from eyeflow.catalog.model import Service
from eyeflow.connectors.port import ConnectorConfig
from eyeflow.connectors.sample import sample
from eyeflow.connectors.signature import defaults_filled
from eyeflow.errors import CallError
from eyeflow.values import Value


class DriverCall(msgspec.Struct, frozen=True):
    """One call a stand-in received."""

    capability: str
    params: dict[str, Value]
    key: str | None


class StandIn:
    """Answers for one service; `told` holds values or errors by capability until told otherwise."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.received: list[DriverCall] = []
        self.told: dict[str, Value | CallError] = {}

    async def initialize(self, config: ConnectorConfig) -> None:
        """Nothing to connect."""

    async def call(self, method: str, params: Mapping[str, Value], *, key: str | None = None) -> Value:
        """The told or sampled result. Raises: CallError when told to, or for unknown or missing parameters."""
        capability = self._service.capability(method)
        if capability is None:
            raise CallError("permanent", "unknown_capability", f"{self._service.id} has no {method[:60]!a}")
        self.received.append(DriverCall(method, defaults_filled(capability, params), key))
        if method not in self.told:
            return sample(capability.returns)
        answer = self.told[method]
        if isinstance(answer, CallError):
            raise answer
        made = sample(capability.returns)
        return {**made, **answer} if isinstance(made, dict) and isinstance(answer, dict) else answer

    async def cleanup(self) -> None:
        """Nothing is held."""
