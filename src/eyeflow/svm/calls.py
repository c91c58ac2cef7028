"""The one door: every effect of a program leaves through here.

Knows: cache, rates, budgets, idempotency keys, timeouts, what may be tried again, what must be on record before what.
In: a CALL step in its scope. Out: the answer as an own copy, or a `CallError` that says what is known of the effect.
Never: speaks a protocol (connectors do), decides what follows from a failure (`run` does).

An attempt goes: rate of the program, rate of the connection, stop check, budget, `effect_started` (kept before the
first byte of a write when the program is durable), the call under one timer, `effect_finished` or `effect_failed`. A
read that the plan batches looks first whether a request for many has its answer; only if not it takes its turn.
"""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec
from msgspec import UNSET

from eyeflow.errors import CallError, CallKind, RunError
from eyeflow.svm import wire
from eyeflow.svm.batches import read_together
from eyeflow.svm.executable import CallCode, StepCode
from eyeflow.svm.journal import EffectFailed, EffectFinished, EffectStarted, Retried, UncertainSettled
from eyeflow.svm.limits import LONG_BACKOFF_MS, Stopped
from eyeflow.svm.ports import Uncertain
from eyeflow.svm.replay import Recording
from eyeflow.svm.scope import ScopeRun
from eyeflow.svm.sending import Sending, checked, take_turns
from eyeflow.values import Value

INTERRUPTED: Final = "interrupted"
"""The error of an attempt whose process ended before the answer."""

ABANDONED: Final = "abandoned"
"""The error of an attempt that was given up because its run stopped."""

MAX_DELAY_MS: Final = 86_400_000
"""A service cannot ask for a longer wait than a day."""


async def perform_call(scope: ScopeRun, step: StepCode) -> Value:
    """Run the capability, trying again as the step and the capability allow.

    Raises: CallError; RunError `type_mismatch`, `deadline`, `expired`, `call_limit`, `output_limit`; Stopped.
    """
    code = step.operand
    assert isinstance(code, CallCode)
    params = checked(code, code.params(scope.frame))
    cache_key = _cache_key(code, params) if step.cache_ms and not code.writes else None
    run = scope.run
    if cache_key is not None and run.recording is None:
        held = run.cache.get(cache_key, run.loop.time())
        if held is not None:
            return _answer(scope, step, code, wire.unpack(held), 1, cached=True)
    attempt, lost = 1, 0
    while True:
        try:
            value = await _attempt(scope, step, code, params, attempt)
        except CallError as error:
            lost += error.code == INTERRUPTED
            if not await _again(scope, step, code, error, attempt, interrupted=lost):
                return None
            attempt += 1
        else:
            if cache_key is not None and run.recording is None:
                run.cache.put(cache_key, wire.pack(value), run.loop.time() + step.cache_ms / 1000)
            return value


def _cache_key(code: CallCode, params: dict[str, Value]) -> str:
    return f"{code.binding.connection}/{code.binding.capability}/{wire.digest(params)}"


async def _attempt(scope: ScopeRun, step: StepCode, code: CallCode, params: dict[str, Value], attempt: int) -> Value:
    run = scope.run
    if run.recording is not None:
        return _replayed(scope, step, code, params, attempt)
    if run.past is not None:
        if run.past.sent(step.action, scope.iteration, attempt):
            return _remembered(scope, step, code, run.past, attempt)
        if (known := run.past.effect(step.action, scope.iteration, attempt)) is not None:
            assert isinstance(known, EffectFinished), "what was not sent is from the cache"
            return _answer(scope, step, code, known.value, attempt, cached=True)
        run.past.check(step.action, scope.iteration)
    together = code.batch is not None and attempt == 1
    if code.rates and not together:
        await take_turns(scope, step, code)
    if scope.stopped:
        raise Stopped
    run.budget.take_call()
    sent = run.budget.admit(params)
    assert isinstance(sent, dict)
    key = _note_start(scope, step, code, params, attempt)
    kind: CallKind = "transient"  # what is known of an effect before it leaves: surely not done
    try:
        if code.writes and run.durable:
            await run.flush()
        kind = "uncertain"
        answer = await read_together(scope, step, code, sent) if together else UNSET
        if answer is UNSET:
            if together and code.rates:
                await take_turns(scope, step, code)
            with Sending(scope, step, code):
                answer = await code.connector.call(code.binding.capability, sent, key=key if code.writes else None)
    except CallError as error:
        _note_failed(scope, step, code, error, attempt)
        if code.writes:
            await run.flush()
        raise
    except (Stopped, asyncio.CancelledError):
        abandoned = CallError(kind, ABANDONED, "the call was given up when its run stopped")
        _note_failed(scope, step, code, abandoned, attempt)
        raise
    except RunError as error:  # EXPIRES came while the call waited for its turn
        _note_failed(scope, step, code, CallError("transient", error.code, error.message), attempt)
        raise
    value = _answer(scope, step, code, answer, attempt)
    if run.durable:
        await run.flush()
    return value


