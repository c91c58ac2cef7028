"""Capabilities bound to connections, with what the plan decided about each connection.

Knows: what of a catalog entry the machine must hold to. In: a bound call, the plan, the context.
Out: `CallBinding`. Never: reads a credential; it copies the reference.
"""

from __future__ import annotations

from eyeflow.catalog.model import Capability, CompileContext, Connection, Service
from eyeflow.ir.plan import Binding, Plan
from eyeflow.ir.program import CallBinding
from eyeflow.ir.task import Bound


class UnboundCallError(Exception):
    """A call names something the context does not have; `what` says it."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def call_binding(bound: Bound, plan: Plan, ctx: CompileContext) -> CallBinding:
    """The binding of one call.

    Raises:
        UnboundCallError: the service, its capability or the connection is not in the context.
    """
    service = ctx.catalog.service(bound.service)
    if service is None:
        raise UnboundCallError(f"the catalog has no service {bound.service!r}")
    capability = service.capability(bound.capability)
    if capability is None:
        raise UnboundCallError(f"{bound.service!r} has no capability {bound.capability!r}")
    connection = _connection(bound, ctx)
    decided = _decided(bound, plan)
    return CallBinding(
        label=decided.label if decided is not None else label(service),
        service=service.id,
        capability=capability.name,
        connection=connection.name,
        credential=connection.credential,
        digest=service.digest,
        effect=capability.effect,
        idempotent=is_idempotent(capability),
        keyed=capability.idempotency_header is not None,
        timeout_ms=capability.timeout_ms,
        ready=decided.ready if decided is not None else True,
        pool=decided.pool if decided is not None else 1,
    )


def label(service: Service) -> str:
    """The seed's name of a bound connector: first alias, else id, and `_connector`."""
    return f"{service.aliases[0] if service.aliases else service.id}_connector"


def is_idempotent(capability: Capability) -> bool:
    """True when doing it twice is doing it once: said so, or it changes nothing."""
    return capability.idempotent or capability.effect in ("pure", "read")


def _connection(bound: Bound, ctx: CompileContext) -> Connection:
    for connection in ctx.connections:
        if connection.name == bound.connection:
            if connection.service != bound.service:
                raise UnboundCallError(f"connection {bound.connection!r} is one of {connection.service!r}")
            return connection
    if bound.connection == bound.service:
        return Connection(name=bound.connection, service=bound.service, implicit=True)
    raise UnboundCallError(f"there is no connection {bound.connection!r}")


def _decided(bound: Bound, plan: Plan) -> Binding | None:
    for binding in plan.bindings:
        if binding.service == bound.service and binding.connection == bound.connection:
            return binding
    return None
