"""The `rss` driver: fetches a feed over the HTTP transport and reads it.

Knows: one operation, `read_feed`. In: a URL within the connection's hosts. Out: title, count, items.
Never: a way around the transport and its guard.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from eyeflow.connectors.answers import failed, status_error
from eyeflow.connectors.feeds import FeedError, read_feed, wanted_limit
from eyeflow.connectors.guard import rules_for
from eyeflow.connectors.mapping import USER_AGENT
from eyeflow.connectors.port import ConnectorConfig
from eyeflow.connectors.signature import defaults_filled
from eyeflow.connectors.transport import HttpRequest, HttpTransport
from eyeflow.errors import CallError
from eyeflow.values import Value

_ACCEPT: Final = "application/rss+xml, application/atom+xml, application/xml;q=0.9, text/xml;q=0.9"
_MAX_BYTES: Final = 5 * 1024 * 1024


class RssConnector:
    """Reads feeds of the hosts one connection names."""

    def __init__(self, open_transport: Callable[[int], HttpTransport]) -> None:
        self._open_transport = open_transport
        self._transport: HttpTransport | None = None
        self._config: ConnectorConfig | None = None

    async def initialize(self, config: ConnectorConfig) -> None:
        """Open the pool; which feed is only known at a call."""
        self._config = config
        self._rules = rules_for(config.service, config.connection)
        self._transport = self._open_transport(config.pool)

    async def call(self, method: str, params: Mapping[str, Value], *, key: str | None = None) -> Value:
        """Read one feed. Raises: CallError."""
        assert self._config is not None and self._transport is not None, "initialised before it is called"
        capability = self._config.service.capability(method)
        if capability is None:
            raise CallError("permanent", "unknown_capability", f"{self._config.service.id} has no {method[:60]!a}")
        filled = defaults_filled(capability, params)
        limit = wanted_limit(filled.get("limit", 10))
        response = await self._transport.send(
            HttpRequest(
                method="GET",
                url=str(filled["url"]),
                rules=self._rules,
                headers=(("Accept", _ACCEPT), USER_AGENT),
                timeout_ms=capability.timeout_ms,
                max_bytes=_MAX_BYTES,
            )
        )
        failure = status_error(response.status, safe=True)
        if failure is not None:
            raise failed(response, *failure, f"HTTP {response.status}")
        try:
            return read_feed(response.body, limit)
        except FeedError as error:
            raise CallError("permanent", "bad_response", str(error)) from error

    async def cleanup(self) -> None:
        """Close the pool."""
        if self._transport is not None:
            await self._transport.close()
