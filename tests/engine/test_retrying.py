"""A run done again from where it failed."""

from __future__ import annotations

import asyncio

import pytest

from engine.deployed import KEYED, READ, SEND, engine_on, hello, in_virtual_time, posting
from eyeflow.connectors.scripted import Script
from eyeflow.engine.model import LOCAL, EngineError, RunRequest
from eyeflow.store.memory import MemoryStore
from eyeflow.store.port import Update, Where
from eyeflow.store.records import ExecutionRecord, TaskRecord
from svm.built import Build, fn, instant, items, k, obj, of


def sent(script):
    return [call.params["text"] for call in script.calls if "text" in call.params]


@pytest.mark.parametrize("durable", ["record", "journal"])
def test_what_finished_is_not_done_again(durable):
    async def main(clock):
        store = MemoryStore()
        script = Script.of(fails={"slack_notify.send_message": [None, "invalid", None]})
        async with engine_on(
            store, posting(posts=3, durable=durable, expires_ms=60_000), script=script, clock=clock
        ) as engine:
            first = await engine.run(RunRequest(task="posting"))
            assert (first.status, first.failed_action) == ("partial_failure", 2)
            await asyncio.sleep(120)
            again = await engine.retry(first.execution_id, principal=LOCAL)
            assert again.status == "success"
            assert again.execution_id != first.execution_id
            assert sent(script) == ["1", "2", "2", "3"]
            assert again.duration_ms < 1_000
            record = await store.get(ExecutionRecord, again.execution_id)
            assert (record.origin, record.origin_id) == ("retry", first.execution_id)
            assert record.digest == (await store.get(ExecutionRecord, first.execution_id)).digest
            assert (await engine.replay(again.execution_id)).equal
            assert len((await engine.timeline(again.execution_id)).lines) == 3

    in_virtual_time(main)


def test_a_step_and_what_depends_on_it_are_done_again():
    async def main(clock):
        script = Script()
        async with engine_on(None, posting(posts=3), script=script, clock=clock) as engine:
            first = await engine.run(RunRequest(task="posting"))
            again = await engine.retry(first.execution_id, "post_2", principal=LOCAL)
            assert again.status == "success"
            assert sent(script) == ["1", "2", "3", "2", "3"]
            assert (await engine.replay(again.execution_id)).equal

    in_virtual_time(main)


def test_items_that_were_done_are_not_done_twice():
    async def main(clock):
        b = Build("looping")

        def body(item):
            post = b.call("post", KEYED, obj(text=item))
            return [post], of(post)

        loop = b.foreach("each", items("a", "b", "c"), body)
        after = b.call("after", SEND, obj(text="done"), needs=[loop])
        program = b.program([loop, after], of(after))
        script = Script.of(fails={"slack_notify.keyed_send": [None, None, "invalid", None]})
        async with engine_on(None, program, script=script, clock=clock) as engine:
            first = await engine.run(RunRequest(task="looping"))
            assert first.status == "failed"
            again = await engine.retry(first.execution_id, principal=LOCAL)
            assert again.status == "success"
            assert sent(script) == ["a", "b", "c", "c", "done"]
            assert (await engine.replay(again.execution_id)).equal

    in_virtual_time(main)


def test_failed_items_of_a_loop_that_collects_are_done_again():
    async def main(clock):
        b = Build("collecting")

        def body(item):
            post = b.call("post", KEYED, obj(text=item))
            return [post], of(post)

        loop = b.foreach("each", items("a", "b", "c"), body, continue_on_error=True)
        program = b.program([loop], of(loop))
        script = Script.of(fails={"slack_notify.keyed_send": [None, "invalid", None]})
        async with engine_on(None, program, script=script, clock=clock) as engine:
            first = await engine.run(RunRequest(task="collecting"))
            assert first.status == "partial_failure"
            again = await engine.retry(first.execution_id, principal=LOCAL)
            assert again.status == "success"
            assert sent(script) == ["a", "b", "c", "b"]
            assert (await engine.replay(again.execution_id)).equal

    in_virtual_time(main)


