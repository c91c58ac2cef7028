"""Which connector serves which service, and connectors of users' own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from connectors.http_service import answer, service
from eyeflow.catalog.load import load_catalog
from eyeflow.catalog.model import Catalog, Connection
from eyeflow.connectors.builtin import BuiltinConnector
from eyeflow.connectors.http import HttpConnector
from eyeflow.connectors.port import Connector, ConnectorConfig
from eyeflow.connectors.registry import factories
from eyeflow.connectors.transport import ScriptedTransport
from eyeflow.errors import CallError
from eyeflow.ports import FixedClock
from eyeflow.values import Value


class Doorbell:
    """A connector a user wrote."""

    def __init__(self) -> None:
        self.log: list[str] = []

    async def initialize(self, config: ConnectorConfig) -> None:
        self.log.append(f"initialize {config.connection.name}")

    async def call(self, method: str, params: Mapping[str, Value], *, key: str | None = None) -> Value:
        self.log.append(f"call {method}")
        return {"rung": params["times"]}

    async def cleanup(self) -> None:
        self.log.append("cleanup")


async def test_acceptance_45_users_add_a_connector_with_initialize_call_cleanup() -> None:
    bell = Doorbell()
    made = factories(Catalog(), extra={"doorbell": lambda: bell})
    connector: Connector = made["doorbell"]()
    of = service({"ring": {"params": {"times": {"type": "integer"}}, "effect": "read", "http": {}}})
    await connector.initialize(ConnectorConfig(service=of, connection=Connection(name="front_door", service="crm")))
    assert await connector.call("ring", {"times": 2}) == {"rung": 2}
    await connector.cleanup()
    assert bell.log == ["initialize front_door", "call ring", "cleanup"]


def test_acceptance_45_a_users_connector_cannot_take_the_place_of_a_shipped_one() -> None:
    catalog, _ = load_catalog()
    assert catalog is not None
    for name in ("http", "smtp", "slack_api_v1"):
        with pytest.raises(ValueError, match="is taken"):
            factories(catalog, extra={name: Doorbell})


def test_acceptance_17_the_slack_mapping_is_called_slack_api_v1_and_is_no_code() -> None:
    catalog, _ = load_catalog()
    assert catalog is not None
    slack = catalog.service("slack_notify")
    assert slack is not None and (slack.type, slack.connector) == ("Communication", "slack_api_v1")
    assert isinstance(factories(catalog)["slack_api_v1"](), HttpConnector)


def test_every_shipped_service_has_somebody_to_serve_it() -> None:
    catalog, _ = load_catalog()
    assert catalog is not None
    assert {s.connector for s in catalog.services} - set(factories(catalog)) <= {"respond"}


async def test_tests_of_users_replace_the_transport() -> None:
    of = service({"ping": {"effect": "read", "http": {"path": "/ping"}}}, auth={"type": "none"})
    script = ScriptedTransport([answer({"pong": True})])
    connector = factories(Catalog((of,)), open_transport=lambda pool: script)["http"]()
    await connector.initialize(ConnectorConfig(service=of, connection=Connection(name="crm", service="crm")))
    assert await connector.call("ping", {}) == {"pong": True}
    assert script.sent[0].url == "https://api.crm.example/v1/ping"


async def test_expressions_are_served_without_any_transport() -> None:
    catalog, _ = load_catalog()
    assert catalog is not None
    clock = FixedClock(datetime(2026, 11, 23, 23, 30, tzinfo=UTC))
    for name, method, params, wanted in (
        ("text", "uppercase", {"text": "Stra\u00dfe"}, {"text": "STRASSE"}),
        ("date", "today", {"zone": "Europe/Paris"}, {"date": "2026-11-24"}),
    ):
        of = catalog.service(name)
        assert of is not None
        connector = BuiltinConnector(clock)
        await connector.initialize(ConnectorConfig(service=of, connection=Connection(name=name, service=name)))
        result = await connector.call(method, params)
        assert isinstance(result, dict) and {key: str(result[key]) for key in wanted} == wanted
        with pytest.raises(CallError):
            await connector.call("nope", {})
