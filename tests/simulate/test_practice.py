"""Practice services: as strict as the provider, told what to do, and honest about what they cannot check."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from eyeflow.catalog.load import load_catalog, load_documents
from eyeflow.catalog.model import Capability, Catalog, Connection, HttpMapping, Service
from eyeflow.errors import CallError, EgressDenied
from eyeflow.simulate.practice import Practice
from eyeflow.simulate.practice_fixture import read_fixture
from eyeflow.svm.host import ConnectorHost, Handle
from eyeflow.values import Value


def shipped() -> Catalog:
    catalog, found = load_catalog()
    assert catalog is not None, found.errors
    return catalog


def changed(service_id: str, capability: str, **mapping: Any) -> Catalog:
    """The shipped catalog with one mistake in one mapping."""

    def capabilities(service: Service) -> tuple[Capability, ...]:
        return tuple(
            msgspec.structs.replace(one, http=msgspec.structs.replace(one.http or HttpMapping(), **mapping))
            if one.name == capability
            else one
            for one in service.capabilities
        )

    return Catalog(
        tuple(
            msgspec.structs.replace(one, capabilities=capabilities(one)) if one.id == service_id else one
            for one in shipped().services
        )
    )


@asynccontextmanager
async def practising(
    catalog: Catalog, service_id: str, *, hosts: tuple[str, ...] = (), **more: Any
) -> AsyncIterator[tuple[Practice, Handle]]:
    """Practice for one service and a handle to it."""
    service = catalog.service(service_id)
    assert service is not None
    async with Practice(catalog, [service_id], **more) as practice:
        host = ConnectorHost(practice.factories(), credentials=practice.credentials)
        connection = practice.connection(Connection(name=service_id, service=service_id), hosts=hosts)
        try:
            yield practice, host.handle(service, connection, 1)
        finally:
            await host.drain()


MESSAGE: dict[str, Value] = {"channel": "#general", "text": "Hello"}
WEATHER: dict[str, Value] = {"location": "Paris"}


async def mismatch(catalog: Catalog, service: str, capability: str, params: dict[str, Value]) -> str:
    async with practising(catalog, service) as (practice, handle):
        with pytest.raises(CallError) as caught:
            await handle.call(capability, params)
        assert caught.value.code == "practice_mismatch"
        assert practice.received(service)[-1].problems, "the refused request is kept too"
        return caught.value.message


BODY = '{"channel":"{channel}","text":"{text}"}'
WRONG_ENTRIES = {
    "path": ({"path": "/api/chat.postMesage"}, "did you mean POST slack.com/api/chat.postMessage"),
    "method": ({"method": "PUT"}, "chat.postMessage is POST"),
    "field": ({"body": '{"channel":"{channel}","txt":"{text}"}', "let": ()}, "body.txt is unknown; did you mean text?"),
    "missing_field": ({"body": '{"text":"{text}"}', "let": ()}, "body.channel is missing"),
    "type": ({"body": '{"channel":"{channel}","text":7}', "let": ()}, "body.text must be string, not 7"),
    "encoding": ({"body": BODY, "let": (), "encoding": "text"}, "content type text/plain is not one of"),
    "query": ({"body": BODY, "let": (), "query": (("pretty", "1"),)}, "query.pretty is unknown"),
    "host": ({"body": BODY, "let": (), "base_url": "https://files.slack.com"}, "does not exist"),
}


@pytest.mark.parametrize(("mistake", "said"), WRONG_ENTRIES.values(), ids=WRONG_ENTRIES.keys())
async def test_a_wrong_catalog_entry_is_answered_by_naming_the_mismatch(mistake: dict[str, Any], said: str) -> None:
    message = await mismatch(
        changed("slack_notify", "send_message", **mistake), "slack_notify", "send_message", MESSAGE
    )
    assert said in message


async def test_a_wrong_constant_in_a_query_is_caught() -> None:
    catalog = changed("openweather", "current_weather", query=(("q", "{location}"), ("units", "celsius")))
    assert "query.units must be one of" in await mismatch(catalog, "openweather", "current_weather", WEATHER)


@pytest.mark.parametrize(
    "http",
    [
        {"base_url": "https://slack.com", "auth_header": "Token {token}"},
        {"base_url": "https://slack.com", "auth_header": "Bearer {key}"},
    ],
)
async def test_a_credential_in_another_shape_than_the_provider_wants_is_refused(http: dict[str, str]) -> None:
    catalog = shipped()
    service = catalog.service("slack_notify")
    assert service is not None and service.http is not None
    wrong = msgspec.structs.replace(service, http=msgspec.structs.replace(service.http, **http))
    try:
        async with practising(Catalog((wrong,)), "slack_notify") as (_, handle):
            with pytest.raises(CallError, match="invalid_auth"):
                await handle.call("send_message", MESSAGE)
    except CallError as error:
        assert error.code == "no_credential", "a part that practice never issues"


async def test_the_message_that_arrived_is_kept_as_it_was() -> None:
    async with practising(shipped(), "slack_notify") as (practice, handle):
        await handle.call("send_message", {"channel": "#general", "text": "R&D <!channel> \u2603"})
        (received,) = practice.received("slack_notify")
    assert received.request == "chat.postMessage" and "send_message" in received.capabilities
    assert received.body == {"channel": "#general", "text": "R&amp;D &lt;!channel&gt; \u2603"}
    assert received.authorized and "authorization" not in received.headers


@pytest.mark.parametrize("temp", [90, 30, 72])
async def test_a_service_told_a_result_answers_the_body_that_gives_it(temp: int) -> None:
    async with practising(shipped(), "openweather") as (practice, handle):
        practice.told("openweather", "current_weather_imperial", returns={"temp": temp})
        result = await handle.call("current_weather_imperial", WEATHER)
    assert isinstance(result, dict) and result["temp"] == temp
    assert f"{temp}\u00b0F" in str(result["summary"]), "what is computed from it follows"


async def test_a_result_no_answer_leads_to_is_refused_by_name() -> None:
    async with practising(shipped(), "openweather") as (practice, _):
        with pytest.raises(ValueError, match="summary is computed"):
            practice.told("openweather", "current_weather", returns={"summary": "Sunny"})
        for wrong in ({"variant": "purple"}, {"error": "purple"}):
            with pytest.raises(ValueError, match="known: "):
                practice.told("openweather", "current_weather", **wrong)
        with pytest.raises(ValueError, match="has no purple"):
            practice.told("openweather", "purple")


async def test_variants_errors_and_counts() -> None:
    async with practising(shipped(), "openweather") as (practice, handle):
        practice.told("openweather", "current_weather", error="unavailable", times=2)
        practice.told("openweather", "current_weather", variant="rain")
        for _ in range(2):
            with pytest.raises(CallError) as caught:
                await handle.call("current_weather", WEATHER)
            assert (caught.value.kind, caught.value.code) == ("transient", "unavailable")
        rain = await handle.call("current_weather", WEATHER)
        assert isinstance(rain, dict) and rain["raining"] is True
        practice.told("openweather", "current_weather")
        clear = await handle.call("current_weather", WEATHER)
        assert isinstance(clear, dict) and clear["raining"] is False


async def test_rate_limits_and_lost_answers() -> None:
    async with practising(shipped(), "slack_notify") as (practice, handle):
        practice.told("slack_notify", "send_message", status=429, body={"ok": False}, retry_after_s=7, times=1)
        with pytest.raises(CallError) as caught:
            await handle.call("send_message", MESSAGE)
        assert (caught.value.kind, caught.value.retry_after_ms) == ("transient", 7000)
        practice.told("slack_notify", "send_message", drop=True, times=1)
        with pytest.raises(CallError) as caught:
            await handle.call("send_message", MESSAGE)
        assert caught.value.kind == "uncertain"
        assert len(practice.received("slack_notify")) == 2, "it was received, and not sent again"


async def test_a_stalled_service_is_received_and_stops_at_once() -> None:
    import asyncio

    async with practising(shipped(), "slack_notify") as (practice, handle):
        practice.told("slack_notify", "send_message", stall_ms=60_000)
        await handle.initialize()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await handle.call("send_message", MESSAGE)
        assert len(practice.received("slack_notify")) == 1


DEAL = {"type": "object", "properties": {"id": {"type": "string"}, "amount": {"type": "number"}}}
DEALS = {
    "summary": "List deals",
    "effect": "read",
    "params": {"stage": {"type": "string", "enum": ["won", "lost"]}},
    "returns": {
        "type": "object",
        "properties": {"count": {"type": "integer"}, "deals": {"type": "array", "items": DEAL}},
    },
    "http": {
        "path": "/deals",
        "query": {"stage": "{stage}", "expand": "all"},
        "ok": "EQ(body.ok, true)",
        "result": {"count": "COUNT(body.data)", "deals": "MAP(body.data, d, {id: d.key, amount: d.value.amount})"},
    },
}
MOVE = {
    "summary": "Move a deal",
    "params": {
        "id": {"type": "string", "required": True},
        "stage": {"type": "string"},
        "n": {"type": "integer"},
    },
    "returns": {"type": "object", "properties": {"done": {"type": "boolean"}}},
    "http": {
        "method": "POST",
        "path": "/deals/{id}/move",
        "body": {"stage": "{stage}", "n": "{n}", "by": "eyeflow"},
        "result": {"done": "body.moved"},
    },
}
CRM = {
    "service": "crm",
    "title": "CRM",
    "type": "Sales",
    "connector": "http",
    "auth": {"type": "api_key", "place": "header", "name": "X-Key"},
    "hosts": ["*.crm.example"],
    "http": {"base_url": "https://{site}.crm.example/v2"},
    "capabilities": {"deals": DEALS, "move": MOVE},
}


def crm() -> Catalog:
    catalog, found = load_documents([CRM])
    assert catalog is not None, [str(error) for error in found.errors]
    return catalog


async def test_a_service_nobody_wrote_a_fixture_for_is_practised_from_its_entry() -> None:
    async with practising(crm(), "crm") as (practice, handle):
        found = await handle.call("deals", {"stage": "won"})
        assert isinstance(found, dict) and isinstance(found["deals"], list)
        assert found["deals"] == [{"id": "id 1", "amount": 1.0}, {"id": "id 2", "amount": 2.0}]
        assert found["count"] == 2
        practice.told("crm", "deals", returns={"deals": [{"id": "a", "amount": 10}, {"id": "b", "amount": 20}]})
        assert await handle.call("deals", {}) == {
            "count": 2, "deals": [{"id": "a", "amount": 10}, {"id": "b", "amount": 20}]
        }  # fmt: skip
        assert await handle.call("move", {"id": "x/1", "stage": "won", "n": 2}) == {"done": True}
        last = practice.received("crm")[-1]
        assert (last.host, last.path) == ("practice.crm.example", "/v2/deals/x/1/move")
        assert last.body == {"stage": "won", "n": 2, "by": "eyeflow"} and last.authorized
        assert any("not against its provider" in note for note in practice.notes)
        assert any("count is computed" in note for note in practice.notes)
        with pytest.raises(CallError) as caught:
            await handle.call("move", {"id": "1", "n": "three"})
        assert "body.n must be integer" in caught.value.message


async def test_a_users_own_fixture_finds_the_mistake_the_entry_cannot_see() -> None:
    fixture = read_fixture("""
