"""The record of a run as answers to the same program, for replay and for resumption.

Knows: what each call, approval, subtask and reading of the world gave, which steps ran, and since when. In: the
events of one run. Out: answers by action, iteration and attempt. Never: calls a connector, waits, or reads a clock.

In a replay the record is whole and alone says which steps start: a run stopped by a failure, its deadline or a person
stops at the same steps again, whatever order parallel actions now finish in. A resumed run has the beginning of a
record: what is in it is not done again, and where it ends the run goes on in the world.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eyeflow.errors import CallError, RunError
from eyeflow.svm.journal import (
    ApprovalAsked,
    ApprovalGiven,
    CancelRequested,
    DeadlinePassed,
    EffectFailed,
    EffectFinished,
    EffectStarted,
    Event,
    FallbackFailed,
    FellBack,
    RunFinished,
    RunResumed,
    RunRetried,
    RunStarted,
    StepFailed,
    StepFinished,
    StepSkipped,
    StepStarted,
    SubtaskFinished,
    UncertainSettled,
    WorldRead,
)
from eyeflow.svm.limits import Stopped
from eyeflow.values import Value

FALLBACK: Final = ".fallback."
"""What stands in the path of an action between a step and what its fallback does."""


class Recording:
    """The events of one run, found by place. Raises: RunError `bad_journal` when they are not a whole run's."""

    def __init__(self, events: Sequence[Event]) -> None:
        if not events or not isinstance(events[0], RunStarted):
            raise RunError("bad_journal", "the journal of a run begins with run_started")
        self.head: RunStarted = events[0]
        self.events = tuple(events)
        self.last_us = max(event.at_us for event in events)
        first = next((n for n, event in enumerate(events) if _on_failure(event)), len(events))
        self.on_failure = first < len(events)
        """Whether ON_FAILURE had begun."""
        self.cancelled = any(isinstance(event, CancelRequested) for event in events[:first])
        self.deadline_passed = any(isinstance(event, DeadlinePassed) for event in events)
        self.finished = events[-1] if isinstance(events[-1], RunFinished) else None
        self.retried = next((event for event in reversed(events) if isinstance(event, RunRetried)), None)
        """From where a retry counts its deadline and EXPIRES."""
        self._marks = {_mark(event) for event in events}
        self._started: dict[tuple[str, str], int] = {}
        self._fell_back: dict[tuple[str, str], FellBack | FallbackFailed] = {}
        self._ends: list[str] = []
        self._backups: set[tuple[str, str]] = set()
        self._skipped: dict[tuple[str, str], str] = {}
        self._failed: dict[tuple[str, str], StepFailed] = {}
        self._values: dict[tuple[str, str], StepFinished] = {}
        self._sent: dict[tuple[str, str, int], str] = {}
        self._effects: dict[tuple[str, str, int], EffectFinished | EffectFailed] = {}
        self._verdicts: dict[tuple[str, str, int], UncertainSettled] = {}
        self._asked: dict[tuple[str, str], int] = {}
        self._approvals: dict[tuple[str, str], ApprovalGiven] = {}
        self._subtasks: dict[tuple[str, str], Value] = {}
        self._readings: dict[tuple[str, str, str, int], Value] = {}
        self._gaps: list[tuple[int, int]] = []
        last = 0
        for event in events:
            if isinstance(event, RunResumed):
                self._gaps.append((last, event.at_us))
            last = event.at_us
            self._file(event)

    def _file(self, event: Event) -> None:
        match event:
            case StepStarted(action=action, iteration=iteration):
                self._started.setdefault((action, iteration), event.at_us)
                while FALLBACK in action:
                    action = action[: action.rindex(FALLBACK)]
                    self._backups.add((action, iteration))
            case StepFinished(action=action, iteration=iteration):
                self._values[action, iteration] = event
            case StepSkipped(action=action, iteration=iteration, reason=reason):
                self._skipped[action, iteration] = reason
            case StepFailed(action=action, iteration=iteration):
                self._failed[action, iteration] = event
            case FellBack(action=action, iteration=iteration) | FallbackFailed(action=action, iteration=iteration):
                self._fell_back[action, iteration] = event
                if isinstance(event, FellBack) and event.stop:
                    self._ends.append(action)
            case EffectStarted():
                self._sent[event.action, event.iteration, event.attempt] = event.key
            case EffectFinished() | EffectFailed():
                self._effects[event.action, event.iteration, event.attempt] = event
            case UncertainSettled():
                self._verdicts[event.action, event.iteration, event.attempt] = event
            case ApprovalAsked(action=action, iteration=iteration):
                self._asked.setdefault((action, iteration), event.at_us)
            case ApprovalGiven(action=action, iteration=iteration):
                self._approvals[action, iteration] = event
            case SubtaskFinished(action=action, iteration=iteration, value=value):
                self._subtasks[action, iteration] = value
            case WorldRead():
                self._readings[event.name, event.action, event.iteration, event.count] = event.value
            case _:
                pass

    def output_was_late(self) -> bool:
        """True when all steps were in time, and computing the output was not."""
        late = self.finished is not None and self.finished.code == "deadline"
        return late and not any(failed.code == "deadline" for failed in self._failed.values())

    def has(self, event: Event) -> bool:
        """True when this event, whatever its time and value, is on record."""
        return _mark(event) in self._marks

    def began(self, action: str, iteration: str) -> int | None:
        """When the step started, in microseconds of the run; None when it did not."""
        return self._started.get((action, iteration))

    def alive_us(self, since: int) -> int:
        """Microseconds from `since` to the end of the record in which a process ran the run; of a retry, its own."""
        since = since if self.retried is None else max(since, self.retried.at_us)
        return self.last_us - since - sum(end - max(start, since) for start, end in self._gaps if end > since)

    def asked(self, action: str, iteration: str) -> int | None:
        """When the person was first asked."""
        return self._asked.get((action, iteration))

    def value(self, action: str, iteration: str) -> StepFinished | None:
        """The step's output, None when it has none yet."""
        return self._values.get((action, iteration))

    def ended(self, action: str, iteration: str) -> bool:
        """True when the step's operation came to its end: good, bad, given up, or by a fallback inside that ended the
        task."""
        place = (action, iteration)
        if place in self._values or place in self._failed or place in self._skipped:
            return True
        return any(ended.startswith(f"{action}.") for ended in self._ends)

    def sent(self, action: str, iteration: str, attempt: int) -> bool:
        """True when the attempt was about to leave."""
        return (action, iteration, attempt) in self._sent

    def key(self, action: str, iteration: str, attempt: int) -> str | None:
        """The idempotency key the attempt had: of the run it was made in, when this one took it over."""
        return self._sent.get((action, iteration, attempt))

    def backed(self, action: str, iteration: str) -> bool:
        """True when the scope of the step's fallback began."""
        return (action, iteration) in self._backups

    def backup_failure(self, action: str, iteration: str) -> RunError | None:
        """How the step's fallback failed, or None."""
        found = self._fell_back.get((action, iteration))
        return RunError(found.code, found.message) if isinstance(found, FallbackFailed) else None

    def lost(self, action: str, iteration: str) -> bool:
        """True when the step failed for good, or its fallback ended the task: nothing starts beside it any more."""
        place = (action, iteration)
        failed, fell_back = self._failed.get(place), self._fell_back.get(place)
        return (failed is not None and not failed.tolerated) or (isinstance(fell_back, FellBack) and fell_back.stop)

    def ran(self, action: str, iteration: str) -> bool:
        """True when the step started in the recorded run."""
        return (action, iteration) in self._started

    def skipped(self, action: str, iteration: str) -> str | None:
        """Why the step was left out, or None."""
        return self._skipped.get((action, iteration))

    def fell_back(self, action: str, iteration: str) -> bool:
        """True when the step's fallback began."""
        return (action, iteration) in self._fell_back

    def failure(self, action: str, iteration: str) -> RunError | CallError | None:
        """The recorded failure of a step, or None."""
        failed = self._failed.get((action, iteration))
        if failed is None:
            return None
        if failed.kind is not None:
            return CallError(failed.kind, failed.code, failed.message)
        return RunError(failed.code, failed.message)

    def effect(self, action: str, iteration: str, attempt: int) -> EffectFinished | EffectFailed | None:
        """How an attempt of a call ended, or None when it was not made."""
        return self._effects.get((action, iteration, attempt))

    def verdict(self, action: str, iteration: str, attempt: int) -> UncertainSettled | None:
        """What a person said of an uncertain attempt."""
        return self._verdicts.get((action, iteration, attempt))

    def approval(self, action: str, iteration: str) -> ApprovalGiven | None:
        """The answer of a person."""
        return self._approvals.get((action, iteration))

    def subtask(self, action: str, iteration: str) -> tuple[bool, Value]:
        """Whether the subtask gave something, and what."""
        place = (action, iteration)
        return place in self._subtasks, self._subtasks.get(place)

    def read(self, name: str, action: str, iteration: str, count: int) -> bool:
        """True when that reading is on record."""
        return (name, action, iteration, count) in self._readings

    def reading(self, name: str, action: str, iteration: str, count: int) -> Value:
        """The `count`-th reading of NOW or UUID at a place. Raises: RunError `bad_journal`."""
        place = (name, action, iteration, count)
        if place not in self._readings:
            message = f"the journal has no reading {count} of {name} by {action}"
            raise RunError("bad_journal", message, hint="it is the journal of another program")
        return self._readings[place]

    def entered(self, action: str, iteration: str) -> bool:
        """True when anything is recorded of the step at that place."""
        return (action, iteration) in self._started or (action, iteration) in self._skipped

    def check(self, action: str, iteration: str) -> None:
        """Whether a step was in time is the record's word. Raises: the recorded failure; Stopped when it was ended."""
        if (action, iteration) in self._skipped:
            raise Stopped
        if (error := self.failure(action, iteration)) is not None:
            raise error


def _on_failure(event: Event) -> bool:
    return getattr(event, "action", "").startswith("on_failure.")


def _mark(event: Event) -> tuple[object, ...]:
    """What tells an event from all others of its run."""
    return (
        type(event), getattr(event, "action", ""), getattr(event, "iteration", ""),
        getattr(event, "attempt", 0), getattr(event, "name", ""), getattr(event, "count", 0),
    )  # fmt: skip
