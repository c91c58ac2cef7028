"""The straight road: a program that only computes runs from top to bottom, without a scheduler, an await or an event.

Knows: which programs touch nothing outside, and how they run when all goes well. In: an `Executable` and its roots.
Out: the finished `Execution`, whose events are written down when somebody reads them. Never: judges a failure. What
fails, takes long or computes much is run again by the scheduler (`scope`), which alone knows what follows: such a
program has no effects, so its first try leaves no trace.

Straight are scopes of VALUE, BRANCH and LOG that read neither NOW nor UUID. Their events are those of the scheduler:
a step ends when the next one begins.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from eyeflow.errors import RunError
from eyeflow.ir.evaluate import Frame, Meter
from eyeflow.ir.evaluate.frame import PACE
from eyeflow.ir.functions import BY_NUMBER as FUNCTIONS
from eyeflow.ir.opcodes import Op
from eyeflow.ir.program import INPUT, ME, NOW, TRIGGER, Program
from eyeflow.svm import wire
from eyeflow.svm.compared import taken_name, told
from eyeflow.svm.context import ExecutionContext, Results, frozen_mapping
from eyeflow.svm.executable import BranchCode, Executable, LogCode, ScopeCode, StepCode, ValueCode
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
from eyeflow.values import Value

_VALUE, _SKIP, _TAKE, _END, _LOG = range(5)
_Mark: TypeAlias = tuple[int, StepCode, float, Value, int]
"""What happened to a step, and when. `_TAKE` has the name of the branch and the number of the condition that held."""

_CALLS: Final = (int(Op.APPLY), int(Op.EACH))


def is_straight(program: Program, root: ScopeCode) -> bool:
    """True when the program can take the straight road."""
    reads = any(ins.op in _CALLS and FUNCTIONS[ins.args[0]].journaled for block in program.blocks for ins in block.code)
    return not reads and _only_computes(root)


def _only_computes(scope: ScopeCode | None) -> bool:
    if scope is None:
        return True
    for step in scope.steps:
        match step.operand:
            case ValueCode() | LogCode():
                continue
            case BranchCode(cases=cases, default=default):
                if _only_computes(default) and all(_only_computes(case.scope) for case in cases):
                    continue
        return False
    return True


def run_straight(executable: Executable, head: RunStarted, time: Callable[[], float]) -> Execution | None:
    """The finished run; None when it must be run again by the scheduler. `time` is the loop's."""
    program, root = executable.program, executable.root
    limits = program.limits
    started = time()
    frame = Frame(program.registers, Meter(min(limits.operations, PACE), _unread))
    frame[TRIGGER], frame[INPUT], frame[ME], frame[NOW] = head.trigger, head.inputs, head.me, head.now
    marks: list[_Mark] = []
    try:
        skipped = _drive(root, frame, marks, time)
        output = None if root.result is None else root.result(frame)
        left = limits.memory_bytes - wire.size_of(output, limits.memory_bytes)
        for mark in marks:
            left -= wire.size_of(mark[3], left)
    except RunError:
        return None
    ended = time()
    took_ms = (ended - started) * 1000
    if took_ms >= limits.deadline_ms:
        return None
    return Execution(
        execution_id=head.execution_id, task=head.task, program=head.program, status="success", output=output,
        completed_actions=len(root.steps) - skipped, started_at=head.now, duration_ms=round(took_ms),
        trail=Trail(executable, head, frame, marks, span=(started, ended), output=output),
    )  # fmt: skip


def _unread(name: str) -> Value:
    raise AssertionError(f"a straight program does not read {name}")


def _drive(scope: ScopeCode, frame: Frame, marks: list[_Mark], time: Callable[[], float]) -> int:
    """Run the steps of one scope; how many were skipped. Raises: RunError, on which the run is not straight."""
    nulls: set[int] | None = None
    for step in scope.steps:
        reason = ""
        if nulls is not None and not nulls.isdisjoint(step.strict):
            reason = "null_input"
        elif step.when is not None and step.when(frame) is not True:
            reason = "when"
        if reason:
            marks.append((_SKIP, step, time(), reason, 0))
            nulls = {step.number} if nulls is None else nulls | {step.number}
            continue
        operand = step.operand
        if type(operand) is ValueCode:
            at = time()
            frame[step.dst] = value = operand.block(frame)
            marks.append((_VALUE, step, at, value, 0))
        elif type(operand) is BranchCode:
            frame[step.dst] = _branch(step, operand, frame, marks, time)
        else:
            assert type(operand) is LogCode, "straight scopes hold nothing else"
            marks.append((_LOG, step, time(), operand.message(frame), 0))
    return 0 if nulls is None else len(nulls)


