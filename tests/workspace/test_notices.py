"""People are told, once, in words they can act on."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import timedelta

import msgspec
import pytest

from eyeflow.connectors.port import ConnectorConfig, Credential
from eyeflow.connectors.transport import HttpResponse, ScriptedTransport
from eyeflow.engine.model import Principal
from eyeflow.errors import CallError
from eyeflow.events import cloud_event
from eyeflow.store.port import Insert, Update, Where
from eyeflow.store.records import (
    ApprovalRecord,
    ExecutionRecord,
    NoticeRecord,
    ScheduleRecord,
    SecretRecord,
    UseRecord,
)
from eyeflow.svm.outcome import FAILED_TOPIC
from eyeflow.triggers.port import DidNotRun
from eyeflow.values import Value
from eyeflow.workspace.connections import NewConnection
from eyeflow.workspace.errors import Invalid
from eyeflow.workspace.keys import NewKey
from eyeflow.workspace.notices.ending import ending
from eyeflow.workspace.notices.texts import plain
from eyeflow.workspace.profiles import ProfileView
from eyeflow.workspace.settings import NoticeSettings, NoticeTarget, WorkspaceSettings
from eyeflow.workspace.writing import now_ms
from workspace.house import ANA, HELLO, VIC, House


class Post:
    """A mail driver that keeps what it is given; `fails` is raised instead, first ones first."""

    def __init__(self) -> None:
        self.sent: list[Mapping[str, Value]] = []
        self.keys: list[str | None] = []
        self.fails: list[CallError] = []

    async def initialize(self, config: ConnectorConfig) -> None:
        del config

    async def call(self, method: str, params: Mapping[str, Value], *, key: str | None = None) -> Value:
        assert method == "send"
        if self.fails:
            raise self.fails.pop(0)
        self.sent.append(params)
        self.keys.append(key)
        return {"ok": True}

    async def cleanup(self) -> None:
        pass


@pytest.fixture
async def post(house: House) -> Post:
    """Ana has an e-mail account, an address, and a task called hello."""
    driver = Post()
    house.drivers["smtp"] = lambda: driver
    settings = {"host": "mail.acme.io", "from": "eyeflow@acme.io"}
    await house.workspace.connections.add(ANA, NewConnection(name="mail", service="email", settings=settings))
    await house.workspace.profiles.put(ANA, ProfileView(me={"email": "ana@acme.io"}))
    await house.deploy()
    return driver


async def ran(
    house: House, name: str, status: str = "failed", *, error: str = "boom", code: str = "unavailable"
) -> None:
    task = await house.workspace.tasks.get(ANA, "hello")
    at = now_ms(house.clock)
    ended = None if status == "success" else code
    row = ExecutionRecord(
        id=name, task_id=task.id, task="hello", version=1, digest="d", status=status, error_code=ended, error=error,
        created_ms=at, finished_ms=at,
    )  # fmt: skip
    await house.store.write(Insert(row, "replace"))
    if status == "failed":
        event = cloud_event(f"{name}.end", FAILED_TOPIC, source="/tasks/hello", at=house.clock.now(), subject=name,
                            data={"execution_id": name, "task": "hello"})  # fmt: skip
        await house.workspace.notices.raising.handle(event)
        await house.workspace.notices.raising.handle(event)


async def rounds(house: House, minutes: int = 1) -> None:
    """Time passes and the keeper does all its parts."""
    house.clock.advance(timedelta(minutes=minutes))
    house.workspace.notices._next.clear()
    for _ in range(3):
        await house.workspace.notices.round()


async def test_a_failed_run_is_told_with_cause_and_a_way_out(house: House, post: Post):
    await ran(house, "exec_1", error="OpenWeather does not answer", code="unavailable")
    await rounds(house)
    assert len(post.sent) == 1
    assert post.sent[0]["to"] == "ana@acme.io" and post.sent[0]["subject"] == "hello failed"
    body = str(post.sent[0]["body"])
    for part in ("hello failed", "OpenWeather does not answer", "What to do: The service did not answer", "exec_1"):
        assert part in body
    view = (await house.workspace.notices.page(VIC))[0]
    assert (view.state, view.count, view.closed) == ("sent", 1, False)


async def test_one_notice_for_an_incident_and_the_news_that_it_is_over(house: House, post: Post):
    for number in range(5):
        await ran(house, f"exec_{number}")
        await rounds(house)
    assert [each["subject"] for each in post.sent] == ["hello failed"]
    assert (await house.workspace.notices.page(VIC))[0].count == 5
    await ran(house, "exec_9", "success")
    await rounds(house)
    assert [each["subject"] for each in post.sent] == ["hello failed", "hello works again"]
    await ran(house, "exec_10")
    await rounds(house)
    assert [each["subject"] for each in post.sent][2:] == ["hello failed"]


async def test_the_rest_comes_in_a_digest(house: House, post: Post):
    await rounds(house)
    for number in range(4):
        await ran(house, f"exec_{number}")
        await rounds(house)
    await rounds(house, 25 * 60)
    assert [each["subject"] for each in post.sent] == ["hello failed", "EyeFlow: 3 more since the last notices"]
    assert "hello: failed 3 more times" in str(post.sent[1]["body"])
    await rounds(house, 25 * 60)
    assert len(post.sent) == 2


async def test_what_did_not_run_is_told(house: House, post: Post):
    task = await house.workspace.tasks.get(ANA, "hello")
    due = now_ms(house.clock)
    ops = house.workspace.notices.raising.did_not_run(
        DidNotRun(task_id=task.id, source_id="s1", why="missed", instants=(due,))
    )
    await house.store.write(*ops)
    await rounds(house)
    assert post.sent[0]["subject"] == "hello did not run" and "Mon 23 Nov 2026 08:00" in str(post.sent[0]["body"])
    skipped = DidNotRun(task_id=task.id, source_id="s1", why="skipped")
    assert house.workspace.notices.raising.did_not_run(skipped) == ()


async def test_a_schedule_that_nobody_fires_is_told_once(house: House, post: Post):
    task = await house.workspace.tasks.get(ANA, "hello")
    row = ScheduleRecord(
        id="s1", task_id=task.id, version=1, trigger=0, spec=b"{}", next_ms=now_ms(house.clock) - 3_600_000
    )
    await house.store.write(Insert(row))
    for _ in range(3):
        await rounds(house)
    assert [each["subject"] for each in post.sent] == ["hello did not run"]
    assert (await house.workspace.notices.page(VIC))[0].count == 1


@pytest.mark.parametrize(("kind", "subject"), [("approval", "waits for approval"), ("uncertain", "nobody knows")])
async def test_a_question_in_a_run_is_told_and_closed_when_it_is_answered(
    house: House, post: Post, kind: str, subject: str
):
    task = await house.workspace.tasks.get(ANA, "hello")
    row = ApprovalRecord(
        id="ask_1", execution_id="exec_1", task_id=task.id, action="refund", kind=kind, role="approver",
        message="Refund 20 EUR?", asked_ms=now_ms(house.clock),
    )  # fmt: skip
    await house.store.write(Insert(row))
    await rounds(house)
    await rounds(house)
    assert len(post.sent) == 1 and subject in str(post.sent[0]["subject"])
    assert "refund" in str(post.sent[0]["body"])
    await house.store.write(Update(ApprovalRecord, (("state", "approved"),), (Where("id", "=", "ask_1"),)))
    await rounds(house)
    assert (await house.workspace.notices.page(VIC))[0].closed


async def test_a_receiver_that_does_not_answer_is_tried_again_later_with_the_same_key(house: House, post: Post):
    post.fails = [CallError("transient", "unavailable", "mail is down")] * 2
    await ran(house, "exec_1")
    await rounds(house)
    view = (await house.workspace.notices.page(VIC))[0]
    assert post.sent == [] and view.state == "waiting" and "mail is down" in view.error
    await rounds(house, 2)
    await rounds(house, 10)
    assert len(post.sent) == 1 and post.keys == [view.id]


async def test_a_notice_that_cannot_be_delivered_makes_no_notice(house: House, post: Post):
    post.fails = [CallError("permanent", "refused", "no such mailbox")] * 10
    await ran(house, "exec_1")
    for _ in range(3):
        await rounds(house, 60)
    rows = await house.store.find(NoticeRecord, Where("state", "!=", "taken"))
    assert [(row.kind, row.state) for row in rows] == [("failed", "undeliverable")]


async def test_it_gives_up_after_six_attempts(house: House, post: Post):
    post.fails = [CallError("transient", "unavailable", "down")] * 20
    await ran(house, "exec_1")
    for _ in range(8):
        await rounds(house, 13 * 60)
    view = (await house.workspace.notices.page(VIC))[-1]
    assert (view.state, view.attempts) == ("undeliverable", 6)


async def test_without_anybody_to_reach_it_is_kept_for_the_dashboard(house: House):
    await house.deploy()
    await ran(house, "exec_1")
    await rounds(house)
    assert [view.state for view in await house.workspace.notices.page(VIC)] == ["kept"]


async def test_switched_off_nobody_is_told(house: House, post: Post):
    await house.workspace.settings.put(ANA, WorkspaceSettings(notices=NoticeSettings(enabled=False)))
    await ran(house, "exec_1")
    await rounds(house)
    assert post.sent == [] and await house.workspace.notices.page(VIC) == ()


async def test_practice_and_parts_of_other_runs_are_not_told(house: House, post: Post):
    await ran(house, "exec_1")
    for change in (("practice", True), ("parent", "exec_0")):
        await house.store.write(Update(ExecutionRecord, (change,), (Where("id", "=", "exec_1"),)))
        event = cloud_event("again", FAILED_TOPIC, source="/t", at=house.clock.now(), data={"execution_id": "exec_1"})
        await house.workspace.notices.raising.handle(event)
    assert await house.store.count(NoticeRecord) == 1


async def test_slack_gets_no_mark_up_from_data(house: House, post: Post):
    transport = ScriptedTransport([HttpResponse(status=200, headers=(), body=b'{"ok": true}')])
    house.transport = transport
    house.secrets["vault:slack"] = Credential((("token", "xoxb-1"),))
    await house.workspace.connections.add(ANA, NewConnection(name="s", service="slack", credential="vault:slack"))
    target = NoticeTarget(channel="slack", connection="s", to="#ops")
    await house.workspace.settings.put(ANA, WorkspaceSettings(notices=NoticeSettings(to=(target,))))
    await ran(house, "exec_1", error="<!channel> *hi*\n\x1b[31m <https://evil.example|click>")
    await rounds(house)
    body = msgspec.json.decode(transport.sent[0].body or b"{}")
    assert body["channel"] == "#ops" and "<" not in body["text"].replace("&lt;", "") and "\x1b" not in body["text"]
    assert post.sent == []


async def test_a_webhook_is_signed_over_the_bytes_that_are_sent(house: House, post: Post):
    transport = ScriptedTransport(
        [HttpResponse(status=500, headers=(), body=b""), HttpResponse(status=204, headers=(), body=b"")]
    )
    house.transport = transport
    key = b"0123456789abcdef0123456789abcdef"
    house.secrets["vault:sign"] = Credential((("token", "whsec_" + base64.b64encode(key).decode()),))
    await house.workspace.connections.add(ANA, NewConnection(name="out", service="http", hosts=("hooks.acme.io",)))
    target = NoticeTarget(channel="webhook", connection="out", to="https://hooks.acme.io/in", secret="vault:sign")
    await house.workspace.settings.put(ANA, WorkspaceSettings(notices=NoticeSettings(to=(target,))))
    await ran(house, "exec_1")
    await rounds(house)
    await rounds(house, 2)
    assert len(transport.sent) == 2
    request = transport.sent[1]
    headers = {name.lower(): value for name, value in request.headers}
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + (request.body or b"")
    expected = base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert msgspec.json.decode(request.body or b"")["execution_id"] == "exec_1"
    assert (await house.workspace.notices.page(VIC))[0].state == "sent"


@pytest.mark.parametrize(
    "target",
    [
        NoticeTarget(channel="webhook", connection="out", to="http://x", secret="vault:s"),
        NoticeTarget(channel="webhook", connection="out", to="https://x"),
        NoticeTarget(channel="email", connection="mail", to="nobody"),
        NoticeTarget(channel="email", connection="mail", to="a@b\r\nBcc: c@d"),
        NoticeTarget(channel="email", connection="", to="a@b"),
    ],
)
async def test_receivers_that_cannot_be_are_refused(house: House, target: NoticeTarget):
    with pytest.raises(Invalid) as stopped:
        await house.workspace.settings.put(ANA, WorkspaceSettings(notices=NoticeSettings(to=(target,))))
    assert stopped.value.code == "bad_setting"


async def test_a_key_for_some_tasks_sees_notices_of_these(house: House, post: Post):
    await ran(house, "exec_1")
    await rounds(house)
    limited = Principal(id="x", role="viewer", tasks=frozenset({"other"}))
    assert await house.workspace.notices.page(limited) == ()


async def test_a_key_for_some_tasks_gets_whole_pages(house: House, post: Post):
    await house.deploy(HELLO.replace("TASK hello", "TASK other"))
    own = await house.workspace.tasks.get(ANA, "hello")
    other = await house.workspace.tasks.get(ANA, "other")
    for number in range(6):
        row = NoticeRecord(
            id=f"ntc_{number}", incident=f"i{number}", kind="failed", task_id=(own if number % 2 else other).id,
            recipient="", text=b'{"kind":"failed","subject":"s","body":"b","task":"hello"}', state="kept",
            created_ms=number,
        )  # fmt: skip
        await house.store.write(Insert(row))
    limited = Principal(id="x", role="viewer", tasks=frozenset({"hello"}))
    assert [each.id for each in await house.workspace.notices.page(limited, limit=3)] == ["ntc_5", "ntc_3", "ntc_1"]


async def test_an_api_key_that_ends_soon_is_told_once_and_no_more_when_it_is_revoked(house: House, post: Post):
    made = await house.workspace.keys.create(ANA, NewKey(name="ci", role="runner", days=60))
    short = await house.workspace.keys.create(ANA, NewKey(name="today", role="runner", days=1))
    await rounds(house)
    assert post.sent == []
    await rounds(house, 54 * 24 * 60)
    await rounds(house, 60)
    assert [each["subject"] for each in post.sent] == ["The API key ci ends soon"]
    assert "Fri 22 Jan 2027 08:00 UTC" in str(post.sent[0]["body"])
    assert made.token not in str(post.sent) and short.key.id
    assert [each.closed for each in await house.workspace.notices.page(ANA)] == [False]
    await house.workspace.keys.revoke(ANA, made.key.id)
    await rounds(house)
    assert [each.closed for each in await house.workspace.notices.page(ANA)] == [True]


async def test_a_sign_in_that_cannot_renew_itself_is_told_before_it_ends(house: House, post: Post):
    await house.workspace.connections.add(ANA, NewConnection(name="s", service="slack", credential="vault:s"))
    at, day = now_ms(house.clock), 86_400_000
    secret = SecretRecord(name="s", sealed=b"", wrapped=b"", kek="k", version=1, created_by="ana", created_ms=at)
    await house.store.write(Insert(secret), ending("s", 1, at + 60 * day, at))
    await rounds(house, 24 * 60)
    assert post.sent == []
    await rounds(house, 54 * 24 * 60)
    assert [each["subject"] for each in post.sent] == ["The sign-in of s ends soon"]
    assert "eyeflow connectors connect s" in str(post.sent[0]["body"])
    await house.store.write(Update(SecretRecord, (("version", 2),), (Where("name", "=", "s"),)))
    await rounds(house)
    assert [each.closed for each in await house.workspace.notices.page(ANA)] == [True], "it was replaced"


async def test_a_task_that_its_catalog_left_behind_is_told_until_it_is_deployed_again(house: House, post: Post):
    task = (await house.workspace.tasks.get(ANA, "hello")).id
    slack = house.catalog.service("slack_notify")
    assert slack is not None
    use = UseRecord(task_id=task, connection="s", service="slack_notify", effect="write", pinned=slack.digest)
    await house.store.write(Insert(use))
    await rounds(house, 10)
    assert post.sent == []
    before = Where("task_id", "=", task)
    await house.store.write(Update(UseRecord, (("pinned", "of long ago"),), (before,)))
    for _ in range(3):
        await rounds(house, 10)
    assert [each["subject"] for each in post.sent] == ["hello cannot run any more as it was approved"]
    assert "slack_notify is described differently now" in str(post.sent[0]["body"])
    await house.store.write(Update(UseRecord, (("pinned", slack.digest),), (before,)))
    await rounds(house, 10)
    assert [each.closed for each in await house.workspace.notices.page(ANA)] == [True]


async def test_an_answer_that_does_not_fit_its_description_is_said_so(house: House, post: Post):
    await ran(house, "exec_1", error="current_weather answered without main.temp", code="bad_response")
    await rounds(house)
    assert post.sent[0]["subject"] == "hello failed: a service answers differently"
    assert "mend the service's file" in str(post.sent[0]["body"])


async def test_one_process_tells(house: House, post: Post):
    await house.workspace.notices.start("one")
    await house.workspace.notices.drain()
    assert house.workspace.notices.alive


def test_texts_from_data_are_one_plain_line():
    assert plain("a\n\x1b[31mb\u202ec" + "x" * 900, 20) == "a [31mb cxxxxxxxxxx…"
    assert HELLO
