"""Accounts, secrets and people: connections, what is in the vault, profiles, keys, the audit chain, notices.

Knows: names of things people own. In: nothing. Out: frozen structs, one a table. Never: a secret that is not sealed.
"""

from __future__ import annotations

from typing import ClassVar

from eyeflow.store.records.base import Record


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
