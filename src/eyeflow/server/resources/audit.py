"""The audit: who did what, and whether anybody changed what was written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from eyeflow.secrets import Verdict, exported
from eyeflow.server.exchange import NO_STORE, Request, Stream
from eyeflow.server.resources.paging import Page, Paged, page_of, position_of
from eyeflow.server.routes import Routes
from eyeflow.server.service import Service
from eyeflow.store.port import Where
from eyeflow.store.records import AuditRecord

ROUTES: Final = Routes("Audit")


class ListAudit(Paged, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which rows, the newest first."""

    actor: Annotated[str | None, Meta(description="only what this principal did")] = None
    object: Annotated[str | None, Meta(description="only what was done to this, as `kind:name`")] = None
    action: Annotated[str | None, Meta(description="only this action")] = None


class AuditView(msgspec.Struct, frozen=True, kw_only=True):
    """A row. `digest` chains it to the one before, in hexadecimal."""

    seq: int
    at_ms: int
    actor: str
    action: str
    object: str
    detail: Any
    digest: str


@ROUTES.add("GET", "/api/audit", "audit.read")
async def list_audit(service: Service, request: Request, query: ListAudit) -> Page[AuditView]:
    """What was done, the newest first."""
    given = (("actor", query.actor), ("object", query.object), ("action", query.action))
    where = [Where(column, "=", value) for column, value in given if value is not None]
    after = (position_of(query.cursor, int),) if query.cursor else ()
    rows = await service.store.find(AuditRecord, *where, order=("-seq",), after=after, limit=query.limit + 1)
    return page_of(rows, query.limit, _view, lambda row: row.seq)


@ROUTES.add("POST", "/api/audit/verify", "audit.read")
async def verify_audit(service: Service, request: Request) -> Verdict:
    """Walk the chain, and name the first row that is not as it was written."""
    return await service.chain.verify(service.store)


@ROUTES.add("GET", "/api/audit/export", "audit.read", answer=str, content="application/x-ndjson")
async def export_audit(service: Service, request: Request) -> Stream:
    """All rows as lines of JSON, the oldest first."""
    return Stream(_lines(service), ((b"content-type", b"application/x-ndjson"), NO_STORE), close=lambda: None)


async def _lines(service: Service) -> AsyncIterator[bytes]:
    async for line in exported(service.store):
        yield line


def _view(row: AuditRecord) -> AuditView:
    return AuditView(
        seq=row.seq, at_ms=row.at_ms, actor=row.actor, action=row.action, object=row.object,
        detail=msgspec.json.decode(row.detail), digest=row.digest.hex(),
    )  # fmt: skip
