"""One poll: ask, see what is new, run it, remember.

Knows: the units that make an item run once. In: a `PollRecord` whose time has come. Out: runs, and the record put
forward. Never: fires on the first poll, loses its place when something fails.

Each new item is one unit of the store: its run, its id, and the cursor moved to it. So whatever ends the process, what
has run counts as seen. Items run in ascending order of the cursor, or the oldest first. The next poll comes `every_ms`
after this one began; after failures later and later, at most an hour, and the failure stays on the record.
"""

from __future__ import annotations

from typing import Final

import msgspec

from eyeflow.catalog.model import Catalog, PollSource, TriggerKind
from eyeflow.engine.model import Busy, EngineError, Principal, RunRequest
from eyeflow.errors import CallError, EyeFlowError, LoadError, RunError
from eyeflow.ports import Clock, Ids
from eyeflow.store.port import Conflict, Insert, Op, Scalar, Store, Update, Where
from eyeflow.store.records import DeliveryRecord, PollRecord, TaskRecord
from eyeflow.svm.wire import digest
from eyeflow.triggers import cursors
from eyeflow.triggers.cursors import Cursor, Key, News
from eyeflow.triggers.port import DidNotRun, Engine, Told, TriggerError
from eyeflow.triggers.sources import Params, Polling, polling
from eyeflow.triggers.timing import milliseconds
from eyeflow.values import Value

LONGEST_PAUSE_MS: Final = 3_600_000
TELL_AFTER: Final = 3
"""So many failures in a row are told; being denied is told at once."""
KEPT_MS: Final = 2 * 86_400_000
"""Ids of items need to be remembered only until the cursor is past them."""
MAX_ERROR_CHARS: Final = 300


class _Item(msgspec.Struct, frozen=True):
    """A new item, its cursor or identity, and what the task receives of it."""

    item: Value
    key: Key | str
    payload: Value


