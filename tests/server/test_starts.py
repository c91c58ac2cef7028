"""Addresses that people add to tasks, signing secrets, answers to senders, rotation: over the API of a real server."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import time
from pathlib import Path

import msgspec
import pytest

from eyeflow.client import models
from eyeflow.server.resources.secrets import PutSecret
from eyeflow.server.settings import Server
from eyeflow.store.port import Where
from eyeflow.store.records import SecretRecord, WebhookRecord
from eyeflow.triggers.drafting import Made
from eyeflow.workspace.signing_in import SignIn
from server.house import House, house

GREET = """TASK greet
  INPUT name string

  ACTION said
    TYPE transform
    VALUE {greeting: "Hello {input.name}"}
    OUTPUT said

  RETURN said
"""
PATIENT = """TASK patient
  TRIGGER webhook("/patient", unsigned)

  ACTION answer
    TYPE respond
    STATUS 201
    BODY {got: trigger.n}

  ACTION rest
    TYPE wait
    FOR 1h
    AFTER answer
"""
HEARS = """TASK hears
  TRIGGER event(slack_notify.new_message, {channel: "#general"})

  ACTION one
    TYPE transform
    VALUE trigger.text
    OUTPUT said

  RETURN said
"""


def signed(secret: str, body: bytes, identity: str = "msg_1") -> dict[str, str]:
    """Headers of Standard Webhooks, made from the text of the specification."""
    stamp = str(int(time.time()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    value = hmac.new(key, f"{identity}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": identity, "webhook-timestamp": stamp, "content-type": "application/json",
        "webhook-signature": "v1," + base64.b64encode(value).decode(), "prefer": "wait=5",
    }  # fmt: skip


async def deployed(held: House, text: str, **more: object) -> None:
    reply = await held.ask("POST", "/api/tasks", json={"text": text, **more})
    assert reply.status == 201, reply.body


async def added(held: House, **more: object):
    return await held.ask("POST", "/api/webhooks", json={"task": "greet", **more})


async def test_a_task_is_given_an_address_and_started_there(tmp_path: Path) -> None:
    async with house(tmp_path) as held:
        await deployed(held, GREET)
        made = (await added(held, path="/hi")).json
        assert made["webhook"]["added"] and made["webhook"]["url"].endswith("/hooks/hi")
        body = b'{"name": "Ana"}'
        for path in ("/hooks/hi", f"/webhooks/{made['webhook']['id']}"):
            got = await held.ask("POST", path, key=None, body=body, headers=signed(made["secret"], body, identity=path))
            assert (got.status, got.json["status"]) == (200, "success")
            run = await held.ask("GET", f"/api/executions/{got.json['execution_id']}")
            assert run.json["output"] == {"greeting": "Hello Ana"} and run.json["origin"] == "webhook"
        assert (await held.ask("POST", "/hooks/hi", key=None, body=body)).status == 401
        listed = (await held.ask("GET", "/api/webhooks?task=greet")).json["items"]
        assert [each["path"] for each in listed] == ["/hi"] and "secret" not in listed[0]
        assert made["secret"] not in str((await held.ask("GET", "/api/audit")).json)


async def test_an_added_address_stays_over_a_deploy_and_rests_with_its_task(tmp_path: Path) -> None:
    async with house(tmp_path) as held:
        await deployed(held, GREET)
        hook = (await added(held, unsigned=True)).json["webhook"]
        address = f"/webhooks/{hook['id']}"
        await deployed(held, GREET.replace("Hello", "Bonjour"))

        async def delivered() -> int:
            return (await held.ask("POST", address, key=None, body=b'{"name": "Ana"}')).status

        assert await delivered() == 202
        await held.ask("POST", "/api/tasks/greet/pause")
        assert await delivered() == 503
        await held.ask("POST", "/api/tasks/greet/resume")
        assert await delivered() == 202
        await held.ask("POST", "/api/tasks/greet/rollback", json={"version": 1})
        assert await delivered() == 202
        assert (await held.ask("DELETE", f"/api{address}")).status == 204
        assert await delivered() == 404
        assert (await held.ask("DELETE", f"/api{address}")).code == "unknown_webhook"


async def test_an_address_that_is_taken_or_none_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as held:
        await deployed(held, GREET)
        await deployed(held, PATIENT)
        before = await held.service.store.count(SecretRecord)
        taken = await added(held, path="/patient")
        assert (taken.status, taken.code) == (409, "name_taken")
        for path in ("hi", "/a//b", "/../x", "/ü", "/" + "a" * 300, "/a?b", "/\x00", "/.."):
            wrong = await added(held, path=path)
            assert wrong.status == 422, (path, wrong.body)
        assert (await added(held, task="nothing")).code == "unknown_task"
        assert (await added(held, method="GET")).status == 422
        assert await held.service.store.count(SecretRecord) == before
        (row,) = await held.service.store.find(WebhookRecord, Where("path", "=", "/patient"))
        kept = await held.ask("DELETE", f"/api/webhooks/{row.id}")
        assert (kept.status, kept.code) == (409, "in_use"), "what a program names stays"
        (await added(held, path="/mine"))
        clash = await held.ask("POST", "/api/tasks", json={"text": PATIENT.replace("patient", "mine")})
        assert clash.status == 409, clash.body


async def test_a_key_for_other_tasks_sees_no_webhook_and_adds_none(tmp_path: Path) -> None:
    async with house(tmp_path) as held:
        await deployed(held, GREET)
        hook = (await added(held)).json["webhook"]
        key = await held.key_for("editor", tasks=("other",))
        assert (await held.ask("POST", "/api/webhooks", json={"task": "greet"}, key=key)).status == 404
        for method, path in (("DELETE", ""), ("POST", "/secret")):
            assert (await held.ask(method, f"/api/webhooks/{hook['id']}{path}", key=key)).status == 404


async def test_a_secret_of_a_webhook_is_not_forgotten_while_it_is_used(tmp_path: Path) -> None:
    async with house(tmp_path) as held:
        await deployed(held, GREET)
        hook = (await added(held)).json["webhook"]
        reply = await held.ask("DELETE", f"/api/secrets/webhook_{hook['id']}")
        assert (reply.status, reply.code) == (409, "in_use")
        renewed = await held.ask("POST", f"/api/webhooks/{hook['id']}/secret")
        body = b'{"name": "Bo"}'
        got = await held.ask(
            "POST", f"/webhooks/{hook['id']}", key=None, body=body, headers=signed(renewed.json["secret"], body)
        )
        assert got.status == 200


async def test_respond_answers_the_sender_while_the_run_goes_on(tmp_path: Path) -> None:
    async with house(tmp_path) as held:
        await deployed(held, PATIENT)
        async with asyncio.timeout(5):
            got = await held.ask("POST", "/hooks/patient", key=None, json={"n": 7})
        assert (got.status, got.json) == (201, {"got": 7})
        seen = set[str]()
        async with asyncio.timeout(20):
            while "waiting" not in seen:
                (run,) = (await held.ask("GET", "/api/executions?task=patient")).json["items"]
                seen.add(run["status"])
                await asyncio.sleep(0.02)
        assert seen <= {"queued", "running", "waiting"}


async def test_names_are_looked_up_at_practice_services_without_any_account(tmp_path: Path) -> None:
    async with house(tmp_path, server=Server(public_url="https://flows.example.com")) as held:
        await deployed(held, HEARS, practice=True)


async def test_names_are_looked_up_at_practice_services_for_a_practice_task(tmp_path: Path) -> None:
    async with house(tmp_path, server=Server(public_url="https://flows.example.com")) as held:
        await held.ask("POST", "/api/connectors", json={
            "name": "slack_notify", "service": "slack_notify", "credential": "env:NO_SUCH_TOKEN",
        })  # fmt: skip
        live = await held.ask("POST", "/api/tasks", json={"text": HEARS})
        assert live.status != 201
        await deployed(held, HEARS, practice=True)
        (row,) = await held.service.store.find(WebhookRecord, Where("event", "=", "new_message"))
        assert msgspec.json.decode(row.resolved)["channel"][0] == "#general"


async def test_secrets_and_the_master_key_are_rotated_while_everything_goes_on(tmp_path: Path) -> None:
    async with house(tmp_path) as held:
        await held.ask("POST", "/api/secrets", json={"name": "a", "value": "1234"})
        assert (await held.ask("POST", "/api/secrets/rotate", json={"name": "a", "value": "5678"})).json["version"] == 2
        unknown = await held.ask("POST", "/api/secrets/rotate", json={"name": "b", "value": "5678"})
        assert (unknown.status, unknown.code) == (404, "unknown_secret")
        before = (tmp_path / "master.key").read_text()
        made = await held.ask("POST", "/api/secrets/rotate-master")
        assert made.status == 200 and "master.key" in made.json["place"]
        assert (tmp_path / "master.key").read_text() != before
        assert (await held.service.vault.get("a")).single == "5678"
        editor = await held.key_for("editor")
        assert (await held.ask("POST", "/api/secrets/rotate-master", key=editor)).status == 403
        actions = [row["action"] for row in (await held.ask("GET", "/api/audit")).json["items"]]
        assert "master.rotated" in actions and "secret.rotated" in actions


@pytest.mark.parametrize("name", ["oauth.pending/x", "oauth.pending/"])
async def test_names_of_the_server_itself_are_nobodys(tmp_path: Path, name: str) -> None:
    async with house(tmp_path) as held:
        put = await held.ask("POST", "/api/secrets", json={"name": name, "value": "x"})
        assert (put.status, put.code) == (422, "bad_name")
        assert (await held.ask("DELETE", f"/api/secrets/{name.rstrip('/')}")).status == 404


def test_what_says_a_secret_once_does_not_say_it_in_its_repr() -> None:
    said = "whsec_c2VjcmV0"
    key = models.Key(id="key_1", name="ci", shown="ef", principal="ci", role="runner")
    hook = models.Webhook(
        id="h", task_id="t", task="t", url="u", path="/p", method="POST", scheme="standard", state="live"
    )
    for each in (
        Made(name="n", path="/p", secret=said), SignIn(client_id="c", client_secret=said),
        PutSecret(name="n", value=said), models.NewKey(token=said, key=key),
        models.Made(name="n", path="/p", secret=said),
        models.NewWebhook(webhook=hook, secret=said), models.SigningSecret(webhook_id="h", secret=said),
    ):  # fmt: skip
        assert said not in repr(each) and said not in str(each) and said not in repr([each])


async def test_a_delivery_that_does_not_fit_is_told_what_would(tmp_path: Path) -> None:
    async with house(tmp_path) as there:
        source = 'TASK told\n  TRIGGER webhook("/told", {email: string}, unsigned)\n  RETURN 1\n'
        made = await there.ask("POST", "/api/tasks", json={"text": source})
        assert made.status == 201, made.body
        for method in ("GET", "HEAD", "PUT"):
            reply = await there.ask(method, "/hooks/told", key=None)
            assert (reply.status, reply.code, reply.headers["allow"]) == (405, "wrong_method", "POST")
        reply = await there.ask("POST", "/hooks/told", key=None, json={})
        assert (reply.code, reply.json["detail"]) == ("bad_payload", "trigger.email: `email` is missing")
        assert reply.json["hint"] == "the task takes email"
        reply = await there.ask("POST", "/hooks/untold", key=None, json={})
        assert reply.code == "unknown_webhook" and "webhooks list" in reply.json["hint"]


async def test_an_input_that_is_missing_is_told_with_those_there_are(tmp_path: Path) -> None:
    async with house(tmp_path) as there:
        await there.ask("POST", "/api/tasks", json={"text": GREET})
        reply = await there.ask("POST", "/api/tasks/run", json={"task": "greet"})
        assert (reply.code, reply.json["hint"]) == ("bad_input", "it takes name string")
        reply = await there.ask("POST", "/api/tasks/run", json={})
        assert (reply.code, reply.json["hint"]) == ("bad_request", "it takes task, input, wait, wait_ms")


async def test_a_run_that_was_cancelled_is_not_being_cancelled(tmp_path: Path) -> None:
    async with house(tmp_path) as there:
        rest = "TASK rest\n  DEADLINE 2h\n  ACTION one\n    TYPE wait\n    FOR 1h\n    OUTPUT none\n  RETURN 1\n"
        await there.ask("POST", "/api/tasks", json={"text": rest})
        run = (await there.ask("POST", "/api/tasks/run", json={"task": "rest", "wait": False})).json["execution_id"]
        await there.ask("POST", f"/api/executions/{run}/cancel")
        held = (await there.ask("GET", f"/api/executions/{run}")).json
        assert (held["status"], held["cancelling"]) == ("cancelled", False)
        [listed] = (await there.ask("GET", "/api/executions")).json["items"]
        assert not listed.get("cancelling")
