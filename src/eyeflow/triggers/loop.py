"""A job that one process does round after round.

Knows: elections, waking, what to do when the store or the engine cannot be had for a moment. In: a round, which says
how long it may wait for the next. Out: a background task. Never: hides a bug: an unexpected error ends the job, is
logged, and `alive` turns false, so that the process says it is not ready.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from eyeflow.errors import EyeFlowError
from eyeflow.triggers.election import Election

LONGEST_WAIT: Final = 1.0
"""Seconds after which a round looks again even when nothing was due: other processes deploy, and clocks are set."""

_log: Final = logging.getLogger("eyeflow.triggers")


class Loop:
    """`round` is called as long as this process holds the lease; it returns seconds to wait, at most."""

    def __init__(self, election: Election, round_: Callable[[], Awaitable[float]]) -> None:
        self._election = election
        self._round = round_
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._ending = False

    @property
    def alive(self) -> bool:
        """False when the job ended by itself, which only a bug does."""
        return self._task is None or not self._task.done() or self._ending

    async def start(self) -> None:
        """Begin; a second call does nothing."""
        if self._task is None:
            self._ending = False
            self._task = asyncio.create_task(self._run(), name=f"eyeflow-{self._election.name}")

    async def drain(self) -> None:
        """End after the round that is under way, and give the lease back."""
        self._ending = True
        self._wake.set()
        task, self._task = self._task, None
        if task is not None:
            await task
        with suppress(EyeFlowError):
            await self._election.resign()

    def wake(self) -> None:
        """Do not wait for the next round: something changed."""
        self._wake.set()

    async def _run(self) -> None:
        try:
            while not self._ending:
                await self._rest(await self._once())
        except Exception:
            _log.exception("the job %s has ended", self._election.name)
            raise

    async def _once(self) -> float:
        try:
            if await self._election.hold():
                return await self._round()
        except EyeFlowError as error:
            _log.warning("a round of %s failed: %s", self._election.name, error.code)
        return LONGEST_WAIT

    async def _rest(self, seconds: float) -> None:
        if not self._ending and seconds > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(min(seconds, LONGEST_WAIT)):
                    await self._wake.wait()
        self._wake.clear()
