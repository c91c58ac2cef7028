"""`Machine`: loads sealed programs and runs them. The public door of layer 5.

Knows: which signers it trusts, its catalog, connections and connectors, its ports, caches and rates. In: artifacts
and inputs. Out: `Execution`s. Never: a language model, an unsealed program, a clock of its own.

    machine = Machine(trust=[key], catalog=catalog, connections=connections, connectors={"slack_api_v1": HttpConnector})
    execution = await machine.run(artifact, {"name": "Alice"})
    execution.status, execution.output, execution.timeline().text()
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from types import MappingProxyType
from typing import Final, TypeAlias

from eyeflow.catalog.model import Catalog, Connection, Policy, Role
from eyeflow.errors import RunError
from eyeflow.ir.evaluate import Frame, Meter
from eyeflow.ir.program import ME, NOW, TRIGGER, Artifact
from eyeflow.ir.seal import SignerKey, Trust
from eyeflow.ports import Clock, Ids, RandomIds, SystemClock
from eyeflow.svm.cache import ResultCache
from eyeflow.svm.executable import Executable
from eyeflow.svm.handle import RunHandle
from eyeflow.svm.host import ConnectorHost, Credentials, Factory
from eyeflow.svm.inputs import own, read_of_me
from eyeflow.svm.journal import Event, Journal, RunStarted
from eyeflow.svm.load import Loader
from eyeflow.svm.outcome import Execution
from eyeflow.svm.ports import Ports
from eyeflow.svm.rates import Rates, SlidingWindows
from eyeflow.svm.replay import Recording
from eyeflow.svm.resolve import World
from eyeflow.svm.run import Run
from eyeflow.svm.stamps import drawer, stamper
from eyeflow.svm.steps import PERFORM
from eyeflow.svm.straight import StraightRun
from eyeflow.values import Value

Runnable: TypeAlias = Executable | Artifact | bytes

_NOTHING: Final[Mapping[str, Value]] = MappingProxyType({})


class Machine:
    """A semantic virtual machine.

    `trust`: the public keys whose signature makes an artifact runnable. `connectors`: by the connector id that
    services name, how to make one. `credentials` resolves references at call time. `role` and `policy`: for whom
    programs run, and the workspace's rules of what roles may use. `practice`: this machine's connectors are practice
    ones. `revoked`: digests of programs that may not run any more. Without `batching` every read is made by itself,
    also where the plan has many go together. `connected` is told of each connection when it is made.
    """

    def __init__(
        self,
        *,
        trust: Sequence[SignerKey] = (),
        catalog: Catalog | None = None,
        connections: Sequence[Connection] = (),
        connectors: Mapping[str, Factory] | None = None,
        credentials: Credentials | None = None,
        clock: Clock | None = None,
        ids: Ids | None = None,
        journal: Journal | None = None,
        ports: Ports | None = None,
        rates: Rates | None = None,
        role: Role = "owner",
        policy: Policy | None = None,
        practice: bool = False,
        revoked: frozenset[str] = frozenset(),
        batching: bool = True,
        connected: Callable[[Connection], None] | None = None,
    ) -> None:
        self.host = ConnectorHost(connectors or {}, credentials=credentials, connected=connected)
        self.ports = ports or Ports()
        world = World(
            catalog=catalog or Catalog(), connections=tuple(connections), role=role, policy=policy or Policy(),
            batching=batching,
        )  # fmt: skip
        trusted = Trust(tuple(trust), revoked, practice)
        self._loader = Loader(trust=trusted, world=world, host=self.host, ports=self.ports)
        self._clock: Clock = clock or SystemClock()
        self._ids: Ids = ids or RandomIds()
        self._draw, self._stamp = drawer(self._ids, self._clock), stamper(self._clock)
        self._time: Callable[[], float] | None = monotonic if type(self._clock) is SystemClock else None
        """What a straight run reads; the loop's own time when its clock is no real one, for then the loop's may not be
        either."""
        self._unheard = self.ports.logger is None
        self._journal = journal
        self._rates: Rates = rates or SlidingWindows()
        self._cache = ResultCache()

    async def load(self, artifact: Artifact | bytes) -> Executable:
        """Verify, validate, resolve, connect and link an artifact.

        Raises: LoadError; nothing of the program has run, and no service was called.
        """
        return await self._loader.load(artifact)

    async def run(
        self,
        program: Runnable,
        inputs: Mapping[str, Value] | None = None,
        *,
        trigger: Value = None,
        me: Mapping[str, Value] | None = None,
        execution_id: str | None = None,
        depth: int = 0,
    ) -> Execution:
        """Run to the end. An artifact is loaded first; load it once and keep the `Executable` when it runs often.

        Raises: LoadError for an artifact; RunError `bad_input` before anything runs. What happens in the run itself
        is in the `Execution`, never raised.
        """
        executable = program if isinstance(program, Executable) else await self.load(program)
        begun = self._begun(executable, inputs, trigger, me, execution_id)
        straight = executable.code.straight
        # Not when the record must begin before the run ends, or somebody listens to its log.
        if straight is not None and self._unheard and (self._journal is None or executable.durable == "record"):
            execution = begun.drive(straight, self._time or asyncio.get_running_loop().time)
            if execution is not None:
                if self._journal is not None:
                    await self._journal.append(execution.execution_id, execution.events)
                return execution
        return await self._prepared(executable, begun.head, depth).drive()

    async def start(
        self,
        program: Runnable,
        inputs: Mapping[str, Value] | None = None,
        *,
        trigger: Value = None,
        me: Mapping[str, Value] | None = None,
        execution_id: str | None = None,
        depth: int = 0,
    ) -> RunHandle:
        """Begin a run and give its handle, which can cancel it and waits for its end. Raises: as `run`."""
        executable = program if isinstance(program, Executable) else await self.load(program)
        handle = self.prepare(executable, inputs, trigger=trigger, me=me, execution_id=execution_id, depth=depth)
        handle.begin()
        return handle

    def prepare(
        self,
        executable: Executable,
        inputs: Mapping[str, Value] | None = None,
        *,
        trigger: Value = None,
        me: Mapping[str, Value] | None = None,
        execution_id: str | None = None,
        depth: int = 0,
        journal: Journal | None = None,
    ) -> RunHandle:
        """A run that begins when its handle is driven. It has a `journal` of its own, or the machine's.

        Raises: RunError `bad_input`.
        """
        head = self._begun(executable, inputs, trigger, me, execution_id).head
        return self._prepared(executable, head, depth, journal)

    def computed(
        self,
        executable: Executable,
        inputs: Mapping[str, Value] | None = None,
        *,
        trigger: Value = None,
        me: Mapping[str, Value] | None = None,
        execution_id: str | None = None,
    ) -> Execution | None:
        """The whole run of a program that only computes, at once and kept nowhere; None when it takes the scheduler.

        Raises: RunError `bad_input`.
        """
        straight = executable.code.straight
        if straight is None or not self._unheard:
            return None
        begun = self._begun(executable, inputs, trigger, me, execution_id)
        return begun.drive(straight, self._time or asyncio.get_running_loop().time)

    def run_sync(
        self,
        program: Artifact | bytes,
        inputs: Mapping[str, Value] | None = None,
        *,
        trigger: Value = None,
        me: Mapping[str, Value] | None = None,
    ) -> Execution:
        """Run to the end from code without an event loop; connectors are cleaned up afterwards. Raises: as `run`."""

        async def main() -> Execution:
            try:
                return await self.run(program, inputs, trigger=trigger, me=me)
            finally:
                await self.drain()

        return asyncio.run(main())

    async def replay(self, program: Runnable, events: Sequence[Event]) -> Execution:
        """Run again against the record of a run: no connector is called, nothing waits, the trace hash is the same.

        Raises: LoadError; RunError `bad_journal` when the events are not those of a run of this program.
        """
        recording = Recording(events)
        executable = program if isinstance(program, Executable) else await self._loader.load(program, connect=False)
        return await self._again(executable, recording, resumed=False).drive()

    async def resume(self, program: Runnable, events: Sequence[Event]) -> Execution:
        """Carry a run on from its journal, which ends wherever its process ended.

        What the record has finished is not done again. A call on record without its end may or may not have been
        done: where the capability is idempotent or keyed it is repeated, with the same key; else UNCERTAIN decides.
        Waits, approvals and EXPIRES go on from their recorded instants; time without a process is not active time.
        The record of a whole run is replayed. Raises: LoadError; RunError `bad_journal`, as `replay`.
        """
        return await (await self.reopened(program, events)).drive()

    async def reopen(self, program: Runnable, events: Sequence[Event], *, depth: int = 0) -> RunHandle:
        """As `resume`, in a task of its own; the handle can cancel it and waits for its end. Raises: as `resume`."""
        handle = await self.reopened(program, events, depth=depth)
        handle.begin()
        return handle

    async def reopened(
        self, program: Runnable, events: Sequence[Event], *, depth: int = 0, journal: Journal | None = None
    ) -> RunHandle:
        """A run that is carried on when its handle is driven; `journal` as with `prepare`. Raises: as `resume`."""
        recording = Recording(events)
        whole = recording.finished is not None
        if isinstance(program, Executable):
            executable = program
        else:
            executable = await self._loader.load(program, connect=not whole)
        return self._again(executable, recording, resumed=not whole, depth=depth, journal=journal)

    def _again(
        self,
        executable: Executable,
        record: Recording,
        *,
        resumed: bool,
        depth: int = 0,
        journal: Journal | None = None,
    ) -> RunHandle:
        head = record.head
        if head.program != executable.digest:
            raise RunError("bad_journal", f"this is the journal of another program ({head.program[:12]})")
        if not isinstance(head.inputs, dict):
            raise RunError("bad_journal", "the journal of a run begins with its inputs as an object")
        run = self._run(
            executable, head, depth=depth, journal=(journal or self._journal) if resumed else None,
            recording=None if resumed else record, past=record if resumed else None,
        )  # fmt: skip
        return RunHandle(run, head)

    def passes(
        self, program: Executable, trigger: int, payload: Value, *, me: Mapping[str, Value] | None = None
    ) -> bool:
        """True when `payload` passes the filter of the program's `trigger`-th trigger (from 0).

        Raises: RunError (`missing_field`, `type_mismatch`) when the filter reads what the payload does not have.
        """
        where = program.code.wheres[trigger]
        if where is None:
            return True
        frame = Frame.of(program.code.registers, Meter(program.limits.operations, self._reading))
        limit = program.limits.memory_bytes
        frame[TRIGGER], frame[ME], frame[NOW] = own(payload, limit), own(me, limit), self._clock.now()
        return where(frame) is True

    def _reading(self, name: str) -> Value:
        return self._clock.now() if name == "NOW" else self._ids.new("id")

    async def drain(self) -> None:
        """Clean up every connector; a later run connects anew."""
        await self.host.drain()

    def _begun(
        self,
        executable: Executable,
        inputs: Mapping[str, Value] | None,
        trigger: Value,
        me: Mapping[str, Value] | None,
        execution_id: str | None,
    ) -> StraightRun:
        """How a run begins, whichever road it takes. Raises: RunError `bad_input`."""
        return StraightRun(
            executable, execution_id or self._draw(), self._stamp(), executable.code.inputs(inputs or _NOTHING),
            None if trigger is None else own(trigger, executable.limits.memory_bytes),
            None if me is None else read_of_me(executable, me), [], [],
        )  # fmt: skip

    def _prepared(
        self, executable: Executable, head: RunStarted, depth: int, journal: Journal | None = None
    ) -> RunHandle:
        return RunHandle(self._run(executable, head, depth=depth, journal=journal or self._journal), head)

    def _run(
        self,
        executable: Executable,
        head: RunStarted,
        *,
        depth: int,
        journal: Journal | None,
        recording: Recording | None = None,
        past: Recording | None = None,
    ) -> Run:
        return Run(
            executable, head.execution_id, perform=PERFORM, clock=self._clock, ports=self.ports, rates=self._rates,
            cache=self._cache, journal=journal, recording=recording, past=past, depth=depth,
        )  # fmt: skip
