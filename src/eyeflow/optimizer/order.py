"""Pass: what waits for what, which actions may start together, and in which order they are started.

Stages by levels, the order of starting by what comes first in the text, so that a rewrite of one action does not
change in which order others start. Source: Kahn's topological sort (1962).
"""

from __future__ import annotations

from msgspec.structs import replace

from eyeflow.catalog.model import CompileContext
from eyeflow.ir.depends import needs, stages, start_order
from eyeflow.ir.plan import Decision, Needs, Plan, Stage
from eyeflow.ir.task import Action


def order(plan: Plan, ctx: CompileContext) -> Plan:
    """Fills `needs`, `stages`, `order`."""
    del ctx
    actions = plan.task.actions
    waits = needs(actions)
    groups = stages(waits)
    assert sum(map(len, groups)) == len(actions), "the checker refuses cycles"
    decisions = [_why(number, actions, waits[number - 1]) for number in range(1, len(actions) + 1)]
    return replace(
        plan,
        needs=tuple(Needs(n, on) for n, on in enumerate(waits, 1)),
        stages=tuple(Stage(group) for group in groups),
        order=start_order(waits),
        decisions=(*plan.decisions, *decisions),
    )


def _why(number: int, actions: tuple[Action, ...], on: tuple[int, ...]) -> Decision:
    name = actions[number - 1].name
    if not on:
        return Decision("order", name, "starts at once", "it reads no result of another action")
    names = ", ".join(actions[n - 1].name for n in on)
    waits = set(actions[number - 1].after)
    said = all(actions[n - 1].name in waits for n in on)
    return Decision("order", name, f"after {names}", "it was said to come after" if said else "it reads what they give")
