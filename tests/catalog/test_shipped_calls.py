"""Every shipped capability, called through the connector that will call it, answered by the practice fixtures.

Each case of a fixture says what must go onto the wire and what the provider's documented answer means.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
import yaml

from eyeflow.catalog.load import load_catalog
from eyeflow.catalog.model import Connection, Service
from eyeflow.connectors.builtin import BuiltinConnector
from eyeflow.connectors.formulas import formula
from eyeflow.connectors.guard import Rules
from eyeflow.connectors.http import HttpConnector
from eyeflow.connectors.port import ConnectorConfig, Credential
from eyeflow.connectors.transport import HttpRequest, HttpResponse
from eyeflow.errors import CallError
from eyeflow.ports import FixedClock
from eyeflow.values import Value

FOLDER = Path(__file__).parents[2] / "src/eyeflow/simulate/fixtures"
FIXTURES: dict[str, Any] = {p.stem: yaml.safe_load(p.read_text("utf-8")) for p in sorted(FOLDER.glob("*.yaml"))}
CASES = [(service, name) for service, fixture in FIXTURES.items() for name in fixture["capabilities"]]
NUMBERED = [
    (service, name, number)
    for service, name in CASES
    for number in range(1 + len(FIXTURES[service]["capabilities"][name].get("also", [])))
]
DELIVERIES = [(service, name) for service, fixture in FIXTURES.items() for name in fixture.get("deliveries", {})]
PLACE = re.compile(r"\{(query|body)((?:\.\w+)*)\}")


def shipped(service: str) -> Service:
    catalog, report = load_catalog()
    assert catalog is not None, report
    found = catalog.service(service)
    assert found is not None
    return found


def filled(tree: Any, sent: Mapping[str, Any]) -> Any:
    if isinstance(tree, dict):
        return {key: filled(item, sent) for key, item in tree.items()}
    if isinstance(tree, list):
        return [filled(item, sent) for item in tree]
    if not isinstance(tree, str):
        return tree
    if whole := PLACE.fullmatch(tree):
        return dug(sent, whole)
    return PLACE.sub(lambda place: str(dug(sent, place)), tree)


def dug(sent: Mapping[str, Any], place: re.Match[str]) -> Any:
    value = sent[place[1]]
    for step in place[2].split(".")[1:]:
        value = value[step]
    return value


def merged(body: Any, change: Any) -> Any:
    if isinstance(body, dict) and isinstance(change, dict):
        return {**body, **{key: merged(body.get(key), item) for key, item in change.items()}}
    return body if change is None else change


def parsed(request: HttpRequest) -> dict[str, Any]:
    """What is on the wire: host, path, query, body, headers."""
    url = urlsplit(str(request.url))
    headers = {name.lower(): value for name, value in (*request.headers, *request.credential)}
    kind = headers.get("content-type", "")
    body: Any = None
    if request.body is not None:
        text = request.body.decode()
        body = text
        if kind.startswith("application/json"):
            body = json.loads(text)
        elif "form-urlencoded" in kind:
            body = dict(parse_qsl(text, keep_blank_values=True))
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    return {"host": url.netloc, "path": unquote(url.path), "query": query, "body": body, "headers": headers}


class FixtureTransport:
    """Answers like the provider, in the order the case expects, and keeps what was sent."""

    def __init__(
        self,
        fixture: dict[str, Any],
        names: list[str] | None = None,
        answer: str = "",
        variants: Mapping[str, str] | None = None,
    ) -> None:
        self.fixture = fixture
        self.names = names
        self.variants = variants or {}
        self.answer = answer
        self.sent: list[dict[str, Any]] = []

    async def send(self, request: HttpRequest) -> HttpResponse:
        wire = parsed(request)
        name = self._named(request.method, wire)
        operation = self.fixture["requests"][name]
        self.sent.append(wire)
        assert request.method == operation["method"]
        assert operation["host"] in ("*", wire["host"])
        assert re.fullmatch(operation["path"], wire["path"]), wire["path"]
        self._authorised(wire)
        for header, pattern in {**self.fixture.get("headers", {}), **operation.get("headers", {})}.items():
            assert re.fullmatch(pattern, wire["headers"].get(header.lower(), "")), header
        if "content_types" in operation and wire["body"] is not None:
            assert wire["headers"]["content-type"].partition(";")[0] in operation["content_types"]
        last = self.answer and self.names and len(self.sent) == len(self.names)
        answer = operation["errors"][self.answer] if last else operation["response"]
        variant = operation.get("variants", {}).get(self.variants.get(name), {})
        body = filled(variant.get("replace", merged(answer["body"], variant.get("body"))), wire)
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        headers = tuple((name.lower(), value) for name, value in answer["headers"].items())
        return HttpResponse(status=answer["status"], headers=headers, body=data, url=str(request.url))

    def _named(self, method: str, wire: dict[str, Any]) -> str:
        """The operation the case expects next, or without such a list the one that this request fits."""
        if self.names is not None:
            assert len(self.sent) < len(self.names), f"one request too many: {wire}"
            return self.names[len(self.sent)]
        for name, operation in self.fixture["requests"].items():
            units = operation.get("query", {}).get("properties", {}).get("units", {}).get("enum", [])
            fits = re.fullmatch(operation["path"], wire["path"]) and operation["method"] == method
            if fits and (not units or wire["query"]["units"] in units):
                return str(name)
        raise AssertionError(f"the provider has nothing at {method} {wire['path']}")

    def _authorised(self, wire: dict[str, Any]) -> None:
        auth = self.fixture["auth"]
        if wire["host"] == "files.slack.com":
            return
        match auth["place"]:
            case "header":
                assert re.fullmatch(auth["pattern"], wire["headers"][auth["name"].lower()])
            case "query":
                assert re.fullmatch(auth["pattern"], wire["query"].pop(auth["name"]))
            case "basic":
                scheme, _, coded = wire["headers"]["authorization"].partition(" ")
                assert scheme == "Basic" and re.fullmatch(auth["pattern"], base64.b64decode(coded).decode())

    async def warm(self, url: str, rules: Rules) -> None:
        pass

    async def close(self) -> None:
        pass


async def called(service: str, name: str, params: Mapping[str, Value], transport: FixtureTransport) -> Value:
    fixture = FIXTURES[service]
    credential = Credential(tuple(fixture["auth"].get("practice", {}).items()))

    async def resolve() -> Credential:
        return credential

    connection = Connection(
        name=service,
        service=service,
        settings=tuple(fixture.get("settings", {}).items()),
        hosts=("practice.example.com",) if service == "http" else (),
    )
    connector = HttpConnector(lambda _: transport)
    await connector.initialize(
        ConnectorConfig(
            service=shipped(service), connection=connection, credential=resolve if credential.parts else None
        )
    )
    try:
        return await connector.call(name, params, key="exec_1:refund:0")
    finally:
        await connector.cleanup()


def plain(value: Any) -> Any:
    """Instants as ISO 8601 text; whole floats and integers are the same number anyway."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


