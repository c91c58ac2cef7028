"""Every route of the table, asked by everybody: nothing is let in that the table of permissions does not let in."""

from __future__ import annotations

import asyncio
import base64
import hmac
import re
from datetime import timedelta

import msgspec

from eyeflow.engine.model import LOCAL
from eyeflow.server.exchange import Request
from eyeflow.server.settings import Limits
from eyeflow.server.table import TABLE
from eyeflow.store.port import Update, Where
from eyeflow.store.records import KeyRecord
from eyeflow.workspace.keys import NewKey
from eyeflow.workspace.permissions import EVERYBODY, PERMISSIONS
from server.asgi import Messages
from server.house import House, house

OPEN = {
    ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/api/healthz"), ("GET", "/api/readyz"),
    ("GET", "/api/openapi.json"), ("GET", "/api/docs"),
    ("GET", "/api/connectors/oauth/callback"),
}  # fmt: skip
NO_LIMIT = Limits(key_per_minute=0, workspace_per_minute=0, failures_per_minute=1 << 20)


def address(path: str) -> str:
    return re.sub(r"\{[a-z_]+(\.\.\.)?\}", "undefined", path)


async def asked(house: House, row, key, **more):
    body = {} if row.method == "GET" else {"json": {}}
    return await house.ask(row.method, address(row.path), key=key, **{**body, **more})


def test_the_table_says_of_every_route_who_may():
    for row in TABLE:
        if row.permission == "open":
            assert (row.method, row.path) in OPEN
        elif row.permission == "signed":
            assert row.path.startswith(("/webhooks/{", "/hooks/{", "/api/webhooks/{", "/api/hooks/{"))
        else:
            assert row.permission in PERMISSIONS, row.path


async def test_no_route_answers_without_a_right_key(tmp_path):
    async with house(tmp_path, limits=NO_LIMIT) as held:
        keys = held.service.workspace.keys
        revoked = await keys.create(LOCAL, NewKey(name="gone", role="owner"))
        await keys.revoke(LOCAL, revoked.key.id)
        expired = await keys.create(LOCAL, NewKey(name="old", role="owner", days=1))
        long_ago = int((held.service.clock.now() - timedelta(days=1)).timestamp() * 1000)
        where = (Where("id", "=", expired.key.id),)
        await held.service.store.write(Update(KeyRecord, (("expires_ms", long_ago),), where))
        wrong = {
            None: "no_key", revoked.token: "key_revoked", expired.token: "key_expired",
            **dict.fromkeys(("", "undefined", "null", "x" * 51, held.key[:-1]), "bad_api_key"),
            **dict.fromkeys((held.key.swapcase(), held.key.replace("live", "test")), "bad_api_key"),
        }  # fmt: skip
        for row in TABLE:
            if row.permission in ("open", "signed"):
                continue
            for key, code in wrong.items():
                reply = await asked(held, row, key)
                assert (reply.status, reply.code) == (401, code), (row.method, row.path, key)


async def test_each_role_reaches_exactly_what_the_table_gives_it(tmp_path):
    async with house(tmp_path, limits=NO_LIMIT) as held:
        kinds = [(role, {}) for role in EVERYBODY] + [("owner", {"agent": True}), ("owner", {"practice": True})]
        for role, more in kinds:
            key = await held.key_for(role, **more)
            for row in TABLE:
                if row.permission in ("open", "signed") or row.name in _ENDLESS:
                    continue
                allowed = PERMISSIONS[row.permission]
                may = role in allowed.roles and (not more or any(getattr(allowed, kind) for kind in more))
                reply = await asked(held, row, key)
                if may:
                    assert reply.code != "forbidden" and reply.status != 401, (role, row.method, row.path, reply.body)
                    assert reply.status < 500, (role, row.method, row.path, reply.body)
                else:
                    assert (reply.status, reply.code) == (403, "forbidden"), (role, row.method, row.path)


_ENDLESS = {"export_audit"}
"""Streams: `asked` waits for their end, which comes, but they have their own test."""


