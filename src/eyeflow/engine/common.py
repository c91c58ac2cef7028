"""What all parts of one engine share.

Knows: the store, the clock, ids, the cipher, limits, counts, and how a unit is written when the store hesitates.
In: nothing. Out: one object. Never: a rule about runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from eyeflow.engine.limits import EngineLimits
from eyeflow.engine.metrics import EngineMetrics
from eyeflow.engine.sealing import RunCipher
from eyeflow.events.bus import EventBus
from eyeflow.ports import Clock, Ids
from eyeflow.store.port import Conflict, Insert, Op, Store, StoreError
from eyeflow.store.records import OutboxRecord

_PASSING: Final = frozenset(("store_busy", "store_unavailable", "store_full"))
_FIRST_PAUSE_S: Final = 0.02
_LONGEST_PAUSE_S: Final = 0.5


class Bell:
    """Wakes one part of the engine: when it is rung, or after a while."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """There is something to do."""
        self._rung.set()

    async def wait(self, seconds: float) -> None:
        """Return when it is rung, or was, and after `seconds` in any case."""
        timer = asyncio.get_running_loop().call_later(seconds, self._rung.set)
        try:
            await self._rung.wait()
        finally:
            timer.cancel()
        self._rung.clear()


class Common:
    """The surroundings of every part of an engine."""

    def __init__(
        self, store: Store, *, clock: Clock, ids: Ids, cipher: RunCipher, bus: EventBus, limits: EngineLimits
    ) -> None:
        self.store = store
        self.clock = clock
        self.ids = ids
        self.cipher = cipher
        self.bus = bus
        self.limits = limits
        self.metrics = EngineMetrics()
        self.told: Callable[[], None] = lambda: None
        """Called when an event was put into the outbox."""

    def now_ms(self) -> int:
        """The present instant, in milliseconds since 1970."""
        return int(self.clock.now().timestamp() * 1000)

    async def write(self, *unit: Op, known: Callable[[], Awaitable[bool]] | None = None) -> tuple[int, ...]:
        """Write a unit, again and again while the store only hesitates.

        After an error nobody knows whether the unit was stored: a conflict on the next try may be with ourselves.
        `known` looks whether it is. Raises: Conflict; StoreError when the store does not recover in time.
        """
        loop = asyncio.get_running_loop()
        begun, pause, tried = loop.time(), _FIRST_PAUSE_S, False
        while True:
            try:
                counts = await self.store.write(*unit)
            except Conflict:
                if tried and known is not None and await known():
                    return ()
                raise
            except StoreError as error:
                self.metrics.store_errors += 1
                waited = loop.time() - begun
                if error.code not in _PASSING or waited + pause > self.limits.retry_store_ms / 1000:
                    raise
                tried = True
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_S)
            else:
                self.metrics.store.add((loop.time() - begun) * 1000)
                for op in unit:
                    if type(op) is Insert and type(op.record) is OutboxRecord:
                        self.told()
                        break
                return counts
