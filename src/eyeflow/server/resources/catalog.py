"""The closed world: which services there are, and what they can do."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from eyeflow.catalog.model import Catalog, SetupStep
from eyeflow.catalog.model import Service as CatalogService
from eyeflow.catalog.registry import ServiceRegistry
from eyeflow.server.exchange import Declined, Request
from eyeflow.server.resources.paging import Page, Paged, page_of, position_of
from eyeflow.server.routes import Routes
from eyeflow.server.service import Service
from eyeflow.values import Field, spell

ROUTES: Final = Routes("Catalog")


class ListServices(Paged, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which services."""

    text: Annotated[str, Meta(max_length=100, description="part of a name, a summary or how it is said")] = ""


class ServiceSummary(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A service in a list. `auth` are the ways in, the easiest first."""

    id: str
    title: str
    type: str
    aliases: tuple[str, ...] = ()
    auth: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()


class ParamView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A parameter. `type` as LLM-IR spells it, `default` as JSON text."""

    name: str
    type: str
    required: bool = True
    default: str | None = None
    description: str = ""
    enum: tuple[str, ...] = ()
    max_length: int | None = None


class CapabilityView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something a service can do, and how people say it."""

    name: str
    summary: str
    effect: str
    examples: tuple[str, ...] = ()
    params: tuple[ParamView, ...] = ()
    returns: str
    latency_ms: int


class TriggerView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happens at a service, and what it carries."""

    name: str
    summary: str
    examples: tuple[str, ...] = ()
    params: tuple[ParamView, ...] = ()
    payload: str


class AuthView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A way in, and what to do to get it."""

    type: str
    scopes: tuple[str, ...] = ()
    setup: tuple[SetupStep, ...] = ()


class ServiceView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All of a service."""

    id: str
    title: str
    type: str
    aliases: tuple[str, ...] = ()
    connector: str
    hosts: tuple[str, ...] = ()
    auth: tuple[AuthView, ...] = ()
    rate_calls: int | None = None
    rate_window_ms: int | None = None
    max_text_chars: int | None = None
    capabilities: tuple[CapabilityView, ...] = ()
    triggers: tuple[TriggerView, ...] = ()
    digest: str


@ROUTES.add("GET", "/api/catalog", "catalog.read")
async def list_services(service: Service, request: Request, query: ListServices) -> Page[ServiceSummary]:
    """The services that programs may use, by id."""
    after = position_of(query.cursor, str) if query.cursor else ""
    rows = [
        each
        for each in service.catalog().services
        if each.id > after and (not query.text or query.text.casefold() in _words(each))
    ]
    return page_of(rows[: query.limit + 1], query.limit, _summary, lambda each: each.id)


@ROUTES.add("GET", "/api/catalog/{service_id}", "catalog.read")
async def get_service(service: Service, request: Request, service_id: str) -> ServiceView:
    """One service, by id or alias: what it can do, what happens there, how to get in."""
    return _view(found(service.catalog(), service_id))


def found(catalog: Catalog, name: str) -> CatalogService:
    """The service called so. Raises: Declined `unknown_service`."""
    held, said = ServiceRegistry(catalog).find(name[:200])
    if held is None:
        hint = said.diagnostics[0].hint if said.diagnostics else ""
        raise Declined(404, "unknown_service", f"the catalog has no service {name[:80]!a}", hint=hint)
    return held


def _words(each: CatalogService) -> str:
    said = [each.id, each.title, each.type, *each.aliases]
    for capability in each.capabilities:
        said += [capability.name, capability.summary, *capability.phrases]
    for trigger in each.triggers:
        said += [trigger.name, trigger.summary, *trigger.phrases]
    return "\n".join(said).casefold()


def _summary(each: CatalogService) -> ServiceSummary:
    return ServiceSummary(
        id=each.id, title=each.title, type=each.type, aliases=each.aliases, auth=tuple(way.type for way in each.auth),
        capabilities=tuple(item.name for item in each.capabilities),
        triggers=tuple(item.name for item in each.triggers),
    )  # fmt: skip


def _view(each: CatalogService) -> ServiceView:
    limits = each.constraints
    return ServiceView(
        id=each.id, title=each.title, type=each.type, aliases=each.aliases, connector=each.connector, hosts=each.hosts,
        auth=tuple(AuthView(type=way.type, scopes=way.scopes, setup=way.setup) for way in each.auth),
        rate_calls=limits.rate_calls, rate_window_ms=limits.rate_window_ms, max_text_chars=limits.max_text_chars,
        capabilities=tuple(
            CapabilityView(
                name=item.name, summary=item.summary, effect=item.effect, examples=item.examples,
                params=tuple(_param(param) for param in item.params), returns=spell(item.returns),
                latency_ms=item.latency_ms,
            )
            for item in each.capabilities
        ),
        triggers=tuple(
            TriggerView(
                name=item.name, summary=item.summary, examples=item.examples,
                params=tuple(_param(param) for param in item.params), payload=spell(item.payload),
            )
            for item in each.triggers
        ),
        digest=each.digest,
    )  # fmt: skip


def _param(each: Field) -> ParamView:
    return ParamView(
        name=each.name, type=spell(each.type), required=each.required,
        default=None if each.default is None else each.default.json, description=each.description, enum=each.enum,
        max_length=each.max_length,
    )  # fmt: skip
