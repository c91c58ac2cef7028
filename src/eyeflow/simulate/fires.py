"""When programs fire next.

Knows: which triggers are times. In: programs, an instant. Out: instants, merged and ascending.
Never: reads a clock.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice

from eyeflow.ir.program import Program
from eyeflow.ir.task import Once, Schedule
from eyeflow.recurrence import Recurrence, occurrences, read_moment, zone_of

COUNT = 5


def next_fires(programs: Sequence[Program], now: datetime, count: int = COUNT) -> tuple[datetime, ...] | None:
    """The next `count` instants after `now` over all triggers of all programs, each once; None when none is a time.

    Raises: ScheduleError for a schedule that does not hold, which the checker refuses.
    """
    specs = [trigger.spec for program in programs for trigger in program.triggers]
    times = [spec for spec in specs if isinstance(spec, Schedule | Once)]
    if not times:
        return None
    return tuple(islice(_distinct(heapq.merge(*(_coming(spec, now, count) for spec in times))), count))


def moment_text(moment: datetime) -> str:
    """`2026-11-23T09:00:00Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _coming(spec: Schedule | Once, now: datetime, count: int) -> Iterator[datetime]:
    if isinstance(spec, Once):
        at = read_moment(spec.at, zone_of(spec.zone or "UTC"))
        return iter((at,) if at > now else ())
    schedule = Recurrence(
        rules=spec.rules, cron=spec.cron, zone=spec.zone or "UTC", start=spec.start, until=spec.until,
        exclude=spec.exclude, anchor=spec.anchor,
    )  # fmt: skip
    return occurrences(schedule, now, count)


def _distinct(moments: Iterable[datetime]) -> Iterator[datetime]:
    last = None
    for moment in moments:
        if moment != last:
            yield moment
        last = moment
