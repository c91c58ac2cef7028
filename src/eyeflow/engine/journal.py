"""The journal of runs in the store: the machine's `Journal`, fenced.

Knows: how events become rows, what must be written with them. In: batches of events of runs in this process. Out: rows,
durable on return. Never: writes for a run that another process owns: the unit fails, and the run is `Gone` here.

Events that say only that a run began or goes on wait for the next ones, for nothing has happened yet; the last batch
goes with the unit of the end (`ending`). The first unit of a run that is not in the store yet puts it there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from eyeflow.engine.active import Active
from eyeflow.engine.common import Common
from eyeflow.engine.lease import Ending, Gone, Lease
from eyeflow.engine.model import EngineError
from eyeflow.engine.packing import pack_events, unpack_events
from eyeflow.engine.sealing import RunKey
from eyeflow.errors import EyeFlowError
from eyeflow.store.port import Conflict, Insert, Op, Update, Where
from eyeflow.store.records import ExecutionRecord, JournalRecord, WorkRecord
from eyeflow.svm.journal import EffectStarted, Event, RunFinished, RunResumed, RunStarted

_NOTHING_YET: Final = (RunStarted, RunResumed)


class RunJournal:
    """The journal of one run as the machine sees it. It is this very run's: when the execution has begun anew in this
    process, what the old run still wants to keep goes nowhere."""

    def __init__(self, journal: FencedJournal, active: Active) -> None:
        self._journal = journal
        self._active = active

    async def append(self, execution_id: str, events: Sequence[Event]) -> None:
        """Keep `events`. Raises: Gone; EngineError `journal_limit`; StoreError."""
        await self._journal.append(self._active, events)

    def gather(self, events: Sequence[Event]) -> bool:
        """Take `events` that wait for the next ones, or for the unit of the end; False when they are to be appended."""
        return self._journal.gather(self._active, events)


class FencedJournal:
    """The journal of all runs of this process."""

    def __init__(self, common: Common, lease: Lease) -> None:
        self._common = common
        self._lease = lease
        self.draining = False

    def of(self, active: Active) -> RunJournal:
        """The journal of one run."""
        return RunJournal(self, active)

    async def append(self, active: Active, events: Sequence[Event]) -> None:
        """Keep `events` of a run. Raises: Gone; EngineError `journal_limit`; StoreError."""
        if active.gone:
            raise Gone(active.id)
        if self.gather(active, events):
            return
        active.pending.extend(events)
        last = events[-1]
        if self.draining and isinstance(last, EffectStarted) and not (active.handle and active.handle.working):
            ending = Ending(active.id)
            active.leave(ending)
            raise ending
        await self.flush(active)
        if isinstance(last, EffectStarted):
            await self._still_mine(active)

    def gather(self, active: Active, events: Sequence[Event]) -> bool:
        """Take `events` of a run that is here, if they need not be written now."""
        if active.gone or not (isinstance(events[-1], RunFinished) or _nothing_yet((*active.pending, *events))):
            return False
        active.pending.extend(events)
        return True

    async def flush(self, active: Active) -> None:
        """Write what waits, whatever it is. Raises: as `append`."""
        events, ops = active.pending, active.ops
        active.pending, active.ops = [], []
        try:
            rows = self.rows(active, events)
            unit: list[Op] = [*self._begun(active), *rows, *ops]
            await self._common.write(*unit, known=lambda: self.stored(rows))
        except Conflict:
            gone = Gone(active.id)
            active.leave(gone)
            raise gone from None
        except EyeFlowError as error:
            active.leave(error)  # what is kept is not known: whoever carries the run on looks
            raise
        active.kept = True
        active.seq += len(rows)

    def rows(self, active: Active, events: Sequence[Event]) -> list[Insert]:
        """The journal rows of `events`, which follow all earlier ones. Raises: EngineError `journal_limit`."""
        limits, rows, waiting = self._common.limits, list[Insert](), [list(events)] if events else []
        while waiting:
            part = waiting.pop()
            data = pack_events(part)
            if len(data) > limits.batch_bytes and len(part) > 1:
                half = len(part) // 2
                waiting += [part[half:], part[:half]]
                continue
            active.size += len(data)
            if len(data) > limits.batch_bytes or active.size > limits.journal_bytes:
                what = f"one event has {len(data)} bytes" if len(part) == 1 else f"it has {active.size} bytes"
                raise EngineError("journal_limit", f"the journal of this run is too large: {what}")
            seq = active.seq + len(rows)
            sealed = active.key.seal(data, active.id, f"journal/{seq}")
            rows.append(Insert(JournalRecord(execution_id=active.id, seq=seq, events=sealed)))
        return rows

    def _begun(self, active: Active) -> list[Op]:
        """What makes the run one of this process's in the store: its rows, or that they are still its own."""
        record = active.record
        if not active.kept:
            active.record = record = msgspec.structs.replace(record, durable="journal")
            work = WorkRecord(execution_id=record.id, task_id=record.task_id, owner=record.owner)
            return [Insert(record), Insert(work)]
        if record.status != "running":
            active.record = msgspec.structs.replace(
                record, status="running", started_ms=record.started_ms or self._common.now_ms(), wake_ms=None
            )
            begun = (("status", "running"), ("started_ms", active.record.started_ms), ("wake_ms", None))
            return [Update(ExecutionRecord, begun, active.mine(), expect=1)]
        return [active.fenced()]

    async def stored(self, rows: Sequence[Insert]) -> bool:
        """Whether these very rows are in the store: a sealed batch is like no other."""
        if not rows:
            return False
        row = rows[-1].record
        assert isinstance(row, JournalRecord)
        return await self._common.store.get(JournalRecord, row.execution_id, row.seq) == row

    async def _still_mine(self, active: Active) -> None:
        """Between the unit and the effect this process may have stood still: then ask whether it was buried."""
        if not self._lease.sure and not await self._lease.beat():
            active.leave(Gone(active.id))
        if active.gone:
            raise Gone(active.id)


def _nothing_yet(events: Sequence[Event]) -> bool:
    return all(isinstance(event, _NOTHING_YET) for event in events)


async def recorded_events(
    common: Common, record: ExecutionRecord, key: RunKey, *, most: int | None = None
) -> list[list[Event]]:
    """The first `most` batches of a run's journal, or all. Raises: EyeFlowError when one does not open; StoreError."""
    mine = Where("execution_id", "=", record.id)
    rows = await common.store.find(JournalRecord, mine, order=("seq",), limit=most)
    return [unpack_events(key.open(row.events, record.id, f"journal/{row.seq}")) for row in rows]