async def test_tricks_with_addresses_and_headers_open_nothing(tmp_path):
    async with house(tmp_path, limits=NO_LIMIT) as held:
        key = await held.key_for("viewer")
        headers = {
            "x-http-method-override": "GET", "x-method-override": "GET", "x-original-url": "/healthz",
            "x-rewrite-url": "/healthz", "x-forwarded-for": "127.0.0.1", "x-forwarded-host": "localhost",
            "x-real-ip": "127.0.0.1", "forwarded": "for=127.0.0.1",
        }  # fmt: skip
        for path in ("/api/keys", "/api/settings", "/api/audit"):
            for ending in ("/", "//", ";x", "/;x", "%2f", "/healthz", "/../../healthz", "?", ".json", "%00", "%20"):
                reply = await held.ask(
                    "POST", path + ending, key=key, json={"name": "x", "role": "owner"}, headers=headers
                )
                assert reply.status in (403, 404, 405), (path + ending, reply.status, reply.body)
            for spelled in (path.upper(), f"/{path}", path.replace("/api", "/api/."), path.replace("/api", "//api")):
                assert (await held.ask("GET", spelled, key=None, headers=headers)).status == 404


async def test_a_key_limited_to_tasks_sees_nothing_of_others(tmp_path):
    async with house(tmp_path) as held:
        for name in ("mine", "theirs"):
            text = (
                f'TASK {name}\n  TRIGGER schedule(09:00, daily)\n  TRIGGER webhook("/{name}", unsigned)\n  RETURN 1\n'
            )
            reply = await held.ask("POST", "/api/tasks", json={"text": text})
            assert reply.status == 201, reply.body
        other = (await held.ask("POST", "/api/tasks/run", json={"task": "theirs"})).json["execution_id"]
        schedule = next(
            each for each in (await held.ask("GET", "/api/schedules")).json["items"] if each["task"] == "theirs"
        )
        key = await held.key_for("editor", tasks=("mine",))
        for path in (
            "/api/tasks", "/api/executions", "/api/schedules", "/api/webhooks", "/api/rules", "/api/approvals",
            "/api/proposals?state=approved",
        ):  # fmt: skip
            reply = await held.ask("GET", path, key=key)
            assert reply.status == 200 and b"theirs" not in reply.body, path
        for method, path in (
            ("GET", f"/api/executions/{other}"), ("GET", f"/api/executions/{other}/events"),
            ("POST", f"/api/executions/{other}/cancel"), ("POST", f"/api/executions/{other}/replay"),
            ("POST", f"/api/executions/{other}/erase"), ("GET", f"/api/executions/{other}/timeline"),
            ("GET", "/api/tasks/theirs"), ("DELETE", "/api/tasks/theirs"), ("GET", "/api/tasks/theirs/ir"),
            ("POST", "/api/tasks/theirs/pause"), ("GET", f"/api/schedules/{schedule['id']}/ticks"),
            ("GET", "/api/executions?task=theirs"),
        ):  # fmt: skip
            assert (await held.ask(method, path, key=key)).status == 404, (method, path)
        refused = await held.ask("POST", "/api/tasks/run", key=key, json={"task": "theirs"})
        assert refused.status in (403, 404)
        assert (await held.ask("POST", "/api/tasks/run", key=key, json={"task": "mine"})).status == 200


async def test_a_practice_key_sees_nothing_of_what_was_done_for_real(tmp_path):
    async with house(tmp_path) as held:
        for name, practice in (("real", False), ("tried", True)):
            body = {"text": f"TASK {name}\n  RETURN 1\n", "practice": practice}
            assert (await held.ask("POST", "/api/tasks", json=body)).status == 201
        real, tried = [
            (await held.ask("POST", "/api/tasks/run", json={"task": name})).json["execution_id"]
            for name in ("real", "tried")
        ]
        key = await held.key_for("editor", practice=True)
        listed = (await held.ask("GET", "/api/executions", key=key)).json["items"]
        assert [each["execution_id"] for each in listed] == [tried]
        looks = ("", "/events", "/timeline")
        changes = ("/cancel", "/replay", "/retry", "/erase")
        for method, endings in (("GET", looks), ("POST", changes)):
            for ending in endings:
                body = {"json": {}} if method == "POST" else {}
                reply = await held.ask(method, f"/api/executions/{real}{ending}", key=key, **body)
                assert reply.status in (403, 404), (method, ending, reply.body)
        for ending in looks:
            assert (await held.ask("GET", f"/api/executions/{tried}{ending}", key=key)).status == 200
        refused = await held.ask("POST", "/api/tasks/run", key=key, json={"task": "real"})
        assert refused.status in (403, 404), refused.body
        assert (await held.ask("POST", "/api/tasks/run", key=key, json={"task": "tried"})).status == 200
        assert (await held.ask("GET", f"/api/executions/{real}")).status == 200


