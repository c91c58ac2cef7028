"""The calls of a Task as the passes look at them.

Knows: where calls stand (top-level number, path of names, inside how many loops). In: a checked Task.
Out: `Site`s in the order of the text. Never: decides.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from eyeflow.catalog.model import Capability, CompileContext, Service
from eyeflow.ir.task import Action, Bound, Conditional, ConnectorCall, ForEach, HttpCall, Task


class Site(msgspec.Struct, frozen=True, eq=False):
    """One call: `number` of the top-level action that holds it, `path` of action names joined by dots, and how many
    copies of it may be in flight at once because of PARALLEL loops around it."""

    number: int
    path: str
    action: Action
    bound: Bound
    service: Service
    capability: Capability
    width: int


def sites(task: Task, ctx: CompileContext) -> tuple[Site, ...]:
    """Every call of `task` that is bound, ON_FAILURE's last (with number 0)."""
    found: list[Site] = []
    for number, action in enumerate(task.actions, 1):
        found += _within(action, number, "", 1, ctx)
    for action in task.on_failure:
        found += _within(action, 0, "on_failure", 1, ctx)
    return tuple(found)


def _within(action: Action, number: int, path: str, width: int, ctx: CompileContext) -> Iterator[Site]:
    here = f"{path}.{action.name}" if path else action.name
    do = action.do
    if isinstance(do, ConnectorCall | HttpCall) and do.bound is not None:
        service = ctx.catalog.service(do.bound.service)
        capability = service.capability(do.bound.capability) if service is not None else None
        if service is not None and capability is not None:
            yield Site(number, here, action, do.bound, service, capability, width)
    for inner, wider in _inside(action, width):
        yield from _within(inner, number, here, wider, ctx)


def _inside(action: Action, width: int) -> Iterator[tuple[Action, int]]:
    match action.do:
        case Conditional(cases=cases, default=default):
            for block in (*(case.block for case in cases), default):
                yield from ((inner, width) for inner in block.actions)
        case ForEach(actions=actions, parallel=parallel):
            yield from ((inner, width * (parallel or 1)) for inner in actions)
        case _:
            pass
    if action.fallback is not None:
        yield from ((inner, width) for inner in action.fallback.actions)
