"""What makes tasks start by themselves: schedules and webhooks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from eyeflow.server.exchange import Declined, Request
from eyeflow.server.resources.paging import Page, Paged, page_of, position_of
from eyeflow.server.routes import Routes
from eyeflow.server.service import Service
from eyeflow.store.port import Where
from eyeflow.store.records import ScheduleRecord, TaskRecord, TickRecord, WebhookRecord
from eyeflow.triggers.port import ADDED
from eyeflow.workspace.hooks import NewWebhook

ROUTES: Final = Routes("Triggers")


class ListStarts(Paged, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which ones."""

    task: Annotated[str | None, Meta(description="only those of this task")] = None


class ScheduleView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A schedule of a task. `spec` is the trigger as data; `next_run` is null when it never fires again. That of a
    `practice` task never fires by itself."""

    id: str
    task_id: str
    task: str
    state: str
    spec: object
    missed: str
    overlap: str
    next_run: datetime | None
    last_run: datetime | None = None
    practice: bool = False


class TickView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One instant of a schedule, and what became of it: ran, queued, skipped, missed, refused."""

    instant: datetime
    outcome: str
    execution_id: str | None = None


class WebhookView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A webhook of a task. `scheme` is how deliveries are signed; `url` is where they go; `added` when a person gave
    it to the task and no program names it."""

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
    connection: str | None = None
    added: bool = False
    created_ms: int


class AddWebhook(NewWebhook, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An address that starts a task."""


class AddedWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """A new webhook, and the secret its deliveries are signed with, said this once; null for an unsigned one."""

    webhook: WebhookView
    secret: str | None

    def __repr__(self) -> str:
        return f"AddedWebhook({self.webhook.id})"


class SigningSecret(msgspec.Struct, frozen=True, kw_only=True):
    """The secret that deliveries are signed with. It is said this once."""

    webhook_id: str
    secret: str

    def __repr__(self) -> str:
        return f"SigningSecret({self.webhook_id})"


@ROUTES.add("GET", "/api/schedules", "triggers.read")
async def list_schedules(service: Service, request: Request, query: ListStarts) -> Page[ScheduleView]:
    """The schedules of live and paused tasks, and when each fires next."""
    where = await _of(service, request, query)
    after = (position_of(query.cursor, str),) if query.cursor else ()
    rows = await service.store.find(ScheduleRecord, *where, order=("id",), after=after, limit=query.limit + 1)
    tasks = await _tasks(service, rows)
    return page_of(rows, query.limit, lambda row: _schedule(row, tasks.get(row.task_id)), lambda row: row.id)


@ROUTES.add("GET", "/api/schedules/{schedule_id}/ticks", "triggers.read")
async def list_ticks(service: Service, request: Request, schedule_id: str, query: Paged) -> Page[TickView]:
    """What became of the instants of a schedule, the newest first."""
    held = await service.store.get(ScheduleRecord, schedule_id)
    if held is None or (request.who.tasks is not None and held.task_id not in await _visible(service, request)):
        raise Declined(404, "unknown_schedule", f"there is no schedule {schedule_id[:80]!a}")
    after = (position_of(query.cursor, int),) if query.cursor else ()
    rows = await service.store.find(
        TickRecord, Where("schedule_id", "=", schedule_id), order=("-instant_ms",), after=after, limit=query.limit + 1
    )
    return page_of(rows, query.limit, _tick, lambda row: row.instant_ms)


@ROUTES.add("GET", "/api/webhooks", "triggers.read")
async def list_webhooks(service: Service, request: Request, query: ListStarts) -> Page[WebhookView]:
    """The webhooks of live and paused tasks."""
    where = await _of(service, request, query)
    after = (position_of(query.cursor, str),) if query.cursor else ()
    rows = await service.store.find(WebhookRecord, *where, order=("id",), after=after, limit=query.limit + 1)
    names = await _names(service, rows)
    base = service.base_url
    return page_of(rows, query.limit, lambda row: _webhook(row, names, base), lambda row: row.id)


