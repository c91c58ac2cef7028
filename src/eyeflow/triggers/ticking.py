"""One schedule that is due: its ticks, its runs.

Knows: the units that make a tick happen once. In: a `ScheduleRecord` whose time has come. Out: the record as it then
stands. Never: looks for schedules (`scheduler` does), computes instants (`timing`), holds runs apart (the engine).

A tick is one unit of the store: the tick's row, the run, and the schedule's next instant. So whatever ends the
process, an instant has run and counts as run, or neither. The row is unique, and the schedule must still be what was
read: two schedulers, or a deploy in between, lose to each other without harm.

OVERLAP is the engine's: with `skip` it writes, in place of the run, the row that says so. Missed instants that are
made up for run one after the other, whatever OVERLAP says. No more than `MAX_QUEUED` runs of a schedule wait.
"""

from __future__ import annotations

from typing import Final, cast

import msgspec

from eyeflow.engine.model import Busy, EngineError, Principal, RunRequest
from eyeflow.errors import LoadError
from eyeflow.ports import Clock, Ids
from eyeflow.store.port import Conflict, Insert, Op, Store, Update, Where
from eyeflow.store.records import ScheduleRecord, TickRecord, WorkRecord
from eyeflow.triggers.port import DidNotRun, Engine, Overlap, Told
from eyeflow.triggers.timing import due, milliseconds, moment

MAX_QUEUED: Final = 100


class _Tick(msgspec.Struct, frozen=True):
    """One instant to settle: what comes after it, and `more` rows that go into its unit."""

    at: int
    following: int | None
    last: int
    overlap: Overlap
    more: tuple[Op, ...]


class Ticking:
    """Fires schedules. `told` makes the rows that tell a person what did not run."""

    def __init__(self, store: Store, engine: Engine, clock: Clock, ids: Ids, told: Told) -> None:
        self._store = store
        self._engine = engine
        self._clock = clock
        self._ids = ids
        self._told = told

    async def fire(self, schedule: ScheduleRecord) -> ScheduleRecord | None:
        """Do what is due of `schedule`; the record as it stands afterwards, None when somebody else changed it.

        Raises: Busy when the engine takes no more (what ran before that is settled); StoreError.
        """
        assert schedule.next_ms is not None, "only what waits for an instant is fired"
        plan = due(
            schedule.spec, missed=schedule.missed, next_ms=schedule.next_ms, last_ms=schedule.last_ms,
            now_ms=milliseconds(self._clock.now()),
        )  # fmt: skip
        first = tuple(self._lost(schedule, plan.missed, "missed")) if plan.missed else ()
        if not plan.run:
            return await self._settle(schedule, plan.next_ms, plan.last_ms, *first)
        overlap: Overlap = "queue" if plan.late and len(plan.run) > 1 else cast(Overlap, schedule.overlap)
        for at, following in zip(plan.run[:-1], plan.run[1:], strict=True):
            here = await self._tick(schedule, _Tick(at, following, at, overlap, first))
            if here is None:
                return None
            schedule, first = here, ()
        assert plan.last_ms is not None, "what runs is settled by it"
        return await self._tick(schedule, _Tick(plan.run[-1], plan.next_ms, plan.last_ms, overlap, first))

    async def _tick(self, schedule: ScheduleRecord, tick: _Tick) -> ScheduleRecord | None:
        after = msgspec.structs.replace(schedule, next_ms=tick.following, last_ms=tick.last)
        skipped = (*self._lost(schedule, (tick.at,), "skipped"), _change(schedule, after), *tick.more)
        if tick.overlap == "queue" and await self._is_full(schedule):
            return await self._write(after, *skipped)
        request = RunRequest(
            task=schedule.task_id, payload={"at": moment(tick.at)}, origin="schedule", origin_id=schedule.id,
            principal=Principal(id=f"schedule:{schedule.id}", role="runner"), execution_id=self._ids.new("exec"),
        )  # fmt: skip
        row = self._row(schedule, tick.at, "ran", request.execution_id)
        try:
            taken = await self._engine.enqueue(
                request, row, _change(schedule, after), *tick.more, overlap=tick.overlap, instead=skipped
            )
        except Busy:
            raise
        except (EngineError, LoadError) as error:
            lost = self._lost(schedule, (tick.at,), "refused", error.code)
            return await self._write(after, *lost, _change(schedule, after), *tick.more)
        return after if taken is not None else await self._not_taken(schedule, after)

    async def _not_taken(self, schedule: ScheduleRecord, after: ScheduleRecord) -> ScheduleRecord | None:
        """It was skipped; or somebody else did something; or, when the schedule still waits for the same instant,
        the tick has a row already: the clock was set back, and what has fired is passed over."""
        here = await self._store.get(ScheduleRecord, schedule.id)
        if here != schedule:
            return after if here == after else None
        return await self._settle(schedule, after.next_ms, after.last_ms)

    async def _settle(
        self, schedule: ScheduleRecord, following: int | None, last: int | None, *ops: Op
    ) -> ScheduleRecord | None:
        after = msgspec.structs.replace(schedule, next_ms=following, last_ms=schedule.last_ms if last is None else last)
        return await self._write(after, _change(schedule, after), *ops)

    async def _write(self, after: ScheduleRecord, *ops: Op) -> ScheduleRecord | None:
        try:
            await self._store.write(*ops)
        except Conflict:
            return None
        return after

    async def _is_full(self, schedule: ScheduleRecord) -> bool:
        return await self._store.count(WorkRecord, Where("lane", "=", schedule.id), limit=MAX_QUEUED) >= MAX_QUEUED

    def _lost(self, schedule: ScheduleRecord, instants: tuple[int, ...], why: str, detail: str = "") -> list[Op]:
        told = self._told(
            DidNotRun(task_id=schedule.task_id, source_id=schedule.id, why=why, instants=instants, detail=detail)
        )
        return [*(self._row(schedule, at, why) for at in instants), *told]

    def _row(self, schedule: ScheduleRecord, at: int, outcome: str, execution: str | None = None) -> Insert:
        now = milliseconds(self._clock.now())
        tick = TickRecord(
            schedule_id=schedule.id, instant_ms=at, outcome=outcome, execution_id=execution, created_ms=now
        )  # fmt: skip
        return Insert(tick, taken="fail" if outcome == "ran" else "ignore")


def _change(before: ScheduleRecord, after: ScheduleRecord) -> Update:
    """The next instant, on the condition that the schedule is still what was read."""
    same = (Where("id", "=", before.id), Where("version", "=", before.version), Where("state", "=", before.state))
    values = (("next_ms", after.next_ms), ("last_ms", after.last_ms))
    return Update(ScheduleRecord, values, (*same, Where("next_ms", "=", before.next_ms)), expect=1)
