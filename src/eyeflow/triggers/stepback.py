"""After a clock was set back: schedules wait for instants that are far off now.

Knows: that a schedule's next instant may lie beyond what its rule says from now on. In: the store. Out: next instants
put right, some schedules at a time. Never: an instant that has a tick already: it fired, whatever the clock says.
"""

from __future__ import annotations

from typing import Final

from eyeflow.store.port import Conflict, Store, Update, Where
from eyeflow.store.records import ScheduleRecord, TickRecord
from eyeflow.triggers.timing import next_after

AT_ONCE: Final = 100
_TICKS: Final = 5_000


class StepBack:
    """Goes through all live schedules once after `begin`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._after: str | None = None

    def begin(self) -> None:
        """The clock was set back: start with the first schedule."""
        self._after = ""

    async def some(self, now: int) -> bool:
        """Look at the next few; False when there is nothing (more) to do. Raises: StoreError."""
        if self._after is None:
            return False
        rows = await self._store.find(
            ScheduleRecord, Where("state", "=", "live"), Where("next_ms", ">", now), order=("id",),
            after=(self._after,), limit=AT_ONCE,
        )  # fmt: skip
        for row in rows:
            await self._put_right(row, now)
        self._after = rows[-1].id if len(rows) == AT_ONCE else None
        return self._after is not None

    async def _put_right(self, row: ScheduleRecord, now: int) -> None:
        assert row.next_ms is not None, "null is not greater than anything"
        first = next_after(row.spec, now)
        if first is None or first >= row.next_ms:
            return
        ticks = await self._store.find(
            TickRecord, Where("schedule_id", "=", row.id), Where("instant_ms", ">=", first),
            Where("instant_ms", "<", row.next_ms), order=("instant_ms",), limit=_TICKS,
        )  # fmt: skip
        fired = {tick.instant_ms for tick in ticks}
        while first is not None and first in fired:
            first = next_after(row.spec, first)
        if first is None or first >= row.next_ms:
            return
        same = (Where("id", "=", row.id), Where("version", "=", row.version), Where("next_ms", "=", row.next_ms))
        try:
            await self._store.write(
                Update(ScheduleRecord, (("next_ms", first), ("last_ms", first - 1)), same, expect=1)
            )
        except Conflict:
            return  # deployed or fired meanwhile: that looked at the clock itself
