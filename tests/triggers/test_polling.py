"""Polls: a baseline first, then each new item once, in order, whatever fails in between."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from eyeflow.connectors.scripted import Script
from eyeflow.engine.model import Busy
from eyeflow.errors import CallError, RunError
from eyeflow.store.port import Store, Update, Where
from eyeflow.store.records import ExecutionRecord, NoticeRecord, PollRecord
from eyeflow.triggers import cursors
from eyeflow.triggers.poller import Poller
from triggers.house import House, house, script_of, task
from triggers.world import noticed

SOLD = task("sold", "event(stall.sold, {})", body="trigger.id")
FEED = task("news", 'event(rss.new_item, {url: "https://example.org/feed"})', body="trigger.title")


def sale(number: int, **more: object) -> dict[str, object]:
    return {"id": f"s{number}", "price": 1.5, "at": number, **more}


def sales(*numbers: int) -> dict[str, object]:
    return {"sales": [sale(number) for number in numbers]}


def poller(there: House) -> Poller:
    return Poller(
        there.store, there.engine, catalog=lambda: there.catalog, clock=there.clock, ids=there.ids, owner="one",
        told=noticed,
    )  # fmt: skip


async def poll(there: House, polls: Poller, times: int = 1) -> PollRecord:
    """Some polls, a minute apart; the record afterwards."""
    for _ in range(times):
        await polls.round()
        await polls.settled()
        there.pass_time(seconds=60)
    [row] = await there.store.find(PollRecord)
    return row


async def test_the_first_poll_only_remembers_and_then_each_item_runs_once_in_order(store: Store):
    script = script_of(stall__list_sales=[sales(2, 1), sales(3, 2, 1), sales(5, 4, 3), sales(5, 4)])
    async with house(store, script=script) as there:
        await there.deploy(SOLD)
        polls = poller(there)
        row = await poll(there, polls)
        assert await store.count(ExecutionRecord) == 0 and cursors.load(row.cursor).key == 2
        await poll(there, polls, 3)
        assert await there.outputs("sold") == ["s3", "s4", "s5"]
        assert script.calls[0].params == {"limit": 3}


async def test_an_empty_baseline_makes_the_first_item_new():
    async with house(script=script_of(stall__list_sales=[sales(), sales(1)])) as there:
        await there.deploy(SOLD)
        await poll(there, poller(there), 2)
        assert await there.outputs("sold") == ["s1"]


async def test_a_poll_is_not_repeated_before_its_time_nor_by_another_process():
    script = script_of(stall__list_sales=[sales(1)])
    async with house(script=script) as there:
        await there.deploy(SOLD)
        polls = poller(there)
        for _ in range(5):
            await polls.round()
            await polls.settled()
            there.pass_time(seconds=1)
        assert len(script.calls) == 1


async def test_a_crash_between_items_repeats_none_and_loses_none(store: Store):
    script = script_of(stall__list_sales=[sales(0), sales(1, 2, 3)])
    async with house(store, script=script) as there:
        await there.deploy(SOLD)
        polls = poller(there)
        await poll(there, polls)
        enqueue, left = there.engine.enqueue, [2]

        async def dying(*given: object, **more: object) -> str | None:
            if left[0] == 0:
                raise Busy("draining", "the process ends here")
            left[0] -= 1
            return await enqueue(*given, **more)  # type: ignore[arg-type]

        there.engine.enqueue = dying  # type: ignore[method-assign]
        row = await poll(there, polls)
        assert cursors.load(row.cursor).key == 2
        there.engine.enqueue = enqueue  # type: ignore[method-assign]
        await poll(there, poller(there), 2)
        assert await there.outputs("sold") == ["s1", "s2", "s3"]


async def test_items_with_the_same_cursor_all_run():
    twins = {"sales": [sale(1, id="a"), sale(1, id="b"), sale(2, id="c")]}
    async with house(script=script_of(stall__list_sales=[sales(0), twins, twins])) as there:
        await there.deploy(SOLD)
        await poll(there, poller(there), 3)
        assert await there.outputs("sold") == ["a", "b", "c"]


async def test_a_feed_runs_its_oldest_new_item_first_and_knows_items_that_come_back():
    def feed(*names: str) -> dict[str, object]:
        items = [{"id": n, "title": n, "link": "", "summary": "", "categories": []} for n in names]
        return {"title": "t", "count": len(items), "items": items}

    answers = [feed("b", "a"), feed("d", "c", "b"), feed("d"), feed("c", "b", "a", "e"), feed()]
    async with house(script=script_of(rss__read_feed=answers)) as there:
        await there.deploy(FEED)
        polls = poller(there)
        for _ in range(5):
            await poll(there, polls, 5)
        assert await there.outputs("news") == ["c", "d", "e"]


async def test_failures_are_on_record_and_the_next_try_comes_later_and_later():
    fails = {"stall.list_sales": ["unavailable", "unavailable", "unavailable", CallError(
        "transient", "rate_limited", "slow down", retry_after_ms=7_200_000), None]}  # fmt: skip
    script = Script.of({"stall.list_sales": [sales(1)]}, fails)
    async with house(script=script) as there:
        await there.deploy(SOLD)
        polls = poller(there)
        waits = []
        for _ in range(4):
            row = await poll(there, polls)
            waits.append(row.next_ms - (there.now - 60_000))
            there.pass_time(milliseconds=max(0, row.next_ms - there.now))
        assert waits == [120_000, 240_000, 480_000, 7_200_000]
        assert row.failures == 4 and row.error == "rate_limited: slow down"
        assert await there.store.count(NoticeRecord) == 1
        row = await poll(there, polls)
        assert (row.failures, row.error, cursors.load(row.cursor).key) == (0, None, 1)


async def test_answers_that_make_no_sense_are_failures_not_floods():
    answers = [sales(1), {"sales": "none"}, {"sales": [sale(2), sale(3, at="later")]}, {"sales": [{"at": [1]}]}]
    async with house(script=script_of(stall__list_sales=answers)) as there:
        await there.deploy(SOLD)
        polls = poller(there)
        await poll(there, polls)
        for code in ("type_mismatch", "bad_poll_key", "bad_poll_key"):
            row = await poll(there, polls)
            assert row.error.startswith(code) and cursors.load(row.cursor).key == 1
            await there.store.write(Update(PollRecord, (("next_ms", there.now),), (Where("id", "=", row.id),)))
        assert await there.store.count(ExecutionRecord) == 0


async def test_a_full_answer_of_new_items_says_that_older_ones_may_be_missed():
    async with house(script=script_of(stall__list_sales=[sales(1), sales(5, 4, 3), sales(5)])) as there:
        await there.deploy(SOLD)
        polls = poller(there)
        row = await poll(there, polls, 2)
        assert row.error == "more than 3 items came between two polls: older ones may be missed"
        assert await there.outputs("sold") == ["s3", "s4", "s5"]
        assert (await poll(there, polls)).error is None


async def test_the_filter_of_the_task_decides_and_the_cursor_goes_on():
    text = task("dear", "event(stall.sold, {})\n    WHERE GT(trigger.price, 10)", body="trigger.id")
    priced = {"sales": [sale(1, price=5), sale(2, price=50), sale(3, price=6)]}
    async with house(script=script_of(stall__list_sales=[sales(0), priced])) as there:
        await there.deploy(text)
        row = await poll(there, poller(there), 2)
        assert await there.outputs("dear") == ["s2"] and cursors.load(row.cursor).key == 3


async def test_a_poll_that_is_paused_or_deployed_anew_while_it_asks_runs_nothing():
    async with house(script=script_of(stall__list_sales=[sales(0), sales(1), sales(1)])) as there:
        await there.deploy(SOLD)
        polls = poller(there)
        await poll(there, polls)
        ask = there.engine.ask

        async def slowly(*given: object, **more: object) -> object:
            await there.store.write(Update(PollRecord, (("state", "paused"),), ()))
            return await ask(*given, **more)  # type: ignore[arg-type]

        there.engine.ask = slowly  # type: ignore[method-assign,assignment]
        await poll(there, polls)
        assert await there.store.count(ExecutionRecord) == 0


async def test_it_polls_in_the_background_and_drains_under_a_slow_service():
    script = Script.of({"stall.list_sales": [sales(1)]}, takes_ms={"stall.list_sales": [60_000]})
    async with house(script=script) as there:
        await there.deploy(SOLD)
        polls = poller(there)
        await polls.start()
        while not script.calls:
            await asyncio.sleep(0)
        await polls.drain()
        [row] = await there.store.find(PollRecord)
        assert row.cursor is None and polls.alive


def test_cursors_of_every_kind_are_kept_as_they_are():
    day = datetime(2026, 11, 23, 12, tzinfo=UTC)
    for key, later in ((1, 2), (1.5, 2), ("a", "b"), (day, day + timedelta(microseconds=1))):
        first = cursors.grown([("x", key)], None)
        stored = cursors.load(cursors.store(first.after))
        assert stored.key == key
        assert [item for item, _ in cursors.grown([("new", later), ("old", key)], stored).items] == ["new"]


@pytest.mark.parametrize("keys", [(1, "a"), (datetime(2026, 1, 1, tzinfo=UTC), 3), (True,), ([1],), (2**70,)])
def test_keys_that_have_no_order_are_refused(keys: tuple[object, ...]):
    with pytest.raises(RunError) as raised:
        cursors.grown([("x", key) for key in keys], None)  # type: ignore[misc]
    assert raised.value.code == "bad_poll_key"


def test_identities_are_remembered_within_bounds():
    here = None
    for number in range(0, 20_000, 500):
        here = cursors.unseen([("x", f"id{n}") for n in range(number, number + 500)], here).after
    assert len(here.seen) == cursors.REMEMBERED + 500
    assert cursors.unseen([("x", "id19999"), ("x", None), ("y", "new"), ("z", "new")], here).items[0][0] == "z"
