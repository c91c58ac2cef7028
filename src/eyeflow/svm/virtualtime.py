"""Simulated time: an event loop that never blocks and jumps to its next timer.

Knows: how to make every wait, timeout, retry and rate queue pass at once and still be counted exactly.
In: a function that makes a coroutine. Out: its result; `VirtualClock` for the wall time on that loop.
Never: threads, sockets, real sleeping. A loop with nothing left to wait for raises `RunError("stuck")`.

Time is kept in whole nanoseconds, so that sums of waits are exact and the order of timers is that of their instants;
timers of one instant fire in the order they were set.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Mapping
from contextvars import Context
from datetime import UTC, datetime, timedelta
from heapq import heappush
from typing import Any, Final, TypeVar, TypeVarTuple

from eyeflow.errors import RunError

T = TypeVar("T")
Args = TypeVarTuple("Args")

EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""Where simulated time starts when nobody says otherwise."""

_NANOS: Final = 1_000_000_000


class _JumpingSelector(selectors.BaseSelector):
    """Registers what the loop registers, waits for nothing, and moves the loop's time by what it was asked to wait."""

    def __init__(self) -> None:
        self._keys: dict[int, selectors.SelectorKey] = {}
        self.nanos = 0

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:  # the library's types
        number = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        key = selectors.SelectorKey(fileobj, number, events, data)
        self._keys[number] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj if isinstance(fileobj, int) else fileobj.fileno())

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RunError("stuck", "nothing is left that could ever wake this program", hint="a reply never comes")
        if timeout > 0:
            self.nanos += max(1, round(timeout * _NANOS))
        return []

    def close(self) -> None:
        self._keys.clear()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys


class _OrderedTimer(asyncio.TimerHandle):
    """A timer that knows how many were set before it."""

    __slots__ = ("_turn",)

    def __init__(  # noqa: PLR0917 - as TimerHandle has them
        self, turn: int, when: float, callback: Callable[..., object], args: Any, loop: Any, context: Any
    ) -> None:
        super().__init__(when, callback, args, loop, context)
        self._turn = turn

    def __lt__(self, other: object) -> bool:
        if isinstance(other, _OrderedTimer):
            return (self.when(), self._turn) < (other.when(), other._turn)
        return NotImplemented


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An asyncio loop whose `time()` starts at 0 and moves only when everything waits."""

    _scheduled: list[asyncio.TimerHandle]  # asyncio's own heap of timers

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        self._turns = 0
        super().__init__(self._jumping)

    def call_at(
        self, when: float, callback: Callable[[*Args], object], *args: *Args, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """As asyncio's, to the nanosecond; asyncio leaves the order of timers of one instant open, this does not."""
        self._turns += 1
        timer = _OrderedTimer(self._turns, round(when * _NANOS) / _NANOS, callback, args, self, context)
        heappush(self._scheduled, timer)
        timer._scheduled = True  # type: ignore[attr-defined]  # what BaseEventLoop.call_at does
        return timer

    def call_later(
        self, delay: float, callback: Callable[[*Args], object], *args: *Args, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """As asyncio's."""
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def time(self) -> float:
        """Seconds of simulated time since the loop was made."""
        return self._jumping.nanos / _NANOS


class VirtualClock:
    """The wall clock of a virtual loop: the instant it started at, and the loop's time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, start: datetime = EPOCH) -> None:
        assert start.tzinfo is not None, "a clock needs an aware instant"
        self._loop = loop
        self._start = start.astimezone(UTC)

    def now(self) -> datetime:
        """The present simulated instant, in UTC, to the microsecond."""
        return self._start + timedelta(microseconds=round(self._loop.time() * 1_000_000))


def run_virtual(main: Callable[[VirtualClock], Coroutine[Any, Any, T]], *, start: datetime = EPOCH) -> T:
    """Run `main(clock)` to its end in simulated time that begins at `start`, and give its result.

    Raises: RunError `stuck` when everything waits for something that cannot happen; whatever `main` raises.
    """
    loop = VirtualTimeLoop()
    try:
        return loop.run_until_complete(main(VirtualClock(loop, start)))
    finally:
        _cancel_the_rest(loop)
        loop.close()


def _cancel_the_rest(loop: asyncio.AbstractEventLoop) -> None:
    """End tasks that `main` left behind, so that none is destroyed while pending."""
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
