"""What people were told, or could not be told."""

from __future__ import annotations

from typing import Final

from eyeflow.server.exchange import Request
from eyeflow.server.resources.paging import Page, Paged, page_of, position_of
from eyeflow.server.routes import Routes
from eyeflow.server.service import Service
from eyeflow.workspace.notices.keeper import NoticeView

ROUTES: Final = Routes("Notices")


@ROUTES.add("GET", "/api/notices", "notices.read")
async def list_notices(service: Service, request: Request, query: Paged) -> Page[NoticeView]:
    """The notices, the newest first."""
    after = position_of(query.cursor, tuple[int, str]) if query.cursor else None
    rows = await service.workspace.notices.page(request.who, after=after, limit=query.limit + 1)
    return page_of(rows, query.limit, lambda row: row, lambda row: (row.created_ms, row.id))
