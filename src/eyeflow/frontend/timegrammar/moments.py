"""Days and spans seen from now.

Knows: the calendar around a moment. In: drafts' days, limits, spans; the local now. Out: dates, local datetimes.
Never: reads a clock: now is handed in.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Final

from dateutil.relativedelta import relativedelta

from eyeflow.frontend.timegrammar.draft import Day, Limit, Relative

MS: Final = {"second": 1000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000, "week": 604_800_000}
_QUARTER: Final = 3


class NoSuchDay(Exception):  # noqa: N818 - becomes a problem of the phrase
    """The words name a day that does not exist or has passed."""


def add_span(base: datetime, span: tuple[float, str], sign: int = 1) -> datetime:
    """`base` plus an amount of a unit; months and years keep the day, or take the month's last."""
    count, unit = span
    try:
        if unit == "workday":
            return _add_workdays(base, int(count) * sign)
        if unit in MS:
            return base + sign * timedelta(milliseconds=count * MS[unit])
        months = count * {"month": 1, "quarter": _QUARTER, "year": 12}[unit]
        if months != int(months):
            raise NoSuchDay(f"{count:g} {unit}s is no whole number of months")
        return base + relativedelta(months=sign * int(months))
    except (OverflowError, ValueError):
        raise NoSuchDay(f"{count:g} {unit}s from now is out of the calendar") from None


def _add_workdays(base: datetime, days: int) -> datetime:
    step = 1 if days > 0 else -1
    for _ in range(min(abs(days), 5000)):
        base += timedelta(days=step)
        while base.weekday() > 4:
            base += timedelta(days=step)
    return base


def day_of(day: Day, today: date) -> date:
    """The date; without a year the next one from today on (a leap day waits for its year).

    Raises:
        NoSuchDay: the day is not in that year.
    """
    for year in (day.year,) if day.year is not None else range(today.year, today.year + 9):
        try:
            found = date(year, day.month, day.day)
        except ValueError:
            continue
        if day.year is not None or found >= today:
            return found
    raise NoSuchDay(f"there is no day {day.day} in month {day.month}" + (f" of {day.year}" if day.year else ""))


def relative_date(relative: Relative, today: date) -> date:
    """The date a day seen from today is; a weekday alone is the next one, today included."""
    if relative.weekday is not None:
        ahead = (relative.weekday - today.weekday()) % 7
        if relative.period == "week":
            monday = today - timedelta(days=today.weekday())
            return monday + timedelta(days=relative.weekday + (7 if relative.which == "after_next" else 0))
        if relative.which == "last":
            return today - timedelta(days=(today.weekday() - relative.weekday - 1) % 7 + 1)
        if relative.which == "next":
            return today + timedelta(days=ahead or 7)
        return today + timedelta(days=ahead)
    if relative.days is not None and relative.days < -1000:
        return _month_day(-1000 - relative.days, today)
    if relative.days is not None:
        return today + timedelta(days=relative.days)
    first, last = period_bounds(relative, today)
    return last if relative.edge == "end" else first


def _month_day(number: int, today: date) -> date:
    for ahead in range(12):
        month = today.month - 1 + ahead
        try:
            found = date(today.year + month // 12, month % 12 + 1, number)
        except ValueError:
            continue
        if found >= today:
            return found
    raise NoSuchDay(f"no month has a day {number}")


def period_bounds(relative: Relative, today: date) -> tuple[date, date]:
    """First and last day of "this month", "last week", "next quarter"."""
    unit, shift = relative.period, {"this": 0, "next": 1, "last": -1}.get(relative.which, 0)
    if unit == "week":
        first = today - timedelta(days=today.weekday()) + timedelta(weeks=shift)
        return first, first + timedelta(days=6)
    if unit in ("month", "quarter", "year"):
        months = {"month": 1, "quarter": _QUARTER, "year": 12}[unit]
        start = (today.month - 1) // months * months
        first = today.replace(month=start + 1, day=1) + relativedelta(months=shift * months)
        return first, first + relativedelta(months=months) - timedelta(days=1)
    day = today + timedelta(days=shift)
    return day, day


def limit_text(limit: Limit, now: datetime, *, end: bool) -> tuple[str, str]:
    """(ISO date or local time, why) of a start or an end; why is empty when the words leave no choice.

    Raises:
        NoSuchDay: no such day.
    """
    if limit.iso is not None:
        return limit.iso, ""
    if limit.now:
        return _minute(now), ""
    if limit.span is not None:
        moment = add_span(now, limit.span)
        return (moment.date().isoformat(), "") if limit.span[1] not in ("minute", "hour") else (_minute(moment), "")
    if limit.day is not None and limit.day.day in (0, 99):
        day, why = _month_limit(limit.day, now.date(), end=end)
    elif limit.day is not None:
        day, why = day_of(limit.day, now.date()), ""
    elif limit.relative is not None:
        day, why = relative_date(limit.relative, now.date()), ""
        if limit.relative.weekday is not None and limit.relative.which == "coming" and end and day == now.date():
            day += timedelta(days=7)
        if limit.relative.which == "next" and limit.relative.weekday is not None and day.weekday() > now.weekday():
            why = "the next one to come"
    else:
        day, why = now.date(), ""
    if limit.clock is not None:
        return _minute(datetime.combine(day, time(limit.clock.hour, limit.clock.minute))), why
    return day.isoformat(), why


def _month_limit(day: Day, today: date, *, end: bool) -> tuple[date, str]:
    """ "from March" is its first day, of this March in March; "until March" the day before.

    "The end of March" (99) is its last day.
    """
    this_month_too = day.day == 99 or not end
    first = day_of(Day(day.month, 1, day.year), today.replace(day=1) if this_month_too else today)
    if day.day == 99:
        return first + relativedelta(months=1) - timedelta(days=1), ""
    if end:
        return first - timedelta(days=1), "until a month: the day before it begins"
    return first, "from a month: its first day"


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M")
