"""Accounts, which the seed and these addresses call connectors, and how they sign in."""

from __future__ import annotations

import html
from typing import Annotated, Final
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta

from eyeflow.errors import EyeFlowError
from eyeflow.server import problems
from eyeflow.server.exchange import NO_STORE, Answer, Declined, Request
from eyeflow.server.openapi import POLICY
from eyeflow.server.resources.paging import Page, Paged, page_of, position_of
from eyeflow.server.routes import Routes
from eyeflow.server.service import Service
from eyeflow.workspace.connections import ConnectionView, NewConnection, TestView
from eyeflow.workspace.signing_in import Begun, SignIn

ROUTES: Final = Routes("Connectors")
CALLBACK: Final = "/api/connectors/oauth/callback"
_MAX_QUERY: Final = 8192
_PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>EyeFlow</title><h1>{title}</h1><p>{text}</p></html>
"""


class ListConnections(Paged, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which accounts."""

    service: Annotated[str | None, Meta(description="only those of this service")] = None


class Connect(NewConnection, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account to be added. `credential` is a reference (`vault:NAME`, `env:NAME`), never the secret."""


class Reconnect(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the account in the path becomes."""

    service: str
    credential: str | None = None
    defaults: dict[str, object] = {}
    settings: dict[str, str] = {}
    hosts: tuple[str, ...] = ()
    shared: bool = True


@ROUTES.add("GET", "/api/connectors", "connections.read")
async def list_connectors(service: Service, request: Request, query: ListConnections) -> Page[ConnectionView]:
    """The accounts you may see, by name."""
    after = position_of(query.cursor, str) if query.cursor else ""
    rows = await service.workspace.connections.page(
        request.who, service=query.service, after=after, limit=query.limit + 1
    )
    return page_of(rows, query.limit, lambda row: row, lambda row: row.name)


@ROUTES.add("POST", "/api/connectors", "connections.write", status=201)
async def add_connector(service: Service, request: Request, body: Connect) -> ConnectionView:
    """Add an account."""
    return await service.workspace.connections.add(request.who, body)


@ROUTES.add("GET", "/api/connectors/{connector_id}", "connections.read")
async def get_connector(service: Service, request: Request, connector_id: str) -> ConnectionView:
    """One account, and the tasks that use it."""
    return await service.workspace.connections.get(request.who, connector_id)


@ROUTES.add("PUT", "/api/connectors/{connector_id}", "connections.write")
async def replace_connector(service: Service, request: Request, connector_id: str, body: Reconnect) -> ConnectionView:
    """Change an account. What approved programs use of it stays."""
    wanted = NewConnection(
        name=connector_id, service=body.service, credential=body.credential, defaults=body.defaults,
        settings=body.settings, hosts=body.hosts, shared=body.shared,
    )  # fmt: skip
    return await service.workspace.connections.replace(request.who, connector_id, wanted)


@ROUTES.add("DELETE", "/api/connectors/{connector_id}", "connections.write")
async def remove_connector(service: Service, request: Request, connector_id: str) -> None:
    """Take an account away that no task uses."""
    await service.workspace.connections.remove(request.who, connector_id)


@ROUTES.add("POST", "/api/connectors/{connector_id}/test", "connections.test")
async def test_connector(service: Service, request: Request, connector_id: str) -> TestView:
    """Contact the service with the account, and say what was found."""
    return await service.workspace.connections.test(request.who, connector_id)


class SignInWith(SignIn, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The client that the service knows this server as: its id, and its secret as a value or in the vault."""


@ROUTES.add("POST", "/api/connectors/{connector_id}/connect", "connections.write")
async def connect_connector(service: Service, request: Request, connector_id: str, body: SignInWith) -> Begun:
    """Begin to sign the account in with OAuth2: open the address in a browser.

    It is good for ten minutes and once, and ends the sign-in of this account that was begun before.
    """
    back = f"{service.base_url}{CALLBACK}"
    return await service.signing_in.begin(request.who, connector_id, body, redirect_uri=back)


@ROUTES.add("GET", CALLBACK, "open", raw=True, answer=str, content="text/html")
async def finish_sign_in(service: Service, request: Request) -> Answer:
    """Where the browser comes back to when an account signs in; the state is the proof."""
    try:
        held = _came_back(request.query)
        name = await service.signing_in.finish(
            held.get("state", ""), code=held.get("code", ""), error=held.get("error", "")
        )
    except EyeFlowError as error:
        if b"text/html" not in request.headers.get(b"accept", b""):
            raise
        text = f"{error.message} ({error.code}). {error.hint}"
        return _page(problems.status_of(error), "The account is not signed in", text)
    return _page(200, "The account is signed in", f"{name} is connected. You can close this page.")


def _came_back(query: bytes) -> dict[str, str]:
    """What the service sent along; what is not known is left alone (RFC 6749, 4.1.2). Raises: Declined."""
    try:
        if len(query) > _MAX_QUERY:
            raise ValueError
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=50)
        if len(dict(pairs)) != len(pairs):
            raise ValueError
    except (ValueError, UnicodeError):
        raise Declined(400, "bad_query", "this is not what a service sends after a sign-in") from None
    return dict(pairs)


def _page(status: int, title: str, text: str) -> Answer:
    body = _PAGE.format(title=html.escape(title), text=html.escape(text)).encode()
    return Answer(status, body, (
        (b"content-type", b"text/html; charset=utf-8"), NO_STORE, (b"content-security-policy", POLICY.encode()),
        (b"referrer-policy", b"no-referrer"),
    ))  # fmt: skip
