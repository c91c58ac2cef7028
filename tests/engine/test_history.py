"""What is known of runs, for how long, and what is too large to be known."""

from __future__ import annotations

import asyncio

import pytest

from engine.deployed import SEND, deploy, engine_on, hello, in_virtual_time, posting, waiting, world
from eyeflow.connectors.scripted import Script
from eyeflow.engine.model import LOCAL, EngineError, Principal, RunRequest
from eyeflow.store.memory import MemoryStore
from eyeflow.store.port import StoreError
from eyeflow.store.records import AuditRecord, ExecutionRecord, IdempotencyRecord, JournalRecord, WorkRecord
from eyeflow.svm.journal import RunFinished, event_name
from svm.built import Build, obj, of


def test_a_run_is_watched_to_its_end_from_here_and_from_elsewhere():
    async def main(clock):
        store, script = MemoryStore(), Script.of(takes_ms={"slack_notify.send_message": [1_000]})
        program = posting(posts=3, durable="journal")
        async with engine_on(store, program, script=script, clock=clock) as one, engine_on(store, clock=clock) as two:
            queued = await one.run(RunRequest(task="posting"), wait=False)

            async def seen(engine):
                return [event async for event in engine.watch(queued.execution_id)]

            here, there = await asyncio.gather(seen(one), seen(two))
            assert here == there == await two.events(queued.execution_id)
            assert isinstance(here[-1], RunFinished)
            assert [event async for event in one.watch(queued.execution_id)] == here
            with pytest.raises(EngineError) as caught:
                [event async for event in one.watch("exec_none")]
            assert caught.value.code == "unknown_execution"

    in_virtual_time(main)


def test_what_a_run_carried_is_erased():
    async def main(clock):
        store = MemoryStore()
        async with engine_on(store, hello(), waiting(ms=30_000), clock=clock) as engine:
            result = await engine.run(RunRequest(task="hello_world", input={"name": "Zoe"}))
            await engine.erase(result.execution_id, Principal(id="dpo"))
            detail = await engine.execution(result.execution_id)
            assert (detail.erased, detail.status, detail.input, detail.result.output) == (True, "success", {}, None)
            for act in (engine.events, engine.timeline):
                with pytest.raises(EngineError) as caught:
                    await act(result.execution_id)
                assert caught.value.code == "payload_erased"
            assert "Zoe" not in repr(await store.find(ExecutionRecord))
            assert [row.action for row in await store.find(AuditRecord)] == ["execution.erased"]
            under_way = await engine.run(RunRequest(task="waiting"))
            with pytest.raises(EngineError) as caught:
                await engine.erase(under_way.execution_id, LOCAL)
            assert caught.value.code == "not_ended"

    in_virtual_time(main)


def test_runs_are_forgotten_when_their_task_says_so():
    async def main(clock):
        store = MemoryStore()
        program = posting(durable="journal")
        async with engine_on(store, hello(), clock=clock) as engine:
            await deploy(store, program, retention_days=1)
            await engine.changed()
            for _ in range(3):
                await engine.run(RunRequest(task="posting"))
            kept = await engine.run(RunRequest(task="hello_world", input={"name": "A"}, idempotency_key="k"))
            assert await engine._housekeeping.tidy() == 0

            class Later:
                def now(self):
                    from datetime import timedelta

                    return clock.now() + timedelta(days=1, seconds=1)

            engine._common.clock = Later()
            assert await engine._housekeeping.tidy() == 3
            assert [row.id for row in await store.find(ExecutionRecord)] == [kept.execution_id]
            assert await store.count(JournalRecord) == 0
            assert await store.count(IdempotencyRecord) == 0

    in_virtual_time(main)


def echoing(durable):
    b = Build("echoing")
    b.durable = durable
    post = b.call("post", SEND, obj(text="x"))
    get = b.call("get", "openweather.anything", needs=[post])
    return b.program([post, get], of(get))


@pytest.mark.parametrize("durable", ["record", "journal"])
def test_a_journal_has_a_limit_and_what_was_done_is_not_hidden(durable):
    async def main(clock):
        store = MemoryStore()
        script = Script.of(returns={"openweather.anything": ["x" * 60_000]})
        limits = {"batch_bytes": 50_000}
        async with engine_on(store, echoing(durable), script=script, clock=clock, limits=limits) as engine:
            result = await engine.run(RunRequest(task="echoing"))
            assert (result.status, result.error_code) == ("failed", "journal_limit")
            assert (await engine.execution(result.execution_id)).status == "failed"
            assert await store.count(WorkRecord) == 0
            names = [event_name(event) for event in await engine.events(result.execution_id)]
            assert ("effect_finished" in names) == (durable == "journal")

    in_virtual_time(main)


@pytest.mark.parametrize("durable", ["record", "journal"])
def test_a_large_record_takes_several_rows(durable):
    async def main(clock):
        store = MemoryStore()
        script = Script.of(returns={"openweather.anything": ["x" * 60_000]})
        b = Build("reading")
        b.durable = durable
        reads = [b.call(f"get_{n}", "openweather.anything", obj()) for n in range(5)]
        program = b.program(reads, of(reads[0]))
        async with engine_on(store, program, script=script, clock=clock, limits={"batch_bytes": 150_000}) as engine:
            result = await engine.run(RunRequest(task="reading"))
            assert result.status == "success"
            assert len(result.output) == 60_000
            assert await store.count(JournalRecord) > 1
            assert (await engine.replay(result.execution_id)).equal

    in_virtual_time(main)


