"""How a run ends in the store: one unit with its row, its record, what it tells, and nothing after it.

Knows: what belongs to an end. In: a finished `Execution`, or the reason why a run ends without the machine. Out: the
unit, written; the `RunResult`. Never: decides that a run ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

import msgspec

from eyeflow.engine.active import Active
from eyeflow.engine.common import Common, Written
from eyeflow.engine.journal import FencedJournal
from eyeflow.engine.keys import reserved
from eyeflow.engine.lease import Gone
from eyeflow.engine.limits import DAY_MS
from eyeflow.engine.model import RunResult, Status
from eyeflow.engine.packing import Outcome, outcome_of, pack_events, pack_outcome, pack_whole
from eyeflow.engine.people import withdrawn
from eyeflow.engine.sealing import RunKey
from eyeflow.engine.telling import end_told
from eyeflow.store.port import Conflict, Delete, Insert, Op, Update, Where
from eyeflow.store.records import ExecutionRecord, IdempotencyRecord, TaskRecord, WorkRecord
from eyeflow.svm.journal import Event
from eyeflow.svm.outcome import Execution

_LONGEST_ERROR: Final = 2_000
_ENDED: Final = (
    "status", "error_code", "error", "outcome", "started_ms", "finished_ms", "duration_ms", "purge_ms", "wake_ms",
)  # fmt: skip


class Endings:
    """Writes ends."""

    def __init__(self, common: Common, journal: FencedJournal) -> None:
        self._common = common
        self._journal = journal

    async def conclude(self, active: Active, execution: Execution) -> RunResult:
        """Write the end of a run the machine has finished. Raises: Gone; EngineError `journal_limit`; StoreError."""
        outcome = outcome_of(execution)
        record = self._ended(
            active, execution.status, started_ms=active.record.started_ms, duration_ms=execution.duration_ms,
            code=execution.error_code, error=execution.error,
        )  # fmt: skip
        await self._write(active, record, outcome)
        return result_of(record, outcome)

    async def conclude_without(
        self, active: Active, status: Status, code: str, message: str, hint: str = ""
    ) -> RunResult:
        """Write the end of a run that the machine did not, or must not, carry to its end. Raises: Gone; StoreError."""
        active.pending = []
        outcome = Outcome(hint=hint)
        now = self._common.now_ms()
        started_ms = active.record.started_ms
        record = self._ended(
            active, status, started_ms=started_ms, duration_ms=now - (started_ms or now), code=code,
            error=message,
        )  # fmt: skip
        await self._write(active, record, outcome)
        return result_of(record, outcome)

    async def conclude_computed(self, record: ExecutionRecord, key: IdempotencyRecord | None) -> None:
        """Write a run that only computed, begun and ended at once. Raises: Conflict when `key` is taken; StoreError."""
        unit: list[Op] = [Insert(record), *end_told(self._common, record)]
        if key is not None:
            unit += reserved(key, self._common.now_ms())
        await self._common.write(*unit, known=lambda: self._is_there(record))

    def begin_computed(self, record: ExecutionRecord, done: Written) -> None:
        """As `conclude_computed` without a key; `done` is told. Raises: StoreError when nothing was begun."""
        self._common.begin_write(
            Insert(record), *end_told(self._common, record), known=partial(self._is_there, record), done=done
        )

    def _ended(
        self,
        active: Active,
        status: str,
        *,
        started_ms: int | None,
        duration_ms: int,
        code: str | None,
        error: str | None,
    ) -> ExecutionRecord:
        now = self._common.now_ms()
        task = None if active.deployed is None else active.deployed.task
        return msgspec.structs.replace(
            active.record, status=status, error_code=code, error=shortened(error), started_ms=started_ms,
            finished_ms=now, duration_ms=duration_ms, wake_ms=None, purge_ms=purged_at(task, now),
        )  # fmt: skip

    async def _write(self, active: Active, record: ExecutionRecord, outcome: Outcome) -> None:
        common, told = self._common, end_told(self._common, record)
        active.settling = True
        record = sealed(record, active.key, [] if active.kept else active.pending, outcome, common.limits.batch_bytes)
        if active.asks and active.kept:
            active.ops.append(withdrawn(active.id))
        rows = self._journal.rows(active, active.pending) if active.kept or not record.trail else []
        if active.kept:
            values = tuple((name, getattr(record, name)) for name in _ENDED)
            unit: list[Op] = [
                Update(ExecutionRecord, values, active.mine(), expect=1),
                Delete(WorkRecord, (Where("execution_id", "=", active.id),)),
            ]
        else:
            unit = [Insert(record)]
        try:
            await common.write(*unit, *rows, *active.ops, *told, known=lambda: self._is_there(record))
        except Conflict:
            raise Gone(active.id) from None

    async def _is_there(self, record: ExecutionRecord) -> bool:
        """Whether this very end is in the store."""
        found = await self._common.store.get(ExecutionRecord, record.id)
        return found is not None and (found.outcome, found.trail) == (record.outcome, record.trail)


def sealed(
    record: ExecutionRecord, key: RunKey, events: Sequence[Event], outcome: Outcome, most: int
) -> ExecutionRecord:
    """The row of a run that ended with what it carried. `events` are all of them, when its row holds its journal: it
    does not when they have more than `most` bytes, or there are none."""
    if events:
        whole = pack_whole(events, outcome)
        if whole is not None and len(whole) <= most:
            return msgspec.structs.replace(record, trail=key.seal(whole, record.id, "trail"))
        data = pack_events(events)
        if len(data) <= most:
            record = msgspec.structs.replace(record, trail=key.seal(data, record.id, "trail"))
    return msgspec.structs.replace(record, outcome=key.seal(pack_outcome(outcome), record.id, "outcome"))


def purged_at(task: TaskRecord | None, finished_ms: int) -> int | None:
    """When a run of `task` that ended may be forgotten; None when never."""
    if task is None or task.retention_days is None:
        return None
    return finished_ms + task.retention_days * DAY_MS


def shortened(error: str | None) -> str | None:
    """An error as its column holds it."""
    return error if error is None or len(error) <= _LONGEST_ERROR else error[: _LONGEST_ERROR - 1] + "…"


def result_of(record: ExecutionRecord, outcome: Outcome) -> RunResult:
    """What a caller is told of an ended run."""
    return RunResult(
        execution_id=record.id, task=record.task, status=record.status,  # type: ignore[arg-type]  # one of Status
        output=outcome.output, duration_ms=record.duration_ms, error=record.error, error_code=record.error_code,
        error_hint=outcome.hint, completed_actions=outcome.completed_actions, failed_action=outcome.failed_action,
        fallback_executed=outcome.fallback_executed, uncertain=outcome.uncertain, response=outcome.response,
    )  # fmt: skip