@pytest.mark.parametrize(("service", "name", "number"), NUMBERED)
async def test_a_call_is_what_the_provider_documents(service: str, name: str, number: int) -> None:
    first = FIXTURES[service]["capabilities"][name]
    case = [first, *first.get("also", [])][number]
    transport = FixtureTransport(FIXTURES[service], case["requests"], variants=case.get("variants"))
    result = plain(await called(service, name, case["params"], transport))
    assert len(transport.sent) == len(case["requests"])
    for wire, wanted in zip(transport.sent, case["sends"], strict=True):
        for part, value in wanted.items():
            assert wire[part] == value
    expected = {field: value for field, value in case["returns"].items() if value is not None}
    assert {field: value for field, value in result.items() if value is not None} | expected == {
        field: value for field, value in result.items() if value is not None
    }


@pytest.mark.parametrize(("service", "name"), CASES)
async def test_only_what_is_required_is_enough(service: str, name: str) -> None:
    entry = shipped(service).capability(name)
    assert entry is not None
    given = FIXTURES[service]["capabilities"][name]["params"]
    params = {param.name: given[param.name] for param in entry.params if param.required}
    transport = FixtureTransport(FIXTURES[service])
    await called(service, name, params, transport)
    for wire in transport.sent:
        assert "null" not in json.dumps([wire["path"], wire["query"]]) or name == "update_row"


@pytest.mark.parametrize(("service", "name"), [case for case in CASES if case[0] != "http"])
async def test_a_refusal_is_an_error_with_the_services_words(service: str, name: str) -> None:
    case = FIXTURES[service]["capabilities"][name]
    errors = FIXTURES[service]["requests"][case["requests"][-1]].get("errors", {})
    for answer in errors:
        if answer == "already_reacted":
            continue  # what was asked for is so
        transport = FixtureTransport(FIXTURES[service], case["requests"], answer)
        with pytest.raises(CallError) as raised:
            await called(service, name, case["params"], transport)
        assert raised.value.kind in ("transient", "permanent", "denied", "uncertain")
        assert "practice" not in raised.value.message


