"""Requests become runs: at once, in line, in the queue, or once.

Knows: the order of the checks before a run, and which runs must be in the store before anything of them happens. In:
`RunRequest`s. Out: `RunResult`s. Never: drives a run (`driving`), writes its end (`ending`).

A program that only computes runs at once, and one unit keeps it. What must survive this process before its caller is
answered is queued first: requests nobody waits for, and those with an idempotency key that have effects.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final

import msgspec

from eyeflow.engine.active import Active, Answer
from eyeflow.engine.admission import Admission
from eyeflow.engine.callers import Caller, Tell
from eyeflow.engine.common import Common
from eyeflow.engine.driving import Driving
from eyeflow.engine.ending import Endings
from eyeflow.engine.history import History
from eyeflow.engine.keys import Keys
from eyeflow.engine.lease import Lease
from eyeflow.engine.model import ENDED, Busy, EngineError, RunRequest, RunResult
from eyeflow.engine.programs import Deployed, Programs
from eyeflow.engine.queueing import Overlap, Queue, Taken
from eyeflow.engine.starting import Starting, asked_of, permit
from eyeflow.store.port import Conflict, Op
from eyeflow.store.records import ExecutionRecord, IdempotencyRecord
from eyeflow.svm.outcome import Execution

_ASK_S: Final = (0.25, 2.0)
"""How often the store is asked for the end of a run elsewhere: at first, and after a while."""


async def _came(answer: Answer, seconds: float) -> bool:
    """Whether `answer` came within so many seconds. What `asyncio.wait` does for one future, at a third of its cost."""
    if answer.done():
        return True
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()

    def end(_: object = None) -> None:
        if not over.done():
            over.set_result(None)

    timer = loop.call_later(seconds, end)
    answer.add_done_callback(end)
    try:
        await over
    finally:
        timer.cancel()
        answer.remove_done_callback(end)
    return answer.done()


class Running:
    """Begins what was asked for."""

    def __init__(
        self,
        common: Common,
        lease: Lease,
        actives: dict[str, Active],
        admission: Admission,
        *,
        programs: Programs,
        starting: Starting,
        queue: Queue,
        driving: Driving,
        endings: Endings,
        history: History,
    ) -> None:
        self._common = common
        self._lease = lease
        self._actives = actives
        self._admission = admission
        self._programs = programs
        self._starting = starting
        self._queue = queue
        self._driving = driving
        self._endings = endings
        self._history = history
        self._keys = Keys(common)
        self._settling = 0
        self.draining = False

    async def run(self, request: RunRequest, *, wait: bool, wait_ms: int | None) -> RunResult:
        """See `Engine.run`."""
        deployed = await self._admitted(request)
        execution_id = request.execution_id or self._common.ids.new("exec")
        key = None
        if request.idempotency_key is not None:
            key = self._keys.key(deployed.task.id, request, execution_id)
            if (known := await self._keys.taken(key)) is not None:
                return await self._repeated(known, wait=wait, wait_ms=wait_ms)
        try:
            if not wait or (key is not None and not deployed.executable.straight):
                await self._queue.add(deployed, request, execution_id, key=key)
                return await self._queued(execution_id, deployed, wait=wait, wait_ms=wait_ms)
            execution = self._starting.computed(deployed, asked_of(request), execution_id)
            if execution is not None:
                return await self._keep_computed(deployed, request, execution, key)
        except (Taken, Conflict) as taken:
            known = execution_id if key is None else await self._keys.taken(key)
            if known is None:
                raise Busy("busy", "the same request is being taken at this moment") from taken
            return await self._repeated(known, wait=wait, wait_ms=wait_ms)
        return await self._run_now(deployed, request, execution_id, wait_ms=wait_ms)

    def at_once(self, request: RunRequest, tell: Tell, *, wait_ms: int | None) -> bool:
        """See `Engine.at_once`."""
        if self.draining or request.idempotency_key is not None or request.execution_id is not None:
            return False
        deployed = self._programs.known(request.task)
        if deployed is None:
            return False
        permit(deployed.task, request)
        if not deployed.executable.straight:
            return self._begin_now(deployed, request, tell, wait_ms=wait_ms)
        execution = self._starting.computed(deployed, asked_of(request), self._common.ids.new("exec"))
        if execution is None:
            return False
        self._check_settling()
        record, result = self._starting.whole(deployed, request, execution)
        self._endings.begin_computed(record, partial(self._kept, record, result, tell))
        self._settling += 1
        return True

    def _kept(self, record: ExecutionRecord, result: RunResult, tell: Tell, error: Exception | None) -> None:
        self._settling -= 1
        if error is None:
            self._counted(record)
            tell(result)
        elif isinstance(error, Conflict):
            tell(Busy("busy", "the same request is being taken at this moment"))
        else:
            tell(error)

    async def enqueue(
        self, request: RunRequest, ops: Sequence[Op], *, overlap: Overlap | None, instead: Sequence[Op]
    ) -> str | None:
        """See `Engine.enqueue`."""
        deployed = await self._admitted(request)
        execution_id = request.execution_id or self._common.ids.new("exec")
        key = None
        if request.idempotency_key is not None:
            key = self._keys.key(deployed.task.id, request, execution_id)
            if (known := await self._keys.taken(key)) is not None:
                return known
        try:
            await self._queue.add(deployed, request, execution_id, ops, key=key, overlap=overlap)
        except Taken as taken:
            if taken.what == "first" and key is not None:
                return await self._keys.taken(key)
            if taken.what == "first":
                await self._skipped(instead)
            return None
        return execution_id

    async def _skipped(self, instead: Sequence[Op]) -> None:
        """An earlier run of the lane is unfinished: keep what says so, unless another process has."""
        if instead:
            try:
                await self._common.store.write(*instead)
            except Conflict:
                return

    async def _admitted(self, request: RunRequest) -> Deployed:
        """What the request runs. Raises: Busy `draining`; EngineError; LoadError; StoreError."""
        if self.draining:
            raise Busy("draining", "this process is ending")
        deployed = self._programs.known(request.task) or await self._programs.current(request.task)
        permit(deployed.task, request)
        return deployed

    async def _keep_computed(
        self, deployed: Deployed, request: RunRequest, execution: Execution, key: IdempotencyRecord | None
    ) -> RunResult:
        """Keep a run that is over already, and answer. Raises: Conflict when its key is taken; StoreError."""
        self._check_settling()
        record, result = self._starting.whole(deployed, request, execution)
        self._settling += 1
        try:
            await self._endings.conclude_computed(record, key)
        finally:
            self._settling -= 1
        self._counted(record)
        return result

    def _check_settling(self) -> None:
        """Raises: Busy when too many runs that are over wait for the store."""
        limits = self._common.limits
        if self._settling >= limits.running + limits.line:
            self._common.metrics.busy += 1
            raise Busy("busy", f"{self._settling} runs wait for the store")

    def _counted(self, record: ExecutionRecord) -> None:
        metrics = self._common.metrics
        metrics.started += 1
        metrics.ended[record.status] += 1
        metrics.duration.add(record.duration_ms or 0)
        self._driving.ended(record)

    async def _run_now(
        self, deployed: Deployed, request: RunRequest, execution_id: str, *, wait_ms: int | None
    ) -> RunResult:
        await self._place(deployed.task.id)
        active = self._started(deployed, request, execution_id)
        return await self.answered(active, wait_ms=wait_ms)

    def _begin_now(self, deployed: Deployed, request: RunRequest, tell: Tell, *, wait_ms: int | None) -> bool:
        """Start a run whose caller is told; False when it has to stand in line. Raises: EngineError `bad_input`."""
        if not self._admission.enter(deployed.task.id):
            return False
        active = self._started(deployed, request, self._common.ids.new("exec"))
        answer = self._driving.answer_to(active)
        Caller(answer, tell, partial(self._end_or_state, active, answer), wait_ms=wait_ms, spawn=self._driving.spawn)
        return True

    def _started(self, deployed: Deployed, request: RunRequest, execution_id: str) -> Active:
        """A run under way, whose place is taken, and given back when it cannot start. Raises: EngineError."""
        try:
            active = self._starting.active(deployed, request, execution_id, owner=self._lease.owner)
            handle = self._starting.prepared(deployed, asked_of(request), active)
        except BaseException:
            self._admission.leave(deployed.task.id)
            raise
        if active.record.durable == "journal":
            handle.make_durable()
        self._driving.start(active, handle)
        return active

    async def _place(self, task_id: str) -> None:
        """A place among the running. Raises: Busy."""
        if self._admission.enter(task_id):
            return
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def turn() -> None:
            if waiting.cancelled():
                self._admission.leave(task_id)
            else:
                waiting.set_result(None)

        try:
            self._admission.line_up(task_id, turn)
        except Busy:
            self._common.metrics.busy += 1
            raise
        try:
            await waiting
        except asyncio.CancelledError:
            if not self._admission.step_out(task_id, turn) and waiting.done() and not waiting.cancelled():
                self._admission.leave(task_id)
            raise

    async def begin_child(self, request: RunRequest, *, durable: bool, practice: bool) -> None:
        """Begin the run of a subtask, unless it has begun: whoever wants its result asks for its end.

        Raises: EngineError; LoadError; StoreError.
        """
        execution_id = request.execution_id
        assert execution_id is not None, "a child's id is its parent's to give"
        if execution_id in self._actives:
            return
        if durable and await self._common.store.get(ExecutionRecord, execution_id) is not None:
            return
        deployed = await self._programs.current(request.task)
        permit(deployed.task, request)
        if deployed.task.practice != practice:
            raise EngineError("forbidden", "live and practice tasks do not run each other")
        execution = self._starting.computed(deployed, asked_of(request), execution_id)
        if execution is not None:
            await self._keep_computed(deployed, request, execution, None)
            return
        active = self._starting.active(deployed, request, execution_id, owner=self._lease.owner)
        handle = self._starting.prepared(deployed, asked_of(request), active)
        if durable or active.record.durable == "journal":
            handle.make_durable()
            active.record = msgspec.structs.replace(active.record, durable="journal")
        self._admission.occupy(deployed.task.id)
        self._driving.start(active, handle)

    async def answered(self, active: Active, *, wait_ms: int | None) -> RunResult:
        """What the caller of a run is told: its end, or how far it is when it suspends or `wait_ms` have passed.

        Raises: StoreError when the run ended and could not be kept.
        """
        return await self._end_or_state(active, self._driving.answer_to(active), wait_ms)

    async def _end_or_state(self, active: Active, answer: Answer, wait_ms: int | None) -> RunResult:
        if wait_ms is not None and not await _came(answer, wait_ms / 1000):
            await self._driving.secure(active)
            if not answer.done():
                return RunResult(execution_id=active.id, task=active.record.task, status=active.status)
        result = await answer
        if result is not None:
            return result
        if not active.gone:
            return RunResult(execution_id=active.id, task=active.record.task, status=active.status)
        return await self._elsewhere(active.id, wait_ms=wait_ms)

    async def _elsewhere(self, execution_id: str, *, wait_ms: int | None) -> RunResult:
        """As `answered`, of a run that left this process."""
        record = await self._history.record(execution_id)
        if record.status in ENDED or record.status == "waiting":
            return await self._history.result(record)
        return await self.end(execution_id, wait_ms=wait_ms, suspended=True)

    async def _queued(self, execution_id: str, deployed: Deployed, *, wait: bool, wait_ms: int | None) -> RunResult:
        if wait:
            return await self.end(execution_id, wait_ms=wait_ms, suspended=True)
        active = self._actives.get(execution_id)
        status = "queued" if active is None else active.status
        return RunResult(execution_id=execution_id, task=deployed.task.name, status=status)

    async def _repeated(self, execution_id: str, *, wait: bool, wait_ms: int | None) -> RunResult:
        """The result of the run that had this key first."""
        if wait:
            result = await self.end(execution_id, wait_ms=wait_ms, suspended=True)
        else:
            result = await self._history.result(await self._history.record(execution_id))
        return msgspec.structs.replace(result, repeated=True)

    async def end(self, execution_id: str, *, wait_ms: int | None = None, suspended: bool = False) -> RunResult:
        """The result of a run at its end, wherever it runs; with `suspended` also when it waits for longer, and after
        `wait_ms` in any case. Raises: EngineError `unknown_execution`; StoreError."""
        loop = asyncio.get_running_loop()
        until = None if wait_ms is None else loop.time() + wait_ms / 1000
        pause = _ASK_S[0]
        while True:
            ended = self._driving.end_of(execution_id)
            try:
                record = await self._history.record(execution_id)
                if record.status in ENDED or (suspended and self._rests(record)):
                    return await self._history.result(record)
                left = pause if until is None else min(pause, until - loop.time())
                pause = min(pause * 1.5, _ASK_S[1])
                if left <= 0:
                    return await self._history.result(record)
                await asyncio.wait([ended], timeout=left)
                if ended.done() and (result := ended.result()) is not None:
                    return result
            finally:
                ended.cancel()

    def _rests(self, record: ExecutionRecord) -> bool:
        """Whether the run waits for longer than callers do."""
        active = self._actives.get(record.id)
        if active is None or active.handle is None:
            return record.status == "waiting"
        wakes = active.handle.wakes_at
        patience_s = self._common.limits.patience_ms / 1000
        return wakes is not None and wakes - asyncio.get_running_loop().time() > patience_s
