"""Programs that wait to be approved."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from eyeflow.server.exchange import Request
from eyeflow.server.resources.paging import Page, Paged, page_of, position_of
from eyeflow.server.routes import Routes
from eyeflow.server.service import Service
from eyeflow.workspace.offers import ProposalView
from eyeflow.workspace.reviewing import ProposeRequest

ROUTES: Final = Routes("Proposals")


class ListProposals(Paged, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which proposals."""

    state: Literal["open", "approved", "rejected", "superseded"] = "open"


class Propose(ProposeRequest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sentence or LLM-IR for people to decide on."""


class Vote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A decision. `digest` is that of the program that was read: another one is refused."""

    digest: str | None = None
    comment: Annotated[str, Meta(max_length=2000)] = ""


@ROUTES.add("GET", "/api/proposals", "proposals.read")
async def list_proposals(service: Service, request: Request, query: ListProposals) -> Page[ProposalView]:
    """The proposals, the newest first."""
    after = position_of(query.cursor, tuple[int, str]) if query.cursor else None
    rows = await service.workspace.proposals.page(request.who, state=query.state, after=after, limit=query.limit + 1)
    return page_of(rows, query.limit, lambda row: row, lambda row: (row.created_ms, row.id))


@ROUTES.add("POST", "/api/proposals", "proposals.create", status=201)
async def propose(service: Service, request: Request, body: Propose) -> ProposalView:
    """Compile, and keep the program for people to decide on."""
    return await service.workspace.proposals.propose(request.who, body)


@ROUTES.add("GET", "/api/proposals/{proposal_id}", "proposals.read")
async def get_proposal(service: Service, request: Request, proposal_id: str) -> ProposalView:
    """One proposal: the sentence, the read-back, what it would change."""
    return await service.workspace.proposals.get(request.who, proposal_id)


@ROUTES.add("POST", "/api/proposals/{proposal_id}/approve", "proposals.decide")
async def approve_proposal(service: Service, request: Request, proposal_id: str, body: Vote) -> ProposalView:
    """Say yes. The last approval that is needed makes the program live."""
    return await service.workspace.proposals.decide(
        request.who, proposal_id, "approve", digest=body.digest, comment=body.comment
    )


@ROUTES.add("POST", "/api/proposals/{proposal_id}/reject", "proposals.decide")
async def reject_proposal(service: Service, request: Request, proposal_id: str, body: Vote) -> ProposalView:
    """Say no."""
    return await service.workspace.proposals.decide(
        request.who, proposal_id, "reject", digest=body.digest, comment=body.comment
    )
