"""Every record that is stored, one frozen struct a table. `schema` makes the tables from these.

Knows: names, types and keys of stored fields. In: nothing. Out: structs of scalars, bytes and None.
Never: a value that needs decoding to be found again is a column; everything else is bytes its owner packs (and, for
what a run carries, encrypts with the run's own key).

Instants are integer milliseconds since 1970 in UTC (`_ms`). Every record belongs to a workspace.

After a change here run `python -m tools.first_migration`, until the first release; then each change is a migration.
"""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

import msgspec

WORKSPACE = "default"


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What all records have. `table` names the table, `primary` its key (the workspace is part of every key but
    that of the audit chain, which counts), `indexes` the columns of further indexes, `sparse` those of indexes that
    leave out rows without a value in their first column, or with False, `unique` those of unique ones. `whole` tables
    hold small rows that are kept in their key's own tree."""

    table: ClassVar[str] = ""
    primary: ClassVar[tuple[str, ...]] = ("id",)
    indexes: ClassVar[tuple[tuple[str, ...], ...]] = ()
    sparse: ClassVar[tuple[tuple[str, ...], ...]] = ()
    unique: ClassVar[tuple[tuple[str, ...], ...]] = ()
    whole: ClassVar[bool] = False

    workspace_id: str = WORKSPACE


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


class ScheduleRecord(Record, frozen=True, kw_only=True):
    """A schedule trigger of a live task. `spec` is the trigger as JSON; `next_ms` None when it never fires again;
    nothing up to `last_ms` fires any more."""

    table: ClassVar[str] = "schedules"
    indexes: ClassVar = (("state", "next_ms"), ("task_id",))

    id: str
    task_id: str
    version: int
    trigger: int
    spec: bytes
    state: str = "live"
    missed: str = "run_once"
    overlap: str = "skip"
    next_ms: int | None = None
    last_ms: int | None = None


class TickRecord(Record, frozen=True, kw_only=True):
    """One instant of a schedule and what became of it: `ran` (or is queued to), `skipped` (overlap), `missed`,
    `refused` (the task could not be run)."""

    table: ClassVar[str] = "ticks"
    primary: ClassVar = ("schedule_id", "instant_ms")
    indexes: ClassVar = (("created_ms",),)

    schedule_id: str
    instant_ms: int
    outcome: str
    execution_id: str | None = None
    created_ms: int


class WebhookRecord(Record, frozen=True, kw_only=True):
    """A webhook trigger of a live task. `scheme` is `standard`, a provider's name from the catalog, or `unsigned`;
    `secret` is the reference of the secret deliveries are signed with; `fields` the declared payload, as JSON;
    `answers` when the program may answer the sender. `service`, `event` and `connection` are set for a provider's
    event: all events of one connection may arrive at one address. `resolved` is JSON: for a param that was looked up,
    what was written and what the provider sends for it."""

    table: ClassVar[str] = "webhooks"
    indexes: ClassVar = (("task_id",), ("connection",))
    unique: ClassVar = (("workspace_id", "path", "method"),)

    id: str
    task_id: str
    version: int
    trigger: int
    path: str
    method: str = "POST"
    scheme: str = "standard"
    secret: str | None = None
    fields: bytes = b"[]"
    answers: bool = False
    service: str | None = None
    event: str | None = None
    connection: str | None = None
    resolved: bytes = b"{}"
    state: str = "live"
    created_by: str
    created_ms: int


class DeliveryRecord(Record, frozen=True, kw_only=True):
    """A webhook delivery or polled item that was taken, by its own id: it is taken once."""

    table: ClassVar[str] = "deliveries"
    primary: ClassVar = ("source_id", "delivery_id")
    indexes: ClassVar = (("expires_ms",),)

    source_id: str
    delivery_id: str
    execution_id: str | None = None
    received_ms: int
    expires_ms: int | None = None


class PollRecord(Record, frozen=True, kw_only=True):
    """A polled trigger of a live task. `cursor` is None until the first poll has set the baseline."""

    table: ClassVar[str] = "polls"
    indexes: ClassVar = (("state", "next_ms"), ("task_id",))

    id: str
    task_id: str
    version: int
    trigger: int
    service: str
    event: str
    connection: str
    params: bytes
    every_ms: int
    next_ms: int
    cursor: bytes | None = None
    state: str = "live"
    failures: int = 0
    error: str | None = None


class SubscriptionRecord(Record, frozen=True, kw_only=True):
    """A live task that runs when something is published on `topic`."""

    table: ClassVar[str] = "subscriptions"
    indexes: ClassVar = (("topic",), ("task_id",))

    id: str
    task_id: str
    version: int
    trigger: int
    topic: str
    state: str = "live"


