"""The timeline of a run, as the seed prints it: offset, action, duration, state, and lines of detail.

Knows: how events read as a timeline. In: the events of one run. Out: `Timeline`, its text form; it is plain data, so
that its JSON form is its encoding. Never: measures; the events carry the times.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

import msgspec

from eyeflow.svm.journal import (
    ApprovalAsked,
    ApprovalGiven,
    BranchTaken,
    EffectFailed,
    EffectFinished,
    EffectStarted,
    Event,
    EventEmitted,
    FellBack,
    LogWritten,
    LoopStarted,
    RateQueued,
    Responded,
    Retried,
    RunFinished,
    RunStarted,
    StepFailed,
    StepFinished,
    StepSkipped,
    StepStarted,
    SubtaskFinished,
    UncertainSettled,
    Waited,
)

State: TypeAlias = Literal["running", "completed", "recovered", "tolerated", "failed", "skipped"]

_LONGEST: Final = 100
_SKIPPED: Final = {
    "when": "its condition was false",
    "null_input": "a value it needs is missing",
    "failure": "the run had failed",
    "deadline": "no time was left",
    "stop": "a fallback ended the run",
    "cancelled": "the run was cancelled",
    "abandoned": "the time of what it is part of was up",
}


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One action. Offsets and durations are milliseconds, with three decimals; `depth` counts the actions around it;
    `details` are what happened inside."""

    offset_ms: float
    action: str
    number: int
    iteration: str
    depth: int
    duration_ms: float
    state: State
    details: tuple[str, ...] = ()


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """All actions of a run in the order they started."""

    task: str
    execution_id: str
    status: str
    total_ms: float
    lines: tuple[Line, ...]

    def text(self) -> str:
        """The seed's table. Control characters in names and values are shown as escapes."""
        rows = ["Time      Operation                            Duration  State", "─" * 76]
        rows.append(_row(0.0, "Start execution", 0.0, "initialized"))
        for line in self.lines:
            indent = "  " * line.depth
            last = line.action.split(".")[-1]
            name = f"{indent}{last}" if line.depth else f"Action {line.number}: {line.action}"
            name += f" [{line.iteration}]" if line.iteration else ""
            rows.append(_row(line.offset_ms, name, line.duration_ms, line.state))
            for position, detail in enumerate(line.details, 1):
                mark = "└─" if position == len(line.details) else "├─"
                rows.append(f"{'':10}{indent}{mark} {_printable(detail)}")
        rows.append(_row(self.total_ms, "Complete", 0.0, self.status))
        return "\n".join(rows)


def _row(offset: float, name: str, duration: float, state: str) -> str:
    name = _printable(name)
    return f"{_ms(offset):<10}{name:<37}{_ms(duration):<10}{state}"


def _ms(length: float) -> str:
    if length >= 10 or length == int(length):
        return f"{round(length)}ms"
    return f"{length:.1f}ms"


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def timeline_of(events: Sequence[Event]) -> Timeline:
    """The timeline of one run's events."""
    drawing = _Drawing()
    for event in events:
        drawing.add(event)
    return drawing.done()


class _Open:
    """An action being drawn."""

    def __init__(self, action: str, iteration: str, number: int, at_us: int) -> None:
        self.action = action
        self.iteration = iteration
        self.number = number
        self.start_us = at_us
        self.end_us = at_us
        self.state: State = "running"
        self.details: list[str] = []


class _Drawing:
    def __init__(self) -> None:
        self._actions: dict[tuple[str, str], _Open] = {}
        self._task = self._id = self._status = ""
        self._total_us = 0

    def add(self, event: Event) -> None:
        self._total_us = max(self._total_us, event.at_us)
        match event:
            case RunStarted(task=task, execution_id=execution_id):
                self._task, self._id = task, execution_id
            case RunFinished(status=status):
                self._status = status
            case StepStarted():
                place = (event.action, event.iteration)
                self._actions[place] = _Open(event.action, event.iteration, event.number, event.at_us)
            case StepSkipped():
                self._at(event.action, event.iteration, event.at_us, event.number).state = "skipped"
                self._detail(event, f"Skipped: {_SKIPPED.get(event.reason, event.reason)}")
            case StepFinished():
                step = self._at(event.action, event.iteration, event.at_us)
                if step.state == "running":
                    step.state = "completed"
            case StepFailed():
                step = self._at(event.action, event.iteration, event.at_us)
                step.state = "tolerated" if event.tolerated else "failed"
                self._detail(event, event.message)
            case FellBack():
                self._at(event.action, event.iteration, event.at_us).state = "recovered"
                self._detail(event, "Fallback executed" + (", task ended" if event.stop else ""))
            case _ if hasattr(event, "action"):
                for detail in _details(event):
                    self._detail(event, detail)
            case _:
                pass

    def _at(self, action: str, iteration: str, at_us: int, number: int = 0) -> _Open:
        step = self._actions.setdefault((action, iteration), _Open(action, iteration, number, at_us))
        step.end_us = max(step.end_us, at_us)
        return step

    def _detail(self, event: Event, text: str) -> None:
        step = self._actions.get((getattr(event, "action", ""), getattr(event, "iteration", "")))
        if step is not None:
            step.details.append(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")

    def done(self) -> Timeline:
        names = {action for action, _ in self._actions}
        lines = tuple(
            Line(
                offset_ms=step.start_us / 1000,
                action=step.action,
                number=step.number,
                iteration=step.iteration,
                depth=_depth(step.action, names),
                duration_ms=(step.end_us - step.start_us) / 1000,
                state=step.state,
                details=tuple(step.details),
            )
            for step in self._actions.values()
        )
        return Timeline(
            task=self._task, execution_id=self._id, status=self._status, total_ms=self._total_us / 1000, lines=lines
        )


def _depth(action: str, names: set[str]) -> int:
    """How many of the actions drawn are around this one."""
    parts = action.split(".")
    return sum(".".join(parts[:length]) in names for length in range(1, len(parts)))


def _details(event: Event) -> list[str]:
    match event:
        case EffectStarted(connection=connection, capability=capability, attempt=attempt):
            return [f"Call {connection}.{capability}" + (f" (attempt {attempt})" if attempt > 1 else "")]
        case EffectFinished(cached=True):
            return ["Answer from the cache"]
        case EffectFinished():
            return ["Answered"]
        case EffectFailed(kind=kind, message=message):
            return [f"Call failed ({kind}): {message}"]
        case Retried(delay_ms=delay):
            return [f"Retry after {delay}ms"]
        case RateQueued(wait_ms=wait):
            return [f"Waited {wait}ms for its turn"]
        case BranchTaken(checks=checks, taken=taken):
            shown = [f"Compare: {check.text}? {'YES' if check.holds else 'NO'}" for check in checks]
            return [*shown, f"Branch to {taken}"]
        case LoopStarted(items=items):
            return [f"Loop over {items} items"]
        case Waited(wait_ms=wait):
            return [f"Waited {wait}ms"]
        case ApprovalAsked(role=role):
            return [f"Asked {role} for approval"]
        case ApprovalGiven(approved=approved, by=by):
            return [f"{'Approved' if approved else 'Refused'} by {by}"]
        case UncertainSettled(verdict=verdict, by=by):
            return [f"{by} says: {verdict}"]
        case SubtaskFinished(task=task):
            return [f"Task {task} done"]
        case LogWritten(text=text):
            return [f"Log: {text}"]
        case EventEmitted(topic=topic):
            return [f"Event to {topic}"]
        case Responded(status=status):
            return [f"Answered the caller with {status}"]
        case _:
            return []
