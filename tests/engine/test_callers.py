"""Callers who are told of a run, instead of waiting for it in a task of their own."""

from __future__ import annotations

import asyncio

from engine.deployed import engine_on, in_virtual_time, posting, waiting
from eyeflow.connectors.scripted import Script
from eyeflow.engine.model import RunRequest
from eyeflow.store.memory import MemoryStore
from eyeflow.store.records import ExecutionRecord, WorkRecord

LOOKED = {"look_ms": 3_600_000}
"""What a task means was looked up long enough ago for all of a test."""


async def known(engine, task):
    """Have the program in memory, as it is from its first run on."""
    await engine.end((await engine.run(RunRequest(task=task))).execution_id)


async def test_the_end_is_told_once_and_is_kept_by_then():
    store, script, told = MemoryStore(), Script(), []
    async with engine_on(store, posting(posts=2), script=script, limits=LOOKED) as engine:
        await known(engine, "posting")
        assert engine.at_once(RunRequest(task="posting"), told.append, wait_ms=5_000)
        while not told:
            await asyncio.sleep(0)
        (result,) = told
        assert result.status == "success"
        assert (await store.get(ExecutionRecord, result.execution_id)).status == "success"
        assert (await engine.replay(result.execution_id)).equal
    assert len(told) == 1
    assert [call.params["text"] for call in script.calls] == ["1", "2"] * 2


def test_a_run_that_waits_for_long_is_told_as_waiting_and_goes_on():
    async def main(clock):
        script, told = Script(), []
        store = MemoryStore()
        async with engine_on(store, waiting(ms=5_000), script=script, clock=clock, limits=LOOKED) as engine:
            await known(engine, "waiting")
            assert engine.at_once(RunRequest(task="waiting"), told.append, wait_ms=60_000)
            await asyncio.sleep(3)
            assert [result.status for result in told] == ["waiting"]
            identity = told[0].execution_id
            assert (await store.get(ExecutionRecord, identity)).status in ("running", "waiting")
            assert (await engine.end(identity)).status == "success"
        assert len(told) == 1

    in_virtual_time(main)


def test_a_caller_who_waits_no_longer_is_told_how_far_it_is_and_the_run_is_kept():
    async def main(clock):
        script = Script.of(takes_ms={"slack_notify.send_message": [0, 3_000]})
        store, told = MemoryStore(), []
        async with engine_on(store, posting(posts=1), script=script, clock=clock, limits=LOOKED) as engine:
            await known(engine, "posting")
            assert engine.at_once(RunRequest(task="posting"), told.append, wait_ms=500)
            await asyncio.sleep(1)
            assert [result.status for result in told] == ["running"]
            assert await store.count(WorkRecord) == 1
            assert (await engine.end(told[0].execution_id)).status == "success"
        assert len(told) == 1

    in_virtual_time(main)


def test_a_run_that_has_to_stand_in_line_does_not_begin_at_once():
    async def main(clock):
        script = Script.of(takes_ms={"slack_notify.send_message": [0, 1_000]})
        told = []
        limits = {"running": 1, **LOOKED}
        async with engine_on(None, posting(posts=1), script=script, clock=clock, limits=limits) as engine:
            await known(engine, "posting")
            assert engine.at_once(RunRequest(task="posting"), told.append, wait_ms=5_000)
            assert not engine.at_once(RunRequest(task="posting"), told.append, wait_ms=5_000)
            await asyncio.sleep(2)
            assert [result.status for result in told] == ["success"]

    in_virtual_time(main)
