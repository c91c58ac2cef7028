"""W9: many schedules in the store: what a tick costs, and how late it is.

Knows: a store with 100,000 schedules, a clock that leaps over the time in which nothing is due. In: nothing.
Out: timings: lateness from the scheduled instant until the run is on disk; processor time a tick, its run included; a
round without work beside one over a store of 100 schedules. Never: changes how the scheduler works.

    python -m bench.schedules [--schedules 100000] [--instants 8]

Every schedule of the first kind fires once a day, at a minute of its own: some 70 at each minute. Those of the second
kind fire every hour: some 1,667 at each minute, all at the same instant.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import hashlib
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import eyeflow
from bench.measure import Timing
from bench.report import begin, keep
from eyeflow.engine.engine import Engine
from eyeflow.engine.machines import World
from eyeflow.engine.model import RunRequest
from eyeflow.ir.bytecode import write_artifact
from eyeflow.ir.seal import SigningKey
from eyeflow.ir.task import Schedule
from eyeflow.ports import RandomIds
from eyeflow.store.port import Insert, Op, Where
from eyeflow.store.records import ArtifactRecord, ScheduleRecord, TaskRecord, VersionRecord, WorkRecord
from eyeflow.store.sqlite import SqliteStore
from eyeflow.triggers.port import Overlap
from eyeflow.triggers.scheduler import Scheduler
from eyeflow.triggers.timing import milliseconds, next_after, spell

_TASK: Final = 'TASK tick\n  TRIGGER schedule(09:00, daily, "UTC")\n\n  ACTION give\n    TYPE transform\n    VALUE 1\n'
_RULES: Final = (("daily", "FREQ=DAILY;BYHOUR={hour};BYMINUTE={minute}"), ("hourly", "FREQ=HOURLY;BYMINUTE={minute}"))
_BEFORE_S: Final = 2.0
_BATCH: Final = 1_000


class LeapingClock:
    """The real time of day, some time ahead of it."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        """The present, by this clock."""
        return datetime.now(UTC) + self._ahead

    def leap(self, seconds: float) -> None:
        """Go ahead."""
        self._ahead += timedelta(seconds=seconds)


class Watched:
    """The engine, and how late each run was on disk, in microseconds."""

    def __init__(self, engine: Engine, store: SqliteStore, clock: LeapingClock) -> None:
        self._engine = engine
        self._store = store
        self._clock = clock
        self.late_us: list[float] = []
        self.end, self.passes, self.ask, self.watch = engine.end, engine.passes, engine.ask, engine.watch

    async def enqueue(
        self, request: RunRequest, *ops: Op, overlap: Overlap | None = None, instead: Sequence[Op] = ()
    ) -> str | None:
        """See `Engine.enqueue`."""
        taken = await self._engine.enqueue(request, *ops, overlap=overlap, instead=instead)
        assert isinstance(request.payload, dict), "a schedule's payload"
        at = request.payload["at"]
        assert isinstance(at, datetime), "that is the instant"
        self.late_us.append((self._clock.now() - at) / timedelta(microseconds=1))
        return taken

    async def caught_up(self, clock: LeapingClock) -> None:
        """Return when nothing is due, and nothing runs."""
        for table, where in ((ScheduleRecord, Where("next_ms", "<=", milliseconds(clock.now()))), (WorkRecord, None)):
            while await self._store.count(table, *((where,) if where else ()), limit=1):
                await asyncio.sleep(0.05)


def measure(schedules: int = 100_000, instants: int = 8) -> Iterator[Timing]:
    """W9. Takes about `instants` times eight seconds."""
    for what, rule in _RULES:
        yield from asyncio.run(_measured(what, rule, schedules, instants))


async def _measured(what: str, rule: str, schedules: int, instants: int) -> list[Timing]:
    async with _place(rule, 100) as (_, clock, few):
        idle_few = await _idle(few, clock)
    async with _place(rule, schedules) as (watched, clock, scheduler):
        idle = await _idle(scheduler, clock)
        watched.late_us.clear()
        cpu = time.process_time_ns()
        await scheduler.start()
        for _ in range(instants):
            clock.leap(60 - _second(clock) - _BEFORE_S)
            await asyncio.sleep(_BEFORE_S + 0.2)
            await watched.caught_up(clock)
        await scheduler.drain()
        cpu = time.process_time_ns() - cpu
        late = watched.late_us
    return [
        _timing(f"{what}: lateness of a tick", late, cpu / max(1, len(late)) / 1000),
        _timing(f"{what}: a round without work", *idle),
        _timing("the same over 100 schedules", *idle_few),
    ]


async def _idle(scheduler: Scheduler, clock: LeapingClock) -> tuple[list[float], float]:
    """Rounds that read ahead and find nothing, in microseconds; processor time of one."""
    clock.leap(60 - _second(clock) + 5)
    await scheduler.round()  # what came due with the leap
    walls: list[float] = []
    cpu = time.process_time_ns()
    for _ in range(50):
        begun = time.perf_counter_ns()
        scheduler.changed()
        await scheduler.round()
        walls.append((time.perf_counter_ns() - begun) / 1000)
    return walls, (time.process_time_ns() - cpu) / len(walls) / 1000


def _second(clock: LeapingClock) -> float:
    now = clock.now()
    return now.second + now.microsecond / 1_000_000


def _timing(what: str, walls: list[float], cpu_us: float) -> Timing:
    walls = sorted(walls) or [0.0]
    at = [round(walls[min(len(walls) - 1, len(walls) * percent // 100)], 1) for percent in (50, 75, 90, 99)]
    return Timing(
        workload="W9", what=what, count=len(walls), p50_us=at[0], p75_us=at[1], p90_us=at[2], p99_us=at[3],
        cpu_us=round(cpu_us, 1),
    )  # fmt: skip


@asynccontextmanager
async def _place(rule: str, schedules: int) -> AsyncIterator[tuple[Watched, LeapingClock, Scheduler]]:
    """A store on disk with so many schedules of one task, and a scheduler that has not started."""
    clock, key = LeapingClock(), SigningKey(b"w" * 32)
    with tempfile.TemporaryDirectory(prefix="eyeflow-bench-") as folder:
        store = SqliteStore(Path(folder) / "eyeflow.db")
        await store.open()
        await _deploy(store, key)
        await _add(store, clock, rule, schedules)
        engine = Engine(store, world=World(trust=(key.signer,)), clock=clock)
        await engine.start()
        gc.collect()
        try:
            watched = Watched(engine, store, clock)
            yield watched, clock, Scheduler(store, watched, clock=clock, ids=RandomIds(), owner="bench")
        finally:
            await engine.drain(10)
            await store.close()


async def _deploy(store: SqliteStore, key: SigningKey) -> None:
    artifact = eyeflow.compile(_TASK, language="ir").seal(key)
    data = write_artifact(artifact)
    name = hashlib.sha256(data).hexdigest()
    await store.write(
        Insert(TaskRecord(
            id="task_tick", name="tick", version=1, digest=artifact.digest, created_by="b", created_ms=0, updated_ms=0
        )),
        Insert(VersionRecord(
            task_id="task_tick", number=1, digest=artifact.digest, artifact=name, language="ir", source="", ir="",
            created_by="b", created_ms=0,
        )),
        Insert(ArtifactRecord(id=name, digest=artifact.digest, data=data, created_ms=0)),
    )  # fmt: skip


async def _add(store: SqliteStore, clock: LeapingClock, rule: str, schedules: int) -> None:
    now = milliseconds(clock.now())
    for first in range(0, schedules, _BATCH):
        numbers = range(first, min(first + _BATCH, schedules))
        await store.write(*(Insert(_schedule(rule, number, now)) for number in numbers))


def _schedule(rule: str, number: int, now: int) -> ScheduleRecord:
    minute = number * 7 % 1440
    text = rule.format(hour=minute // 60, minute=minute % 60)
    spec = spell(Schedule(rules=(text,), zone="UTC", missed="run_once", overlap="skip"))
    return ScheduleRecord(
        id=f"sched_{number:08d}", task_id="task_tick", version=1, trigger=0, spec=spec, next_ms=next_after(spec, now)
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schedules", type=int, default=100_000)
    parser.add_argument("--instants", type=int, default=8)
    wanted = parser.parse_args(given)
    here, found = begin("W9 schedules"), list[Timing]()
    print(f"{'':44}{'count':>7}{'p50 ms':>10}{'p90 ms':>10}{'p99 ms':>10}{'CPU µs':>10}")
    for each in measure(wanted.schedules, wanted.instants):
        found.append(each)
        times = (each.p50_us / 1000, each.p90_us / 1000, each.p99_us / 1000)
        shown = "".join(f"{time_ms:>10,.2f}" for time_ms in times)
        print(f"{each.workload} {each.what:40}{each.count:>7,}{shown}{each.cpu_us:>10,.1f}", flush=True)
    keep("schedules", found, here, arguments=given)
    return 0


if __name__ == "__main__":
    sys.exit(main())
