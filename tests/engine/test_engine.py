"""Requests become runs, are kept, answered and found again."""

from __future__ import annotations

import pytest

from engine.deployed import engine_on, hello, posting
from eyeflow.connectors.scripted import Script
from eyeflow.engine.model import EngineError, RunRequest
from eyeflow.store.memory import MemoryStore
from eyeflow.store.records import ExecutionRecord, WorkRecord


def asked(task, **more):
    return RunRequest(task=task, **more)


async def test_a_program_that_computes_runs_at_once_and_is_kept():
    store = MemoryStore()
    async with engine_on(store, hello()) as engine:
        result = await engine.run(asked("hello_world", input={"name": "Alice"}))
        assert result.status == "success"
        assert result.output == {"greeting": "Hello Alice"}
        record = await store.get(ExecutionRecord, result.execution_id)
        assert record.status == "success"
        detail = await engine.execution(result.execution_id)
        assert detail.result.output == {"greeting": "Hello Alice"}
        assert detail.input == {"name": "Alice"}
        assert (await engine.replay(result.execution_id)).equal


async def test_an_unknown_task_runs_nothing():
    store = MemoryStore()
    async with engine_on(store, hello()) as engine:
        with pytest.raises(EngineError) as caught:
            await engine.run(asked("nope"))
        assert caught.value.code == "unknown_task"
        assert await store.count(ExecutionRecord) == 0


async def test_bad_input_runs_nothing():
    async with engine_on(None, hello()) as engine:
        for wait in (True, False):
            with pytest.raises(EngineError) as caught:
                await engine.run(asked("hello_world", input={"nam": "x"}), wait=wait)
            assert caught.value.code == "bad_input"


async def test_a_program_with_effects_is_one_row_when_its_caller_waits():
    store, script = MemoryStore(), Script()
    async with engine_on(store, posting(posts=2), script=script) as engine:
        result = await engine.run(asked("posting"))
        assert result.status == "success"
        assert [call.params["text"] for call in script.calls] == ["1", "2"]
        assert await store.count(WorkRecord) == 0
        assert (await engine.replay(result.execution_id)).equal
        assert len((await engine.timeline(result.execution_id)).lines) == 2


@pytest.mark.parametrize("durable", ["record", "journal"])
async def test_a_queued_run_ends(durable):
    store, script = MemoryStore(), Script()
    async with engine_on(store, posting(posts=2, durable=durable), script=script) as engine:
        queued = await engine.run(asked("posting"), wait=False)
        assert queued.status in ("queued", "running")
        result = await engine.end(queued.execution_id)
        assert result.status == "success"
        assert await store.count(WorkRecord) == 0
        assert (await engine.replay(queued.execution_id)).equal