def _branch(step: StepCode, code: BranchCode, frame: Frame, marks: list[_Mark], time: Callable[[], float]) -> Value:
    at, taken, held = time(), code.default, 0
    for number, case in enumerate(code.cases, 1):
        if case.test(frame) is True:
            taken, held = case.scope, number
            break
    marks.append((_TAKE, step, at, taken_name(code, taken, held or len(code.cases)), held))
    value: Value = None
    if taken is not None:
        _drive(taken, frame, marks, time)
        value = None if taken.result is None else taken.result(frame)
    marks.append((_END, step, time(), value, 0))
    return value


class Trail:
    """What a straight run left behind, enough to tell all its events. `span`: when it started and ended, in seconds
    of the loop's time."""

    __slots__ = ("_context", "_events", "_executable", "_frame", "_head", "_marks", "_output", "_span")

    def __init__(
        self,
        executable: Executable,
        head: RunStarted,
        frame: Frame,
        marks: list[_Mark],
        *,
        span: tuple[float, float],
        output: Value,
    ) -> None:
        self._executable = executable
        self._head = head
        self._frame = frame
        self._marks = marks
        self._span = span
        self._output = output
        self._events: tuple[Event, ...] | None = None
        self._context: ExecutionContext | None = None

    @property
    def events(self) -> tuple[Event, ...]:
        """The events of the run, as the scheduler would have noted them."""
        if self._events is None:
            self._events = tuple(self._told())
        return self._events

    @property
    def context(self) -> ExecutionContext:
        """The run's surroundings at its end."""
        if self._context is None:
            results, frame = Results(), self._frame
            root = {step.number: step for step in self._executable.root.steps}
            for kind, step, *_ in self._marks:
                if root.get(step.number) is step and kind not in (_SKIP, _TAKE):
                    results.assign(step.name, frame[step.dst])
            inputs, limits = self._head.inputs, self._executable.program.limits
            assert isinstance(inputs, dict), "inputs are an object"
            self._context = ExecutionContext(
                task_id=self._head.task, execution_id=self._head.execution_id, inputs=frozen_mapping(inputs),
                intermediate_results=results, connectors=self._executable.connectors, deadline_ms=limits.deadline_ms,
            )  # fmt: skip
        return self._context

    def _us(self, at: float) -> int:
        return round((at - self._span[0]) * 1_000_000)

    def _told(self) -> list[Event]:
        events: list[Event] = [self._head]
        ends = [*(mark[2] for mark in self._marks), self._span[1]]
        for mark, end in zip(self._marks, ends[1:], strict=True):
            self._tell(mark, self._us(mark[2]), self._us(end), events)
        events.append(RunFinished(at_us=self._us(self._span[1]), status="success", output=self._output))
        return events

    def _tell(self, mark: _Mark, at: int, end: int, events: list[Event]) -> None:
        kind, step, _, value, held = mark
        action = step.action
        if kind == _SKIP:
            events.append(StepSkipped(at_us=at, action=action, number=step.number, reason=str(value)))
            return
        if kind == _END:
            events.append(StepFinished(at_us=at, action=action, value=value))
            return
        events.append(StepStarted(at_us=at, action=action, number=step.number))
        if kind == _TAKE:
            code = step.operand
            assert isinstance(code, BranchCode)
            checks = tuple(
                Check(told(case.compared, self._frame) or f"condition {number}", number == held)
                for number, case in enumerate(code.cases[: held or len(code.cases)], 1)
            )
            events.append(BranchTaken(at_us=at, action=action, checks=checks, taken=str(value)))
            return
        if kind == _LOG:
            events.append(LogWritten(at_us=at, action=action, text=str(value)))
            value = None
        events.append(StepFinished(at_us=end, action=action, value=value))
