"""One run: its mutable state, which all its scopes share.

Knows: registers' budget, active time, events, what was read of the world, what went wrong. In: an `Executable` and
its surroundings. Out: events in order, kept as durably as the program asks. Never: decides which step starts
(`scope`), what an operation means (`steps`), or touches a service (`calls`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar
from uuid import NAMESPACE_OID, uuid5

from eyeflow.errors import CallError, RunError
from eyeflow.ir.evaluate.frame import Meter
from eyeflow.ports import Clock
from eyeflow.svm.cache import ResultCache
from eyeflow.svm.executable import SUSPENDING, Executable, StepCode
from eyeflow.svm.journal import (
    DeadlinePassed,
    Event,
    Journal,
    WorldRead,
)
from eyeflow.svm.limits import ActiveTime, Budget, TimedOut, deadline_error, expired_error
from eyeflow.svm.past import active_us
from eyeflow.svm.ports import Ports
from eyeflow.svm.rates import Rates
from eyeflow.svm.replay import Recording
from eyeflow.values import Value

if TYPE_CHECKING:
    from eyeflow.svm.scope import ScopeRun

T = TypeVar("T")
Failure: TypeAlias = RunError | CallError
Perform: TypeAlias = Callable[["ScopeRun", StepCode], Awaitable[Value]]


def _refused(name: str) -> Value:
    raise AssertionError(f"{name} is read in a run that is over")


_SPENT: Final = Meter(0, _refused)


class TaskEnded(Exception):  # noqa: N818 - an end that a FALLBACK THEN stop asked for
    """The fallback of `action` ended the whole task; `error` is what it recovered from."""

    def __init__(self, error: Failure, action: str) -> None:
        super().__init__(error.message)
        self.error = error
        self.action = action


def _elapsed(past: Recording, clock: Clock) -> float:
    """Seconds since the run began, by the wall clock, yet never less than the record shows."""
    since, before = past.head.now, 0.0
    if past.retried is not None:
        since, before = past.retried.now, past.retried.at_us / 1_000_000
    return max((clock.now() - since).total_seconds() + before, past.last_us / 1_000_000)


def _times(executable: Executable, past: Recording | None, clock: Clock, now: float) -> tuple[float, ActiveTime, float]:
    """When the run started, its active time, and when it expires; `now` and instants are of the loop's time."""
    limits = executable.limits
    if past is None:
        return now, ActiveTime(limits.deadline_ms, now), now + limits.expires_ms / 1000
    started = now - _elapsed(past, clock)
    spent = active_us(past.events, executable.waits()) / 1_000_000
    since = started if past.retried is None else started + past.retried.at_us / 1_000_000
    return started, ActiveTime(limits.deadline_ms, now, spent), since + limits.expires_ms / 1000


def _note_new(events: list[Event], past: Recording, event: Event) -> None:
    if not past.has(event):
        events.append(event)


async def _append(journal: Journal, execution_id: str, batch: list[Event]) -> None:
    await journal.append(execution_id, batch)


