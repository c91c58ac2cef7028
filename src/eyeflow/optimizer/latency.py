"""Pass: how long a run takes, along its critical path, from the latencies the catalog states.

Low: every choice takes its quickest branch, loops have one item. High: the slowest branch, ten items a loop.
Waits, approvals and rates are not counted: they are not the engine's time.
"""

from __future__ import annotations

from msgspec.structs import replace

from eyeflow.catalog.model import CompileContext
from eyeflow.ir.depends import needs, stages
from eyeflow.ir.plan import Decision, Plan
from eyeflow.ir.task import Action, Block, Conditional, ConnectorCall, ForEach, HttpCall

_OVERHEAD_MS = 1
_ITEMS = 10


def latency(plan: Plan, ctx: CompileContext) -> Plan:
    """Fills `estimate_ms` and `critical_path`."""
    low, _ = _scope(plan.task.actions, ctx, high=False)
    high, path = _scope(plan.task.actions, ctx, high=True)
    names = " -> ".join(plan.task.actions[n - 1].name for n in path) or "nothing"
    low, high = low + _OVERHEAD_MS, high + _OVERHEAD_MS
    choice = f"{low} ms" if low == high else f"{low}-{high} ms"
    said = Decision("latency", plan.task.name, choice, f"critical path: {names}")
    return replace(plan, estimate_ms=(low, high), critical_path=path, decisions=(*plan.decisions, said))


def _scope(actions: tuple[Action, ...], ctx: CompileContext, *, high: bool) -> tuple[int, tuple[int, ...]]:
    """The longest path through the actions of one scope, and the numbers on it."""
    longest: dict[int, tuple[int, tuple[int, ...]]] = {}
    waits = needs(actions)
    for group in stages(waits):
        for number in group:
            before = max((longest[n] for n in waits[number - 1]), default=(0, ()), key=lambda p: p[0])
            own = _action(actions[number - 1], ctx, high=high)
            longest[number] = (before[0] + own, (*before[1], number))
    return max(longest.values(), default=(0, ()), key=lambda p: (p[0], len(p[1])))


def _action(action: Action, ctx: CompileContext, *, high: bool) -> int:
    match action.do:
        case ConnectorCall(bound=bound) | HttpCall(bound=bound) if bound is not None:
            service = ctx.catalog.service(bound.service)
            capability = service.capability(bound.capability) if service is not None else None
            return 0 if capability is None or capability.value is not None else capability.latency_ms
        case Conditional(cases=cases, default=default):
            times = [_block(block, ctx, high=high) for block in (*(case.block for case in cases), default)]
            return max(times) if high else min(times)
        case ForEach(actions=actions, parallel=parallel):
            once, _ = _scope(actions, ctx, high=high)
            return once * max(1, _ITEMS // (parallel or 1)) if high else once
        case _:
            return 0


def _block(block: Block, ctx: CompileContext, *, high: bool) -> int:
    return _scope(block.actions, ctx, high=high)[0]
