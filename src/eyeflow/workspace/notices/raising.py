"""What happened becomes a row that waits to be told.

Knows: where happenings come from, and under which id each is kept once. In: events of the bus, what triggers say did
not run, questions in runs, schedules that stand still, runs after a failure. Out: `NoticeRecord`s in state `raised`.
Never: decides who is told.

A row's id is made of what happened, so that seeing it twice keeps it once.
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

from eyeflow.engine.model import EngineError, Principal
from eyeflow.errors import EyeFlowError
from eyeflow.events import CloudEvent
from eyeflow.ir.text import parse
from eyeflow.ports import Clock
from eyeflow.store.port import Insert, Op, Store, Where
from eyeflow.store.records import (
    ApprovalRecord,
    ExecutionRecord,
    NoticeRecord,
    ScheduleRecord,
    TaskRecord,
    VersionRecord,
)
from eyeflow.svm.outcome import FAILED_TOPIC
from eyeflow.triggers.port import DidNotRun
from eyeflow.workspace.notices.drifting import drifted
from eyeflow.workspace.notices.ending import ends_soon, incident_of
from eyeflow.workspace.notices.texts import Happening
from eyeflow.workspace.ports import CatalogSource, EngineView
from eyeflow.workspace.writing import now_ms

RAISED: Final = "raised"
TAKEN: Final = "taken"
"""What was raised and has become a notice, or was counted; kept a while, so that it is not raised again."""

STANDS_STILL_MS: Final = 10 * 60_000
"""So late, a schedule that has not fired is worth a notice even if nobody said so."""

BATCH: Final = 100
_TOLD: Final = frozenset({"missed", "refused", "poll_failed", "poll_gap"})
_WHY: Final = {
    "missed": "EyeFlow was not running, or was too busy, when it was due.",
    "refused": "The run was refused.",
    "poll_failed": "Looking for new items failed.",
    "poll_gap": "Some items may have been missed between two looks.",
}
_READER: Final = Principal(id="notices", role="auditor")


class Raising:
    """Notices things. `handle` is a handler of the event bus, `did_not_run` what triggers tell."""

    topics = (FAILED_TOPIC,)

    def __init__(self, store: Store, engine: EngineView, clock: Clock, catalog: CatalogSource) -> None:
        self._store = store
        self._engine = engine
        self._clock = clock
        self._catalog = catalog

    async def handle(self, event: CloudEvent) -> None:
        """Take the end of a run that failed. Raises: StoreError; the event then comes again."""
        data = event.data if isinstance(event.data, dict) else {}
        execution_id = data.get("execution_id")
        row = await self._store.get(ExecutionRecord, execution_id) if isinstance(execution_id, str) else None
        if row is None or row.practice or row.parent is not None:
            return  # a part of another run is told by that run
        happening = Happening(
            kind="failed", task=row.task, task_id=row.task_id, execution_id=row.id, step=await self._step(row),
            code=row.error_code or "", detail=row.error or "", at_ms=row.finished_ms or now_ms(self._clock),
        )  # fmt: skip
        await self._store.write(raised(happening, f"failed:{row.task_id}", event.id))

    def did_not_run(self, said: DidNotRun) -> tuple[Op, ...]:
        """Rows for the unit in which it is settled that something did not run."""
        if said.why not in _TOLD:
            return ()  # skipped by the task's own OVERLAP
        happening = Happening(
            kind="did_not_run", task_id=said.task_id, detail=said.detail or _WHY[said.why], code=said.why,
            instants=said.instants, at_ms=now_ms(self._clock),
        )  # fmt: skip
        same = f"{said.source_id}:{said.why}:{','.join(map(str, said.instants)) or happening.at_ms}"
        return (raised(happening, f"did_not_run:{said.task_id}", same),)

    async def look(self) -> None:
        """Raise what nobody reports: questions that wait, schedules that stand still."""
        ops = [*await self._questions(), *await self._standing()]
        if ops:
            await self._store.write(*ops)

    async def look_ahead(self) -> None:
        """Raise what will stop tasks or has stopped them already: credentials that end, services that are described
        differently."""
        at = now_ms(self._clock)
        ops: list[Op] = [raised(each, incident_of(each), "") for each in await ends_soon(self._store, at)]
        for each in await drifted(self._store, self._catalog(), at):
            incident = f"drifted:{each.task_id}"
            open_ones = (Where("incident", "=", incident), Where("closed", "=", False))
            if not await self._store.count(NoticeRecord, *open_ones, limit=1):
                ops.append(raised(each, incident, f"{at}"))
        if ops:
            await self._store.write(*ops)

    async def _questions(self) -> list[Op]:
        rows = await self._store.find(
            ApprovalRecord, Where("state", "=", "open"), order=("-asked_ms", "-id"), limit=BATCH
        )
        ops: list[Op] = []
        for row in rows:
            kind = "uncertain" if row.kind == "uncertain" else "approval"
            incident = f"{kind}:{row.id}"
            if await self._store.count(NoticeRecord, Where("incident", "=", incident), limit=1):
                continue
            happening = Happening(
                kind="uncertain" if row.kind == "uncertain" else "approval", task_id=row.task_id,
                execution_id=row.execution_id, approval_id=row.id, step=row.action, detail=row.message,
                at_ms=row.asked_ms,
            )  # fmt: skip
            ops.append(raised(happening, incident, row.id))
        return ops

    async def _standing(self) -> list[Op]:
        now = now_ms(self._clock)
        rows = await self._store.find(
            ScheduleRecord, Where("state", "=", "live"), Where("next_ms", "<", now - STANDS_STILL_MS),
            order=("next_ms",), limit=BATCH,
        )  # fmt: skip
        return [
            raised(
                Happening(
                    kind="did_not_run", task_id=row.task_id, instants=(row.next_ms or 0,), code="standing",
                    detail="Nothing fires schedules at the moment: is the scheduler running?", at_ms=now,
                ),
                f"did_not_run:{row.task_id}", f"{row.id}:standing:{row.next_ms}",
            )
            for row in rows
        ]  # fmt: skip

    async def _step(self, row: ExecutionRecord) -> str:
        """`step 2, post_to_slack`, as far as it is known."""
        try:
            number = (await self._engine.execution(row.id, _READER)).result.failed_action
        except (EngineError, EyeFlowError):
            return ""
        version = await self._store.get(VersionRecord, row.task_id, row.version)
        if number is None or version is None:
            return ""
        task, _ = parse(version.ir)
        names = [action.name for action in task.actions] if task is not None else []
        return f"step {number}, {names[number - 1]}" if 0 < number <= len(names) else f"step {number}"


def raised(happening: Happening, incident: str, same: str) -> Insert:
    """The row of a happening; `same` tells it from others of its incident."""
    identity = hashlib.sha256(f"{incident}\n{same}".encode()).hexdigest()[:32]
    row = NoticeRecord(
        id=f"note_{identity}", incident=incident, kind=happening.kind, task_id=happening.task_id,
        execution_id=happening.execution_id, recipient="", text=msgspec.json.encode(happening), state=RAISED,
        created_ms=happening.at_ms,
    )  # fmt: skip
    return Insert(row, "ignore")


async def task_name(store: Store, task_id: str | None) -> str:
    """What people call a task."""
    row = await store.get(TaskRecord, task_id) if task_id is not None else None
    return row.name if row is not None else "a task"
