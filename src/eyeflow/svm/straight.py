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

import msgspec

from eyeflow.errors import RunError
from eyeflow.ir.evaluate import Frame, Meter
from eyeflow.ir.functions import BY_NUMBER as FUNCTIONS
from eyeflow.ir.opcodes import Op
from eyeflow.ir.program import Program
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
_VALUED: Final = frozenset((_VALUE, _END))
_Mark: TypeAlias = tuple[int, StepCode, float, Value, int]
"""What happened to a step, when, with which value; `_TAKE` has the number of the condition that held, else 0."""

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
    code, limits = executable.code, executable.limits
    root = code.root
    started = time()
    frame = Frame((head.trigger, head.inputs, head.me, head.now, *code.blank))
    frame.meter = Meter(code.pace, _unread)
    marks: list[_Mark] = []
    try:
        skipped = _drive(root, frame, marks, time)
        output = None if root.result is None else root.result(frame)
        left = wire.left_of(limits.memory_bytes, output)
        for kind, _, _, value, _ in marks:
            if kind in _VALUED:
                left = wire.left_of(left, value)
    except RunError:
        return None
    ended = time()
    took_ms = (ended - started) * 1000
    if took_ms >= limits.deadline_ms:
        return None
    return Execution(
        execution_id=head.execution_id, task=head.task, program=head.program, status="success", output=output,
        completed_actions=len(root.steps) - skipped, started_at=head.now, duration_ms=round(took_ms),
        trail=Trail(executable, head, frame, marks, started, ended, output),
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
    for case in code.cases:
        held += 1
        if case.test(frame) is True:
            taken = case.scope
            break
    else:
        held = 0
    marks.append((_TAKE, step, at, None, held))
    value: Value = None
    if taken is not None:
        _drive(taken, frame, marks, time)
        value = None if taken.result is None else taken.result(frame)
    marks.append((_END, step, time(), value, 0))
    return value


class Trail(msgspec.Struct, eq=False):
    """What a straight run left behind, enough to tell all its events once somebody asks. `started` and `ended` are
    seconds of the loop's time."""

    executable: Executable
    head: RunStarted
    frame: Frame
    marks: list[_Mark]
    started: float
    ended: float
    output: Value
    told: tuple[Event, ...] | None = None
    surroundings: ExecutionContext | None = None

    @property
    def events(self) -> tuple[Event, ...]:
        """The events of the run, as the scheduler would have noted them."""
        if self.told is None:
            self.told = tuple(self._tell_all())
        return self.told

    @property
    def context(self) -> ExecutionContext:
        """The run's surroundings at its end."""
        if self.surroundings is None:
            results, frame = Results(), self.frame
            root = {step.number: step for step in self.executable.code.root.steps}
            for kind, step, *_ in self.marks:
                if root.get(step.number) is step and kind not in (_SKIP, _TAKE):
                    results.assign(step.name, frame[step.dst])
            head, inputs, limits = self.head, self.head.inputs, self.executable.limits
            assert isinstance(inputs, dict), "inputs are an object"
            self.surroundings = ExecutionContext(
                task_id=head.task, execution_id=head.execution_id, inputs=frozen_mapping(inputs),
                intermediate_results=results, connectors=self.executable.connectors, deadline_ms=limits.deadline_ms,
            )  # fmt: skip
        return self.surroundings

    def _us(self, at: float) -> int:
        return round((at - self.started) * 1_000_000)

    def _tell_all(self) -> list[Event]:
        events: list[Event] = [self.head]
        ends = [*(mark[2] for mark in self.marks), self.ended]
        for mark, end in zip(self.marks, ends[1:], strict=True):
            self._tell(mark, self._us(mark[2]), self._us(end), events)
        events.append(RunFinished(at_us=self._us(self.ended), status="success", output=self.output))
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
            decided = held or len(code.cases)
            checks = tuple(
                Check(told(case.compared, self.frame) or f"condition {number}", number == held)
                for number, case in enumerate(code.cases[:decided], 1)
            )
            name = taken_name(code, code.cases[held - 1].scope if held else code.default, decided)
            events.append(BranchTaken(at_us=at, action=action, checks=checks, taken=name))
            return
        if kind == _LOG:
            events.append(LogWritten(at_us=at, action=action, text=str(value)))
            value = None
        events.append(StepFinished(at_us=end, action=action, value=value))
