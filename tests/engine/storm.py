"""A seeded storm over the engine: random programs, services that lie, a process that ends at a write of the store.

    PYTHONPATH=src:tests python -m engine.storm --seed 17             every write of one seed, before and after it
    PYTHONPATH=src:tests python -m engine.storm --seed 17 --at 9      one of them
    PYTHONPATH=src:tests python -m engine.storm --seeds 1000-1050

Everything follows from the seed. A life ends when the store does not answer a write: it was stored (`after`) or not
(`before`), and nothing that the process does from then on reaches the store. The next life begins on the same store, a
while later. What was acknowledged in any life must end, nothing may be done twice without an order to, and every run
must replay to its trace hash.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from engine.deployed import connect, deploy, world
from eyeflow.engine.engine import Engine
from eyeflow.engine.limits import EngineLimits
from eyeflow.engine.model import ENDED, EngineError, Principal, RunRequest
from eyeflow.store.memory import MemoryStore
from eyeflow.store.port import Op, Where
from eyeflow.store.records import ApprovalRecord, ExecutionRecord, OutboxRecord, WorkRecord
from eyeflow.svm import run_virtual
from eyeflow.svm.journal import Event
from eyeflow.svm.virtualtime import EPOCH
from svm.storm import Door, Services, _assignments, _effects
from svm.storm_program import storm_program

BEA = Principal(id="bea", role="owner")
LIMITS = EngineLimits(
    park_ms=10_000, linger_ms=500, signal_ms=5_000, deaths=50, heartbeat_ms=5_000, lease_ms=30_000, quiet_ms=12_000,
    sweep_ms=5_000,
)  # fmt: skip
"""Slow beats, so that an hour of waiting is not thousands of them."""
SENT = ("queued", "recorded", "keyed", "cancelled")


class Crash(BaseException):
    """The process is gone."""


class Ids:
    """Ids that ascend through all lives."""

    def __init__(self) -> None:
        self.next = 0

    def new(self, prefix: str) -> str:
        self.next += 1
        return f"{prefix}_{self.next:06}"


class Mortal:
    """The store as one life sees it: it dies at write number `at`."""

    def __init__(self, store: MemoryStore, at: int | None, *, after: bool) -> None:
        self._store = store
        self._left = at
        self._after = after
        self.writes = 0
        self.died: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def write(self, *unit: Op) -> tuple[int, ...]:
        self._alive()
        if self._left is not None and self.writes >= self._left:
            if self._after:
                await self._store.write(*unit)
            if not self.died.done():
                self.died.set_result(None)
            self._alive()
        self.writes += 1
        return await self._store.write(*unit)

    def _alive(self) -> None:
        if self.died.done():
            raise Crash

    async def get(self, *args: Any) -> Any:
        self._alive()
        return await self._store.get(*args)

    async def find(self, *args: Any, **more: Any) -> Any:
        self._alive()
        return await self._store.find(*args, **more)

    async def count(self, *args: Any, **more: Any) -> int:
        self._alive()
        return await self._store.count(*args, **more)


class Sleeper(Mortal):
    """The store as a process sees it that is stopped at write number `at`, for a minute: meanwhile nothing comes back.
    Its timers and calls go on, which is worse than what SIGSTOP does."""

    def __init__(self, store: MemoryStore, at: int, *, after: bool) -> None:
        super().__init__(store, None, after=after)
        self._stop_at = at
        self._awake = asyncio.Event()
        self._awake.set()

    async def write(self, *unit: Op) -> tuple[int, ...]:
        await self._awake.wait()
        self.writes += 1
        if self.writes == self._stop_at and not self._after:
            self._sleep()
            await self._awake.wait()
        done = await self._store.write(*unit)
        if self.writes == self._stop_at and self._after:
            self._sleep()
        await self._awake.wait()
        return done

    def _sleep(self) -> None:
        self._awake.clear()
        asyncio.get_running_loop().call_later(60, self._awake.set)

    async def get(self, *args: Any) -> Any:
        await self._awake.wait()
        return await self._store.get(*args)

    async def find(self, *args: Any, **more: Any) -> Any:
        await self._awake.wait()
        return await self._store.find(*args, **more)


class Storm:
    """One seed: its programs, its services, its store, through several lives."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        luck = Random(seed)
        self.programs = storm_program(luck)
        self.services = Services(seed)
        self.store = MemoryStore()
        self.ids = Ids()
        self.acknowledged: set[str] = set()
        self.asked: set[str] = set()
        self.cancelled: dict[str, Collection[str]] = {}
        self.now: datetime = EPOCH
        self.writes = 0
        self.wrong = ""

    def live(self, at: int | None = None, *, after: bool = False, gone_s: float = 0) -> bool:
        """One life; True when all that was acknowledged has ended in it."""

        async def main(clock: Any) -> bool:
            asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
            mortal = Mortal(self.store, at, after=after)
            work = asyncio.ensure_future(self._life(mortal, clock))
            try:
                await asyncio.wait([work, mortal.died], return_when=asyncio.FIRST_COMPLETED)
                self.writes = mortal.writes
                if mortal.died.done():
                    return False
                work.result()
                return True
            finally:
                self.now = clock.now()

        return run_virtual(main, start=self.now + timedelta(seconds=gone_s))

    def beside(self, at: int, *, after: bool) -> None:
        """One life of two processes, of which the one that is asked stands still at write number `at`."""

        async def main(clock: Any) -> None:
            asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
            sleeper, awake = Sleeper(self.store, at, after=after), Mortal(self.store, None, after=False)
            first, second = self._engine(sleeper, clock), self._engine(awake, clock)
            await asyncio.gather(first.start(), second.start())
            people = asyncio.ensure_future(self._people(second, awake))
            await asyncio.gather(*(self._ask(first, what) for what in SENT))
            await self._ends(second, awake)
            people.cancel()
            await asyncio.gather(first.drain(1), second.drain(1))

        run_virtual(main, start=self.now)

    def again(self, step: bool) -> str:
        """Run once, without a crash, then do again what failed, or from some step; what is wrong with that."""

        async def main(clock: Any) -> str:
            mortal = Mortal(self.store, None, after=False)
            engine = self._engine(mortal, clock)
            await engine.start()
            people = asyncio.ensure_future(self._people(engine, mortal))
            first = await engine.run(RunRequest(task="storm"), wait=False)
            await engine.end(first.execution_id)
            names = [each.name for each in self.programs[0].scopes[self.programs[0].root].steps]
            try:
                chosen = Random(self.seed).choice(names) if step else None
                retry = await engine.retry(first.execution_id, chosen, principal=BEA)
            except EngineError as error:
                return "" if error.code == "nothing_to_retry" and not step else error.code
            await engine.end(retry.execution_id)
            people.cancel()
            self.acknowledged = {first.execution_id, retry.execution_id}
            found = await self._whole_or_wrong(engine, retry.execution_id)
            await engine.drain(1)
            return found

        return run_virtual(main, start=self.now)

    async def _whole_or_wrong(self, engine: Engine, identity: str) -> str:
        events = await engine.events(identity)
        if not (await engine.replay(identity)).equal:
            return f"{identity} replays to another trace hash"
        return _assignments(events)

    def _engine(self, store: Mortal, clock: Any) -> Engine:
        surroundings = world(connectors={"scripted": lambda: Door(self.services)})
        return Engine(store, world=surroundings, clock=clock, ids=self.ids, limits=LIMITS)  # type: ignore[arg-type]

    async def _life(self, store: Mortal, clock: Any) -> None:
        engine = self._engine(store, clock)
        await engine.start()
        people = asyncio.ensure_future(self._people(engine, store))
        await asyncio.gather(*(self._ask(engine, what) for what in SENT if what not in self.asked))
        await self._ends(engine, store)
        people.cancel()
        await engine.drain(1)

    async def _ends(self, engine: Engine, store: Mortal) -> None:
        """Wait until all that was acknowledged has ended, and look at what is left."""
        for identity in sorted(self.acknowledged):
            async with asyncio.timeout(3 * 3_600):
                result = await engine.end(identity)
                if identity in self.cancelled and result.status not in self.cancelled[identity]:
                    self.wrong = f"{identity} was to be cancelled and ended with {result.status}"
        async with asyncio.timeout(3 * 3_600):
            while await store.count(WorkRecord) or await store.count(OutboxRecord):
                await asyncio.sleep(1)
        self.wrong = self.wrong or await self._check(engine)

    async def _ask(self, engine: Engine, what: str) -> None:
        if what == "keyed":
            request = RunRequest(task="storm", idempotency_key="k1")
            result = await engine.run(request, wait=False)
            again = await engine.run(request, wait=False)
            if again.execution_id != result.execution_id:
                self.wrong = "one key ran twice"
        elif what == "queued":
            result = await engine.run(RunRequest(task="storm"), wait=False)
        elif what == "cancelled":
            result = await engine.run(RunRequest(task="storm"), wait=False)
            self.acknowledged.add(result.execution_id)
            await asyncio.sleep(Random(f"{self.seed}/cancel").choice((0, 0.01, 0.1, 1, 20)))
            result = await engine.cancel(result.execution_id)
            ended = result.status in ENDED
            self.cancelled[result.execution_id] = (result.status,) if ended else ENDED
        else:
            result = await engine.run(RunRequest(task="storm"))
        self.acknowledged.add(result.execution_id)
        self.asked.add(what)

    async def _people(self, engine: Engine, store: Mortal) -> None:
        """Answer by seed, action and iteration, after a while."""
        waiting: dict[str, float] = {}
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(2)
            for row in await store.find(ApprovalRecord, Where("state", "=", "open")):
                luck = Random(f"{self.seed}/{row.action}/{row.iteration}/{row.attempt}")
                due = waiting.setdefault(row.id, loop.time() + luck.choice((0, 4, 60)))
                if loop.time() < due:
                    continue
                yes = ("approved",) * 4 + ("rejected",)
                verdict = luck.choice(yes if row.kind == "approval" else ("sent", "again", "failed"))
                try:
                    await engine.decide(row.id, verdict, BEA)
                except EngineError as error:
                    if error.code not in ("already_decided", "approval_expired"):
                        raise

    async def _check(self, engine: Engine) -> str:
        """What is wrong at the end, or nothing."""
        everything: list[tuple[str, Event]] = []
        records = await self.store.find(ExecutionRecord, order=("id",))
        for identity in self.acknowledged - {record.id for record in records}:
            return f"{identity} was acknowledged and is lost"
        for record in records:
            if record.status not in ENDED:
                return f"{record.id} is {record.status}"
            if record.error_code in ("internal_error", "poisoned", "journal_limit"):
                return f"{record.id} ended with {record.error_code}"
            events = await engine.events(record.id)
            times = [event.at_us for event in events]
            if times != sorted(times):
                return f"time went backwards in {record.id}"
            if (found := _assignments(events)) != "":
                return f"{record.id}: {found}"
            if events and not (await engine.replay(record.id)).equal:
                return f"{record.id} replays to another trace hash"
            everything += [(record.id, event) for event in events]
        if await self.store.count(ApprovalRecord, Where("state", "=", "open")):
            return "somebody is asked for ever"
        return _effects(everything, self._known_services({record.id for record in records}))

    def _known_services(self, known: set[str]) -> Services:
        """The services without what runs did that nobody was told of and that are not kept: their callers saw the
        process go."""
        services = Services(self.seed)
        services.done.update({key: n for key, n in self.services.done.items() if key.split(":")[0] in known})
        services.asked = {what: asked for what, asked in self.services.asked.items() if "/exec" in what}
        return services


