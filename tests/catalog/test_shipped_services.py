"""The services that ship, as data: their own rules, and their HTTP mappings against the practice fixtures.

The fixtures were written from the providers' documentation, not from the catalog, so a wrong method, path, field or
credential place in an entry fails here. Nothing of EyeFlow but the files is used.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

ROOT = Path(__file__).parents[2] / "src" / "eyeflow"
SERVICES = {p.stem: yaml.safe_load(p.read_text("utf-8")) for p in sorted((ROOT / "catalog/services").glob("*.yaml"))}
FIXTURES = {p.stem: yaml.safe_load(p.read_text("utf-8")) for p in sorted((ROOT / "simulate/fixtures").glob("*.yaml"))}
CAPABILITIES = [(s, name) for s, service in SERVICES.items() for name in service["capabilities"]]
TRIGGERS = [(s, name) for s, service in SERVICES.items() for name in service.get("triggers", {})]
SPOKEN = [(s, name) for s, name in CAPABILITIES if "http" in SERVICES[s]["capabilities"][name]]

SHIPPED = {
    "slack_notify", "openweather", "http", "email", "github", "postgres", "google_sheets", "stripe", "jira", "rss",
    "sms", "webhook", "text", "date",
}  # fmt: skip
TYPES = {"string", "number", "integer", "boolean", "array", "object"}
CONTENT_TYPES = {"json": "application/json", "form": "application/x-www-form-urlencoded"}
PLACE = re.compile(r"(?<!\{)\{([^{}]+)\}")


def capability(service: str, name: str) -> dict[str, Any]:
    return SERVICES[service]["capabilities"][name]


def values(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schema and everything inside it."""
    yield schema
    for inner in [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]:
        yield from values(inner)


def exchanges(http: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(step["name"], step) for step in http["steps"]] if "steps" in http else [("", http)]


def texts(tree: Any) -> Iterator[str]:
    match tree:
        case str():
            yield tree
        case dict():
            for item in tree.values():
                yield from texts(item)
        case list():
            for item in tree:
                yield from texts(item)


def test_the_services_promised_ship() -> None:
    assert set(SERVICES) == SHIPPED
    assert all(service["service"] == stem for stem, service in SERVICES.items())


def test_no_name_belongs_to_two_services() -> None:
    names = Counter(n for s in SERVICES.values() for n in {x.casefold() for x in (s["title"], *s["aliases"])})
    assert [name for name, count in names.items() if count > 1] == []


def test_acceptance_17_slack_is_a_communication_service_spoken_by_slack_api_v1() -> None:
    slack = SERVICES["slack_notify"]
    assert (slack["title"], slack["type"], slack["connector"]) == ("Slack", "Communication", "slack_api_v1")
    assert "slack" in slack["aliases"]


def test_acceptance_18_19_20_slack_takes_the_parameters_of_the_overview() -> None:
    assert {"channel", "text", "blocks"} <= capability("slack_notify", "send_message")["params"].keys()
    assert {"timestamp", "emoji"} <= capability("slack_notify", "post_reaction")["params"].keys()
    upload = capability("slack_notify", "upload_file")
    assert {"channel", "file_content"} <= upload["params"].keys()
    url = upload["returns"]["properties"]["url"]
    assert (url["type"], url["entity"]) == ("string", "url")


def test_acceptance_22_slack_text_is_at_most_40000_characters() -> None:
    slack = SERVICES["slack_notify"]
    assert slack["constraints"] == {"rate_limit": "60/min", "max_text_chars": 40000}
    assert capability("slack_notify", "send_message")["params"]["text"]["max_length"] == 40000


@pytest.mark.parametrize("service", SERVICES)
def test_hosts_are_narrow_and_hold_every_address(service: str) -> None:
    data = SERVICES[service]
    hosts = data["hosts"]
    for host in hosts:
        assert re.fullmatch(r"(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+", host), host
        assert host.count(".") >= (2 if host.startswith("*.") else 1), f"{host} is a whole domain of everybody's"
    bases = [data.get("http", {}).get("base_url")]
    bases += [m.get("base_url") for c in data["capabilities"].values() if "http" in c for _, m in exchanges(c["http"])]
    for base in filter(None, bases):
        if re.fullmatch(r"\{[^{}]+\}", base):
            continue
        url = urlsplit(base)
        assert url.scheme == "https"
        assert any(url.netloc == h or (h[:2] == "*." and url.netloc.endswith(h[1:])) for h in hosts), base