@ROUTES.add("POST", "/api/webhooks", "triggers.write", status=201)
async def add_webhook(service: Service, request: Request, body: AddWebhook) -> AddedWebhook:
    """Give a task one more address that starts it, whatever its program says.

    What arrives is the task's input. It stays over deploys, and is paused and deleted with the task. The signing secret
    is in this answer and nowhere else.
    """
    made = await service.hooks.add(request.who, body)
    view = _webhook(made.row, {made.row.task_id: made.task}, service.base_url)
    return AddedWebhook(webhook=view, secret=made.secret)


@ROUTES.add("DELETE", "/api/webhooks/{webhook_id}", "triggers.write")
async def remove_webhook(service: Service, request: Request, webhook_id: str) -> None:
    """Take away an address that was added to a task; those of its program stay."""
    await service.hooks.remove(request.who, webhook_id)


@ROUTES.add("POST", "/api/webhooks/{webhook_id}/secret", "triggers.write")
async def renew_webhook_secret(service: Service, request: Request, webhook_id: str) -> SigningSecret:
    """Make a new signing secret. The old one stops working at once; this answer is the only place that shows the
    new one."""
    made = await service.hooks.renew(request.who, webhook_id)
    service.webhooks.changed()
    return SigningSecret(webhook_id=webhook_id, secret=made)


async def _of(service: Service, request: Request, query: ListStarts) -> tuple[Where, ...]:
    if query.task is not None:
        task = await service.workspace.tasks.find(request.who, query.task)
        return (Where("task_id", "=", task.id),)
    if request.who.tasks is not None:
        return (Where("task_id", "in", await _visible(service, request)),)
    return ()


async def _visible(service: Service, request: Request) -> tuple[str, ...]:
    names = tuple(sorted(request.who.tasks or ()))
    return tuple(row.id for row in await service.store.find(TaskRecord, Where("name", "in", names)))


async def _tasks(service: Service, rows: list[ScheduleRecord] | list[WebhookRecord]) -> dict[str, TaskRecord]:
    ids = tuple({row.task_id for row in rows})
    return {row.id: row for row in await service.store.find(TaskRecord, Where("id", "in", ids))} if ids else {}


async def _names(service: Service, rows: list[WebhookRecord]) -> dict[str, str]:
    return {identity: task.name for identity, task in (await _tasks(service, rows)).items()}


def _schedule(row: ScheduleRecord, task: TaskRecord | None) -> ScheduleView:
    return ScheduleView(
        id=row.id, task_id=row.task_id, task="" if task is None else task.name, state=row.state,
        practice=task is not None and task.practice,
        spec=msgspec.json.decode(row.spec), missed=row.missed, overlap=row.overlap,
        next_run=instant(row.next_ms) if row.state == "live" else None, last_run=instant(row.last_ms),
    )  # fmt: skip


def _tick(row: TickRecord) -> TickView:
    at = instant(row.instant_ms)
    assert at is not None, "a tick has an instant"
    return TickView(instant=at, outcome=row.outcome, execution_id=row.execution_id)


def _webhook(row: WebhookRecord, names: dict[str, str], base: str) -> WebhookView:
    place = f"/hooks{row.path}" if row.service is None else f"/webhooks/{row.id}"
    return WebhookView(
        id=row.id, task_id=row.task_id, task=names.get(row.task_id, ""), url=base + place, path=row.path,
        method=row.method, scheme=row.scheme, state=row.state, service=row.service, event=row.event,
        connection=row.connection, added=row.trigger == ADDED, created_ms=row.created_ms,
    )  # fmt: skip


def instant(at_ms: int | None) -> datetime | None:
    """An instant of the store as the API shows it."""
    return None if at_ms is None else datetime.fromtimestamp(at_ms / 1000, UTC)
