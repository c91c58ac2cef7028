"""Events of the bus start the tasks that want them, once each."""

from __future__ import annotations

import pytest

from eyeflow.engine.model import Busy
from eyeflow.events.cloudevent import CloudEvent, cloud_event
from eyeflow.store.port import Insert, Store, Where
from eyeflow.store.records import ExecutionRecord
from eyeflow.triggers.topics import MAX_DEPTH, Topics
from triggers.house import House, house, task
from triggers.world import noticed


def event(
    there: House, identity: str, data: object, *, topic: str = "orders.paid", subject: str | None = None
) -> CloudEvent:
    return cloud_event(identity, topic, source="/test", at=there.clock.now(), subject=subject, data=data)  # type: ignore[arg-type]


async def listening(there: House) -> Topics:
    topics = Topics(
        there.store, there.engine, there.engine.bus, clock=there.clock, ids=there.ids, told=noticed
    )  # fmt: skip
    await topics.start()
    return topics


async def test_an_event_runs_every_task_that_wants_it_once(store: Store):
    async with house(store) as there:
        await there.deploy(task("one", 'topic("orders.paid")', body="trigger.n"))
        where = "\n    WHERE COALESCE(GT(TO_NUMBER(trigger.n), 1), false)"
        await there.deploy(task("two", f'topic("orders.paid"){where}', body="trigger.n"))
        topics = await listening(there)
        bus = there.engine.bus
        assert bus.wants("orders.paid") and not bus.wants("orders.sent")
        for identity, n in (("e1", 1), ("e1", 1), ("e2", 2)):
            await bus.publish(event(there, identity, {"n": n}))
        await bus.publish(event(there, "e3", {"m": "no n"}))
        assert await there.outputs("one") == [1, 2, None] and await there.outputs("two") == [2]
        await topics.drain()
        assert not bus.wants("orders.paid")


async def test_what_a_busy_engine_does_not_take_is_published_again():
    async with house() as there:
        await there.deploy(task("one", 'topic("orders.paid")', body="trigger.n"))
        topics = await listening(there)
        there.engine._running.draining = True
        with pytest.raises(Busy):
            await topics.heard(event(there, "e1", {"n": 1}))
        there.engine._running.draining = False
        await topics.heard(event(there, "e1", {"n": 1}))
        assert await there.outputs("one") == [1]
        await topics.drain()


def execution(name: str, task_id: str, depth: int) -> Insert:
    return Insert(
        ExecutionRecord(
            id=name, task_id=task_id, task="t", version=1, digest="", status="success", depth=depth, created_ms=0
        )
    )


async def test_tasks_that_wake_each_other_come_to_an_end():
    async with house() as there:
        await there.deploy(task("one", 'topic("ping")'))
        topics = await listening(there)
        await there.store.write(execution("exec_x", "task_other", MAX_DEPTH), execution("exec_y", "task_other", 2))
        await topics.heard(event(there, "e1", {}, topic="ping", subject="exec_x"))
        assert await there.store.count(ExecutionRecord) == 2
        await topics.heard(event(there, "e2", {}, topic="ping", subject="exec_y"))
        [detail] = await there.executions("one")
        row = await there.store.get(ExecutionRecord, detail.result.execution_id)
        assert row is not None and row.depth == 3
        await topics.drain()


async def test_the_outcome_of_a_task_does_not_start_that_task():
    async with house() as there:
        await there.deploy(task("watcher", 'topic("eyeflow.tasks.failed")'))
        topics = await listening(there)
        await there.store.write(execution("exec_a", "task_watcher", 0), execution("exec_b", "task_other", 0))
        for number, subject in enumerate(("exec_a", "exec_b")):
            await topics.heard(event(there, f"e{number}", {}, topic="eyeflow.tasks.failed", subject=subject))
        assert await there.store.count(ExecutionRecord, Where("origin", "=", "topic")) == 1
        await topics.drain()


async def test_a_topic_that_another_process_deploys_is_listened_to():
    async with house() as there:
        topics = await listening(there)
        await there.deploy(task("one", 'topic("ping")'))
        await topics.look()
        assert there.engine.bus.wants("ping")
        await topics.drain()
