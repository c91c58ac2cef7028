"""What a deployed task does, in plain English, as it was approved; and when it runs next, as it is now.

Knows: where the approved read-back is kept. In: a `Principal` and a task. Out: `ExplainView`. Never: compiles again:
what is shown is what was approved.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from eyeflow.engine.model import Principal
from eyeflow.store.port import Store, Where
from eyeflow.store.records import ScheduleRecord, UseRecord
from eyeflow.workspace.tasks import Tasks, VersionView, version_view
from eyeflow.workspace.views import ReadbackView


class UseView(msgspec.Struct, frozen=True, kw_only=True):
    """An account that a task uses, and the strongest effect it has there."""

    account: str
    service: str
    effect: str


class ExplainView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`{"task": "daily_weather_report", "state": "live", "version": {"number": 1, "approved_by": "ana"},
    "readback": {"text": "Every day at 09:00 (UTC): ..."}, "uses": [{"account": "slack_daily",
    "service": "slack_notify", "effect": "write"}], "next_runs": ["2026-11-24T09:00:00Z"]}`"""

    task: str
    state: str
    version: VersionView
    readback: ReadbackView
    uses: tuple[UseView, ...] = ()
    next_runs: tuple[datetime, ...] = ()


class Explaining:
    """Explains deployed tasks."""

    def __init__(self, store: Store, tasks: Tasks) -> None:
        self._store = store
        self._tasks = tasks

    async def of(self, principal: Principal, name: str, number: int | None = None) -> ExplainView:
        """A version of a task in English, the running one without `number`. Raises: Forbidden, Missing."""
        task, row = await self._tasks.version(principal, name, number)
        own = Where("task_id", "=", task.id)
        found = await self._store.find(UseRecord, own, order=("connection",))
        rows = await self._store.find(ScheduleRecord, own, Where("state", "=", "live"), Where("next_ms", "!=", None))
        shown = version_view(row, task)
        return ExplainView(
            task=task.name, state=task.state, version=shown,
            readback=msgspec.structs.replace(shown.readback, next_runs=()),
            uses=tuple(UseView(account=each.connection, service=each.service, effect=each.effect) for each in found),
            next_runs=tuple(sorted(datetime.fromtimestamp((each.next_ms or 0) / 1000, UTC) for each in rows)),
        )  # fmt: skip
