"""Tasks that run when something is published: `topic("name")`, and events a service sends over a topic.

Knows: which live tasks listen to which topics. In: events of the bus. Out: durable runs. Never: runs an event twice
for one task, lets tasks that wake each other go on for ever.

The bus delivers at least once; the event's id makes it once. When the engine or the store cannot take a run, the
handler fails, and the outbox publishes the event again. An event that was published by a run knows that run: what it
starts is one level deeper, and deeper than `MAX_DEPTH` nothing is started; the outcome of a task (`eyeflow.tasks...`)
does not start the task it is the outcome of.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Final

from eyeflow.engine.model import Busy, EngineError, Principal, RunRequest
from eyeflow.errors import EyeFlowError, LoadError, RunError
from eyeflow.events.bus import EventBus, Subscription
from eyeflow.events.cloudevent import CloudEvent
from eyeflow.ports import Clock, Ids
from eyeflow.store.port import Insert, Store, Where
from eyeflow.store.records import DeliveryRecord, ExecutionRecord, SettingRecord, SubscriptionRecord
from eyeflow.triggers.addresses import GENERATION
from eyeflow.triggers.port import DidNotRun, Engine, Told, nobody
from eyeflow.triggers.timing import milliseconds

MAX_DEPTH: Final = 8
KEPT_MS: Final = 30 * 86_400_000
LOOK_SECONDS: Final = 0.5
OUTCOMES: Final = "eyeflow.tasks."

_log: Final = logging.getLogger("eyeflow.triggers")


class Topics:
    """Listens on `bus` in every process, for the topics that tasks want."""

    def __init__(
        self, store: Store, engine: Engine, bus: EventBus, *, clock: Clock, ids: Ids, told: Told = nobody
    ) -> None:
        self._store = store
        self._engine = engine
        self._bus = bus
        self._clock = clock
        self._ids = ids
        self._told = told
        self._rows: dict[str, list[SubscriptionRecord]] = {}
        self._listening: dict[str, Subscription] = {}
        self._generation: bytes | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen from now on. Raises: StoreError."""
        await self.refresh()
        if self._task is None:
            self._task = asyncio.create_task(self._follow(), name="eyeflow-topics")

    async def drain(self) -> None:
        """Listen no more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        for subscription in self._listening.values():
            subscription.end()
        self._listening.clear()

    async def refresh(self) -> None:
        """See which topics are wanted now. Raises: StoreError."""
        rows: dict[str, list[SubscriptionRecord]] = {}
        for row in await self._store.find(SubscriptionRecord, Where("state", "=", "live"), order=("id",)):
            rows.setdefault(row.topic, []).append(row)
        self._rows = rows
        for topic in self._listening.keys() - rows.keys():
            self._listening.pop(topic).end()
        for topic in rows.keys() - self._listening.keys():
            self._listening[topic] = self._bus.subscribe(topic, self.heard)

    async def heard(self, event: CloudEvent) -> None:
        """Run every task that wants the event and has not had it. Raises: Busy, StoreError: publish it again."""
        rows = self._rows.get(event.type, ())
        if not rows:
            return
        source = None if event.subject is None else await self._store.get(ExecutionRecord, event.subject)
        for row in rows:
            if source is not None and event.type.startswith(OUTCOMES) and source.task_id == row.task_id:
                continue
            depth = 0 if source is None else source.depth + 1
            if depth > MAX_DEPTH:
                await self._refuse(row, "too_deep")
                continue
            await self._run(row, event, depth)

    async def _run(self, row: SubscriptionRecord, event: CloudEvent, depth: int) -> None:
        now = milliseconds(self._clock.now())
        request = RunRequest(
            task=row.task_id, payload=event.data, payload_as_input=True, origin="topic", origin_id=row.id,
            principal=Principal(id=f"topic:{row.id}", role="runner"), execution_id=self._ids.new("exec"), depth=depth,
        )  # fmt: skip
        taken = DeliveryRecord(
            source_id=row.id, delivery_id=f"{event.source} {event.id}"[:300], execution_id=request.execution_id,
            received_ms=now, expires_ms=now + KEPT_MS,
        )  # fmt: skip
        try:
            if await self._engine.passes(row.task_id, row.version, row.trigger, event.data):
                await self._engine.enqueue(request, Insert(taken))
        except Busy:
            raise
        except RunError:
            return  # as in a simulation: an event whose filter cannot be read does not pass
        except (EngineError, LoadError) as error:
            await self._refuse(row, error.code)

    async def _refuse(self, row: SubscriptionRecord, code: str) -> None:
        _log.warning("an event on %s did not run %s: %s", row.topic, row.task_id, code)
        ops = self._told(DidNotRun(task_id=row.task_id, source_id=row.id, why="refused", detail=code))
        if ops:
            await self._store.write(*ops)

    async def look(self) -> None:
        """See whether another process has deployed something. Raises: StoreError."""
        setting = await self._store.get(SettingRecord, GENERATION)
        generation = b"" if setting is None else setting.value
        if generation != self._generation:
            await self.refresh()
            self._generation = generation

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            with suppress(EyeFlowError):
                await self.look()
