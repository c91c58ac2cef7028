"""Accounts: who sees them, when they may go, and a test that contacts the service."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from connectors.http_service import service
from eyeflow.catalog.model import Catalog
from eyeflow.connectors.port import Credential
from eyeflow.connectors.transport import HttpRequest, HttpResponse, ScriptedTransport
from eyeflow.engine.model import Principal
from eyeflow.errors import CallError
from eyeflow.store.port import Insert, Store
from eyeflow.store.records import AuditRecord, OutboxRecord, SecretRecord
from eyeflow.workspace.connections import NewConnection
from eyeflow.workspace.errors import Clash, Forbidden, Invalid, Missing
from eyeflow.workspace.reviewing import CompileRequest
from workspace.house import ANA, EVE, HELLO, RUN, VIC, House

SLACK = NewConnection(name="slack_daily", service="slack", credential="vault:slack")
POST = """TASK post
  TRIGGER manual()

  ACTION a
    TYPE connector_call
    CONNECTOR slack_daily
    FUNCTION send_message
    PARAMS {channel: "#x", text: "hi"}
"""


async def secret(house: House, name: str, owner: str = "ana") -> None:
    row = SecretRecord(name=name, sealed=b"", wrapped=b"", kek="k", created_by=owner, created_ms=0)
    await house.store.write(Insert(row))


def answering(house: House, *answers: object) -> ScriptedTransport:
    transport = ScriptedTransport(answers)  # type: ignore[arg-type]
    house.transport = transport
    house.secrets["vault:slack"] = Credential((("token", "xoxb-secret"),))
    return transport


def answer(body: object, status: int = 200) -> HttpResponse:
    return HttpResponse(status=status, headers=(("content-type", "application/json"),), body=msgspec.json.encode(body))


async def test_an_account_is_added_seen_and_removed(house: House):
    view = await house.workspace.connections.add(ANA, msgspec.structs.replace(SLACK, defaults={"channel": "#x"}))
    assert (view.service, view.title, view.state, view.defaults) == (
        "slack_notify",
        "Slack",
        "untested",
        {"channel": "#x"},
    )
    assert [each.name for each in await house.workspace.connections.page(VIC)] == ["slack_daily"]
    await house.workspace.connections.remove(EVE, "slack_daily")
    assert await house.workspace.connections.page(VIC) == ()


async def test_another_persons_private_account_is_not_found(house: House):
    await house.workspace.connections.add(ANA, msgspec.structs.replace(SLACK, shared=False))
    for call in (
        house.workspace.connections.get(EVE, "slack_daily"), house.workspace.connections.test(EVE, "slack_daily"),
        house.workspace.connections.remove(EVE, "slack_daily"),
        house.workspace.connections.replace(EVE, "slack_daily", SLACK),
    ):  # fmt: skip
        with pytest.raises(Missing) as stopped:
            await call
        assert stopped.value.code == "unknown_connection"
    assert await house.workspace.connections.page(EVE) == ()
    view = await house.workspace.proposals.compile(EVE, CompileRequest(text=POST))
    assert view.outcome == "errors"


async def test_an_account_in_use_stays_what_it_is(house: House):
    await secret(house, "slack")
    await house.workspace.connections.add(ANA, SLACK)
    await house.deploy(POST)
    with pytest.raises(Clash, match="post") as stopped:
        await house.workspace.connections.remove(ANA, "slack_daily")
    assert stopped.value.code == "in_use"
    with pytest.raises(Clash):
        await house.workspace.connections.replace(
            ANA, "slack_daily", msgspec.structs.replace(SLACK, credential="vault:other")
        )
    changed = msgspec.structs.replace(SLACK, defaults={"channel": "#y"})
    assert (await house.workspace.connections.replace(ANA, "slack_daily", changed)).defaults == {"channel": "#y"}
    await house.workspace.tasks.delete(ANA, "post")
    await house.workspace.connections.remove(ANA, "slack_daily")


async def test_acceptance_08_testing_an_account_contacts_the_service(house: House):
    await house.workspace.connections.add(ANA, SLACK)
    transport = answering(house, answer({"ok": True, "team": "Acme", "user": "eyeflow"}))
    found = await house.workspace.connections.test(ANA, "slack_daily")
    assert found.ok and found.state == "connected" and "Acme" in found.detail
    assert [request.url for request in transport.sent] == ["https://slack.com/api/auth.test"]
    view = await house.workspace.connections.get(VIC, "slack_daily")
    assert view.state == "connected" and view.tested_ms is not None
    assert "xoxb" not in repr(view) and "xoxb" not in repr(found)


def crm() -> Catalog:
    """A service whose file says of no test, with what writes, what needs to be told something, and what only reads."""

    def http(method: str, path: str) -> dict[str, object]:
        return {"method": method, "path": path, "result": {"ok": "body.ok"}}

    city = {"city": {"type": "string", "required": True}}
    capabilities = {
        "add": {"effect": "write", "http": http("POST", "/all")},
        "weather": {"effect": "read", "params": city, "http": http("GET", "/in/{city}")},
        "all": {"effect": "read", "http": http("GET", "/all")},
    }
    return Catalog((service(capabilities),))


@pytest.mark.parametrize(("defaults", "asked"), [({}, "all"), ({"city": "Paris"}, "in/Paris")])
async def test_acceptance_08_a_test_reads_what_it_can_and_changes_nothing(
    house: House, defaults: dict[str, str], asked: str
):
    house.catalog = crm()
    await house.workspace.connections.add(
        ANA, NewConnection(name="mine", service="crm", credential="vault:slack", defaults=dict(defaults))
    )
    transport = answering(house, answer({"ok": True}))
    found = await house.workspace.connections.test(ANA, "mine")
    assert (found.ok, found.state) == (True, "connected")
    sent = [(request.method, request.url) for request in transport.sent]
    assert sent == [("GET", f"https://api.crm.example/v1/{asked}")]


@pytest.mark.parametrize("status", [401, 403])
async def test_acceptance_08_an_address_that_does_not_let_us_in_is_no_success(house: House, status: int):
    await house.workspace.connections.add(ANA, NewConnection(name="api", service="http", hosts=("api.example.com",)))
    answering(house, answer({}, status=status))
    found = await house.workspace.connections.test(ANA, "api")
    assert (found.ok, found.state, found.code) == (False, "failed", "unauthorized") and str(status) in found.detail
    assert (await house.workspace.connections.get(ANA, "api")).state == "failed"


async def test_acceptance_08_who_tested_what_and_how_it_went_is_audited(house: House):
    await house.workspace.connections.add(ANA, SLACK)
    answering(house, answer({"ok": False, "error": "invalid_auth"}))
    await house.workspace.connections.test(EVE, "slack_daily")
    row = (await house.store.find(AuditRecord, order=("seq",)))[-1]
    assert (row.actor, row.action, row.object) == ("eve", "connection.tested", "connection:slack_daily")
    assert msgspec.json.decode(row.detail)["state"] == "failed"


async def test_acceptance_08_what_was_found_is_not_said_of_an_account_made_meanwhile(house: House):
    await house.workspace.connections.add(ANA, SLACK)

    class Slow(ScriptedTransport):
        async def send(self, request: HttpRequest) -> HttpResponse:
            await house.workspace.connections.remove(ANA, "slack_daily")
            house.clock.advance(timedelta(seconds=1))
            await house.workspace.connections.add(ANA, msgspec.structs.replace(SLACK, credential="vault:other"))
            return await super().send(request)

    answering(house)
    house.transport = Slow((answer({"ok": True}),))
    assert (await house.workspace.connections.test(ANA, "slack_daily")).ok
    assert (await house.workspace.connections.get(ANA, "slack_daily")).state == "untested"


async def test_acceptance_13_a_refused_credential_fails_and_says_why(house: House):
    await house.workspace.connections.add(ANA, SLACK)
    answering(house, answer({"ok": False, "error": "invalid_auth"}))
    found = await house.workspace.connections.test(ANA, "slack_daily")
    assert not found.ok and found.state == "failed" and "invalid_auth" in found.detail
    assert await house.store.count(OutboxRecord) == 0


async def test_acceptance_16_a_connected_account_is_an_event_once(house: House):
    await house.workspace.connections.add(ANA, SLACK)
    good, bad = answer({"ok": True}), answer({"ok": False, "error": "token_revoked"})
    answering(house, good, good, bad, good)
    for _ in range(4):
        await house.workspace.connections.test(ANA, "slack_daily")
    rows = await house.store.find(OutboxRecord, order=("id",))
    assert [row.topic for row in rows] == ["eyeflow.connectors.connected"] * 2
    assert msgspec.json.decode(rows[0].event)["data"]["connection"] == "slack_daily"


async def test_a_service_that_cannot_be_reached_fails(house: House):
    await house.workspace.connections.add(ANA, SLACK)
    answering(house, CallError("transient", "unavailable", "connection refused"))
    assert (await house.workspace.connections.test(ANA, "slack_daily")).code == "unavailable"


async def test_an_account_without_credential_is_not_contacted(house: House):
    await house.workspace.connections.add(ANA, NewConnection(name="s", service="slack"))
    transport = answering(house, answer({"ok": True}))
    assert (await house.workspace.connections.test(ANA, "s")).code == "connect" and transport.sent == []


async def test_a_service_without_a_test_is_reached_but_not_called_connected(house: House):
    await house.workspace.connections.add(ANA, NewConnection(name="api", service="http", hosts=("api.example.com",)))
    transport = answering(house, answer({}, status=404))
    found = await house.workspace.connections.test(ANA, "api")
    assert found.ok and found.state == "reached" and "404" in found.detail
    assert transport.sent[0].url.startswith("https://api.example.com")


async def test_a_secret_is_never_taken_inline(house: House):
    for bad in (
        {"credential": "xoxb-123456789"}, {"settings": {"token": "abc"}}, {"defaults": {"text": "xoxb-12345-abc"}},
    ):  # fmt: skip
        with pytest.raises(Invalid) as stopped:
            await house.workspace.connections.add(ANA, NewConnection(name="s", service="slack", **bad))
        assert "xoxb" not in repr(stopped.value.report)


async def test_a_credential_goes_only_where_whoever_put_it_in_sends_it(house: House):
    await secret(house, "mine", "eve")
    await secret(house, "theirs", "ana")
    add = house.workspace.connections.add
    await add(EVE, NewConnection(name="ok", service="slack", credential="vault:mine"))
    with pytest.raises(Missing):
        await add(EVE, NewConnection(name="evil", service="http", hosts=("evil.example",), credential="vault:theirs"))
    with pytest.raises(Invalid):  # one secret, one service
        await add(EVE, NewConnection(name="evil", service="http", hosts=("evil.example",), credential="vault:mine"))
    with pytest.raises(Forbidden):
        await add(EVE, NewConnection(name="evil", service="http", hosts=("evil.example",), credential="env:HOME"))
    for who in (ANA, EVE):
        with pytest.raises(Invalid):
            await add(who, NewConnection(name="evil", service="slack", credential="env:EYEFLOW_MASTER_KEY"))


async def test_a_name_that_means_a_service_means_that_service_for_everybody(house: House):
    for bad in (
        NewConnection(name="slack", service="email", settings={"host": "x", "from": "y"}),
        NewConnection(name="http", service="http", hosts=("evil.example",), shared=False),
    ):
        with pytest.raises(Invalid) as stopped:
            await house.workspace.connections.add(ANA, bad)
        assert stopped.value.code == "bad_name"


@pytest.mark.parametrize("name", ["", "a b", "../x", "a\x00", "x" * 300, "null", "é"])
async def test_hostile_names_are_refused(house: House, name: str):
    with pytest.raises(Invalid):
        await house.workspace.connections.add(ANA, msgspec.structs.replace(SLACK, name=name))
    with pytest.raises(Missing):
        await house.workspace.connections.get(ANA, name)


async def test_bad_and_huge_accounts_are_refused_with_a_place(house: House):
    with pytest.raises(Invalid) as stopped:
        await house.workspace.connections.add(ANA, NewConnection(name="s", service="slak"))
    assert "slack" in stopped.value.hint
    with pytest.raises(Invalid):
        await house.workspace.connections.add(ANA, NewConnection(name="s", service="slack", defaults={"channel": 7}))
    with pytest.raises(Invalid):
        await house.workspace.connections.add(
            ANA, NewConnection(name="s", service="slack", defaults={"channel": "x" * 200_000})
        )


async def test_a_taken_name_and_a_wrong_role_are_refused(house: House):
    await house.workspace.connections.add(ANA, SLACK)
    with pytest.raises(Clash) as stopped:
        await house.workspace.connections.add(ANA, SLACK)
    assert stopped.value.code == "name_taken"
    for who in (VIC, RUN, Principal(id="a", role="approver"), Principal(id="b", role="editor", agent=True)):
        with pytest.raises(Forbidden):
            await house.workspace.connections.add(who, SLACK)


async def test_a_new_account_is_in_the_next_compile(house: House, store: Store, catalog: Catalog):

    request = CompileRequest(text=POST)
    assert (await house.workspace.proposals.compile(ANA, request)).outcome == "errors"
    await house.workspace.connections.add(ANA, SLACK)
    view = await house.workspace.proposals.compile(ANA, request)
    assert view.outcome == "program" and view.programs[0].touches[0].account == "slack_daily"
    assert (await house.workspace.proposals.compile(ANA, CompileRequest(text=HELLO))).outcome == "program"
