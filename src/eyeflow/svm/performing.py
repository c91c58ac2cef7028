"""One step under way: its operation within its TIMEOUT, then what stands in for it when it failed for good.

Knows: TIMEOUT, FALLBACK, ON_ERROR, and what the record of a replayed or resumed run says of them. In: a step in its
scope. Out: its value, or its failure. Never: decides when a step starts, or what follows from its end (`scope`), or
what an operation means (`steps`).
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Final

from eyeflow.errors import CallError, RunError
from eyeflow.ir.opcodes import CALLS, Op
from eyeflow.svm.executable import StepCode
from eyeflow.svm.journal import FallbackFailed, FellBack, StepFinished
from eyeflow.svm.limits import TIMEOUT_TEXT, Guard, Stopped, TimedOut
from eyeflow.svm.replay import Recording
from eyeflow.svm.run import Failure, TaskEnded
from eyeflow.values import Value

if TYPE_CHECKING:
    from eyeflow.svm.scope import ScopeRun

ABANDONED: Final = "abandoned"
"""Why a step was left that was inside something that ran out of time."""

_LOOKED_INTO: Final = frozenset((*CALLS, Op.BRANCH, Op.FOREACH, Op.RESPOND))
"""Operations that a resumed run does again over what the record has of their inside."""

_NESTING: Final = frozenset((Op.BRANCH, Op.FOREACH))


async def perform(scope: ScopeRun, step: StepCode) -> Value:
    """The operation, then what stands in for it when it failed for good.

    Raises: RunError, CallError when nothing did; TaskEnded; Stopped.
    """
    run = scope.run
    run.place = (step.action, scope.iteration)
    try:
        if run.history is None and (step.timeout_ms is None or step.op in CALLS):
            value = await run.perform[step.op](scope, step)
            run.budget.keep(value)
            return value
        if run.past is not None:
            done = _remembered(scope, step, run.past)
            if done is not None:
                return done.value
        value = await _limited(scope, step)
        run.budget.keep(value)
        if run.history is not None:
            run.history.check(step.action, scope.iteration)
        return value
    except (RunError, CallError) as failed:
        if _given_up_inside(scope, step):
            raise Stopped from failed
        error: Failure = _recorded_failure(scope, step) or failed
    except (Stopped, TaskEnded):
        again = _recorded_failure(scope, step)
        if again is None:
            raise
        error = again
    if error.code == "deadline":
        run.pass_deadline()
    if run.deadline_hit and run.root is scope and run.deadline_action is None:
        run.deadline_action = step.number
    return await recover(scope, step, error)


def _given_up_inside(scope: ScopeRun, step: StepCode) -> bool:
    """By the record: whether `step` never came to say that it failed, because it was given up while something in
    it was still under way; what failed in its fallback is another matter."""
    history, place = scope.run.history, (step.action, scope.iteration)
    return history is not None and history.skipped(*place) == ABANDONED and not history.backed(*place)


def _recorded_failure(scope: ScopeRun, step: StepCode) -> Failure | None:
    """How the step failed by the record: of several failures inside, the first to come decided."""
    history = scope.run.history
    return None if history is None else history.failure(step.action, scope.iteration)


def _remembered(scope: ScopeRun, step: StepCode, past: Recording) -> StepFinished | None:
    """In a resumed run: the output of a step that is on record and has nothing inside to look at again.

    Raises: its recorded failure; Stopped when it was ended.
    """
    if step.op in _LOOKED_INTO:
        return None
    past.check(step.action, scope.iteration)
    return past.value(step.action, scope.iteration)


async def _limited(scope: ScopeRun, step: StepCode) -> Value:
    """The operation within the step's TIMEOUT; a call times each attempt itself."""
    run = scope.run
    work = run.perform[step.op](scope, step)
    known = run.history is not None and run.history.ended(step.action, scope.iteration)
    if step.timeout_ms is None or step.op in CALLS or known or run.recording is not None:
        return await work
    until = run.time_is_up_at(step, scope.iteration, step.timeout_ms)
    if run.past is not None and until <= run.time() and step.op in _NESTING:
        return await _late(scope, step, work)
    try:
        return await Guard(run.loop, until).hold(work)
    except TimedOut:
        raise RunError("timeout", TIMEOUT_TEXT) from None
    except Stopped:
        if not _abandoned(scope, step):
            raise
        raise RunError("timeout", TIMEOUT_TEXT) from None


async def _late(scope: ScopeRun, step: StepCode, work: Awaitable[Value]) -> Value:
    """In a resumed run, when the time of `step` was over before its process ended: nothing new starts in it, and
    what had started in it comes to its end on record. Raises: RunError `timeout`; TaskEnded."""
    scope.run.late.add((step.action, scope.iteration))
    try:
        return await work
    except (Stopped, RunError, CallError):
        raise RunError("timeout", TIMEOUT_TEXT) from None


def _abandoned(scope: ScopeRun, step: StepCode) -> bool:
    """In a resumed run, when something inside `step` stopped: whether the record has it given up with its inside
    for want of time, and only did not come to say so."""
    past = scope.run.past
    return past is not None and not scope.stopped and past.skipped(step.action, scope.iteration) is None


async def recover(scope: ScopeRun, step: StepCode, error: Failure) -> Value:
    """The value of FALLBACK, else of ON_ERROR. Raises: `error` when there is neither; TaskEnded after THEN stop."""
    run, backup = scope.run, step.backup
    if backup is not None and (backup.block is not None or _may_start_backup(scope, step)):
        try:
            value = await _fall_back(scope, step)
        except (RunError, CallError) as second:
            run.note(FallbackFailed(
                at_us=run.at_us(), action=step.action, iteration=scope.iteration, code=second.code,
                message=second.message,
            ))  # fmt: skip
        else:
            run.fell_back = True
            scope.note_failure(step, error, tolerated=True)
            run.note(FellBack(at_us=run.at_us(), action=step.action, iteration=scope.iteration, stop=backup.stop))
            if backup.stop:
                raise TaskEnded(error, step.action)
            return value
    scope.note_failure(step, error, tolerated=step.continue_on_error)
    if step.continue_on_error:
        run.tolerated.append((step.action, scope.iteration, error))
        scope.nulls.add(step.number)
        return None
    raise error


def _may_start_backup(scope: ScopeRun, step: StepCode) -> bool:
    recording, past = scope.run.recording, scope.run.past
    if recording is not None:
        place = (step.action, scope.iteration)
        return recording.fell_back(*place) or recording.backed(*place)
    if past is not None and past.backed(step.action, scope.iteration):
        return True
    return not scope.stopped and not scope.run.past_deadline()


async def _fall_back(scope: ScopeRun, step: StepCode) -> Value:
    backup, run = step.backup, scope.run
    assert backup is not None
    if backup.scope is None:
        run.place = (f"{step.action}.fallback", scope.iteration)
        assert backup.block is not None, "a fallback is a block or a scope"
        value = backup.block(scope.frame)
    else:
        known = None if run.history is None else run.history.backup_failure(step.action, scope.iteration)
        inner = scope.inner(backup.scope, closed=known is not None)
        until = None if run.recording is not None else run.loop.time() + backup.timeout_ms / 1000
        try:
            value = await Guard(run.loop, until).hold(inner.drive())
        except TimedOut:
            raise RunError("timeout", TIMEOUT_TEXT) from None
        except Stopped:
            if known is None and _abandoned(scope, step):
                known = RunError("timeout", TIMEOUT_TEXT)
            if known is None:
                raise
            raise known from None
    run.budget.keep(value)
    return value
