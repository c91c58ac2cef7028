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
from eyeflow.workspace.vaulting import MasterRotated

ROUTES: Final = Routes("Secrets")


class PutSecret(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A secret: one `value`, or named parts (`{"username": ..., "password": ...}`)."""

    name: Annotated[str, Meta(min_length=1, max_length=128)]
    value: Annotated[str, Meta(min_length=1, max_length=65_536)] | dict[str, str]

    def __repr__(self) -> str:
        return f"PutSecret({self.name!a})"


class NewValue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The next value of the secret in the path."""

    value: Annotated[str, Meta(min_length=1, max_length=65_536)] | dict[str, str]

    def __repr__(self) -> str:
        return "NewValue()"


@ROUTES.add("GET", "/api/secrets", "secrets.read")
async def list_secrets(service: Service, request: Request) -> Page[SecretInfo]:
    """The names of all secrets."""
    return Page(await service.secrets.page(request.who))


@ROUTES.add("POST", "/api/secrets", "secrets.write", status=201)
async def put_secret(service: Service, request: Request, body: PutSecret) -> SecretInfo:
    """Keep a secret; one of the same name gets a new value."""
    return await service.secrets.put(request.who, body.name, body.value)


@ROUTES.add("POST", "/api/secrets/rotate", "secrets.write")
async def rotate_secret(service: Service, request: Request, body: PutSecret) -> SecretInfo:
    """Give a secret that is there its next value; one that is not there is refused."""
    return await service.secrets.rotate(request.who, body.name, body.value)


@ROUTES.add("POST", "/api/secrets/rotate-master", "secrets.rotate")
async def rotate_master_key(service: Service, request: Request) -> MasterRotated:
    """Make a new master key and wrap every secret under it, while everything goes on.

    The answer says where the key is: back it up again. A key that comes from the environment is changed there.
    """
    return await service.secrets.rotate_master(request.who)


@ROUTES.add("PUT", "/api/secrets/{name...}", "secrets.write")
async def replace_secret(service: Service, request: Request, name: str, body: NewValue) -> SecretInfo:
    """Keep a secret under this name; one that is there gets a new value."""
    return await service.secrets.put(request.who, name, body.value)


@ROUTES.add("DELETE", "/api/secrets/{name...}", "secrets.write")
async def remove_secret(service: Service, request: Request, name: str) -> None:
    """Forget a secret that nothing uses."""
    await service.secrets.remove(request.who, name)
