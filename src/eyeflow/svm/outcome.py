"""How a run ended: its status, the seed's report, everything a caller may want to know.

Knows: the statuses and what they mean. In: a finished run. Out: `Execution`, frozen. Never: runs anything.

`success`: every action ran, was left out by its WHEN, or was recovered by a continuing fallback. `partial_failure`:
an action failed unrecovered, or a fallback ended the task, and some action completed or a fallback ran; or a failure
was tolerated. `cancelled`: somebody ended it. `failed`: otherwise.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal, Protocol, TypeAlias

import msgspec

from eyeflow.svm.context import ExecutionContext, surroundings
from eyeflow.svm.executable import Executable
from eyeflow.svm.journal import Event, RunStarted, trace_hash
from eyeflow.svm.timeline import Timeline, timeline_of
from eyeflow.values import Value

Status: TypeAlias = Literal["queued", "running", "waiting", "success", "partial_failure", "failed", "cancelled"]

COMPLETED_TOPIC: Final = "eyeflow.tasks.completed"
FAILED_TOPIC: Final = "eyeflow.tasks.failed"


class RunReport(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The seed's report of a run that met trouble. `total_duration` is `total_duration_ms` as text (`"102ms"`)."""

    status: Status
    completed_actions: int
    failed_action: int | None = None
    error: str | None = None
    fallback_executed: bool = False
    total_duration: str
    total_duration_ms: int


class Trail(Protocol):
    """What a run left behind."""

    @property
    def head(self) -> RunStarted:
        """How the run began."""
        ...

    @property
    def duration_ms(self) -> int:
        """Wall time from start to end, waits included."""
        ...

    @property
    def events(self) -> tuple[Event, ...]:
        """All events of the run, in order."""
        ...

    @property
    def context(self) -> ExecutionContext:
        """The run's surroundings at its end."""
        ...


class Written(msgspec.Struct, frozen=True):
    """The trail of a run whose events were noted as they happened."""

    executable: Executable
    head: RunStarted
    duration_ms: int
    events: tuple[Event, ...]

    @property
    def context(self) -> ExecutionContext:
        """The run's surroundings at its end."""
        return surroundings(self.executable, self.head, self.events)


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """One finished run.

    `completed_actions` and `failed_action` count top-level actions, numbered from 1 by the text. `uncertain` names
    the actions whose effect nobody knows. `response` is what RESPOND answered: status and body. What the trail tells
    is spelled when it is read.
    """

    status: Status
    output: Value = None
    error: str | None = None
    error_code: str | None = None
    error_hint: str = ""
    completed_actions: int = 0
    failed_action: int | None = None
    fallback_executed: bool = False
    uncertain: tuple[str, ...] = ()
    response: tuple[int, Value] | None = None
    trail: Trail

    @property
    def execution_id(self) -> str:
        """The id of this run, such as `exec_0192...`."""
        return self.trail.head.execution_id

    @property
    def task(self) -> str:
        """The name of the task that ran."""
        return self.trail.head.task

    @property
    def program(self) -> str:
        """The digest of the program that ran."""
        return self.trail.head.program

    @property
    def started_at(self) -> datetime:
        """When the run began, in UTC."""
        return self.trail.head.now

    @property
    def duration_ms(self) -> int:
        """Wall time from start to end, waits included."""
        return self.trail.duration_ms

    @property
    def events(self) -> tuple[Event, ...]:
        """What happened, in order."""
        return self.trail.events

    @property
    def context(self) -> ExecutionContext:
        """The run's surroundings: inputs, results, connectors."""
        return self.trail.context

    @property
    def ok(self) -> bool:
        """True for `success`."""
        return self.status == "success"

    @property
    def topic(self) -> str | None:
        """The topic on which the end is announced; None for a cancelled run."""
        if self.status == "success":
            return COMPLETED_TOPIC
        return FAILED_TOPIC if self.status in ("partial_failure", "failed") else None

    @property
    def total_duration_ms(self) -> int:
        """The seed's name for `duration_ms`."""
        return self.duration_ms

    @property
    def total_duration(self) -> str:
        """`"102ms"`."""
        return f"{self.duration_ms}ms"

    def report(self) -> RunReport:
        """The seed's report."""
        return RunReport(
            status=self.status,
            completed_actions=self.completed_actions,
            failed_action=self.failed_action,
            error=self.error,
            fallback_executed=self.fallback_executed,
            total_duration=self.total_duration,
            total_duration_ms=self.duration_ms,
        )

    def timeline(self) -> Timeline:
        """What happened when, action by action."""
        return timeline_of(self.events)

    def trace_hash(self) -> str:
        """SHA-256 of what happened, equal for a run and its replays."""
        return trace_hash(self.events)
