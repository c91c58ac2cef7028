"""Short schedules and the RRULEs they mean: `schedule(09:00, weekly(MO))` is `FREQ=WEEKLY;BYDAY=MO;...`.

Knows: the five short forms. In: a time of day, a frequency word, its days. Out: RRULE text, and back for rules of
exactly that shape. Never: computes an occurrence (see `recurrence`).
Source: RFC 5545 section 3.3.10.
"""

from __future__ import annotations

import re
from typing import Final

from eyeflow.diagnostics import nearest
from eyeflow.ir.text.findings import Refused, shown
from eyeflow.values import Span

DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_WORKDAYS: Final = "MO,TU,WE,TH,FR"
FREQUENCIES: Final = ("hourly", "daily", "weekdays", "weekly", "monthly")
_RULE = re.compile(
    r"FREQ=(HOURLY|DAILY|WEEKLY|MONTHLY)(?:;BYDAY=([A-Z,]+)|;BYMONTHDAY=([0-9,-]+))?(?:;BYHOUR=(\d+))?;BYMINUTE=(\d+)"
)
_FORMS: Final = "schedule(09:00, daily), schedule(09:00, weekly(MO, TH)), schedule(09:00, monthly(1)), schedule(hourly)"


def read_time(text: str, span: Span) -> tuple[int, int]:
    """`09:30` as hour and minute. Raises: Refused `bad_time`."""
    parts = [int(part) for part in text.split(":")]
    if len(parts) != 2 or parts[0] > 23 or parts[1] > 59:
        raise Refused("bad_time", f"`{text}` is no time of day", span, "write hours 0-23 and minutes 0-59, as in 09:30")
    return parts[0], parts[1]


def short_rule(word: str, days: tuple[str, ...], at: tuple[int, int] | None, span: Span) -> str:
    """The RRULE of a short form. Raises: Refused."""
    if word not in FREQUENCIES:
        close = nearest(word, FREQUENCIES, limit=1)
        hint = f"did you mean {close[0]}?" if close else f"write one of {_FORMS}"
        raise Refused("unknown_word", f"`{shown(word)}` is no frequency", span, hint)
    if (word in ("weekly", "monthly")) != bool(days):
        example = {"weekly": "weekly(MO)", "monthly": "monthly(1)"}.get(word, word)
        raise Refused("bad_value", f"`{word}` {'needs' if not days else 'takes no'} days", span, f"write {example}")
    _check_days(word, days, span)
    if word == "hourly":
        if at is not None and at[0] != 0:
            hint = f"hourly runs in every hour; write 00:{at[1]:02d}"
            raise Refused("bad_time", f"`{at[0]:02d}:{at[1]:02d}` names an hour", span, hint)
        return f"FREQ=HOURLY;BYMINUTE={at[1] if at else 0}"
    if at is None:
        raise Refused("bad_time", f"`{word}` needs a time of day", span, f"write schedule(09:00, {word}...)")
    head = {
        "daily": "FREQ=DAILY",
        "weekdays": f"FREQ=WEEKLY;BYDAY={_WORKDAYS}",
        "weekly": f"FREQ=WEEKLY;BYDAY={','.join(days)}",
        "monthly": f"FREQ=MONTHLY;BYMONTHDAY={','.join(days)}",
    }
    return f"{head[word]};BYHOUR={at[0]};BYMINUTE={at[1]}"


def _check_days(word: str, days: tuple[str, ...], span: Span) -> None:
    """Days fit the frequency. Raises: Refused `bad_time`."""
    for day in days:
        number = day.removeprefix("-")
        if word == "weekly" and day not in DAYS:
            raise Refused("bad_time", f"`{shown(day)}` is no weekday", span, f"write {', '.join(DAYS)}")
        if word == "monthly" and not (number.isdigit() and len(number) < 3 and 1 <= int(number) <= 31):
            raise Refused("bad_time", f"`{shown(day)}` is no day of a month", span, "write 1 to 31, or -1 for the last")
    if len(set(days)) != len(days):
        raise Refused("duplicate_name", "a day is named twice", span, "name each day once")


def print_short(rule: str) -> str | None:
    """`09:00, daily` when `rule` is exactly what a short form means, else None."""
    found = _RULE.fullmatch(rule)
    if found is None:
        return None
    freq, weekdays, monthdays, hour, minute = found.groups()
    word = {"HOURLY": "hourly", "DAILY": "daily", "WEEKLY": "weekly", "MONTHLY": "monthly"}[freq]
    days = tuple((weekdays or monthdays or "").split(",")) if weekdays or monthdays else ()
    if weekdays == _WORKDAYS and freq == "WEEKLY":
        word, days = "weekdays", ()
    if len(minute) > 2 or len(hour or "0") > 2 or int(minute) > 59 or int(hour or 0) > 23:
        return None
    at = (int(hour or 0), int(minute))
    span = Span(0, 0)
    try:
        same = short_rule(word, days, at, span) == rule
    except Refused:
        return None
    return f"{at[0]:02d}:{at[1]:02d}, {word}" + (f"({', '.join(days)})" if days else "") if same else None