@pytest.mark.parametrize("service", SERVICES)
def test_a_person_is_told_how_to_connect(service: str) -> None:
    auth = SERVICES[service]["auth"]
    for way in auth if isinstance(auth, list) else [auth]:
        if way["type"] == "oauth2":
            assert way["authorize"].startswith("https://") and way["token"].startswith("https://") and way["scopes"]
        elif way["type"] != "none":
            pasted = {step.get("paste") for step in way["setup"]} - {None}
            assert pasted == {"basic": {"username", "password"}, "bearer": {"token"}, "api_key": {"key"}}[way["type"]]


@pytest.mark.parametrize("service", SERVICES)
def test_no_two_capabilities_read_the_same(service: str) -> None:
    entries = [*SERVICES[service]["capabilities"].values(), *SERVICES[service].get("triggers", {}).values()]
    summaries = Counter(entry["summary"].casefold() for entry in entries)
    assert [text for text, count in summaries.items() if count > 1] == []
    phrases = Counter(p.casefold() for entry in entries for p in set(entry.get("phrases", [])))
    assert [text for text, count in phrases.items() if count > 1] == []


@pytest.mark.parametrize(("service", "name"), CAPABILITIES)
def test_a_capability_is_complete(service: str, name: str) -> None:
    entry = capability(service, name)
    assert entry["effect"] in ("pure", "read", "write", "irreversible")
    assert 1 <= entry["latency_ms"] <= entry["timeout_ms"] <= 60_000
    if entry["effect"] in ("write", "irreversible"):
        assert "idempotent" in entry
    if entry.get("phrases"):
        assert len(entry["examples"]) >= 2 and len(entry["phrases"]) >= 3
    contents = [p for p, spec in entry["params"].items() if spec.get("role") == "content"]
    assert len(contents) <= 1
    for param, spec in entry["params"].items():
        assert spec.get("description") or spec.get("role") == "content", f"{param} needs a description"
        if spec.get("required"):
            assert "default" not in spec
    for param, spec in [*entry["params"].items(), ("", entry["returns"])]:
        for schema in values(spec):
            assert schema.get("type", "object") in TYPES, param
            if "unit" in schema:
                assert schema["type"] in ("number", "integer")


@pytest.mark.parametrize(("service", "name"), CAPABILITIES)
def test_examples_speak_of_the_parameters(service: str, name: str) -> None:
    entry = capability(service, name)
    for example in entry.get("examples", []):
        assert set(PLACE.findall(example)) <= entry["params"].keys(), example
    spoken = {place for example in entry.get("examples", []) for place in PLACE.findall(example)}
    needed = {param for param, spec in entry["params"].items() if spec.get("required")}
    if entry.get("examples"):
        assert needed <= spoken, f"no example says {needed - spoken}"


@pytest.mark.parametrize(("service", "name"), CAPABILITIES)
def test_every_parameter_reaches_the_service(service: str, name: str) -> None:
    entry = capability(service, name)
    if "value" in entry:
        assert entry["effect"] == "pure" and "http" not in entry
        used = set(re.findall(r"params\.([A-Za-z_]+)", entry["value"]))
        assert used == entry["params"].keys()
    elif "http" in entry:
        places = {p for text in texts(entry["http"]) for p in PLACE.findall(text)}
        used = {p.split(".")[0] for p in places}
        used |= set(re.findall(r"params\.([A-Za-z_]+)", " ".join(texts(entry["http"]))))
        assert entry["params"].keys() <= used


@pytest.mark.parametrize(("service", "name"), SPOKEN)
def test_every_promised_field_is_mapped(service: str, name: str) -> None:
    entry = capability(service, name)
    http = entry["http"]
    result = http.get("result") or exchanges(http)[-1][1]["result"]
    assert result.keys() == entry["returns"]["properties"].keys()