class Polls:
    """Polls. `told` makes the rows that tell a person what went wrong."""

    def __init__(self, store: Store, engine: Engine, clock: Clock, ids: Ids, told: Told) -> None:
        self._store = store
        self._engine = engine
        self._clock = clock
        self._ids = ids
        self._told = told

    async def poll(self, record: PollRecord, catalog: Catalog) -> None:
        """One poll of `record`. Raises: Busy when the engine takes no more (the next poll goes on there), StoreError.
        Whatever else goes wrong is on the record."""
        began = milliseconds(self._clock.now())
        try:
            kind, source = _described(record, catalog)
            prepared = polling(source, kind)
            params: Params = msgspec.json.decode(record.params)
            task = await self._store.get(TaskRecord, record.task_id)
            answer = await self._engine.ask(
                record.connection,
                source.capability,
                prepared.asked(params),
                practice=task is not None and task.practice,
            )
            items = [(item, prepared.key(item, params)) for item in prepared.items(answer)]
            former = None if record.cursor is None else cursors.load(record.cursor)
            news = cursors.grown(items, former) if prepared.grows else cursors.unseen(items, former)
        except Busy:
            raise
        except (CallError, RunError, LoadError, EngineError, TriggerError) as error:
            await self._failed(record, error)
            return
        if former is None:
            await self._settle(record, began, news.after)
            return
        note = self._gap(record, prepared, params, len(items), news)
        found = await self._run_all(record, prepared, params, news)
        if found is not None:
            here, unread = found
            note = f"{unread} items could not be read" if unread else note
            await self._settle(here, began, news.after, note)

    async def _run_all(
        self, record: PollRecord, prepared: Polling, params: Params, news: News
    ) -> tuple[PollRecord, int] | None:
        """Run the new items; the record as it then stands and how many could not be read, None when it changed."""
        unread = 0
        for number, (item, key) in enumerate(news.items):
            try:
                payload = prepared.payload(item, params)
            except RunError:
                unread += 1
                continue
            try:
                if not await self._engine.passes(record.task_id, record.version, record.trigger, payload):
                    continue
            except RunError:
                continue  # as in a simulation: an event whose filter cannot be read does not pass
            following = news.items[number + 1][1] if number + 1 < len(news.items) else None
            moved = cursors.store(cursors.at(key)) if prepared.grows and key != following else record.cursor
            changed = await self._run(record, _Item(item, key, payload), moved, grows=prepared.grows)
            if changed is None:
                return None
            record = changed
        return record, unread

    async def _run(self, record: PollRecord, new: _Item, cursor: bytes | None, *, grows: bool) -> PollRecord | None:
        """One item; None when the poll was deployed, paused or removed meanwhile."""
        now = milliseconds(self._clock.now())
        name = digest([new.item, new.key]) if grows else str(new.key)
        request = RunRequest(
            task=record.task_id, payload=new.payload, payload_as_input=True, origin="poll", origin_id=record.id,
            principal=Principal(id=f"poll:{record.id}", role="runner"), execution_id=self._ids.new("exec"),
        )  # fmt: skip
        taken = DeliveryRecord(
            source_id=record.id, delivery_id=name, execution_id=request.execution_id, received_ms=now,
            expires_ms=now + KEPT_MS,
        )  # fmt: skip
        change = _change(record, (("cursor", cursor),))
        after = msgspec.structs.replace(record, cursor=cursor)
        try:
            if await self._engine.enqueue(request, Insert(taken), change) is not None:
                return after
        except Busy:
            raise
        except (EngineError, LoadError) as error:
            return await self._write(after, change, *self._tell(record, "refused", error.code))
        if await self._store.get(DeliveryRecord, record.id, name) is None:
            return None
        return await self._write(after, change)

    async def _settle(self, record: PollRecord, began: int, cursor: Cursor, note: str | None = None) -> None:
        values: tuple[tuple[str, Scalar], ...] = (
            ("cursor", cursors.store(cursor)), ("next_ms", began + record.every_ms), ("failures", 0), ("error", note),
        )  # fmt: skip
        told = () if note is None else self._tell(record, "poll_gap", note)
        await self._write(record, _change(record, values), *told)

    async def _failed(self, record: PollRecord, error: EyeFlowError) -> None:
        now = milliseconds(self._clock.now())
        failures = record.failures + 1
        pause = min(record.every_ms << min(failures, 20), max(LONGEST_PAUSE_MS, record.every_ms))
        if isinstance(error, CallError) and error.retry_after_ms is not None:
            pause = max(pause, error.retry_after_ms)
        values: tuple[tuple[str, Scalar], ...] = (
            ("failures", failures), ("next_ms", now + pause),
            ("error", f"{error.code}: {error.message}"[:MAX_ERROR_CHARS]),
        )  # fmt: skip
        denied = isinstance(error, CallError) and error.kind == "denied" and failures == 1
        told = self._tell(record, "poll_failed", error.code) if denied or failures == TELL_AFTER else ()
        await self._write(record, _change(record, values), *told)

    async def _write(self, after: PollRecord, *ops: Op) -> PollRecord | None:
        try:
            await self._store.write(*ops)
        except Conflict:
            return None
        return after

    def _gap(self, record: PollRecord, prepared: Polling, params: Params, size: int, news: News) -> str | None:
        """What to note when more may have come than an answer holds: every item of a full answer is new."""
        limit = prepared.asked(params).get("limit")
        if not isinstance(limit, int) or size < limit or len(news.items) < size:
            return None
        return f"more than {limit} items came between two polls: older ones may be missed"

    def _tell(self, record: PollRecord, why: str, detail: str) -> tuple[Op, ...]:
        return self._told(DidNotRun(task_id=record.task_id, source_id=record.id, why=why, detail=detail))


def _described(record: PollRecord, catalog: Catalog) -> tuple[TriggerKind, PollSource]:
    """What the catalog says of a poll. Raises: TriggerError `no_source`."""
    service = catalog.service(record.service)
    kind = None if service is None else service.trigger(record.event)
    if kind is None or kind.source is None or kind.source.poll is None:
        message = f"the catalog has no {record.service}.{record.event} by polling any more"
        raise TriggerError("no_source", message, hint="deploy the task again")
    return kind, kind.source.poll


def _change(record: PollRecord, values: tuple[tuple[str, Scalar], ...]) -> Update:
    """Set `values`, on the condition that the poll is still what was read."""
    same = (Where("id", "=", record.id), Where("version", "=", record.version), Where("state", "=", "live"))
    return Update(PollRecord, values, (*same, Where("cursor", "=", record.cursor)), expect=1)
