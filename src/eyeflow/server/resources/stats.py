"""Figures for people: how much there is, how it went lately, what waits for somebody."""

from __future__ import annotations

from typing import Final

import msgspec

from eyeflow.server.dataplane import Health, Readiness, healthz, metrics, readyz
from eyeflow.server.exchange import Request
from eyeflow.server.routes import Routes
from eyeflow.server.service import Service
from eyeflow.store.port import Where
from eyeflow.store.records import ApprovalRecord, ExecutionRecord, ProposalRecord, TaskRecord, WorkRecord

ROUTES: Final = Routes("Operation")
DAY_MS: Final = 86_400_000
MOST: Final = 10_000
_ENDED: Final = ("success", "partial_failure", "failed", "cancelled")


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """`last_day` counts runs that began in the last 24 hours by status; no figure is counted beyond 10,000."""

    tasks_live: int
    tasks_paused: int
    unfinished: int
    last_day: dict[str, int]
    open_approvals: int
    open_proposals: int
    at_most: int = MOST


ROUTES.add("GET", "/api/healthz", "open", raw=True, answer=Health)(healthz)
ROUTES.add("GET", "/api/readyz", "open", raw=True, answer=Readiness, also=(503,))(readyz)
ROUTES.add("GET", "/api/metrics", "stats.read", raw=True, answer=str, content="text/plain")(metrics)


@ROUTES.add("GET", "/api/stats", "stats.read")
async def get_stats(service: Service, request: Request) -> Stats:
    """How much there is, how it went lately, what waits for somebody."""
    count, plain = service.store.count, Where("alias_of", "=", None)
    begun = Where("created_ms", ">=", int(service.clock.now().timestamp() * 1000) - DAY_MS)
    opened = Where("state", "=", "open")
    return Stats(
        tasks_live=await count(TaskRecord, Where("state", "=", "live"), plain, limit=MOST),
        tasks_paused=await count(TaskRecord, Where("state", "=", "paused"), plain, limit=MOST),
        unfinished=await count(WorkRecord, limit=MOST),
        last_day={
            status: await count(ExecutionRecord, Where("status", "=", status), begun, limit=MOST) for status in _ENDED
        },
        open_approvals=await count(ApprovalRecord, opened, limit=MOST),
        open_proposals=await count(ProposalRecord, opened, limit=MOST),
    )  # fmt: skip
