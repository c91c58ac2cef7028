"""Deliveries become durable runs, once; whatever is wrong with one is answered, and runs nothing."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac

import msgspec
import pytest

from eyeflow.engine.model import Busy
from eyeflow.store.port import Insert, Store, Update, Where
from eyeflow.store.records import DeliveryRecord, ExecutionRecord, SettingRecord, WebhookRecord, WorkRecord
from eyeflow.triggers.bodies import MAX_BYTES
from triggers.house import House, house, task

ECHO = task("echo", 'webhook("/echo", unsigned)')
TYPED = task("typed", 'webhook("/typed", {email: string, age?: integer, tags?: list<string>}, unsigned)')
SIGNED = task("signed", 'webhook("/signed")')
ANSWERS = """TASK answers
  TRIGGER webhook("/answers", unsigned)

  ACTION answer
    TYPE respond
    STATUS 201
    BODY {got: trigger.n}
"""


def standard(there: House, body: bytes, *, identity: str = "msg_1", at: int | None = None) -> dict[str, str]:
    """The headers of Standard Webhooks, made from the text of the specification."""
    reference = next(name for name in there.secrets if name.startswith("vault:webhook_"))
    secret = there.secrets[reference].part("token") or ""
    stamp = there.now // 1000 if at is None else at
    key = base64.b64decode(secret.removeprefix("whsec_"))
    value = hmac.new(key, f"{identity}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": identity, "webhook-timestamp": str(stamp), "content-type": "application/json",
        "webhook-signature": "v1," + base64.b64encode(value).decode(),
    }  # fmt: skip


async def test_acceptance_09_a_webhook_takes_any_json_and_answers_execution_and_status(store: Store):
    async with house(store) as there:
        await there.deploy(ECHO)
        for body in ({"a": 1}, [1, 2], "text", 7, None, True, {}, []):
            got = await there.receive("/echo", body)
            assert got.status == 202 and set(got.body) == {"execution_id", "status"}
            assert got.body["status"] == "queued" and got.body["execution_id"].startswith("exec_")
            assert await store.get(ExecutionRecord, got.body["execution_id"]) is not None  # on disk before the answer
        by_id = (await there.rows(WebhookRecord, "echo"))[0].id
        assert (await there.receive(by_id, {"b": 2})).status == 202
        ran = await there.executions("echo")
        assert [each.status for each in ran] == ["success"] * 9
        outputs = [each.result.output for each in ran]
        assert outputs[:2] == [{"a": 1}, {"body": [1, 2]}] and {"b": 2} in outputs and {"body": True} in outputs
        assert {"body": None} in outputs, "the JSON text `null` is a value"
        await there.receive("/echo", b"")
        assert (await there.outputs("echo"))[-1] == {}, "no body is no value"


async def test_acceptance_10_the_payload_is_the_input_of_the_task(store: Store):
    async with house(store) as there:
        text = task("hello", 'webhook("/hello", unsigned)', body='"Hello {input.name}"', inputs="  INPUT name string\n")
        await there.deploy(text)
        await there.receive("/hello", {"name": "Alice", "more": [1]})
        assert await there.outputs("hello") == ["Hello Alice"]
        refused = await there.receive("/hello", {"nam": "Alice"})
        assert refused.status == 400 and refused.error.code == "bad_input"
        assert await store.count(ExecutionRecord) == 1


async def test_declared_fields_are_checked_and_every_wrong_place_is_named():
    async with house() as there:
        await there.deploy(TYPED)
        got = await there.receive("/typed", {"age": "old", "tags": ["a", 2]})
        assert got.status == 400 and got.error.code == "bad_payload"
        assert [(p.code, p.place) for p in got.error.problems] == [
            ("missing_field", "trigger.email"), ("type_mismatch", "trigger.age"), ("type_mismatch", "trigger.tags[1]")
        ]  # fmt: skip
        assert (await there.receive("/typed", ["a@b.c"])).status == 400
        assert (await there.receive("/typed", {"email": "a@b.c", "age": 3, "tags": []})).status == 202
        assert await there.store.count(ExecutionRecord) == 1


async def test_a_form_and_a_query_become_what_is_declared():
    async with house() as there:
        await there.deploy(TYPED)
        form = {"content-type": "application/x-www-form-urlencoded"}
        assert (await there.receive("/typed", b"email=a%40b.c&age=41&x=+y", headers=form)).status == 202
        assert (await there.receive("/typed", b"email=a%40b.c&age=4.5", headers=form)).status == 400
        await there.deploy(task("asked", 'webhook("/asked", {n: integer, on?: boolean}, unsigned)'))
        row = (await there.rows(WebhookRecord, "asked"))[0]
        await there.store.write(Update(WebhookRecord, (("method", "GET"),), (Where("id", "=", row.id),)))
        there.webhooks.changed()
        assert (await there.receive("/asked", b"", method="GET", query="n=12&on=true")).status == 202
        assert (await there.receive("/asked", b"", method="POST")).status == 405
        assert await there.outputs("typed") == [{"email": "a@b.c", "age": 41, "x": " y"}]
        assert await there.outputs("asked") == [{"n": 12, "on": True}]


async def test_a_program_that_answers_the_sender_does_and_the_same_id_gets_the_same_answer(store: Store):
    async with house(store) as there:
        await there.deploy(ANSWERS)
        first = await there.receive("/answers", {"n": 1}, headers={"webhook-id": "d1"})
        assert (first.status, first.body) == (201, {"got": 1})
        again = await there.receive("/answers", {"n": 2}, headers={"webhook-id": "d1"})
        assert (again.status, again.body, again.executions) == (201, {"got": 1}, first.executions)
        assert await store.count(ExecutionRecord) == 1


async def test_a_sender_may_wait_for_the_end():
    async with house() as there:
        await there.deploy(ECHO)
        got = await there.receive("/echo", {"a": 1}, headers={"prefer": "respond-async, wait=2"})
        assert (got.status, got.body["status"]) == (200, "success")


async def test_the_same_delivery_many_times_at_once_is_one_run(store: Store):
    async with house(store) as there:
        await there.deploy(SIGNED)
        body = b'{"n": 1}'
        headers = standard(there, body)
        answers = await asyncio.gather(*(there.receive("/signed", body, headers=headers) for _ in range(20)))
        assert {each.executions for each in answers} == {answers[0].executions} and len(answers[0].executions) == 1
        there.pass_time(minutes=4)
        late = await there.receive("/signed", body, headers=headers)
        assert late.executions == answers[0].executions
        assert await store.count(ExecutionRecord) == 1
        other = standard(there, body, identity="msg_2")
        assert (await there.receive("/signed", body, headers=other)).executions != answers[0].executions


async def test_attack_signatures_that_are_missing_wrong_or_old_run_nothing():
    async with house() as there:
        await there.deploy(SIGNED)
        body = b'{"n": 1}'
        good = standard(there, body)
        # The first letter: the lowest bits of the last one are no part of the signature.
        version, signature = good["webhook-signature"].split(",")
        flipped = f"{version},{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"
        old, ahead = there.now // 1000 - 301, there.now // 1000 + 301
        attempts = [
            ({}, "unsigned_delivery"),
            ({**good, "webhook-signature": ""}, "unsigned_delivery"),
            ({**good, "webhook-signature": good["webhook-signature"].replace("v1", "v2")}, "bad_signature"),
            ({**good, "webhook-signature": flipped}, "bad_signature"),
            ({**good, "webhook-id": "other"}, "bad_signature"),
            (standard(there, body, at=old), "stale_delivery"),
            (standard(there, body, at=ahead), "stale_delivery"),
        ]
        for headers, code in attempts:
            got = await there.receive("/signed", body, headers=headers)
            assert (got.status, got.error.code, got.body) == (401, code, None)
        assert (await there.receive("/signed", body + b" ", headers=good)).error.code == "bad_signature"
        there.pass_time(seconds=301)
        assert (await there.receive("/signed", body, headers=good)).error.code == "stale_delivery"
        there.secrets[next(iter(there.secrets))] = type(there.secrets[next(iter(there.secrets))])((("token", ""),))
        there.webhooks.changed()
        got = await there.receive("/signed", body, headers=standard(there, body))
        assert (got.status, got.error.code) == (401, "no_webhook_secret")
        assert await there.store.count(ExecutionRecord) == 0 and await there.store.count(DeliveryRecord) == 0


BAD_BODIES = [
    b"", b"{", b'{"a":1}{"b":2}', b"NaN", b'{"a": Infinity}', b'{"a": -Infinity}', b"1e400", b'{"a": -1e999}',
    b'{"a":1,"a":2}', b'[{"b":{"c":1,"c":1}}]', b'"\\ud800"', b'{"\\uDFFF":1}', b"\xef\xbb\xbf{}",
    b"\xff\xfe{\x00}\x00",
    b'{"a": "\xc3\x28"}', b"[" * 100_000, b'{"a":' * 100_000, b"[" * 65 + b"]" * 65, b"1" * 5_000, b"{'a': 1}",
    b'{"a": 01}', b'{"a": 1,}', b"\x00", b"undefined",
]  # fmt: skip


@pytest.mark.parametrize("body", BAD_BODIES, ids=lambda body: repr(body[:20]))
async def test_attack_bodies_that_are_not_json_are_400(body: bytes):
    async with house() as there:
        await there.deploy(TYPED)
        got = await there.receive("/typed", body)
        assert got.status == 400 and got.error.code in ("bad_json", "bad_payload")
        assert await there.store.count(ExecutionRecord) == 0


async def test_attack_sizes_types_and_encodings():
    async with house() as there:
        await there.deploy(ECHO)
        huge = await there.receive("/echo", b'"' + b"a" * MAX_BYTES + b'"')
        assert (huge.status, huge.error.code) == (413, "payload_too_large")
        for headers in ({"content-type": "application/xml"}, {"content-type": "multipart/form-data; boundary=x"},
                        {"content-encoding": "gzip"}, {"content-type": "text/html"}):  # fmt: skip
            assert (await there.receive("/echo", b"{}", headers=headers)).status == 415
        text = await there.receive("/echo", b"hello", headers={"content-type": "text/plain; charset=utf-8"})
        assert text.status == 202 and await there.outputs("echo") == [{"body": "hello"}]
        form = {"content-type": "application/x-www-form-urlencoded"}
        assert (await there.receive("/echo", b"&".join([b"a=1"] * 1_001), headers=form)).status == 400
        many = b"{" + b",".join(b'"k%d":1' % n for n in range(60_000)) + b"}"
        assert (await there.receive("/echo", many)).error.code == "bad_input"  # more than the program may hold
        sly = await there.receive("/echo", b'{"__proto__": {"x": 1}, "constructor": "{{7*7}} ${x} {0.__class__}"}')
        assert sly.status == 202
        assert (await there.outputs("echo"))[-1]["constructor"] == "{{7*7}} ${x} {0.__class__}"


async def test_attack_addresses():
    async with house() as there:
        await there.deploy(ECHO)
        for name in ("", "/", "/echo/", "//echo", "/ECHO", "/echo/..", "/x/../echo", "/%65cho", "/echo\x00", "/echö",
                     "undefined", "null", "hook_nope", "events-", "events-nobody", "/" + "a" * 5_000):  # fmt: skip
            got = await there.receive(name, {})
            assert (got.status, got.error.code) == (404, "unknown_webhook"), name
        got = await there.receive("/echo", {}, method="PUT")
        assert (got.status, got.error.code) == (405, "wrong_method")


async def test_a_paused_webhook_is_left_to_its_sender_and_a_busy_engine_too():
    async with house() as there:
        await there.deploy(ECHO)
        await there.store.write(Update(WebhookRecord, (("state", "paused"),), (Where("path", "=", "/echo"),)))
        there.webhooks.changed()
        got = await there.receive("/echo", {})
        assert (got.status, got.error.code) == (503, "webhook_paused")
        await there.store.write(Update(WebhookRecord, (("state", "live"),), (Where("path", "=", "/echo"),)))
        there.webhooks.changed()
        there.engine._running.draining = True
        got = await there.receive("/echo", {})
        there.engine._running.draining = False
        assert got.status == 503 and isinstance(got.error, Busy)
        assert await there.store.count(WorkRecord) == 0


async def test_a_deploy_by_another_process_is_seen():
    async with house() as there:
        await there.deploy(ECHO)
        assert (await there.receive("/echo", {})).status == 202
        row = (await there.rows(WebhookRecord, "echo"))[0]
        moved = msgspec.structs.replace(row, path="/moved")
        await there.store.write(
            Insert(moved, "replace"), Insert(SettingRecord(name="generation", value=b'"x"', updated_ms=0), "replace")
        )
        there.pass_time(milliseconds=60)
        assert (await there.receive("/echo", {})).status == 404
        assert (await there.receive("/moved", {})).status == 202


async def test_what_the_filter_refuses_is_accepted_and_runs_nothing():
    async with house() as there:
        text = task("big", 'webhook("/big", {n: integer}, unsigned)\n    WHERE GT(trigger.n, 10)')
        await there.deploy(text)
        assert (await there.receive("/big", {"n": 10})).status == 204
        assert (await there.receive("/big", {"n": 11})).status == 202
        loose = task("loose", 'webhook("/loose", unsigned)\n    WHERE GT(COALESCE(TO_NUMBER(trigger.n), 0), 10)')
        await there.deploy(loose)
        got = await there.receive("/loose", {"n": "many"})
        assert (got.status, got.error.code) == (400, "bad_payload")
        assert await there.store.count(ExecutionRecord) == 1
