"""What processes share: who lives, who does which job, events to publish, settings.

Knows: leases. In: nothing. Out: frozen structs, one a table. Never: work itself (`runs`).
"""

from __future__ import annotations

from typing import ClassVar

from eyeflow.store.records.base import Record


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
