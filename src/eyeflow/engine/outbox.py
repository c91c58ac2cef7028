"""The outbox relay: what was written with what it tells is published, and then forgotten.

Knows: the rows of the outbox, and whose turn it is to publish them. In: `OutboxRecord`s. Out: events on the bus. Never:
forgets an event that the bus has not taken; an event that fails holds up no other.

One process publishes at a time (the lease `outbox`). An event may be published twice, when a process ends between the
bus and the store: it has the same id.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from eyeflow.engine.common import Bell, Common
from eyeflow.engine.leases import Elected
from eyeflow.errors import EyeFlowError
from eyeflow.events import decode
from eyeflow.store.port import Delete, Where
from eyeflow.store.records import OutboxRecord

_log: Final = logging.getLogger("eyeflow.engine")
_AT_ONCE: Final = 500
_LONGEST_PAUSE_S: Final = 60.0


class Relay:
    """Publishes what is in the outbox."""

    def __init__(self, common: Common, elected: Elected) -> None:
        self._common = common
        self._elected = elected
        self._bell = Bell()
        self._failed: dict[str, tuple[int, float]] = {}

    def nudge(self) -> None:
        """There may be something to publish."""
        self._bell.ring()

    async def run(self) -> None:
        """Publish for ever; looks at least every `sweep_ms`."""
        while True:
            await self._bell.wait(self._common.limits.sweep_ms / 1000)
            try:
                if await self._elected.mine():
                    await self.publish()
            except EyeFlowError as error:
                _log.warning("the outbox waits: %s", error)

    async def close(self) -> None:
        """Publish what is there if it is this process's turn, and let another have the turn. Raises: StoreError."""
        if await self._elected.mine():
            await self.publish()
            await self._elected.resign()

    async def publish(self) -> int:
        """Publish everything that waits and is due; how many events that were. Raises: StoreError."""
        done, place = 0, (0, "")
        while True:
            rows = await self._common.store.find(
                OutboxRecord, order=("created_ms", "id"), after=place if place[1] else (), limit=_AT_ONCE
            )
            if not rows:
                return done
            place = rows[-1].created_ms, rows[-1].id
            sent = [row.id for row in rows if await self._publish(row)]
            if sent:
                await self._common.write(Delete(OutboxRecord, (Where("id", "in", tuple(sent)),)))
            done += len(sent)

    async def _publish(self, row: OutboxRecord) -> bool:
        now_s = asyncio.get_running_loop().time()
        failures, not_before = self._failed.get(row.id, (0, 0.0))
        if now_s < not_before:
            return False
        try:
            await self._common.bus.publish(decode(row.event))
        except EyeFlowError as error:
            self._common.metrics.unpublished += 1
            _log.warning("event %s on %s was not taken: %s", row.id, row.topic, error)
            pause = min(2.0**failures, _LONGEST_PAUSE_S)
            self._failed[row.id] = failures + 1, now_s + pause
            return False
        self._failed.pop(row.id, None)
        self._common.metrics.published += 1
        return True
