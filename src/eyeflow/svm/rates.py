"""Rates: at most n starts in any window, counted by a sliding window.

Knows: when the next start under a name may happen. In: a name, a limit, the present time of the loop.
Out: the reserved instant. Never: waits (the one door does), speaks to other processes (a shared form of `Rates` may).

Reserving is first come, first served: a place in the queue is taken at once, and given back when the run that took
it is stopped before its start.
"""

from __future__ import annotations

from typing import Protocol

from eyeflow.ir.program import RateLimit


class Rates(Protocol):
    """Who keeps count. The shipped form counts within one process."""

    async def reserve(self, name: str, limit: RateLimit, at: float) -> float:
        """Take the next start under `name`, no earlier than `at` (seconds of the loop's time), and give its time."""
        ...

    async def release(self, name: str, at: float) -> None:
        """Give back the reserved start at `at`, which will not happen."""
        ...


class SlidingWindows:
    """`Rates` in memory: the reserved starts of the last window under each name, in order."""

    def __init__(self) -> None:
        self._starts: dict[str, list[float]] = {}

    async def reserve(self, name: str, limit: RateLimit, at: float) -> float:
        """The earliest instant from `at` on such that no window holds more than `limit.calls` starts."""
        window = limit.window_ms / 1000
        starts = self._starts.setdefault(name, [])
        while starts and starts[0] <= at - window:
            del starts[0]
        # The new start comes last, so only the window that ends with it can overflow.
        start = max(at, starts[-1]) if starts else at
        if len(starts) >= limit.calls:
            start = max(start, starts[-limit.calls] + window)
        starts.append(start)
        return start

    def starts(self, name: str) -> list[float]:
        """The reserved starts under `name` that may still count, ascending, in seconds of the loop's time."""
        return list(self._starts.get(name, ()))

    def restore(self, name: str, starts: list[float]) -> None:
        """Count from these starts on, ascending: an earlier process's."""
        self._starts[name] = sorted((*starts, *self._starts.get(name, ())))

    async def release(self, name: str, at: float) -> None:
        """Forget one start at `at`, if it is still known."""
        starts = self._starts.get(name, [])
        if at in starts:
            starts.remove(at)