def _note_start(scope: ScopeRun, step: StepCode, code: CallCode, params: dict[str, Value], attempt: int) -> str:
    run = scope.run
    known = None if run.recording is None else run.recording.key(step.action, scope.iteration, attempt)
    key = known or run.key(step.action, scope.iteration)
    run.note(EffectStarted(
        at_us=run.at_us(), action=step.action, iteration=scope.iteration, attempt=attempt,
        connection=code.binding.connection, capability=code.binding.capability, key=key, request=wire.digest(params),
    ))  # fmt: skip
    return key


def _note_failed(scope: ScopeRun, step: StepCode, code: CallCode, error: CallError, attempt: int) -> None:
    run = scope.run
    if error.kind == "uncertain" and code.writes and not code.repeatable:
        run.uncertain.append(step.action)
    run.note(EffectFailed(
        at_us=run.at_us(), action=step.action, iteration=scope.iteration, attempt=attempt, kind=error.kind,
        code=error.code, message=error.message, retry_after_ms=error.retry_after_ms,
    ))  # fmt: skip


def _answer(
    scope: ScopeRun, step: StepCode, code: CallCode, answer: object, attempt: int, *, cached: bool = False
) -> Value:
    """Note the answer as an own copy, then see that it is what the program expects."""
    run = scope.run
    value = run.budget.admit(answer)
    run.note(EffectFinished(
        at_us=run.at_us(), action=step.action, iteration=scope.iteration, attempt=attempt, value=value, cached=cached
    ))  # fmt: skip
    return value if code.expect is None else code.expect(value)


def _remembered(scope: ScopeRun, step: StepCode, code: CallCode, past: Recording, attempt: int) -> Value:
    """In a resumed run: how an attempt on record ended. One without an end may or may not have been done."""
    run = scope.run
    known = past.effect(step.action, scope.iteration, attempt)
    if known is not None and not (isinstance(known, EffectFailed) and known.code == INTERRUPTED):
        run.budget.take_call()  # what ended with its process is no call the program made too many
    if isinstance(known, EffectFinished):
        return _answer(scope, step, code, known.value, attempt)
    if known is None:
        error = CallError("uncertain", INTERRUPTED, "the process ended before the call was answered")
    else:
        error = CallError(known.kind, known.code, known.message, retry_after_ms=known.retry_after_ms)
    _note_failed(scope, step, code, error, attempt)
    if error.code == ABANDONED:
        raise Stopped
    raise error


async def _again(
    scope: ScopeRun, step: StepCode, code: CallCode, error: CallError, attempt: int, *, interrupted: int
) -> bool:
    """Wait for the next attempt, and give True; False when a person says the call was sent; else raise `error`.

    Of the `attempt` attempts so far `interrupted` ended with their process, which is no fault of the service: they do
    not count against RETRY, and what may be repeated at all is repeated at once.
    """
    run = scope.run
    if error.code == "deadline":
        run.pass_deadline()
        raise error
    doubtful = error.kind == "uncertain" and code.writes and not code.repeatable
    if doubtful and step.uncertain == "ask":
        return await _settled(scope, step, code, error, attempt)
    repeatable = error.kind == "transient" or (
        error.kind == "uncertain" and (not doubtful or step.uncertain == "retry")
    )
    counted = attempt - interrupted
    if not repeatable or (counted >= step.attempts and error.code != INTERRUPTED):
        raise error
    delay_ms = 0 if error.code == INTERRUPTED else backoff_ms(step, counted, error)
    retried = Retried(
        at_us=0, action=step.action, iteration=scope.iteration, attempt=attempt + 1, delay_ms=delay_ms
    )  # fmt: skip
    if run.history is None or not run.history.has(retried):
        _must_go_on(scope, step, attempt)
        if run.past is not None:
            run.past.check(step.action, scope.iteration)
        if run.recording is None and (scope.stopped or run.past_deadline()):
            raise error
        await _back_off(scope, step, attempt, delay_ms)
    run.note(msgspec.structs.replace(retried, at_us=run.at_us()))
    _must_go_on(scope, step, attempt)
    return True


