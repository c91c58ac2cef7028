"""One rule, unrolled: ascending instants, lazily.

Knows: how DAILY and coarser rules follow the wall clock (dateutil on naive local time) and how HOURLY,
MINUTELY and SECONDLY step in elapsed time. In: a `Rule`, where it counts from, what lies before the horizon.
Out: UTC instants.
Never: looks further than `HORIZON_YEARS`, so a rule that never fires again ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Final, Literal
from zoneinfo import ZoneInfo

import msgspec
from dateutil import rrule as rr

from eyeflow.recurrence.rule import UNTIL_FORMAT, Rule
from eyeflow.recurrence.wall import instant, local_of

HORIZON_YEARS: Final = 40
"""A leap day comes back to its weekday after 28 years, after 40 across a century without one."""

_FREQ: Final[dict[str, Literal[0, 1, 2]]] = {"YEARLY": 0, "MONTHLY": 1, "WEEKLY": 2}  # dateutil's numbers
_STRIDES: Final = {"HOURLY": timedelta(hours=1), "MINUTELY": timedelta(minutes=1), "SECONDLY": timedelta(seconds=1)}
_WEEKDAYS: Final = (rr.MO, rr.TU, rr.WE, rr.TH, rr.FR, rr.SA, rr.SU)
FRUITLESS_STEPS: Final = 20_000
"""Steps on open days without a match after which a rule never matches: a day has at most 8,640 steps."""


def unroll(
    rule: Rule, origin: datetime, after: datetime, zone: ZoneInfo, closed: Callable[[date], bool]
) -> Iterator[datetime]:
    """Instants of `rule` after `after`, counted from `origin` (both UTC), without days that are `closed`."""
    if rule.stepped:
        return _elapsed(rule, origin, after, zone, closed)
    return _wall(rule, origin, after, zone, closed)


def _wall(
    rule: Rule, origin: datetime, after: datetime, zone: ZoneInfo, closed: Callable[[date], bool]
) -> Iterator[datetime]:
    for local in local_times(rule, origin, after, zone, closed):
        moment = instant(local, zone)
        if moment > after and moment >= origin:
            yield moment


def local_times(
    rule: Rule,
    origin_utc: datetime,
    near_utc: datetime,
    zone: ZoneInfo,
    closed: Callable[[date], bool],
    *,
    years: int = HORIZON_YEARS,
) -> Iterator[datetime]:
    """Naive local times of a DAILY or coarser rule, from two days before `near_utc` on.

    Two days early: no zone's offset moves a time further. COUNT counts runs: a closed day is none.
    """
    origin, near = local_of(origin_utc, zone), local_of(near_utc, zone)
    full = _explicit(rule, origin)
    begin = origin if full.count is not None else _near(full, origin, near - timedelta(days=2))
    if max(begin, near).year + years >= 9990:
        return
    last = max(begin, near) + timedelta(days=366 * years)
    until, seen = _until(full.until, zone), 0
    for local in _days(full, begin, last) if full.freq == "DAILY" else _dateutil(full, begin, last):
        if local < origin or closed(local.date()):
            continue
        seen += 1
        if (full.count is not None and seen > full.count) or (until is not None and local > until):
            return
        if local >= near - timedelta(days=2):
            yield local


def _days(rule: Rule, begin: datetime, last: datetime) -> Iterator[datetime]:
    """DAILY, by plain counting: dateutil looks at every day of a year for each day it tries."""
    times = [timedelta(hours=hour, minutes=minute) for hour, minute in product(rule.by_hour, rule.by_minute)]
    if rule.by_set_pos:
        size = len(times)
        times = [times[i] for i in range(size) if i + 1 in rule.by_set_pos or i - size in rule.by_set_pos]
    midnight = begin.replace(hour=0, minute=0, second=0, microsecond=0)
    while midnight <= last:
        if _day_fits(rule, midnight.date()):
            yield from (midnight + clock for clock in times)
        midnight += timedelta(days=rule.interval)


def _dateutil(rule: Rule, begin: datetime, last: datetime) -> Iterator[datetime]:
    days = [rr.weekday(day, nth) if nth else rr.weekday(day) for nth, day in rule.by_day]
    return iter(
        rr.rrule(
            _FREQ[rule.freq],
            dtstart=begin,
            interval=rule.interval,
            wkst=_WEEKDAYS[rule.week_start],
            until=last,
            bymonth=rule.by_month or None,
            bymonthday=rule.by_month_day or None,
            byyearday=rule.by_year_day or None,
            byweekno=rule.by_week_no or None,
            byweekday=days or None,
            byhour=rule.by_hour,
            byminute=rule.by_minute,
            bysecond=0,
            bysetpos=rule.by_set_pos or None,
        )
    )


def _explicit(rule: Rule, origin: datetime) -> Rule:
    """The rule with the parts RFC 5545 takes from DTSTART written out, so that DTSTART may move."""
    changes: dict[str, object] = {}
    if not rule.by_hour:
        changes["by_hour"] = (origin.hour,)
    if not rule.by_minute:
        changes["by_minute"] = (origin.minute,)
    dated = rule.by_day or rule.by_month_day or rule.by_year_day or rule.by_week_no
    if not dated:
        if rule.freq == "WEEKLY":
            changes["by_day"] = ((0, origin.weekday()),)
        elif rule.freq in ("MONTHLY", "YEARLY"):
            changes["by_month_day"] = (origin.day,)
            if rule.freq == "YEARLY" and not rule.by_month:
                changes["by_month"] = (origin.month,)
    elif rule.freq == "YEARLY" and rule.by_week_no and not rule.by_day:
        changes["by_day"] = ((0, origin.weekday()),)
    return msgspec.structs.replace(rule, **changes) if changes else rule


def _near(rule: Rule, origin: datetime, target: datetime) -> datetime:
    """The start of the period of `rule` that holds `target`, counted from `origin`'s own period."""
    midnight = origin.replace(hour=0, minute=0, second=0, microsecond=0)
    step = rule.interval
    if rule.freq == "DAILY":
        ahead = max(0, (target - midnight).days) // step * step
        return midnight + timedelta(days=ahead)
    if rule.freq == "WEEKLY":
        monday = midnight - timedelta(days=(midnight.weekday() - rule.week_start) % 7)
        ahead = max(0, (target - monday).days // 7) // step * step
        return monday + timedelta(weeks=ahead)
    if rule.freq == "MONTHLY":
        ahead = max(0, (target.year - midnight.year) * 12 + target.month - midnight.month) // step * step
        month = midnight.month - 1 + ahead
        return midnight.replace(year=midnight.year + month // 12, month=month % 12 + 1, day=1)
    ahead = max(0, target.year - midnight.year) // step * step
    return midnight.replace(year=midnight.year + ahead, month=1, day=1)


def _elapsed(
    rule: Rule, origin: datetime, after: datetime, zone: ZoneInfo, closed: Callable[[date], bool]
) -> Iterator[datetime]:
    """Steps of whole hours, minutes or seconds from `origin`; a day that cannot match is left in one stride.

    An hour without BYMINUTE fires at the origin's minute; with BYMINUTE at each instant of that hour whose wall
    clock shows one of them (a zone may shift by half an hour).
    """
    stride = _STRIDES[rule.freq] * rule.interval
    first = origin.replace(second=0, microsecond=0)
    if rule.freq == "HOURLY" and rule.by_minute:
        first -= timedelta(minutes=local_of(first, zone).minute)
    index = 0 if rule.count is not None else max(0, (after - first) // stride)
    until, left = _until(rule.until, zone), rule.count
    limit = max(first, after).year + HORIZON_YEARS
    fruitless = 0
    while (at := first + index * stride).year <= min(limit, 9990) and fruitless < FRUITLESS_STEPS:
        local = local_of(at, zone)
        if not _day_fits(rule, local.date()) or closed(local.date()):
            index = max(index + 1, -((first - _next_midnight(local, zone)) // stride))
            continue
        index += 1
        fruitless += 1
        for moment in _in_step(rule, at, zone):
            there = local_of(moment, zone)
            if moment < origin or (rule.by_hour and there.hour not in rule.by_hour) or closed(there.date()):
                continue
            if left is not None:
                left -= 1
            if (left is not None and left < 0) or (until is not None and there > until):
                return
            fruitless = 0
            if moment > after:
                yield moment


def _in_step(rule: Rule, at: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    if not rule.by_minute:
        yield at
    elif rule.freq == "MINUTELY":
        if local_of(at, zone).minute in rule.by_minute:
            yield at
    else:
        for minute in range(60):
            moment = at + timedelta(minutes=minute)
            if local_of(moment, zone).minute in rule.by_minute:
                yield moment


def _day_fits(rule: Rule, day: date) -> bool:
    if rule.by_month and day.month not in rule.by_month:
        return False
    if rule.by_day and (0, day.weekday()) not in rule.by_day:
        return False
    if rule.by_month_day:
        length = ((day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)).day
        if day.day not in rule.by_month_day and day.day - length - 1 not in rule.by_month_day:
            return False
    if rule.by_year_day:
        number, length = day.timetuple().tm_yday, date(day.year, 12, 31).timetuple().tm_yday
        return number in rule.by_year_day or number - length - 1 in rule.by_year_day
    return True


def _next_midnight(local: datetime, zone: ZoneInfo) -> datetime:
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return instant(midnight, zone)


def _until(text: str | None, zone: ZoneInfo) -> datetime | None:
    """UNTIL as naive local time: with a `Z` it is an instant, without a clock the whole day counts."""
    if text is None:
        return None
    day, _, clock = text.partition("T")
    moment = datetime.strptime(day + (clock.removesuffix("Z") or "235959"), UNTIL_FORMAT)
    return local_of(moment.replace(tzinfo=UTC), zone) if clock.endswith("Z") else moment