def one(seed: int, at: int | None, *, after: bool = False, twice: bool = False) -> tuple[str, int]:
    """A storm with one crash (two, `twice`), or none; what went wrong, and how many writes its first life had."""
    storm = Storm(seed)
    asyncio.run(_prepare(storm))
    writes = None
    luck = Random(f"{seed}/{at}/{after}")
    crashes: list[int | None] = [None] if at is None else [at, luck.randrange(2, 30) if twice else None, None]
    for crash in crashes:
        if storm.live(crash, after=after, gone_s=luck.choice((0, 0.05, 60, 90_000))):
            break
        writes = writes or storm.writes
    else:
        storm.live()
    return storm.wrong, writes or storm.writes


async def _prepare(storm: Storm) -> None:
    await connect(storm.store)
    for program in storm.programs:
        await deploy(storm.store, program)


def frozen(seed: int, points: Sequence[int]) -> str:
    """Two processes, of which one stands still for a minute at one of its writes."""
    for at in points:
        for after in (False, True):
            storm = Storm(seed)
            asyncio.run(_prepare(storm))
            storm.beside(at, after=after)
            if storm.wrong:
                return f"seed {seed}, stopped {'after' if after else 'before'} write {at}: {storm.wrong}"
    return ""


def retried(seed: int) -> str:
    """A run and its retry, from where it failed and from some step."""
    for step in (False, True):
        storm = Storm(seed)
        asyncio.run(_prepare(storm))
        if found := storm.again(step):
            return f"seed {seed}, {'from a step' if step else 'from where it failed'}: {found}"
    return ""


