"""The end of a process: what it does with the runs it has.

Knows: which runs may be given back at once, and which are let run for a while. In: seconds. Out: an empty process.
Never: interrupts a call before the time is up; keeps a caller waiting after it.

Runs that stand in line or wait are given back at once. Others stop before their next write leaves, if no call is at
work; what is still at work in the end is interrupted, and whoever takes it over finds its last call without an answer.
"""

from __future__ import annotations

import asyncio
from typing import Final

from eyeflow.engine.active import Active
from eyeflow.engine.common import Common
from eyeflow.engine.driving import Driving
from eyeflow.engine.model import Busy
from eyeflow.engine.queueing import Queue

_LOOK_S: Final = 0.05
_MOMENT_S: Final = 0.001


class Draining:
    """Empties this process."""

    def __init__(self, common: Common, actives: dict[str, Active], *, queue: Queue, driving: Driving) -> None:
        self._common = common
        self._actives = actives
        self._queue = queue
        self._driving = driving

    async def runs(self, seconds: float) -> None:
        """Have every run end or leave within `seconds`."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while self._actives:
            await asyncio.gather(*(self._give_back(active) for active in self._resting()))
            drivers = [active.driver for active in self._actives.values() if active.driver is not None]
            left = until - loop.time()
            if left < _MOMENT_S or not self._actives:
                break
            if drivers:
                await asyncio.wait(drivers, timeout=min(_LOOK_S, left))
            else:
                await asyncio.sleep(_LOOK_S)
        await asyncio.gather(*(self._give_back(active) for active in list(self._actives.values())))

    def _resting(self) -> list[Active]:
        """Runs that stand in line, or stand still for longer than a moment."""
        found = []
        for active in list(self._actives.values()):
            standing = active.handle is not None and active.handle.wakes_at is not None
            if (standing or active.handle is None) and not active.settling and active.occupies is False:
                found.append(active)
        return found

    async def _give_back(self, active: Active) -> None:
        self._queue.step_out(active)
        if not active.kept:
            await self._driving.secure(active)
        if active.kept:
            await self._driving.release(active, ready_ms=self._common.now_ms())
            return
        error = Busy("draining", "this process ended before the run did, and nothing of it is kept")
        waiting, active.answers = active.answers, []
        active.leave()
        if active.driver is not None:
            await asyncio.wait([active.driver])
        for answer in waiting:
            if not answer.done():
                answer.set_exception(error)
