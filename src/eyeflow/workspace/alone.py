"""A round of work that one process of the workspace does at a time.

Knows: that a lease decides who. In: a round, the name of this process. Out: a background task. Never: works in two
processes at once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from eyeflow.ports import Clock
from eyeflow.store.port import Store
from eyeflow.triggers.election import Election
from eyeflow.triggers.loop import Loop


class Alone:
    """Calls `round_`, which says how many seconds the next may wait, where the lease `name` is held."""

    def __init__(self, store: Store, clock: Clock, name: str, round_: Callable[[], Awaitable[float]]) -> None:
        self._store = store
        self._clock = clock
        self._name = name
        self._round = round_
        self._loop: Loop | None = None

    @property
    def alive(self) -> bool:
        """False when the work has ended by itself, which only a bug does."""
        return self._loop is None or self._loop.alive

    async def start(self, owner: str) -> None:
        """Begin. `owner` names this process in the lease."""
        if self._loop is None:
            self._loop = Loop(Election(self._store, self._clock, self._name, owner), self._round)
        await self._loop.start()

    async def drain(self) -> None:
        """End after the round that is under way."""
        if self._loop is not None:
            await self._loop.drain()
