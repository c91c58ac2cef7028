"""What is asked of the engine and what it answers.

Knows: requests to run, their results, who asks, why nothing ran. In: nothing. Out: frozen structs and errors.
Never: runs anything.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import msgspec

from eyeflow.catalog.model import Role
from eyeflow.errors import EyeFlowError
from eyeflow.values import Value

Origin: TypeAlias = Literal["api", "cli", "schedule", "webhook", "event", "poll", "topic", "subtask", "retry"]
Status: TypeAlias = Literal["queued", "running", "waiting", "success", "partial_failure", "failed", "cancelled"]
ENDED: Final = frozenset(("success", "partial_failure", "failed", "cancelled"))


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks. `tasks` None means all; `practice` keys run practice programs only; an `agent` never approves."""

    id: str
    role: Role = "owner"
    practice: bool = False
    agent: bool = False
    tasks: frozenset[str] | None = None


LOCAL: Final = Principal(id="local")
"""Whoever has the data folder."""


class RunRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request to run `task` (its name, alias or id).

    `input` are the task's inputs, `payload` the trigger's payload; with `payload_as_input` an object payload also
    fills inputs of the same names (statement 10). `idempotency_key`: the same key, task and principal run once.
    `version` None runs the current one. `origin_id` is the schedule, webhook, poll, parent.
    """

    task: str
    input: dict[str, Value] = {}
    payload: Value = None
    payload_as_input: bool = False
    origin: Origin = "api"
    origin_id: str | None = None
    principal: Principal = LOCAL
    idempotency_key: str | None = None
    execution_id: str | None = None
    parent: str | None = None
    depth: int = 0


class RunResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An execution as the caller of a run sees it. Not ended while `status` is queued, running or waiting: the caller
    asks again by `execution_id`. `response` is what RESPOND answered: status and body. `repeated`: the same
    idempotency key had run it before."""

    execution_id: str
    task: str
    status: Status
    output: Value = None
    duration_ms: int | None = None
    error: str | None = None
    error_code: str | None = None
    error_hint: str = ""
    completed_actions: int = 0
    failed_action: int | None = None
    fallback_executed: bool = False
    uncertain: tuple[str, ...] = ()
    response: tuple[int, Value] | None = None
    repeated: bool = False


class ExecutionDetail(msgspec.Struct, frozen=True, kw_only=True):
    """An execution with what it was given and what it gave. `erased`: only that it ran is known any more."""

    execution_id: str
    task_id: str
    task: str
    version: int
    program: str
    status: Status
    durable: str
    origin: str
    origin_id: str | None
    principal: str
    parent: str | None
    practice: bool
    cancelling: bool
    created_ms: int
    started_ms: int | None
    finished_ms: int | None
    wakes_ms: int | None
    erased: bool = False
    input: dict[str, Value] = {}
    payload: Value = None
    result: RunResult


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """A run that was run again against its record: `recorded` and `trace_hash` are equal when nothing differs."""

    execution_id: str
    status: Status
    recorded: str
    trace_hash: str

    @property
    def equal(self) -> bool:
        """True when the replay did what the run did."""
        return self.recorded == self.trace_hash


def no_execution(execution_id: str) -> EngineError:
    """What whoever asks for a run that is none is told."""
    said = f"there is no execution {execution_id[:100]!a}"
    return EngineError("unknown_execution", said, hint="`eyeflow executions list` shows them")


class EngineError(EyeFlowError):
    """Nothing ran. Codes: `unknown_task`, `unknown_execution`, `unknown_approval`, `task_paused`, `bad_input`,
    `forbidden`, `idempotency_mismatch`, `already_decided`, `approval_expired`, `wrong_role`, `not_ended`,
    `no_such_step`, `nothing_to_retry`, `payload_erased`.

    Runs that the engine had to end have `journal_limit`, `poisoned`, `internal_error`, or why their program could not
    be loaded."""


class Busy(EngineError):  # noqa: N818 - named as its code is
    """Too much is in flight or queued (`busy`), or the process is ending (`draining`): try again after
    `retry_after_ms`."""

    def __init__(self, code: str, message: str, *, retry_after_ms: int = 1000) -> None:
        super().__init__(code, message, hint=f"try again in {retry_after_ms} ms")
        self.retry_after_ms = retry_after_ms
