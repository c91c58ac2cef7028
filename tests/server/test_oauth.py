"""Accounts sign in with OAuth2: what a browser brings back is proved, and what is kept leaves no trace elsewhere."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import msgspec
import pytest

from eyeflow.connectors.transport import HttpRequest, HttpResponse
from eyeflow.errors import CallError
from eyeflow.secrets.access import Access
from eyeflow.secrets.vault import Vault
from eyeflow.server.settings import Server
from eyeflow.store.port import Update, Where
from eyeflow.store.records import LeaseRecord, OutboxRecord, SecretRecord, SettingRecord
from eyeflow.workspace.renewing import RenewingCredentials
from server.house import House, house
from server.running import command, environment, running
from server.signing import Signing, signing

CLIENT = {"client_id": "client-1", "client_secret": "cs-4f2a9b81d3"}
CALLBACK = "/api/connectors/oauth/callback"


@asynccontextmanager
async def tank(folder: Path) -> AsyncIterator[tuple[House, Signing]]:
    """A server that knows the service, with one account that is not signed in."""
    (folder / "outside").mkdir()
    async with signing(folder / "outside") as (service, sections), house(folder / "data", **sections) as held:
        await added(held, "my_tank")
        yield held, service


async def added(held: House, name: str, **more) -> None:
    reply = await held.ask("POST", "/api/connectors", json={"name": name, "service": "gauge", **more})
    assert reply.status == 201, reply.body


async def begun(held: House, name: str = "my_tank", **more):
    reply = await held.ask("POST", f"/api/connectors/{name}/connect", json={**CLIENT, **more})
    assert reply.status == 200, reply.body
    return reply.json["authorize_url"]


async def back(held: House, state: str, code: str, more: str = ""):
    query = f"?state={quote(state)}&code={quote(code)}{more}"
    return await held.ask("GET", CALLBACK + query, key=None)


async def signed_in(held: House, service: Signing, name: str = "my_tank") -> None:
    reply = await back(held, *service.approve(await begun(held, name)))
    assert reply.status == 200, reply.body


async def view(held: House, name: str = "my_tank"):
    return (await held.ask("GET", f"/api/connectors/{name}")).json


async def called(held: House, name: str = "my_tank"):
    return (await held.ask("POST", f"/api/connectors/{name}/test", json={})).json


async def test_an_account_signs_in_and_is_used(tmp_path):
    async with tank(tmp_path) as (held, service):
        url = await begun(held)
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert asked["client_id"] == "client-1" and asked["scope"] == "read fill"
        assert asked["redirect_uri"] == f"http://127.0.0.1:3000{CALLBACK}"
        assert "client_secret" not in asked and len(asked["state"]) == 43
        reply = await back(held, *service.approve(url), "&scope=read&authuser=0")
        assert reply.status == 200 and reply.headers["content-type"].startswith("text/html")
        assert reply.headers["cache-control"] == "no-store" and b"my_tank is connected" in reply.body
        form = service.asked[0]
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == asked["code_challenge"]
        after = await view(held)
        assert (after["credential"], after["state"]) == ("vault:my_tank", "connected")
        secret = dict((await held.service.vault.get("my_tank", Access())).parts)
        assert {"access_token", "refresh_token", "expires_at"} <= set(secret)
        assert [each.name for each in await held.service.vault.list()] == ["my_tank"]
        events = await held.service.store.find(OutboxRecord, Where("topic", "=", "eyeflow.connectors.connected"))
        assert len(events) == 1 and b"at-1" not in events[0].event
        found = await called(held)
        assert found["ok"] and found["state"] == "connected"
        await signed_in(held, service)
        assert (await view(held))["credential"] == "vault:my_tank"


async def test_the_secret_of_the_client_may_be_kept_in_the_vault(tmp_path):
    async with tank(tmp_path) as (held, service):
        await held.ask("PUT", "/api/secrets/gauge_client", json={"value": "cs-4f2a9b81d3"})
        assert (
            await back(
                held, *service.approve(await begun(held, client_secret="", client_secret_from="vault:gauge_client"))
            )
        ).status == 200
        key = await held.key_for("editor")
        for reference in ("vault:gauge_client", "vault:no_such", "env:HOME", "gauge_client", "vault:"):
            body = {"client_id": "client-1", "client_secret_from": reference}
            reply = await held.ask("POST", "/api/connectors/my_tank/connect", key=key, json=body)
            assert reply.status in (403, 404, 422), (reference, reply.body)


async def test_only_the_state_that_was_begun_counts_and_only_once(tmp_path):
    async with tank(tmp_path) as (held, service):
        state, code = service.approve(await begun(held))
        other = state[:-1] + ("A" if state[-1] != "A" else "B")
        for wrong in ("", "x", other, state.swapcase(), state + "A", "%00", "é", "A" * 5000):
            reply = await back(held, wrong, code)
            assert (reply.status, reply.code) == (422, "bad_state"), wrong
        assert service.asked == []
        both = await asyncio.gather(back(held, state, code), back(held, state, code))
        assert sorted(each.status for each in both) == [200, 422] and len(service.asked) == 1
        again = await back(held, state, code)
        assert (again.status, again.code) == (422, "bad_state") and len(service.asked) == 1
        for query in ("?state=a&state=b", "?%ff", "?state=%ff", "?" + "a=1&" * 60, "?x=" + "a" * 9000):
            reply = await held.ask("GET", CALLBACK + query, key=None)
            assert reply.status in (400, 414, 422), query


async def test_a_state_lasts_ten_minutes(tmp_path):
    async with tank(tmp_path) as (held, service):
        state, code = service.approve(await begun(held))
        store = held.service.store
        row = next(each for each in await store.find(SettingRecord) if each.name.startswith("oauth.state/"))
        assert state.encode() not in row.value and state not in row.name
        waiting = msgspec.json.decode(row.value)
        now = held.service.clock.now().timestamp() * 1000
        assert 590_000 < waiting["expires_ms"] - now <= 600_000
        late = msgspec.json.encode({**waiting, "expires_ms": int(now) - 1})
        await store.write(Update(SettingRecord, (("value", late),), (Where("name", "=", row.name),)))
        assert (await back(held, state, code)).code == "bad_state"
        assert service.asked == [] and await held.service.vault.list() == ()


async def test_a_state_belongs_to_its_account(tmp_path):
    async with tank(tmp_path) as (held, service):
        await added(held, "second")
        mine, second = service.approve(await begun(held)), service.approve(await begun(held, "second"))
        assert (await back(held, mine[0], second[1])).code == "sign_in_refused"  # the verifier is another one
        assert (await back(held, *second)).code == "sign_in_refused"  # its code was spent
        assert {(await view(held, name))["state"] for name in ("my_tank", "second")} == {"untested"}
        former, newer = service.approve(await begun(held)), service.approve(await begun(held))
        assert (await back(held, *former)).code == "bad_state"
        await held.ask("DELETE", "/api/connectors/my_tank")
        assert (await back(held, *newer)).status == 404
        await added(held, "my_tank")
        assert (await back(held, *newer)).code == "bad_state"


async def test_only_those_who_may_change_the_account_begin(tmp_path):
    async with tank(tmp_path) as (held, service):
        path = "/api/connectors/my_tank/connect"
        for role in ("viewer", "runner", "approver", "auditor"):
            assert (await held.ask("POST", path, key=await held.key_for(role), json=CLIENT)).status == 403
        await added(held, "private", shared=False)
        key = await held.key_for("editor")
        assert (await held.ask("POST", "/api/connectors/private/connect", key=key, json=CLIENT)).status == 404
        await held.ask("PUT", "/api/secrets/second", json={"value": "something else"})
        await added(held, "second")
        taken = await held.ask("POST", "/api/connectors/second/connect", json=CLIENT)
        assert (taken.status, taken.code) == (409, "name_taken")
        await signed_in(held, service)
        assert (await held.ask("POST", path, key=key, json=CLIENT)).code == "forbidden"
        wrong = (
            {}, {"client_id": ""}, {"client_id": "a\nb"}, {**CLIENT, "client_secret_from": "vault:x"},
            {**CLIENT, "scopes": ["a b"]}, {**CLIENT, "scopes": [""]}, {**CLIENT, "redirect_uri": "https://evil"},
        )  # fmt: skip
        for body in wrong:
            reply = await held.ask("POST", path, json=body)
            assert (reply.status, reply.code) == (422, "bad_request"), body
        await held.ask("POST", "/api/connectors", json={"name": "box", "service": "http", "hosts": ["a.example"]})
        assert (await held.ask("POST", "/api/connectors/box/connect", json=CLIENT)).code == "no_oauth"


@pytest.mark.parametrize("url", ["http://flows.example.com", "https://flows.example.com/"])
async def test_the_browser_comes_back_to_an_address_that_keeps_the_code(tmp_path, url):
    (tmp_path / "outside").mkdir()
    server = Server(public_url=url)
    async with (
        signing(tmp_path / "outside") as (_, sections),
        house(tmp_path / "data", server=server, **sections) as held,
    ):
        await added(held, "my_tank")
        reply = await held.ask("POST", "/api/connectors/my_tank/connect", json=CLIENT)
        if url.startswith("http:"):
            assert (reply.status, reply.code) == (422, "needs_public_url")
        else:
            back_to = parse_qs(urlsplit(reply.json["authorize_url"]).query)["redirect_uri"]
            assert back_to == [f"https://flows.example.com{CALLBACK}"]


async def test_the_service_may_say_no(tmp_path):
    async with tank(tmp_path) as (held, service):
        for said, shown in (("access_denied", b"access_denied"), ("<script>alert(1)</script>", b"refused")):
            state, _ = service.approve(await begun(held))
            reply = await held.ask(
                "GET", f"{CALLBACK}?state={state}&error={quote(said)}&error_description=x", key=None,
                headers={"accept": "text/html,*/*"},
            )  # fmt: skip
            assert reply.status == 502 and shown in reply.body and b"sign_in_refused" in reply.body
            assert reply.headers["content-type"].startswith("text/html") and b"<script" not in reply.body
        state, _ = service.approve(await begun(held))
        assert (await back(held, state, "")).code == "bad_request"
        url = await begun(held, client_secret="wrong-secret")
        reply = await back(held, *service.approve(url))
        assert reply.code == "sign_in_refused" and b"invalid_client" in reply.body
        assert (await view(held))["state"] == "untested" and await held.service.vault.list() == ()


JSON = {"content-type": "application/json"}
RUBBISH = {
    "not json": (200, JSON, b"<html>", "bad_token_answer"),
    "empty": (200, JSON, b"", "bad_token_answer"),
    "a list": (200, JSON, b"[1]", "bad_token_answer"),
    "deep": (200, JSON, b"[" * 20_000, "bad_token_answer"),
    "no token": (200, JSON, b'{"token_type":"bearer"}', "bad_token_answer"),
    "a number": (200, JSON, b'{"access_token":7}', "bad_token_answer"),
    "a line break": (200, JSON, b'{"access_token":"a\\r\\nX-Evil: 1"}', "bad_token_answer"),
    "a mac": (200, JSON, b'{"access_token":"a","token_type":"mac"}', "bad_token_answer"),
    "never": (200, JSON, b'{"access_token":"a","expires_in":"soon"}', "bad_token_answer"),
    "past": (200, JSON, b'{"access_token":"a","expires_in":-5}', "bad_token_answer"),
    "huge": (200, JSON, b'{"access_token":"' + b"a" * 70_000 + b'"}', "bad_response"),
    "failing": (503, {}, b"", "unavailable"),
    "an error with 200": (200, JSON, b'{"ok":false,"error":"bad_code"}', "sign_in_refused"),
    "elsewhere 302": (302, {"location": "https://evil.example/token"}, b"", "redirected"),
    "elsewhere 303": (303, {"location": "https://evil.example/token"}, b"", "redirected"),
    "elsewhere 307": (307, {"location": "https://evil.example/token"}, b"", "redirected"),
    "another page 303": (303, {"location": "/level"}, b"", "bad_token_answer"),
}


async def test_what_is_no_token_is_refused_and_changes_nothing(tmp_path):
    async with tank(tmp_path) as (held, service):
        for name, (status, headers, body, code) in RUBBISH.items():
            url = await begun(held)
            service.token_answer = (status, headers, body)
            reply = await back(held, *service.approve(url))
            assert reply.code == code, (name, reply.body)
            assert reply.status == 502 and b"X-Evil" not in reply.body, name
        assert (await view(held)).get("credential") is None and await held.service.vault.list() == ()
        service.token_answer = None
        await signed_in(held, service)


async def test_an_answer_that_does_not_come_is_not_waited_for(tmp_path):
    async with tank(tmp_path) as (held, service):
        held.service.signing_in._tokens._timeout_ms = 150
        service.slow_s = 1.0
        reply = await back(held, *service.approve(await begun(held)))
        assert reply.status == 502 and "credential" not in await view(held)


async def test_a_token_is_renewed_once_for_all_who_need_it(tmp_path):
    async with tank(tmp_path) as (held, service):
        service.expires_in = 30
        await signed_in(held, service)
        service.expires_in, service.slow_s = 3600, 0.05
        found = await asyncio.gather(*(called(held) for _ in range(20)))
        assert all(each["ok"] for each in found), found
        assert [each["grant_type"] for each in service.asked] == ["authorization_code", "refresh_token"]
        secret = dict((await held.service.vault.get("my_tank", Access())).parts)
        assert secret["access_token"] in service.good and secret["refresh_token"] == service.refresh
        assert (await called(held))["ok"] and len(service.asked) == 2


async def test_a_refused_token_is_renewed_once_and_the_call_tried_again(tmp_path):
    async with tank(tmp_path) as (held, service):
        await signed_in(held, service)
        service.good, service.rotates = set(), False
        found = await asyncio.gather(*(called(held) for _ in range(20)))
        assert all(each["ok"] for each in found), found
        assert len(service.asked) == 2
        service.good = set()
        found = await called(held)
        assert (found["ok"], found["code"]) == (False, "unauthorized")
        assert len(service.asked) == 2, "what was made just now is not made again"


async def test_a_sign_in_that_ended_says_so(tmp_path):
    async with tank(tmp_path) as (held, service):
        service.expires_in = 0
        await signed_in(held, service)
        service.refresh = "withdrawn"
        for _ in range(3):
            found = await called(held)
            assert (found["ok"], found["code"]) == (False, "credential_expired"), found
            assert "connectors connect" in found["detail"]
        assert len(service.asked) == 2, "a refusal is not asked for again at once"
        assert await told(held) == {"The sign-in of my_tank has ended": False}
        await signed_in(held, service)
        assert await told(held) == {"The sign-in of my_tank has ended": True}
        service.token_answer = (503, {}, b"")
        found = await called(held)
        assert (found["ok"], found["code"]) == (False, "unavailable")
        service.token_answer, service.expires_in = None, 3600
        assert (await called(held))["ok"]


async def told(held: House) -> dict[str, bool]:
    """The notices there are, and whether each is over, after the keeper has done its parts."""
    keeper = held.service.workspace.notices
    for _ in range(3):
        keeper._next.clear()
        await keeper.round()
    items = (await held.ask("GET", "/api/notices")).json["items"]
    return {each["telling"]["subject"]: each.get("closed", False) for each in items}


async def test_a_sign_in_that_nobody_finishes_is_seen_nowhere_and_forgotten(tmp_path):
    async with tank(tmp_path) as (held, _):
        await begun(held)
        secrets = (await held.ask("GET", "/api/secrets")).json["items"]
        assert secrets == []
        store, at = held.service.store, int(time.time() * 1000)
        pending = Where("name", ">=", "oauth.pending/")
        assert await store.count(SecretRecord, pending) == 1
        await held.service.signing_in.expire()
        assert await store.count(SecretRecord, pending) == 1, "its browser may come yet"
        (row,) = await store.find(
            SettingRecord, Where("name", ">=", "oauth.state/"), Where("name", "<", "oauth.state0")
        )
        late = msgspec.json.encode({**msgspec.json.decode(row.value), "expires_ms": at - 1})
        await store.write(Update(SettingRecord, (("value", late),), (Where("name", "=", row.name),)))
        await held.service.signing_in.expire()
        assert await store.count(SecretRecord, pending) == 0
        assert await store.get(SettingRecord, row.name) is None
        await held.service.vault.put("oauth.pending/lost", "x")  # as if killed between two writes
        old = (("created_ms", at - 700_000),)
        await store.write(Update(SecretRecord, old, (Where("name", "=", "oauth.pending/lost"),)))
        await held.service.signing_in.expire()
        assert await store.count(SecretRecord, pending) == 0


async def test_a_token_that_still_lasts_is_used_when_nobody_renews_it(tmp_path):
    async with tank(tmp_path) as (held, service):
        service.expires_in = 30
        await signed_in(held, service)
        service.token_answer = (503, {}, b"")
        assert (await called(held))["ok"] and len(service.asked) == 2


async def test_nothing_of_a_sign_in_is_seen_anywhere(tmp_path, capfd):
    async with tank(tmp_path) as (held, service):
        service.expires_in = 30
        url = await begun(held)
        state, code = service.approve(url)
        replies = [await back(held, state, code), await back(held, state, code)]
        service.good = set()
        echo = b'{"error":"' + service.refresh.encode() + b'","error_description":"' + service.refresh.encode() + b'"}'
        service.token_answer = (400, JSON, echo)
        replies.append(await held.ask("POST", "/api/connectors/my_tank/test", json={}))
        assert replies[-1].json["ok"] is False
        service.token_answer = None
        for path in (
            "/api/connectors", "/api/connectors/my_tank", "/api/secrets", "/api/audit", "/api/notices", "/api/export",
            "/api/executions",
        ):  # fmt: skip
            replies.append(await held.ask("GET", path))
            assert replies[-1].status == 200, path
        audit = replies[6].body
        assert b"connection.signed_in" in audit and b"connection.sign_in_begun" in audit
    secrets = [each.encode() for each in (*service.secrets, CLIENT["client_secret"], state, code)]
    seen = b"".join(each.body for each in replies) + "".join(capfd.readouterr()).encode()
    kept = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    assert len(secrets) >= 6 and b"my_tank" in kept
    for secret in secrets:
        for form in (secret, base64.b64encode(secret).rstrip(b"=")[:-2], secret.hex().encode()):
            assert form not in seen and form not in kept, secret


class _Nowhere:
    """A transport that remembers, and answers nothing."""

    def __init__(self) -> None:
        self.sent: list[HttpRequest] = []

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.sent.append(request)
        raise CallError("transient", "connection_refused", "nobody is there")


async def test_a_token_goes_to_the_host_of_the_catalog_only(tmp_path):
    async with tank(tmp_path) as (held, service):
        nowhere = _Nowhere()
        held.service.signing_in._tokens._transport = nowhere
        reply = await back(held, *service.approve(await begun(held)))
        assert (reply.status, reply.code) == (502, "connection_refused")
        (sent,) = nowhere.sent
        assert sent.rules.hosts == (f"127.0.0.1:{service.port}",) and sent.confidential and not sent.safe


async def test_processes_renew_in_turn(tmp_path):
    async with tank(tmp_path) as (held, service):
        service.expires_in = 0
        await signed_in(held, service)
        service.expires_in, service.slow_s = 3600, 0.05
        made = held.service
        sources = [
            RenewingCredentials(
                Vault(made.store, made.keys), made.store, tokens=made.signing_in._tokens, catalog=made.catalog,
                clock=made.clock, owner=f"process {number}",
            )
            for number in range(4)
        ]  # fmt: skip
        found = await asyncio.gather(*(each.resolve("vault:my_tank") for each in sources * 3))
        assert len(service.asked) == 2 and {each.part("token") for each in found} == service.good
        assert all([name for name, _ in each.parts] == ["token"] for each in found)
        assert await made.store.find(LeaseRecord, Where("name", "=", "renewal/my_tank")) == []


async def test_the_command_waits_until_the_account_is_signed_in(tmp_path):
    (tmp_path / "outside").mkdir()
    async with signing(tmp_path / "outside") as (service, _):
        env = {
            "EYEFLOW_CATALOG_FURTHER": str(tmp_path / "outside" / "services"),
            "EYEFLOW_EGRESS_ALLOW": "127.0.0.1=127.0.0.0/8",
            "EYEFLOW_EGRESS_CA_FILE": str(tmp_path / "outside" / "gauge.pem"),
        }  # fmt: skip
        with running(env=env) as server:
            for method, path, body in (
                ("PUT", "/api/secrets/gauge_client", {"value": CLIENT["client_secret"]}),
                ("POST", "/api/connectors", {"name": "my_tank", "service": "gauge"}),
            ):
                assert (await asyncio.to_thread(server.http.request, method, path, json=body)).is_success, path
            process = await asyncio.create_subprocess_exec(
                *command("connectors", "connect", "my_tank", "--client-id", "client-1"),
                "--client-secret-from", "vault:gauge_client", stdout=asyncio.subprocess.PIPE,
                env={**environment(), "EYEFLOW_URL": server.url, "EYEFLOW_KEY": server.key},
            )  # fmt: skip
            try:
                assert process.stdout is not None
                lines = [(await process.stdout.readline()).decode() for _ in range(2)]
                assert lines[0].startswith("open this address")
                state, code = service.approve(lines[1].strip())
                redirect = parse_qs(urlsplit(lines[1].strip()).query)["redirect_uri"][0]
                assert redirect == server.url + CALLBACK
                reply = await asyncio.to_thread(
                    server.client(None).get, redirect, params={"state": state, "code": code}
                )
                assert reply.status_code == 200, reply.text
                assert (await process.stdout.read()).decode() == "my_tank: signed in\n" and await process.wait() == 0
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
            assert not [each for each in (*service.secrets, state, code) if each in server.log()]
