"""What runs tell: events of ends, of EMIT, of connections; once for each, and only of what is kept."""

from __future__ import annotations

import asyncio

import msgspec

from engine.deployed import KEYED, engine_on, hello, in_virtual_time, posting
from eyeflow.connectors.scripted import Script
from eyeflow.engine.model import RunRequest
from eyeflow.errors import EyeFlowError
from eyeflow.events import InProcessBus
from eyeflow.ir.opcodes import Op
from eyeflow.store.memory import MemoryStore
from eyeflow.store.records import OutboxRecord
from svm.built import Build, obj, of


class Listener:
    """Takes events, after failing `failures` times."""

    def __init__(self, bus, topic="*", failures=0):
        self.events = []
        self._failures = failures
        self.subscription = bus.subscribe(topic, self._take)

    async def _take(self, event):
        if self._failures:
            self._failures -= 1
            raise ValueError("not now")
        self.events.append(event)

    @property
    def told(self):
        return [(event.type, event.data) for event in self.events]


def test_acceptance_14_completed_is_told_once():
    async def main(clock):
        store, bus = MemoryStore(), InProcessBus()
        heard = Listener(bus, "eyeflow.tasks.completed")
        async with engine_on(store, hello(), posting(durable="journal"), clock=clock, bus=bus) as engine:
            first = await engine.run(RunRequest(task="hello_world", input={"name": "Alice"}))
            second = await engine.run(RunRequest(task="posting"), wait=False)
            await engine.end(second.execution_id)
            await asyncio.sleep(2)
            assert [event.subject for event in heard.events] == [first.execution_id, second.execution_id]
            event = heard.events[0]
            assert event.specversion == "1.0"
            assert event.source == "/tasks/hello_world"
            assert event.data["status"] == "success"
            assert event.data["execution_id"] == first.execution_id
            assert [each.data["task"] for each in heard.events] == ["hello_world", "posting"]
            assert event.data["duration_ms"] == first.duration_ms
            assert not {"error", "error_code", "output", "input"} & set(event.data)
            assert "Alice" not in msgspec.json.encode(event).decode()
            assert await store.count(OutboxRecord) == 0

    in_virtual_time(main)


def test_acceptance_15_failed_is_told_once():
    async def main(clock):
        bus = InProcessBus()
        heard = Listener(bus)
        script = Script.of(fails={"slack_notify.send_message": ["invalid"]})
        async with engine_on(None, posting(posts=2), script=script, clock=clock, bus=bus) as engine:
            result = await engine.run(RunRequest(task="posting"))
            assert result.status == "failed"
            await asyncio.sleep(2)
            ends = [event for event in heard.events if event.type != "eyeflow.connectors.connected"]
            assert [event.type for event in ends] == ["eyeflow.tasks.failed"]
            assert ends[0].data["error_code"] == "invalid"
            assert ends[0].subject == ends[0].data["execution_id"] == result.execution_id
            assert (ends[0].data["task"], ends[0].data["error"]) == ("posting", result.error)

    in_virtual_time(main)


def test_a_partial_failure_is_a_failure_and_a_cancelled_run_is_neither():
    async def main(clock):
        bus = InProcessBus()
        heard = Listener(bus, "eyeflow.tasks.failed")
        script = Script.of(
            fails={"slack_notify.send_message": [None, "invalid"]}, takes_ms={"slack_notify.keyed_send": [900]}
        )
        async with engine_on(
            None, posting(posts=2), posting("slow", posts=2, capability=KEYED), script=script, clock=clock, bus=bus
        ) as engine:
            assert (await engine.run(RunRequest(task="posting"))).status == "partial_failure"
            queued = await engine.run(RunRequest(task="slow"), wait=False)
            assert (await engine.cancel(queued.execution_id)).status == "cancelled"
            await asyncio.sleep(2)
            assert [event.data["status"] for event in heard.events] == ["partial_failure"]

    in_virtual_time(main)


