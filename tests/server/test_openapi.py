"""The description of the API: it is well-formed, it is whole, and the server does what it says."""

from __future__ import annotations

import re
import warnings
from html.parser import HTMLParser

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from eyeflow.server.openapi import POLICY, document, page
from eyeflow.server.table import TABLE


def test_every_route_is_described_and_nothing_else():
    doc = document(TABLE)
    said = {(method.upper(), path) for path, methods in doc["paths"].items() for method in methods}
    assert said == {(row.method, row.path.replace("...}", "}")) for row in TABLE}
    names = [each["operationId"] for methods in doc["paths"].values() for each in methods.values()]
    assert len(set(names)) == len(names)


def test_every_reference_leads_somewhere():
    doc = document(TABLE)
    found = set(re.findall(r"#/components/schemas/([^\"']+)", str(doc)))
    assert found <= set(doc["components"]["schemas"])


def test_only_what_needs_no_key_says_so():
    for methods in document(TABLE)["paths"].values():
        for each in methods.values():
            assert ("Needs no key" in each["description"]) == (each.get("security") == [])


def test_the_page_loads_nothing_and_runs_nothing(server):
    reply = server.client(None).get("/api/docs")
    assert reply.headers["content-security-policy"] == POLICY and "script" not in POLICY

    class Links(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert tag not in ("script", "img", "link", "iframe", "object", "form"), tag
            for name, value in attrs:
                assert not name.startswith("on")
                assert name not in ("src", "href") or (value or "").startswith(("/", "#"))

    Links().feed(reply.text)
    assert reply.text == page(document(TABLE)).decode()


def test_the_document_is_what_the_server_answers(server):
    reply = server.client(None).get("/api/openapi.json")
    assert (
        reply.json() == msgspec.json.decode(msgspec.json.encode(document(TABLE))) and reply.json()["openapi"] == "3.1.0"
    )


_ENDLESS = {"export_audit"}


def _checked(server, examples: int) -> None:
    """Ask every operation with made-up requests, good and bad, and compare the answers with the document."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import schemathesis

        schema = schemathesis.openapi.from_dict(document(TABLE))
    checks = schemathesis.checks
    wanted = (
        checks.not_a_server_error, checks.content_type_conformance, checks.response_schema_conformance,
        checks.response_headers_conformance, checks.status_code_conformance,
    )  # fmt: skip
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.definition.raw["operationId"] in _ENDLESS:
            continue

        @settings(
            max_examples=examples, deadline=None, database=None, derandomize=True, phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy())
        def asks(case):
            reply = case.call(base_url=server.url, headers={"Authorization": f"Bearer {server.key}"})
            case.validate_response(reply, checks=wanted)

        asks()
    assert httpx.get(server.url + "/readyz", trust_env=False).json()["status"] == "ready"


def test_the_server_does_what_the_document_says(server):
    _checked(server, 3)


@pytest.mark.slow
def test_the_server_does_what_the_document_says_at_length(server):
    _checked(server, 150)
