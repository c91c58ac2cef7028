"""The sweeper: nothing that was acknowledged stays undone because a process ended.

Knows: which processes are alive, which work nobody owns, which of it is ready. In: the store's `ProcessRecord`s and
`WorkRecord`s. Out: claims: executions that are this process's from now on, under a new fence. Never: runs anything;
believes a process dead because a clock was set.

A process is dead when its record has not changed for a while by this machine's steady clock, and its lease is over. It
is buried by deleting its record, in a unit that fails if it spoke meanwhile; from then on its work is anybody's.
Work without an owner is taken in the order it became ready, save that no task takes more than its share of one sweep.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Container
from typing import Final

import msgspec

from eyeflow.engine.admission import Admission
from eyeflow.engine.common import Bell, Common
from eyeflow.engine.lanes import blocked
from eyeflow.engine.lease import Lease
from eyeflow.engine.model import ENDED
from eyeflow.errors import EyeFlowError
from eyeflow.store.port import Conflict, Delete, Op, Require, Scalar, StoreError, Update, Where
from eyeflow.store.records import ExecutionRecord, ProcessRecord, WorkRecord

Take = Callable[[ExecutionRecord, WorkRecord], Awaitable[None]]

_log: Final = logging.getLogger("eyeflow.engine")
_AT_ONCE: Final = 64
"""Most executions taken in one sweep."""


class Sweeper:
    """Claims work. `take` carries on what was claimed; `lost` is called when this process was buried itself."""

    def __init__(
        self, common: Common, lease: Lease, admission: Admission, actives: Container[str], *, take: Take
    ) -> None:
        self._common = common
        self._lease = lease
        self._admission = admission
        self._actives = actives
        self._take = take
        self._seen: dict[str, tuple[int, float]] = {}
        self._orphans: set[str] = set()
        self._bell = Bell()
        self.paused = False

    def nudge(self) -> None:
        """There may be something to take: look now."""
        self._bell.ring()

    def orphaned(self, execution_id: str) -> None:
        """This process owns the execution and does not run it any more: have it taken anew."""
        self._orphans.add(execution_id)
        self.nudge()

    async def run(self) -> None:
        """Sweep for ever, at least every `sweep_ms`. A store that fails is asked again."""
        while True:
            await self._bell.wait(self._common.limits.sweep_ms / 1000)
            if self.paused:
                continue
            try:
                await self.sweep()
            except EyeFlowError as error:
                _log.warning("a sweep failed: %s", error)

    async def sweep(self) -> None:
        """Bury the dead, take what they owned, and what is ready. Raises: StoreError."""
        alive = await self._alive()
        await self._take_own()
        await self._take_orphans(alive)
        await self._take_ready()

    async def _alive(self) -> set[str]:
        """The processes that live, after burying those that do not."""
        now_s, alive, seen = asyncio.get_running_loop().time(), set[str](), dict[str, tuple[int, float]]()
        for process in await self._common.store.find(ProcessRecord):
            until, since = self._seen.get(process.id, (0, 0.0))
            since = since if until == process.until_ms else now_s
            seen[process.id] = process.until_ms, since
            if process.id == self._lease.owner or not self._dead(process, now_s - since):
                alive.add(process.id)
                continue
            where = (Where("id", "=", process.id), Where("until_ms", "=", process.until_ms))
            if await self._common.store.write(Delete(ProcessRecord, where)) == (0,):
                alive.add(process.id)
            else:
                _log.warning("process %s (%s) is gone; its runs are taken over", process.name, process.id)
        self._seen = seen
        return alive

    def _dead(self, process: ProcessRecord, silent_s: float) -> bool:
        limits, silent_ms = self._common.limits, silent_s * 1000
        if silent_ms >= limits.lease_ms:
            return True
        return silent_ms >= limits.quiet_ms and process.until_ms < self._common.now_ms()

    async def _take_own(self) -> None:
        """What this process lost hold of without losing it."""
        for execution_id in tuple(self._orphans):
            work = await self._common.store.get(WorkRecord, execution_id)
            if work is None or work.owner != self._lease.owner or execution_id in self._actives:
                self._orphans.discard(execution_id)
            else:
                await self._claim(work)

    async def _take_orphans(self, alive: set[str]) -> None:
        """What dead processes owned, one owner after the other."""
        last, left = "", _AT_ONCE
        while left > 0:
            more = await self._common.store.find(
                WorkRecord, Where("owner", ">", last), order=("owner", "ready_ms"), limit=1
            )
            if not more:
                return
            last = more[0].owner or ""
            if last in alive or last == self._lease.owner:
                continue
            owned = await self._common.store.find(
                WorkRecord, Where("owner", "=", last), order=("owner", "ready_ms"), limit=left
            )
            left -= len(owned)
            await asyncio.gather(*(self._claim(work) for work in owned))
            if left <= 0:
                self.nudge()

    async def _take_ready(self) -> None:
        """What nobody owns and is ready; a task that fills its share makes room for the others."""
        room = min(self._admission.room(), _AT_ONCE)
        shares, passed = Counter[str](), list[Where]()
        while room > 0:
            where = (Where("owner", "=", None), Where("ready_ms", "<=", self._common.now_ms()), *passed)
            ready = await self._common.store.find(WorkRecord, *where, order=("ready_ms", "execution_id"), limit=room)
            taking = []
            for work in ready:
                if self._admission.full(work.task_id) or (shares[work.task_id] >= _AT_ONCE // 4 and len(passed) < 8):
                    skip = Where("task_id", "!=", work.task_id)
                    if skip not in passed:
                        passed.append(skip)
                    continue
                shares[work.task_id] += 1
                taking.append(work)
            if not taking:
                return
            await asyncio.gather(*(self._claim(work) for work in taking))
            room -= len(taking)
        if room <= 0 and self._admission.room() > 0:
            self.nudge()

    async def _claim(self, work: WorkRecord) -> None:
        """Make one execution this process's own, and carry it on."""
        store = self._common.store
        if work.owner is None and await blocked(self._common, work):
            return
        record = await store.get(ExecutionRecord, work.execution_id)
        if record is None or record.status in ENDED:
            await store.write(Delete(WorkRecord, (Where("execution_id", "=", work.execution_id),)))
            return
        died = work.owner is not None and work.owner != self._lease.owner
        values: tuple[tuple[str, Scalar], ...] = (("owner", self._lease.owner), ("fence", record.fence + 1))
        same = tuple(Where(name, "=", getattr(record, name)) for name in ("id", "owner", "fence", "cancelling"))
        mine = (Where("execution_id", "=", record.id), Where("owner", "=", work.owner))
        taken = (
            ("owner", self._lease.owner), ("attempts", work.attempts + died), ("signal", False)
        )  # fmt: skip
        unit: list[Op] = [
            Update(ExecutionRecord, values, same, expect=1), Update(WorkRecord, taken, mine, expect=1),
        ]  # fmt: skip
        if died:
            unit.append(Require(ProcessRecord, (Where("id", "=", work.owner),), absent=True))
        try:
            await store.write(*unit)
        except Conflict:
            return  # somebody was first, or it changed: the next sweep looks again
        self._common.metrics.claimed += 1
        claimed = msgspec.structs.replace(record, **dict(values))
        try:
            await self._take(claimed, msgspec.structs.replace(work, **dict(taken)))
        except StoreError:
            self._orphans.add(record.id)
            raise
