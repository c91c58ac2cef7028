"""Which connector serves which service.

Knows: the drivers that ship, and how users add their own. In: a catalog, a guard. Out: factories by connector id.
Never: makes a connector before somebody asks, lets a user's connector take the place of another without saying so.

A service with an `http:` part is served by the declarative connector whatever its connector id is called; the id
names the mapping (`slack_api_v1`), not code. `scripted` has no driver: it exists in simulation only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from eyeflow.catalog.model import Catalog, Service
from eyeflow.connectors.builtin import BuiltinConnector
from eyeflow.connectors.guard import Guard
from eyeflow.connectors.http import HttpConnector
from eyeflow.connectors.http1 import Http1Transport
from eyeflow.connectors.port import Connector
from eyeflow.connectors.postgres import PostgresConnector
from eyeflow.connectors.rss import RssConnector
from eyeflow.connectors.smtp import SmtpConnector
from eyeflow.connectors.transport import HttpTransport
from eyeflow.ports import Clock, SystemClock

Factory: TypeAlias = Callable[[], Connector]
OpenTransport: TypeAlias = Callable[[int], HttpTransport]


def factories(
    catalog: Catalog,
    *,
    guard: Guard | None = None,
    open_transport: OpenTransport | None = None,
    extra: Mapping[str, Factory] | None = None,
    clock: Clock | None = None,
) -> dict[str, Factory]:
    """A factory for every connector id that `catalog` names and somebody can make, and for those of `extra`.

    `open_transport(pool)` replaces the real HTTP transport (`ScriptedTransport` in tests). Raises: ValueError when
    `extra` takes an id that ships or that a mapping in the catalog uses.
    """
    judge = guard or Guard()
    opened: OpenTransport = open_transport or (lambda pool: Http1Transport(judge, pool=pool))
    drivers: dict[str, Factory] = {
        "builtin": lambda: BuiltinConnector(clock or SystemClock()),
        "http": lambda: HttpConnector(opened),
        "postgres": lambda: PostgresConnector(judge),
        "rss": lambda: RssConnector(opened),
        "smtp": lambda: SmtpConnector(judge, clock=clock),
    }
    for service in catalog.services:
        if service.connector not in drivers and speaks_http(service):
            drivers[service.connector] = drivers["http"]
    for name, make in (extra or {}).items():
        if name in drivers:
            raise ValueError(f"connector {name!r} is taken; give yours another id in the service file")
        drivers[name] = make
    return drivers


def speaks_http(service: Service) -> bool:
    """True when the file says how to speak to the service over HTTP."""
    return service.http is not None or any(capability.http is not None for capability in service.capabilities)
