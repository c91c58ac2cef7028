"""Schedules on the real engine and both stores: what fires runs, and OVERLAP holds runs apart."""

from __future__ import annotations

from eyeflow.store.port import Store, Where
from eyeflow.store.records import ExecutionRecord, ScheduleRecord, TickRecord, WorkRecord
from eyeflow.triggers.scheduler import Scheduler
from triggers.house import House, house, task
from triggers.world import at, noticed

HOURLY = task("hourly", 'schedule(00:00, hourly, "UTC")', body="trigger.at")
LONG = """TASK long
  TRIGGER schedule(00:00, hourly, "UTC") OVERLAP {overlap}

  ACTION rest
    TYPE wait
    FOR 2 hours
"""


def scheduler(there: House, owner: str = "one") -> Scheduler:
    return Scheduler(
        there.store, there.engine, clock=there.clock, ids=there.ids, owner=owner, told=noticed
    )  # fmt: skip


async def hours(there: House, firing: Scheduler, count: int) -> None:
    for _ in range(count):
        there.pass_time(minutes=60)
        await firing.round()


async def outcomes(there: House) -> list[str]:
    return [row.outcome for row in await there.store.find(TickRecord, order=("instant_ms",))]


async def test_a_tick_is_a_run_with_its_instant(store: Store):
    async with house(store, now="2026-11-23T08:30:00") as there:
        await there.deploy(HOURLY)
        firing = scheduler(there)
        await firing.round()
        there.pass_time(minutes=30)
        await firing.round()
        await scheduler(there, "started anew at that very moment").round()
        assert await there.outputs("hourly") == [at("2026-11-23T09:00")]
        [tick] = await store.find(TickRecord)
        [run] = await store.find(ExecutionRecord)
        [row] = await store.find(ScheduleRecord)
        assert (tick.outcome, tick.execution_id, run.origin, run.origin_id) == ("ran", run.id, "schedule", row.id)


async def test_overlap_skip_leaves_a_tick_that_says_so(store: Store):
    async with house(store, now="2026-11-23T08:30:00") as there:
        await there.deploy(LONG.format(overlap="skip"))
        firing = scheduler(there)
        await hours(there, firing, 3)
        assert await outcomes(there) == ["ran", "skipped", "skipped"]
        assert await store.count(ExecutionRecord) == 1


async def test_overlap_queue_lets_runs_wait_their_turn(store: Store):
    async with house(store, now="2026-11-23T08:30:00") as there:
        await there.deploy(LONG.format(overlap="queue"))
        await hours(there, scheduler(there), 3)
        assert await outcomes(there) == ["ran", "ran", "ran"]
        rows = await store.find(ExecutionRecord, order=("id",))
        assert len(rows) == 3 and [row.status for row in rows[1:]] == ["queued", "queued"]


async def test_overlap_cancel_ends_the_run_before(store: Store):
    async with house(store, now="2026-11-23T08:30:00") as there:
        await there.deploy(LONG.format(overlap="cancel"))
        firing = scheduler(there)
        await hours(there, firing, 2)
        rows = await store.find(ExecutionRecord, order=("id",))
        first = await there.engine.end(rows[0].id, wait_ms=5_000)
        assert first.status == "cancelled" and len(rows) == 2


async def test_a_task_that_is_gone_is_noted_and_the_schedule_goes_on():
    async with house(now="2026-11-23T08:30:00") as there:
        await there.deploy(HOURLY.replace("TASK hourly\n", "TASK hourly\n  INPUT name string\n"))
        firing = scheduler(there)
        await hours(there, firing, 2)
        assert await outcomes(there) == ["refused", "refused"]
        assert await there.store.count(WorkRecord, Where("task_id", "=", "task_hourly")) == 0
