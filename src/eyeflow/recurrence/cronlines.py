"""A cron line as rules, so that words can say and change it.

Knows: numbers, lists, ranges, steps and names in the five fields; that days of the month and of the week are joined by
"or". In: a cron line. Out: RRULEs that fire at the same times. Never: rules for a line with other signs
(`L`, `W`, `#`).
"""

from __future__ import annotations

from typing import Final

from eyeflow.recurrence.rule import DAYS

_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEK: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_BOUNDS: Final = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def as_rules(line: str) -> tuple[str, ...] | None:
    """The rules of a cron line; None when it says more than rules written so can hold."""
    fields = line.split()
    if len(fields) != len(_BOUNDS):
        return None
    held = [_field(text, low, high) for text, (low, high) in zip(fields, _BOUNDS, strict=True)]
    if any(values is None for values in held):
        return None
    minutes, hours, days, months, week = (values or () for values in held)
    every_day, every_weekday = fields[2].startswith("*"), fields[4].startswith("*")
    if (every_day and len(days) < 31) or (every_weekday and len({day % 7 for day in week}) < 7):
        return None  # `*/2` among days: cron lines differ in what that means beside the other field
    when = f";BYMINUTE={_list(minutes)}" if len(hours) == 24 else f";BYHOUR={_list(hours)};BYMINUTE={_list(minutes)}"
    month = f";BYMONTH={_list(months)}" if len(months) < 12 else ""
    names = ",".join(DAYS[day] for day in sorted({(day - 1) % 7 for day in week}))
    step = "HOURLY" if len(hours) == 24 else ""
    found = []
    if not every_weekday:
        found.append(f"FREQ={step or 'WEEKLY'}{month};BYDAY={names}{when}")
    if not every_day:
        found.append(f"FREQ={step or 'MONTHLY'}{month};BYMONTHDAY={_list(days)}{when}")
    return tuple(found) or (f"FREQ={step or 'DAILY'}{month}{when}",)


def _list(values: tuple[int, ...]) -> str:
    return ",".join(map(str, values))


def _field(text: str, low: int, high: int) -> tuple[int, ...] | None:
    found: set[int] = set()
    for part in text.upper().split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        begin = low if span == "*" else _number(first, high)
        end = high if span == "*" or (step and not last) else _number(last or first, high)
        if begin is None or end is None or not low <= begin <= end <= high or (step and not step.isdecimal()):
            return None
        if step and not int(step):
            return None
        found.update(range(begin, end + 1, int(step or 1)))
    return tuple(sorted(found))


def _number(text: str, high: int) -> int | None:
    names = {12: dict(zip(_MONTHS, range(1, 13), strict=True)), 7: dict(zip(_WEEK, range(7), strict=True))}
    known = names.get(high, {}).get(text)
    return known if known is not None else int(text) if text.isdecimal() and len(text) < 3 else None
