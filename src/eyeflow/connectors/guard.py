"""The egress guard: the one judge of where a call may go, asked by everything that opens a socket.

Knows: host patterns of services and connections, the operator's named private ranges, the practice mapping.
In: a URL (or protocol, host, port), the rules of the connection, the addresses a name resolved to.
Out: a `Target`, or EgressDenied before anything was opened. Never: opens a socket, reads the environment.

A call passes three gates: the name (`judge`), every address the name has (`addresses`: one bad record refuses them
all), and, where the socket is made, the very address being connected (`admits`). The addresses judged are the
addresses connected, so a name that changes its mind in between (rebinding) gains nothing.

In practice the catalog's URL is judged first, exactly as it would be live; then the call goes to the one loopback
address and port mapped to its service, and a service without a mapping goes nowhere.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Final, Protocol

import msgspec

from eyeflow.catalog.model import Connection, Service
from eyeflow.connectors.address import Address, parse_address, refusal
from eyeflow.connectors.url import Url, parse_host, parse_url
from eyeflow.errors import CallError, EgressDenied

PROTOCOL_PORTS: Final[Mapping[str, tuple[int, ...]]] = {
    "http": (80,),
    "https": (443,),
    "smtp": (25, 465, 587, 2525),
    "postgres": (5432,),
}
"""Ports reachable without being named in a host pattern."""

_MOST_JUDGED: Final = 4_096
_PLACE: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


class Rules(msgspec.Struct, frozen=True):
    """What one connection may reach. `hosts` are patterns (`slack.com`, `*.example.com`, `db.example.com:5433`);
    `narrowed`, when not empty, must match as well."""

    service: str
    hosts: tuple[str, ...]
    narrowed: tuple[str, ...] = ()


class PrivateRange(msgspec.Struct, frozen=True):
    """An operator's `egress.allow`: `hosts` may resolve into `networks` (CIDR) although these are not public.
    `name` is what audit rows call it."""

    name: str
    hosts: tuple[str, ...]
    networks: tuple[str, ...]


class LoopbackPort(msgspec.Struct, frozen=True):
    """The exact address of a practice service."""

    host: str
    port: int


class Target(msgspec.Struct, frozen=True):
    """A judged destination. `pinned` is the practice address to use instead of resolving `host`."""

    host: str
    port: int
    url: Url | None = None
    pinned: LoopbackPort | None = None


class Resolver(Protocol):
    """Names to addresses."""

    async def resolve(self, host: str, port: int) -> tuple[str, ...]:
        """All addresses of `host`, as text. Raises: OSError when there are none."""
        ...


class SystemResolver:
    """The operating system's resolver, off the event loop."""

    async def resolve(self, host: str, port: int) -> tuple[str, ...]:
        """All addresses of `host`. Raises: OSError when the name is unknown or the resolver does not answer."""
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return tuple(dict.fromkeys(str(row[4][0]) for row in found))


def rules_for(service: Service, connection: Connection) -> Rules:
    """The rules of `connection`: the service's hosts with the connection's settings filled in, narrowed by the
    connection's own. A service without hosts (such as `http`) has the connection's alone."""
    settings = dict(connection.settings)

    def filled(pattern: str) -> str:
        return _PLACE.sub(lambda place: settings.get(place[1], place[0]), pattern)

    own = tuple(filled(pattern) for pattern in connection.hosts)
    if not service.hosts:
        return Rules(service.id, own)
    return Rules(service.id, tuple(filled(pattern) for pattern in service.hosts), own)