def storms(seed: int, *, points: Sequence[int] | None = None, twice: bool = False) -> str:
    """Crashes of one seed; what went wrong, with the command that shows it again, or nothing."""
    wrong, writes = one(seed, None)
    if wrong:
        return f"seed {seed} without a crash: {wrong}"
    for at in range(writes) if points is None else [point for point in points if point < writes]:
        for after in (False, True):
            wrong, _ = one(seed, at, after=after, twice=twice)
            if wrong:
                when = "after" if after else "before"
                again = f"PYTHONPATH=src:tests python -m engine.storm --seed {seed} --at {at}"
                return f"seed {seed}, gone {when} write {at}: {wrong}\n  {again}"
    return ""


def main() -> int:
    """The command."""
    logging.disable(logging.CRITICAL)
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int)
    parser.add_argument("--seeds")
    parser.add_argument("--at", type=int)
    parser.add_argument("--twice", action="store_true")
    asked = parser.parse_args()
    first, _, last = (asked.seeds or f"{asked.seed}-{asked.seed}").partition("-")
    failed = 0
    for seed in range(int(first), int(last) + 1):
        found = storms(seed, points=None if asked.at is None else [asked.at], twice=asked.twice)
        if found:
            failed += 1
            sys.stdout.write(found + "\n")
    sys.stdout.write(f"{failed} seeds failed\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
