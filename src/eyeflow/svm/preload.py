"""Stage 8: connectors are taken in hand, and those the plan calls READY are connected before the first run.

Knows: the plan's decisions `ready` and `pool`, per connection. In: resolved bindings, the connector host.
Out: one handle for each binding. Never: calls a capability.
"""

from __future__ import annotations

import asyncio

from eyeflow.errors import CallError, LoadError
from eyeflow.ir.program import CallBinding
from eyeflow.svm.host import ConnectorHost, Handle
from eyeflow.svm.resolve import Resolved


async def preload(
    bindings: tuple[CallBinding, ...], resolved: tuple[Resolved, ...], host: ConnectorHost, *, connect: bool
) -> tuple[Handle, ...]:
    """The handle of each binding; a connection's pool is the largest any of its bindings wants. Without `connect`
    nothing is connected now: a replay calls nobody.

    Raises: LoadError `unknown_connector`; `connector_unavailable` when a READY connection cannot be made.
    """
    pools: dict[str, int] = {}
    for binding, each in zip(bindings, resolved, strict=True):
        name = each.connection.name
        pools[name] = max(pools.get(name, 1), binding.pool)
    handles = tuple(host.handle(each.service, each.connection, pools[each.connection.name]) for each in resolved)
    wanted = {
        each.connection.name: handle
        for binding, each, handle in zip(bindings, resolved, handles, strict=True)
        if binding.ready and connect
    }
    outcomes = await asyncio.gather(*(handle.initialize() for handle in wanted.values()), return_exceptions=True)
    for name, outcome in zip(wanted, outcomes, strict=True):
        if isinstance(outcome, CallError):
            raise LoadError(
                "connector_unavailable", f"connection {name} could not be made: {outcome.message}",
                hint=outcome.hint or "try again when the service answers",
            ) from outcome  # fmt: skip
        if isinstance(outcome, BaseException):
            raise outcome
    return handles