async def test_pages_of_a_key_limited_to_tasks_have_each_of_their_runs_once(tmp_path):
    async with house(tmp_path) as held:
        for name in ("one", "two", "three"):
            assert (await held.ask("POST", "/api/tasks", json={"text": f"TASK {name}\n  RETURN 1\n"})).status == 201
        made = []
        for turn in range(12):
            body = {"task": ("one", "two", "three")[turn % 3]}
            made.append((body["task"], (await held.ask("POST", "/api/tasks/run", json=body)).json["execution_id"]))
        key, seen, cursor = await held.key_for("viewer", tasks=("one", "three")), [], ""
        while True:
            page = (await held.ask("GET", f"/api/executions?limit=3{cursor}", key=key)).json
            seen += [(item["task"], item["execution_id"]) for item in page["items"]]
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
        assert sorted(seen) == sorted(item for item in made if item[0] != "two")
        assert [name for _, name in seen] == sorted((name for _, name in seen), reverse=True), "the newest first"
        failed = await held.ask("GET", "/api/executions?status=failed", key=key)
        assert failed.json == {"items": [], "next": None}


async def test_no_field_can_be_smuggled_in(tmp_path):
    async with house(tmp_path) as held:
        for method, path, body in (
            ("POST", "/api/tasks/run", {"task": "x", "principal": {"role": "owner"}}),
            ("POST", "/api/keys", {"name": "x", "role": "viewer", "digest": "00"}),
            ("PUT", "/api/profile", {"me": {}, "principal": "owner"}),
            ("POST", "/api/connectors", {"name": "x", "service": "slack", "created_by": "somebody"}),
            ("PUT", "/api/settings", {"approval": "self", "workspace_id": "other"}),
            ("POST", "/api/tasks", {"text": "TASK a", "approved_by": "somebody"}),
        ):
            reply = await held.ask(method, path, json=body)
            assert (reply.status, reply.code) == (422, "bad_request"), path
            assert "unknown field" in msgspec.json.decode(reply.body)["detail"]


async def test_what_is_exported_can_be_applied_and_a_backup_is_a_file(tmp_path):
    async with house(tmp_path) as held:
        assert (await held.ask("POST", "/api/tasks", json={"text": "TASK one\n  RETURN 1\n"})).status == 201
        files = (await held.ask("GET", "/api/export")).json["files"]
        assert any("TASK one" in each["text"] for each in files)
        plan = (await held.ask("POST", "/api/apply", json={"files": files, "plan": True})).json
        assert plan["changed"] is False and plan["applied"] is False
        copy = await held.ask("POST", "/api/backup", json={})
        assert copy.status == 200 and len(copy.body) > 1000
        assert not list(tmp_path.glob(".backup-*"))
        assert (await held.ask("GET", "/api/notices")).json == {"items": [], "next": None}


async def test_a_download_that_is_cut_off_does_not_end_as_if_it_were_whole(tmp_path):
    async with house(tmp_path) as held:
        sent, first = [], asyncio.Event()

        async def send(message):
            sent.append(message)
            if message["type"] == "http.response.body":
                first.set()
                await asyncio.Event().wait()  # a caller that reads no further

        asks = iter([{"type": "http.request", "body": b"", "more_body": False}])

        async def receive():
            return next(asks, None) or await asyncio.Event().wait()

        given = [(b"host", b"127.0.0.1:3000"), (b"authorization", f"Bearer {held.key}".encode())]
        request = Request("GET", b"/api/audit/export", b"", given, "127.0.0.1", receive)
        asked = asyncio.create_task(held.made.door.answer(request, Messages(send)))
        await first.wait()
        held.made.door.end_streams()  # what the start of draining does: a download has its time
        await asyncio.sleep(0)
        assert not asked.done()
        asked.cancel()  # and what its end does
        await asyncio.gather(asked, return_exceptions=True)
        assert [each.get("more_body", False) for each in sent[1:]] == [True]


