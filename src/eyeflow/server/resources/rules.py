"""What tasks decide, as data."""

from __future__ import annotations

from typing import Final

from eyeflow.server.exchange import Request
from eyeflow.server.resources.paging import Page, Paged, position_of, spelled
from eyeflow.server.routes import Routes
from eyeflow.server.service import Service
from eyeflow.workspace.rules import RuleView

ROUTES: Final = Routes("Rules")


class ListRules(Paged, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which rules; `limit` counts tasks. `task`: only those of one task."""

    task: str | None = None


@ROUTES.add("GET", "/api/rules", "tasks.read")
async def list_rules(service: Service, request: Request, query: ListRules) -> Page[RuleView]:
    """The rules of all tasks, by task, or of one."""
    if query.task is not None:
        return Page(await service.workspace.rules.of(request.who, query.task))
    after = position_of(query.cursor, str) if query.cursor else ""
    tasks = await service.workspace.tasks.page(request.who, after=after, limit=query.limit + 1)
    found: list[RuleView] = []
    for task in tasks[: query.limit]:
        found += await service.workspace.rules.of(request.who, task.id)
    return Page(tuple(found), spelled(tasks[query.limit - 1].name) if len(tasks) > query.limit else None)


@ROUTES.add("GET", "/api/rules/{rule_id}", "tasks.read")
async def get_rule(service: Service, request: Request, rule_id: str) -> RuleView:
    """One rule, `task.action`: its conditions in order, their branches, the default."""
    return await service.workspace.rules.get(request.who, rule_id)