def test_a_choice_that_read_the_time_stands():
    async def main(clock):
        b = Build("choosing")
        early = b.call("early", SEND, obj(text="early"))
        late = b.call("late", KEYED, obj(text="late"), needs=[early])
        test = fn("LT", fn("NOW"), instant("2026-01-01T00:00:10Z"))
        choice = b.branch("choice", [(test, b.scope([early, late], of(late)))])
        program = b.program([choice], of(choice))
        script = Script.of(fails={"slack_notify.keyed_send": ["invalid", None]})
        async with engine_on(None, program, script=script, clock=clock) as engine:
            first = await engine.run(RunRequest(task="choosing"))
            assert first.status == "failed"
            await asyncio.sleep(60)
            again = await engine.retry(first.execution_id, principal=LOCAL)
            assert again.status == "success"
            assert sent(script) == ["early", "late", "late"]
            assert (await engine.replay(again.execution_id)).equal

    in_virtual_time(main)


def test_what_a_fallback_or_a_tolerated_failure_left():
    async def main(clock):
        b = Build("tolerant")
        one = b.call("one", READ, obj(location="x"), continue_on_error=True)
        two = b.call("two", SEND, obj(text="two"), backup=b.fallback(k("instead")))
        program = b.program([one, two], of(two))
        script = Script.of(fails={
            "openweather.current_weather": ["not_found", None], "slack_notify.send_message": ["invalid"]
        })  # fmt: skip
        async with engine_on(None, program, script=script, clock=clock) as engine:
            first = await engine.run(RunRequest(task="tolerant"))
            assert (first.status, first.fallback_executed) == ("partial_failure", True)
            again = await engine.retry(first.execution_id, principal=LOCAL)
            assert again.status == "success"
            assert again.fallback_executed
            assert [call.function for call in script.calls].count("current_weather") == 2
            assert sent(script) == ["two"]
            assert (await engine.replay(again.execution_id)).equal

    in_virtual_time(main)


def test_a_run_past_its_deadline_has_time_again():
    async def main(clock):
        b = Build("slow", deadline_ms=3_000)
        one = b.call("one", SEND, obj(text="1"))
        two = b.call("two", KEYED, obj(text="2"), needs=[one])
        program = b.program([one, two], of(two))
        script = Script.of(takes_ms={"slack_notify.send_message": [2_000], "slack_notify.keyed_send": [2_000]})
        async with engine_on(None, program, script=script, clock=clock) as engine:
            first = await engine.run(RunRequest(task="slow"))
            assert first.error_code == "deadline"
            again = await engine.retry(first.execution_id, principal=LOCAL)
            assert again.status == "success"
            assert sent(script) == ["1", "2", "2"]
            assert (await engine.replay(again.execution_id)).equal

    in_virtual_time(main)


def test_a_run_of_a_deleted_task_is_not_done_again():
    async def main(clock):
        store = MemoryStore()
        script = Script.of(fails={"slack_notify.send_message": ["invalid", None]})
        async with engine_on(store, posting(durable="journal"), script=script, clock=clock) as engine:
            first = await engine.run(RunRequest(task="posting"))
            record = await store.get(ExecutionRecord, first.execution_id)
            await store.write(Update(TaskRecord, (("state", "deleted"),), (Where("id", "=", record.task_id),)))
            made = len(script.calls)
            with pytest.raises(EngineError) as caught:
                await engine.retry(first.execution_id, principal=LOCAL)
            assert caught.value.code == "unknown_task"
            assert len(script.calls) == made

    in_virtual_time(main)


def test_what_cannot_be_retried():
    async def main(clock):
        script = Script.of(takes_ms={"slack_notify.send_message": [1_000]})
        async with engine_on(None, posting(durable="journal"), hello(), script=script, clock=clock) as engine:
            done = await engine.run(RunRequest(task="hello_world", input={"name": "A"}))
            under_way = await engine.run(RunRequest(task="posting"), wait=False)
            for asked, step, code in (
                ("exec_none", None, "unknown_execution"), (done.execution_id, None, "nothing_to_retry"),
                (done.execution_id, "nope", "no_such_step"), (under_way.execution_id, None, "not_ended"),
            ):  # fmt: skip
                with pytest.raises(EngineError) as caught:
                    await engine.retry(asked, step, principal=LOCAL)
                assert caught.value.code == code
            await engine.erase(done.execution_id, LOCAL)
            for act in (engine.retry(done.execution_id, "greet", principal=LOCAL), engine.replay(done.execution_id)):
                with pytest.raises(EngineError) as caught:
                    await act
                assert caught.value.code == "payload_erased"
            assert (await engine.execution(done.execution_id)).erased

    in_virtual_time(main)
