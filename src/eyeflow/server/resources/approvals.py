"""Questions that runs wait on: approvals, and calls nobody knows the end of."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from eyeflow.server.exchange import Request
from eyeflow.server.resources.paging import Page, Paged, page_of, position_of
from eyeflow.server.routes import Routes
from eyeflow.server.service import Service
from eyeflow.store.port import Where
from eyeflow.store.records import ApprovalRecord, TaskRecord

ROUTES: Final = Routes("Approvals")


class ListApprovals(Paged, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which questions."""

    state: Literal["open", "approved", "rejected", "expired", "sent", "again", "failed"] = "open"


class Decision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An approval is `approved` or `rejected`; an uncertain call was `sent`, is to be sent `again`, or `failed`."""

    verdict: Literal["approved", "rejected", "sent", "again", "failed"]
    comment: Annotated[str, Meta(max_length=2000)] = ""


class ApprovalView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A question: who may answer it (`role`), until when, and what was answered."""

    id: str
    execution_id: str
    task_id: str
    action: str
    iteration: str = ""
    kind: str
    role: str
    message: str
    state: str
    asked_ms: int
    expires_ms: int | None = None
    decided_by: str | None = None
    decided_ms: int | None = None
    comment: str = ""


@ROUTES.add("GET", "/api/approvals", "approvals.read")
async def list_approvals(service: Service, request: Request, query: ListApprovals) -> Page[ApprovalView]:
    """The questions in one state, the newest first."""
    where = [Where("state", "=", query.state)]
    if request.who.tasks is not None:
        names = Where("name", "in", tuple(sorted(request.who.tasks)))
        ids = tuple(row.id for row in await service.store.find(TaskRecord, names))
        where.append(Where("task_id", "in", ids))
    after = position_of(query.cursor, tuple[int, str]) if query.cursor else ()
    rows = await service.store.find(
        ApprovalRecord, *where, order=("-asked_ms", "-id"), after=after, limit=query.limit + 1
    )
    return page_of(rows, query.limit, view, lambda row: (row.asked_ms, row.id))


@ROUTES.add("POST", "/api/approvals/{approval_id}", "approvals.decide")
async def decide_approval(service: Service, request: Request, approval_id: str, body: Decision) -> ApprovalView:
    """Answer a question, once. The run goes on at once."""
    return view(await service.engine.decide(approval_id, body.verdict, request.who, body.comment))


def view(row: ApprovalRecord) -> ApprovalView:
    """A question as the API shows it."""
    return ApprovalView(
        id=row.id, execution_id=row.execution_id, task_id=row.task_id, action=row.action, iteration=row.iteration,
        kind=row.kind, role=row.role, message=row.message, state=row.state, asked_ms=row.asked_ms,
        expires_ms=row.expires_ms, decided_by=row.decided_by, decided_ms=row.decided_ms, comment=row.comment,
    )  # fmt: skip
