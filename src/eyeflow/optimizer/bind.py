"""Pass: which connections are used, whether to connect before the first run, and how many connections to keep."""

from __future__ import annotations

from collections import defaultdict

from msgspec.structs import replace

from eyeflow.catalog.model import CompileContext, Service
from eyeflow.ir.plan import Binding, Decision, Plan
from eyeflow.optimizer.calls import Site, sites

MOST_POOLED = 16
"""Connections kept for one account at the most; more waits at the pool."""


def bind(plan: Plan, ctx: CompileContext) -> Plan:
    """Fills `bindings`, in the order in which the text first uses each connection."""
    used: dict[tuple[str, str], list[Site]] = defaultdict(list)
    for site in sites(plan.task, ctx):
        used[site.bound.service, site.bound.connection].append(site)
    stage_of = {n: i for i, stage in enumerate(plan.stages) for n in stage.actions}
    bindings: list[Binding] = []
    said: list[Decision] = []
    for (_, connection), calls in used.items():
        service = calls[0].service
        remote = any(call.capability.value is None for call in calls)
        pool = _pool(calls, stage_of) if remote else 1
        label = label_of(service)
        bindings.append(Binding(label=label, service=service.id, connection=connection, ready=remote, pool=pool))
        said.append(_ready(label, remote=remote))
        if remote:
            why = "so many calls may be under way together" if pool > 1 else "its calls never overlap"
            said.append(Decision("pool", label, f"{pool} kept open" if pool > 1 else "1 kept open", why))
    return replace(plan, bindings=tuple(bindings), decisions=(*plan.decisions, *said))


def _ready(label: str, *, remote: bool) -> Decision:
    if remote:
        return Decision("bind", label, "READY", "connected when the program is loaded, not at the first call")
    return Decision("bind", label, "IN PROCESS", "pure functions need no connection")


def label_of(service: Service) -> str:
    """The seed's name for a bound connector: the service's first alias (else its id) and `_connector`."""
    name = service.aliases[0] if service.aliases else service.id
    return "_".join(name.casefold().replace("-", " ").split()) + "_connector"


def _pool(calls: list[Site], stage_of: dict[int, int]) -> int:
    """The most calls of one stage, each as wide as the loops around it."""
    together: dict[int, int] = defaultdict(int)
    for call in calls:
        together[stage_of.get(call.number, -1)] += call.width
    return min(max(together.values()), MOST_POOLED)
