"""A small service in the catalog's own format, and a connector to it over scripted answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from eyeflow.catalog.load import load_documents
from eyeflow.catalog.model import Connection, Service
from eyeflow.connectors.http import HttpConnector
from eyeflow.connectors.port import ConnectorConfig, Credential
from eyeflow.connectors.transport import Answer, HttpResponse, ScriptedTransport

TOKEN = "tok-s3cret/+value"


def service(capabilities: Mapping[str, Any], **more: Any) -> Service:
    """A service called `crm` at https://api.crm.example."""
    document: dict[str, Any] = {
        "service": "crm",
        "title": "CRM",
        "type": "Sales",
        "connector": "http",
        "auth": {"type": "bearer"},
        "hosts": ["api.crm.example", "files.crm.example"],
        "http": {"base_url": "https://api.crm.example/v1"},
        "capabilities": {
            name: {"summary": f"{name} of the CRM", "returns": {}, **capability}
            for name, capability in capabilities.items()
        },
    }
    catalog, found = load_documents([document | more])
    assert catalog is not None, [str(error) for error in found.errors]
    return catalog.services[0]


def answer(body: Any = None, status: int = 200, **headers: str) -> HttpResponse:
    """A JSON answer."""
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return HttpResponse(
        status=status, headers=(("content-type", "application/json"), *pairs), body=msgspec.json.encode(body)
    )


async def token() -> Credential:
    """The credential of every test."""
    return Credential((("token", TOKEN), ("key", TOKEN)))


async def connected(
    of: Service, *answers: Answer, connection: Connection | None = None, secret: bool = True
) -> tuple[HttpConnector, ScriptedTransport]:
    """An initialised connector and the transport it speaks through."""
    transport = ScriptedTransport(answers)
    connector = HttpConnector(lambda pool: transport)
    await connector.initialize(
        ConnectorConfig(
            service=of,
            connection=connection or Connection(name=of.id, service=of.id),
            credential=token if secret else None,
        )
    )
    return connector, transport
