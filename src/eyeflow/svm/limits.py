"""The bounds of a run: active time, single waits, operations, calls, memory.

Knows: how much of each is used. In: starts and ends of work, from the run. Out: typed errors at the bound.
Never: polls or sleeps; an instant is guarded by one timer of the loop.

Active time passes while at least one call is at work, or while nothing is suspended. It stands still while all that
is going on is a `wait`, an approval, a rate queue, or a backoff of more than a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Literal, TypeVar

from eyeflow.errors import RunError
from eyeflow.ir.program import Limits
from eyeflow.svm import wire
from eyeflow.values import Value

T = TypeVar("T")
TIMEOUT_TEXT: Final = "Timeout exceeded"

LONG_BACKOFF_MS: Final = 1_000
"""A longer backoff suspends the deadline."""


class Stopped(Exception):  # noqa: N818 - not an error: what was waiting need not wait any longer
    """The scope this was waiting in starts nothing more."""


class TimedOut(Exception):  # noqa: N818 - the caller makes the error that fits
    """The guarded instant came first."""


def deadline_error() -> RunError:
    """The error of a run whose active time is used up."""
    return RunError("deadline", TIMEOUT_TEXT, hint="raise DEADLINE, or give slow actions a TIMEOUT and a FALLBACK")


def expired_error() -> RunError:
    """The error of a run that reached EXPIRES."""
    return RunError("expired", TIMEOUT_TEXT, hint="raise EXPIRES, which bounds the whole run with its waits")


class ActiveTime:
    """Counts the active seconds of one run against its deadline. All arguments are seconds of the loop's time.

    `turned` is called with True when time comes to stand still, and with False when it goes on.
    """

    __slots__ = ("_deadline", "_ends", "_spent", "_suspended", "_ticking_since", "_working", "turned")

    def __init__(self, deadline_ms: int, now: float, spent: float = 0.0) -> None:
        self._deadline = deadline_ms / 1000
        self._spent = spent
        self._ticking_since: float | None = now
        self._ends = now + self._deadline - spent
        self._working = 0
        self._suspended = 0
        self.turned: Callable[[bool], None] | None = None

    @property
    def standing(self) -> bool:
        """True while active time stands still."""
        return self._ticking_since is None

    @property
    def working(self) -> bool:
        """True while a call is at work."""
        return self._working > 0

    def ends_at(self, now: float) -> float:
        """When the deadline comes if time stays active from now on."""
        return now + self._deadline - self._spent if self._ticking_since is None else self._ends

    def spent(self, now: float) -> float:
        """Active seconds so far."""
        return self._spent if self._ticking_since is None else self._spent + now - self._ticking_since

    def passed(self, now: float) -> bool:
        """True when the deadline has come. A nanosecond is forgiven to the arithmetic of floats."""
        if self._ticking_since is None:
            return self._spent >= self._deadline - 1e-9
        return now >= self._ends - 1e-9

    def work(self, by: int, now: float) -> None:
        """A call begins (`by` 1) or ends (-1)."""
        self._working += by
        if self._suspended:  # else time is active, and stays so
            self._settle(now)

    def suspend(self, by: int, now: float) -> None:
        """A suspension begins (`by` 1) or ends (-1)."""
        self._suspended += by
        self._settle(now)

    def renew(self, now: float) -> None:
        """Start counting from nothing: ON_FAILURE has an allowance of its own."""
        self._spent = 0.0
        if self._ticking_since is not None:
            self._ticking_since = now
            self._ends = now + self._deadline

    def _settle(self, now: float) -> None:
        stand = self._suspended > 0 and self._working == 0
        if stand and self._ticking_since is not None:
            self._spent += now - self._ticking_since
            self._ticking_since = None
        elif not stand and self._ticking_since is None:
            self._ticking_since = now
            self._ends = now + self._deadline - self._spent
        else:
            return
        if self.turned is not None:
            self.turned(stand)


class Budget:
    """What a run may still use of its artifact's limits; pure operations are counted by `ir.evaluate.Meter`."""

    __slots__ = ("_calls", "_limits", "_memory")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._calls = limits.calls
        self._memory = limits.memory_bytes

    @property
    def memory(self) -> int:
        """Bytes that results may still take."""
        return self._memory

    def take_call(self) -> None:
        """One attempt of a call. Raises: RunError `call_limit`."""
        if self._calls <= 0:
            raise RunError(
                "call_limit", f"this run may make {self._limits.calls} calls and wants one more", hint="loop over less"
            )
        self._calls -= 1

    def keep(self, value: Value) -> None:
        """One more result is held. Raises: RunError `output_limit`, `type_mismatch`."""
        self._memory = wire.left_of(self._memory, value)

    def admit(self, value: object) -> Value:
        """An own copy of what came from outside, not yet counted. Raises: RunError as `wire.owned`."""
        return wire.owned(value, self._memory)[0]


class Guard:
    """Ends one await of the current task at an instant, or when its scope stops; `cause` tells which came.

    An `effect` is not ended by a failure elsewhere; a `write` not even by the cancelling of the run: only by time.
    """

    __slots__ = ("_base", "_handle", "_task", "cause", "effect", "write")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, at: float | None, *, effect: bool = False, write: bool = False
    ) -> None:
        self.effect = effect
        self.write = write
        task = asyncio.current_task(loop)
        assert task is not None, "the machine runs inside a task"
        self._task = task
        self._base = task.cancelling()
        self.cause: Literal["time", "stop"] | None = None
        self._handle = None if at is None else loop.call_at(at, self._expire)

    def _expire(self) -> None:
        if self.cause is None:
            self.cause = "time"
            self._task.cancel()

    def stop(self, *, cancelling: bool) -> None:
        """The scope stops, because of a failure or because the run is cancelled: whoever waits here need not."""
        if self.cause is None and not self.write and (cancelling or not self.effect):
            self.cause = "stop"
            self._task.cancel()

    async def hold(self, awaitable: Awaitable[T]) -> T:
        """Await it. Raises: TimedOut, Stopped; whatever the awaitable raises, also in answer to being cancelled."""
        with self:
            return await awaitable

    def __enter__(self) -> None:
        """What is awaited in the block ends as `hold` says."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """The await is over, one way or another."""
        if self._handle is not None:
            self._handle.cancel()
        if self.cause is None:
            return
        outer = self._task.uncancel() > self._base  # where the answer came all the same, nothing else is to be done
        if kind is asyncio.CancelledError and not outer:
            raise (TimedOut if self.cause == "time" else Stopped) from None
