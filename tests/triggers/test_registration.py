"""What a deploy registers, what it keeps, and what it refuses: all or none."""

from __future__ import annotations

import msgspec
import pytest

from eyeflow.store.port import Conflict, Store, Update, Where
from eyeflow.store.records import PollRecord, ScheduleRecord, SubscriptionRecord, WebhookRecord
from eyeflow.triggers.port import TriggerError
from triggers.house import House, house, script_of, task
from triggers.world import ms

DAILY = task("daily", 'schedule(09:00, daily, "Europe/Paris")')
HOOK = task("hooked", 'webhook("/orders")')
ISSUES = task("issues", 'event(github.issue_opened, {repo: "acme/site"})')
SOLD = task("sold", 'event(stall.sold, {since: "2026"})')
ALL = (ScheduleRecord, WebhookRecord, PollRecord, SubscriptionRecord)


async def refused(there: House, text: str) -> TriggerError:
    with pytest.raises(TriggerError) as raised:
        await there.deploy(text)
    for table in ALL:
        rows = await there.store.find(table)
        assert [row for row in rows if row.task_id == "task_bad"] == []
    return raised.value


async def test_a_schedule_waits_for_its_next_instant():
    async with house() as there:
        await there.deploy(DAILY)
        [row] = await there.rows(ScheduleRecord, "daily")
        assert (row.next_ms, row.missed, row.overlap) == (ms("2026-11-24T08:00"), "run_once", "skip")
        await there.deploy(task("daily", 'schedule(09:00, daily, "Europe/Paris") MISSED skip OVERLAP queue'))
        [again] = await there.rows(ScheduleRecord, "daily")
        assert (again.id, again.version, again.missed, again.overlap) == (row.id, 2, "skip", "queue")


async def test_a_redeploy_at_the_instant_itself_does_not_lose_it():
    async with house() as there:
        await there.deploy(DAILY)
        there.pass_time(hours=24)  # due at this very moment, and not fired yet
        await there.deploy(DAILY.replace("trigger\n", 'CONCAT("at ", TO_STRING(trigger.at))\n'))
        [row] = await there.rows(ScheduleRecord, "daily")
        assert row.next_ms == ms("2026-11-24T08:00")
        await there.deploy(task("daily", 'schedule(10:00, daily, "Europe/Paris")'))
        [row] = await there.rows(ScheduleRecord, "daily")
        assert row.next_ms == ms("2026-11-24T09:00")


async def test_several_triggers_change_places_and_go():
    async with house() as there:
        both = DAILY.replace("\n\n", '\n  TRIGGER schedule(18:00, daily, "UTC")\n  TRIGGER topic("orders.paid")\n\n', 1)
        await there.deploy(both)
        rows = {row.next_ms: row for row in await there.rows(ScheduleRecord, "daily")}
        await there.deploy(task("daily", 'schedule(18:00, daily, "UTC")'))
        [left] = await there.rows(ScheduleRecord, "daily")
        assert (left.id, left.trigger) == (rows[ms("2026-11-23T18:00")].id, 0)
        assert await there.rows(SubscriptionRecord, "daily") == []


async def test_a_moment_that_is_past_never_fires():
    async with house() as there:
        await there.deploy(task("late", 'once("2026-11-22T17:00", "UTC")'))
        [row] = await there.rows(ScheduleRecord, "late")
        assert row.next_ms is None


async def test_a_webhook_keeps_its_id_and_secret_and_gets_one_that_is_shown_once():
    async with house() as there:
        first = await there.deploy(HOOK)
        [row] = await there.rows(WebhookRecord, "hooked")
        [made] = first.made
        assert made.secret.startswith("whsec_") and row.secret == f"vault:{made.name}" and made.path == "/hooks/orders"
        again = await there.deploy(HOOK.replace('"/orders"', '"/orders", {a: string}'))
        [kept] = await there.rows(WebhookRecord, "hooked")
        assert again.made == () and (kept.id, kept.secret, kept.version) == (row.id, row.secret, 2)
        assert kept.fields != row.fields
        moved = await there.deploy(HOOK.replace("/orders", "/sales"))
        [new] = await there.rows(WebhookRecord, "hooked")
        assert new.id != row.id and len(moved.made) == 1


async def test_a_webhook_is_unsigned_only_when_the_program_says_so():
    async with house() as there:
        planned = await there.deploy(task("open", 'webhook("/open", unsigned)'))
        [row] = await there.rows(WebhookRecord, "open")
        assert (row.scheme, row.secret, planned.made) == ("unsigned", None, ())
        closed = await there.deploy(task("open", 'webhook("/open")'))
        [row] = await there.rows(WebhookRecord, "open")
        assert row.scheme == "standard" and row.secret == f"vault:{closed.made[0].name}"


