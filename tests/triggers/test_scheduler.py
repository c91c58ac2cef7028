"""Schedules at work: each instant once, whatever stops, overlaps, or sets the clock."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from eyeflow.engine.model import EngineError
from eyeflow.ir.task import Once, Schedule
from eyeflow.store.port import Update, Where
from eyeflow.store.records import LeaseRecord, ScheduleRecord, TickRecord
from eyeflow.triggers.ticking import MAX_QUEUED
from eyeflow.triggers.timing import spell
from triggers.world import BUSY, World, at, ms

DAILY = spell(Schedule(rules=("FREQ=DAILY;BYHOUR=9;BYMINUTE=0",), zone="UTC"))
HOURLY = spell(Schedule(rules=("FREQ=HOURLY;BYMINUTE=0",), zone="UTC"))
MINUTELY = spell(Schedule(rules=("FREQ=MINUTELY",), zone="UTC"))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def test_a_schedule_fires_at_its_instant_with_that_instant_as_payload():
    world = World("2026-11-23T08:59:58")
    await world.add("s", DAILY)
    await world.rounds()
    assert world.engine.requests == []
    await world.step(timedelta(seconds=2))
    [request] = world.engine.requests
    assert (request.task, request.origin, request.origin_id) == ("task_s", "schedule", "s")
    assert request.payload == {"at": at("2026-11-23T09:00:00")}
    assert await world.ticks("s") == [("11-23 09:00", "ran")]


async def test_three_schedulers_at_once_fire_it_once():
    world = World("2026-11-23T08:59:59")
    await world.add("s", DAILY)
    others = [world.another(name) for name in ("two", "three")]
    for each in (world.scheduler, *others):
        await world.rounds(each)
    world.clock.advance(timedelta(seconds=1))
    await asyncio.gather(*(each.round() for each in (world.scheduler, *others)))
    assert world.fired("s") == ["11-23 09:00"]


async def test_a_restart_at_the_scheduled_instant_fires_once():
    world = World("2026-11-23T08:59:59")
    await world.add("s", DAILY)
    await world.rounds()
    world.clock.advance(timedelta(seconds=1))
    again = world.another("one, started anew")
    await world.rounds(again)
    await world.rounds(world.scheduler)
    await world.rounds(world.another("and again"))
    assert world.fired("s") == ["11-23 09:00"]


@pytest.mark.parametrize(
    ("missed", "ran", "lost"),
    [
        ("run_once", ["11-26 11:00"], 19),
        ("skip", [], 20),
        ("run_all", [f"11-{day} {hour:02d}:00" for day in (23, 24, 25, 26) for hour in range(24)][12:84], 0),
    ],
)
async def test_three_days_off(missed: str, ran: list[str], lost: int):
    world = World("2026-11-23T11:58:00")
    await world.add("s", HOURLY, missed=missed)
    world.clock.advance(timedelta(days=3, minutes=-15))  # back at 11:43, between two instants
    again = world.another("two")
    for _ in range(200):
        await world.rounds(again)
        await world.engine.end_all()
    assert world.fired("s") == ran
    assert [outcome for _, outcome in await world.ticks("s")].count("missed") == lost
    assert {what.why for what in await world.told()} == ({"missed"} if lost else set())
    await world.until("2026-11-26T13:00:30", timedelta(seconds=45))
    assert world.fired("s")[len(ran) :] == ["11-26 12:00", "11-26 13:00"]


async def test_one_missed_instant_runs_late_by_run_once_and_not_by_skip():
    for missed, ran in (("run_once", ["11-23 09:00"]), ("skip", [])):
        world = World("2026-11-23T08:00:00")
        await world.add("s", DAILY, missed=missed)
        await world.step(timedelta(hours=3))
        assert world.fired("s") == ran


async def test_an_instant_within_the_last_minute_was_not_missed():
    world = World("2026-11-23T08:00:00")
    await world.add("s", DAILY, missed="skip")
    await world.step(timedelta(hours=1, seconds=50))
    assert world.fired("s") == ["11-23 09:00"]


async def test_run_all_goes_on_where_a_busy_engine_stopped():
    world = World("2026-11-23T00:30:00")
    await world.add("s", HOURLY, missed="run_all")
    world.engine.refuse = BUSY
    world.clock.advance(timedelta(hours=5))
    assert await world.scheduler.round() == pytest.approx(0.5)
    assert world.engine.requests == [] and await world.ticks("s") == []
    world.engine.refuse = None
    for _ in range(10):
        await world.rounds()
        await world.engine.end_all()
    assert world.fired("s") == [f"11-23 0{hour}:00" for hour in range(1, 6)]


async def test_overlap_skip_notes_the_tick_and_runs_nothing():
    world = World("2026-11-23T00:59:00")
    await world.add("s", HOURLY, overlap="skip")
    await world.step(timedelta(minutes=1), ending=False)
    await world.step(HOUR, ending=False)
    assert world.fired("s") == ["11-23 01:00"]
    assert await world.ticks("s") == [("11-23 01:00", "ran"), ("11-23 02:00", "skipped")]
    await world.engine.end_all()
    await world.step(HOUR)
    assert world.fired("s") == ["11-23 01:00", "11-23 03:00"]


async def test_a_queue_is_bounded():
    world = World("2026-11-23T00:00:30")
    await world.add("s", MINUTELY, overlap="queue")
    for _ in range(MAX_QUEUED + 5):
        await world.step(timedelta(minutes=1), ending=False)
    outcomes = [outcome for _, outcome in await world.ticks("s")]
    assert (outcomes.count("ran"), outcomes.count("skipped")) == (MAX_QUEUED, 5)


async def test_missed_instants_are_made_up_for_one_after_the_other():
    world = World("2026-11-23T00:30:00")
    await world.add("s", HOURLY, missed="run_all", overlap="skip")
    await world.step(timedelta(hours=3), ending=False)
    assert world.fired("s") == ["11-23 01:00", "11-23 02:00", "11-23 03:00"]
    assert world.engine.overlaps == ["queue"] * 3


async def test_a_task_that_cannot_run_is_told_and_the_schedule_goes_on():
    world = World("2026-11-23T08:59:00")
    await world.add("s", DAILY)
    world.engine.refuse = EngineError("bad_input", "the input `name` is missing")
    await world.step(timedelta(minutes=2))
    assert await world.ticks("s") == [("11-23 09:00", "refused")]
    assert [(what.why, what.detail) for what in await world.told()] == [("refused", "bad_input")]
    world.engine.refuse = None
    await world.step(DAY)
    assert world.fired("s") == ["11-24 09:00"]


async def test_a_moment_fires_once_and_never_again():
    world = World("2026-12-24T15:00:00")
    await world.add("s", spell(Once(at="2026-12-24T17:00", zone="Europe/Paris")))
    await world.until("2026-12-26T00:00:00", timedelta(minutes=7))
    assert world.fired("s") == ["12-24 16:00"]
    row = await world.store.get(ScheduleRecord, "s")
    assert row is not None and row.next_ms is None


@pytest.mark.parametrize("jump", [timedelta(hours=1), DAY * 365])
async def test_a_clock_set_back_fires_nothing_twice_and_goes_on(jump: timedelta):
    world = World("2026-11-23T06:30:00")
    await world.add("s", HOURLY)
    await world.until("2026-11-23T12:00:30")
    before = world.fired("s")
    world.clock.advance(-jump)
    await world.rounds()
    for _ in range(180):
        await world.step(timedelta(minutes=1))
    after = [request.payload["at"] for request in world.engine.requests]  # type: ignore[index,call-overload]
    assert len(after) == len(set(after)) and len(after) > len(before)
    missing = {at(f"2026-11-23T{hour:02d}:00") for hour in range(7, 15)} - set(after)
    assert missing == set() or jump > DAY
    world.clock.advance(jump)
    for _ in range(240):
        await world.step(timedelta(minutes=1))
    after = [request.payload["at"] for request in world.engine.requests]  # type: ignore[index,call-overload]
    assert len(after) == len(set(after))
    assert {at(f"2026-11-23T{hour:02d}:00") for hour in range(15, 19)} <= set(after)


async def test_a_clock_that_was_a_year_ahead_for_a_moment_does_not_silence_a_schedule():
    world = World("2026-11-23T08:30:00")
    await world.add("s", DAILY)
    await world.rounds()
    await world.step(DAY * 365)
    assert world.fired("s") == ["11-22 09:00"]  # by run_once, at what seemed to be the present
    await world.step(-DAY * 365)
    await world.until("2026-11-25T10:00:00", timedelta(minutes=20))
    assert world.fired("s")[1:] == ["11-23 09:00", "11-24 09:00", "11-25 09:00"]


async def test_an_instant_that_has_fired_is_passed_over_whatever_the_schedule_waits_for():
    """As after a clock that went back between two looks: the tick's own row keeps it from running a second time."""
    world = World("2026-11-23T08:59:00")
    await world.add("s", DAILY)
    await world.until("2026-11-23T09:00:20")
    first = ms("2026-11-23T09:00:00")
    values = (("next_ms", first), ("last_ms", None))
    await world.store.write(Update(ScheduleRecord, values, (Where("id", "=", "s"),)))
    world.scheduler.changed()
    await world.rounds()
    assert world.fired("s") == ["11-23 09:00"]
    row = await world.store.get(ScheduleRecord, "s")
    assert row is not None and row.next_ms == ms("2026-11-24T09:00:00")
    await world.until("2026-11-24T09:00:20", timedelta(hours=1))
    assert await world.ticks("s") == [("11-23 09:00", "ran"), ("11-24 09:00", "ran")]