@pytest.mark.parametrize(("service", "name"), DELIVERIES)
def test_a_delivery_becomes_the_payload(service: str, name: str) -> None:
    case = FIXTURES[service]["deliveries"][name]
    kind = shipped(service).trigger(name)
    assert kind is not None and kind.source is not None and kind.source.webhook is not None
    webhook = kind.source.webhook
    assert webhook.match is not None and webhook.id is not None and webhook.payload is not None
    roots = {"headers": {key.lower(): value for key, value in case["headers"].items()}, "body": case["body"]}
    assert formula(webhook.match)(roots) is True
    assert formula(webhook.id)(roots) == case["id"]
    payload = {field: plain(formula(text)(roots)) for field, text in json.loads(webhook.payload).items()}
    assert {field: value for field, value in payload.items() if value is not None} == case["payload"]


TOOLS: list[tuple[str, str, dict[str, Value], dict[str, Value]]] = [
    ("text", "uppercase", {"text": "straße"}, {"text": "STRASSE"}),
    ("text", "lowercase", {"text": "ÄB"}, {"text": "äb"}),
    ("text", "title_case", {"text": "the old TOWN"}, {"text": "The Old Town"}),
    ("text", "trim", {"text": "  a b "}, {"text": "a b"}),
    ("text", "truncate", {"text": "abcdef", "length": 4}, {"text": "abcd"}),
    ("text", "truncate", {"text": "abcdef", "length": 5, "ending": "..."}, {"text": "ab..."}),
    ("text", "truncate", {"text": "abc", "length": 5, "ending": "..."}, {"text": "abc"}),
    ("text", "replace", {"text": "a-b-c", "find": "-", "replace_with": "+"}, {"text": "a+b+c"}),
    ("text", "word_count", {"text": " one\ntwo  three\t"}, {"count": 3}),
    ("text", "length", {"text": "añb"}, {"length": 3}),
    ("text", "split", {"text": "a, b,c"}, {"items": ["a", "b", "c"], "count": 3}),
    ("text", "join", {"items": ["a", "b"]}, {"text": "a, b"}),
    ("text", "lines", {"text": "a\r\nb"}, {"items": ["a", "b"], "count": 2}),
    ("text", "between", {"text": "x [y] z", "start": "[", "end": "]"}, {"text": "y", "found": True}),
    ("text", "between", {"text": "x", "start": "[", "end": "]"}, {"found": False}),
    (
        "text", "extract_emails", {"text": "ask <ada@example.com>, or bob@example.org"},
        {"items": ["ada@example.com", "bob@example.org"], "count": 2, "first": "ada@example.com"},
    ),
    ("text", "extract_links", {"text": "none here"}, {"items": [], "count": 0}),
    ("text", "contains", {"text": "Hello World", "part": "world"}, {"found": True}),
    (
        "date", "today", {"zone": "Asia/Tokyo"},
        {
            "date": "2026-12-01", "weekday": "Tuesday", "month": "December", "year": 2026,
            "summary": "Tuesday, 1 December 2026",
        },
    ),
    ("date", "add_days", {"date": date(2026, 2, 27), "days": 3}, {"date": "2026-03-02"}),
    ("date", "add_months", {"date": date(2026, 1, 31), "months": 1}, {"date": "2026-02-28"}),
    (
        "date", "difference", {"start": date(2026, 1, 1), "end": date(2026, 3, 1)},
        {"days": 59, "weeks": 8, "months": 2},
    ),
    ("date", "format", {"date": date(2026, 3, 5)}, {"text": "5 March 2026"}),
    ("date", "day_of_week", {"date": date(2026, 11, 28)}, {"weekday": "Saturday", "weekend": True}),
    ("date", "start_of_month", {"date": date(2026, 11, 28)}, {"date": "2026-11-01"}),
    ("date", "end_of_month", {"date": date(2024, 2, 10)}, {"date": "2024-02-29"}),
]  # fmt: skip


@pytest.mark.parametrize(("service", "name", "params", "expected"), TOOLS)
def test_a_tool_gives_what_it_says(
    service: str, name: str, params: dict[str, Value], expected: dict[str, Value]
) -> None:
    async def run() -> Value:
        tools = BuiltinConnector(FixedClock(datetime(2026, 11, 30, 20, 0, tzinfo=UTC)))
        config = ConnectorConfig(service=shipped(service), connection=Connection(name=service, service=service))
        await tools.initialize(config)
        return await tools.call(name, params)

    result = plain(asyncio.run(run()))
    assert {field: value for field, value in result.items() if value is not None} == expected


def test_every_tool_is_tried() -> None:
    named = {(service, name) for service, name, _, _ in TOOLS}
    assert named == {(s, c.name) for s in ("text", "date") for c in shipped(s).capabilities}