class ConnectionRecord(Record, frozen=True, kw_only=True):
    """A configured use of a service; `credential` is a reference, `defaults`, `settings` and `hosts` are JSON."""

    table: ClassVar[str] = "connections"
    primary: ClassVar = ("name",)

    name: str
    service: str
    credential: str | None = None
    defaults: bytes = b"[]"
    settings: bytes = b"[]"
    hosts: bytes = b"[]"
    shared: bool = True
    state: str = "untested"
    detail: str = ""
    created_by: str
    created_ms: int
    tested_ms: int | None = None


class SecretRecord(Record, frozen=True, kw_only=True):
    """A secret in an envelope: `sealed` under a data key, `wrapped` that data key under the master key `kek`."""

    table: ClassVar[str] = "secrets"
    primary: ClassVar = ("name",)

    name: str
    sealed: bytes
    wrapped: bytes
    kek: str
    version: int = 1
    created_by: str
    created_ms: int
    rotated_ms: int | None = None


class ProfileRecord(Record, frozen=True, kw_only=True):
    """Who somebody is, as JSON of `catalog.model.Profile`; `confirmed` when a person has confirmed the zone."""

    table: ClassVar[str] = "profiles"
    primary: ClassVar = ("principal",)

    principal: str
    profile: bytes
    confirmed: bool = False
    updated_ms: int


class KeyRecord(Record, frozen=True, kw_only=True):
    """An API key: `digest` of it, never the key. `scopes` is a JSON list of task names it may run; empty means all."""

    table: ClassVar[str] = "api_keys"
    unique: ClassVar = (("digest",),)

    id: str
    name: str
    digest: bytes
    shown: str
    principal: str
    role: str
    practice: bool = False
    agent: bool = False
    scopes: bytes = b"[]"
    created_by: str
    created_ms: int
    expires_ms: int | None = None
    revoked_ms: int | None = None
    used_ms: int | None = None


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


class AuditRecord(Record, frozen=True, kw_only=True):
    """One row of the audit chain. Writers leave `seq`, `previous` and `digest` alone: the store fills them in when it
    appends, in the transaction that decides the order."""

    table: ClassVar[str] = "audit"
    primary: ClassVar = ("seq",)
    indexes: ClassVar = (("object", "seq"), ("actor", "seq"))

    seq: int = 0
    at_ms: int
    actor: str
    action: str
    object: str = ""
    detail: bytes = b"{}"
    previous: bytes = b""
    digest: bytes = b""


class OutboxRecord(Record, frozen=True, kw_only=True):
    """An event to be published: CloudEvents 1.0 JSON. `id` is the event's own, so that it is published once; rows are
    taken in the order of `id` (UUIDv7) and deleted when they are published."""

    table: ClassVar[str] = "outbox"
    indexes: ClassVar = (("created_ms", "id"),)

    id: str
    topic: str
    name: str
    event: bytes
    created_ms: int


class NoticeRecord(Record, frozen=True, kw_only=True):
    """Something a person is told. One row an incident (`incident` is unique while it is open): `state` is `waiting`,
    `sent`, `undeliverable`; `count` how often it happened since."""

    table: ClassVar[str] = "notices"
    indexes: ClassVar = (("state", "created_ms"), ("created_ms", "id"), ("incident",))

    id: str
    incident: str
    kind: str
    task_id: str | None = None
    execution_id: str | None = None
    recipient: str
    text: bytes
    state: str = "waiting"
    closed: bool = False
    count: int = 1
    attempts: int = 0
    next_ms: int = 0
    error: str = ""
    created_ms: int
    sent_ms: int | None = None


class ProcessRecord(Record, frozen=True, kw_only=True):
    """A process that runs executions. It owns what it claims while `until_ms` has not passed."""

    table: ClassVar[str] = "processes"

    id: str
    name: str
    started_ms: int
    until_ms: int


class LeaseRecord(Record, frozen=True, kw_only=True):
    """A job only one process does at a time (`scheduler`, `poller`, `sweeper`, `outbox`, `notices`)."""

    table: ClassVar[str] = "leases"
    primary: ClassVar = ("name",)

    name: str
    owner: str
    fence: int
    until_ms: int


class SettingRecord(Record, frozen=True, kw_only=True):
    """A setting of the workspace, or a number that says what changed (`generation`), as JSON."""

    table: ClassVar[str] = "settings"
    primary: ClassVar = ("name",)

    name: str
    value: bytes
    updated_ms: int


RECORDS: tuple[type[Record], ...] = (
    TaskRecord, VersionRecord, ArtifactRecord, ExecutionRecord, WorkRecord, JournalRecord, IdempotencyRecord,
    ScheduleRecord, TickRecord, WebhookRecord, DeliveryRecord, PollRecord, SubscriptionRecord, ConnectionRecord,
    SecretRecord, ProfileRecord, KeyRecord, ProposalRecord, UseRecord, DecisionRecord, ApprovalRecord, AuditRecord,
    OutboxRecord, NoticeRecord, ProcessRecord, LeaseRecord, SettingRecord,
)  # fmt: skip