class Guard:
    """Judges destinations. `practice` is None for live use; a mapping by service id makes every call a practice call.

    Raises: ValueError for an operator range that is not a network.
    """

    def __init__(
        self,
        *,
        allow: tuple[PrivateRange, ...] = (),
        practice: Mapping[str, LoopbackPort] | None = None,
        resolver: Resolver | None = None,
    ) -> None:
        self._allow = tuple((entry.hosts, tuple(map(ip_network, entry.networks))) for entry in allow)
        self._practice = None if practice is None else dict(practice)
        self._resolver: Resolver = resolver or SystemResolver()
        self._judged: dict[tuple[str, str, int, Rules], Target] = {}
        self._open_hosts: dict[str, bool] = {}

    @property
    def practising(self) -> bool:
        """True when calls go to practice services."""
        return self._practice is not None

    def judge(self, url: str | Url, rules: Rules, *, confidential: bool = False) -> Target:
        """The destination of an HTTP request. `confidential`: it carries a credential, which needs https unless the
        operator opened the host by name.

        Raises: EgressDenied when scheme, host or port is not the connection's to reach.
        """
        parsed = parse_url(url) if isinstance(url, str) else url
        if confidential and parsed.scheme == "http" and not self.opened(parsed.host):
            raise EgressDenied(
                f"a credential would be sent to {parsed.host} in the clear", hint="use https, or open the host by name"
            )
        target = self.judge_host(parsed.scheme, parsed.host, parsed.port, rules)
        return Target(target.host, target.port, parsed, target.pinned)

    def judge_host(self, protocol: str, host: str, port: int, rules: Rules) -> Target:
        """The destination of any protocol of `PROTOCOL_PORTS`; what was admitted once is remembered, since nothing it
        depends on changes. Raises: EgressDenied."""
        place = (protocol, host, port, rules)
        known = self._judged.get(place)
        if known is None:
            known = self._judge_host(protocol, host, port, rules)
            if len(self._judged) >= _MOST_JUDGED:
                self._judged.clear()
            self._judged[place] = known
        return known

    def _judge_host(self, protocol: str, host: str, port: int, rules: Rules) -> Target:
        name = parse_host(host)
        for patterns in (rules.hosts, rules.narrowed or rules.hosts):
            if not any(_matches(pattern, protocol, name, port) for pattern in patterns):
                raise EgressDenied(
                    f"{rules.service} may not reach {name}:{port}",
                    hint="it may reach " + (", ".join(patterns) or "no host: name some in the connection's hosts"),
                )
        address = parse_address(name)
        if address is not None:
            self._judge_address(name, address)
        if self._practice is None:
            return Target(name, port)
        pinned = self._practice.get(rules.service)
        if pinned is None:
            raise EgressDenied(
                f"{rules.service} has no practice service", hint="in practice nothing else than practice is reached"
            )
        return Target(name, port, pinned=pinned)

    async def addresses(self, host: str, port: int) -> tuple[str, ...]:
        """All addresses of `host`, every one judged; to be connected as they are, without resolving again.

        Raises: EgressDenied when any is not public; CallError (transient, `name_not_found`) when there is none.
        """
        literal = parse_address(host)
        if literal is not None:
            self._judge_address(host, literal)
            return (str(literal),)
        try:
            found = await self._resolver.resolve(host, port)
        except OSError as error:
            raise CallError("transient", "name_not_found", f"{host} has no address: {error.strerror}") from error
        if not found:
            raise CallError("transient", "name_not_found", f"{host} has no address")
        for text in found:
            address = parse_address(text)
            if address is None:
                raise EgressDenied(f"{host} resolves to {text!a}, which is no plain address")
            self._judge_address(host, address)
        return found

    async def dial(self, target: Target) -> tuple[str, int]:
        """Address and port to connect for a protocol driver: the practice address, or the first judged one.

        Raises: EgressDenied, CallError as `addresses`.
        """
        if target.pinned is not None:
            return target.pinned.host, target.pinned.port
        return (await self.addresses(target.host, target.port))[0], target.port

    def admits(self, host: str, port: int) -> bool:
        """The last gate, asked where the socket is made: may this very address be connected by anybody here?"""
        if self._practice is not None:
            return LoopbackPort(host, port) in self._practice.values()
        address = parse_address(host)
        if address is None:
            return False
        reason = refusal(address)
        if reason is None:
            return True
        return reason.allowable and any(address in network for _, networks in self._allow for network in networks)

    def opened(self, host: str) -> bool:
        """True when an operator opened `host` by name."""
        known = self._open_hosts.get(host)
        if known is None:
            known = any(_matches_name(pattern, host) for hosts, _ in self._allow for pattern in hosts)
            if len(self._open_hosts) >= _MOST_JUDGED:
                self._open_hosts.clear()
            self._open_hosts[host] = known
        return known

    def _judge_address(self, host: str, address: Address) -> None:
        reason = refusal(address)
        if reason is None:
            return
        if reason.allowable:
            for hosts, networks in self._allow:
                if any(_matches_name(pattern, host) for pattern in hosts) and any(address in net for net in networks):
                    return
        shown = host if host == str(address) else f"{host} ({address})"
        raise EgressDenied(
            f"{shown} is {reason.text}",
            hint="an operator may open a private range for this host in egress.allow" if reason.allowable else "",
        )


def _matches(pattern: str, protocol: str, host: str, port: int) -> bool:
    name, want = _pattern_port(pattern)
    ports = PROTOCOL_PORTS.get(protocol, ()) if want is None else (want,)
    return port in ports and _matches_name(name, host)


def _pattern_port(pattern: str) -> tuple[str, int | None]:
    if pattern.startswith("["):
        name, _, tail = pattern[1:].partition("]")
        return name, int(tail[1:]) if tail[1:].isdecimal() else None
    name, _, port = pattern.partition(":")
    if ":" in port:
        return pattern, None
    return name, int(port) if port.isdecimal() else None


def _matches_name(pattern: str, host: str) -> bool:
    """`*.example.com` is any name below example.com, not example.com itself; any other pattern is that name."""
    name = _pattern_port(pattern)[0].lower()
    if name.startswith("*."):
        suffix = name[1:]
        return suffix.count(".") >= 2 and "*" not in suffix and host.endswith(suffix) and len(host) > len(suffix)
    return bool(name) and "*" not in name and name == host
