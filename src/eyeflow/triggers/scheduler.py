"""Schedules at work: looks a little ahead, fires what is due, goes on.

Knows: the index of next instants, how long to sleep, what a clock that is set back means. In: the store, the engine,
the wall clock. Out: durable runs. Never: scans all schedules while it fires, trusts one process to be the only one.

The next `AHEAD_MS` are read at once and prepared (their following instants worked out) before they come, so that at
the instant itself nothing is left but to write. A schedule that is deployed, paused or taken in between fails its
unit's condition and is read anew. Sleep is never longer than a second, so a clock that jumps is noticed.

A clock set forward makes instants missed, and MISSED decides. A clock set back leaves schedules waiting for instants
that are now far off: they are gone through in the background (`stepback`), and what has a tick does not fire again.
"""

from __future__ import annotations

import asyncio
import heapq
from typing import Final

from eyeflow.engine.model import Busy
from eyeflow.ports import Clock, Ids
from eyeflow.store.port import Delete, Store, Where
from eyeflow.store.records import DeliveryRecord, ScheduleRecord, TickRecord
from eyeflow.triggers.election import Election
from eyeflow.triggers.loop import LONGEST_WAIT, Loop
from eyeflow.triggers.port import Engine, Told, nobody
from eyeflow.triggers.stepback import StepBack
from eyeflow.triggers.ticking import Ticking
from eyeflow.triggers.timing import milliseconds, next_after

AHEAD_MS: Final = 2_000
PAGE: Final = 2_000
AT_ONCE: Final = 128
"""So many ticks are written side by side; the store puts them into one commit."""
TICKS_KEPT_MS: Final = 400 * 86_400_000
"""Ticks are kept for more than a year: they are what keeps an instant from firing twice, whatever a clock says."""
PURGE_MS: Final = 6 * 3_600_000
PURGED: Final = 2_000


class Scheduler:
    """`start` it in every process: one of them, elected, fires. `owner` is this process's name."""

    def __init__(
        self, store: Store, engine: Engine, *, clock: Clock, ids: Ids, owner: str, told: Told = nobody
    ) -> None:
        self._store = store
        self._clock = clock
        self._ticking = Ticking(store, engine, clock, ids, told)
        self._election = Election(store, clock, "scheduler", owner)
        self._loop = Loop(self._election, self.round)
        self._back = StepBack(store)
        self._soon: list[tuple[int, str, ScheduleRecord]] = []
        self._read_until = 0
        self._seen = 0
        self._purge_at = 0

    @property
    def alive(self) -> bool:
        """False when the job ended, which only a bug does."""
        return self._loop.alive

    async def start(self) -> None:
        """Begin in the background."""
        await self._loop.start()

    async def drain(self) -> None:
        """Fire nothing more, and let another process take over."""
        await self._loop.drain()
        self._soon, self._read_until = [], 0

    def changed(self) -> None:
        """Schedules were deployed, paused or removed: look again."""
        self._read_until = 0
        self._loop.wake()

    async def round(self) -> float:
        """Fire what is due now, in order; the seconds until there is something to do again. Raises: StoreError."""
        now = milliseconds(self._clock.now())
        if now < self._seen - LONGEST_WAIT * 1000 or self._election.stepped_back:
            self._election.stepped_back = False
            self._soon, self._read_until = [], 0
            self._back.begin()
        self._seen = now
        try:
            whole = await self._fire_due(now)
        except Busy as busy:
            self._read_until = 0
            return busy.retry_after_ms / 1000
        stepping = await self._back.some(now)
        if stepping:
            self._read_until = 0
        await self._purge(now)
        if stepping or not whole:
            return 0.0
        return self._until_next()

    async def _fire_due(self, now: int) -> bool:
        """False when there was more than one page of it."""
        await self._fire_soon(now)  # before anything is read: these were prepared for this instant
        if now < self._read_until - AHEAD_MS // 2:
            return True
        whole = await self._look_ahead(now)
        await self._fire_soon(now)
        return whole

    async def _fire_soon(self, now: int) -> None:
        batch: list[ScheduleRecord] = []
        while self._soon and self._soon[0][0] <= now:
            batch.append(heapq.heappop(self._soon)[2])
            if len(batch) == AT_ONCE:
                await self._fire(batch)
                batch = []
        if batch:
            await self._fire(batch)

    async def _look_ahead(self, now: int) -> bool:
        rows = await self._store.find(
            ScheduleRecord, Where("state", "=", "live"), Where("next_ms", "<=", now + AHEAD_MS),
            order=("next_ms", "id"), limit=PAGE,
        )  # fmt: skip
        self._soon = []
        for number, row in enumerate(rows, 1):
            assert row.next_ms is not None, "null is not less than anything"
            self._soon.append((row.next_ms, row.id, row))
            if row.next_ms > now:
                next_after(row.spec, row.next_ms)
                if number % 20 == 0:
                    await asyncio.sleep(0)  # preparing must not keep runs waiting
        whole = len(rows) < PAGE
        self._read_until = now + AHEAD_MS if whole else 0
        return whole or (rows[-1].next_ms or 0) > now

    async def _fire(self, batch: list[ScheduleRecord]) -> None:
        """All of a batch, side by side; the first failure is raised when the others are done."""
        done = await asyncio.gather(*(self._ticking.fire(each) for each in batch), return_exceptions=True)
        failure: BaseException | None = None
        for result in done:
            if isinstance(result, BaseException):
                failure = failure or result
            elif result is None:
                self._read_until = 0
            else:
                self._keep(result)
        if failure is not None:
            self._read_until = 0
            raise failure

    def _keep(self, schedule: ScheduleRecord) -> None:
        if schedule.next_ms is not None and schedule.next_ms <= self._read_until:
            heapq.heappush(self._soon, (schedule.next_ms, schedule.id, schedule))

    async def _purge(self, now: int) -> None:
        """Rows that are old, some at a time, so that no commit grows large."""
        if now < self._purge_at and self._purge_at <= now + PURGE_MS:
            return
        gone = await self._store.write(
            Delete(TickRecord, (Where("created_ms", "<", now - TICKS_KEPT_MS),), PURGED),
            Delete(DeliveryRecord, (Where("expires_ms", "<", now),), PURGED),
        )
        self._purge_at = now + (1_000 if PURGED in gone else PURGE_MS)

    def _until_next(self) -> float:
        if not self._soon:
            return LONGEST_WAIT
        left = (self._soon[0][0] - milliseconds(self._clock.now())) / 1000
        return max(0.0, min(left, LONGEST_WAIT))
