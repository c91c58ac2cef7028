"""One scope being run: the scheduler that starts each step when its needs are finished.

Knows: which steps wait, are ready, or in flight; fallbacks and tolerated failures. In: a `Run`, a `ScopeCode`, a frame.
Out: the scope's value or error. Never: touches a service (that is `calls`) or decides what an operation means (that
is `steps`).

A scope starts ready steps in the plan's order. A step that is alone is awaited in place; steps that can go together
get a task each. When one fails for good, the scope starts nothing more, waits that are no effects end, started
effects run to their end, and the failure with the lowest step number is the scope's, so that nothing depends on the
order of finishing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from heapq import heappop, heappush
from typing import Any, Final, TypeVar

from eyeflow.errors import CallError, RunError
from eyeflow.ir.evaluate.frame import Frame
from eyeflow.ir.opcodes import CALLS, Op
from eyeflow.svm.executable import ScopeCode, StepCode, ValueCode
from eyeflow.svm.journal import (
    FallbackFailed,
    FellBack,
    StepFailed,
    StepFinished,
    StepSkipped,
    StepStarted,
)
from eyeflow.svm.limits import TIMEOUT_TEXT, Guard, Stopped, TimedOut, deadline_error
from eyeflow.svm.replay import Recording
from eyeflow.svm.run import Failure, Run, TaskEnded
from eyeflow.svm.turns import Turns, Waiting
from eyeflow.values import Value

T = TypeVar("T")
ABANDONED: Final = "abandoned"
"""Why a step was left that was inside something that ran out of time."""

_LOOKED_INTO: Final = frozenset((*CALLS, Op.BRANCH, Op.FOREACH, Op.RESPOND))
"""Operations that a resumed run does again over what the record has of their inside."""

_ENDED: Final = frozenset(("failure", "stop", "cancelled", ABANDONED))
"""Reasons for skipping a step that come from elsewhere, which a resumed run may come to later than to the step."""

_NESTING: Final = frozenset((Op.BRANCH, Op.FOREACH))
_VALUE: Final = int(Op.VALUE)


class ScopeRun:
    """One scope being run: a frame, the steps that wait, are ready, or in flight."""

    __slots__ = (
        "beside", "children", "code", "completed", "failures", "flight", "frame", "guards", "halted", "iteration",
        "missing", "nulls", "parent", "ready", "run", "stopped", "turns", "unfinished", "wake",
    )  # fmt: skip

    def __init__(
        self,
        run: Run,
        code: ScopeCode,
        frame: Frame,
        iteration: str = "",
        parent: ScopeRun | None = None,
        *,
        closed: bool = False,
        turns: Turns | None = None,
    ) -> None:
        """`closed`: the record says how this scope ended, so nothing new starts in it. `turns`: of the loop that this
        is one turn of."""
        self.run = run
        self.code = code
        self.frame = frame
        self.iteration = iteration
        self.parent = parent
        self.stopped: bool = closed or (parent is not None and parent.stopped) or self._lost()
        self.halted = False
        self.ready = list(code.first)
        self.missing = list(code.needs)
        self.unfinished = set(range(len(code.needs)))
        self.completed: set[int] = set()
        self.nulls: set[int] = set()
        self.failures: list[tuple[int, Exception]] = []
        self.flight: set[asyncio.Task[None]] = set()
        self.guards: set[Guard] = set()
        self.children: set[ScopeRun] = set()
        self.wake: asyncio.Future[None] | None = None
        self.turns = turns
        self.beside: Waiting = {}

    def _lost(self) -> bool:
        """In a resumed run: whether a step of this scope has failed, so that nothing more starts here."""
        past = self.run.past
        return past is not None and any(past.lost(step.action, self.iteration) for step in self.code.steps)

    def _given_up(self) -> bool:
        """By the record: whether this scope was left in the middle, so that it never came to say how it ended."""
        history = self.run.history
        return history is not None and any(
            history.skipped(step.action, self.iteration) == ABANDONED for step in self.code.steps
        )

    def _given_up_inside(self, step: StepCode) -> bool:
        """By the record: whether `step` never came to say that it failed, because it was given up while something in
        it was still under way; what failed in its fallback is another matter."""
        history, place = self.run.history, (step.action, self.iteration)
        return history is not None and history.skipped(*place) == ABANDONED and not history.backed(*place)

    def closed(self, step: StepCode) -> bool:
        """In a resumed run: whether the operation of `step` is known to have failed, so that nothing new starts in
        it."""
        past, place = self.run.past, (step.action, self.iteration)
        return past is not None and (past.failure(*place) is not None or place in self.run.late)

    async def drive(self) -> Value:
        """Run every step, then give the scope's value.

        Raises: RunError, CallError of the failing step; TaskEnded; Stopped when an outer scope stopped.
        """
        if self.parent is not None:
            self.parent.children.add(self)
        try:
            await self._drive()
        except asyncio.CancelledError:
            await self._abandon()
            self._skip_the_rest(ABANDONED)
            raise
        except BaseException:
            await self._abandon()
            raise
        finally:
            if self.parent is not None:
                self.parent.children.discard(self)
        if self.unfinished:
            self._skip_the_rest()
        if self.run.history is not None and self._given_up():
            raise Stopped
        if self.failures:
            raise min(self.failures, key=lambda failed: failed[0])[1]
        if self.unfinished or self.halted:
            raise Stopped
        if self.code.result is None:
            return None
        self.run.place = (self.code.label, self.iteration)
        return self.code.result(self.frame)

    async def _drive(self) -> None:
        while True:
            while self.ready and (not self.stopped or self.run.history is not None):
                step = self.code.steps[heappop(self.ready)]
                begun = self._begin(step)
                if not begun:
                    continue
                doomed = None if begun is True else begun
                if not self.ready and not self.flight:
                    await self._take(step, doomed)
                else:
                    task = self.run.loop.create_task(self._take(step, doomed))
                    self.flight.add(task)
                    task.add_done_callback(self._landed)
            if not self.flight:
                return
            self.wake = self.run.loop.create_future()
            await self.wake

    def _landed(self, task: asyncio.Task[None]) -> None:
        self.flight.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failures.append((-1, error))  # type: ignore[arg-type]  # a bug, or the cancelling of the run
        if self.wake is not None and not self.wake.done():
            self.wake.set_result(None)

    def _begin(self, step: StepCode) -> bool | RunError:
        """Decide whether `step` runs now: False when it is skipped, withheld, or already finished; the error of its
        WHEN when that has one."""
        run = self.run
        run.place = (step.action, self.iteration)
        known = False
        if run.history is not None:
            known = run.history.ran(step.action, self.iteration)
            if run.recording is not None and not known:
                self._withhold(step)
                return False
            if not known and run.past is not None and run.past.skipped(step.action, self.iteration) in _ENDED:
                return False
        if self.stopped and not known and run.recording is None:
            return False
        if not known and run.past_deadline():
            self._fail(step, deadline_error(), started=False)
            return False
        if step.strict and not self.nulls.isdisjoint(step.strict):
            self._skip(step, "null_input")
            return False
        if step.when is not None:
            try:
                wanted = step.when(self.frame)
            except RunError as error:
                self._note_start(step)
                return error
            if wanted is not True:
                self._skip(step, "when")
                return False
        self._note_start(step)
        if step.op == _VALUE and step.backup is None and not step.continue_on_error:
            self._compute(step)
            return False
        return True

    def _note_start(self, step: StepCode) -> None:
        run = self.run
        run.note(StepStarted(at_us=run.at_us(), action=step.action, iteration=self.iteration, number=step.number))

    def _compute(self, step: StepCode) -> None:
        """A step that only computes and has no fallback needs no await."""
        assert isinstance(step.operand, ValueCode)
        try:
            value = step.operand.block(self.frame)
            self.run.budget.keep(value)
            if self.run.history is not None:
                self.run.history.check(step.action, self.iteration)
        except RunError as error:
            self._note_failure(step, error, tolerated=False)
            self._fail(step, error, started=True)
        else:
            self._finish(step, value)

    async def _take(self, step: StepCode, doomed: RunError | None) -> None:
        """Run one step to its end and settle what follows from it; `doomed` is how it failed before it began."""
        try:
            value = await (self._perform(step) if doomed is None else self._recover(step, doomed))
        except Stopped:
            self._skip(step, self._why_stopped(step), wake=False)
        except asyncio.CancelledError:
            self._skip(step, ABANDONED, wake=False)
            raise
        except TaskEnded as ended:
            if ended.action == step.action:
                self.unfinished.discard(step.position)
            self.failures.append((step.number, ended))
            self.run.stop_reason = self.run.stop_reason or "stop"
            self.stop()
        except (RunError, CallError) as error:
            self._fail(step, error, started=True)
        else:
            self._finish(step, value)

    async def _perform(self, step: StepCode) -> Value:
        """The operation, then what stands in for it when it failed for good."""
        run = self.run
        run.place = (step.action, self.iteration)
        try:
            if run.history is None and (step.timeout_ms is None or step.op in CALLS):
                value = await run.perform[step.op](self, step)
                run.budget.keep(value)
                return value
            if run.past is not None:
                done = self._remembered(step, run.past)
                if done is not None:
                    return done.value
            value = await self._limited(step)
            run.budget.keep(value)
            if run.history is not None:
                run.history.check(step.action, self.iteration)
            return value
        except (RunError, CallError) as failed:
            if self._given_up_inside(step):
                raise Stopped from failed
            error: Failure = self._recorded_failure(step) or failed
        except (Stopped, TaskEnded):
            again = self._recorded_failure(step)
            if again is None:
                raise
            error = again
        if error.code == "deadline":
            run.pass_deadline()
        if run.deadline_hit and run.root is self and run.deadline_action is None:
            run.deadline_action = step.number
        return await self._recover(step, error)

    def _recorded_failure(self, step: StepCode) -> Failure | None:
        """How the step failed by the record: of several failures inside, the first to come decided."""
        history = self.run.history
        return None if history is None else history.failure(step.action, self.iteration)

    def _remembered(self, step: StepCode, past: Recording) -> StepFinished | None:
        """In a resumed run: the output of a step that is on record and has nothing inside to look at again.

        Raises: its recorded failure; Stopped when it was ended.
        """
        if step.op in _LOOKED_INTO:
            return None
        past.check(step.action, self.iteration)
        return past.value(step.action, self.iteration)

    async def _limited(self, step: StepCode) -> Value:
        """The operation within the step's TIMEOUT; a call times each attempt itself."""
        run = self.run
        work = run.perform[step.op](self, step)
        known = run.history is not None and run.history.ended(step.action, self.iteration)
        if step.timeout_ms is None or step.op in CALLS or known or run.recording is not None:
            return await work
        until = run.time_is_up_at(step, self.iteration, step.timeout_ms)
        if run.past is not None and until <= run.time() and step.op in _NESTING:
            return await self._late(step, work)
        try:
            return await Guard(run.loop, until).hold(work)
        except TimedOut:
            raise RunError("timeout", TIMEOUT_TEXT) from None
        except Stopped:
            if not self._abandoned(step):
                raise
            raise RunError("timeout", TIMEOUT_TEXT) from None

    async def _late(self, step: StepCode, work: Awaitable[Value]) -> Value:
        """In a resumed run, when the time of `step` was over before its process ended: nothing new starts in it, and
        what had started in it comes to its end on record. Raises: RunError `timeout`; TaskEnded."""
        self.run.late.add((step.action, self.iteration))
        try:
            return await work
        except (Stopped, RunError, CallError):
            raise RunError("timeout", TIMEOUT_TEXT) from None

    def _abandoned(self, step: StepCode) -> bool:
        """In a resumed run, when something inside `step` stopped: whether the record has it given up with its inside
        for want of time, and only did not come to say so."""
        past = self.run.past
        return past is not None and not self.stopped and past.skipped(step.action, self.iteration) is None

    async def _recover(self, step: StepCode, error: Failure) -> Value:
        """FALLBACK, then ON_ERROR; else the error again."""
        run, backup = self.run, step.backup
        if backup is not None and (backup.block is not None or self._may_start_backup(step)):
            try:
                value = await self._fall_back(step)
            except (RunError, CallError) as second:
                run.note(FallbackFailed(
                    at_us=run.at_us(), action=step.action, iteration=self.iteration, code=second.code,
                    message=second.message,
                ))  # fmt: skip
            else:
                run.fell_back = True
                self._note_failure(step, error, tolerated=True)
                run.note(FellBack(at_us=run.at_us(), action=step.action, iteration=self.iteration, stop=backup.stop))
                if backup.stop:
                    raise TaskEnded(error, step.action)
                return value
        self._note_failure(step, error, tolerated=step.continue_on_error)
        if step.continue_on_error:
            run.tolerated.append((step.action, self.iteration, error))
            self.nulls.add(step.number)
            return None
        raise error

    def _may_start_backup(self, step: StepCode) -> bool:
        recording, past = self.run.recording, self.run.past
        if recording is not None:
            place = (step.action, self.iteration)
            return recording.fell_back(*place) or recording.backed(*place)
        if past is not None and past.backed(step.action, self.iteration):
            return True
        return not self.stopped and not self.run.past_deadline()

    async def _fall_back(self, step: StepCode) -> Value:
        backup, run = step.backup, self.run
        assert backup is not None
        if backup.scope is None:
            run.place = (f"{step.action}.fallback", self.iteration)
            assert backup.block is not None, "a fallback is a block or a scope"
            value = backup.block(self.frame)
        else:
            known = None if run.history is None else run.history.backup_failure(step.action, self.iteration)
            scope = ScopeRun(run, backup.scope, self.frame, self.iteration, self, closed=known is not None)
            until = None if run.recording is not None else run.loop.time() + backup.timeout_ms / 1000
            try:
                value = await Guard(run.loop, until).hold(scope.drive())
            except TimedOut:
                raise RunError("timeout", TIMEOUT_TEXT) from None
            except Stopped:
                if known is None and self._abandoned(step):
                    known = RunError("timeout", TIMEOUT_TEXT)
                if known is None:
                    raise
                raise known from None
        run.budget.keep(value)
        return value

    def _note_failure(self, step: StepCode, error: Failure, *, tolerated: bool) -> None:
        kind = error.kind if isinstance(error, CallError) else None
        self.run.note(StepFailed(
            at_us=self.run.at_us(), action=step.action, iteration=self.iteration, code=error.code,
            message=error.message, kind=kind, tolerated=tolerated,
        ))  # fmt: skip

    def _finish(self, step: StepCode, value: Value) -> None:
        run = self.run
        self.frame[step.dst] = value
        if step.number not in self.nulls:
            self.completed.add(step.number)
        if run.root is self:
            run.results.assign(step.name, value)
        run.note(StepFinished(at_us=run.at_us(), action=step.action, iteration=self.iteration, value=value))
        self.unfinished.discard(step.position)
        if step.dependents:
            self._settle(step)

    def _skip(self, step: StepCode, reason: str, *, wake: bool = True) -> None:
        """Leave `step` out: its output is null."""
        run = self.run
        run.note(
            StepSkipped(
                at_us=run.at_us(), action=step.action, iteration=self.iteration, number=step.number, reason=reason
            )
        )
        if wake:
            self.nulls.add(step.number)
            self._settle(step)
        else:
            self.unfinished.discard(step.position)
            self.halted = True

    def _settle(self, step: StepCode) -> None:
        self.unfinished.discard(step.position)
        for position in step.dependents:
            self.missing[position] -= 1
            if self.missing[position] == 0:
                heappush(self.ready, position)

    def _withhold(self, step: StepCode) -> None:
        """In a replay: do to this step what was done to it in the record."""
        recording = self.run.recording
        assert recording is not None
        reason = recording.skipped(step.action, self.iteration)
        if reason in ("when", "null_input"):
            self._skip(step, reason)
        elif reason == "deadline" and not any(getattr(error, "code", "") == "deadline" for _, error in self.failures):
            self._fail(step, deadline_error(), started=False)

    def _fail(self, step: StepCode, error: Failure, *, started: bool) -> None:
        number = step.number
        if started:
            self.unfinished.discard(step.position)
        elif self.run.root is self:
            number = self.run.deadline_action or number
        if self.parent is None:
            self.run.stop_reason = self.run.stop_reason or ("failure" if started else "deadline")
        self.failures.append((number, error))
        self.stop()

    def _why_stopped(self, step: StepCode) -> str:
        run = self.run
        known = None if run.history is None else run.history.skipped(step.action, self.iteration)
        return known or run.stop_reason or "failure"

    def _skip_the_rest(self, why: str | None = None) -> None:
        run = self.run
        for position in sorted(self.unfinished):
            step = self.code.steps[position]
            reason = why or self._why_stopped(step)
            run.note(
                StepSkipped(
                    at_us=run.at_us(), action=step.action, iteration=self.iteration, number=step.number, reason=reason
                )
            )

    def stop(self, *, cancelling: bool = False) -> None:
        """Start nothing more here or below, and end waits; started effects go on, unless `cancelling` ends reads."""
        self.stopped = True
        for guard in tuple(self.guards):
            guard.stop(cancelling=cancelling)
        for child in tuple(self.children):
            child.stop(cancelling=cancelling)

    def watch(self, at: float | None, *, effect: bool = False, write: bool = False) -> Guard:
        """A guard that `stop` reaches; whoever took it takes it out of `guards` again."""
        guard = Guard(self.run.loop, at, effect=effect, write=write)
        self.guards.add(guard)
        return guard

    async def guard(self, awaitable: Awaitable[T], at: float | None) -> T:
        """Await something that ends when this scope stops, or at `at`. Raises: Stopped, TimedOut."""
        if self.stopped and self.run.recording is None:
            if isinstance(awaitable, Coroutine):
                awaitable.close()
            raise Stopped
        guard = self.watch(at)
        try:
            return await guard.hold(awaitable)
        finally:
            self.guards.discard(guard)

    async def _abandon(self) -> None:
        """This scope is cancelled from outside: so is all that it started."""
        left: list[asyncio.Task[Any]] = list(self.flight)
        for task in left:
            task.cancel()
        if left:
            await asyncio.gather(*left, return_exceptions=True)
