"""Stage 7: every binding of a program meets the catalog, the connection and the connector it names.

Knows: what must agree before anything of a program may run. In: a program, the machine's catalog and connections.
Out: one `Resolved` for each binding. Never: connects (stage 8 does).
"""

from __future__ import annotations

import msgspec

from eyeflow.catalog.model import Capability, Catalog, Connection, Policy, Role, Service
from eyeflow.catalog.policies import role_allowed
from eyeflow.diagnostics import nearest
from eyeflow.errors import LoadError
from eyeflow.ir.program import CallBinding, Program


class World(msgspec.Struct, frozen=True, kw_only=True):
    """What a machine lets programs use: frozen at run time. `batching`: reads may go together in one request."""

    catalog: Catalog = Catalog()
    connections: tuple[Connection, ...] = ()
    role: Role = "owner"
    policy: Policy = Policy()
    batching: bool = True


class Resolved(msgspec.Struct, frozen=True):
    """What a binding names. `many`: the capability that answers many such reads at once, where there is one
    that the role may use too."""

    service: Service
    capability: Capability
    connection: Connection
    many: Capability | None = None


def resolve(program: Program, world: World) -> tuple[Resolved, ...]:
    """All bindings of `program`, in order.

    Raises: LoadError `unknown_connector`, `catalog_drift`, `unknown_connection`, `not_allowed`.
    """
    return tuple(_resolve(binding, world) for binding in program.bindings)


def _resolve(binding: CallBinding, world: World) -> Resolved:
    service = world.catalog.service(binding.service)
    if service is None:
        close = nearest(binding.service, (s.id for s in world.catalog.services))
        raise LoadError(
            "unknown_connector", f"service {binding.service} is not in this machine's catalog",
            hint=f"did you mean {close[0]}?" if close else "",
        )  # fmt: skip
    capability = service.capability(binding.capability)
    if capability is None or service.digest != binding.digest:
        raise LoadError(
            "catalog_drift", f"service {binding.service} is not what this program was compiled against",
            hint="compile it again, and look at what changed",
        )  # fmt: skip
    decision = role_allowed(world.role, world.policy, service, capability.name)
    if not decision.allowed:
        what = f"{service.id}.{capability.name}"
        raise LoadError("not_allowed", f"role {world.role} may not use {what}", hint=decision.why)
    connection = _connection(binding, service, world)
    return Resolved(service, capability, connection, _many(service, capability, world))


def _many(service: Service, capability: Capability, world: World) -> Capability | None:
    name = None if capability.batch is None or not world.batching else capability.batch.capability
    if name is None or not role_allowed(world.role, world.policy, service, name).allowed:
        return None
    return service.capability(name)


def _connection(binding: CallBinding, service: Service, world: World) -> Connection:
    for connection in world.connections:
        if connection.name == binding.connection:
            if connection.service != service.id or connection.credential != binding.credential:
                raise LoadError(
                    "catalog_drift", f"connection {connection.name} is not what this program was compiled against",
                    hint="compile it again",
                )  # fmt: skip
            return connection
    if binding.connection == service.id and binding.credential is None:
        return Connection(name=service.id, service=service.id, implicit=True)
    close = nearest(binding.connection, (c.name for c in world.connections))
    raise LoadError(
        "unknown_connection", f"there is no connection {binding.connection}",
        hint=f"did you mean {close[0]}?" if close else f"add [connections.{binding.connection}]",
    )  # fmt: skip
