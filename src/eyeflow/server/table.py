"""THE table: every route of the server.

Knows: the modules that have routes. In: nothing. Out: rows, in the order of the documentation. Never: a route that is
not a row.
"""

from __future__ import annotations

from typing import Final

from eyeflow.server import dataplane
from eyeflow.server.resources import (
    approvals,
    audit,
    catalog,
    compiling,
    connections,
    documents,
    executions,
    folders,
    notices,
    people,
    proposals,
    rules,
    secrets,
    simulating,
    starts,
    stats,
    tasks,
)  # fmt: skip
from eyeflow.server.routes import Route

TABLE: Final[tuple[Route, ...]] = tuple(
    row
    for routes in (
        dataplane.ROUTES, dataplane.HOOKS, executions.ROUTES, tasks.ROUTES, compiling.ROUTES, simulating.ROUTES,
        proposals.ROUTES, rules.ROUTES, approvals.ROUTES, connections.ROUTES, catalog.ROUTES, secrets.ROUTES,
        starts.ROUTES, people.ROUTES, notices.ROUTES, folders.ROUTES, audit.ROUTES,
        stats.ROUTES, documents.ROUTES, dataplane.HEALTH,
    )
    for row in routes.rows
)  # fmt: skip
