"""One request on its way to a service: its parameters, its turn, its time.

Knows: the types a capability declares, rates, timeouts and what a connector may raise. In: a CALL step in its scope.
Out: the raw answer, or a `CallError` that says what is known of the effect. Never: notes effects, or tries again.
"""

from __future__ import annotations

from typing import NoReturn

from eyeflow.errors import CallError, RunError
from eyeflow.ir.program import RateLimit
from eyeflow.svm.executable import CallCode, StepCode
from eyeflow.svm.journal import RateQueued
from eyeflow.svm.limits import TIMEOUT_TEXT, Guard, Stopped, TimedOut
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


class Sending(Guard):
    """One request under one timer: the earlier of the attempt's TIMEOUT and the run's deadline. What happens in the
    block comes out as what is known of the effect.

    Raises: CallError; Stopped.
    """

    __slots__ = ("_at_deadline", "_connection", "_scope")

    def __init__(self, scope: ScopeRun, step: StepCode, code: CallCode) -> None:
        run = scope.run
        now = run.time()
        run.active.work(1, now)
        limit = now + (step.timeout_ms or code.binding.timeout_ms) / 1000
        deadline = run.active.ends_at(now)
        self._at_deadline = deadline <= limit
        self._connection = code.binding.connection
        self._scope = scope
        super().__init__(run.loop, deadline if self._at_deadline else limit, effect=True, write=code.writes)
        scope.guards.add(self)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """The request is over, one way or another."""
        run = self._scope.run
        self._scope.guards.discard(self)
        run.active.work(-1, run.time())
        try:
            super().__exit__(kind, error, trace)
        except TimedOut:
            self._raise_late()
        if error is not None:
            self._judge(error)

    def _judge(self, error: BaseException) -> None:
        """Raises: what is told in the place of what a connector raised, if anything."""
        match error:
            case CallError() if self.cause == "time":
                # Told to stop, the connector knew more than we do: perhaps nothing had been sent.
                self._raise_late(error)
            case CallError() if self.cause == "stop":
                raise Stopped from error
            case CallError() | Stopped():
                return
            case RunError():
                raise CallError("permanent", error.code, error.message, hint=error.hint) from error
            case Exception():
                message = f"the connector of {self._connection} failed with {type(error).__name__}"
                hint = "a connector raises CallError only"
                raise CallError("uncertain", "connector_crashed", message, hint=hint) from error

    def _raise_late(self, error: CallError | None = None) -> NoReturn:
        if self._at_deadline:
            self._scope.run.pass_deadline()
        kind = "uncertain" if error is None else error.kind
        raise CallError(kind, "deadline" if self._at_deadline else "timeout", TIMEOUT_TEXT)
