"""Events of providers by webhook: Slack's handshake, names for ids, one address for many tasks, replays."""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import urlencode

import msgspec

from eyeflow.store.records import ExecutionRecord, WebhookRecord
from triggers.house import House, house, script_of, task

GITHUB = task("triage", 'event(github.star, {repo: "acme/site"})', body="trigger.user")
SLACK = task("ops", 'event(team.new_message, {channel: "#ops"})', body='"{trigger.channel}: {trigger.text}"')
STRIPE = task("paid", "event(stripe.payment_succeeded, {})\n    WHERE GT(trigger.amount, 1000)", body="trigger.id")
SMS = task("texted", 'event(phone.sms_received, {from: "+15550100"})', body="trigger.body")


def star(user: str, repo: str = "acme/site") -> bytes:
    return msgspec.json.encode(
        {"action": "created", "repository": {"full_name": repo, "stargazers_count": 2, "html_url": "https://github.com"},
         "sender": {"login": user}}
    )  # fmt: skip


def github(there: House, body: bytes, delivery: str = "d-1", event: str = "star") -> dict[str, str]:
    secret = there.secrets["vault:signing_github"].part("token") or ""
    value = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"x-hub-signature-256": f"sha256={value}", "x-github-delivery": delivery, "x-github-event": event}


def slack(there: House, body: bytes) -> dict[str, str]:
    stamp = str(there.now // 1000)
    value = hmac.new(b"slack secret", f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={value}"}


def message(event: str, channel: str, text: str) -> bytes:
    inner = {"type": "message", "user": "U1", "channel": channel, "text": text, "ts": "1.2"}
    return msgspec.json.encode({"type": "event_callback", "event_id": event, "event": inner})


async def test_a_secret_is_made_for_github_and_a_delivery_runs_once_even_under_another_id():
    async with house() as there:
        await there.connect("github", "github", token="t")
        planned = await there.deploy(GITHUB)
        [made] = planned.made
        assert (made.name, made.path) == ("signing_github", "/webhooks/events-github")
        assert "https://hooks.example.org/webhooks/events-github" in planned.notes[0].message
        body = star("ann")
        got = await there.receive("events-github", body, headers=github(there, body))
        assert got.status == 202 and len(got.body["executions"]) == 1
        replayed = await there.receive("events-github", body, headers=github(there, body, delivery="forged"))
        assert replayed.executions == got.executions
        other = star("bob")
        assert (await there.receive("events-github", other, headers=github(there, body))).status == 401
        await there.receive("events-github", other, headers=github(there, other, "d-2"))
        assert await there.outputs("triage") == ["ann", "bob"]


async def test_other_events_other_repositories_and_pings_run_nothing():
    async with house() as there:
        await there.connect("github", "github", token="t")
        await there.deploy(GITHUB)
        for body, event in ((star("x"), "issues"), (b'{"zen": "Keep it simple"}', "ping"), (star("x", "a/b"), "star")):
            assert (await there.receive("events-github", body, headers=github(there, body, event=event))).status == 204
        assert await there.store.count(ExecutionRecord) == 0


async def test_github_may_send_its_json_in_a_form():
    async with house() as there:
        await there.connect("github", "github", token="t")
        await there.deploy(GITHUB)
        body = urlencode({"payload": star("ann").decode()}).encode()
        headers = {**github(there, body), "content-type": "application/x-www-form-urlencoded"}
        assert (await there.receive("events-github", body, headers=headers)).status == 202
        assert await there.outputs("triage") == ["ann"]


async def test_slack_shakes_hands_and_a_channel_is_known_by_its_name():
    async with house(script=script_of(slack_notify__find_channel=[{"id": "C42", "name": "ops"}])) as there:
        await there.connect("team", "slack_notify", token="xoxb")
        planned = await there.deploy(SLACK)
        assert planned.notes[0].hint == "copy its signing secret: eyeflow secrets set signing_team"
        hello = msgspec.json.encode({"type": "url_verification", "challenge": "3eZbrw1a"})
        unknown = await there.receive("events-team", hello, headers=slack(there, hello))
        assert (unknown.status, unknown.error.code) == (401, "no_webhook_secret")
        await there.keep("signing_team", "slack secret")
        there.webhooks.changed()
        got = await there.receive("events-team", hello, headers=slack(there, hello))
        assert (got.status, got.body) == (200, {"challenge": "3eZbrw1a"})
        assert (await there.receive("events-team", hello)).status == 401
        for event, channel, text in (("E1", "C42", "fire"), ("E1", "C42", "fire"), ("E2", "C7", "lunch")):
            body = message(event, channel, text)
            await there.receive("events-team", body, headers=slack(there, body))
        assert await there.outputs("ops") == ["#ops: fire"]


async def test_one_address_serves_every_task_of_a_connection_and_survives_a_redeploy():
    async with house(script=script_of(slack_notify__find_channel=[{"id": "C42", "name": "ops"}])) as there:
        await there.connect("team", "slack_notify", token="xoxb")
        await there.keep("signing_team", "slack secret")
        await there.deploy(SLACK)
        second = SLACK.replace("TASK ops", "TASK second").replace(', {channel: "#ops"}', ", {}")
        await there.deploy(second)
        before = (await there.rows(WebhookRecord, "ops"))[0]
        await there.deploy(SLACK.replace("{trigger.channel}: ", "{trigger.channel}! "))
        after = (await there.rows(WebhookRecord, "ops"))[0]
        assert (before.id, before.version, after.id, after.version) == (after.id, 1, before.id, 2)
        body = message("E1", "C42", "fire")
        got = await there.receive("events-team", body, headers=slack(there, body))
        assert len(got.executions) == 2
        assert await there.outputs("ops") == ["#ops! fire"] and await there.outputs("second") == ["C42: fire"]


async def test_stripe_filters_by_the_amount():
    async with house() as there:
        await there.connect("stripe", "stripe", token="sk")
        await there.deploy(STRIPE)
        await there.keep("signing_stripe", "whsec_given_by_stripe")
        there.webhooks.changed()
        for number, amount in enumerate((5_000, 900, 5_000)):
            charge = {"id": f"ch_{number}", "amount": amount, "currency": "usd"}
            event = {"id": f"evt_{number % 2}", "type": "charge.succeeded", "data": {"object": charge}}
            body, stamp = msgspec.json.encode(event), there.now // 1000
            value = hmac.new(b"whsec_given_by_stripe", f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
            await there.receive("events-stripe", body, headers={"stripe-signature": f"t={stamp},v1={value}"})
        assert await there.outputs("paid") == ["ch_0"]


async def test_twilio_signs_with_the_password_of_the_account():
    async with house() as there:
        await there.connect("phone", "sms", username="AC1", password="auth token")
        await there.deploy(SMS)
        for sender, sid in (("+15550100", "SM1"), ("+15550199", "SM2")):
            fields = {"MessageSid": sid, "From": sender, "To": "+15550111", "Body": "call me"}
            body = urlencode(fields).encode()
            text = "https://hooks.example.org/webhooks/events-phone" + "".join(k + fields[k] for k in sorted(fields))
            value = base64.b64encode(hmac.new(b"auth token", text.encode(), hashlib.sha1).digest()).decode()
            headers = {"x-twilio-signature": value, "content-type": "application/x-www-form-urlencoded"}
            await there.receive("events-phone", body, headers=headers, target="/webhooks/events-phone")
            moved = await there.receive("events-phone", body, headers=headers, target="/webhooks/events-other")
            assert moved.status == 401
        assert await there.outputs("texted") == ["call me"]