async def test_too_large_a_request_is_refused():
    for wait in (True, False):
        async with engine_on(None, hello(), posting(), limits={"request_bytes": 1_000}) as engine:
            with pytest.raises(EngineError) as caught:
                await engine.run(RunRequest(task="posting", payload={"a": "x" * 2_000}), wait=wait)
            assert caught.value.code == "bad_input"


@pytest.mark.parametrize("payload", [[[]] * 3, {"a": {"b": None}}, "text", 7, "\ud800", {"a": float("nan")}])
@pytest.mark.parametrize("wait", [True, False])
def test_any_payload_is_kept_or_refused(payload, wait):
    async def main(clock):
        async with engine_on(None, posting(), clock=clock) as engine:
            try:
                result = await engine.run(RunRequest(task="posting", payload=payload), wait=wait)
            except EngineError as error:
                assert error.code == "bad_input"
                return
            await engine.end(result.execution_id)
            detail = await engine.execution(result.execution_id)
            assert repr(detail.payload) == repr(payload)

    in_virtual_time(main)


def test_a_payload_fills_inputs_of_the_same_name():
    async def main(clock):
        async with engine_on(None, hello(), clock=clock) as engine:
            for wait in (True, False):
                payload = {"name": "Bo", "more": 1}
                request = RunRequest(task="hello_world", payload=payload, payload_as_input=True)
                result = await engine.run(request, wait=wait)
                result = await engine.end(result.execution_id)
                assert result.output == {"greeting": "Hello Bo"}

    in_virtual_time(main)


class Failing:
    """A store whose writes fail for a while."""

    def __init__(self, store, code):
        self._store = store
        self._code = code
        self.failing = False

    async def write(self, *unit):
        if self.failing:
            raise StoreError(self._code, "no")
        return await self._store.write(*unit)

    def __getattr__(self, name):
        return getattr(self._store, name)


@pytest.mark.parametrize("code", ["store_full", "store_busy", "store_read_only"])
def test_what_could_not_be_kept_was_not_run_or_says_so(code):
    async def main(clock):
        store, script = Failing(MemoryStore(), code), Script()
        async with engine_on(store, posting(), hello(), waiting(ms=60_000), script=script, clock=clock) as engine:
            await engine.run(RunRequest(task="hello_world", input={"name": "A"}))
            store.failing = True
            for request, wait in (
                (RunRequest(task="hello_world", input={"name": "A"}), True), (RunRequest(task="posting"), False),
            ):  # fmt: skip
                with pytest.raises(StoreError) as caught:
                    await engine.run(request, wait=wait)
                assert caught.value.code == code
            assert script.calls == []
            with pytest.raises(StoreError) as caught:
                await engine.run(RunRequest(task="posting"))
            assert caught.value.code == code
            store.failing = False
            assert engine.running == 0

    in_virtual_time(main)


def test_a_run_goes_on_when_the_store_does():
    async def main(clock):
        store = Failing(MemoryStore(), "store_full")
        script = Script.of(takes_ms={"slack_notify.send_message": [1_000]})
        async with engine_on(store, posting(posts=3, durable="journal"), script=script, clock=clock) as engine:
            queued = await engine.run(RunRequest(task="posting"), wait=False)
            await asyncio.sleep(0.5)
            store.failing = True
            await asyncio.sleep(20)
            assert len(script.calls) == 1
            store.failing = False
            result = await engine.end(queued.execution_id)
            assert (result.status, result.uncertain) == ("failed", ("post_1",))
            assert len(script.calls) == 1

    in_virtual_time(main)


def test_practice_and_live_keep_apart():
    async def main(clock):

        store, live, practice = MemoryStore(), Script(), Script()

        async with engine_on(
            store, posting(), clock=clock, world=world(live, practice={"scripted": practice.factory()})
        ) as engine:
            tester = Principal(id="t", practice=True)
            with pytest.raises(EngineError) as caught:
                await engine.run(RunRequest(task="posting", principal=tester))
            assert caught.value.code == "forbidden"
            await deploy(store, posting("rehearsed"), practice=True)
            await engine.changed()
            assert (await engine.run(RunRequest(task="rehearsed", principal=tester))).status == "success"
            assert (len(live.calls), len(practice.calls)) == (0, 1)

    in_virtual_time(main)


@pytest.mark.parametrize(("who", "code"), [
    (Principal(id="v", role="viewer"), "forbidden"), (Principal(id="a", role="auditor"), "forbidden"),
    (Principal(id="s", tasks=frozenset({"other"})), "forbidden"),
])  # fmt: skip
async def test_who_may_not_run(who, code):
    async with engine_on(None, hello()) as engine:
        with pytest.raises(EngineError) as caught:
            await engine.run(RunRequest(task="hello_world", input={"name": "A"}, principal=who))
        assert caught.value.code == code


async def test_a_paused_task_does_not_run():
    store = MemoryStore()
    async with engine_on(store, hello()) as engine:
        await deploy(store, hello("rests"), state="paused")
        with pytest.raises(EngineError) as caught:
            await engine.run(RunRequest(task="rests", input={"name": "A"}))
        assert caught.value.code == "task_paused"
