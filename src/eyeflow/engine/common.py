"""What all parts of one engine share.

Knows: the store, the clock, ids, the cipher, limits, counts, and how a unit is written when the store hesitates.
In: nothing. Out: one object. Never: a rule about runs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeAlias

from eyeflow.engine.limits import EngineLimits
from eyeflow.engine.metrics import EngineMetrics
from eyeflow.engine.sealing import RunCipher
from eyeflow.events.bus import EventBus
from eyeflow.ports import Clock, Ids
from eyeflow.store.port import Conflict, Insert, Op, Store, StoreError
from eyeflow.store.records import OutboxRecord

Known: TypeAlias = Callable[[], Awaitable[bool]]
"""Looks whether a unit is in the store."""

Written: TypeAlias = Callable[[Exception | None], None]
"""Told once that a unit is on disk, or why it is not."""

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
        self._trying: set[asyncio.Task[None]] = set()

    def now_ms(self) -> int:
        """The present instant, in milliseconds since 1970."""
        return int(self.clock.now().timestamp() * 1000)

    async def write(self, *unit: Op, known: Known | None = None) -> tuple[int, ...]:
        """Write a unit, again and again while the store only hesitates.

        After an error nobody knows whether the unit was stored: a conflict on the next try may be with ourselves.
        `known` looks whether it is. Raises: Conflict; StoreError when the store does not recover in time.
        """
        begun = time.perf_counter()
        try:
            counts = await self.store.write(*unit)
        except Conflict:
            raise
        except StoreError as error:
            return await self._again(unit, known, begun, error)
        self._noted(unit, begun)
        return counts

    def begin_write(self, *unit: Op, known: Known, done: Written) -> None:
        """As `write`, for somebody who does not wait: `done` is told. Raises: StoreError when nothing was begun."""
        begun = time.perf_counter()
        self.store.submit(*unit).add_done_callback(partial(self._wrote, unit, known, done, begun))

    def _wrote(
        self, unit: tuple[Op, ...], known: Known, done: Written, begun: float, writing: asyncio.Future[tuple[int, ...]]
    ) -> None:
        error = writing.exception()
        if error is None:
            self._noted(unit, begun)
            done(None)
        elif isinstance(error, StoreError) and not isinstance(error, Conflict):
            trying = asyncio.get_running_loop().create_task(self._try(unit, known, begun, error, done))
            self._trying.add(trying)
            trying.add_done_callback(self._trying.discard)
        else:
            assert isinstance(error, Exception), "a store has no other errors"
            done(error)

    async def _try(self, unit: tuple[Op, ...], known: Known, begun: float, error: StoreError, done: Written) -> None:
        try:
            await self._again(unit, known, begun, error)
        except Exception as last:
            done(last)
        else:
            done(None)

    async def _again(
        self, unit: tuple[Op, ...], known: Known | None, begun: float, error: StoreError
    ) -> tuple[int, ...]:
        """Write a unit that met `error`. Raises: as `write`."""
        loop, pause = asyncio.get_running_loop(), _FIRST_PAUSE_S
        failing_since = loop.time()
        while True:
            self.metrics.store_errors += 1
            waited = loop.time() - failing_since
            if error.code not in _PASSING or waited + pause > self.limits.retry_store_ms / 1000:
                raise error
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)
            try:
                counts = await self.store.write(*unit)
            except Conflict:
                if known is not None and await known():
                    return ()
                raise
            except StoreError as again:
                error = again
            else:
                self._noted(unit, begun)
                return counts

    def _noted(self, unit: tuple[Op, ...], begun: float) -> None:
        """A unit is on disk: count it, and say so when it tells something."""
        self.metrics.store.add((time.perf_counter() - begun) * 1000)
        for op in unit:
            if type(op) is Insert and type(op.record) is OutboxRecord:
                self.told()
                return
