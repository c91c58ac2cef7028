"""Work beside the loop: what computes for long, in threads, so many at a time.

Knows: how many, how long a line, how long one may take. In: functions without arguments. Out: what they return.
Never: lets a caller wait without end; what takes too long is answered for, and ends by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from eyeflow.workspace.errors import NotNow

T = TypeVar("T")

AT_ONCE: Final = 2
WAITING: Final = 16
MAX_SECONDS: Final = 30.0


class Beside:
    """A few places and a short line before them."""

    def __init__(self, *, at_once: int = AT_ONCE, waiting: int = WAITING, seconds: float = MAX_SECONDS) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._most = at_once + waiting
        self._inside = 0
        self._seconds = seconds

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns. Raises: NotNow `compile_busy`, `compile_timeout`; what `work` raises."""
        if self._inside >= self._most:
            raise NotNow("compile_busy", "too much is being worked out already", hint="try again in a few seconds")
        self._inside += 1
        try:
            async with self._free:
                return await asyncio.wait_for(asyncio.to_thread(work), self._seconds)
        except TimeoutError:
            message = f"it took more than {self._seconds:g} seconds and was given up"
            raise NotNow("compile_timeout", message, hint="ask for less at a time") from None
        finally:
            self._inside -= 1
