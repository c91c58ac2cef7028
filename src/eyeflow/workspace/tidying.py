"""What nobody asks for and somebody has to do once in a while: jobs of one process of the workspace.

Knows: how often each job is due. In: jobs. Out: a background task. Never: works in two processes at once (a lease
decides), lets one job that fails keep the others from being done.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from eyeflow.errors import EyeFlowError
from eyeflow.ports import Clock
from eyeflow.store.port import Store
from eyeflow.workspace.alone import Alone

_log: Final = logging.getLogger("eyeflow.workspace")


class Job(msgspec.Struct, frozen=True):
    """Something to do every so many seconds, and once at the start."""

    name: str
    every_s: float
    do: Callable[[], Awaitable[object]]


class Tidying(Alone):
    """Does jobs. `seconds` never goes back."""

    def __init__(self, store: Store, clock: Clock, jobs: Sequence[Job], seconds: Callable[[], float]) -> None:
        super().__init__(store, clock, "tidying", self.round)
        self._jobs = tuple(jobs)
        self._seconds = seconds
        self._next: dict[str, float] = {}

    async def round(self) -> float:
        """Do what is due; seconds until something is."""
        for job in self._jobs:
            now = self._seconds()
            if now < self._next.get(job.name, now):
                continue
            self._next[job.name] = now + job.every_s
            try:
                await job.do()
            except EyeFlowError as error:
                _log.warning("%s was not done: %s", job.name, error.code)
        return min((due - self._seconds() for due in self._next.values()), default=1.0)
