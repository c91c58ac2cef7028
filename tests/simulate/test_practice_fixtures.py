"""Every shipped catalog entry, spoken over real HTTP to a practice service that knows the provider's documentation."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from eyeflow.catalog.load import load_catalog
from eyeflow.catalog.model import Catalog, Connection
from eyeflow.simulate.practice import Practice
from eyeflow.simulate.practice_fixture import Case, shipped_fixture
from eyeflow.svm.host import ConnectorHost


def shipped() -> Catalog:
    catalog, found = load_catalog()
    assert catalog is not None, found.errors
    return catalog


CATALOG = shipped()
CASES = [
    pytest.param(service.id, capability, case, id=f"{service.id}.{capability}{f'.{at}' if at else ''}")
    for service in CATALOG.services
    if (fixture := shipped_fixture(service)) is not None
    for capability, first in fixture.capabilities.items()
    for at, case in enumerate((first, *first.also))
]


def stated(expected: Any, actual: Any, at: str) -> None:
    """What a case states holds, as far as it states it; texts of forms and queries are compared as text."""
    if isinstance(expected, dict):
        assert isinstance(actual, dict), at
        for name, item in expected.items():
            stated(item, actual.get(name), f"{at}.{name}")
    elif isinstance(expected, list) and isinstance(actual, list):
        assert len(expected) == len(actual), at
        for number, pair in enumerate(zip(expected, actual, strict=True)):
            stated(*pair, f"{at}.{number}")
    elif isinstance(actual, str) and not isinstance(expected, str):
        assert str(expected) == actual, at
    else:
        assert expected == actual, at


def flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """A form as its fields were on the wire."""
    if isinstance(value, dict):
        pairs = [(f"{prefix}[{key}]" if prefix else key, item) for key, item in value.items()]
    elif isinstance(value, list):
        pairs = [(f"{prefix}[{at}]", item) for at, item in enumerate(value)]
    else:
        return {prefix: value}
    return {name: item for key, inner in pairs for name, item in flat(inner, key).items()}


@pytest.mark.parametrize(("service_id", "capability", "case"), CASES)
async def test_a_shipped_capability_speaks_as_its_provider_documents(
    service_id: str, capability: str, case: Case
) -> None:
    service = CATALOG.service(service_id)
    assert service is not None
    async with Practice(CATALOG, [service_id]) as practice:
        host = ConnectorHost(practice.factories(), credentials=practice.credentials)
        connection = practice.connection(
            Connection(name=service_id, service=service_id), hosts=("practice.example.com",)
        )
        for request, variant in case.variants.items():
            practice.told_request(service_id, request, variant=variant)
        try:
            result = await host.handle(service, connection, 1).call(capability, case.params, key="exec_1:step:0")
        finally:
            await host.drain()
        received = practice.received(service_id)
    assert [one.problems for one in received] == [()] * len(received)
    assert [one.request for one in received] == list(case.requests)
    for expected, one in zip(case.sends, received, strict=True):
        form = one.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        for part, wanted in expected.items():
            actual = {"path": one.path, "query": one.query, "body": flat(one.body) if form else one.body}[part]
            stated(wanted, actual, f"{one.request}.{part}")
    stated(case.returns, msgspec.json.decode(msgspec.json.encode(result)), "returns")
