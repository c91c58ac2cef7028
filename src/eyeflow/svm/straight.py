"""The straight road: a program that only computes runs from top to bottom, without a scheduler, an await or an event.

Knows: how such a program runs when all goes well. In: an `Executable`, what it is run with. Out: the finished
`Execution`, whose events are told when somebody reads them. Never: judges a failure. What fails, takes long or
computes much is run again by the scheduler (`scope`), which alone knows what follows: such a program has no effects,
so its first try leaves no trace.

A run notes when each step began and what it gave, in the order of the steps; together with the code that is enough to
tell the scheduler's events, in which a step ends when the next one begins.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from eyeflow.errors import RunError
from eyeflow.ir.evaluate import Frame, Meter
from eyeflow.ir.opcodes import Op
from eyeflow.ir.program import INPUT, ME, NOW, TRIGGER
from eyeflow.svm.compared import taken_name, told
from eyeflow.svm.context import ExecutionContext, surroundings
from eyeflow.svm.executable import (
    BranchCode,
    Executable,
    ScopeCode,
    StepCode,
    StraightBranch,
    StraightCode,
    StraightGuard,
)
from eyeflow.svm.executable import StraightScope as Scope
from eyeflow.svm.journal import (
    BranchTaken,
    Check,
    Event,
    LogWritten,
    RunFinished,
    RunStarted,
    StepFinished,
    StepSkipped,
    StepStarted,
)
from eyeflow.svm.outcome import Execution
from eyeflow.svm.stamps import Drawn, Stamp, instant, spelled
from eyeflow.svm.wire import left_of_all
from eyeflow.values import Value

_NO_NULLS: Final[frozenset[int]] = frozenset()
_RAN: Final = ""
"""What is noted of a guarded step that was not left out; else the reason."""


def _unread(name: str) -> Value:
    raise AssertionError(f"a straight program does not read {name}")


class StraightRun(msgspec.Struct, eq=False):
    """One run on the straight road, and afterwards what it left behind. `times` are seconds, from the start of the run
    to its end; `noted` is what each step gave and what was decided before it, and last the output."""

    executable: Executable
    drawn: Drawn
    stamp: Stamp
    inputs: dict[str, Value]
    trigger: Value
    me: Value
    times: list[float]
    noted: list[Value]
    frame: Frame | None = None
    begun: RunStarted | None = None
    told: tuple[Event, ...] | None = None
    surroundings: ExecutionContext | None = None

    def drive(self, code: StraightCode, time: Callable[[], float]) -> Execution | None:
        """The finished run; None when it must be run again by the scheduler. `time` gives seconds."""
        frame = self.frame = Frame(code.blank)
        frame.meter = meter = Meter(code.operations, _unread)
        frame[INPUT] = self.inputs
        if code.reads_more:
            frame[TRIGGER], frame[ME], frame[NOW] = self.trigger, self.me, instant(self.stamp)
        times, noted, root = self.times, self.noted, code.root
        started = time()
        times.append(started)
        try:
            skipped = _drive(root, frame, times, noted, time)
            output = None if root.result is None else root.result(frame)
            noted.append(output)
            if left_of_all(code.memory_bytes, noted) < 0 or meter.left < 0:
                return None
        except RunError:
            return None
        ended = time()
        if ended - started >= code.deadline_s:
            return None
        times.append(ended)
        return Execution(status="success", output=output, completed_actions=len(root.steps) - skipped, trail=self)

    @property
    def head(self) -> RunStarted:
        """How the run began."""
        if self.begun is None:
            self.begun = RunStarted(
                execution_id=spelled(self.drawn, self.stamp), task=self.executable.task, program=self.executable.digest,
                inputs=self.inputs, trigger=self.trigger, me=self.me, now=instant(self.stamp),
            )  # fmt: skip
        return self.begun

    @property
    def duration_ms(self) -> int:
        """How long the run took."""
        return round((self.times[-1] - self.times[0]) * 1000)

    @property
    def events(self) -> tuple[Event, ...]:
        """The events of the run, as the scheduler would have noted them."""
        if self.told is None:
            self.told = _Telling(self).all()
        return self.told

    @property
    def context(self) -> ExecutionContext:
        """The run's surroundings at its end."""
        if self.surroundings is None:
            self.surroundings = surroundings(self.executable, self.head, self.events)
        return self.surroundings


