"""Runs: look them up, watch them, cancel, retry, replay."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from eyeflow.engine.model import ENDED, ExecutionDetail, Principal, no_execution
from eyeflow.server.dataplane import Ran, Trouble, ended, run_answer
from eyeflow.server.exchange import Answer, Declined, Request, Stream
from eyeflow.server.resources.paging import Page, Paged, page_of, position_of
from eyeflow.server.routes import Routes
from eyeflow.server.service import Service
from eyeflow.server.streams import Happening, last_id, wants_stream
from eyeflow.store.port import Where
from eyeflow.store.records import ExecutionRecord, TaskRecord
from eyeflow.svm.journal import Event
from eyeflow.svm.timeline import Timeline

ROUTES: Final = Routes("Executions")
DAY_MS: Final = 86_400_000
Instant = Annotated[datetime, Meta(tz=True)]
SEARCHED_DAYS: Final = 7
_BULK: Final = ("key", "request", "outcome", "trail")
_WITH_ERRORS: Final = ("partial_failure", "failed", "cancelled")
_MERGED: Final = 20


class ListExecutions(Paged, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which runs, the newest first. `text` is searched for in error messages, of the last week unless `since` says."""

    task: Annotated[str | None, Meta(description="only runs of this task, by name, alias or id")] = None
    status: Literal["queued", "running", "waiting", "success", "partial_failure", "failed", "cancelled"] | None = None
    since: Annotated[Instant | None, Meta(description="begun at this instant or later")] = None
    until: Annotated[Instant | None, Meta(description="begun before this instant")] = None
    text: Annotated[str, Meta(max_length=100, description="in the error's message")] = ""


