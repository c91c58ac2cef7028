"""What names of services, connections and capabilities mean here, and who may use them.

Knows: the closed world of the context. In: words of a task. Out: catalog entries, or findings with the nearest names.
Never: opens anything, guesses between two connections.

A word is a connection's name, else a service's id, alias or title (any case, blanks and dashes as underscores). A
service without a configured connection has the implicit one named after it.
"""

from __future__ import annotations

from functools import cached_property

import msgspec

from eyeflow.catalog.model import Capability, CompileContext, Connection, Service, TriggerKind
from eyeflow.catalog.policies import allowed
from eyeflow.diagnostics import Severity, nearest
from eyeflow.ir.check.findings import Findings, meant, words


class Account(msgspec.Struct, frozen=True):
    """A connection and the service it is of."""

    service: Service
    connection: Connection

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts a call through this connection may reach, settings filled in, in lower case."""
        return tuple(self.filled(host).lower() for host in (*self.service.hosts, *self.connection.hosts))

    def filled(self, text: str) -> str:
        """`text` with the connection's settings in its `{name}` places."""
        for name, value in self.connection.settings:
            text = text.replace(f"{{{name}}}", value)
        return text

    def reaches(self, host: str, port: int | None = None) -> bool:
        """True when `host` is one of `hosts`; `*.example.com` stands for every name below it, `example.com:8443` for
        that port of it. `port` is the one that an address names, None where it is the usual one or not known."""
        return any(_covers(each, host, port) for each in self.hosts)


def _covers(pattern: str, host: str, port: int | None) -> bool:
    name, _, wanted = pattern.rpartition(":")
    if not name or not wanted.isdecimal() or (":" in name and not name.endswith("]")):
        name, wanted = pattern, ""
    name = name.removeprefix("[").removesuffix("]").lower()
    if port is not None and wanted != str(port):
        return False
    return host == name or (name.startswith("*.") and host.endswith(name[1:]))


class Directory:
    """Looks words up in one context; findings go to `found`, a missing account once."""

    def __init__(self, ctx: CompileContext, found: Findings) -> None:
        self.ctx = ctx
        self.found = found
        self._connections = {connection.name: connection for connection in ctx.connections}
        self._services = {service.id: service for service in ctx.catalog.services}
        self._missing: set[str] = set()

    @cached_property
    def _words(self) -> dict[str, list[Service]]:
        """Services by every name people give them; looked into only for a word that is no id."""
        found: dict[str, list[Service]] = {}
        for service in self.ctx.catalog.services:
            for word in {_plain(each) for each in (service.id, service.title, *service.aliases)}:
                found.setdefault(word, []).append(service)
        return found

    def accounts(self) -> list[Account]:
        """Every connection there is, implicit ones too, by service and name."""
        services = self.ctx.catalog.services
        return [Account(service, each) for service in services for each in self.connections_of(service)]

    def connections_of(self, service: Service) -> list[Connection]:
        """The connections of one service, by name; never empty."""
        own = [each for each in self.ctx.connections if each.service == service.id]
        explicit = [each for each in own if not each.implicit]
        return sorted(explicit or own, key=lambda each: each.name) or [
            Connection(name=service.id, service=service.id, implicit=True)
        ]

    def account(self, word: str) -> Account | None:
        """What `word` after CONNECTOR, AUTH or event( means; None after a finding."""
        connection = self._connections.get(word)
        if connection is not None and connection.service in self._services:
            return Account(self._services[connection.service], connection)
        if connection is not None:
            message = f"the connection `{word}` is of `{connection.service}`, which the catalog does not have"
            self.found.add("unknown_service", message, hint=meant(nearest(connection.service, self._services)))
            return None
        services = [self._services[word]] if word in self._services else self._words.get(_plain(word), [])
        if len(services) == 1:
            return self._default(services[0])
        if services:
            ids = [service.id for service in services]
            self.found.add("ambiguous_service", f"`{word}` could be {words(ids)}", hint="name the service by its id")
            return None
        known = sorted({*self._connections, *self._services})
        near = nearest(word, [*known, *self._words])
        message = f"no connection or service is called `{word[:60]}`"
        self.found.add("unknown_service", message, hint=meant(near, known, "there are"))
        return None

    def _default(self, service: Service) -> Account | None:
        connections = self.connections_of(service)
        named = [each for each in connections if each.name == service.id]
        if len(connections) == 1 or named:
            return Account(service, (named or connections)[0])
        names = [each.name for each in connections]
        message = f"{service.title} has several connections: {words(names)}"
        self.found.add("ambiguous_connection", message, hint="name one of them")
        return None

    def capability(self, account: Account, name: str) -> Capability | None:
        """The capability called `name`, permitted to the principal, its account noted as missing when it is."""
        service = account.service
        capability = service.capability(name)
        if capability is None:
            known = [each.name for each in service.capabilities]
            hint = meant(nearest(name, known), known, "it can")
            self.found.add("unknown_capability", f"{service.title} has no function `{name[:60]}`", hint=hint)
            return None
        self.permit(service, name)
        self.connect(account)
        return capability

    def trigger(self, account: Account, name: str) -> TriggerKind | None:
        """The trigger kind called `name`, permitted to the principal."""
        service = account.service
        kind = service.trigger(name)
        if kind is None:
            known = [each.name for each in service.triggers]
            hint = meant(nearest(name, known), known, "it tells of") or f"{service.title} has no triggers"
            self.found.add("unknown_trigger", f"{service.title} has no trigger `{name[:60]}`", hint=hint)
            return None
        self.permit(service, name)
        self.connect(account)
        return kind

    def permit(self, service: Service, name: str) -> None:
        """A finding when the principal's role may not use `name` of `service`."""
        decision = allowed(self.ctx, service, name)
        if not decision.allowed:
            message = f"your role, {self.ctx.role}, may not use {service.id}.{name}"
            self.found.add("not_permitted", message, hint=decision.why)

    def connect(self, account: Account) -> None:
        """A `connect` item, once for each connection, when the service needs an account and there is none."""
        service, connection = account.service, account.connection
        if not service.needs_credential or connection.credential is not None or connection.name in self._missing:
            return
        self._missing.add(connection.name)
        step = service.auth[0].setup[0].say if service.auth and service.auth[0].setup else ""
        name = f" ({connection.name})" if connection.name != service.id else ""
        self.found.add("connect", f"connect {service.title}{name} first", hint=step, severity=Severity.CONNECT)


def _plain(word: str) -> str:
    return word.strip().casefold().replace(" ", "_").replace("-", "_")
