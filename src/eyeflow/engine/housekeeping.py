"""Forgetting what may be forgotten: executions whose time is over, idempotency keys, delivered ids.

Knows: when records expire. In: the store. Out: deletions, a few rows at a time, by one process at a time.
Never: deletes a run that has not ended.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from eyeflow.engine.common import Common
from eyeflow.engine.leases import Elected
from eyeflow.errors import EyeFlowError
from eyeflow.store.port import Delete, Op, Where
from eyeflow.store.records import DeliveryRecord, ExecutionRecord, IdempotencyRecord, JournalRecord

_log: Final = logging.getLogger("eyeflow.engine")
_AT_ONCE: Final = 200
_EVERY_S: Final = 60.0
_BREATH_S: Final = 0.05
"""Between two portions, so that runs come first."""


class Housekeeping:
    """Deletes what has expired."""

    def __init__(self, common: Common, elected: Elected) -> None:
        self._common = common
        self._elected = elected

    async def run(self) -> None:
        """Look for ever, once a minute."""
        while True:
            await asyncio.sleep(_EVERY_S)
            try:
                if await self._elected.mine():
                    await self.tidy()
            except EyeFlowError as error:
                _log.warning("old records stay for now: %s", error)

    async def tidy(self) -> int:
        """Delete all that has expired; how many executions that were. Raises: StoreError."""
        now, gone = self._common.now_ms(), 0
        while rows := await self._common.store.find(
            ExecutionRecord, Where("purge_ms", "<=", now), order=("purge_ms",), limit=_AT_ONCE, without=("trail",)
        ):
            unit: list[Op] = []
            for row in rows:
                unit.append(Delete(JournalRecord, (Where("execution_id", "=", row.id),)))
                unit.append(Delete(ExecutionRecord, (Where("id", "=", row.id), Where("purge_ms", "<=", now))))
            await self._common.write(*unit)
            gone += len(rows)
            await asyncio.sleep(_BREATH_S)
        for table in (IdempotencyRecord, DeliveryRecord):
            expired = Delete(table, (Where("expires_ms", "<=", now),), limit=_AT_ONCE)
            while await self._common.write(expired) == (_AT_ONCE,):
                await asyncio.sleep(_BREATH_S)
        return gone
