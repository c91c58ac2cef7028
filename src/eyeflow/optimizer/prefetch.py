"""Pass: of what may start together, reads start before computations, so that both go on at the same time.

A computation runs in the process and holds everything up until it is done; a read spends its time elsewhere. Only the
order of starting changes, never what waits for what. A read passes only computations that cannot fail: the others
decide whether it starts at all. Writes keep their places.
"""

from __future__ import annotations

from msgspec.structs import replace

from eyeflow.catalog.model import CompileContext
from eyeflow.ir.plan import Decision, Plan
from eyeflow.ir.task import Action, Transform
from eyeflow.optimizer.facts import plain, reads, sure


def prefetch(plan: Plan, ctx: CompileContext) -> Plan:
    """Changes `order`; one decision for each read that starts earlier."""
    actions = plan.task.actions
    needed = {each.action: each.on for each in plan.needs}
    order = list(plan.order)
    said: list[Decision] = []
    for number in plan.order:
        action = actions[number - 1]
        capability = reads(action, ctx)
        if capability is None or capability.value is not None or not sure(action.when):
            continue
        at = start = order.index(number)
        while at and order[at - 1] not in needed.get(number, ()) and _computes(actions[order[at - 1] - 1]):
            at -= 1
        if at < start:
            passed = ", ".join(actions[n - 1].name for n in order[at:start])
            order.insert(at, order.pop(start))
            why = "it spends its time elsewhere; saves the time of the computation"
            said.append(Decision("rewrite", action.name, f"starts before {passed}", why))
    return replace(plan, order=tuple(order), decisions=(*plan.decisions, *said))


def _computes(action: Action) -> bool:
    """True for a computation that cannot fail."""
    return isinstance(action.do, Transform) and plain(action) and sure(action.do.value)
