"""Secrets: names out, values in, never the other way."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from eyeflow.secrets.vault import SecretInfo
from eyeflow.server.exchange import Request
from eyeflow.server.resources.paging import Page
from eyeflow.server.routes import Routes
from eyeflow.server.service import Service

ROUTES: Final = Routes("Secrets")


class PutSecret(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A secret: one `value`, or named parts (`{"username": ..., "password": ...}`)."""

    name: Annotated[str, Meta(min_length=1, max_length=128)]
    value: Annotated[str, Meta(min_length=1, max_length=65_536)] | dict[str, str]


class NewValue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The next value of the secret in the path."""

    value: Annotated[str, Meta(min_length=1, max_length=65_536)] | dict[str, str]


@ROUTES.add("GET", "/api/secrets", "secrets.read")
async def list_secrets(service: Service, request: Request) -> Page[SecretInfo]:
    """The names of all secrets."""
    return Page(await service.secrets.page(request.who))


@ROUTES.add("POST", "/api/secrets", "secrets.write", status=201)
async def put_secret(service: Service, request: Request, body: PutSecret) -> SecretInfo:
    """Keep a secret; one of the same name gets a new value."""
    return await service.secrets.put(request.who, body.name, body.value)


@ROUTES.add("PUT", "/api/secrets/{name...}", "secrets.write")
async def replace_secret(service: Service, request: Request, name: str, body: NewValue) -> SecretInfo:
    """Give a secret its next value."""
    return await service.secrets.put(request.who, name, body.value)


@ROUTES.add("DELETE", "/api/secrets/{name...}", "secrets.write")
async def remove_secret(service: Service, request: Request, name: str) -> None:
    """Forget a secret that nothing uses."""
    await service.secrets.remove(request.who, name)
