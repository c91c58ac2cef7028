"""Runs taken over: what a claim means for the run that was claimed, and a run done again.

Knows: how a run is carried on from its row and its journal. In: claimed `ExecutionRecord`s. Out: runs under way, or an
end that says why not. Never: claims.

A run whose program cannot be loaded for good (revoked, drifted) ends with that code. One that only cannot be loaded now
goes back to the store, as does one whose key does not open: an operator may bring the right one. A run under which
several processes ended is `poisoned`: it ends too, and nothing of what it did is hidden.
"""

from __future__ import annotations

import logging
from typing import Final

from eyeflow.engine.active import Active
from eyeflow.engine.admission import Admission
from eyeflow.engine.common import Common
from eyeflow.engine.driving import Driving
from eyeflow.engine.history import History
from eyeflow.engine.journal import FencedJournal, recorded_events
from eyeflow.engine.lease import Lease
from eyeflow.engine.model import ENDED, EngineError, Principal, RunRequest
from eyeflow.engine.packing import Request, unpack_request
from eyeflow.engine.people import People
from eyeflow.engine.programs import Deployed, Programs
from eyeflow.engine.queueing import Queue
from eyeflow.engine.retrying import taken_over
from eyeflow.engine.sealing import PlainKey
from eyeflow.engine.starting import Starting, permit
from eyeflow.errors import EyeFlowError, LoadError
from eyeflow.store.port import StoreError
from eyeflow.store.records import ExecutionRecord, WorkRecord
from eyeflow.svm.journal import Event

_log: Final = logging.getLogger("eyeflow.engine")
_TRY_AGAIN_MS: Final = 15_000
_UNBEGUN: Final = 4
"""How many times as many deaths a run may see before anything of it is on record: it may only have stood in line."""

_FOR_NOW: Final = frozenset(("connector_unavailable", "no_credential"))
"""Why a program may be loaded later that is not loaded now."""


class Recovery:
    """Carries runs on."""

    def __init__(
        self,
        common: Common,
        lease: Lease,
        admission: Admission,
        *,
        programs: Programs,
        queue: Queue,
        driving: Driving,
        journal: FencedJournal,
        history: History,
        starting: Starting,
        people: People,
    ) -> None:
        self._common = common
        self._lease = lease
        self._admission = admission
        self._programs = programs
        self._queue = queue
        self._driving = driving
        self._journal = journal
        self._history = history
        self._starting = starting
        self._people = people

    async def take(self, record: ExecutionRecord, work: WorkRecord) -> None:
        """Carry on a run that was just claimed."""
        await self._driving.evict(record.id)
        try:
            key = self._common.cipher.open(record.key)
            active = Active(record, key, None, kept=True)
            batches = await recorded_events(self._common, record, key)
            asked = unpack_request(key.open(record.request, record.id, "request")) if record.request else Request()
        except EyeFlowError as error:
            _log.error("%s cannot be read, and waits: %s", record.id, error)
            await self._later(Active(record, PlainKey(), None, kept=True))
            return
        active.seq = len(batches)
        events = [event for batch in batches for event in batch]
        deaths = self._common.limits.deaths * (1 if events else _UNBEGUN)
        if work.attempts > deaths:
            message = f"{work.attempts} processes ended while they ran this"
            hint = "look at what it did last, then run the task again"
            await self._end(active, "failed", EngineError("poisoned", message, hint=hint))
        elif record.cancelling and not events:
            await self._end(active, "cancelled", EngineError("cancelled", "cancelled before it began"))
        else:
            await self._go_on(active, events, asked)

    async def _go_on(self, active: Active, events: list[Event], asked: Request) -> None:
        record = active.record
        try:
            active.deployed = await self._programs.pinned(record.task_id, record.version, digest=record.digest)
        except LoadError as error:
            if error.code in _FOR_NOW:
                await self._later(active)
            else:
                await self._end(active, "failed", error)
            return
        except StoreError:
            await self._later(active)
            return
        if events:
            await self._reopen(active, active.deployed, events)
        else:
            self._queue.stand(active, asked)

    async def _reopen(self, active: Active, deployed: Deployed, events: list[Event]) -> None:
        """Carry on from the journal; its place is taken whether there is one or not."""
        record = active.record
        answers = await self._people.answered(record, events)
        active.pending += answers
        active.asks = True
        self._admission.occupy(record.task_id)
        try:
            handle = await deployed.live.machine.reopened(
                deployed.executable, [*events, *answers], depth=record.depth, journal=self._journal.of(active)
            )
        except EyeFlowError as error:
            active.occupies = True
            await self._driving.end(active, "failed", error)
            return
        handle.make_durable()
        if record.cancelling:
            handle.cancel()
        self._driving.start(active, handle)

    async def _end(self, active: Active, status: str, why: EyeFlowError) -> None:
        await self._driving.end(active, status, why)  # type: ignore[arg-type]  # one of Status

    async def _later(self, active: Active) -> None:
        await self._driving.release(active, ready_ms=self._common.now_ms() + _TRY_AGAIN_MS)

    async def retry(self, execution_id: str, step: str | None, principal: Principal) -> Active:
        """Begin a run that takes over what `execution_id` had finished; see `retrying`.

        Raises: EngineError `unknown_execution`, `not_ended`, `no_such_step`, `nothing_to_retry`, `payload_erased`,
        `forbidden`, `task_paused`, `unknown_task`; LoadError; StoreError.
        """
        record = await self._history.record(execution_id)
        if record.status not in ENDED:
            raise EngineError("not_ended", f"{execution_id} has not ended", hint="cancel it first")
        deployed = await self._programs.pinned(record.task_id, record.version, digest=record.digest)
        request = RunRequest(task=record.task, origin="retry", origin_id=execution_id, principal=principal)
        permit(deployed.task, request)
        events = await self._history.events_of(record)
        if not events:
            raise EngineError("nothing_to_retry", f"{execution_id} never began", hint="run the task again")
        identity = self._common.ids.new("exec")
        begun = taken_over(
            deployed.executable.program, events, step=step, execution_id=identity, now=self._common.clock.now()
        )
        active = self._starting.active(deployed, request, identity, owner=self._lease.owner)
        active.pending = list(begun)
        await self._journal.flush(active)
        await self._reopen(active, deployed, begun)
        return active
