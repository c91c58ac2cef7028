"""Two processes and one run: whatever stood still, and whenever it goes on, what it believes moves nothing any more."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from engine.deployed import KEYED, Freezer, deploy, engine_on, in_virtual_time, posting, world
from engine.test_telling import Listener
from eyeflow.connectors.scripted import Script
from eyeflow.engine.model import RunRequest
from eyeflow.events import InProcessBus
from eyeflow.store.memory import MemoryStore
from eyeflow.store.port import Conflict, Delete, Update, Where
from eyeflow.store.records import ExecutionRecord, ProcessRecord, WorkRecord

SLOW = {"slack_notify.send_message": [2_000], "slack_notify.keyed_send": [2_000]}
NEVER = {"heartbeat_ms": 3_600_000}
"""It does not hear of its burial by its heartbeat."""


async def until(there: Callable[[], object]) -> None:
    """Return when it is."""
    while not there():
        await asyncio.sleep(0.1)


class Between(Freezer):
    """The store as one process sees it, in which something else comes between one look or write of it and the next."""

    def __init__(self, store: Any) -> None:
        super().__init__(store)
        self.before_burial: Any = None
        self.after_looking: Any = None

    async def write(self, *unit: Any) -> tuple[int, ...]:
        meanwhile = self.before_burial
        if meanwhile is not None and isinstance(unit[0], Delete) and unit[0].table is ProcessRecord:
            self.before_burial = None
            await meanwhile()
        return await super().write(*unit)

    async def find(self, table: Any, *where: Any, **more: Any) -> Any:
        found = await self._store.find(table, *where, **more)
        meanwhile = self.after_looking
        if meanwhile is not None and table is ProcessRecord:
            self.after_looking = None
            await meanwhile()
        return found


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_process_that_has_not_heard_of_its_burial_asks_before_each_effect(nth):
    """It stood still between a write of the journal and the effect, and its own heartbeat is not due yet."""

    async def main(clock):
        store, script, seen = MemoryStore(), Script(), 0
        frozen = Freezer(store)

        def stop_after(unit):
            nonlocal seen
            seen += any(type(getattr(op, "record", None)).__name__ == "JournalRecord" for op in unit)
            return seen == nth

        frozen.stop_after = stop_after
        await deploy(store, posting(posts=3, durable="journal", capability=KEYED))
        async with (
            engine_on(frozen, script=script, clock=clock, limits=NEVER) as one,
            engine_on(store, clock=clock) as other,
        ):
            other_script = Script()
            await other.use(world(other_script))
            queued = await one.run(RunRequest(task="posting"), wait=False)
            assert (await asyncio.wait_for(other.end(queued.execution_id), 60)).status == "success"
            frozen.go_on()
            await asyncio.sleep(30)
            texts = [call.params["text"] for call in (*script.calls, *other_script.calls)]
            assert sorted(texts) == ["1", "2", "3"]

    in_virtual_time(main)


def test_every_claim_of_a_run_has_a_number_that_no_earlier_one_had():
    """Also when the same process takes it again: what was on its way under the earlier claim changes nothing."""

    async def main(clock):
        store = MemoryStore()
        frozen = Freezer(store)
        await deploy(store, posting(posts=2, durable="journal", capability=KEYED))
        async with (
            engine_on(frozen, script=Script.of(takes_ms=SLOW), clock=clock) as one,
            engine_on(store, clock=clock) as other,
        ):
            other_script = Script.of(takes_ms=SLOW)
            await other.use(world(other_script))
            identity = (await one.run(RunRequest(task="posting"), wait=False)).execution_id
            await asyncio.sleep(1)
            first = await store.get(ExecutionRecord, identity)
            frozen.stop()
            await until(lambda: other_script.calls)
            second = await store.get(ExecutionRecord, identity)
            assert second.owner != first.owner and second.fence > first.fence
            stale = (Where("id", "=", identity), Where("fence", "=", first.fence))
            with pytest.raises(Conflict):
                await store.write(Update(ExecutionRecord, (("status", "failed"),), stale, expect=1))
            frozen.go_on()
            assert (await other.end(identity)).status == "success"

    in_virtual_time(main)


def test_an_end_that_comes_from_a_buried_process_is_no_end():
    """Its journal grew too large while it stood still: what it would write of that is not written, and not told."""

    async def main(clock):
        store, bus, long = MemoryStore(), InProcessBus(), {"ok": True, "ts": random.Random(1).randbytes(30_000).hex()}
        frozen, heard = Freezer(store), Listener(bus)
        await deploy(store, posting(posts=2, durable="journal", capability=KEYED))
        script = Script.of(takes_ms=SLOW, returns={"slack_notify.keyed_send": [long]})
        async with (
            engine_on(frozen, script=script, clock=clock, limits={"journal_bytes": 20_000}, bus=bus) as one,
            engine_on(store, clock=clock, bus=bus) as other,
        ):
            other_script = Script.of(takes_ms=SLOW)
            await other.use(world(other_script))
            identity = (await one.run(RunRequest(task="posting"), wait=False)).execution_id
            await asyncio.sleep(1)
            frozen.stop()
            await until(lambda: other_script.calls)
            assert len(script.calls) == len(other_script.calls) == 1, "the other is at the first message too"
            frozen.go_on()
            await asyncio.sleep(1)
            assert await store.get(WorkRecord, identity) is not None, "the other still has it in hand"
            assert (await other.end(identity)).status == "success"
            await asyncio.sleep(2)
            ends = [event.type for event in heard.events if event.subject == identity]
            assert ends == ["eyeflow.tasks.completed"]
            assert one.metrics.fenced == 1

    in_virtual_time(main)


def test_who_speaks_up_at_the_last_moment_is_not_buried():
    async def main(clock):
        store = MemoryStore()
        frozen, watching, script = Freezer(store), Between(store), Script.of(takes_ms=SLOW)
        await deploy(store, posting(posts=6, durable="journal"))

        async def wake():
            before = {row.id: row.until_ms for row in await store.find(ProcessRecord)}
            frozen.go_on()
            while {row.id: row.until_ms for row in await store.find(ProcessRecord)} == before:
                await asyncio.sleep(0.001)

        async with engine_on(frozen, script=script, clock=clock) as one, engine_on(watching, clock=clock) as other:
            watching.before_burial = wake
            identity = (await one.run(RunRequest(task="posting"), wait=False)).execution_id
            await asyncio.sleep(1)
            frozen.stop()
            await asyncio.sleep(60)
            assert watching.before_burial is None, "it was to be buried"
            result = await one.end(identity)
            assert (result.status, result.uncertain) == ("success", ())
            assert (other.metrics.claimed, await store.count(ProcessRecord), len(script.calls)) == (0, 2, 6)

    in_virtual_time(main)


def test_who_began_after_the_others_were_counted_keeps_its_runs():
    """A sweep that has looked who lives, and sees work of somebody it does not know."""

    async def main(clock):
        store = MemoryStore()
        watching, script = Between(store), Script.of(takes_ms=SLOW)
        await deploy(store, posting(posts=3, durable="journal"))
        async with engine_on(watching, clock=clock) as other:
            looked, counted = asyncio.Event(), asyncio.Event()

            async def meanwhile():
                counted.set()
                await looked.wait()

            watching.after_looking = meanwhile
            await counted.wait()
            async with engine_on(store, script=script, clock=clock) as one:
                identity = (await one.run(RunRequest(task="posting"), wait=False)).execution_id
                await asyncio.sleep(1)
                looked.set()
                assert (await one.end(identity)).status == "success"
                assert (other.metrics.claimed, one.metrics.fenced, len(script.calls)) == (0, 0, 3)

    in_virtual_time(main)


def test_who_is_silent_is_buried_whatever_the_wall_clock_says_of_its_lease():
    """The clock was set back a day: by it the lease of the dead goes on until tomorrow."""

    async def main(clock):
        class SetBack:
            offset = timedelta(0)

            def now(self):
                return clock.now() + self.offset

        store, own = MemoryStore(), SetBack()
        frozen = Freezer(store)
        await deploy(store, posting(posts=2, durable="journal", capability=KEYED))
        async with (
            engine_on(frozen, script=Script.of(takes_ms=SLOW), clock=own) as one,
            engine_on(store, clock=own) as other,
        ):
            await other.use(world(Script()))
            identity = (await one.run(RunRequest(task="posting"), wait=False)).execution_id
            await asyncio.sleep(1)
            frozen.stop()
            own.offset = -timedelta(days=1)
            assert (await asyncio.wait_for(other.end(identity), 20)).status == "success"
            frozen.go_on()

    in_virtual_time(main)
