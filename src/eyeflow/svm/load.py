"""Loading: from sealed bytes to an `Executable`, or a refusal.

Knows: the order of the checks: seal, practice mark, revocation, the validator, resolution (stage 7), the ports the
program needs, preloading (stage 8). Linking waits until the program runs. In: an artifact. Out: an `Executable`.
Never: lets a program that failed one check meet the next; runs anything of a program.
"""

from __future__ import annotations

from functools import partial
from types import MappingProxyType

from eyeflow.errors import LoadError
from eyeflow.ir import bytecode, seal
from eyeflow.ir.opcodes import Op
from eyeflow.ir.program import Artifact, Program
from eyeflow.ir.validate import validate
from eyeflow.svm.executable import Executable
from eyeflow.svm.host import ConnectorHost
from eyeflow.svm.link import link
from eyeflow.svm.ports import Ports
from eyeflow.svm.preload import preload
from eyeflow.svm.resolve import World, resolve


class Loader:
    """What one machine asks of the programs it loads."""

    def __init__(
        self,
        *,
        trust: seal.Trust,
        world: World,
        host: ConnectorHost,
        ports: Ports,
    ) -> None:
        self._trust = trust
        self._world = world
        self._host = host
        self._ports = ports

    async def load(self, artifact: Artifact | bytes, *, connect: bool = True) -> Executable:
        """The executable of `artifact`, whole or as the bytes of an `.efb` file. Raises: LoadError."""
        if not isinstance(artifact, Artifact):
            artifact = bytecode.read_artifact(artifact)
        seal.verify(artifact, self._trust)
        program = bytecode.decode(artifact.program)
        broken = validate(program).errors
        if broken:
            more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
            raise LoadError("invalid_program", f"{broken[0]}{more}", hint="compile it again")
        self._ports_for(program)
        resolved = resolve(program, self._world)
        handles = await preload(program.bindings, resolved, self._host, connect=connect)
        connectors = {each.connection.name: handle for each, handle in zip(resolved, handles, strict=True)}
        return Executable(
            program, artifact.program, artifact.digest, partial(link, resolved, handles),
            practice=artifact.envelope.practice, connectors=MappingProxyType(connectors),
        )  # fmt: skip

    def _ports_for(self, program: Program) -> None:
        steps = [step for scope in program.scopes for step in scope.steps]
        needs = (
            ("an approver", self._ports.approver, Op.APPROVAL),
            ("a task runner", self._ports.tasks, Op.SUBTASK),
            ("a publisher", self._ports.publisher, Op.EMIT),
        )
        for what, port, op in needs:
            for step in steps:
                if step.do.op == op and port is None:
                    raise LoadError(
                        "missing_port", f"action {step.name} needs {what}, which this machine does not have",
                        hint="give it to the Machine in its ports",
                    )  # fmt: skip
        for step in steps:
            if step.uncertain == "ask" and self._ports.approver is None:
                raise LoadError("missing_port", f"UNCERTAIN ask of action {step.name} needs an approver")
