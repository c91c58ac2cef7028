"""Addresses that start a task, added beside what its program says; and the signing secrets of all of them.

Knows: who may, which path is free, what is shown once. In: a `Principal`, a task. Out: a webhook with its signing
secret. Never: changes a program, an address that a program named; shows a secret a second time.

An added webhook gives whoever holds its secret what a key with the role `runner` for this one task would give. It
stays over deploys and rollbacks, is paused and deleted with its task, and is not part of `eyeflow export`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from eyeflow.engine.model import Principal
from eyeflow.ir.check.triggers import fits_path
from eyeflow.ir.program import Program
from eyeflow.ports import Clock, Ids
from eyeflow.secrets.access import Access
from eyeflow.secrets.errors import SecretError
from eyeflow.secrets.vault import Vault
from eyeflow.store.port import Conflict, Delete, Insert, Require, Store, Where
from eyeflow.store.records import TaskRecord, WebhookRecord
from eyeflow.triggers.drafting import responds, signing_secret
from eyeflow.triggers.port import ADDED
from eyeflow.workspace.errors import Clash, Invalid, Missing
from eyeflow.workspace.permissions import require
from eyeflow.workspace.ports import EngineView
from eyeflow.workspace.tasks import Tasks
from eyeflow.workspace.writing import audited, generation, now_ms

MOST_OF_A_TASK: Final = 50
_VAULT: Final = "vault:"


class NewWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """An address for a task. Without `path` it is the webhook's id. `unsigned` takes deliveries of anybody who knows
    the address; otherwise they are signed as Standard Webhooks."""

    task: Annotated[str, Meta(min_length=1, max_length=200)]
    path: Annotated[str, Meta(max_length=200)] = ""
    method: Literal["POST", "PUT", "PATCH"] = "POST"
    unsigned: bool = False


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A row, and the secret its deliveries are signed with; no secret for an unsigned one."""

    row: WebhookRecord
    task: str
    secret: str | None

    def __repr__(self) -> str:
        return f"Made({self.row.id}, {self.task})"


class Hooks:
    """The operations on webhooks."""

    def __init__(self, store: Store, vault: Vault, *, tasks: Tasks, engine: EngineView, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._vault = vault
        self._tasks = tasks
        self._engine = engine
        self._clock = clock
        self._ids = ids

    async def add(self, principal: Principal, wanted: NewWebhook) -> Made:
        """Give a task one more address. Raises: Forbidden, Missing, Invalid (`bad_request`), Clash (`name_taken`)."""
        require(principal, "triggers.write")
        path = wanted.path
        if path and not fits_path(path):
            raise Invalid("bad_request", f"{path[:60]!a} is no path", hint="such as /orders/new: letters, digits, -_~.")
        task = await self._tasks.find(principal, wanted.task)
        program = await self._tasks.program(task)
        mine = (Where("task_id", "=", task.id), Where("trigger", "=", ADDED))
        if await self._store.count(WebhookRecord, *mine, limit=MOST_OF_A_TASK) >= MOST_OF_A_TASK:
            raise Clash("in_use", f"{task.name} has {MOST_OF_A_TASK} added webhooks", hint="remove some first")
        secret = None if wanted.unsigned else signing_secret()
        row = self._row(principal, wanted, task, program)
        access = Access(actor=principal.id, purpose=f"signing secret of {row.id}")
        name = (row.secret or "").removeprefix(_VAULT)
        if secret is not None:
            await self._vault.put(name, secret, access)
        said = audited(
            principal, "webhook.added", f"webhook:{row.id}", row.created_ms, task=task.name, path=row.path,
            scheme=row.scheme,
        )  # fmt: skip
        live = Require(TaskRecord, (Where("id", "=", task.id), Where("state", "=", task.state)))
        try:
            await self._store.write(live, Insert(row), said, generation(row.created_ms))
        except Conflict as conflict:
            if secret is not None:
                await self._vault.remove(name, access)
            if conflict.number == 0:
                raise Clash("changed_meanwhile", f"{task.name} changed at the same time", hint="try again") from None
            raise Clash("name_taken", f"{row.method} {row.path} is taken", hint="choose another path") from None
        await self._engine.changed()
        return Made(row=row, task=task.name, secret=secret)

    def _row(self, principal: Principal, wanted: NewWebhook, task: TaskRecord, program: Program) -> WebhookRecord:
        identity = self._ids.new("hook")
        return WebhookRecord(
            id=identity, task_id=task.id, version=task.version, trigger=ADDED, path=wanted.path or f"/{identity}",
            method=wanted.method, scheme="unsigned" if wanted.unsigned else "standard",
            secret=None if wanted.unsigned else f"{_VAULT}webhook_{identity}", answers=responds(program),
            state=task.state, created_by=principal.id, created_ms=now_ms(self._clock),
        )  # fmt: skip

    async def remove(self, principal: Principal, webhook_id: str) -> None:
        """Take an address away that was added. Raises: Forbidden, Missing (`unknown_webhook`), Clash (`in_use`)."""
        require(principal, "triggers.write")
        row, task = await self._seen(principal, webhook_id)
        if row.trigger != ADDED:
            said = f"the program of {task} takes deliveries there"
            raise Clash("in_use", said, hint="change the program, or pause or delete the task")
        at, here = now_ms(self._clock), (Where("id", "=", row.id),)
        try:
            await self._store.write(
                Require(WebhookRecord, here), Delete(WebhookRecord, here),
                audited(principal, "webhook.removed", f"webhook:{row.id}", at, task=task, path=row.path),
                generation(at),
            )  # fmt: skip
        except Conflict:
            raise _unknown(webhook_id) from None
        if row.secret is not None:
            with suppress(SecretError):  # somebody has taken it already
                await self._vault.remove(row.secret.removeprefix(_VAULT), Access(actor=principal.id))
        await self._engine.changed()

    async def renew(self, principal: Principal, webhook_id: str) -> str:
        """A new signing secret; the old one stops working. Raises: Forbidden, Missing, Clash (`not_ours`)."""
        require(principal, "triggers.write")
        row, _ = await self._seen(principal, webhook_id)
        if row.scheme != "standard" or row.secret is None or not row.secret.startswith(_VAULT):
            raise Clash("not_ours", "this webhook's secret is the provider's, or it has none")
        made = signing_secret()
        access = Access(actor=principal.id, purpose=f"new signing secret of {row.id}")
        await self._vault.rotate(row.secret.removeprefix(_VAULT), made, access)
        await self._engine.changed()
        return made

    async def _seen(self, principal: Principal, webhook_id: str) -> tuple[WebhookRecord, str]:
        """A webhook of a task that the principal may see, and the task's name. Raises: Missing."""
        row = await self._store.get(WebhookRecord, webhook_id) if webhook_id.isprintable() else None
        task = await self._store.get(TaskRecord, row.task_id) if row is not None else None
        if row is None or task is None or (principal.tasks is not None and task.name not in principal.tasks):
            raise _unknown(webhook_id)
        return row, task.name


def _unknown(webhook_id: str) -> Missing:
    return Missing("unknown_webhook", f"there is no webhook {webhook_id[:80]!a}", hint="`eyeflow webhooks list`")
