"""Practice: real loopback servers that stand in for any service of a catalog.

Knows: which kind of stand-in each service gets. In: a catalog, which services. Out: endpoints, credentials,
connections, factories for the connector host, and everything that was received. Never: reaches further than 127.0.0.1.

    async with Practice(catalog, services=["slack_notify", "openweather"]) as practice:
        practice.told("openweather", "current_weather", returns={"temp": 31})
        host = ConnectorHost(practice.factories(), credentials=practice.credentials)
        ... host.handle(service, practice.connection(connection), pool) ...
        practice.received("slack_notify")

A service with an HTTP mapping gets a server that checks method, host, path, headers, credential, query and body against
the fixture written from its provider's documentation; without one, against what its own entry says. `rss` gets a feed
server, `smtp` a mail server, other drivers a stand-in in the process. `notes` says what is weaker than the real thing.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Final, Self

import msgspec

from eyeflow.catalog.model import Catalog, Connection, Service
from eyeflow.connectors import registry
from eyeflow.connectors.credentials import no_credential
from eyeflow.connectors.guard import Guard, LoopbackPort
from eyeflow.connectors.mapping import Login
from eyeflow.connectors.port import Credential
from eyeflow.connectors.transport import Headers
from eyeflow.errors import CallError, CallKind
from eyeflow.ports import Clock
from eyeflow.simulate.practice_derived import derived_fixture
from eyeflow.simulate.practice_drivers import DriverCall, StandIn
from eyeflow.simulate.practice_fixture import Case, Fixture, Reply, Request, shipped_fixture
from eyeflow.simulate.practice_inverse import patch_for
from eyeflow.simulate.practice_mail import Mail, PracticeMail
from eyeflow.simulate.practice_server import PracticeServer, Received, Told, merged
from eyeflow.values import Value

SCHEME: Final = "practice"
"""References `practice:SERVICE` name the credentials practice issues."""

_NO_SERVER: Final = frozenset({"builtin", "respond", "scripted"})
_MAIL_SETTINGS: Final = {"host": "mail.practice.example", "port": "587", "from": "practice@example.com"}
_FEED: Final = """<?xml version="1.0"?><rss version="2.0"><channel><title>Practice feed</title>
<item><title>Second practice item</title><link>https://practice.example.com/2</link><guid>practice-2</guid>
<description>The newer one</description><category>practice</category><author>Pat Practice</author>
<pubDate>Thu, 15 Jan 2026 09:00:00 GMT</pubDate></item>
<item><title>First practice item</title><link>https://practice.example.com/1</link><guid>practice-1</guid>
<description>The older one</description><category>practice</category><author>Pat Practice</author>
<pubDate>Wed, 14 Jan 2026 09:00:00 GMT</pubDate></item></channel></rss>"""


class Practice:
    """Practice services for `services` (all of the catalog's by default), running inside `async with`.

    `fixtures` replace or add to those that ship, by service.
    """

    def __init__(
        self, catalog: Catalog, services: Iterable[str] | None = None, *, fixtures: dict[str, Fixture] | None = None
    ) -> None:
        wanted = None if services is None else set(services)
        self._catalog = catalog
        self._services = {s.id: s for s in catalog.services if wanted is None or s.id in wanted}
        unknown = sorted((wanted or set()) - set(self._services))
        if unknown:
            raise ValueError(f"the catalog has no service {', '.join(unknown)}")
        self._own_fixtures = fixtures or {}
        self._servers: dict[str, PracticeServer] = {}
        self._mail: dict[str, PracticeMail] = {}
        self._stand_ins: dict[str, StandIn] = {}
        self._credentials: dict[str, Credential] = {}
        self.endpoints: dict[str, LoopbackPort] = {}
        self.notes: list[str] = []

    async def __aenter__(self) -> Self:
        try:
            for service in self._services.values():
                await self._start(service)
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Stop every server."""
        for server in self._servers.values():
            await server.stop()
        for mail in self._mail.values():
            await mail.stop()

    @property
    def guard(self) -> Guard:
        """A guard that judges as live, and then reaches nothing but the endpoints."""
        return Guard(practice=self.endpoints)

    async def credentials(self, reference: str) -> Credential:
        """What `practice:SERVICE` stands for. Raises: CallError (denied, `no_credential`) for any other reference."""
        service = reference.removeprefix(f"{SCHEME}:")
        if service == reference or service not in self._credentials:
            raise no_credential(f"{reference[:80]!a} is not a credential of practice")
        return self._credentials[service]

    def connection(self, connection: Connection, *, hosts: tuple[str, ...] = ()) -> Connection:
        """`connection` with practice's credential, and settings where it has none. `hosts` are those a service
        without its own (`http`, `rss`) may be practised against."""
        service = self._services[connection.service]
        settings = self._fixture_settings(service) | dict(connection.settings)
        return msgspec.structs.replace(
            connection,
            credential=f"{SCHEME}:{service.id}" if service.id in self._credentials else None,
            settings=tuple(sorted(settings.items())),
            hosts=connection.hosts or (() if service.hosts else hosts),
        )

    def factories(self, *, clock: Clock | None = None) -> dict[str, registry.Factory]:
        """Connector factories whose calls reach practice alone."""
        made = registry.factories(self._catalog, guard=self.guard, clock=clock)
        for name, stand_in in self._stand_ins.items():
            made[self._services[name].connector] = _always(stand_in)
        return made

    def received(self, service: str) -> list[Received]:
        """The HTTP requests `service` received, in order, the refused ones too."""
        return list(self._servers[service].received)

    def mail(self, service: str = "email") -> list[Mail]:
        """The messages a mail service received."""
        return list(self._mail[service].received)

    def calls(self, service: str) -> list[DriverCall]:
        """The calls a driver's stand-in received."""
        return list(self._stand_ins[service].received)

    def told(
        self,
        service: str,
        capability: str,
        *,
        returns: Value = None,
        variant: str | None = None,
        error: str | None = None,
        status: int | None = None,
        body: Value = None,
        retry_after_s: int | None = None,
        stall_ms: int = 0,
        drop: bool = False,
        times: int | None = None,
    ) -> None:
        """Say what `capability` does from now on, or the next `times` times. With no instruction: its usual answer.

        `returns`: fields of its result; `variant`, `error`: by their name in the fixture; `status` and `body`: this
        very answer (429 with `retry_after_s` rate-limits); `stall_ms`: wait first; `drop`: reset the connection
        after reading the request. Several may be combined.

        Raises: ValueError for an unknown name, and for a returned field that no answer of the service leads to.
        """
        if service in self._stand_ins:
            self._tell_stand_in(service, capability, returns, error)
            return
        if service in self._mail:
            self._mail[service].refuse, self._mail[service].drop = error, drop
            return
        server = self._servers[service]
        case = server.fixture.capabilities.get(capability)
        if case is None or not case.requests:
            raise ValueError(f"practice for {service} has no {capability}")
        name = case.requests[-1]
        request = server.fixture.requests[name]
        reply = _named(request, variant, error)
        reply = _stated(reply, request, status=status, body=body, retry_after_s=retry_after_s)
        merge = None if returns is None else self._inverted(service, capability, case, returns)
        server.tell(name, Told(merge=merge, reply=reply, stall_ms=stall_ms, drop=drop, times=times))

    def told_request(self, service: str, request: str, *, variant: str | None = None, error: str | None = None) -> None:
        """The same for one operation of the provider, by its name in the fixture: lookups a capability makes first.

        Raises: ValueError for an unknown name.
        """
        server = self._servers[service]
        if request not in server.fixture.requests:
            raise ValueError(f"no request {request!r}; known: {', '.join(sorted(server.fixture.requests))}")
        server.tell(request, Told(reply=_named(server.fixture.requests[request], variant, error)))

    def _tell_stand_in(self, service: str, capability: str, returns: Value, error: str | None) -> None:
        stand_in = self._stand_ins[service]
        if error is not None:
            kind: CallKind = "transient" if error in ("unavailable", "rate_limited") else "permanent"
            stand_in.told[capability] = CallError(kind, error, f"practice was told to fail with {error}")
        elif returns is None:
            stand_in.told.pop(capability, None)
        else:
            stand_in.told[capability] = returns

    def _inverted(self, service: str, capability: str, case: Case, returns: Value) -> Value:
        found = self._services[service].capability(capability)
        mapping = None if found is None else found.http
        if mapping is None:
            raise ValueError(f"{service}.{capability} has no HTTP mapping to invert")
        if mapping.steps:
            if mapping.result is not None:
                raise ValueError(f"{service}.{capability} makes its result from several answers; tell `body` instead")
            mapping = mapping.steps[-1][1]
        patch = patch_for(mapping, returns)
        if patch.lost:
            raise ValueError(f"no answer of {service}.{capability} leads to that: {'; '.join(patch.lost)}")
        return patch.value

    async def _start(self, service: Service) -> None:
        if service.connector in _NO_SERVER:
            return
        if service.connector == "smtp":
            self._credentials[service.id] = Credential((("username", "practice"), ("password", "practice-password")))
            mail = PracticeMail("practice", "practice-password")
            self._mail[service.id] = mail
            self.endpoints[service.id] = await mail.start()
            return
        fixture = self._fixture(service)
        if fixture is None:
            self._stand_ins[service.id] = StandIn(service)
            self.notes.append(f"{service.id}: its protocol is not practised; a stand-in answers from the schema")
            return
        if fixture.derived:
            self.notes.append(f"{service.id}: checked against its own catalog entry, not against its provider")
            self.notes += [f"{service.id}.{note}" for note in fixture.notes]
        credential: tuple[Headers, Headers] = ((), ())
        if fixture.auth.place != "none" and fixture.auth.practice:
            parts = Credential(tuple(fixture.auth.practice.items()))
            self._credentials[service.id] = parts
            credential = Login(service).apply(parts)
        server = PracticeServer(fixture, credential=credential, trusted=_trusted(service, fixture))
        self._servers[service.id] = server
        self.endpoints[service.id] = await server.start()

    def _fixture(self, service: Service) -> Fixture | None:
        if service.id in self._own_fixtures:
            return self._own_fixtures[service.id]
        shipped = shipped_fixture(service)
        if shipped is not None:
            return shipped
        if service.connector == "rss":
            return _feed_fixture(service)
        return derived_fixture(service) if registry.speaks_http(service) else None

    def _fixture_settings(self, service: Service) -> dict[str, str]:
        if service.id in self._mail:
            return dict(_MAIL_SETTINGS)
        server = self._servers.get(service.id)
        return {} if server is None else dict(server.fixture.settings)


def _always(stand_in: StandIn) -> registry.Factory:
    return lambda: stand_in


def _named(request: Request, variant: str | None, error: str | None) -> Reply | None:
    """The fixture's answer of that name, None without one. Raises: ValueError for an unknown name."""
    if error is not None:
        if error not in request.errors:
            raise ValueError(f"no error {error!r}; known: {', '.join(sorted(request.errors)) or 'none'}")
        return request.errors[error]
    if variant is None:
        return None
    if variant not in request.variants:
        raise ValueError(f"no variant {variant!r}; known: {', '.join(sorted(request.variants)) or 'none'}")
    found = request.variants[variant]
    body = found.replace if found.replace is not None else merged(request.response.body, found.body)
    return msgspec.structs.replace(request.response, body=body)


def _stated(
    reply: Reply | None, request: Request, *, status: int | None, body: Value, retry_after_s: int | None
) -> Reply | None:
    """`reply` with what was stated directly laid over it."""
    if status is not None or body is not None:
        before = reply or (request.response if status is None else Reply())
        kept = before.body if body is None else body
        reply = msgspec.structs.replace(before, status=status or before.status, body=kept)
    if retry_after_s is not None:
        before = reply or Reply(status=429, body={"error": "rate limited"})
        reply = msgspec.structs.replace(before, headers={**before.headers, "Retry-After": str(retry_after_s)})
    return reply


def _trusted(service: Service, fixture: Fixture) -> frozenset[str]:
    """Hosts where the credential belongs; empty means everywhere. Addresses that answers name are outside."""
    mappings = [part for c in service.capabilities if c.http for part in (c.http, *(step for _, step in c.http.steps))]
    if not any(part.base_url and part.base_url.startswith("{steps.") for part in mappings):
        return frozenset()
    bases = [service.http.base_url if service.http else None, *(part.base_url for part in mappings)]
    hosts = [base.partition("://")[2].partition("/")[0] for base in bases if base and "://" in base]
    return frozenset(host for host in hosts if "{" not in host)


def _feed_fixture(service: Service) -> Fixture:
    reply = Reply(headers={"Content-Type": "application/rss+xml"}, body=_FEED)
    request = Request(method="GET", host="*", path=".*", query={}, response=reply)
    return Fixture(
        service=service.id,
        requests={"feed": request},
        capabilities={capability.name: Case(requests=("feed",)) for capability in service.capabilities},
    )
