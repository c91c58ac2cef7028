"""Dates, times and durations.

Knows: the calendar, zones, and the pattern letters of FORMAT_DATE. In: dates, aware timestamps, durations, a zone
name. Out: the same, and text in English. Never: the machine's own zone, clock or locale.

A duration added to a timestamp is elapsed time. Days and longer, given as an amount and a unit, follow the calendar of
the zone: the wall time stays, and in a gap the first valid instant is taken, in a fold the first. A month or year
later than the 31st is the month's last day.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from eyeflow.ir.functions.row import impossible, mismatched
from eyeflow.recurrence.wall import ScheduleError, instant, zone_of
from eyeflow.values import Value

_ELAPSED: Final = {"seconds": 1, "minutes": 60, "hours": 3600}
_DAYS: Final = {"days": 1, "weeks": 7}
_MONTHS: Final = {"months": 1, "quarters": 3, "years": 12}
UNITS: Final = (*_ELAPSED, *_DAYS, *_MONTHS)

_MONTH_NAMES: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_DAY_NAMES: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def zone_named(name: str) -> ZoneInfo:
    """The IANA zone. Raises: RunError `evaluation` for a name nobody knows."""
    try:
        return zone_of(name)
    except ScheduleError as error:
        raise impossible(error.message, "zones are IANA names such as Europe/Paris") from None


def unit_named(word: str) -> str | None:
    """The plural name of a calendar unit, or None."""
    plural = word.lower() if word.lower().endswith("s") else word.lower() + "s"
    return plural if plural in UNITS else None


def _unit(word: str) -> str:
    unit = unit_named(word)
    if unit is None:
        raise impossible(f"{word[:40]!r} is not a unit of time", f"units are {', '.join(UNITS)}")
    return unit


def date_add(when: Value, amount: Value, unit: str = "seconds", zone: str = "UTC") -> Value:
    """DATE_ADD. Raises: RunError `evaluation` when the result leaves the years 1 to 9999."""
    if not isinstance(when, date):
        raise mismatched("DATE_ADD", "a date or timestamp", when)
    try:
        if isinstance(amount, timedelta):
            return when + amount
        if not isinstance(amount, int):
            raise mismatched("DATE_ADD", "a whole number", amount)
        return _stepped(when, amount, _unit(unit), zone)
    except (OverflowError, ValueError):
        raise impossible("the result of DATE_ADD is outside the calendar (years 1 to 9999)") from None


def _stepped(when: date, amount: int, unit: str, zone: str) -> date:
    if unit in _ELAPSED:
        if not isinstance(when, datetime):
            raise impossible(f"a date cannot move by {unit}", "days, weeks, months and years move a date")
        return when + timedelta(seconds=amount * _ELAPSED[unit])
    local = when.astimezone(zone_named(zone)).replace(tzinfo=None) if isinstance(when, datetime) else when
    if unit in _DAYS:
        moved = local + timedelta(days=amount * _DAYS[unit])
    else:
        months = local.year * 12 + local.month - 1 + amount * _MONTHS[unit]
        year, month = divmod(months, 12)
        if not 1 <= year <= 9999:
            raise OverflowError
        moved = local.replace(year=year, month=month + 1, day=min(local.day, calendar.monthrange(year, month + 1)[1]))
    return instant(moved, zone_named(zone)) if isinstance(moved, datetime) else moved


def date_diff(end: Value, start: Value, unit: str | None = None, zone: str = "UTC") -> Value:
    """DATE_DIFF: a duration, or whole units from start to end, towards zero."""
    if not isinstance(end, date) or not isinstance(start, date):
        raise mismatched("DATE_DIFF", "a date or timestamp", start if isinstance(end, date) else end)
    if isinstance(end, datetime) != isinstance(start, datetime):
        raise mismatched("DATE_DIFF", "two dates or two timestamps", start)
    apart: timedelta = end - start
    if unit is None:
        return apart
    name = _unit(unit)
    if name in _ELAPSED:
        return _towards_zero(apart, timedelta(seconds=_ELAPSED[name]))
    one, other = _local(end, zone), _local(start, zone)
    if name in _DAYS:
        return _towards_zero(one - other, timedelta(days=_DAYS[name]))
    return _whole_months(one, other, _MONTHS[name])


def _local(when: date, zone: str) -> datetime:
    if isinstance(when, datetime):
        return when.astimezone(zone_named(zone)).replace(tzinfo=None)
    return datetime.combine(when, time())


def _towards_zero(apart: timedelta, unit: timedelta) -> int:
    return -(-apart // unit) if apart < timedelta() else apart // unit


def _whole_months(end: datetime, start: datetime, size: int) -> int:
    if end < start:
        return -_whole_months(start, end, size)
    months = (end.year - start.year) * 12 + end.month - start.month
    last = calendar.monthrange(end.year, end.month)[1]
    anniversary = (min(start.day, last), start.time())
    if (end.day, end.time()) < anniversary:
        months -= 1
    return months // size


def now(recorded: datetime) -> datetime:
    """NOW: what the machine recorded, in UTC, to the millisecond."""
    utc = recorded.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


def uuid(recorded: str) -> str:
    """UUID: what the machine recorded."""
    return recorded


def _offset(when: datetime) -> str:
    minutes = int((when.utcoffset() or timedelta()).total_seconds() // 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


_Letter: TypeAlias = Callable[[datetime], str]
_PIECES: Final[tuple[tuple[str, _Letter], ...]] = (
    ("YYYY", lambda t: f"{t.year:04}"),
    ("YY", lambda t: f"{t.year % 100:02}"),
    ("MMMM", lambda t: _MONTH_NAMES[t.month - 1]),
    ("MMM", lambda t: _MONTH_NAMES[t.month - 1][:3]),
    ("MM", lambda t: f"{t.month:02}"),
    ("M", lambda t: str(t.month)),
    ("DD", lambda t: f"{t.day:02}"),
    ("D", lambda t: str(t.day)),
    ("dddd", lambda t: _DAY_NAMES[t.weekday()]),
    ("ddd", lambda t: _DAY_NAMES[t.weekday()][:3]),
    ("HH", lambda t: f"{t.hour:02}"),
    ("H", lambda t: str(t.hour)),
    ("hh", lambda t: f"{(t.hour + 11) % 12 + 1:02}"),
    ("h", lambda t: str((t.hour + 11) % 12 + 1)),
    ("mm", lambda t: f"{t.minute:02}"),
    ("m", lambda t: str(t.minute)),
    ("ss", lambda t: f"{t.second:02}"),
    ("s", lambda t: str(t.second)),
    ("SSS", lambda t: f"{t.microsecond // 1000:03}"),
    ("A", lambda t: "AM" if t.hour < 12 else "PM"),
    ("a", lambda t: "am" if t.hour < 12 else "pm"),
    ("ZZ", lambda t: _offset(t).replace(":", "")),
    ("Z", _offset),
    ("z", lambda t: t.tzname() or ""),
)


@lru_cache(maxsize=256)
def date_pattern(text: str) -> tuple[str | _Letter, ...]:
    """The pieces of a FORMAT_DATE pattern. Raises: ValueError naming the letters it does not know."""
    if len(text) > 500:
        raise ValueError("the pattern is longer than 500 characters")
    pieces: list[str | _Letter] = []
    at = 0
    while at < len(text):
        if text[at] == "[":
            close = text.find("]", at)
            if close < 0:
                raise ValueError("a [ is never closed")
            pieces.append(text[at + 1 : close])
            at = close + 1
            continue
        found = next((piece for piece in _PIECES if text.startswith(piece[0], at)), None)
        if found is not None:
            pieces.append(found[1])
            at += len(found[0])
        elif text[at].isascii() and text[at].isalpha():
            raise ValueError(f"{text[at]!r} is no letter of a date pattern; put words in [brackets]")
        else:
            pieces.append(text[at])
            at += 1
    return tuple(pieces)


def format_date(when: Value, pattern: str, zone: str = "UTC") -> str:
    """FORMAT_DATE in `zone`; a date is its midnight, a time is on no day in particular."""
    if isinstance(when, datetime):
        local = when.astimezone(zone_named(zone))
    elif isinstance(when, date):
        local = datetime.combine(when, time(), zone_named(zone))
    elif isinstance(when, time):
        local = datetime.combine(date(2000, 1, 1), when, UTC)
    else:
        raise mismatched("FORMAT_DATE", "a date, time or timestamp", when)
    try:
        pieces = date_pattern(pattern)
    except ValueError as error:
        raise impossible(f"FORMAT_DATE cannot read its pattern: {error}", "for example YYYY-MM-DD HH:mm") from None
    return "".join(piece if isinstance(piece, str) else piece(local) for piece in pieces)
