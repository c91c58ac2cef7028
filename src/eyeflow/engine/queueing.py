"""The queue: runs that are in the store before they begin.

Knows: where a run waits (a place, this process's line, the store), lanes, the room that is left. In: requests with the
operations that must be written with them. Out: rows, and runs that begin when their turn comes. Never: answers with the
output of a run.

What is queued is durable when `add` returns, in one unit with the caller's own operations: a tick, a delivery, a
cursor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final, Literal, TypeAlias

import msgspec

from eyeflow.engine.active import Active
from eyeflow.engine.admission import Admission
from eyeflow.engine.common import Common
from eyeflow.engine.driving import Driving
from eyeflow.engine.keys import reserved
from eyeflow.engine.lanes import LOOK_AGAIN_MS, empty, ending_all
from eyeflow.engine.lease import Lease
from eyeflow.engine.model import Busy, EngineError, RunRequest
from eyeflow.engine.packing import Request
from eyeflow.engine.programs import Deployed
from eyeflow.engine.starting import Starting, asked_of
from eyeflow.errors import EyeFlowError
from eyeflow.store.port import Conflict, Insert, Op, Where
from eyeflow.store.records import ExecutionRecord, IdempotencyRecord, WorkRecord

Overlap: TypeAlias = Literal["skip", "queue", "cancel"]

_COUNT_S: Final = 1.0


class Taken(EngineError):  # noqa: N818 - says what it is
    """Nothing was queued: `what` was there before: the `run` itself, what must come `first` (its key, its lane), or
    something of the caller's (`ops`)."""

    def __init__(self, what: Literal["first", "run", "ops"]) -> None:
        super().__init__("already_taken", f"this was asked for before: {what}")
        self.what = what


class _New(msgspec.Struct, frozen=True):
    """A run to be queued: `kept` is its request as bytes, `lane` whom it must not overlap."""

    deployed: Deployed
    request: RunRequest
    execution_id: str
    kept: bytes
    lane: str | None


class Queue:
    """Queued runs, and those of this process that stand in line."""

    def __init__(
        self,
        common: Common,
        lease: Lease,
        actives: dict[str, Active],
        admission: Admission,
        *,
        starting: Starting,
        driving: Driving,
    ) -> None:
        self._common = common
        self._lease = lease
        self._actives = actives
        self._admission = admission
        self._starting = starting
        self._driving = driving
        self._turns: dict[str, partial[None]] = {}
        self._counted: tuple[float, int] = (-_COUNT_S, 0)

    async def add(
        self,
        deployed: Deployed,
        request: RunRequest,
        execution_id: str,
        ops: Sequence[Op] = (),
        *,
        key: IdempotencyRecord | None = None,
        overlap: Overlap | None = None,
    ) -> None:
        """Queue a run; it begins as soon as there is a place.

        Raises: Taken; Busy; EngineError `bad_input`; StoreError.
        """
        kept = self._starting.checked(deployed, request)
        new = _New(deployed, request, execution_id, kept, request.origin_id if overlap is not None else None)
        if new.lane is None:
            await self._add(new, [] if key is None else reserved(key, self._common.now_ms()), ops)
            return
        try:
            await self._add(new, [empty(new.lane)], ops)
        except Taken as taken:
            if taken.what != "first" or overlap == "skip":
                raise
            first = await ending_all(self._common, new.lane) if overlap == "cancel" else []
            await self._add(new, first, ops, later_ms=LOOK_AGAIN_MS)

    async def _add(self, new: _New, first: Sequence[Op], ops: Sequence[Op], *, later_ms: int = 0) -> None:
        """Write the run with what must be written with it; begin it, unless it is for `later_ms` from now."""
        task_id = new.deployed.task.id
        entered = later_ms == 0 and self._admission.enter(task_id)
        here = entered or (later_ms == 0 and self._admission.in_line < self._common.limits.line // 2)
        if not here:
            await self._check_room()
        active = self._starting.active(
            new.deployed, new.request, new.execution_id, owner=self._lease.owner if here else None, queued=new.kept
        )
        work = WorkRecord(
            execution_id=active.id, task_id=task_id, owner=active.record.owner, lane=new.lane,
            ready_ms=0 if here else self._common.now_ms() + later_ms,
        )  # fmt: skip
        unit: tuple[Op, ...] = (*first, Insert(active.record), Insert(work), *ops)
        try:
            await self._common.write(*unit, known=lambda: self._is_there(active.record))
        except BaseException as error:
            if entered:
                self._admission.leave(task_id)
            if isinstance(error, Conflict):
                ours = error.number - len(first)
                raise Taken("first" if ours < 0 else "run" if ours < 2 else "ops") from None
            raise
        active.kept = True
        if entered:
            self.begin(active, asked_of(new.request))
        elif here:
            self.stand(active, asked_of(new.request))

    async def _is_there(self, record: ExecutionRecord) -> bool:
        found = await self._common.store.get(ExecutionRecord, record.id)
        return found is not None and found.request == record.request

    def stand(self, active: Active, asked: Request) -> None:
        """Put a kept run in this process's line, or begin it if there is a place by now."""
        task_id = active.record.task_id
        self._actives[active.id] = active
        if self._admission.enter(task_id):
            self.begin(active, asked)
            return
        turn = self._turns[active.id] = partial(self._turn, active, asked)
        try:
            self._admission.line_up(task_id, turn)
        except Busy:
            del self._turns[active.id]
            self._driving.spawn(self._driving.release(active, ready_ms=self._common.now_ms()))

    def _turn(self, active: Active, asked: Request) -> None:
        self._turns.pop(active.id, None)
        if active.gone:
            self._admission.leave(active.record.task_id)
        else:
            self.begin(active, asked)

    def step_out(self, active: Active) -> bool:
        """Take a run out of the line; False when it is not there."""
        turn = self._turns.pop(active.id, None)
        return turn is not None and self._admission.step_out(active.record.task_id, turn)

    def begin(self, active: Active, asked: Request) -> None:
        """Begin a kept run whose place is taken."""
        deployed = active.deployed
        assert deployed is not None, "a queued run has its program"
        record = active.record
        active.record = msgspec.structs.replace(record, started_ms=self._common.now_ms())
        try:
            execution = self._starting.computed(deployed, asked, active.id)
            if execution is not None:
                self._driving.settle_computed(active, execution)
                return
            handle = self._starting.prepared(deployed, asked, active)
        except EyeFlowError as error:
            active.occupies = True
            self._driving.spawn(self._driving.end(active, "failed", error))
            return
        handle.make_durable()
        self._driving.start(active, handle)

    async def _check_room(self) -> None:
        """Whether the store's queue takes one more. Raises: Busy; StoreError."""
        loop, limits = asyncio.get_running_loop(), self._common.limits
        counted_at, count = self._counted
        if loop.time() - counted_at >= _COUNT_S:
            count = await self._common.store.count(WorkRecord, Where("owner", "=", None), limit=limits.queued)
            counted_at = loop.time()
        if count >= limits.queued:
            self._common.metrics.busy += 1
            raise Busy("busy", f"{count} runs are queued already", retry_after_ms=5_000)
        self._counted = counted_at, count + 1
