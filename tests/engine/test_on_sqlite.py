"""The engine on a file: what the others show in memory and simulated time, in real time on disk."""

from __future__ import annotations

import asyncio

import pytest

from engine.deployed import Freezer, asking, connect, deploy, engine_on, hello, posting, waiting, world
from eyeflow.connectors.scripted import Script
from eyeflow.engine.engine import Engine
from eyeflow.engine.limits import EngineLimits
from eyeflow.engine.model import LOCAL, RunRequest
from eyeflow.store.port import Insert
from eyeflow.store.records import ApprovalRecord, ExecutionRecord, OutboxRecord, ProcessRecord, TickRecord, WorkRecord
from eyeflow.store.sqlite import SqliteStore

QUICK = {
    "heartbeat_ms": 30, "lease_ms": 250, "quiet_ms": 100, "sweep_ms": 30, "signal_ms": 20, "patience_ms": 50,
    "park_ms": 200, "linger_ms": 20,
}  # fmt: skip


@pytest.fixture(params=[False, True], ids=["alone", "shared"])
async def store(request, tmp_path):
    made = SqliteStore(tmp_path / "eyeflow.db", shared=request.param)
    await made.open()
    yield made
    await made.close()


async def test_runs_of_all_kinds_end(store):
    script = Script()
    programs = (hello(), posting(posts=2), posting("kept", posts=2, durable="journal"), waiting(ms=400))
    async with engine_on(store, *programs, script=script, limits=QUICK) as engine:
        results = [
            await engine.run(RunRequest(task="hello_world", input={"name": "Ann"})),
            await engine.run(RunRequest(task="posting"), wait=False),
            await engine.run(RunRequest(task="kept", idempotency_key="k")),
            await engine.run(RunRequest(task="waiting")),
        ]
        again = await engine.run(RunRequest(task="kept", idempotency_key="k"))
        assert (again.execution_id, again.repeated) == (results[2].execution_id, True)
        for result in results:
            assert (await engine.end(result.execution_id)).status == "success"
            assert (await engine.replay(result.execution_id)).equal
        assert len(script.calls) == 6
        assert await store.count(WorkRecord) == 0
        assert await store.count(OutboxRecord) == 0


async def test_many_at_once(store):
    script = Script()
    limits = {**QUICK, "running": 20, "line": 60}
    async with engine_on(store, posting(posts=2, durable="journal"), script=script, limits=limits) as engine:
        queued = [await engine.run(RunRequest(task="posting"), wait=False) for _ in range(100)]
        ended = await asyncio.gather(*(engine.end(each.execution_id) for each in queued))
        assert {each.status for each in ended} == {"success"}
        assert len(script.calls) == 200
        assert await store.count(WorkRecord) == 0


async def test_an_approval_and_a_schedule_that_overlaps(store):
    async with engine_on(store, asking(), posting(), limits=QUICK) as engine:
        first = await engine.run(RunRequest(task="asking"))
        assert first.status == "waiting"
        while not (questions := await store.find(ApprovalRecord)):
            await asyncio.sleep(0.02)
        (question,) = questions
        await engine.decide(question.id, "approved", LOCAL)
        assert (await engine.end(first.execution_id)).status == "success"
        for instant in (1, 1, 2):
            request = RunRequest(task="posting", origin="schedule", origin_id="s", execution_id=f"exec_{instant}")
            tick = TickRecord(schedule_id="s", instant_ms=instant, outcome="ran", created_ms=0)
            await engine.enqueue(request, Insert(tick), overlap="queue")
        await engine.end("exec_2")
        assert await store.count(TickRecord) == 2


async def test_a_process_that_goes_is_followed_by_another(store, tmp_path):
    script = Script.of(takes_ms={"slack_notify.keyed_send": [150]})
    await connect(store)
    await deploy(store, posting(posts=4, durable="journal", capability="slack_daily.keyed_send"))
    frozen = Freezer(store)
    first = Engine(frozen, world=world(script), limits=EngineLimits(**QUICK))
    await first.start()
    identities = [(await first.run(RunRequest(task="posting"), wait=False)).execution_id for _ in range(5)]
    await asyncio.sleep(0.2)
    frozen.stop()
    async with engine_on(store, script=script, limits=QUICK) as second:
        for identity in identities:
            result = await asyncio.wait_for(second.end(identity), 20)
            assert result.status == "success"
        frozen.go_on()
        async with asyncio.timeout(20):
            while first.metrics.fenced < 5 or await store.count(ProcessRecord) < 2:
                await asyncio.sleep(0.02)
        assert second.metrics.claimed == 5
        assert first.metrics.fenced == 5
        assert len({call.key for call in script.calls}) == 20
        assert {row.status for row in await store.find(ExecutionRecord)} == {"success"}
        assert await store.count(ProcessRecord) == 2, "it goes on under a new name"
    await first.drain(0)