class Run:
    """The mutable state of one execution; everything its scopes share."""

    __slots__ = (
        "active", "alone", "budget", "cache", "clock", "deadline_action", "deadline_hit", "depth", "durable",
        "events", "executable", "execution_id", "expires_at", "fell_back", "history", "in_line", "journal", "late",
        "loop", "meter", "naps", "note", "past", "perform", "place", "ports", "rates", "readings", "recording",
        "response", "root", "started", "stop_reason", "time", "tolerated", "uncertain", "writing", "written",
    )  # fmt: skip

    def __init__(
        self,
        executable: Executable,
        execution_id: str,
        *,
        perform: Mapping[int, Perform],
        clock: Clock,
        ports: Ports,
        rates: Rates,
        cache: ResultCache,
        journal: Journal | None,
        recording: Recording | None,
        past: Recording | None = None,
        depth: int,
    ) -> None:
        self.executable = executable
        self.execution_id = execution_id
        self.perform = perform
        self.clock = clock
        self.ports = ports
        self.rates = rates
        self.cache = cache
        self.journal = journal
        self.recording, self.past, self.history = recording, past, recording or past
        self.depth = depth
        self.loop = asyncio.get_running_loop()
        self.time = self.loop.time
        self.started, self.active, self.expires_at = _times(executable, past, clock, self.time())
        self.naps: list[float] = []
        """When each suspension ends if nobody ends it before, in seconds of the loop's time."""
        self.in_line = 0
        """How many of them hold a place in a line."""
        if ports.suspensions is not None and recording is None:
            self.active.turned = partial(ports.suspensions.turned, self.execution_id)
        limits = executable.limits
        self.budget = Budget(limits)
        self.meter = Meter.paced(limits.operations, self.recorded, self._look_at_the_time)
        self.durable = executable.durable == "journal" and journal is not None
        self.events: list[Event] = [] if past is None else list(past.events)
        self.note: Callable[[Event], None] = (
            self.events.append if past is None else partial(_note_new, self.events, past)
        )
        """Takes one more event; in a resumed run, unless it is on record."""
        self.written = len(self.events)
        self.writing: asyncio.Lock | None = None
        self.root: ScopeRun | None = None
        self.stop_reason = ""
        self.deadline_hit = past is not None and past.deadline_passed
        self.deadline_action: int | None = None
        self.tolerated: list[tuple[str, str, Failure]] = []
        self.fell_back = False
        self.uncertain: list[str] = []
        self.response: tuple[int, Value] | None = None
        self.alone: set[tuple[str, str]] = set()
        """Connections and capabilities whose request for many failed: their reads go one by one from then on."""
        self.late: set[tuple[str, str]] = set()
        """In a resumed run: steps, by action and iteration, whose TIMEOUT was over before it was resumed."""
        self.place = ("", "")
        self.readings: dict[tuple[str, str, str], int] = {}

    def at_us(self) -> int:
        """Microseconds since the run started."""
        return int((self.time() - self.started) * 1_000_000 + 0.5)

    def key(self, action: str, iteration: str) -> str:
        """The idempotency key of what an action does to the world: the same when it is tried or resumed again."""
        return f"{self.execution_id}:{action}:{iteration or '0'}"

    def begun_at(self, action: str, iteration: str) -> float:
        """When a step started, in seconds of the loop's time: now, or when the record says."""
        since = None if self.past is None else self.past.began(action, iteration)
        return self.time() if since is None else self.started + since / 1_000_000

    def recorded(self, name: str) -> Value:
        """NOW or UUID for whoever computes now (`place`): from the world the first time, from the record after.

        A UUID is made from the execution and the place (RFC 9562 version 5), so that it needs no randomness.
        """
        action, iteration = self.place
        count = self.readings.get((name, action, iteration), 0) + 1
        self.readings[name, action, iteration] = count
        if self.recording is not None:
            value = self.recording.reading(name, action, iteration, count)
        elif self.past is not None and self.past.read(name, action, iteration, count):
            return self.past.reading(name, action, iteration, count)
        elif name == "NOW":
            value = self.clock.now()
        else:
            value = str(uuid5(NAMESPACE_OID, f"{self.execution_id}/{action}/{iteration}/{count}"))
        self.note(
            WorldRead(at_us=self.at_us(), action=action, iteration=iteration, name=name, count=count, value=value)
        )
        return value

    def _look_at_the_time(self) -> None:
        """Between two portions of pure operations. Raises: RunError `deadline`; not once it is known to have passed,
        for then only a fallback computes, and that may."""
        if not self.deadline_hit and self.past_deadline():
            raise deadline_error()

    def time_is_up_at(self, step: StepCode, iteration: str, timeout_ms: int) -> float:
        """When a step's TIMEOUT ends, in seconds of the loop's time. A resumed run counts from the recorded start; only
        what suspends active time goes on while no process runs the run."""
        now = self.time()
        if self.past is None or (since := self.past.began(step.action, iteration)) is None:
            return now + timeout_ms / 1000
        if step.op in SUSPENDING:
            return self.started + since / 1_000_000 + timeout_ms / 1000
        return now + timeout_ms / 1000 - self.past.alive_us(since) / 1_000_000

    async def flush(self) -> None:
        """When the program is durable by journal: return only when every event so far is kept."""
        if self.durable:
            await self.write()

    async def write(self) -> None:
        """Keep every event noted so far; batches never overtake each other."""
        if self.journal is None or (self.writing is None and self._gathered(self.journal)):
            return
        if self.writing is None:
            self.writing = asyncio.Lock()
        async with self.writing:
            batch = self.events[self.written :]
            if batch:
                await self._keep(self.journal, batch)

    def _gathered(self, journal: Journal) -> bool:
        """Whether the journal took what there is on the spot, since nothing has to wait for it."""
        gather, batch = getattr(journal, "gather", None), self.events[self.written :]
        if batch and (gather is None or not gather(batch)):
            return False
        self.written = len(self.events)
        return True

    async def _keep(self, journal: Journal, batch: list[Event]) -> None:
        """Append to the end, also when the step that wants it is given up meanwhile: half a write is no write."""
        writing = self.loop.create_task(_append(journal, self.execution_id, batch))
        try:
            await asyncio.shield(writing)
        finally:
            while not writing.done():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait([writing])
            if not writing.cancelled() and writing.exception() is None:
                self.written += len(batch)

    def let_go(self) -> None:
        """The run is over: hold nothing that holds the run, so that it is freed at once. Garbage that only the
        collector finds costs a busy process a fifth of its time."""
        self.root = None
        self.meter = _SPENT
        self.journal = None
        self.active.turned = None

    def past_deadline(self) -> bool:
        """True once the active time is used up; notes it the first time."""
        if self.deadline_hit:
            return True
        if self.recording is None and self.active.passed(self.loop.time()):
            self.pass_deadline()
        return self.deadline_hit

    def pass_deadline(self) -> None:
        """The deadline has come."""
        if not self.deadline_hit:
            self.deadline_hit = True
            self.note(DeadlinePassed(at_us=self.at_us()))

    async def suspend(
        self, scope: ScopeRun, awaitable: Awaitable[T], until: float | None = None, *, wakes: float | None = None
    ) -> T:
        """Await something during which the deadline stands still, no longer than `until` or EXPIRES. `wakes` is when
        it will end by itself. Raises: TimedOut at `until`; RunError `expired`; Stopped.
        """
        at = self.expires_at if until is None else min(until, self.expires_at)
        nap = at if wakes is None else min(at, wakes)
        self.naps.append(nap)
        self.active.suspend(1, self.loop.time())
        try:
            try:
                await self.flush()
            except BaseException:
                if isinstance(awaitable, Coroutine):
                    awaitable.close()
                raise
            return await scope.guard(awaitable, at)
        except TimedOut:
            if at == self.expires_at:
                raise expired_error() from None
            raise
        finally:
            self.naps.remove(nap)
            self.active.suspend(-1, self.loop.time())

    async def pause(self, scope: ScopeRun, seconds: float, *, left: float | None = None, turn: bool = False) -> None:
        """Let time pass with the deadline standing still; `left` is how long the whole wait is when this is a part of
        it, `turn` says that it is for a place in a line that is lost when the run leaves memory.

        Raises: RunError `expired`; Stopped.
        """
        if self.recording is not None:
            return
        wakes = self.loop.time() + (seconds if left is None else left)
        self.in_line += turn
        try:
            await self.suspend(scope, asyncio.sleep(seconds), wakes=wakes)
        finally:
            self.in_line -= turn

    async def rest(self, scope: ScopeRun, seconds: float) -> None:
        """Let active time pass. Raises: RunError `deadline`; Stopped."""
        if self.recording is not None or seconds <= 0:
            return
        now = self.loop.time()
        self.active.work(1, now)
        try:
            await scope.guard(asyncio.sleep(seconds), self.active.ends_at(now))
        except TimedOut:
            self.pass_deadline()
            raise deadline_error() from None
        finally:
            self.active.work(-1, self.loop.time())