def test_acceptance_16_a_connection_is_told_once():
    async def main(clock):
        bus = InProcessBus()
        heard = Listener(bus, "eyeflow.connectors.connected")
        async with engine_on(None, posting(), clock=clock, bus=bus) as engine:
            for _ in range(3):
                await engine.run(RunRequest(task="posting"))
            await asyncio.sleep(2)
            assert [event.data["connection"] for event in heard.events] == ["slack_daily"]

    in_virtual_time(main)


def emitting(durable):
    b = Build("emitting")
    b.durable = durable
    emit = b.step("emit", Op.EMIT, b.constant("things"), b.block(obj(answer=42)))
    post = b.call("post", KEYED, obj(text="after"), needs=[emit])
    return b.program([emit, post], of(post))


def test_what_a_program_emits_goes_with_its_run():
    async def main(clock):
        for durable in ("record", "journal"):
            bus = InProcessBus()
            heard = Listener(bus, "things", failures=2)
            async with engine_on(None, emitting(durable), clock=clock, bus=bus) as engine:
                result = await engine.run(RunRequest(task="emitting"))
                assert result.status == "success"
                await asyncio.sleep(10)
                assert heard.told == [("things", {"answer": 42})]
                assert heard.events[0].id == f"{result.execution_id}:emit:0"
                assert engine.metrics.unpublished == 2

    in_virtual_time(main)


def test_an_event_that_nobody_takes_holds_up_no_other():
    async def main(clock):
        store, bus = MemoryStore(), InProcessBus()
        stubborn = Listener(bus, "things", failures=10**6)
        heard = Listener(bus, "eyeflow.tasks.completed")
        async with engine_on(store, emitting("record"), clock=clock, bus=bus) as engine:
            for _ in range(3):
                await engine.run(RunRequest(task="emitting"))
            await asyncio.sleep(5)
            assert len(heard.events) == 3
            assert stubborn.events == []
            assert await store.count(OutboxRecord) == 3

    in_virtual_time(main)


def test_what_was_not_published_is_published_by_the_next_process():
    async def main(clock):
        store, bus = MemoryStore(), InProcessBus()
        Listener(bus, "things", failures=10**6)
        async with engine_on(store, emitting("record"), clock=clock, bus=bus) as engine:
            result = await engine.run(RunRequest(task="emitting"))
            await asyncio.sleep(1)
        bus = InProcessBus()
        heard = Listener(bus, "things")
        async with engine_on(store, clock=clock, bus=bus):
            await asyncio.sleep(10)
            assert [event.subject for event in heard.events] == [result.execution_id]
            assert await store.count(OutboxRecord) == 0

    in_virtual_time(main)


def test_one_of_two_processes_publishes():
    async def main(clock):
        store, bus = MemoryStore(), InProcessBus()
        heard = Listener(bus, "eyeflow.tasks.completed")
        async with (
            engine_on(store, hello(), clock=clock, bus=bus) as one,
            engine_on(store, clock=clock, bus=bus) as two,
        ):
            for number in range(20):
                await (one, two)[number % 2].run(RunRequest(task="hello_world", input={"name": "A"}))
            await asyncio.sleep(3)
            assert len(heard.events) == len({event.id for event in heard.events}) == 20

    in_virtual_time(main)


async def test_listeners_do_not_disturb_each_other():
    bus = InProcessBus()
    heard, failing, other = Listener(bus), Listener(bus, failures=1), Listener(bus, "b")
    from eyeflow.events import CloudEvent

    event = CloudEvent(specversion="1.0", id="1", source="/x", type="a", time="2026-01-01T00:00:00Z")
    try:
        await bus.publish(event)
    except EyeFlowError as error:
        assert error.code == "not_published"
    await bus.publish(event)
    assert [len(each.events) for each in (heard, failing, other)] == [2, 1, 0]
    heard.subscription.end()
    heard.subscription.end()
    await bus.publish(event)
    assert len(heard.events) == 2
    assert bus.wants("anything")
