"""`Engine`: deployed tasks run durably. The public door of this room.

Knows: which parts there are and in which order they begin and end. In: requests to run, verdicts, wishes to cancel.
Out: results, executions, events. Never: compiles, fires triggers, authenticates; whoever calls knows who asks.

    engine = Engine(store, world=World(catalog=catalog, trust=(signer,), connectors=connectors), cipher=cipher)
    await engine.start()
    result = await engine.run(RunRequest(task="hello_world", input={"name": "Alice"}))
    await engine.drain(10)

What was acknowledged is finished, by this process or another one; what was done is not silently done twice. Every run
belongs to one process at a time, which says that it is alive; each write of a run that is in the store requires that it
still belongs to its writer (`fence`), and no effect of such a run leaves before a write that did.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from typing import Any, Final

from eyeflow.catalog.model import Connection
from eyeflow.engine.active import Active
from eyeflow.engine.admission import Admission
from eyeflow.engine.asking import Asking
from eyeflow.engine.common import Common
from eyeflow.engine.draining import Draining
from eyeflow.engine.driving import Driving
from eyeflow.engine.ending import Endings
from eyeflow.engine.history import History
from eyeflow.engine.housekeeping import Housekeeping
from eyeflow.engine.journal import FencedJournal
from eyeflow.engine.lanes import call_next, cancelling
from eyeflow.engine.lease import Lease
from eyeflow.engine.leases import Elected
from eyeflow.engine.limits import EngineLimits
from eyeflow.engine.machines import Machines, World
from eyeflow.engine.metrics import EngineMetrics
from eyeflow.engine.model import ENDED, Busy, EngineError, ExecutionDetail, Principal, Replayed, RunRequest, RunResult
from eyeflow.engine.outbox import Relay
from eyeflow.engine.people import People
from eyeflow.engine.presence import Presence
from eyeflow.engine.programs import Programs
from eyeflow.engine.queueing import Overlap, Queue
from eyeflow.engine.recovery import Recovery
from eyeflow.engine.running import Running
from eyeflow.engine.sealing import PlainCipher, RunCipher
from eyeflow.engine.starting import Starting
from eyeflow.engine.subtasks import Subtasks
from eyeflow.engine.sweeper import Sweeper
from eyeflow.engine.telling import OutboxPublisher, connected_told
from eyeflow.errors import EyeFlowError, RunError
from eyeflow.events import EventBus, InProcessBus
from eyeflow.ports import Clock, Ids, RandomIds, SystemClock
from eyeflow.store.port import Op, Store
from eyeflow.store.records import ApprovalRecord, ExecutionRecord
from eyeflow.svm.journal import Event, trace_hash
from eyeflow.svm.ports import Ports
from eyeflow.svm.rates import Rates
from eyeflow.svm.timeline import Timeline
from eyeflow.values import Value

_log: Final = logging.getLogger("eyeflow.engine")
_CANCEL_WAIT_MS: Final = 1_000


class Engine:
    """Runs the deployed tasks of one workspace in this process, beside others on the same store.

    `world` is what programs may use. `cipher` makes the keys of runs; without one nothing is hidden: that is for tests.
    `bus` carries events; `name` is how people call this process.
    """

    def __init__(
        self,
        store: Store,
        *,
        world: World,
        cipher: RunCipher | None = None,
        bus: EventBus | None = None,
        clock: Clock | None = None,
        ids: Ids | None = None,
        rates: Rates | None = None,
        name: str = "eyeflow",
        limits: EngineLimits | None = None,
    ) -> None:
        common = self._common = Common(
            store, clock=clock or SystemClock(), ids=ids or RandomIds(), cipher=cipher or PlainCipher(),
            bus=bus or InProcessBus(), limits=limits or EngineLimits(),
        )  # fmt: skip
        actives = self._actives = dict[str, Active]()
        self._lease = Lease(common, name)
        self._admission = Admission(common.limits)
        self._journal = FencedJournal(common, self._lease)
        endings = Endings(common, self._journal)
        self._driving = Driving(common, actives, self._admission, endings)
        self._people = People(common, actives, self._nudge)
        self._subtasks = Subtasks(actives, begin=self._begin_child, end=self._end_of, cancel=self.cancel)
        ports = Ports(
            approver=self._people, tasks=self._subtasks, publisher=OutboxPublisher(common, actives),
            suspensions=self._driving,
        )  # fmt: skip
        self._machines = Machines(common, world, ports=ports, connected=self._connected, rates=rates)
        self._programs = Programs(common, self._machines)
        self._asking = Asking(self._machines)
        self._history = History(common, actives)
        starting = Starting(common, self._journal)
        self._queue = Queue(common, self._lease, actives, self._admission, starting=starting, driving=self._driving)
        self._running = Running(
            common, self._lease, actives, self._admission, programs=self._programs, starting=starting,
            queue=self._queue, driving=self._driving, endings=endings, history=self._history,
        )  # fmt: skip
        self._recovery = Recovery(
            common, self._lease, self._admission, programs=self._programs, queue=self._queue, driving=self._driving,
            journal=self._journal, history=self._history, starting=starting, people=self._people,
        )  # fmt: skip
        self._sweeper = Sweeper(common, self._lease, self._admission, actives, take=self._recovery.take)
        self._relay = Relay(common, Elected(common, self._lease, "outbox"))
        self._housekeeping = Housekeeping(common, Elected(common, self._lease, "housekeeping"))
        self._presence = Presence(common, self._lease, actives, people=self._people, driving=self._driving)
        self._driving.orphaned = self._sweeper.orphaned
        self._driving.ended = self._ended
        common.told = self._relay.nudge
        self._loops: list[asyncio.Task[None]] = []

    @property
    def metrics(self) -> EngineMetrics:
        """What was counted since the start."""
        return self._common.metrics

    @property
    def bus(self) -> EventBus:
        """The bus that carries this workspace's events."""
        return self._common.bus

    @property
    def owner(self) -> str:
        """The name under which this process owns runs."""
        return self._lease.owner

    @property
    def running(self) -> int:
        """Runs at work in this process; those that wait are not counted."""
        return self._admission.running

    @property
    def waiting(self) -> int:
        """Requests that stand in line in this process."""
        return self._admission.in_line

    @property
    def sure(self) -> bool:
        """True while this process is known to be alive: readiness."""
        return self._lease.sure

    async def start(self) -> None:
        """Be known, take over what dead processes left, serve. Raises: StoreError."""
        await self._lease.begin()
        for part in (self._presence.beats(), self._presence.signals(), self._sweeper.run(), self._relay.run(),
                     self._housekeeping.run()):  # fmt: skip
            self._loops.append(asyncio.get_running_loop().create_task(part))
        self._nudge()

    async def drain(self, seconds: float) -> None:
        """Begin nothing more, let runs end for so long, give the others back to the store, and let go of everything."""
        self._running.draining = self._journal.draining = self._sweeper.paused = True
        draining = Draining(self._common, self._actives, queue=self._queue, driving=self._driving)
        await draining.runs(seconds)
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        self._loops = []
        with contextlib.suppress(EyeFlowError):
            await self._relay.close()
            await self._lease.end()
        await self._machines.drain()

    async def run(self, request: RunRequest, *, wait: bool = True, wait_ms: int | None = None) -> RunResult:
        """Run a task. With `wait` the result is that of its end, or says how far it is when it suspends or `wait_ms`
        have passed; without, the run is queued. What is not ended goes on, whatever becomes of this process.

        Raises: EngineError `unknown_task`, `forbidden`, `task_paused`, `bad_input`, `idempotency_mismatch`; Busy;
        LoadError when the program may not run; StoreError when nothing was kept.
        """
        return await self._running.run(request, wait=wait, wait_ms=wait_ms)

    def at_once(
        self, request: RunRequest, tell: Callable[[RunResult | Exception], None], *, wait_ms: int | None = None
    ) -> bool:
        """Begin a run here and now, and `tell` what a `run` that waits would give, once. False, and nothing was done,
        when `run` has to: it has an idempotency key or stands in line, or its program is not in memory.

        Raises: as `run`, for what keeps it from beginning. What comes later is told.
        """
        return self._running.at_once(request, tell, wait_ms=wait_ms)

    async def enqueue(
        self, request: RunRequest, *ops: Op, overlap: Overlap | None = None, instead: Sequence[Op] = ()
    ) -> str | None:
        """Queue a run in one unit with `ops`: its id, or None when one of them conflicts: it was taken before.

        With `overlap`, runs of the same `origin_id` do not overlap: `skip` writes `instead` and gives None while an
        earlier one is unfinished, `queue` lets this one wait for its turn, `cancel` also ends the earlier ones.
        Raises: as `run`.
        """
        return await self._running.enqueue(request, ops, overlap=overlap, instead=instead)

    async def execution(self, execution_id: str) -> ExecutionDetail:
        """An execution with what it was given and what it gave. Raises: EngineError `unknown_execution`."""
        return await self._history.detail(execution_id)

    async def end(self, execution_id: str, *, wait_ms: int | None = None) -> RunResult:
        """The result of a run at its end, wherever it runs; how far it is after `wait_ms`.

        Raises: EngineError `unknown_execution`, `payload_erased`; StoreError.
        """
        return await self._running.end(execution_id, wait_ms=wait_ms)

    async def events(self, execution_id: str) -> list[Event]:
        """What happened in a run. Raises: EngineError `unknown_execution`, `payload_erased`; StoreError."""
        return await self._history.events(execution_id)

    async def timeline(self, execution_id: str) -> Timeline:
        """The timeline of a run. Raises: as `events`."""
        return await self._history.timeline(execution_id)

    def watch(self, execution_id: str) -> AsyncIterator[Event]:
        """What happened and happens in a run, until it has ended. Raises: as `events`."""
        return self._history.watch(execution_id)

    async def erase(self, execution_id: str, principal: Principal) -> None:
        """Destroy what a run that ended carried. Raises: EngineError `unknown_execution`, `not_ended`; StoreError."""
        await self._history.erase(execution_id, principal.id)

    async def cancel(self, execution_id: str) -> RunResult:
        """Have a run end: nothing more starts, waits end, started writes run to their end. Twice is once; a run that
        has ended stays as it is. The result says how far it is after a second.

        Raises: EngineError `unknown_execution`; StoreError.
        """
        record = await self._history.record(execution_id)
        if record.status in ENDED:
            return await self._history.result(record)
        active = self._actives.get(execution_id)
        if active is None or active.kept:
            await self._common.write(*cancelling(execution_id, self._common.now_ms()))
        active = self._actives.get(execution_id)
        if active is None:
            self._nudge()
        elif active.handle is not None:
            active.handle.cancel()
        elif self._queue.step_out(active):
            await self._driving.end(active, "cancelled", EngineError("cancelled", "cancelled before it began"))
        return await self._running.end(execution_id, wait_ms=_CANCEL_WAIT_MS)

    async def retry(
        self, execution_id: str, step: str | None = None, *, principal: Principal, wait_ms: int | None = None
    ) -> RunResult:
        """Do an ended run again from where it failed, or from `step`, as a new execution (`retrying` says how).

        Raises: EngineError `unknown_execution`, `unknown_task`, `not_ended`, `no_such_step`, `nothing_to_retry`,
        `payload_erased`; LoadError; StoreError.
        """
        active = await self._recovery.retry(execution_id, step, principal)
        return await self._running.answered(active, wait_ms=wait_ms)

    async def replay(self, execution_id: str) -> Replayed:
        """Run an ended run again against its record: nobody is called. Raises: as `retry`; RunError `bad_journal`."""
        record = await self._history.record(execution_id)
        if record.status not in ENDED:
            raise EngineError("not_ended", f"{execution_id} has not ended", hint="wait for its end")
        events = await self._history.events_of(record)
        if not events:
            raise RunError("bad_journal", f"{execution_id} never began, so there is nothing to replay")
        deployed = await self._programs.pinned(record.task_id, record.version, digest=record.digest)
        again = await deployed.live.machine.replay(deployed.executable, events)
        return Replayed(
            execution_id=execution_id, status=again.status, recorded=trace_hash(events), trace_hash=again.trace_hash()
        )

    async def decide(self, approval_id: str, verdict: str, principal: Principal, comment: str = "") -> ApprovalRecord:
        """Answer a question that a run waits on: `approved` or `rejected`; `sent`, `again` or `failed` for a call whose
        end nobody knows. Once, by a person who has the role.

        Raises: EngineError `unknown_approval`, `forbidden`, `wrong_role`, `bad_input`, `already_decided`,
        `approval_expired`; StoreError.
        """
        return await self._people.decide(approval_id, verdict, principal, comment)

    async def passes(self, task_id: str, version: int, trigger: int, payload: Value) -> bool:
        """Whether a payload passes the filter of a trigger (from 0) of this version of a task, which must be the one
        that runs now. Raises: EngineError; Busy while the task is deployed anew; LoadError; StoreError; RunError when
        the filter reads what is not there."""
        deployed = await self._programs.current(task_id)
        if deployed.version != version:
            raise Busy("busy", f"{deployed.task.name} is being deployed", retry_after_ms=100)
        return deployed.live.machine.passes(deployed.executable, trigger, payload, me=dict(deployed.me))

    async def ask(
        self, connection: str, capability: str, params: Mapping[str, Value], *, practice: bool = False
    ) -> Value:
        """One read outside of any run. Raises: as `Asking.ask`."""
        return await self._asking.ask(connection, capability, params, practice=practice)

    async def changed(self, task_id: str | None = None) -> None:
        """Tasks, connections, keys, profiles or the catalog changed: look them up again."""
        await self._programs.changed()

    async def use(self, world: World) -> None:
        """Let runs that begin from now on use `world`; others end where they began."""
        await self._machines.use(world)
        await self._programs.changed()

    def _ended(self, record: ExecutionRecord) -> None:
        if record.origin == "schedule" and record.origin_id is not None:
            self._driving.spawn(self._call_next(record.origin_id))

    async def _call_next(self, lane: str) -> None:
        with contextlib.suppress(EyeFlowError):  # the one who waits looks by itself
            if await call_next(self._common, lane):
                self._nudge()

    def _connected(self, connection: Connection) -> None:
        rows = connected_told(self._common, connection)
        if rows:
            self._driving.spawn(self._tell(rows))

    async def _tell(self, rows: Sequence[Op]) -> None:
        try:
            await self._common.write(*rows)
        except EyeFlowError as error:
            _log.warning("nobody is told of a connection: %s", error)
        self._relay.nudge()

    def _nudge(self) -> None:
        self._sweeper.nudge()

    def _begin_child(self, request: RunRequest, *, durable: bool, practice: bool) -> Coroutine[Any, Any, None]:
        return self._running.begin_child(request, durable=durable, practice=practice)

    def _end_of(self, execution_id: str) -> Coroutine[Any, Any, RunResult]:
        return self._running.end(execution_id)
