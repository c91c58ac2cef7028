"""Machines for another program to run compilations on: live ones, and rehearsals against practice services.

Knows: which connectors, credentials and ports make a machine that works. In: compilations, accounts. Out: `Machine`,
`Rehearsal`. Never: reads settings or keys by itself, prints, keeps state between calls.

    machine = live_machine(catalog, connections=connections, trust=[key.signer])
    execution = machine.run_sync(made.seal(key))
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from eyeflow.catalog.connections import implicit_connection
from eyeflow.catalog.model import Catalog, CompileContext, Connection, Policy, Role
from eyeflow.compilation import Compilation, compile_in
from eyeflow.connectors.credentials import Credentials, EnvCredentials
from eyeflow.connectors.registry import Factory, factories
from eyeflow.errors import CompileError
from eyeflow.ir.program import Artifact
from eyeflow.ir.seal import SignerKey, SigningKey
from eyeflow.simulate.practice import Practice
from eyeflow.svm import Execution, Machine, MemoryPublisher, Ports, ScriptedApprover
from eyeflow.svm.host import Credentials as Resolve
from eyeflow.values import Value

_HOST: Final = re.compile(r"https?://([A-Za-z0-9.\-]{1,253})")


def live_machine(
    catalog: Catalog,
    *,
    connections: Sequence[Connection] = (),
    trust: Sequence[SignerKey] = (),
    credentials: Resolve | None = None,
    connectors: Mapping[str, Factory] | None = None,
    ports: Ports | None = None,
    role: Role = "owner",
    policy: Policy | None = None,
) -> Machine:
    """A machine whose connectors reach the real services, behind the egress guard.

    `credentials` resolves references, from the environment (`env:NAME`) when None. `connectors` adds a user's own
    drivers by connector id. Raises: ValueError when one of them takes an id that is in use.
    """
    return Machine(
        trust=trust, catalog=catalog, connections=connections,
        connectors=factories(catalog, extra=connectors),
        credentials=credentials or Credentials({"env": EnvCredentials()}),
        ports=ports, role=role, policy=policy,
    )  # fmt: skip


class Rehearsal(msgspec.Struct, frozen=True, kw_only=True):
    """A run against practice services. `practice` is still running; its `received` says what arrived."""

    execution: Execution
    artifact: Artifact
    practice: Practice
    published: tuple[tuple[str, Value], ...] = ()


def services_of(made: Compilation) -> tuple[str, ...]:
    """The services that a program calls, by id. Raises: CompileError when there is none."""
    return tuple(dict.fromkeys(binding.service for binding in made.compiled.require().bindings))


async def rehearse(
    made: Compilation,
    practice: Practice,
    *,
    inputs: Mapping[str, Value] | None = None,
    trigger: Value = None,
    answers: Mapping[str, str] | None = None,
) -> Rehearsal:
    """Run `made` over real HTTP against `practice`, which serves its services and is running.

    The request is compiled once more with practice's accounts, sealed as PRACTICE with a key of this call, and run
    on a machine that can reach nothing else. Approvals are given. Raises: CompileError, LoadError, RunError
    `bad_input`.
    """
    ctx = _practice_context(made, practice)
    compiled = made.compiled
    again = compile_in(
        ctx, compiled.text, answers=dict(compiled.answers) | dict(answers or {}), name=compiled.name,
        language="ir" if compiled.intent is None else "english", source=compiled.source,
    )  # fmt: skip
    key = SigningKey(os.urandom(32))
    artifact = again.seal(key, approver="practice", practice=True)
    publisher = MemoryPublisher()
    machine = Machine(
        trust=[key.signer], catalog=ctx.catalog, connections=ctx.connections, connectors=practice.factories(),
        credentials=practice.credentials, ports=Ports(approver=ScriptedApprover(), publisher=publisher),
        role=ctx.role, policy=ctx.policy, practice=True,
    )  # fmt: skip
    try:
        execution = await machine.run(artifact, inputs, trigger=trigger, me=dict(ctx.profile.me))
    finally:
        await machine.drain()
    return Rehearsal(execution=execution, artifact=artifact, practice=practice, published=tuple(publisher.published))


def _practice_context(made: Compilation, practice: Practice) -> CompileContext:
    """The compile's context with every account it uses replaced by practice's."""
    ctx, program = made.context, made.compiled.require()
    used = {binding.connection: binding.service for binding in program.bindings}
    known = {connection.name: connection for connection in ctx.connections}
    hosts = tuple(dict.fromkeys(_HOST.findall(msgspec.json.encode(made.task).decode())))
    replaced: list[Connection] = []
    for name, service_id in used.items():
        service = ctx.catalog.service(service_id)
        if service is None:
            raise CompileError("unknown_service", f"the catalog has no service {service_id}", made.report)
        replaced.append(practice.connection(known.get(name) or implicit_connection(service), hosts=hosts))
    others = tuple(connection for connection in ctx.connections if connection.name not in used)
    return msgspec.structs.replace(ctx, connections=(*replaced, *others))
