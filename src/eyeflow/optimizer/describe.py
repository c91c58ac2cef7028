"""A plan as people read it: the seed's lines first, then every decision with its reason.

Knows: the seed's spelling (`[1, 2]`, `{slack_connector: READY}`). In: a plan. Out: text. Never: decides.
"""

from __future__ import annotations

from eyeflow.ir.plan import Plan

_KINDS = (
    ("bind", "Connections"),
    ("pool", "Pools"),
    ("cache", "Caches"),
    ("batch", "Batches"),
    ("memory", "Memory"),
    ("rewrite", "Rewrites"),
)


def order_line(plan: Plan) -> str:
    """The order in which the actions start: `[1, 2, 3]`."""
    return f"[{', '.join(map(str, plan.order))}]"


def stages_line(plan: Plan) -> str:
    """Actions that may start together, stage by stage: `1 2 | 3`."""
    return " | ".join(" ".join(map(str, stage.actions)) for stage in plan.stages) or "none"


def resources_line(plan: Plan) -> str:
    """`{slack_connector: READY}`: what is connected before the first run, what computes in the process."""
    states = (f"{each.label}: {'READY' if each.ready else 'IN PROCESS'}" for each in plan.bindings)
    return f"{{{', '.join(dict.fromkeys(states))}}}"


def estimate_line(plan: Plan) -> str:
    """`40-73 ms`: the quickest and the slowest way along the critical path, by the catalog's latencies."""
    low, high = plan.estimate_ms
    return f"{low} ms" if low == high else f"{low}-{high} ms"


def describe_plan(plan: Plan) -> str:
    """The whole plan, a line per fact."""
    lines = [
        f"Execution order: {order_line(plan)}",
        f"Stages: {stages_line(plan)}",
        f"Pre-bound resources: {resources_line(plan)}",
        f"Estimated latency: {estimate_line(plan)} ({_why(plan, 'latency')})",
        "Actions:",
    ]
    whys = {each.subject: each for each in plan.decisions if each.kind == "order"}
    for number in plan.order:
        name = plan.task.actions[number - 1].name
        found = whys.get(name)
        lines.append(f"  {number}. {name}" + (f": {found.choice}, {found.why}" if found is not None else ""))
    for kind, title in _KINDS:
        held = [each for each in plan.decisions if each.kind == kind]
        if held:
            lines += [f"{title}:", *(f"  {each.subject}: {each.choice} ({each.why})" for each in held)]
    return "\n".join(lines)


def _why(plan: Plan, kind: str) -> str:
    return next((each.why for each in plan.decisions if each.kind == kind), "not estimated")