@pytest.mark.parametrize(("service", "name"), TRIGGERS)
def test_a_trigger_fills_its_payload(service: str, name: str) -> None:
    trigger = SERVICES[service]["triggers"][name]
    fields = trigger["payload"]["properties"].keys()
    source = trigger["source"]
    assert len(trigger["phrases"]) >= 3
    for kind, spec in source.items():
        assert spec["payload"].keys() == fields, kind
    for filtered in trigger.get("filter", {}):
        assert filtered in trigger["params"]
    if "poll" in source:
        poll = source["poll"]
        polled = capability(service, poll["capability"])
        assert polled["effect"] == "read" and poll["params"].keys() <= polled["params"].keys()
        assert poll["baseline"] == "skip" and ("cursor" in poll) != ("identity" in poll) and poll["every_ms"] >= 30_000
    if "webhook" in source:
        assert source["webhook"]["signature"] and source["webhook"]["id"]


# Against the fixtures


def addressed(path: str, params: dict[str, Any]) -> str:
    """The path of a mapping for these parameters; what an earlier step or a `let` gives is an id of some sort."""
    return PLACE.sub(lambda place: str(params.get(place[1], "in_0123456789abcdefghijklmnopqrs")), path)


def accepted(schema: dict[str, Any] | None, tree: Any, where: str) -> None:
    """Every key that the entry may send is one the provider knows; every constant has the provider's type."""
    match tree:
        case dict():
            known = (schema or {}).get("properties")
            for key, item in tree.items():
                if known is None:
                    continue
                assert key in known, f"{where}: the provider has no field {key}"
                accepted(known[key], item, f"{where}.{key}")
        case list():
            assert (schema or {}).get("type", "array") == "array", where
            for item in tree:
                accepted((schema or {}).get("items"), item, where)
        case str() if not PLACE.search(tree):
            if schema and "enum" in schema:
                assert tree in schema["enum"], where
            if schema and schema.get("type") == "integer":
                assert tree.isdigit(), where
        case _:
            pass


def certain(service: str, name: str, tree: Any) -> set[str]:
    """The keys that are always there: constants, required parameters, parameters with a default."""
    params = capability(service, name)["params"]
    found = set()
    for key, item in tree.items() if isinstance(tree, dict) else ():
        places = [place for text in texts(item) for place in PLACE.findall(text)]
        optional = [p for p in places if p in params and not params[p].get("required") and "default" not in params[p]]
        if not optional or (isinstance(item, dict | list) and len(optional) < len(places)):
            found.add(key)
    return found


def test_every_http_service_has_a_fixture() -> None:
    assert FIXTURES.keys() == {service for service, _ in SPOKEN}


@pytest.mark.parametrize("service", FIXTURES)
def test_the_credential_goes_where_the_provider_wants_it(service: str) -> None:
    auth, http = FIXTURES[service]["auth"], SERVICES[service].get("http", {})
    ways = SERVICES[service]["auth"]
    types = {way["type"] for way in (ways if isinstance(ways, list) else [ways])}
    match auth["place"]:
        case "header":
            sent = re.sub(r"\{(\w+)\}", lambda place: auth["practice"][place[1]], http["auth_header"])
            assert auth["name"] == "Authorization" and re.fullmatch(auth["pattern"], sent)
        case "query":
            sent = re.sub(r"\{(\w+)\}", lambda place: auth["practice"][place[1]], http["auth_query"][auth["name"]])
            assert re.fullmatch(auth["pattern"], sent)
        case "basic":
            assert types == {"basic"} and "auth_header" not in http
            assert re.fullmatch(auth["pattern"], "{username}:{password}".format(**auth["practice"]))
        case "none":
            assert "none" in types
        case other:
            pytest.fail(f"unknown place {other}")
    headers = http.get("headers", {})
    for header, pattern in FIXTURES[service].get("headers", {}).items():
        assert re.fullmatch(pattern, headers[header]), header


