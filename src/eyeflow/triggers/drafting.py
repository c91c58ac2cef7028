"""The rows of one deploy while they are being made.

Knows: which rows of the version before are kept, which are new. In: rows. Out: operations. Never: decides what a
trigger becomes (`registration` and `provider_events` do).
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Awaitable
from typing import Protocol

import msgspec

from eyeflow.ir.opcodes import Op as Opcode
from eyeflow.ir.program import Program
from eyeflow.ports import Ids
from eyeflow.store.port import Delete, Insert, Op, Scalar, Update, Where
from eyeflow.store.records import PollRecord, Record, ScheduleRecord, SubscriptionRecord, WebhookRecord

Registered = ScheduleRecord | WebhookRecord | PollRecord | SubscriptionRecord


class Keeper(Protocol):
    """Where signing secrets are kept."""

    def known(self, name: str) -> Awaitable[bool]:
        """Whether the vault has a secret of this name."""
        ...

    def keep(self, name: str, value: str) -> Awaitable[None]:
        """Put a new secret into the vault."""
        ...


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """Something to tell the person who deploys. Codes: `not_reachable`, `set_up_webhook`."""

    code: str
    message: str
    hint: str = ""


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A signing secret that was made, to be shown once; `path` is where deliveries go."""

    name: str
    path: str
    secret: str

    def __repr__(self) -> str:
        return f"Made({self.name}, {self.path})"


class Former(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of the version before."""

    schedules: tuple[ScheduleRecord, ...] = ()
    webhooks: tuple[WebhookRecord, ...] = ()
    polls: tuple[PollRecord, ...] = ()
    subscriptions: tuple[SubscriptionRecord, ...] = ()

    @property
    def rows(self) -> tuple[Registered, ...]:
        """All of them."""
        return (*self.schedules, *self.webhooks, *self.polls, *self.subscriptions)


class Draft:
    """What one deploy of `program` registers."""

    def __init__(
        self, *, task_id: str, version: int, program: Program, former: Former, ids: Ids, created_by: str, now_ms: int,
        practice: bool = False,
    ) -> None:  # fmt: skip
        self.task_id = task_id
        self.version = version
        self.program = program
        self.former = former
        self.ids = ids
        self.created_by = created_by
        self.now_ms = now_ms
        self.practice = practice
        self.notes: list[Note] = []
        self.made: list[Made] = []
        self._kept: set[str] = set()
        self._ops: list[Op] = []

    def keep(self, row: Registered, number: int, **values: Scalar) -> None:
        """`row` goes on live, as trigger `number` of this version, with `values` changed and everything else as the
        store has it when the unit is written."""
        self._kept.add(row.id)
        changed: tuple[tuple[str, Scalar], ...] = (
            ("version", self.version), ("trigger", number), ("state", "live"), *values.items()
        )  # fmt: skip
        self._ops.append(Update(type(row), changed, (Where("id", "=", row.id),), expect=1))

    def add(self, row: Registered) -> None:
        """A new row."""
        self._ops.append(Insert(row))

    def kept(self, row: Registered) -> bool:
        """Whether another trigger of this version has taken the row over."""
        return row.id in self._kept

    def subscribe(self, number: int, topic: str) -> None:
        """Run when something is published on `topic`."""
        for row in self.former.subscriptions:
            if row.topic == topic and not self.kept(row):
                self.keep(row, number)
                return
        self.add(
            SubscriptionRecord(
                id=self.ids.new("sub"), task_id=self.task_id, version=self.version, trigger=number, topic=topic
            )
        )  # fmt: skip

    def make(self, name: str, path: str, *, standard: bool = True) -> str:
        """A fresh signing secret; its reference."""
        secret = signing_secret() if standard else secrets.token_bytes(32).hex()
        self.made.append(Made(name=name, path=path, secret=secret))
        return f"vault:{name}"

    def ops(self) -> tuple[Op, ...]:
        """First what goes, then what stays or comes: a path may change hands within a task."""
        gone: dict[type[Record], list[str]] = {}
        for row in self.former.rows:
            if not self.kept(row):
                gone.setdefault(type(row), []).append(row.id)
        deletes = [Delete(table, (Where("id", "in", tuple(ids)),)) for table, ids in gone.items()]
        return (*deletes, *self._ops)


def signing_secret() -> str:
    """A fresh secret in the form of Standard Webhooks."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def responds(program: Program) -> bool:
    """Whether a program may answer its sender: by the instruction, or by calling `webhook.respond`."""
    if any((binding.service, binding.capability) == ("webhook", "respond") for binding in program.bindings):
        return True
    return any(step.do.op == Opcode.RESPOND for scope in program.scopes for step in scope.steps)
