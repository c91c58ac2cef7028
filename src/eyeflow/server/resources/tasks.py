"""Deployed tasks: look, deploy, change, pause, roll back."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from eyeflow.server.exchange import Request
from eyeflow.server.resources.paging import Limit, Page, Paged, page_of, position_of
from eyeflow.server.routes import Routes
from eyeflow.server.service import Service
from eyeflow.workspace.explaining import ExplainView
from eyeflow.workspace.graph import GraphView
from eyeflow.workspace.offers import ProposalView
from eyeflow.workspace.reviewing import ProposeRequest
from eyeflow.workspace.tasks import BytecodeView, Changed, TaskView, VersionView

ROUTES: Final = Routes("Tasks")


class ListTasks(Paged, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which tasks."""

    state: Annotated[Literal["live", "paused"] | None, Meta(description="only these")] = None
    text: Annotated[str, Meta(max_length=100, description="part of the name")] = ""


class Deploy(ProposeRequest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sentence or LLM-IR that becomes a task at once, where authors may approve what they wrote."""


class Redeploy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the task in the path becomes."""

    text: str
    language: Literal["english", "ir", "intent"] | None = None
    answers: dict[str, str] = {}
    practice: bool = False


class Deployed(msgspec.Struct, frozen=True, kw_only=True):
    """What is live now, and the proposal that made it so."""

    tasks: tuple[TaskView, ...]
    proposal: ProposalView


class OfVersion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which version; the running one without."""

    version: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None


class ListVersions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many versions, the newest first."""

    limit: Limit = 50


class Rollback(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The version that runs again."""

    version: Annotated[int, Meta(ge=1, le=2**31 - 1)]


class PauseAll(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every task, or those that use `service`."""

    service: str | None = None


class Removing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What becomes of runs that have begun."""

    runs: Literal["finish", "cancel"] = "finish"


class Alias(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One more name."""

    alias: str


class Retention(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long executions are kept; null for ever."""

    days: Annotated[int, Meta(ge=1, le=36_500)] | None


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A version as it was written and as it became."""

    task: str
    version: int
    digest: str
    language: str
    source: str
    ir: str


@ROUTES.add("GET", "/api/tasks", "tasks.read")
async def list_tasks(service: Service, request: Request, query: ListTasks) -> Page[TaskView]:
    """The tasks, by name."""
    after = position_of(query.cursor, str) if query.cursor else ""
    rows = await service.workspace.tasks.page(
        request.who, state=query.state, text=query.text, after=after, limit=query.limit + 1
    )
    return page_of(rows, query.limit, lambda row: row, lambda row: row.name)


@ROUTES.add("POST", "/api/tasks", "tasks.deploy", status=201)
async def deploy_task(service: Service, request: Request, body: Deploy) -> Deployed:
    """Compile and deploy. Where another person has to approve, propose instead (`POST /api/proposals`)."""
    return await _deployed(service, request, body)


async def _deployed(service: Service, request: Request, wanted: ProposeRequest) -> Deployed:
    proposal = await service.workspace.proposals.deploy(request.who, wanted)
    names = [each.program.task for each in proposal.review.programs]
    tasks = [await service.workspace.tasks.get(request.who, name) for name in names]
    return Deployed(tasks=tuple(tasks), proposal=proposal)


@ROUTES.add("GET", "/api/tasks/{task_id}", "tasks.read")
async def get_task(service: Service, request: Request, task_id: str) -> TaskView:
    """One task, by name, alias or id."""
    return await service.workspace.tasks.get(request.who, task_id)


@ROUTES.add("PUT", "/api/tasks/{task_id}", "tasks.deploy")
async def replace_task(service: Service, request: Request, task_id: str, body: Redeploy) -> Deployed:
    """Deploy a new version of the task, or the first one under this name."""
    wanted = ProposeRequest(
        text=body.text, language=body.language, name=task_id, answers=body.answers, practice=body.practice
    )
    return await _deployed(service, request, wanted)


@ROUTES.add("DELETE", "/api/tasks/{task_id}", "tasks.manage")
async def delete_task(service: Service, request: Request, task_id: str, query: Removing) -> None:
    """Take a task out of use. What ran stays to be looked at."""
    await service.workspace.tasks.delete(request.who, task_id, runs=query.runs)


@ROUTES.add("GET", "/api/tasks/{task_id}/versions", "tasks.read")
async def list_versions(service: Service, request: Request, task_id: str, query: ListVersions) -> Page[VersionView]:
    """Its versions, the newest first."""
    return Page(await service.workspace.tasks.versions(request.who, task_id, limit=query.limit))


@ROUTES.add("POST", "/api/tasks/{task_id}/rollback", "tasks.manage")
async def roll_back_task(service: Service, request: Request, task_id: str, body: Rollback) -> TaskView:
    """Run an earlier version again, with the very same program."""
    return await service.workspace.tasks.rollback(request.who, task_id, body.version)


@ROUTES.add("POST", "/api/tasks/{task_id}/pause", "tasks.manage")
async def pause_task(service: Service, request: Request, task_id: str) -> TaskView:
    """No new runs. What has begun goes on."""
    return await service.workspace.tasks.pause(request.who, task_id)


@ROUTES.add("POST", "/api/tasks/{task_id}/resume", "tasks.manage")
async def resume_task(service: Service, request: Request, task_id: str) -> TaskView:
    """New runs again."""
    return await service.workspace.tasks.resume(request.who, task_id)


@ROUTES.add("POST", "/api/tasks/pause-all", "tasks.manage")
async def pause_all_tasks(service: Service, request: Request, body: PauseAll) -> Changed:
    """Pause every task, or every one that uses a service."""
    return await service.workspace.tasks.pause_all(request.who, service=body.service)


@ROUTES.add("POST", "/api/tasks/resume-all", "tasks.manage")
async def resume_all_tasks(service: Service, request: Request) -> Changed:
    """Resume what was paused all at once."""
    return await service.workspace.tasks.resume_all(request.who)


@ROUTES.add("POST", "/api/tasks/{task_id}/aliases", "tasks.manage", status=201)
async def add_alias(service: Service, request: Request, task_id: str, body: Alias) -> TaskView:
    """Give a task one more name."""
    return await service.workspace.tasks.alias(request.who, task_id, body.alias)


@ROUTES.add("DELETE", "/api/tasks/{task_id}/aliases/{alias}", "tasks.manage")
async def remove_alias(service: Service, request: Request, task_id: str, alias: str) -> None:
    """Take a further name away."""
    await service.workspace.tasks.unalias(request.who, alias)


@ROUTES.add("PUT", "/api/tasks/{task_id}/retention", "tasks.manage")
async def set_retention(service: Service, request: Request, task_id: str, body: Retention) -> TaskView:
    """How long executions of the task are kept."""
    return await service.workspace.tasks.keep(request.who, task_id, body.days)


@ROUTES.add("GET", "/api/tasks/{task_id}/ir", "tasks.read")
async def get_ir(service: Service, request: Request, task_id: str, query: OfVersion) -> Source:
    """A version as it was written, and as LLM-IR."""
    task, row = await service.workspace.tasks.version(request.who, task_id, query.version)
    return Source(
        task=task.name, version=row.number, digest=row.digest, language=row.language, source=row.source, ir=row.ir
    )


@ROUTES.add("GET", "/api/tasks/{task_id}/bytecode", "tasks.read")
async def get_bytecode(service: Service, request: Request, task_id: str, query: OfVersion) -> BytecodeView:
    """The sealed artifact of a version, and its listing."""
    return await service.workspace.tasks.bytecode(request.who, task_id, query.version)


@ROUTES.add("GET", "/api/tasks/{task_id}/graph", "tasks.read")
async def get_graph(service: Service, request: Request, task_id: str, query: OfVersion) -> GraphView:
    """A version as nodes and edges."""
    return await service.workspace.graphs.of(request.who, task_id, query.version)


@ROUTES.add("GET", "/api/tasks/{task_id}/explain", "tasks.read")
async def explain_task(service: Service, request: Request, task_id: str, query: OfVersion) -> ExplainView:
    """A version in plain English, as it was approved."""
    return await service.workspace.explaining.of(request.who, task_id, query.version)