async def test_a_lease_from_the_future_is_no_lease():
    world = World("2026-11-23T08:59:00")
    await world.add("s", DAILY)
    world.clock.advance(DAY * 365)
    first = world.another("before")
    assert await first._election.hold()
    world.clock.advance(-DAY * 365)
    assert await world.scheduler._election.hold()
    assert not await first._election.hold()


async def test_a_lease_is_held_by_one_and_passes_on_when_it_ends():
    world = World("2026-11-23T08:59:00")
    one, two = world.scheduler._election, world.another("two")._election
    assert await one.hold() and not await two.hold()
    world.clock.advance(timedelta(seconds=4))
    assert await one.hold() and not await two.hold()
    world.clock.advance(timedelta(seconds=7))
    assert await two.hold() and not await one.hold()
    await two.resign()
    assert await one.hold()
    row = await world.store.get(LeaseRecord, "scheduler")
    assert row is not None and (row.owner, row.fence) == ("one", 3)


async def test_what_is_paused_while_it_was_read_ahead_does_not_fire():
    world = World("2026-11-23T08:59:59")
    await world.add("s", DAILY)
    await world.rounds()
    await world.store.write(Update(ScheduleRecord, (("state", "paused"),), (Where("id", "=", "s"),)))
    await world.step(timedelta(seconds=1))
    assert world.engine.requests == []


async def test_ticks_that_are_older_than_a_year_are_removed():
    world = World("2026-11-23T08:59:00")
    await world.add("s", DAILY)
    await world.step(timedelta(minutes=2))
    await world.step(DAY * 401)
    ticks = await world.store.find(TickRecord)
    assert [tick.instant_ms for tick in ticks if tick.instant_ms < ms("2027-01-01T00:00")] == []


async def test_it_fires_in_the_background_and_ends_when_it_is_drained():
    world = World("2026-11-23T09:00:00")
    await world.add("s", DAILY)
    world.clock.advance(DAY)
    await world.scheduler.start()
    for _ in range(50):
        await asyncio.sleep(0)
    assert world.fired("s") == ["11-24 09:00"] and world.scheduler.alive
    await world.scheduler.drain()
    await world.scheduler.drain()
