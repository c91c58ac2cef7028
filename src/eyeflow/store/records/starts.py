"""What starts runs: schedules, webhooks, polls, subscriptions; and the ticks and deliveries they had.

Knows: when something is due, and what was taken already. In: nothing. Out: frozen structs, one a table. Never: runs.
"""

from __future__ import annotations

from typing import ClassVar

from eyeflow.store.records.base import Record


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