async def _back_off(scope: ScopeRun, step: StepCode, attempt: int, delay_ms: int) -> None:
    """Let the delay pass, or what is left of it since the failure on record."""
    run = scope.run
    left = delay_ms / 1000
    if run.past is not None:
        known = run.past.effect(step.action, scope.iteration, attempt)
        if known is not None:
            left -= run.time() - run.started - known.at_us / 1_000_000
    if delay_ms > LONG_BACKOFF_MS:
        await run.pause(scope, max(left, 0.0))
    else:
        await run.rest(scope, left)


def backoff_ms(step: StepCode, failed: int, error: CallError) -> int:
    """Milliseconds before the attempt after the `failed`-th: the step's backoff, or longer if the service asks."""
    delay = 0.0
    if step.backoff is not None:
        delay = float(step.backoff.first_ms)
        if step.backoff.kind == "exponential":
            most = float(MAX_DELAY_MS if step.backoff.max_ms is None else step.backoff.max_ms)
            for _ in range(failed - 1):
                if delay >= most:
                    break
                delay *= step.backoff.factor
            delay = min(delay, most)
    return min(max(round(delay), error.retry_after_ms or 0), MAX_DELAY_MS)


def _must_go_on(scope: ScopeRun, step: StepCode, attempt: int) -> None:
    """In a replay, a repetition that was not made in the record is not made now either."""
    recording = scope.run.recording
    if recording is not None and recording.effect(step.action, scope.iteration, attempt + 1) is None:
        raise recording.failure(step.action, scope.iteration) or Stopped


async def _settled(scope: ScopeRun, step: StepCode, code: CallCode, error: CallError, attempt: int) -> bool:
    """Ask a person: True to send it again, False when it was sent. Raises: `error` when it counts as failed."""
    run = scope.run
    if run.recording is not None:
        known = run.recording.verdict(step.action, scope.iteration, attempt)
        if known is None:
            raise run.recording.failure(step.action, scope.iteration) or Stopped
        verdict, by = known.verdict, known.by
    elif run.past is not None and (past := run.past.verdict(step.action, scope.iteration, attempt)) is not None:
        verdict, by = past.verdict, past.by
    else:
        if run.past is not None:
            run.past.check(step.action, scope.iteration)
        assert run.ports.approver is not None, "the loader saw to it"
        question = Uncertain(
            execution_id=run.execution_id, action=step.action, iteration=scope.iteration,
            connection=code.binding.connection,
            capability=code.binding.capability, error=error.message,
            key=run.key(step.action, scope.iteration), attempt=attempt,
        )  # fmt: skip
        try:
            answer = await run.suspend(scope, run.ports.approver.settle(question))
        except RunError:
            raise error from None
        verdict, by = answer.verdict, answer.by
    run.note(UncertainSettled(
        at_us=run.at_us(), action=step.action, iteration=scope.iteration, attempt=attempt, verdict=verdict, by=by
    ))  # fmt: skip
    if verdict == "failed":
        raise error
    if step.action in run.uncertain:
        run.uncertain.remove(step.action)
    return verdict == "again"


def _replayed(scope: ScopeRun, step: StepCode, code: CallCode, params: dict[str, Value], attempt: int) -> Value:
    """The recorded end of this attempt, with its events noted again."""
    run = scope.run
    assert run.recording is not None
    known = run.recording.effect(step.action, scope.iteration, attempt)
    if known is None:
        raise run.recording.failure(step.action, scope.iteration) or Stopped
    if isinstance(known, EffectFinished):
        if not known.cached:
            _note_start(scope, step, code, params, attempt)
        return _answer(scope, step, code, known.value, attempt, cached=known.cached)
    _note_start(scope, step, code, params, attempt)
    error = CallError(known.kind, known.code, known.message, retry_after_ms=known.retry_after_ms)
    _note_failed(scope, step, code, error, attempt)
    if known.code == ABANDONED:
        raise Stopped
    raise error
