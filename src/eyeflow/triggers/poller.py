"""Polls at work: looks which are due, lets some of them go on side by side.

Knows: the index of next polls. In: the store, the engine, the catalog. Out: polls (`polling`). Never: lets a slow
service keep the others waiting, polls one thing twice at a time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from eyeflow.catalog.model import Catalog
from eyeflow.engine.model import Busy
from eyeflow.errors import EyeFlowError
from eyeflow.ports import Clock, Ids
from eyeflow.store.port import Store, Where
from eyeflow.store.records import PollRecord
from eyeflow.triggers.election import Election
from eyeflow.triggers.loop import LONGEST_WAIT, Loop
from eyeflow.triggers.polling import Polls
from eyeflow.triggers.port import Engine, Told, nobody
from eyeflow.triggers.timing import milliseconds

AT_ONCE: Final = 16

_log: Final = logging.getLogger("eyeflow.triggers")


class Poller:
    """`start` it in every process: one of them, elected, polls. `catalog` gives the catalog that holds now."""

    def __init__(
        self, store: Store, engine: Engine, *, catalog: Callable[[], Catalog], clock: Clock, ids: Ids, owner: str,
        told: Told = nobody,
    ) -> None:  # fmt: skip
        self._store = store
        self._catalog = catalog
        self._clock = clock
        self._polls = Polls(store, engine, clock, ids, told)
        self._loop = Loop(Election(store, clock, "poller", owner), self.round)
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._busy_until = 0

    @property
    def alive(self) -> bool:
        """False when the job ended, which only a bug does."""
        return self._loop.alive

    async def start(self) -> None:
        """Begin in the background."""
        await self._loop.start()

    async def drain(self) -> None:
        """Stop polling. A poll that is under way is given up: what it has run counts as seen, the rest comes again."""
        await self._loop.drain()
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def changed(self) -> None:
        """Polls were deployed, paused or removed: look again."""
        self._loop.wake()

    async def round(self) -> float:
        """Begin the polls that are due; the seconds until it is time to look again. Raises: StoreError."""
        now = milliseconds(self._clock.now())
        room = AT_ONCE - len(self._under_way)
        if room <= 0 or now < self._busy_until <= now + 60_000:
            return LONGEST_WAIT / 4
        rows = await self._store.find(
            PollRecord, Where("state", "=", "live"), Where("next_ms", "<=", now), order=("next_ms", "id"),
            limit=AT_ONCE * 2,
        )  # fmt: skip
        waiting = [row for row in rows if row.id not in self._under_way]
        for row in waiting[:room]:
            self._under_way[row.id] = asyncio.create_task(self._poll(row), name=f"poll {row.id}")
        return LONGEST_WAIT / 4 if len(waiting) > room else LONGEST_WAIT

    async def settled(self) -> None:
        """Wait until no poll is under way."""
        while self._under_way:
            await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    async def _poll(self, record: PollRecord) -> None:
        try:
            await self._polls.poll(record, self._catalog())
        except Busy as busy:
            self._busy_until = milliseconds(self._clock.now()) + busy.retry_after_ms
        except EyeFlowError as error:
            _log.warning("the poll %s was given up: %s", record.id, error.code)
        finally:
            self._under_way.pop(record.id, None)
