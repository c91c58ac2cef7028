"""A store in memory, a clock that stands, and an engine that puts runs on record and never runs them: what triggers
are tested against where it does not matter what a program does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import msgspec

from eyeflow.engine.model import Busy, EngineError, RunRequest, RunResult
from eyeflow.ports import CountingIds, FixedClock
from eyeflow.store.memory import MemoryStore
from eyeflow.store.port import Conflict, Delete, Insert, Op, Store, Where
from eyeflow.store.records import NoticeRecord, ScheduleRecord, TickRecord, WorkRecord
from eyeflow.triggers.port import DidNotRun, Overlap
from eyeflow.triggers.scheduler import Scheduler
from eyeflow.triggers.timing import milliseconds, next_after
from eyeflow.values import Value


def at(text: str) -> datetime:
    """An instant, UTC unless it says otherwise."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def ms(text: str) -> int:
    return milliseconds(at(text))


class Line:
    """Puts runs into the store and keeps their requests, in order. `refuse` is raised instead, when it is set."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.requests: list[RunRequest] = []
        self._ended = 0
        self.overlaps: list[Overlap | None] = []
        self.refuse: EngineError | None = None
        self.accept: Callable[[Value], bool] = lambda payload: True
        self.answer: Callable[[str, str, Mapping[str, Value]], Value] = lambda *asked: None
        self.asked: list[tuple[str, str, dict[str, Value]]] = []
        self.results: dict[str, RunResult] = {}

    async def enqueue(
        self, request: RunRequest, *ops: Op, overlap: Overlap | None = None, instead: Sequence[Op] = ()
    ) -> str | None:
        if self.refuse is not None:
            raise self.refuse
        assert request.execution_id is not None
        lane = None if overlap is None else request.origin_id
        work = WorkRecord(execution_id=request.execution_id, task_id=request.task, lane=lane)
        if overlap == "skip" and await self.store.count(WorkRecord, Where("lane", "=", lane)):
            with suppress(Conflict):
                await self.store.write(*instead)
            return None
        try:
            await self.store.write(Insert(work), *ops)
        except Conflict:
            return None
        self.requests.append(request)
        self.overlaps.append(overlap)
        return request.execution_id

    async def end(self, execution_id: str, *, wait_ms: int | None = None) -> RunResult:
        known = RunResult(execution_id=execution_id, task="t", status="queued")
        return known if wait_ms == 0 else self.results.get(execution_id, known)

    async def passes(self, task_id: str, version: int, trigger: int, payload: Value) -> bool:
        return self.accept(payload)

    async def ask(
        self, connection: str, capability: str, params: Mapping[str, Value], *, practice: bool = False
    ) -> Value:
        self.asked.append((connection, capability, dict(params)))
        return self.answer(connection, capability, params)

    async def finish(self, execution_id: str | None) -> None:
        """The run is over."""
        await self.store.write(Delete(WorkRecord, (Where("execution_id", "=", execution_id),)))

    async def end_all(self) -> None:
        for request in self.requests[self._ended :]:
            await self.finish(request.execution_id)
        self._ended = len(self.requests)


def noticed(what: DidNotRun) -> tuple[Op, ...]:
    """A notice that says it."""
    text = msgspec.json.encode(what)
    number = f"notice_{what.why}_{what.source_id}_{what.instants}"
    return (
        Insert(
            NoticeRecord(id=number, incident=number, kind="did_not_run", recipient="x", text=text, created_ms=0),
            taken="replace",
        ),
    )


class World:
    """One scheduler over one store. `step` lets time pass; `fired` is what ran, by schedule, as text."""

    def __init__(self, now: str, store: Store | None = None) -> None:
        self.clock = FixedClock(at(now))
        self.store = store or MemoryStore()
        self.ids = CountingIds()
        self.engine = Line(self.store)
        self.scheduler = self.another("one")

    def another(self, owner: str) -> Scheduler:
        """A scheduler of another process."""
        return Scheduler(
            self.store, self.engine, clock=self.clock, ids=self.ids, owner=owner, told=noticed
        )  # fmt: skip

    async def told(self) -> list[DidNotRun]:
        """What people were told, in order."""
        rows = await self.store.find(NoticeRecord, order=("created_ms", "id"))
        return [msgspec.json.decode(row.text, type=DidNotRun) for row in rows]

    @property
    def now(self) -> int:
        return milliseconds(self.clock.now())

    async def add(self, name: str, spec: bytes, **more: object) -> ScheduleRecord:
        record = ScheduleRecord(
            id=name, task_id=f"task_{name}", version=1, trigger=0, spec=spec, next_ms=next_after(spec, self.now),
            **more,  # type: ignore[arg-type]
        )  # fmt: skip
        await self.store.write(Insert(record))
        self.scheduler.changed()
        return record

    async def rounds(self, scheduler: Scheduler | None = None) -> None:
        """Rounds until there is nothing left to do now."""
        for _ in range(200):
            if await (scheduler or self.scheduler).round() > 0:
                return
        raise AssertionError("rounds never end")

    async def step(self, by: timedelta, *, ending: bool = True) -> None:
        """Time passes, what is due fires, and (unless told) every run ends at once."""
        self.clock.advance(by)
        await self.rounds()
        if ending:
            await self.engine.end_all()

    async def until(self, text: str, by: timedelta = timedelta(minutes=1)) -> None:
        while self.clock.now() < at(text):
            await self.step(min(by, at(text) - self.clock.now()))

    def fired(self, name: str) -> list[str]:
        return [
            request.payload["at"].strftime("%m-%d %H:%M")  # type: ignore[index,call-overload,union-attr]
            for request in self.engine.requests
            if request.origin_id == name
        ]

    async def ticks(self, name: str) -> list[tuple[str, str]]:
        rows = await self.store.find(TickRecord, Where("schedule_id", "=", name), order=("instant_ms",))
        return [(datetime.fromtimestamp(row.instant_ms / 1000, UTC).strftime("%m-%d %H:%M"), row.outcome)
                for row in rows]  # fmt: skip


BUSY = Busy("busy", "too much", retry_after_ms=500)
