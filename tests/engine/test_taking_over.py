"""Processes that end, stand still and go on: their runs are carried on once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from engine.deployed import (
    KEYED,
    READ,
    SEND,
    Freezer,
    deploy,
    engine_on,
    hello,
    in_virtual_time,
    posting,
    waiting,
    world,
)
from eyeflow.connectors.scripted import Script
from eyeflow.engine.burial import bury
from eyeflow.engine.limits import EngineLimits
from eyeflow.engine.model import Busy, RunRequest
from eyeflow.store.memory import MemoryStore
from eyeflow.store.records import ExecutionRecord, LeaseRecord, ProcessRecord, WorkRecord
from svm.built import Build, obj, of

SLOW = {"slack_notify.send_message": [2_000], "slack_notify.keyed_send": [2_000]}


def journal_rows(unit):
    return any(type(getattr(op, "record", None)).__name__ == "JournalRecord" for op in unit)


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_process_that_stood_still_starts_no_effect_it_does_not_own(nth):
    """As SIGSTOP between a write of the journal and the effect it announces, and SIGCONT a minute later."""

    async def main(clock):
        store, script = MemoryStore(), Script()
        frozen = Freezer(store)
        seen = 0

        def stop_after(unit):
            nonlocal seen
            seen += journal_rows(unit)
            return seen == nth

        frozen.stop_after = stop_after
        program = posting(posts=3, durable="journal", capability=KEYED)
        await deploy(store, program)
        async with engine_on(frozen, script=script, clock=clock) as one, engine_on(store, clock=clock) as other:
            other_script = Script()
            await other.use(world(other_script))
            queued = await one.run(RunRequest(task="posting"), wait=False)
            result = await asyncio.wait_for(other.end(queued.execution_id), 60)
            assert result.status == "success"
            frozen.go_on()
            await asyncio.sleep(30)
            texts = [call.params["text"] for call in (*script.calls, *other_script.calls)]
            assert sorted(texts) == ["1", "2", "3"]
            assert one.metrics.fenced == 1
            assert one.sure
            assert (await one.run(RunRequest(task="posting"))).status == "success"
            assert (await other.replay(queued.execution_id)).equal

    in_virtual_time(main)


def test_an_effect_that_was_at_work_is_uncertain_and_not_repeated():
    async def main(clock):
        store, script = MemoryStore(), Script.of(takes_ms=SLOW)
        frozen = Freezer(store)
        await deploy(store, posting(posts=2, durable="journal"))
        async with engine_on(frozen, script=script, clock=clock) as one, engine_on(store, clock=clock) as other:
            queued = await one.run(RunRequest(task="posting"), wait=False)
            await asyncio.sleep(1)
            frozen.stop()
            result = await asyncio.wait_for(other.end(queued.execution_id), 60)
            assert (result.status, result.uncertain) == ("failed", ("post_1",))
            assert result.error_code == "interrupted"
            frozen.go_on()
            await asyncio.sleep(30)
            assert len(script.calls) == 1
            assert (await store.get(ExecutionRecord, queued.execution_id)).status == "failed"

    in_virtual_time(main)


class Looking(Freezer):
    """The store of a process of which is counted how often it looks who lives."""

    looks = 0

    async def find(self, table, *where, **more):
        self.looks += table is ProcessRecord
        return await self._store.find(table, *where, **more)


@pytest.mark.parametrize("jump_s", [3_600, -3_600, 365 * 86_400, -365 * 86_400])
def test_nobody_dies_of_a_clock_that_was_set(jump_s):
    async def main(clock):
        class Jumping:
            offset = timedelta(0)

            def now(self):
                return clock.now() + self.offset

        store, script, own = MemoryStore(), Script.of(takes_ms=SLOW), Jumping()
        watching = Looking(store)
        often = {"sweep_ms": 50}
        async with (
            engine_on(store, posting(posts=8, durable="journal"), script=script, clock=own) as one,
            engine_on(watching, clock=own, limits=often) as other,
        ):
            queued = await one.run(RunRequest(task="posting"), wait=False)
            await asyncio.sleep(3.4)
            own.offset = timedelta(seconds=jump_s)
            before = watching.looks
            await asyncio.sleep(0.5)  # the next heartbeat by the new time is a tenth of a second off
            assert watching.looks - before >= 8, "it has looked who lives"
            assert (await one.end(queued.execution_id)).status == "success"
            assert len(script.calls) == 8
            assert other.metrics.claimed == 0
            assert await store.count(ProcessRecord) == 2

    in_virtual_time(main)


def test_a_drained_process_gives_its_runs_back():
    async def main(clock):
        store, script = MemoryStore(), Script.of(takes_ms=SLOW)
        limits = {"running": 2}
        async with engine_on(
            store, posting(posts=3, durable="journal"), waiting(ms=5_000), script=script, clock=clock, limits=limits,
            drain_s=3,
        ) as one:  # fmt: skip
            identities = [(await one.run(RunRequest(task="posting"), wait=False)).execution_id for _ in range(4)]
            identities.append((await one.run(RunRequest(task="waiting"), wait=False)).execution_id)
            await asyncio.sleep(1)
        assert await store.count(ProcessRecord) == 0
        assert await store.count(WorkRecord) == 5
        assert [row.owner for row in await store.find(WorkRecord)] == [None] * 5
        with pytest.raises(Busy) as caught:
            await one.run(RunRequest(task="posting"))
        assert caught.value.code == "draining"
        async with engine_on(store, script=script, clock=clock) as two:
            for identity in identities:
                result = await two.end(identity)
                assert (result.status, result.uncertain) == ("success", ())
        assert len(script.calls) == 4 * 3 + 2

    in_virtual_time(main)


def test_draining_lets_a_caller_have_the_answer():
    async def main(clock):
        script = Script.of(takes_ms=SLOW)
        async with engine_on(None, posting(), script=script, clock=clock) as engine:
            waiter = asyncio.ensure_future(engine.run(RunRequest(task="posting")))
            await asyncio.sleep(1)
        assert (await waiter).status == "success"

    in_virtual_time(main)


def test_a_run_that_kills_its_process_again_and_again_is_given_up():
    async def main(clock):
        store = MemoryStore()
        script = Script.of(fails={"openweather.current_weather": ["hang"]})
        b = Build("killer", deadline_ms=600_000)
        b.durable = "journal"
        write = b.call("write", SEND, obj(text="once"))
        read = b.call("read", READ, obj(location="x"), needs=[write], timeout_ms=500_000)
        await deploy(store, b.program([write, read], of(read)))
        identity = None
        for _ in range(4):
            frozen = Freezer(store)
            async with engine_on(frozen, script=script, clock=clock, limits={"deaths": 2}, drain_s=0) as engine:
                if identity is None:
                    identity = (await engine.run(RunRequest(task="killer"), wait=False)).execution_id
                await asyncio.sleep(20)
                frozen.stop()
                frozen._store = MemoryStore()  # whatever it does when it drains is not seen
                frozen.go_on()
        async with engine_on(store, clock=clock, limits={"deaths": 2}) as engine:
            await asyncio.sleep(20)
            result = await engine.end(identity)
            assert (result.status, result.error_code) == ("failed", "poisoned")
            assert [call.function for call in script.calls].count("send_message") == 1
            assert await store.count(WorkRecord) == 0

    in_virtual_time(main)


def test_a_run_keeps_the_program_it_began_with():
    async def main(clock):
        store, script = MemoryStore(), Script()
        async with engine_on(store, waiting(ms=60_000), hello(), script=script, clock=clock) as engine:
            first = await engine.run(RunRequest(task="waiting"))
            await asyncio.sleep(5)
            await deploy(store, waiting(ms=1), version=2)
            second = await engine.run(RunRequest(task="waiting"))
            assert second.status == "success"
            result = await engine.end(first.execution_id)
            assert result.status == "success"
            records = await store.find(ExecutionRecord, order=("created_ms",))
            assert [record.version for record in records] == [1, 2]
            assert records[0].digest != records[1].digest

    in_virtual_time(main)


def test_a_revoked_program_is_not_carried_on():
    async def main(clock):
        store, script = MemoryStore(), Script()
        async with engine_on(store, waiting(ms=60_000), script=script, clock=clock) as engine:
            first = await engine.run(RunRequest(task="waiting"))
            digest = (await store.get(ExecutionRecord, first.execution_id)).digest
            await asyncio.sleep(5)
            await engine.use(world(script, revoked=frozenset((digest,))))
            result = await engine.end(first.execution_id)
            assert (result.status, result.error_code) == ("failed", "revoked")
            assert len(script.calls) == 1

    in_virtual_time(main)


def test_what_is_known_to_have_ended_is_taken_over_without_waiting_for_its_lease():
    async def main(clock):
        store = MemoryStore()
        frozen = Freezer(store)
        await deploy(store, posting(posts=2, durable="journal", capability=KEYED))
        async with engine_on(frozen, script=Script.of(takes_ms=SLOW), clock=clock, name="here:1") as one:
            queued = await one.run(RunRequest(task="posting"), wait=False)
            await asyncio.sleep(1)
            frozen.stop()
            async with engine_on(store, clock=clock, name="here:2") as other:
                await other.use(world(Script()))
                begun = asyncio.get_running_loop().time()
                assert await bury(store, lambda name: name == "here:3") == 0
                assert await bury(store, lambda name: name == "here:1") == 1
                assert (await other.end(queued.execution_id)).status == "success"
                took = asyncio.get_running_loop().time() - begun
                assert took < EngineLimits().quiet_ms / 1000, "of virtual time: earlier than silence could have told"
                assert {each.owner for each in await store.find(LeaseRecord)} == {other.owner}
            frozen.go_on()

    in_virtual_time(main)
