"""Runs: what was asked for, what is unfinished, what is on record, what people are asked.

Knows: who owns a run, and under which fence. In: nothing. Out: frozen structs, one a table. Never: what started it
(`starts`).
"""

from __future__ import annotations

from typing import ClassVar

from eyeflow.store.records.base import Record


class ExecutionRecord(Record, frozen=True, kw_only=True):
    """One run. It pins `version` and `digest`.

    `owner` is the process that runs it, `fence` the number of its claim: every write of its owner requires both.
    `key` is the run's data key, wrapped by the master key; `request` (inputs, trigger, me), `outcome` (output, report,
    response) and `trail` (the whole journal of a run with DURABLE record, and its outcome unless that stands beside
    it) are sealed with it. Destroying `key`
    erases what the run carried. `wake_ms` is when a waiting run goes on by itself.
    """

    table: ClassVar[str] = "executions"
    indexes: ClassVar = (
        ("workspace_id", "created_ms", "id"),
        ("workspace_id", "task_id", "created_ms", "id"),
        ("workspace_id", "task_id", "status", "created_ms", "id"),
        ("workspace_id", "status", "created_ms", "id"),
    )
    sparse: ClassVar = (("parent",), ("purge_ms",), ("practice", "created_ms", "id"))

    id: str
    task_id: str
    task: str
    version: int
    digest: str
    status: str
    durable: str = "journal"
    origin: str = "api"
    origin_id: str | None = None
    principal: str = ""
    parent: str | None = None
    depth: int = 0
    practice: bool = False
    owner: str | None = None
    fence: int = 0
    wake_ms: int | None = None
    cancelling: bool = False
    error_code: str | None = None
    error: str | None = None
    key: bytes = b""
    request: bytes = b""
    outcome: bytes = b""
    trail: bytes = b""
    created_ms: int
    started_ms: int | None = None
    finished_ms: int | None = None
    duration_ms: int | None = None
    purge_ms: int | None = None


class WorkRecord(Record, frozen=True, kw_only=True):
    """An execution that has not ended: what the sweeper looks at, so that its cost does not grow with history.
    Inserted with a run that is queued or begins by journal, deleted with the write of its end.

    Without an `owner` it waits for one from `ready_ms` on. Runs of one `lane` go one after the other. `signal`: its
    owner has something new to look at (cancelling, a decision). `attempts` counts processes that ended under it.
    """

    table: ClassVar[str] = "work"
    primary: ClassVar = ("execution_id",)
    indexes: ClassVar = (("owner", "ready_ms"), ("task_id",))
    sparse: ClassVar = (("lane",),)

    execution_id: str
    task_id: str
    owner: str | None = None
    ready_ms: int = 0
    attempts: int = 0
    lane: str | None = None
    signal: bool = False


class JournalRecord(Record, frozen=True, kw_only=True):
    """One batch of a run's events, sealed with its key; `seq` counts from 0."""

    table: ClassVar[str] = "journal"
    primary: ClassVar = ("execution_id", "seq")

    execution_id: str
    seq: int
    events: bytes


class IdempotencyRecord(Record, frozen=True, kw_only=True):
    """A request that was made once: `scope` is the task's id and who asked, `request` the digest of what was asked."""

    table: ClassVar[str] = "idempotency"
    primary: ClassVar = ("scope", "name")
    indexes: ClassVar = (("expires_ms",),)

    scope: str
    name: str
    execution_id: str
    request: str
    expires_ms: int


class ApprovalRecord(Record, frozen=True, kw_only=True):
    """A question a run waits on. `kind` is `approval` or `uncertain`; the place (execution, action, iteration, and the
    attempt of an uncertain call) asks once. `state`: `open`, then `approved`, `rejected`, `expired`; for an uncertain
    call `sent`, `again`, `failed`."""

    table: ClassVar[str] = "approvals"
    indexes: ClassVar = (("state", "asked_ms", "id"),)
    unique: ClassVar = (("execution_id", "action", "iteration", "kind", "attempt"),)

    id: str
    execution_id: str
    task_id: str
    action: str
    iteration: str = ""
    kind: str = "approval"
    attempt: int = 0
    role: str
    message: str
    state: str = "open"
    asked_ms: int
    expires_ms: int | None = None
    decided_by: str | None = None
    decided_ms: int | None = None
    comment: str = ""