async def test_a_path_belongs_to_one_task(store: Store):
    async with house(store) as there:
        await there.deploy(HOOK)
        error = await refused(there, task("bad", 'webhook("/orders")'))
        assert (error.code, error.status) == ("path_taken", 409) and "hooked" in error.message
        program = there.program(task("bad", 'webhook("/orders")').replace("/orders", "/other"))
        planned = await there.registrar.plan(
            "task_bad", 1, program, catalog=there.catalog, connections=(), created_by="x", now_ms=there.now
        )
        await there.deploy(task("hooked", 'webhook("/other")'))  # somebody was faster
        with pytest.raises(Conflict):
            await store.write(*planned.ops)


async def test_without_an_address_on_the_internet_an_event_is_polled_or_refused():
    async with house(public_url=None) as there:
        await there.connect("github", "github", token="t")
        await there.connect("stripe", "stripe", token="t")
        await there.deploy(ISSUES)
        [row] = await there.rows(PollRecord, "issues")
        assert (row.service, row.event, row.connection, row.cursor) == ("github", "issue_opened", "github", None)
        assert msgspec.json.decode(row.params) == {"repo": "acme/site"} and row.every_ms == 60_000
        error = await refused(there, task("bad", "event(stripe.payment_succeeded, {})"))
        assert error.code == "needs_public_url" and "public_url" in error.hint
        planned = await there.deploy(HOOK)
        assert [note.code for note in planned.notes] == ["not_reachable"]


async def test_with_an_address_an_event_comes_by_webhook_once_somebody_has_set_it_up():
    async with house() as there:
        await there.connect("github", "github", token="t")
        await there.deploy(ISSUES)
        assert len(await there.rows(PollRecord, "issues")) == 1
        await there.keep("signing_github", "chosen by hand")
        await there.deploy(ISSUES)
        assert await there.rows(PollRecord, "issues") == []
        [row] = await there.rows(WebhookRecord, "issues")
        assert (row.scheme, row.secret) == ("github_sha256", "vault:signing_github")


async def test_an_event_without_a_source_or_with_an_unknown_name_is_refused_and_nothing_is_registered():
    async with house(script=script_of(slack_notify__find_channel=[{"name": "nope"}])) as there:
        await there.connect("team", "slack_notify", token="t")
        error = await refused(there, task("bad", "event(stall.robbed, {})"))
        assert error.code == "no_source"
        more = '\n  TRIGGER event(team.new_message, {channel: "#nope"})\n  TRIGGER schedule(09:00, daily, "UTC")\n\n'
        two = task("bad", "event(stall.robbed, {})").replace("\n\n", more, 1)
        error = await refused(there, two)
        assert [problem.code for problem in error.problems] == ["no_source", "not_found"]
        assert [problem.place for problem in error.problems] == ["trigger 1", "trigger 2"]
        assert there.secrets.keys() == {"vault:team"}


async def test_topics_are_subscribed_to_by_name_and_by_event():
    async with house() as there:
        await there.deploy(task("one", 'topic("orders.paid")'))
        await there.deploy(task("two", "event(stall.closed, {})"))
        topics = [row.topic for name in ("one", "two") for row in await there.rows(SubscriptionRecord, name)]
        assert topics == ["orders.paid", "stall.closed"]


async def test_a_poll_keeps_its_cursor_while_it_asks_the_same():
    async with house() as there:
        await there.deploy(SOLD)
        [row] = await there.rows(PollRecord, "sold")
        await there.store.write(Update(PollRecord, (("cursor", b'{"kind":"none"}'),), (Where("id", "=", row.id),)))
        await there.deploy(SOLD)
        [kept] = await there.rows(PollRecord, "sold")
        assert (kept.id, kept.cursor, kept.version) == (row.id, b'{"kind":"none"}', 2)
        await there.deploy(SOLD.replace("2026", "2025"))
        [new] = await there.rows(PollRecord, "sold")
        assert new.id != row.id and new.cursor is None


async def test_what_was_paused_begins_anew_when_it_is_registered_again():
    async with house() as there:
        for text in (DAILY, SOLD, HOOK):
            await there.deploy(text)
        for table in ALL:
            await there.store.write(Update(table, (("state", "paused"),), ()))
        await there.store.write(Update(PollRecord, (("cursor", b'{"kind":"none"}'), ("failures", 3)), ()))
        there.pass_time(days=3)
        for text in (DAILY, SOLD, HOOK):
            await there.deploy(text)
        [daily] = await there.rows(ScheduleRecord, "daily")
        [sold] = await there.rows(PollRecord, "sold")
        [hook] = await there.rows(WebhookRecord, "hooked")
        assert (daily.state, daily.next_ms, daily.last_ms) == ("live", ms("2026-11-27T08:00"), there.now)
        assert (sold.state, sold.cursor, sold.failures, sold.next_ms) == ("live", None, 0, there.now)
        assert hook.state == "live"
