"""One scope being run: the scheduler that starts each step when its needs are finished.

Knows: which steps wait, are ready, or in flight, and what follows from how they end. In: a `Run`, a `ScopeCode`, a
frame. Out: the scope's value or error. Never: runs a step's operation or what stands in for it (`performing`), decides
what an operation means (`steps`), touches a service (`calls`).

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
from eyeflow.ir.opcodes import Op
from eyeflow.svm.choosing import chosen
from eyeflow.svm.executable import BranchCode, ScopeCode, StepCode, ValueCode
from eyeflow.svm.journal import (
    StepFailed,
    StepFinished,
    StepSkipped,
    StepStarted,
)
from eyeflow.svm.limits import Guard, Stopped, deadline_error
from eyeflow.svm.performing import ABANDONED, perform, recover
from eyeflow.svm.run import Failure, Run, TaskEnded
from eyeflow.svm.turns import Turns, Waiting
from eyeflow.values import Value

T = TypeVar("T")
_ENDED: Final = frozenset(("failure", "stop", "cancelled", ABANDONED))
"""Reasons for skipping a step that come from elsewhere, which a resumed run may come to later than to the step."""

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

    def inner(self, code: ScopeCode, *, closed: bool) -> ScopeRun:
        """A scope inside this one, over the same frame."""
        return ScopeRun(self.run, code, self.frame, self.iteration, self, closed=closed)

    def _given_up(self) -> bool:
        """By the record: whether this scope was left in the middle, so that it never came to say how it ended."""
        history = self.run.history
        return history is not None and any(
            history.skipped(step.action, self.iteration) == ABANDONED for step in self.code.steps
        )

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
        if step.computes and (run.history is None or step.op == _VALUE):
            self._compute(step)
            return False
        return True

    def _note_start(self, step: StepCode) -> None:
        run = self.run
        run.note(StepStarted(at_us=run.at_us(), action=step.action, iteration=self.iteration, number=step.number))

    def _compute(self, step: StepCode) -> None:
        """A step that only computes and has no fallback needs no await."""
        operand = step.operand
        try:
            value = operand.block(self.frame) if type(operand) is ValueCode else self._choose(step)
            self.run.budget.keep(value)
            if self.run.history is not None:
                self.run.history.check(step.action, self.iteration)
        except RunError as error:
            self.note_failure(step, error, tolerated=False)
            self._fail(step, error, started=True)
        else:
            self._finish(step, value)

    def _choose(self, step: StepCode) -> Value:
        """The value of a choice between scopes without steps. Raises: RunError."""
        assert isinstance(step.operand, BranchCode)
        taken = chosen(self.run, step.operand, self.frame, step.action, self.iteration)
        if taken is None or taken.result is None:
            return None
        self.run.place = (taken.label, self.iteration)
        return taken.result(self.frame)

    async def _take(self, step: StepCode, doomed: RunError | None) -> None:
        """Run one step to its end and settle what follows from it; `doomed` is how it failed before it began."""
        try:
            value = await (perform(self, step) if doomed is None else recover(self, step, doomed))
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

    def note_failure(self, step: StepCode, error: Failure, *, tolerated: bool) -> None:
        """The event of a step that failed for good."""
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
