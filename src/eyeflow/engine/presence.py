"""This process keeps its place: it says that it is alive, and looks at what others wrote for its runs.

Knows: its lease, the runs it has. In: time; signals in the store. Out: heartbeats; cancelled and answered runs. Never:
keeps a run that another process may have taken.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

from eyeflow.engine.active import Active
from eyeflow.engine.common import Common
from eyeflow.engine.driving import Driving
from eyeflow.engine.lease import Lease
from eyeflow.engine.people import People
from eyeflow.errors import EyeFlowError
from eyeflow.store.port import Update, Where
from eyeflow.store.records import ExecutionRecord, WorkRecord

_log: Final = logging.getLogger("eyeflow.engine")
_SKEW_MS: Final = 60_000
"""How far the clocks of two processes may be apart for a signal to be seen at once."""


class Presence:
    """Heartbeats and signals."""

    def __init__(
        self, common: Common, lease: Lease, actives: Mapping[str, Active], *, people: People, driving: Driving
    ) -> None:
        self._common = common
        self._lease = lease
        self._actives = actives
        self._people = people
        self._driving = driving

    async def beats(self) -> None:
        """Say for ever that this process is alive."""
        while True:
            await asyncio.sleep(self._common.limits.heartbeat_ms / 1000)
            try:
                await self.beat()
            except EyeFlowError as error:
                _log.warning("the store does not take the heartbeat: %s", error)

    async def beat(self) -> None:
        """Say it once. Buried meanwhile, forget every run that is in the store, and begin anew. Raises: StoreError."""
        if await self._lease.beat():
            return
        _log.warning("process %s was believed dead; its runs belong to others now", self._lease.owner)
        for active in list(self._actives.values()):
            if active.kept:
                self._driving.lose(active)
        await self._lease.begin()

    async def signals(self) -> None:
        """Look for ever at what others wrote for runs of this process."""
        while True:
            await asyncio.sleep(self._common.limits.signal_ms / 1000)
            if not any(active.kept for active in self._actives.values()):
                continue
            try:
                await self.look()
            except EyeFlowError as error:
                _log.warning("the store does not say what is new: %s", error)

    async def look(self) -> None:
        """Look once. Raises: StoreError."""
        store, since = self._common.store, self._common.now_ms() - _SKEW_MS
        mine = Where("owner", "=", self._lease.owner)
        for work in await store.find(WorkRecord, mine, Where("ready_ms", ">=", since), Where("signal", "=", True)):
            seen = (Where("execution_id", "=", work.execution_id), mine)
            await store.write(Update(WorkRecord, (("signal", False),), seen))
            active = self._actives.get(work.execution_id)
            record = await store.get(ExecutionRecord, work.execution_id)
            if active is None or record is None:
                continue
            if record.cancelling and active.handle is not None:
                active.handle.cancel()
            await self._people.look(work.execution_id)
