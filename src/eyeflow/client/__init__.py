"""The server from Python: `Client` waits, `AsyncClient` is awaited. Either is imported when it is first named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eyeflow.client.calls import ApiError, Fault, Retries
from eyeflow.client.stream import ServerEvent

if TYPE_CHECKING:
    from eyeflow.client.aio import AsyncClient
    from eyeflow.client.sync import Client

__all__ = ["ApiError", "AsyncClient", "Client", "Fault", "Retries", "ServerEvent"]


def __getattr__(name: str) -> object:
    if name == "Client":
        from eyeflow.client.sync import Client  # noqa: PLC0415

        return Client
    if name == "AsyncClient":
        from eyeflow.client.aio import AsyncClient  # noqa: PLC0415

        return AsyncClient
    raise AttributeError(name)