service: crm
settings: {site: practice}
auth: {place: header, name: X-Key, pattern: "k_.+", practice: {key: k_practice}}
requests:
  list:
    method: GET
    host: practice.crm.example
    path: /v3/deals
    query: {type: object, properties: {stage: {type: string}}}
    response: {body: {ok: true, data: []}}
capabilities:
  deals: {requests: [list]}
""")
    async with practising(crm(), "crm", fixtures={"crm": fixture}) as (_, handle):
        with pytest.raises(CallError, match=r"did you mean GET practice\.crm\.example/v3/deals"):
            await handle.call("deals", {})


async def test_practice_reaches_nothing_but_practice() -> None:
    async with practising(shipped(), "slack_notify") as (practice, _):
        guard = practice.guard
        assert guard.practising
        for port in (80, 443, 5432):
            assert not guard.admits("127.0.0.1", port)
    service = shipped().service("http")
    assert service is not None
    async with practising(shipped(), "http", hosts=("api.acme.example",)) as (_, handle):
        assert await handle.call("get", {"url": "https://api.acme.example/x?y=1"})
        for url in ("https://other.example/", "http://127.0.0.1/", "https://api.acme.example:8443/"):
            with pytest.raises(EgressDenied):
                await handle.call("get", {"url": url})


async def test_mail_feeds_and_databases_are_practised_too() -> None:
    async with practising(shipped(), "email") as (practice, handle):
        await handle.call("send", {"to": "ana@example.com", "subject": "Hi", "body": "Text"})
        (mail,) = practice.mail()
        assert (mail.recipients, mail.headers["Subject"], mail.text) == (("ana@example.com",), "Hi", "Text")
        practice.told("email", "send", error="451 later")
        with pytest.raises(CallError):
            await handle.call("send", {"to": "ana@example.com", "subject": "Hi", "body": "Text"})
    async with practising(shipped(), "rss", hosts=("blog.example.com",)) as (practice, handle):
        feed = await handle.call("read_feed", {"url": "https://blog.example.com/feed.xml"})
        assert isinstance(feed, dict) and feed["count"] == 2
    async with practising(shipped(), "postgres") as (practice, handle):
        practice.told("postgres", "count_rows", returns={"count": 7})
        assert await handle.call("count_rows", {"table": "deals"}) == {"count": 7}
        assert practice.calls("postgres")[0].params["table"] == "deals"
        practice.told("postgres", "count_rows", error="unavailable")
        with pytest.raises(CallError) as caught:
            await handle.call("count_rows", {"table": "deals"})
        assert caught.value.kind == "transient"
        assert any("postgres: its protocol is not practised" in note for note in practice.notes)


async def test_every_service_of_the_shipped_catalog_can_be_practised_at_once() -> None:
    async with Practice(shipped()) as practice:
        assert len(set(practice.endpoints.values())) == len(practice.endpoints)
        assert {port.host for port in practice.endpoints.values()} == {"127.0.0.1"}
        for reference in ("env:SLACK", "practice:nobody", ""):
            with pytest.raises(CallError):
                await practice.credentials(reference)


def test_an_unknown_service_is_refused() -> None:
    with pytest.raises(ValueError, match="purple"):
        Practice(shipped(), ["purple"])


async def test_acceptance_08_connecting_an_account_really_contacts_the_service() -> None:
    async with practising(shipped(), "slack_notify") as (practice, handle):
        await handle.initialize()
        assert handle.ready
        await practice.stop()
    catalog = shipped()
    slack = catalog.service("slack_notify")
    assert slack is not None
    host = ConnectorHost(practice.factories(), credentials=practice.credentials)
    gone = host.handle(slack, practice.connection(Connection(name="slack_notify", service="slack_notify")), 1)
    with pytest.raises(CallError) as caught:
        await gone.initialize()
    assert (caught.value.kind, caught.value.code) == ("transient", "connection_refused")
    await host.drain()


async def test_acceptance_18_19_20_the_three_capabilities_of_slack() -> None:
    async with practising(shipped(), "slack_notify") as (practice, handle):
        await handle.call("send_message", {"channel": "#general", "text": "Hi", "blocks": [{"type": "divider"}]})
        assert practice.received("slack_notify")[0].body["blocks"] == [{"type": "divider"}]
        await handle.call("post_reaction", {"timestamp": "1503435956.000247", "emoji": "tada", "channel": "C012AB3CD4"})
        assert practice.received("slack_notify")[1].request == "reactions.add"
        uploaded = await handle.call("upload_file", {"channel": "#general", "file_content": "a,b"})
        assert isinstance(uploaded, dict) and str(uploaded["url"]).startswith("https://")
