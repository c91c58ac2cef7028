"""One request on its way to a service: its parameters, its turn, its time.

Knows: the types a capability declares, rates, timeouts and what a connector may raise. In: a CALL step in its scope.
Out: the raw answer, or a `CallError` that says what is known of the effect. Never: notes effects, or tries again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from eyeflow.errors import CallError, RunError
from eyeflow.ir.program import RateLimit
from eyeflow.svm.executable import CallCode, StepCode
from eyeflow.svm.journal import RateQueued
from eyeflow.svm.limits import TIMEOUT_TEXT, Stopped, TimedOut
from eyeflow.svm.run import Run
from eyeflow.svm.scope import ScopeRun
from eyeflow.values import Value


def checked(code: CallCode, params: Value) -> dict[str, Value]:
    """The parameters as the capability declares them, without the optional ones that are null.

    Raises: RunError `type_mismatch`.
    """
    if not isinstance(params, dict):
        raise RunError("type_mismatch", f"the parameters of {code.binding.capability} are an object")
    given = params
    if None in params.values():
        given = {name: value for name, value in params.items() if value is not None or name not in code.optional}
    if code.check is not None:
        checked = code.check(given)
        assert isinstance(checked, dict)
        given = checked
    if code.max_text is not None:
        for name, value in given.items():
            if isinstance(value, str) and len(value) > code.max_text:
                raise RunError(
                    "type_mismatch",
                    f"{name!r} has {len(value)} characters, {code.binding.service} takes at most {code.max_text}",
                    hint="SLICE it",
                )
    return given


async def take_turns(scope: ScopeRun, step: StepCode, code: CallCode) -> None:
    """Wait for the turn under the program's RATE and the connection's limit; the wait suspends the deadline.

    Raises: CallError `rate_limited` where RATE says REFUSE; RunError `expired`; Stopped.
    """
    for name, limit in code.rates:
        await _take_turn(scope, step, name, limit)


async def _take_turn(scope: ScopeRun, step: StepCode, name: str, limit: RateLimit) -> None:
    """Reserve a start under a rate and wait for it."""
    run = scope.run
    now = run.loop.time()
    turn = await run.rates.reserve(name, limit, now)
    wait = turn - now
    if wait <= 0:
        return
    if not limit.queue:
        await run.rates.release(name, turn)
        raise CallError(
            "transient", "rate_limited", f"more than {limit.calls} calls in {limit.window_ms} ms",
            retry_after_ms=round(wait * 1000) + 1,
        )  # fmt: skip
    try:
        await run.pause(scope, wait, turn=True)
    except BaseException:
        await run.rates.release(name, turn)
        raise
    run.note(RateQueued(at_us=run.at_us(), action=step.action, iteration=scope.iteration, wait_ms=round(wait * 1000)))


async def timed(
    scope: ScopeRun, step: StepCode, code: CallCode, params: Mapping[str, Value], *, method: str, key: str | None = None
) -> object:
    """The call of `method` itself, under one timer: the earlier of the attempt's TIMEOUT and the run's deadline.

    Raises: CallError; Stopped.
    """
    run = scope.run
    now = run.loop.time()
    run.active.work(1, now)
    limit = now + (step.timeout_ms or code.binding.timeout_ms) / 1000
    deadline = run.active.ends_at(now)
    guard = scope.watch(min(limit, deadline), effect=True, write=code.writes)
    try:
        with guard:
            return await code.connector.call(method, params, key=key)
    except TimedOut:
        _raise_late(run, at_deadline=deadline <= limit)
    except CallError as error:
        if guard.cause == "time":
            # Told to stop, the connector knew more than we do: perhaps nothing had been sent.
            _raise_late(run, at_deadline=deadline <= limit, error=error)
        if guard.cause == "stop":
            raise Stopped from error
        raise
    except Stopped:
        raise
    except RunError as error:
        raise CallError("permanent", error.code, error.message, hint=error.hint) from error
    except Exception as bug:
        message = f"the connector of {code.binding.connection} failed with {type(bug).__name__}"
        raise CallError("uncertain", "connector_crashed", message, hint="a connector raises CallError only") from bug
    finally:
        scope.guards.discard(guard)
        run.active.work(-1, run.loop.time())


def _raise_late(run: Run, *, at_deadline: bool, error: CallError | None = None) -> NoReturn:
    if at_deadline:
        run.pass_deadline()
    kind = "uncertain" if error is None else error.kind
    raise CallError(kind, "deadline" if at_deadline else "timeout", TIMEOUT_TEXT)
