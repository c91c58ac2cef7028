"""Wall clocks: between the local time a person writes and the instant it means.

Knows: time zones from the IANA database, gaps and folds. In: zone names, ISO text, naive local datetimes.
Out: aware UTC instants. Never: reads a clock.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from eyeflow.errors import EyeFlowError


class ScheduleError(EyeFlowError):
    """A schedule that cannot be computed: `bad_zone`, `bad_rule`, `bad_cron`, `bad_time`, `empty_schedule`."""


@lru_cache(maxsize=256)
def zone_of(name: str) -> ZoneInfo:
    """The time zone called `name`.

    Raises:
        ScheduleError: `bad_zone`, when the IANA database has no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = 'zones are named like "Europe/Berlin" or "UTC"'
        raise ScheduleError("bad_zone", f"{name[:80]!r} is not a time zone", hint=hint) from None


def instant(local: datetime, zone: ZoneInfo) -> datetime:
    """The UTC instant of a naive local time: in a fold the first, in a gap the first valid instant after it."""
    aware = local.replace(tzinfo=zone, fold=0)
    there = aware.astimezone(UTC)
    if there.astimezone(zone).replace(tzinfo=None) == local:
        return there
    before, after = aware.utcoffset(), aware.replace(fold=1).utcoffset()
    assert before is not None and after is not None, "a zone knows its offsets"
    low, high = sorted(((local - before).replace(tzinfo=UTC), (local - after).replace(tzinfo=UTC)))
    return _transition(low, high, zone)


def _transition(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """The first instant after `low` at which the zone's offset is that of `high` (bisection to the second)."""
    target = high.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        middle = middle.replace(microsecond=0)
        if middle <= low:
            break
        if middle.astimezone(zone).utcoffset() == target:
            high = middle
        else:
            low = middle
    return high


def local_of(moment: datetime, zone: ZoneInfo) -> datetime:
    """The naive wall time of an aware instant."""
    return moment.astimezone(zone).replace(tzinfo=None)


def read_moment(text: str, zone: ZoneInfo, *, end_of_day: bool = False) -> datetime:
    """The instant an ISO date, local datetime or instant means; a date is its local midnight, or its last second.

    Raises:
        ScheduleError: `bad_time`, when the text is none of these.
    """
    try:
        if len(text) == 10:
            day = date.fromisoformat(text)
            return instant(datetime.combine(day, time(23, 59, 59) if end_of_day else time.min), zone)
        moment = datetime.fromisoformat(text)
        return instant(moment, zone) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        hint = "write a date such as 2026-12-31 or a time such as 2026-12-31T17:00"
        raise ScheduleError("bad_time", f"{text[:60]!r} is not an ISO date or time", hint=hint) from None
