"""Connections as a compile sees them: which one a name means, what fills a parameter, what is still missing.

Knows: implicit connections and the order sentence > connection > profile > service default. In: a `CompileContext`.
Out: `Connection`, `Chosen` values with their reason, `connect` findings. Never: sees a credential's value (there are
only references here), reads files (`settings` does).
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from eyeflow.catalog.mapping import placeholders
from eyeflow.catalog.model import CompileContext, Connection, Service
from eyeflow.catalog.registry import ServiceRegistry
from eyeflow.catalog.words import normalise
from eyeflow.diagnostics import EMPTY, Diagnostic, Place, Report, Severity, report
from eyeflow.values import Literal as JsonLiteral

Origin: TypeAlias = Literal["connection", "profile", "service", "parameter"]


class Chosen(msgspec.Struct, frozen=True):
    """What fills a parameter nobody mentioned; `why` is said in the read-back."""

    value: JsonLiteral
    origin: Origin
    why: str


def implicit_connection(service: Service) -> Connection:
    """The connection of a service that nobody configured, named after it."""
    return Connection(name=service.id, service=service.id, implicit=True)


def connections_of(ctx: CompileContext, service_id: str) -> tuple[Connection, ...]:
    """The configured connections of a service, in the order of their names."""
    found = (connection for connection in ctx.connections if connection.service == service_id)
    return tuple(sorted(found, key=lambda connection: connection.name))


def resolve_connection(
    ctx: CompileContext, name: str, registry: ServiceRegistry | None = None
) -> tuple[Connection | None, Report]:
    """The connection a name means: its own name, or its service's id, title or alias.

    A service with several connections and none called like it is `ambiguous_connection`; pass the registry of this
    context when there is one, since building it costs.
    """
    for connection in ctx.connections:
        if connection.name == name:
            return connection, EMPTY
    registry = registry or ServiceRegistry(ctx.catalog, ctx.connections, ctx.policy)
    service, found = registry.find(name)
    if service is None:
        return None, found
    configured = connections_of(ctx, service.id)
    if not configured:
        return implicit_connection(service), EMPTY
    named = [each for each in configured if normalise(each.name) in (normalise(name), normalise(service.id))]
    if len(configured) == 1 or len(named) == 1:
        return (named or list(configured))[0], EMPTY
    names = ", ".join(each.name for each in configured)
    message = f"{service.title} has several accounts: {names}"
    return None, report([Diagnostic("ambiguous_connection", message, hint="name one of them")])


def default_for(
    ctx: CompileContext, service: Service, capability: str, param: str, connection: Connection | None = None
) -> Chosen | None:
    """What fills `param` of `service.capability` when the sentence says nothing, or None.

    Looked up as `capability.param` and `param` in the connection and the service; as `connection.param`,
    `service.capability.param` and `service.param` in the profile; last comes the parameter's own default.
    """
    if connection is not None:
        value = _first(connection.defaults, (f"{capability}.{param}", param))
        if value is not None:
            return Chosen(value, "connection", f"the default of {connection.name}")
    value = _first(ctx.profile.defaults, _profile_keys(service, capability, param, connection))
    if value is not None:
        return Chosen(value, "profile", "your profile's default")
    value = _first(service.defaults, (f"{capability}.{param}", param))
    if value is not None:
        return Chosen(value, "service", f"the default of {service.title}")
    known = service.capability(capability)
    field = known.param(param) if known is not None else None
    if field is not None and field.default is not None and field.default.json != "null":
        return Chosen(field.default, "parameter", f"the default of {service.title}")
    return None


def connect_items(service: Service, connection: Connection) -> Report:
    """What a person must still give before the service can be used for real: `connect` findings, never errors."""
    found: list[Diagnostic] = []
    place = Place(path=f"connections.{connection.name}")
    if service.needs_credential and connection.credential is None:
        first = service.auth[0].setup[0].say if service.auth[0].setup else "add a credential"
        message = f"{service.title} needs an account: {connection.name} has no credential"
        found.append(Diagnostic("connect", message, Severity.CONNECT, place, hint=first))
    given = {name for name, _ in connection.settings}
    for name in settings_of(service):
        if name not in given:
            message = f"{connection.name} needs the setting `{name}`"
            hint = f"set connections.{connection.name}.settings.{name}"
            found.append(Diagnostic("connect", message, Severity.CONNECT, place, hint=hint))
    return report(found)


def settings_of(service: Service) -> tuple[str, ...]:
    """Names of the settings that the service's base URL and hosts leave to the connection."""
    texts = [*service.hosts, *([service.http.base_url] if service.http and service.http.base_url else [])]
    return tuple(dict.fromkeys(name for text in texts for name in placeholders(text)[0]))


def _profile_keys(service: Service, capability: str, param: str, connection: Connection | None) -> tuple[str, ...]:
    own = (f"{connection.name}.{param}",) if connection is not None else ()
    return (*own, f"{service.id}.{capability}.{param}", f"{service.id}.{param}")


def _first(pairs: tuple[tuple[str, JsonLiteral], ...], keys: tuple[str, ...]) -> JsonLiteral | None:
    known = dict(pairs)
    for key in keys:
        if key in known:
            return known[key]
    return None