@pytest.mark.parametrize(("service", "name"), SPOKEN)
def test_a_mapping_agrees_with_the_providers_documentation(service: str, name: str) -> None:
    fixture, entry = FIXTURES[service], capability(service, name)
    case = fixture["capabilities"][name]
    steps = [(step, m) for step, m in exchanges(entry["http"]) if step not in case.get("skips", [])]
    assert len(steps) == len(case["requests"]) == len(case["sends"])
    base = SERVICES[service].get("http", {}).get("base_url", "")
    for setting, value in fixture.get("settings", {}).items():
        base = base.replace("{" + setting + "}", value)
    for (step, mapping), wanted in zip(steps, case["requests"], strict=True):
        request = fixture["requests"][wanted]
        where = f"{service}.{name} {step or wanted}"
        assert mapping["method"] == request["method"], where
        answered = re.fullmatch(r"\{[^{}]+\}", mapping.get("base_url", ""))
        url = urlsplit(mapping.get("base_url", base) + mapping["path"])
        if not answered:
            assert url.netloc == request["host"], where
            path = addressed(url.path, case["params"])
            assert re.fullmatch(request["path"], path), f"{where}: {path}"
        query, body = mapping.get("query", {}), mapping.get("body")
        if query and "*" not in query:
            accepted(request["query"], query, where)
        schema = request.get("query", {})
        assert set(schema.get("required", [])) <= query.keys() | {"*"} if schema else True, where
        if isinstance(body, dict):
            accepted(request["body_schema"], body, where)
            needed = set(request["body_schema"].get("required", []))
            always = certain(service, name, body)
            assert needed <= always, f"{where}: {needed - always} may be absent"
            one_of = request["body_schema"].get("any_of_required")
            assert one_of is None or body.keys() & set(one_of), where
        if "content_types" in request and body is not None:
            sent = CONTENT_TYPES.get(mapping.get("encoding", "json"))
            assert (sent or mapping["headers"]["Content-Type"]) in request["content_types"], where
        if "Idempotency-Key" in request.get("headers", {}):
            assert entry["idempotency"] == {"header": "Idempotency-Key"}, where


@pytest.mark.parametrize(("service", "name"), SPOKEN)
def test_an_answer_that_may_refuse_is_never_taken_for_success(service: str, name: str) -> None:
    """A provider that refuses with status 200 needs `ok`."""
    case = FIXTURES[service]["capabilities"][name]
    denied = FIXTURES[service]["auth"].get("denied", {"status": 401})
    if denied["status"] == 200:
        for step, mapping in exchanges(capability(service, name)["http"]):
            if step != "bytes":
                assert "body.ok" in mapping["ok"] and mapping["error"] == "{body.error}"
    else:
        assert all(FIXTURES[service]["requests"][r]["response"]["status"] < 300 for r in case["requests"])


@pytest.mark.parametrize("service", FIXTURES)
def test_a_fixture_is_well_formed(service: str) -> None:
    fixture = FIXTURES[service]
    assert fixture["service"] == service
    keys = {"service", "settings", "auth", "headers", "shared", "requests", "capabilities", "deliveries"}
    assert fixture.keys() <= keys
    assert fixture["capabilities"].keys() == {name for s, name in SPOKEN if s == service}
    used = {r for case in fixture["capabilities"].values() for r in case["requests"]}
    for name, request in fixture["requests"].items():
        assert request.keys() <= {
            "method", "host", "path", "headers", "content_types", "query", "body_schema", "response", "variants",
            "errors",
        }  # fmt: skip
        re.compile(request["path"])
        for answer in [request["response"], *request.get("errors", {}).values()]:
            assert answer.keys() == {"status", "headers", "body"}
        for variant in request.get("variants", {}).values():
            assert variant.keys() <= {"status", "headers", "body", "replace"}
        assert name in used or service in ("slack_notify", "jira", "google_sheets"), f"nothing uses {name}"
    for name, delivery in fixture.get("deliveries", {}).items():
        trigger = SERVICES[service]["triggers"][name]
        promised = {f for f, spec in trigger["payload"]["properties"].items() if spec.get("required", True)}
        assert promised <= delivery["payload"].keys() <= trigger["payload"]["properties"].keys()
