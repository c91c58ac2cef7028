"""Ids of runs: unique, of version 7, in the order of the runs, the same whenever they are read, not those of a fork."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

from eyeflow.ports import RandomIds, SystemClock
from svm.built import Build, k, machine, sealed


def executions(count, **more):
    b = Build()
    program = sealed(b.program([], k("done")))

    async def main():
        runner = machine(clock=SystemClock(), ids=RandomIds(), **more)
        loaded = await runner.load(program)
        return [await runner.run(loaded) for _ in range(count)]

    return asyncio.run(main())


def test_ids_are_unique_and_sort_by_their_runs():
    before = datetime.now(UTC)
    runs = executions(2_000)
    after = datetime.now(UTC)
    ids = [each.execution_id for each in reversed(runs)][::-1]
    assert len(set(ids)) == 2_000
    assert sorted(ids, key=lambda each: each[:21]) == ids  # to a quarter of a microsecond
    for each, spelled in zip(runs, ids, strict=True):
        prefix, _, number = spelled.partition("_")
        uuid = UUID(number)
        assert (prefix, uuid.version, uuid.variant, len(number)) == ("exec", 7, RFC_4122, 32)
        assert before - timedelta(milliseconds=1) <= each.started_at <= after
        made = datetime.fromtimestamp((uuid.int >> 80) / 1000, UTC)
        assert abs(made - each.started_at) <= timedelta(milliseconds=1)


def test_an_id_is_the_same_whenever_and_wherever_it_is_read():
    (run,) = executions(1)
    first = run.execution_id
    assert first == run.execution_id == run.context.execution_id == run.events[0].execution_id
    assert first == run.timeline().execution_id


def test_processes_forked_from_one_spell_different_ids():
    source = """
import os
from eyeflow.ports import RandomIds, SystemClock
from eyeflow.svm.stamps import drawer, spelled

draw = drawer(RandomIds(), SystemClock())
assert draw() + 1 == draw()
child = os.fork()
if child:
    assert os.waitpid(child, 0)[1] == 0
print(spelled(draw(), 1_800_000_000_000_000_000), flush=True)
"""
    told = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True, env=os.environ)
    one, other = told.stdout.split()
    assert one != other
    assert one[:21] == other[:21]
