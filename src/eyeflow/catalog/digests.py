"""SHA-256 digests of services and catalogs.

Knows: which part of a service is executable. In: structs. Out: `sha256:` and 64 hex digits.
Never: digests what people say (phrases, examples, summaries) into what decides whether a program may run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

from eyeflow.catalog.model import Capability, Catalog, Service, TriggerKind
from eyeflow.values import Field, ListOf, MapOf, Nullable, ObjectOf, Type

_replace = msgspec.structs.replace


def service_digest(service: Service) -> str:
    """Digest of the executable part: params, returns, effects, idempotency, http, hosts, auth, constraints, triggers.

    Phrases, examples, summaries, descriptions, title, type, aliases, defaults, roles and the file's name do not
    count, nor does the order of capabilities.
    """
    return _digest(_executable(service))


def capability_digest(service: Service, capability: Capability) -> str:
    """Digest of one capability with what it needs of its service: the part a sealed program is bound to."""
    return _digest(_replace(_executable(service), capabilities=(_silent(capability),), triggers=()))


def catalog_digest(services: Iterable[Service]) -> str:
    """Digest of every byte of meaning of all services, phrases included; file names do not count."""
    return _digest([_replace(service, source="") for service in services])


def make_catalog(services: Iterable[Service]) -> Catalog:
    """A catalog of these services, sorted by id, with its digest. Ids must be unique."""
    ordered = tuple(sorted(services, key=lambda service: service.id))
    assert len({service.id for service in ordered}) == len(ordered), "ids are checked before"
    return Catalog(ordered, catalog_digest(ordered))


def _digest(value: Any) -> str:
    return "sha256:" + hashlib.sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()


def _executable(service: Service) -> Service:
    return Service(
        id=service.id,
        title="",
        type="",
        connector=service.connector,
        auth=tuple(_replace(way, setup=()) for way in service.auth),
        hosts=tuple(sorted(service.hosts)),
        constraints=service.constraints,
        capabilities=tuple(sorted((_silent(c) for c in service.capabilities), key=lambda c: c.name)),
        triggers=tuple(sorted((_silent_trigger(t) for t in service.triggers), key=lambda t: t.name)),
        http=service.http,
    )


def _silent(capability: Capability) -> Capability:
    return _replace(
        capability,
        summary="",
        phrases=(),
        examples=(),
        params=tuple(_silent_field(param) for param in capability.params),
        returns=_silent_type(capability.returns),
        latency_ms=0,
    )


def _silent_trigger(kind: TriggerKind) -> TriggerKind:
    params = tuple(_silent_field(param) for param in kind.params)
    return _replace(kind, summary="", phrases=(), examples=(), params=params, payload=_silent_type(kind.payload))


def _silent_field(field: Field) -> Field:
    items = None if field.items is None else _silent_field(field.items)
    return _replace(field, type=_silent_type(field.type), description="", items=items)


def _silent_type(of: Type) -> Type:
    match of:
        case ListOf(item):
            return ListOf(_silent_type(item))
        case MapOf(value):
            return MapOf(_silent_type(value))
        case Nullable(inner):
            return Nullable(_silent_type(inner))
        case ObjectOf(fields):
            return ObjectOf(tuple(_silent_field(field) for field in fields))
        case _:
            return of