def _drive(scope: Scope, frame: Frame, times: list[float], noted: list[Value], time: Callable[[], float]) -> int:
    """Run the steps of one scope; how many were left out. Raises: RunError, on which the run is not straight."""
    nulls = _NO_NULLS
    for register, guard, what, logs in scope.steps:
        if guard is not None:
            reason = _why_not(guard, nulls, frame)
            noted.append(reason)
            if reason:
                nulls |= {guard.number}
                times.append(time())
                continue
        times.append(time())
        if type(what) is StraightBranch:
            frame[register] = value = _branch(what, frame, times, noted, time)
            times.append(time())
        elif logs:
            value = what(frame)  # type: ignore[operator]  # a Code
            if type(value) is not str:
                raise RunError("type_mismatch", "a line of the log is text")
        else:
            frame[register] = value = what(frame)  # type: ignore[operator]  # a Code
        noted.append(value)
    return len(nulls)


def _why_not(guard: StraightGuard, nulls: frozenset[int], frame: Frame) -> str:
    """Why a step is left out, or that it runs. Raises: RunError."""
    if not nulls.isdisjoint(guard.strict):
        return "null_input"
    if guard.when is not None and guard.when(frame) is not True:
        return "when"
    return _RAN


def _branch(
    code: StraightBranch, frame: Frame, times: list[float], noted: list[Value], time: Callable[[], float]
) -> Value:
    """Decide and run one choice; noted is the number of the condition that held, 0 for none."""
    taken, held = code.default, 0
    for number, (test, scope) in enumerate(code.cases, 1):
        if test(frame) is True:
            taken, held = scope, number
            break
    noted.append(held)
    if taken is None:
        return None
    if taken.steps:
        _drive(taken, frame, times, noted, time)
    return None if taken.result is None else taken.result(frame)


class _Telling:
    """Reads what a run noted along its code, and tells the events."""

    def __init__(self, run: StraightRun) -> None:
        assert run.frame is not None, "the run was driven"
        self._root, self._frame = run.executable.code.root, run.frame
        self._times, self._noted = iter(run.times), iter(run.noted)
        self._start = next(self._times)
        self._events: list[Event] = [run.head]
        self._open: tuple[str, Value] | None = None
        """The step that ends when the next thing begins, and its value."""

    def all(self) -> tuple[Event, ...]:
        self._scope(self._root)
        output, at = next(self._noted), self._turn()
        self._events.append(RunFinished(at_us=at, status="success", output=output))
        return tuple(self._events)

    def _turn(self) -> int:
        """The next instant noted, in microseconds of the run; what was open ends with it."""
        at = round((next(self._times) - self._start) * 1_000_000)
        if self._open is not None:
            action, value = self._open
            self._events.append(StepFinished(at_us=at, action=action, value=value))
            self._open = None
        return at

    def _scope(self, scope: ScopeCode) -> None:
        for step in scope.steps:
            reason = next(self._noted) if step.when is not None or step.strict else _RAN
            at = self._turn()
            if reason:
                self._events.append(StepSkipped(at_us=at, action=step.action, number=step.number, reason=str(reason)))
                continue
            self._events.append(StepStarted(at_us=at, action=step.action, number=step.number))
            if isinstance(step.operand, BranchCode):
                self._branch(step, step.operand, at)
                continue
            value = next(self._noted)
            if step.op == Op.LOG:
                self._events.append(LogWritten(at_us=at, action=step.action, text=str(value)))
                value = None
            self._open = step.action, value

    def _branch(self, step: StepCode, code: BranchCode, at: int) -> None:
        held = next(self._noted)
        assert isinstance(held, int), "a choice notes the number of a condition"
        decided, taken = held or len(code.cases), code.cases[held - 1].scope if held else code.default
        checks = tuple(
            Check(told(case.compared, self._frame) or f"condition {number}", number == held)
            for number, case in enumerate(code.cases[:decided], 1)
        )
        name = taken_name(code, taken, decided)
        self._events.append(BranchTaken(at_us=at, action=step.action, checks=checks, taken=name))
        if taken is not None:
            self._scope(taken)
        at = self._turn()
        self._events.append(StepFinished(at_us=at, action=step.action, value=next(self._noted)))
