"""Keys, lanes, back-pressure: what is queued, once, in turn, and what is sent away."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from engine.deployed import engine_on, hello, in_virtual_time, posting, waiting
from eyeflow.connectors.scripted import Script
from eyeflow.engine.model import Busy, EngineError, Principal, RunRequest
from eyeflow.store.memory import MemoryStore
from eyeflow.store.port import Insert
from eyeflow.store.records import DeliveryRecord, ExecutionRecord, TickRecord, WorkRecord

SLOW = {"slack_notify.send_message": [1_000]}


def keyed(task, key="k1", **more):
    return RunRequest(task=task, idempotency_key=key, **more)


@pytest.mark.parametrize("durable", ["record", "journal"])
@pytest.mark.parametrize("wait", [True, False])
def test_the_same_key_runs_once(durable, wait):
    async def main(clock):
        store, script = MemoryStore(), Script.of(takes_ms=SLOW)
        async with (
            engine_on(store, posting(durable=durable), script=script, clock=clock) as one,
            engine_on(store, script=script, clock=clock) as other,
        ):
            results = await asyncio.gather(
                *(engine.run(keyed("posting"), wait=wait) for engine in (one, one, other, other))
            )
            assert len({result.execution_id for result in results}) == 1
            assert sum(result.repeated for result in results) == 3
            await one.end(results[0].execution_id)
            again = await other.run(keyed("posting"), wait=wait)
            assert again.repeated
            assert again.status == "success"
            assert len(script.calls) == 1

    in_virtual_time(main)


def test_a_key_is_for_one_request_one_task_and_one_caller():
    async def main(clock):
        store = MemoryStore()
        async with engine_on(store, hello(), hello("other"), clock=clock, limits={"keys_ms": 60_000}) as engine:
            first = await engine.run(keyed("hello_world", input={"name": "A"}))
            again = await engine.run(keyed("hello_world", input={"name": "A"}))
            assert (again.execution_id, again.output, again.repeated) == (first.execution_id, first.output, True)
            with pytest.raises(EngineError) as caught:
                await engine.run(keyed("hello_world", input={"name": "B"}))
            assert caught.value.code == "idempotency_mismatch"
            assert not (await engine.run(keyed("other", input={"name": "B"}))).repeated
            bea = Principal(id="bea")
            assert not (await engine.run(keyed("hello_world", input={"name": "B"}, principal=bea))).repeated
            await asyncio.sleep(61)
            assert not (await engine.run(keyed("hello_world", input={"name": "B"}))).repeated
            assert await store.count(ExecutionRecord) == 4

    in_virtual_time(main)


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb"])
async def test_a_key_that_is_none_is_refused(key):
    async with engine_on(None, hello()) as engine:
        with pytest.raises(EngineError) as caught:
            await engine.run(keyed("hello_world", key, input={"name": "A"}))
        assert caught.value.code == "bad_input"


def delivery(identity, execution_id=None):
    return Insert(DeliveryRecord(source_id="hook", delivery_id=identity, execution_id=execution_id, received_ms=0))


async def test_what_was_delivered_twice_runs_once():
    store, script = MemoryStore(), Script()
    async with engine_on(store, posting(), script=script) as engine:
        first = await engine.enqueue(RunRequest(task="posting"), delivery("d1"))
        assert await engine.enqueue(RunRequest(task="posting"), delivery("d1")) is None
        assert (await engine.end(first)).status == "success"
        assert await store.count(ExecutionRecord) == 1
        assert len(script.calls) == 1


def tick(instant, outcome, execution_id=None):
    return Insert(TickRecord(
        schedule_id="s1", instant_ms=instant, outcome=outcome, execution_id=execution_id, created_ms=0
    ))  # fmt: skip


def fired(instant, overlap):
    identity = f"exec_{instant:04}"
    request = RunRequest(task="posting", origin="schedule", origin_id="s1", execution_id=identity)
    return request, tick(instant, "ran", identity), {"overlap": overlap, "instead": (tick(instant, "skipped"),)}


@pytest.mark.parametrize(("overlap", "ran", "ticks"), [
    ("skip", ["success"], ["ran", "skipped", "skipped"]),
    ("queue", ["success", "success", "success"], ["ran", "ran", "ran"]),
    ("cancel", ["cancelled", "cancelled", "success"], ["ran", "ran", "ran"]),
])  # fmt: skip
def test_overlapping_runs_of_a_schedule(overlap, ran, ticks):
    async def main(clock):
        store, script = MemoryStore(), Script.of(takes_ms=SLOW)
        async with (
            engine_on(store, posting(posts=2, durable="journal"), script=script, clock=clock) as one,
            engine_on(store, script=script, clock=clock) as other,
        ):
            for instant, engine in enumerate((one, other, one), 1):
                request, taken, more = fired(instant, overlap)
                await engine.enqueue(request, taken, **more)
                assert await other.enqueue(request, taken, **more) is None
                await asyncio.sleep(0.1)
            await asyncio.sleep(20)
            records = await store.find(ExecutionRecord, order=("id",))
            assert [record.status for record in records] == ran
            assert [row.outcome for row in await store.find(TickRecord, order=("instant_ms",))] == ticks
            spans = sorted((record.started_ms, record.finished_ms) for record in records if record.started_ms)
            assert len(spans) >= ran.count("success") > 0
            assert all(end <= begin for (_, end), (begin, _) in pairwise(spans))
            assert await store.count(WorkRecord) == 0

    in_virtual_time(main)


def test_a_flood_on_one_task_does_not_starve_another():
    async def main(clock):
        script = Script.of(takes_ms=SLOW)
        limits = {"running": 10, "running_per_task": 6, "line": 100}
        async with engine_on(
            None, posting("flood"), posting("small"), script=script, clock=clock, limits=limits
        ) as engine:
            flood = [asyncio.ensure_future(engine.run(RunRequest(task="flood"))) for _ in range(60)]
            await asyncio.sleep(0.01)
            begun = clock.now()
            await engine.run(RunRequest(task="small"))
            assert (clock.now() - begun).total_seconds() < 1.1
            assert {result.status for result in await asyncio.gather(*flood)} == {"success"}
            assert (clock.now() - begun).total_seconds() < 11

    in_virtual_time(main)


def test_runs_that_wait_hold_nobody_up():
    async def main(clock):
        async with engine_on(None, waiting(ms=5_000), hello(), posting(), clock=clock, limits={"running": 4}) as engine:
            waiters = [await engine.run(RunRequest(task="waiting")) for _ in range(20)]
            begun = clock.now()
            assert (await engine.run(RunRequest(task="posting"))).status == "success"
            assert (clock.now() - begun).total_seconds() < 0.1
            for waiter in waiters:
                assert (await engine.end(waiter.execution_id)).status == "success"

    in_virtual_time(main)


def test_too_many_are_sent_away_and_none_of_those_taken_is_lost():
    async def main(clock):
        store, script = MemoryStore(), Script.of(takes_ms=SLOW)
        limits = {"running": 2, "running_per_task": 2, "line": 4, "queued": 3}
        async with engine_on(store, posting(), script=script, clock=clock, limits=limits) as engine:
            taken, busy = [], 0
            for _ in range(20):
                try:
                    taken.append((await engine.run(RunRequest(task="posting"), wait=False)).execution_id)
                except Busy as error:
                    assert error.code == "busy"
                    assert error.retry_after_ms > 0
                    busy += 1
            assert busy == 20 - len(taken)
            assert 5 <= len(taken) <= 9
            for identity in taken:
                assert (await engine.end(identity)).status == "success"
            assert await store.count(WorkRecord) == 0
            assert len(script.calls) == len(taken)

    in_virtual_time(main)


def test_a_caller_who_gives_up_in_line_leaves_it():
    async def main(clock):
        script = Script.of(takes_ms=SLOW)
        async with engine_on(None, posting(), script=script, clock=clock, limits={"running": 1}) as engine:
            first = asyncio.ensure_future(engine.run(RunRequest(task="posting")))
            second = asyncio.ensure_future(engine.run(RunRequest(task="posting")))
            await asyncio.sleep(0.1)
            assert engine.waiting == 1
            second.cancel()
            await asyncio.gather(first, second, return_exceptions=True)
            assert (engine.waiting, engine.running) == (0, 0)
            assert len(script.calls) == 1

    in_virtual_time(main)


def test_a_queued_run_is_cancelled_before_it_begins():
    async def main(clock):
        store, script = MemoryStore(), Script.of(takes_ms=SLOW)
        async with engine_on(store, posting(), script=script, clock=clock, limits={"running": 1}) as engine:
            first = await engine.run(RunRequest(task="posting"), wait=False)
            second = await engine.run(RunRequest(task="posting"), wait=False)
            assert (await engine.cancel(second.execution_id)).status == "cancelled"
            assert (await engine.end(first.execution_id)).status == "success"
            assert len(script.calls) == 1
            assert await store.count(WorkRecord) == 0

    in_virtual_time(main)


@pytest.mark.parametrize("overlap", [None, "skip", "queue"])
async def test_the_same_run_is_queued_once(overlap):
    store, script = MemoryStore(), Script()
    async with engine_on(store, posting(), script=script) as engine:
        request = RunRequest(task="posting", origin="schedule", origin_id="s", execution_id="exec_1")
        assert await engine.enqueue(request, overlap=overlap) == "exec_1"
        await engine.end("exec_1")
        assert await engine.enqueue(request, overlap=overlap, instead=(tick(1, "skipped"),)) is None
        assert await store.count(TickRecord) == 0
        assert len(script.calls) == 1
