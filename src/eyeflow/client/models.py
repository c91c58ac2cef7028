"""Answers of the server as Python sees them.

Knows: the fields that programs use. In: JSON. Out: frozen structs; fields the server adds later are ignored, so that
an older client goes on working. Never: converts times: instants are milliseconds since 1970 in UTC (`_ms`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, TypeAlias

import msgspec

Json: TypeAlias = dict[str, Any]
ENDED: Final = frozenset(("success", "partial_failure", "failed", "cancelled"))


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a run that was asked for. Not ended while `status` is queued, running or waiting; a run that
    failed is an answer too: `error` says why, `completed_actions` and `failed_action` how far it came."""

    execution_id: str
    status: str
    duration_ms: int | None = None
    output: Any = None
    error: str | None = None
    error_code: str | None = None
    error_hint: str = ""
    completed_actions: int = 0
    failed_action: int | None = None
    fallback_executed: bool = False
    total_duration: str = ""
    uncertain: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """True for `success`."""
        return self.status == "success"

    @property
    def ended(self) -> bool:
        """True when nothing more will happen."""
        return self.status in ENDED


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is looked up: what `Run` has, where it came from, what it was given."""

    execution_id: str
    task: str
    status: str
    task_id: str = ""
    version: int = 0
    origin: str = ""
    origin_id: str | None = None
    principal: str = ""
    parent: str | None = None
    practice: bool = False
    created_ms: int = 0
    started_ms: int | None = None
    finished_ms: int | None = None
    duration_ms: int | None = None
    output: Any = None
    error: str | None = None
    error_code: str | None = None
    error_hint: str = ""
    completed_actions: int = 0
    failed_action: int | None = None
    fallback_executed: bool = False
    uncertain: tuple[str, ...] = ()
    wakes_ms: int | None = None
    erased: bool = False
    input: Json = {}
    payload: Any = None

    @property
    def ended(self) -> bool:
        """True when nothing more will happen."""
        return self.status in ENDED


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """What happened in a run and when: `text` for people, `timeline` the same as data, offsets in milliseconds."""

    text: str
    timeline: Json


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """A run that was run again against its record; `equal` when nothing differed."""

    execution_id: str
    status: str
    equal: bool
    recorded: str
    trace_hash: str


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A deployed task: `state` is `live` or `paused`, `version` the one that runs."""

    id: str
    name: str
    title: str = ""
    aliases: tuple[str, ...] = ()
    state: str
    version: int
    digest: str
    practice: bool = False
    accounts: tuple[str, ...] = ()
    retention_days: int | None = None
    created_by: str = ""
    created_ms: int = 0
    updated_ms: int = 0


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a task; `current` is the one that runs."""

    number: int
    digest: str
    language: str
    source: str
    readback: Json = {}
    approved_by: str = ""
    proposal_id: str | None = None
    created_by: str = ""
    created_ms: int = 0
    current: bool = False


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A version as it was written, and as LLM-IR."""

    task: str
    version: int
    digest: str
    language: str
    source: str
    ir: str


