"""Tasks that run tasks: rows of their own, a bounded depth, ends that go with their parents'."""

from __future__ import annotations

import asyncio

from engine.deployed import deploy, engine_on, hello, in_virtual_time, posting
from eyeflow.connectors.scripted import Script
from eyeflow.engine.model import RunRequest
from eyeflow.ir.opcodes import Op
from eyeflow.store.memory import MemoryStore
from eyeflow.store.records import ExecutionRecord, WorkRecord
from svm.built import Build, obj, of


def calling(task, child, *, durable="record", deadline_ms=60_000, **params):
    b = Build(task, deadline_ms=deadline_ms)
    b.durable = durable
    step = b.step("child", Op.SUBTASK, b.constant(child), b.block(obj(**params)))
    return b.program([step], of(step))


def test_a_child_has_a_row_of_its_own():
    async def main(clock):
        for durable in ("record", "journal"):
            store, script = MemoryStore(), Script()
            parent = calling("parent", "posting", durable=durable)
            async with engine_on(store, parent, posting(), script=script, clock=clock) as engine:
                result = await engine.run(RunRequest(task="parent"))
                assert result.status == "success"
                rows = {row.task: row for row in await store.find(ExecutionRecord)}
                assert rows["posting"].parent == rows["parent"].id
                assert rows["posting"].depth == 1
                assert rows["posting"].origin == "subtask"
                assert rows["posting"].durable == durable
                assert await store.count(WorkRecord) == 0
                assert (await engine.replay(result.execution_id)).equal
                assert (await engine.replay(rows["posting"].id)).equal

    in_virtual_time(main)


def test_a_child_that_only_computes():
    async def main(clock):
        parent = calling("parent", "hello_world", name="Ann")
        async with engine_on(None, parent, hello(), clock=clock) as engine:
            assert (await engine.run(RunRequest(task="parent"))).output == {"greeting": "Hello Ann"}

    in_virtual_time(main)


def test_tasks_that_run_each_other_end():
    async def main(clock):
        store = MemoryStore()
        async with engine_on(store, calling("a", "b"), calling("b", "a", durable="journal"), clock=clock) as engine:
            result = await engine.run(RunRequest(task="a"))
            assert (result.status, result.error_code) == ("failed", "recursion_limit")
            assert await store.count(ExecutionRecord) == 9
            assert {row.status for row in await store.find(ExecutionRecord)} == {"failed"}

    in_virtual_time(main)


def test_a_child_that_is_none():
    async def main(clock):
        async with engine_on(
            None, calling("a", "nobody"), calling("bad", "hello_world"), hello(), clock=clock
        ) as engine:
            result = await engine.run(RunRequest(task="a"))
            assert (result.status, result.error_code) == ("failed", "unknown_task")
            result = await engine.run(RunRequest(task="bad"))
            assert (result.status, result.error_code) == ("failed", "bad_input")

    in_virtual_time(main)


def test_a_child_ends_with_its_parent():
    async def main(clock):
        store, script = MemoryStore(), Script.of(takes_ms={"slack_notify.send_message": [2_000]})
        parent = calling("parent", "posting", durable="journal", deadline_ms=3_000)
        async with engine_on(store, parent, posting(posts=4), script=script, clock=clock) as engine:
            result = await engine.run(RunRequest(task="parent"))
            assert (result.status, result.error_code) == ("failed", "deadline")
            rows = {row.task: row.status for row in await store.find(ExecutionRecord)}
            assert rows == {"parent": "failed", "posting": "cancelled"}
            assert len(script.calls) == 2

    in_virtual_time(main)


def test_children_do_not_wait_for_the_places_their_parents_hold():
    async def main(clock):
        script = Script.of(takes_ms={"slack_notify.send_message": [1_000]})
        limits = {"running": 3, "running_per_task": 3}
        parent = calling("parent", "posting")
        async with engine_on(None, parent, posting(), script=script, clock=clock, limits=limits) as engine:
            asked = [engine.run(RunRequest(task="parent")) for _ in range(9)]
            assert {result.status for result in await asyncio.gather(*asked)} == {"success"}
            assert engine.running == 0

    in_virtual_time(main)


def test_a_resumed_parent_joins_its_child():
    async def main(clock):
        store, script = MemoryStore(), Script.of(takes_ms={"slack_notify.keyed_send": [2_000]})
        child = posting(posts=3, capability="slack_daily.keyed_send")
        await deploy(store, calling("parent", "posting", durable="journal"))
        await deploy(store, child)
        async with engine_on(store, script=script, clock=clock, drain_s=0) as engine:
            identity = (await engine.run(RunRequest(task="parent"), wait=False)).execution_id
            await asyncio.sleep(3)
        async with engine_on(store, script=script, clock=clock) as engine:
            result = await engine.end(identity)
            assert result.status == "success"
            assert await store.count(ExecutionRecord) == 2
            assert {call.params["text"] for call in script.calls} == {"1", "2", "3"}
            assert len({call.key for call in script.calls}) == 3
            assert (await engine.replay(identity)).equal

    in_virtual_time(main)