async def test_lists_come_in_pages_without_gaps(tmp_path):
    async with house(tmp_path) as held:
        for number in range(5):
            text = f"TASK t{number}\n  RETURN {number}\n"
            assert (await held.ask("POST", "/api/tasks", json={"text": text})).status == 201
            await held.ask("POST", "/api/tasks/run", json={"task": f"t{number}"})
        for path, field in (("/api/tasks", "name"), ("/api/executions", "execution_id"), ("/api/audit", "seq")):
            whole = [each[field] for each in (await held.ask("GET", f"{path}?limit=200")).json["items"]]
            found, cursor = [], ""
            while True:
                page = (await held.ask("GET", f"{path}?limit=2&cursor={cursor}")).json
                found += [each[field] for each in page["items"]]
                if page["next"] is None:
                    break
                cursor = page["next"]
            assert found == whole and len(whole) >= 5
            for wrong in ("x", "e30", "bnVsbA", "A" * 900, "%22"):
                assert (await held.ask("GET", f"{path}?cursor={wrong}")).status == 400


async def test_a_simulation_answers_without_doing_anything(tmp_path):
    async with house(tmp_path) as held:
        text = "TASK sum\n  INPUT a integer\n  RETURN ADD(input.a, 1)\n"
        scenario = {"now": "2026-01-01T00:00:00Z", "input": {"a": 41}}
        reply = await held.ask("POST", "/api/simulate", json={"text": text, "scenario": scenario})
        assert reply.json["scenarios"][0]["output"] == 42, reply.body
        wrong = await held.ask("POST", "/api/simulate", json={"text": text, "scenario": {"nwo": 1}})
        assert (wrong.status, wrong.code) == (422, "bad_request")
        assert (await held.ask("GET", "/api/executions")).json["items"] == []


async def test_the_same_key_runs_a_task_once(tmp_path):
    async with house(tmp_path) as held:
        await held.ask("POST", "/api/tasks", json={"text": "TASK once\n  INPUT a integer\n  RETURN input.a\n"})
        headers = {"idempotency-key": "order-1"}
        body = {"task": "once", "input": {"a": 1}}
        first = await held.ask("POST", "/api/tasks/run", json=body, headers=headers)
        again = await held.ask("POST", "/api/tasks/run", json=body, headers=headers)
        assert first.json == again.json and again.headers["idempotency-replayed"] == "true"
        other = await held.ask("POST", "/api/tasks/run", json={"task": "once", "input": {"a": 2}}, headers=headers)
        assert other.code == "idempotency_mismatch"
        for wrong in ("", "a b", "x" * 256, "ü"):
            reply = await held.ask("POST", "/api/tasks/run", json=body, headers={"idempotency-key": wrong})
            assert (reply.status, reply.code) == (400, "malformed_header")


async def test_a_signed_webhook_takes_only_what_is_signed(tmp_path):
    async with house(tmp_path) as held:
        text = 'TASK signed\n  TRIGGER webhook("/signed")\n  RETURN trigger\n'
        assert (await held.ask("POST", "/api/tasks", json={"text": text})).status == 201
        hook = (await held.ask("GET", "/api/webhooks?task=signed")).json["items"][0]
        assert hook["scheme"] == "standard"
        for path in (f"/webhooks/{hook['id']}", "/hooks/signed", f"/api/webhooks/{hook['id']}", "/api/v1/hooks/signed"):
            reply = await held.ask("POST", path, key=None, json={"a": 1})
            assert reply.status == 401, path
        secret = (await held.ask("POST", f"/api/webhooks/{hook['id']}/secret", json={})).json["secret"]
        now = str(int(held.service.clock.now().timestamp()))
        body = b'{"a":1}'
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signature = base64.b64encode(hmac.digest(key, b"msg_1." + now.encode() + b"." + body, "sha256")).decode()
        headers = {
            "content-type": "application/json", "webhook-id": "msg_1", "webhook-timestamp": now,
            "webhook-signature": f"v1,{signature}",
        }  # fmt: skip
        taken = await held.ask("POST", "/hooks/signed", key=None, body=body, headers=headers)
        assert taken.status in (200, 202) and taken.json["execution_id"].startswith("exec_"), taken.body
        again = await held.ask("POST", "/hooks/signed", key=None, body=body, headers=headers)
        assert again.json["execution_id"] == taken.json["execution_id"]
        altered = await held.ask("POST", "/hooks/signed", key=None, body=b'{"a":2}', headers=headers)
        assert altered.status == 401
        assert secret.encode() not in (await held.ask("GET", "/api/webhooks")).body
