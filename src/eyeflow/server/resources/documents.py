"""What the API says of itself."""

from __future__ import annotations

from typing import Final

from eyeflow.server.exchange import JSON, Answer, Request
from eyeflow.server.openapi import POLICY
from eyeflow.server.routes import Routes
from eyeflow.server.service import Service

ROUTES: Final = Routes("Operation")


@ROUTES.add("GET", "/api/openapi.json", "open", raw=True, answer=dict)
async def get_openapi(service: Service, request: Request) -> Answer:
    """The description of this API, as OpenAPI 3.1."""
    return Answer(200, service.documents.json, (JSON, (b"cache-control", b"max-age=300")))


@ROUTES.add("GET", "/api/docs", "open", raw=True, answer=str, content="text/html")
async def get_docs(service: Service, request: Request) -> Answer:
    """The description of this API, for people."""
    held = (b"content-type", b"text/html; charset=utf-8"), (b"content-security-policy", POLICY.encode())
    return Answer(200, service.documents.page, (*held, (b"referrer-policy", b"no-referrer")))
