"""What is known of executions: one with its output, its events, its timeline, and what happens in it now.

Knows: where the record of a run is: in memory, in its journal, in its row. In: ids. Out: structs and events. Never:
changes anything but by `erase`, which destroys the key of a run's record for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Final

import msgspec

from eyeflow.engine.active import Active
from eyeflow.engine.common import Common
from eyeflow.engine.ending import result_of
from eyeflow.engine.journal import recorded_events
from eyeflow.engine.model import ENDED, EngineError, ExecutionDetail, RunResult, no_execution
from eyeflow.engine.packing import Outcome, unpack_events, unpack_outcome, unpack_request, unpack_whole
from eyeflow.engine.sealing import RunKey
from eyeflow.store.port import Append, Conflict, Update, Where
from eyeflow.store.records import AuditRecord, ExecutionRecord
from eyeflow.svm.journal import Event, RunStarted
from eyeflow.svm.timeline import Timeline, timeline_of
from eyeflow.values import Value

_LOOK_S: Final = 0.1
"""How often a run in this process is looked at by who watches it."""

_ASK_S: Final = 0.25
"""How often the store is asked about a run elsewhere."""


class History:
    """Reads executions."""

    def __init__(self, common: Common, actives: Mapping[str, Active]) -> None:
        self._common = common
        self._actives = actives

    async def record(self, execution_id: str) -> ExecutionRecord:
        """The row of an execution, or as it will be. Raises: EngineError `unknown_execution`; StoreError."""
        record = await self._common.store.get(ExecutionRecord, execution_id)
        if record is None:
            active = self._actives.get(execution_id)
            if active is None:
                raise no_execution(execution_id)
            return active.record
        return record

    async def result(self, record: ExecutionRecord) -> RunResult:
        """What a caller of the run is told now. Raises: EngineError `payload_erased`."""
        if record.status in ENDED:
            return result_of(record, self._outcome(record))
        active = self._actives.get(record.id)
        status = record.status if active is None else active.status
        return msgspec.structs.replace(result_of(record, Outcome()), status=status)

    async def detail(self, execution_id: str) -> ExecutionDetail:
        """An execution with what it was given and what it gave. Raises: EngineError `unknown_execution`; StoreError."""
        record = await self.record(execution_id)
        active = self._actives.get(execution_id)
        ended = record.status in ENDED
        result = result_of(record, self._outcome(record) if ended else Outcome())
        if active is not None and not ended:
            result = msgspec.structs.replace(result, status=active.status)
        if not record.key:
            return _detail(record, result, erased=True)
        head = await self._head(record)
        given, payload = dict[str, Value](), None
        if head is not None:
            given = head.inputs if isinstance(head.inputs, dict) else {}
            payload = head.trigger
        elif record.request:
            asked = unpack_request(self._key(record).open(record.request, record.id, "request"))
            given, payload = asked.input, asked.payload
        return _detail(record, result, given=given, payload=payload)

    async def events(self, execution_id: str) -> list[Event]:
        """What happened, in order. Raises: EngineError `unknown_execution`, `payload_erased`; StoreError."""
        active = self._actives.get(execution_id)
        if active is not None and active.handle is not None:
            return list(active.handle.events)
        return await self.events_of(await self.record(execution_id))

    async def events_of(self, record: ExecutionRecord) -> list[Event]:
        """As `events`, of a row."""
        key = self._key(record)
        if record.trail:
            return unpack_events(key.open(record.trail, record.id, "trail"))
        return [event for batch in await recorded_events(self._common, record, key) for event in batch]

    async def timeline(self, execution_id: str) -> Timeline:
        """The timeline. Raises: as `events`."""
        return timeline_of(await self.events(execution_id))

    async def watch(self, execution_id: str) -> AsyncIterator[Event]:
        """What happened and happens, until the run has ended. Raises: as `events`."""
        seen = 0
        while True:
            active = self._actives.get(execution_id)
            if active is not None and active.handle is not None:
                for event in active.handle.happened(seen):
                    seen += 1
                    yield event
                await asyncio.sleep(_LOOK_S)
                continue
            record = await self.record(execution_id)
            if record.status in ENDED or active is None:
                for event in (await self.events_of(record))[seen:]:
                    seen += 1
                    yield event
            if record.status in ENDED:
                return
            await asyncio.sleep(_ASK_S)

    async def erase(self, execution_id: str, principal: str) -> None:
        """Destroy what a run that ended carried; that it ran, and how it ended, stays known.

        Raises: EngineError `unknown_execution`, `not_ended`; StoreError.
        """
        record = await self.record(execution_id)
        if record.status not in ENDED:
            raise EngineError("not_ended", f"{execution_id} has not ended", hint="cancel it first")
        audit = AuditRecord(
            at_ms=self._common.now_ms(), actor=principal, action="execution.erased", object=execution_id
        )
        blank = (("key", b""), ("request", b""), ("outcome", b""), ("trail", b""), ("error", None))
        same = (Where("id", "=", execution_id), Where("status", "=", record.status))
        try:
            await self._common.write(Update(ExecutionRecord, blank, same, expect=1), Append(audit))
        except Conflict:
            raise no_execution(execution_id) from None

    async def _head(self, record: ExecutionRecord) -> RunStarted | None:
        active = self._actives.get(record.id)
        if active is not None and active.handle is not None:
            events = active.handle.happened(0)[:1]
        elif record.trail:
            events = unpack_events(self._key(record).open(record.trail, record.id, "trail"))
        else:
            first = await recorded_events(self._common, record, self._key(record), most=1)
            events = first[0] if first else []
        return events[0] if events and isinstance(events[0], RunStarted) else None

    def _outcome(self, record: ExecutionRecord) -> Outcome:
        if not record.key:
            return Outcome()
        if record.trail and not record.outcome:
            return unpack_whole(self._key(record).open(record.trail, record.id, "trail"))
        return unpack_outcome(self._key(record).open(record.outcome, record.id, "outcome"))

    def _key(self, record: ExecutionRecord) -> RunKey:
        if not record.key:
            raise EngineError(
                "payload_erased",
                f"what {record.id} carried was erased",
                hint="that it ran, and how it ended, is all that is kept",
            )
        return self._common.cipher.open(record.key)


def _detail(
    record: ExecutionRecord,
    result: RunResult,
    *,
    given: dict[str, Value] | None = None,
    payload: Value = None,
    erased: bool = False,
) -> ExecutionDetail:
    return ExecutionDetail(
        execution_id=record.id, task_id=record.task_id, task=record.task, version=record.version,
        program=record.digest, status=result.status, durable=record.durable, origin=record.origin,
        origin_id=record.origin_id, principal=record.principal, parent=record.parent, practice=record.practice,
        cancelling=record.cancelling and record.status not in ENDED, created_ms=record.created_ms,
        started_ms=record.started_ms,
        finished_ms=record.finished_ms, wakes_ms=record.wake_ms, erased=erased, input=given or {}, payload=payload,
        result=result,
    )  # fmt: skip