class Compiled(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a request: `program`, `questions`, `refused` or `errors`. With questions, ask again with answers
    by their slots."""

    outcome: str
    language: str = ""
    programs: tuple[Json, ...] = ()
    questions: tuple[Json, ...] = ()
    refusals: tuple[Json, ...] = ()
    missing: tuple[Json, ...] = ()
    findings: tuple[Json, ...] = ()
    intent: Json | None = None
    tokens: tuple[str, ...] = ()
    summary: str = ""


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """The signing secret of a webhook that was made, said this once; `path` is where its deliveries go."""

    name: str
    path: str
    secret: str

    def __repr__(self) -> str:
        return f"Made({self.name}, {self.path})"


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """Something to do beside a deploy."""

    code: str
    message: str
    hint: str = ""


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A program that waits for a decision, or has had one. `review` is what to read before deciding; `notes` and `made`
    are in the answer that made it live, this once."""

    id: str
    state: str
    task: str
    language: str = ""
    source: str = ""
    answers: dict[str, str] = {}
    digest: str
    review: Json = {}
    practice: bool = False
    needed: int = 1
    decisions: tuple[Json, ...] = ()
    self_approved: bool = False
    created_by: str = ""
    created_ms: int = 0
    decided_ms: int | None = None
    notes: tuple[Note, ...] = ()
    made: tuple[Made, ...] = ()


class Deployed(msgspec.Struct, frozen=True, kw_only=True):
    """What is live now, and the proposal that made it so."""

    tasks: tuple[Task, ...]
    proposal: Proposal


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """The tasks that an operation on all of them changed."""

    tasks: tuple[str, ...]


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """A question a run waits on. `kind` is `approval` or `uncertain`; `role` may answer it."""

    id: str
    execution_id: str
    task_id: str = ""
    action: str
    iteration: str = ""
    kind: str
    role: str
    message: str
    state: str
    asked_ms: int = 0
    expires_ms: int | None = None
    decided_by: str | None = None
    comment: str = ""


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """An account of a service; `credential` is a reference, never a value."""

    name: str
    service: str
    title: str = ""
    credential: str | None = None
    defaults: Json = {}
    settings: dict[str, str] = {}
    hosts: tuple[str, ...] = ()
    shared: bool = True
    state: str = "untested"
    detail: str = ""
    tasks: tuple[str, ...] = ()
    created_by: str = ""
    tested_ms: int | None = None


class Tested(msgspec.Struct, frozen=True, kw_only=True):
    """What contacting a service with an account found."""

    name: str
    ok: bool
    state: str
    detail: str
    code: str = ""
    duration_ms: int = 0


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in that was begun: the address to open, and until when (milliseconds since 1970)."""

    authorize_url: str
    expires_ms: int


class ServiceSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A service of the catalog in a list."""

    id: str
    title: str
    type: str
    aliases: tuple[str, ...] = ()
    auth: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What one action of a task decides: conditions in order, their branches, the default."""

    id: str
    task: str
    action: str
    version: int
    kind: str
    branches: tuple[Json, ...] = ()
    default: Json | None = None
    output: str | None = None


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    """What may be shown of a secret."""

    name: str
    version: int
    created_by: str = ""
    created_ms: int = 0
    rotated_ms: int | None = None


class MasterKey(msgspec.Struct, frozen=True, kw_only=True):
    """A master key that was just made: where it is, for a person to back up."""

    key_id: str
    place: str


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """An API key as it is listed; `shown` is its beginning."""

    id: str
    name: str
    shown: str
    principal: str
    role: str
    practice: bool = False
    agent: bool = False
    tasks: tuple[str, ...] = ()
    created_ms: int = 0
    expires_ms: int | None = None
    revoked_ms: int | None = None
    used_ms: int | None = None


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that was just made; `token` is said this once."""

    token: str
    key: Key

    def __repr__(self) -> str:
        return f"NewKey({self.key.id})"


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule of a task and when it fires next."""

    id: str
    task_id: str
    task: str
    state: str
    spec: Any = None
    missed: str = ""
    overlap: str = ""
    next_run: datetime | None = None
    last_run: datetime | None = None
    practice: bool = False


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook of a task; `url` is where deliveries go, `scheme` how they are signed."""

    id: str
    task_id: str
    task: str
    url: str
    path: str
    method: str
    scheme: str
    state: str
    service: str | None = None
    event: str | None = None
    added: bool = False
    created_ms: int = 0


class NewWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook that was added to a task, and its signing secret, said this once; None for an unsigned one."""

    webhook: Webhook
    secret: str | None = None

    def __repr__(self) -> str:
        return f"NewWebhook({self.webhook.id})"


class SigningSecret(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook's new secret, said this once."""

    webhook_id: str
    secret: str

    def __repr__(self) -> str:
        return f"SigningSecret({self.webhook_id})"


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """One instant of a schedule, and what became of it: ran, queued, skipped, missed, refused."""

    instant: datetime
    outcome: str
    execution_id: str | None = None


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody was told (`telling`: kind, subject, body, task, link), how far that is, how often it happened."""

    id: str
    telling: Json
    recipient: str = ""
    state: str
    closed: bool = False
    count: int = 1
    attempts: int = 0
    error: str = ""
    created_ms: int = 0
    sent_ms: int | None = None


class WorkspaceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the workspace. `approval` is `self`, `other`, or how many others."""

    approval: str | int = "self"
    retention_days: int | None = 90
    notices: Json = {}
    rate_limits: Json = {}


class Profile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who "me" is, where, and what is meant when nothing is said."""

    me: dict[str, str] = {}
    timezone: str | None = None
    confirmed: bool = False
    city: str | None = None
    defaults: Json = {}


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the audit."""

    seq: int
    at_ms: int
    actor: str
    action: str
    object: str = ""
    detail: Any = None
    digest: str = ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the audit is as it was written; `first_bad` is the first row that is not."""

    ok: bool
    rows: int
    first_bad: int | None = None
    fault: Any = None
    anchored: bool = False


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What applying a folder changes, or has changed. `proposal` is set when people have to approve first."""

    changed: bool
    applied: bool
    tasks: tuple[Json, ...] = ()
    items: tuple[Json, ...] = ()
    findings: tuple[Json, ...] = ()
    proposal: str | None = None
    notes: tuple[Note, ...] = ()
    made: tuple[Made, ...] = ()


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """The files of a folder: `{name, text}`."""

    files: tuple[Json, ...]
