"""What runs tell the world: events of their end and of EMIT, through the outbox.

Knows: which events there are and what they say. In: ended runs, emitted values. Out: `OutboxRecord`s for the unit in
which what they tell becomes true; the machine's `Publisher`. Never: talks to a bus (`outbox` does).

An event has the same id however often its run is resumed, so that consumers take it once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from eyeflow.catalog.model import Connection
from eyeflow.engine.active import Active
from eyeflow.engine.common import Common
from eyeflow.engine.lease import Gone
from eyeflow.errors import CallError, EyeFlowError
from eyeflow.events import cloud_event, encode
from eyeflow.store.port import Insert
from eyeflow.store.records import ExecutionRecord, OutboxRecord
from eyeflow.svm.outcome import COMPLETED_TOPIC, FAILED_TOPIC
from eyeflow.values import Value

CONNECTED_TOPIC: Final = "eyeflow.connectors.connected"
_TOPICS: Final = {"success": COMPLETED_TOPIC, "partial_failure": FAILED_TOPIC, "failed": FAILED_TOPIC}


def told(identity: str, topic: str, value: Value, *, source: str, subject: str | None, at_ms: int) -> OutboxRecord:
    """The outbox row of one event. Raises: EyeFlowError `event_too_large`."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    event = cloud_event(identity, topic, source=source, subject=subject, at=at, data=value)
    return OutboxRecord(id=identity, topic=topic, name=subject or source, event=encode(event), created_ms=at_ms)


def end_told(common: Common, record: ExecutionRecord) -> list[Insert]:
    """What the end of a run tells: nothing when it was cancelled, or nobody listens."""
    topic = _TOPICS.get(record.status)
    if topic is None or not common.bus.wants(topic):
        return []
    said: dict[str, Value] = {
        "execution_id": record.id, "task": record.task, "task_id": record.task_id, "version": record.version,
        "status": record.status, "duration_ms": record.duration_ms, "origin": record.origin,
    }  # fmt: skip
    if record.error_code is not None:
        said |= {"error_code": record.error_code, "error": record.error}
    at_ms = record.finished_ms or common.now_ms()
    row = told(f"{record.id}.end", topic, said, source=f"/tasks/{record.task}", subject=record.id, at_ms=at_ms)
    return [Insert(row, "ignore")]


def connected_told(common: Common, connection: Connection) -> list[Insert]:
    """What a connection that was just made tells."""
    if not common.bus.wants(CONNECTED_TOPIC):
        return []
    said: dict[str, Value] = {"connection": connection.name, "service": connection.service}
    source, identity = f"/connections/{connection.name}", common.ids.new("evt")
    row = told(identity, CONNECTED_TOPIC, said, source=source, subject=None, at_ms=common.now_ms())
    return [Insert(row)]


class OutboxPublisher:
    """EMIT: the event goes with the next unit of its run, so that it is published if and only if that is kept."""

    def __init__(self, common: Common, actives: Mapping[str, Active]) -> None:
        self._common = common
        self._actives = actives

    async def publish(self, topic: str, value: Value, *, execution_id: str, key: str) -> None:
        """Have the event published. Raises: CallError (permanent) when it is too large; Gone."""
        active = self._actives.get(execution_id)
        if active is None or active.gone:
            raise Gone(execution_id)
        if not self._common.bus.wants(topic):
            return
        source = f"/tasks/{active.record.task}"
        try:
            row = told(key, topic, value, source=source, subject=execution_id, at_ms=self._common.now_ms())
        except EyeFlowError as error:
            raise CallError("permanent", error.code, error.message, hint=error.hint) from error
        active.ops.append(Insert(row, "ignore"))
