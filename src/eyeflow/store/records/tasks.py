"""What is deployed: tasks, their versions and programs, proposals and who decided them.

Knows: which program a task runs. In: nothing. Out: frozen structs, one a table. Never: a run.
"""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

from eyeflow.store.records.base import Record

TaskState: TypeAlias = Literal["live", "paused", "deleted"]


class TaskRecord(Record, frozen=True, kw_only=True):
    """A deployed task. `version` is the number that runs now; `name` is unique among tasks that are not deleted
    (`name` of a deleted one is its id). `retention_days` None keeps executions for ever."""

    table: ClassVar[str] = "tasks"
    unique: ClassVar = (("workspace_id", "name"),)

    id: str
    name: str
    title: str = ""
    state: str = "live"
    version: int
    digest: str
    alias_of: str | None = None
    practice: bool = False
    retention_days: int | None = None
    created_by: str
    created_ms: int
    updated_ms: int


class VersionRecord(Record, frozen=True, kw_only=True):
    """A version of a task: what was asked, what it became, who approved it. `artifact` is an `ArtifactRecord`'s id.
    `request` names the first task of a request that became several; it is empty for the first itself."""

    table: ClassVar[str] = "task_versions"
    primary: ClassVar = ("task_id", "number")

    task_id: str
    number: int
    digest: str
    artifact: str
    language: str
    source: str
    request: str = ""
    ir: str
    readback: bytes = b""
    answers: bytes = b""
    approved_by: str = ""
    proposal_id: str | None = None
    created_by: str
    created_ms: int


class ArtifactRecord(Record, frozen=True, kw_only=True):
    """A sealed artifact by the SHA-256 of all its bytes; the same one is stored once."""

    table: ClassVar[str] = "artifacts"

    id: str
    digest: str
    data: bytes
    created_ms: int


class ProposalRecord(Record, frozen=True, kw_only=True):
    """A program to be approved. `digest` is that of the program that was reviewed: nothing else is deployed.
    `review` is JSON: read-back, diff, what it touches, findings. `envelope` is what will surround the program when it
    is sealed; `also` (MessagePack) are further programs that are deployed with it or not at all. `task_id` is the
    task that runs now under the name, `base_version` its version: when either has moved on, the proposal is
    superseded."""

    table: ClassVar[str] = "proposals"
    indexes: ClassVar = (("state", "created_ms", "id"), ("task",))

    id: str
    task: str
    base_version: int = 0
    state: str = "open"
    language: str
    source: str
    answers: bytes = b"{}"
    ir: str
    digest: str
    program: bytes
    envelope: bytes = b""
    also: bytes = b""
    practice: bool = False
    task_id: str | None = None
    review: bytes
    needed: int = 1
    policy: str = "self"
    created_by: str
    created_ms: int
    decided_ms: int | None = None


class UseRecord(Record, frozen=True, kw_only=True):
    """An account that the running version of a task uses. `effect` is the strongest effect it has there, `pinned` the
    digest of the service that the program was compiled against."""

    table: ClassVar[str] = "uses"
    primary: ClassVar = ("task_id", "connection", "service")
    indexes: ClassVar = (("connection",), ("service",))

    task_id: str
    connection: str
    service: str
    effect: str
    pinned: str = ""


class DecisionRecord(Record, frozen=True, kw_only=True):
    """What one person said about a proposal."""

    table: ClassVar[str] = "decisions"
    primary: ClassVar = ("proposal_id", "principal")

    proposal_id: str
    principal: str
    verdict: str
    comment: str = ""
    decided_ms: int