class ExecutionSummary(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A run in a list. Times are milliseconds since 1970."""

    execution_id: str
    task: str
    task_id: str
    version: int
    status: str
    origin: str
    origin_id: str | None = None
    principal: str = ""
    parent: str | None = None
    practice: bool = False
    cancelling: bool = False
    error_code: str | None = None
    error: str | None = None
    created_ms: int
    started_ms: int | None = None
    finished_ms: int | None = None
    duration_ms: int | None = None


class Retry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From where: the action `step`, or where it failed."""

    step: Annotated[str, Meta(max_length=200)] | None = None


@ROUTES.add("GET", "/api/executions", "executions.read")
async def list_executions(service: Service, request: Request, query: ListExecutions) -> Page[ExecutionSummary]:
    """Runs, the newest first."""
    where = await _where(service, request.who, query)
    after = position_of(query.cursor, tuple[int, str]) if query.cursor else ()
    read = partial(
        service.store.find, ExecutionRecord, order=("-created_ms", "-id"), after=after, limit=query.limit + 1,
        without=_BULK,
    )  # fmt: skip
    rows: list[ExecutionRecord] = []
    for number, apart in enumerate(await _apart(service, request.who, query), 1):
        rows += await read(*apart, *where)
        if number % _MERGED == 0:
            rows = _newest(rows, query.limit + 1)
            await asyncio.sleep(0)  # short reads are made at once, and others wait
    return page_of(_newest(rows, query.limit + 1), query.limit, _summary, lambda row: (row.created_ms, row.id))


async def _apart(service: Service, who: Principal, query: ListExecutions) -> list[tuple[Where, ...]]:
    """Searches that together find what is asked for, and that an index leads straight to. One search for the runs of
    some tasks would pass every run of every other on its way; one for a text, every run that has no error."""
    found: list[tuple[Where, ...]] = [()]
    if query.task is None and who.tasks is not None:
        tasks = await service.store.find(TaskRecord, Where("name", "in", tuple(sorted(who.tasks))))
        found = [(Where("task_id", "=", task.id),) for task in tasks]
    if query.text and query.status is None:
        found = [(*each, Where("status", "=", status)) for each in found for status in _WITH_ERRORS]
    return found


def _newest(rows: list[ExecutionRecord], limit: int) -> list[ExecutionRecord]:
    return heapq.nlargest(limit, rows, key=lambda row: (row.created_ms, row.id))


async def _where(service: Service, who: Principal, query: ListExecutions) -> list[Where]:
    where: list[Where] = []
    if query.task is not None:
        where.append(Where("task_id", "=", (await service.workspace.tasks.find(who, query.task)).id))
    if query.status is not None:
        where.append(Where("status", "=", query.status))
    since = query.since
    if since is not None:
        where.append(Where("created_ms", ">=", int(since.timestamp() * 1000)))
    if query.until is not None:
        where.append(Where("created_ms", "<", int(query.until.timestamp() * 1000)))
    if query.text:
        where.append(Where("error", "contains", query.text))
        if since is None:  # a search through every run there ever was would slow everybody down
            now_ms = int(service.clock.now().timestamp() * 1000)
            where.append(Where("created_ms", ">=", now_ms - SEARCHED_DAYS * DAY_MS))
    if who.practice:
        where.append(Where("practice", "=", True))
    return where


def _summary(row: ExecutionRecord) -> ExecutionSummary:
    return ExecutionSummary(
        execution_id=row.id, task=row.task, task_id=row.task_id, version=row.version, status=row.status,
        origin=row.origin, origin_id=row.origin_id, principal=row.principal, parent=row.parent, practice=row.practice,
        cancelling=row.cancelling and row.status not in ENDED, error_code=row.error_code, error=row.error,
        created_ms=row.created_ms, started_ms=row.started_ms, finished_ms=row.finished_ms, duration_ms=row.duration_ms,
    )  # fmt: skip


class ExecutionView(msgspec.Struct, frozen=True, kw_only=True):
    """A run with what it was given and what it gave. `program` is the SHA-256 of what ran. `erased`: only that it ran
    is known any more. `duration_ms` is null, and the report empty, while it has not ended."""

    execution_id: str
    status: str
    duration_ms: int | None
    output: Any
    task: str
    task_id: str
    version: int
    program: str
    origin: str
    origin_id: str | None
    principal: str
    parent: str | None
    practice: bool
    cancelling: bool
    erased: bool
    created_ms: int
    started_ms: int | None
    finished_ms: int | None
    wakes_ms: int | None
    input: Any
    payload: Any
    completed_actions: int
    failed_action: int | None
    error: str | None
    error_code: str | None
    error_hint: str
    fallback_executed: bool
    uncertain: tuple[str, ...]


class EventView(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened in a run: its number from 1, what it was, when (microseconds since the start), and its
    own fields."""

    number: int
    kind: str
    at_us: int
    data: Any


class ReplayView(msgspec.Struct, frozen=True, kw_only=True):
    """`equal` when the replay did exactly what the run did."""

    execution_id: str
    status: str
    equal: bool
    recorded: str
    trace_hash: str


class LineView(msgspec.Struct, frozen=True, kw_only=True):
    """The timeline of a run, as data and as text."""

    timeline: Timeline
    text: str


async def seen(service: Service, request: Request, execution_id: str) -> ExecutionDetail:
    """A run that the caller may see. Raises: EngineError `unknown_execution`: what one may not see is not there."""
    detail = await service.engine.execution(execution_id)
    who = request.who
    hidden = who.tasks is not None and detail.task not in who.tasks and detail.task_id not in who.tasks
    if hidden or (who.practice and not detail.practice):
        raise no_execution(execution_id)
    return detail


@ROUTES.add("GET", "/api/executions/{execution_id}", "executions.read")
async def get_execution(service: Service, request: Request, execution_id: str) -> ExecutionView:
    """One run: how it is, what it was given, what it gave."""
    held = await seen(service, request, execution_id)
    result = held.result
    return ExecutionView(
        execution_id=held.execution_id, status=held.status, duration_ms=result.duration_ms, output=result.output,
        task=held.task, task_id=held.task_id, version=held.version, program=held.program, origin=held.origin,
        origin_id=held.origin_id, principal=held.principal, parent=held.parent, practice=held.practice,
        cancelling=held.cancelling, erased=held.erased, created_ms=held.created_ms, started_ms=held.started_ms,
        finished_ms=held.finished_ms, wakes_ms=held.wakes_ms, input=held.input, payload=held.payload,
        completed_actions=result.completed_actions, failed_action=result.failed_action, error=result.error,
        error_code=result.error_code, error_hint=result.error_hint, fallback_executed=result.fallback_executed,
        uncertain=result.uncertain,
    )  # fmt: skip


@ROUTES.add("GET", "/api/executions/{execution_id}/events", "executions.read", live=True, answer=Page[EventView])
async def get_events(service: Service, request: Request, execution_id: str) -> Page[EventView] | Stream:
    """What happened in a run so far.

    As a stream: what happened and what happens, until the run has ended; the last event, `result`, says how.
    """
    held = await seen(service, request, execution_id)
    if not wants_stream(request):
        events = await service.engine.events(execution_id)
        return Page(tuple(_event(number, event) for number, event in enumerate(events, 1)))
    said = last_id(request)
    if said and not (said.isascii() and said.isdigit()):
        raise Declined(400, "malformed_header", "Last-Event-ID is not one of this stream's")
    token = request.header(b"authorization").partition(" ")[2].strip()
    still = partial(service.workspace.keys.authenticate, token)
    return service.streams.open(request, _watched(service, held.execution_id, int(said or "0")), still=still)


async def _watched(service: Service, execution_id: str, after: int) -> AsyncIterator[Happening]:
    number = 0
    async for event in service.engine.watch(execution_id):
        number += 1
        if number > after:
            view = _event(number, event)
            yield Happening(kind=view.kind, data=view, id=str(number))
    result = (await service.engine.execution(execution_id)).result
    yield Happening(kind="result", data=ended(result), id=str(number))


def _event(number: int, event: Event) -> EventView:
    fields = {name: getattr(event, name) for name in event.__struct_fields__ if name != "at_us"}
    return EventView(number=number, kind=_snake(type(event).__name__), at_us=event.at_us, data=fields)


def _snake(name: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name).lstrip("_")


@ROUTES.add("GET", "/api/executions/{execution_id}/timeline", "executions.read")
async def get_timeline(service: Service, request: Request, execution_id: str) -> LineView:
    """What happened when, action by action."""
    await seen(service, request, execution_id)
    held = await service.engine.timeline(execution_id)
    return LineView(timeline=held, text=held.text())


@ROUTES.add("POST", "/api/executions/{execution_id}/cancel", "executions.control", answer=Ran | Trouble, also=(202,))
async def cancel_execution(service: Service, request: Request, execution_id: str) -> Answer:
    """Have a run end: nothing more starts, what was sent runs to its end. Twice is once."""
    await seen(service, request, execution_id)
    return run_answer(await service.engine.cancel(execution_id))


@ROUTES.add("POST", "/api/executions/{execution_id}/retry", "executions.control", answer=Ran | Trouble, also=(202,))
async def retry_execution(service: Service, request: Request, execution_id: str, body: Retry) -> Answer:
    """Do an ended run again from where it failed, or from a step, as a new run. What finished stands."""
    await seen(service, request, execution_id)
    wait_ms = service.settings.server.wait_timeout_ms
    return run_answer(await service.engine.retry(execution_id, body.step, principal=request.who, wait_ms=wait_ms))


@ROUTES.add("POST", "/api/executions/{execution_id}/replay", "executions.control")
async def replay_execution(service: Service, request: Request, execution_id: str) -> ReplayView:
    """Run an ended run again against its record: nobody is called, and the same must happen."""
    await seen(service, request, execution_id)
    held = await service.engine.replay(execution_id)
    return ReplayView(
        execution_id=execution_id, status=held.status, equal=held.equal, recorded=held.recorded,
        trace_hash=held.trace_hash,
    )  # fmt: skip


@ROUTES.add("POST", "/api/executions/{execution_id}/erase", "executions.control")
async def erase_execution(service: Service, request: Request, execution_id: str) -> None:
    """Destroy what an ended run carried, for ever. That it ran, and how it ended, stays known."""
    await seen(service, request, execution_id)
    await service.engine.erase(execution_id, request.who)
