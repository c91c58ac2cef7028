"""What each effect operation does: one handler for each row of the opcode table that is not pure.

Knows: the meaning of VALUE, BRANCH, FOREACH, SUBTASK, the waits, APPROVAL, EMIT, LOG, RESPOND (CALL is `calls`).
In: a step in its scope. Out: the step's value. Never: retries or falls back (`run`), touches a connector (`calls`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

import msgspec

from eyeflow.errors import CallError, RunError
from eyeflow.ir.opcodes import Op
from eyeflow.svm.calls import backoff_ms, perform_call
from eyeflow.svm.choosing import chosen
from eyeflow.svm.executable import (
    ApprovalCode,
    BranchCode,
    EmitCode,
    LogCode,
    RespondCode,
    StepCode,
    SubtaskCode,
    ValueCode,
    WaitCode,
)
from eyeflow.svm.journal import (
    ApprovalAsked,
    ApprovalGiven,
    EventEmitted,
    LogWritten,
    Responded,
    SubtaskFinished,
    Waited,
)
from eyeflow.svm.limits import LONG_BACKOFF_MS, TIMEOUT_TEXT, TimedOut, deadline_error
from eyeflow.svm.loops import perform_foreach
from eyeflow.svm.ports import Asked
from eyeflow.svm.run import Perform
from eyeflow.svm.scope import ScopeRun
from eyeflow.values import Value

MAX_DEPTH: Final = 8
"""How deep tasks may run tasks."""

_LOOK_AGAIN_S: Final = 3_600.0
"""A wait until an instant looks at the wall clock at least this often, for clocks are set."""


async def _value(scope: ScopeRun, step: StepCode) -> Value:
    assert isinstance(step.operand, ValueCode)
    return step.operand.block(scope.frame)


async def _branch(scope: ScopeRun, step: StepCode) -> Value:
    code = step.operand
    assert isinstance(code, BranchCode)
    taken = chosen(scope.run, code, scope.frame, step.action, scope.iteration)
    if taken is None:
        return None
    return await scope.inner(taken, closed=scope.closed(step)).drive()


async def _subtask(scope: ScopeRun, step: StepCode) -> Value:
    code, run = step.operand, scope.run
    assert isinstance(code, SubtaskCode)
    params = code.params(scope.frame)
    if not isinstance(params, dict):
        raise RunError("type_mismatch", f"{step.name} gives its task an object")
    if run.recording is not None:
        done, value = run.recording.subtask(step.action, scope.iteration)
        if not done:
            run.recording.check(step.action, scope.iteration)
    elif run.past is not None and (past := run.past.subtask(step.action, scope.iteration))[0]:
        value = past[1]
    else:
        if run.depth >= MAX_DEPTH:
            raise RunError("recursion_limit", f"tasks may run tasks {MAX_DEPTH} deep, and {code.task} would be deeper")
        value = await _run_subtask(scope, step, code.task, params)
    run.note(SubtaskFinished(
        at_us=run.at_us(), action=step.action, iteration=scope.iteration, task=code.task, value=value
    ))  # fmt: skip
    await run.flush()
    return value


async def _run_subtask(scope: ScopeRun, step: StepCode, task: str, params: Mapping[str, Value]) -> Value:
    run, tasks = scope.run, scope.run.ports.tasks
    assert tasks is not None, "the loader saw to it"
    await run.flush()  # whoever resumes this run must know that there may be a child that did something
    for attempt in range(1, step.attempts + 1):
        now = run.loop.time()
        run.active.work(1, now)
        guard = scope.watch(run.active.ends_at(now), effect=True)
        try:
            child = f"{run.key(step.action, scope.iteration)}:{attempt}"
            value = await guard.hold(
                tasks.run(task, params, parent=run.execution_id, execution_id=child, depth=run.depth + 1)
            )
            return run.budget.admit(value)
        except TimedOut:
            run.pass_deadline()
            raise deadline_error() from None
        except CallError as error:
            if error.kind != "transient" or attempt == step.attempts or scope.stopped:
                raise
            delay_ms = backoff_ms(step, attempt, error)
        finally:
            scope.guards.discard(guard)
            run.active.work(-1, run.loop.time())
        await (run.pause if delay_ms > LONG_BACKOFF_MS else run.rest)(scope, delay_ms / 1000)
    raise AssertionError("a step has at least one attempt")


async def _wait_for(scope: ScopeRun, step: StepCode) -> Value:
    assert isinstance(step.operand, WaitCode)
    length = step.operand.block(scope.frame)
    if not isinstance(length, timedelta):
        raise RunError("type_mismatch", f"{step.name} waits for a duration")
    seconds = max(length.total_seconds(), 0.0)
    begun = scope.run.begun_at(step.action, scope.iteration)
    return await _waited(scope, step, seconds - (scope.run.time() - begun), begun)


async def _wait_until(scope: ScopeRun, step: StepCode) -> Value:
    assert isinstance(step.operand, WaitCode)
    until = step.operand.block(scope.frame)
    if not isinstance(until, datetime) or until.tzinfo is None:
        raise RunError("type_mismatch", f"{step.name} waits until an instant")
    run = scope.run
    begun = run.begun_at(step.action, scope.iteration)
    if run.recording is None:
        while (left := (until - run.clock.now()).total_seconds()) > 0:
            await run.pause(scope, min(left, _LOOK_AGAIN_S), left=left)
    return await _waited(scope, step, 0.0, begun)


async def _waited(scope: ScopeRun, step: StepCode, seconds: float, begun: float) -> Value:
    run = scope.run
    waited = Waited(action=step.action, iteration=scope.iteration, wait_ms=0)
    if run.recording is not None:
        run.recording.check(step.action, scope.iteration)
    elif seconds > 0 and (run.past is None or not run.past.has(waited)):
        await run.pause(scope, seconds)
    wait_ms = round((run.time() - begun) * 1000)
    run.note(msgspec.structs.replace(waited, at_us=run.at_us(), wait_ms=wait_ms))
    return None


async def _approval(scope: ScopeRun, step: StepCode) -> Value:
    code, run = step.operand, scope.run
    assert isinstance(code, ApprovalCode)
    message = code.message(scope.frame)
    if not isinstance(message, str):
        raise RunError("type_mismatch", f"{step.name} asks with a text")
    record, place = run.history, (step.action, scope.iteration)
    run.note(ApprovalAsked(
        at_us=run.at_us(), action=step.action, iteration=scope.iteration, role=code.role, message=message
    ))  # fmt: skip
    if record is not None and (known := record.approval(*place)) is not None:
        approved, by, comment = known.approved, known.by, known.comment
    elif run.recording is not None:
        if run.recording.backed(*place):
            raise _expired(code)
        run.recording.check(*place)
        raise RunError("bad_journal", f"the journal has no answer for {step.action}")
    else:
        assert run.ports.approver is not None, "the loader saw to it"
        question = Asked(
            execution_id=run.execution_id, action=step.action, role=code.role, message=message,
            expires_ms=code.expires_ms, iteration=scope.iteration,
        )  # fmt: skip
        asked = None if run.past is None else run.past.asked(*place)
        since = run.time() if asked is None else run.started + asked / 1_000_000
        until = since + code.expires_ms / 1000
        if asked is not None and until <= run.time():
            raise _expired(code)
        try:
            answer = await run.suspend(scope, run.ports.approver.ask(question), until)
        except TimedOut:
            raise _expired(code) from None
        approved, by, comment = answer.approved, answer.by, answer.comment
    run.note(ApprovalGiven(
        at_us=run.at_us(), action=step.action, iteration=scope.iteration, approved=approved, by=by, comment=comment
    ))  # fmt: skip
    await run.flush()
    if not approved:
        raise RunError("approval_refused", f"{by} refused" + (f": {comment}" if comment else ""))
    return {"approved": True, "by": by, "comment": comment}


def _expired(code: ApprovalCode) -> RunError:
    return RunError("approval_expired", TIMEOUT_TEXT, hint=f"nobody with role {code.role} answered")


async def _emit(scope: ScopeRun, step: StepCode) -> Value:
    code, run = step.operand, scope.run
    assert isinstance(code, EmitCode)
    value = code.value(scope.frame)
    run.note(EventEmitted(
        at_us=run.at_us(), action=step.action, iteration=scope.iteration, topic=code.topic, value=value
    ))  # fmt: skip
    if run.recording is not None:
        run.recording.check(step.action, scope.iteration)
        return None
    assert run.ports.publisher is not None, "the loader saw to it"
    await run.flush()
    await run.ports.publisher.publish(
        code.topic, run.budget.admit(value), execution_id=run.execution_id, key=run.key(step.action, scope.iteration)
    )
    return None


async def _log(scope: ScopeRun, step: StepCode) -> Value:
    run = scope.run
    assert isinstance(step.operand, LogCode)
    text = step.operand.message(scope.frame)
    if not isinstance(text, str):
        raise RunError("type_mismatch", f"{step.name} writes a text")
    run.note(LogWritten(at_us=run.at_us(), action=step.action, iteration=scope.iteration, text=text))
    if run.ports.logger is not None and run.recording is None:
        await run.ports.logger.write(text, execution_id=run.execution_id, action=step.action)
    return None


async def _respond(scope: ScopeRun, step: StepCode) -> Value:
    code, run = step.operand, scope.run
    assert isinstance(code, RespondCode)
    status = 200 if code.status is None else code.status(scope.frame)
    body = None if code.body is None else code.body(scope.frame)
    if not isinstance(status, int) or not 100 <= status <= 599:
        raise RunError("type_mismatch", f"{step.name} answers with a status from 100 to 599")
    if run.response is not None:
        raise RunError("already_responded", "the caller has had an answer in this run")
    run.response = (status, body)
    run.note(Responded(at_us=run.at_us(), action=step.action, iteration=scope.iteration, status=status, body=body))
    done = run.past is not None and run.past.value(step.action, scope.iteration) is not None
    if run.ports.responder is not None and run.recording is None and not done:
        await run.flush()
        await run.ports.responder.respond(status, run.budget.admit(body), execution_id=run.execution_id)
    return None


PERFORM: Final[Mapping[int, Perform]] = MappingProxyType({
    Op.VALUE: _value,
    Op.CALL: perform_call,
    Op.CALL_AHEAD: perform_call,
    Op.CALL_BESIDE: perform_call,
    Op.BRANCH: _branch,
    Op.FOREACH: perform_foreach,
    Op.SUBTASK: _subtask,
    Op.WAIT_FOR: _wait_for,
    Op.WAIT_UNTIL: _wait_until,
    Op.APPROVAL: _approval,
    Op.EMIT: _emit,
    Op.LOG: _log,
    Op.RESPOND: _respond,
})  # fmt: skip
"""The handler of each effect operation; a test compares it with the opcode table."""
