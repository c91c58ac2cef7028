"""A schedule said back in English.

Knows: how people say recurrence rules. In: a `Recurrence`. Out: one sentence part such as
"every weekday at 08:30 (Europe/Berlin)". Never: leaves a part of a rule unsaid.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from eyeflow.recurrence.cronlines import as_rules
from eyeflow.recurrence.firing import Recurrence
from eyeflow.recurrence.rule import Rule, RuleProblem, parse_rule

DAY_NAMES: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTH_NAMES: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_ORDINALS: Final = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", -1: "last", -2: "second to last"}
_WORKDAYS: Final = (0, 1, 2, 3, 4)
_MANY_TIMES: Final = 5
"""So many times of a day at even distances are said by their distance."""
_PERIODS: Final = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year", "HOURLY": "hour",
                   "MINUTELY": "minute", "SECONDLY": "second"}  # fmt: skip


def describe(spec: Recurrence) -> str:
    """`spec` in English, first letter capital: "Every weekday at 08:30 (Europe/Berlin)"."""
    written = as_rules(spec.cron) if spec.cron is not None else ()
    said = _rules((*spec.rules, *(written or ())))
    if written is None:
        said.append(f"on the cron schedule {spec.cron}")
    text = "; and ".join(said) or "never"
    if spec.exclude:
        text += ", except " + _join(_exclusion(item) for item in spec.exclude)
    if spec.start is not None:
        text += f", from {say_moment(spec.start)}"
    if spec.until is not None:
        text += f", until {say_moment(spec.until)}"
    return f"{text[0].upper()}{text[1:]} ({spec.zone})"


def say_moment(text: str) -> str:
    """An ISO date or time as people write it: "24 December 2026 at 17:00"; anything else unchanged."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    day = f"{moment.day} {MONTH_NAMES[moment.month - 1]} {moment.year}"
    if len(text) == 10:
        return day
    offset = f" {moment.strftime('%Z')}" if moment.tzinfo is not None else ""
    return f"{day} at {moment.hour:02d}:{moment.minute:02d}{offset}"


def _rules(texts: Iterable[str]) -> list[str]:
    """Rules of the same days are said together, their times in one list."""
    days: dict[str, list[str]] = {}
    whole: list[str] = []
    for text in texts:
        try:
            rule = parse_rule(text)
        except RuleProblem:
            whole.append(text)
            continue
        if rule.stepped:
            whole.append(_stepped(rule))
        else:
            times = [f"{hour:02d}:{minute:02d}" for hour in rule.by_hour or (0,) for minute in rule.by_minute or (0,)]
            days.setdefault(_days(rule) + "|" + _bounds(rule), []).extend(times)
    said = []
    for key, times in days.items():
        day, _, bounds = key.partition("|")
        said.append(f"{day}{_times(sorted(set(times)))}{bounds}")
    return said + whole


def _times(times: list[str]) -> str:
    """` at 09:00 and 17:00`; many at even distances as `, every 15 minutes from 09:00 to 17:45`."""
    minutes = [int(time[:2]) * 60 + int(time[3:]) for time in times]
    step = _even(minutes)
    if step is None or len(times) < _MANY_TIMES:
        return f" at {_join(times)}"
    said = every(step // 60, "hour") if step % 60 == 0 else every(step, "minute")
    return f", {said} from {times[0]} to {times[-1]}"


def _even(numbers: Sequence[int]) -> int | None:
    """The distance of numbers that are equally far apart."""
    steps = {after - before for before, after in itertools.pairwise(numbers)}
    return steps.pop() if len(steps) == 1 else None


def _bounds(rule: Rule) -> str:
    text = ""
    if rule.count is not None:
        text += ", once in all" if rule.count == 1 else f", {rule.count} times in all"
    if rule.until is not None:
        day = rule.until.partition("T")[0]
        text += f", until {say_moment(f'{day[:4]}-{day[4:6]}-{day[6:8]}')}"
    return text


def _days(rule: Rule) -> str:
    match rule.freq:
        case "DAILY" | "WEEKLY":
            return _daily(rule)
        case "MONTHLY":
            return _monthly(rule)
    return _yearly(rule)


def _daily(rule: Rule) -> str:
    names = tuple(day for _, day in rule.by_day)
    if rule.interval == 1 and names:
        text = "every weekday" if names == _WORKDAYS else "every " + _join(DAY_NAMES[day] for day in names)
        if names == (5, 6):
            text = "every Saturday and Sunday"
    else:
        text = every(rule.interval, _PERIODS[rule.freq])
        if names:
            text += " on weekdays" if names == _WORKDAYS else " on " + _join(DAY_NAMES[day] for day in names)
    if rule.by_month_day:
        text += " when it is the " + _join(_month_day(day) for day in rule.by_month_day)
    return text + _picked(rule) + _in_months(rule)


def _monthly(rule: Rule) -> str:
    period = every(rule.interval, "month")
    if rule.by_month:
        period = _join(MONTH_NAMES[month - 1] for month in rule.by_month)
        period += f" ({every(rule.interval, 'month')})" if rule.interval > 1 else ""
    if rule.interval > 1 and not rule.by_month:
        return f"{period} on {_dates(rule)}"
    return f"on {_dates(rule)} of {period}"


def _dates(rule: Rule) -> str:
    names = tuple(day for _, day in rule.by_day)
    plain = bool(rule.by_day) and not any(nth for nth, _ in rule.by_day)
    if rule.by_set_pos and plain and not rule.by_month_day:
        what = "weekday" if names == _WORKDAYS else "day" if len(names) == 7 else _join(
            (DAY_NAMES[day] for day in names), "or")  # fmt: skip
        return "the " + _join(_nth(position) for position in rule.by_set_pos) + f" {what}"
    if len(rule.by_day) == 1 and plain and rule.by_month_day and not rule.by_set_pos:
        return f"{DAY_NAMES[names[0]]} the " + _join((_month_day(day) for day in _in_order(rule.by_month_day)), "or")
    parts = []
    if rule.by_day:
        parts.append(_join(f"the {_nth(nth)} {DAY_NAMES[day]}" if nth else f"every {DAY_NAMES[day]}"
                           for nth, day in rule.by_day))  # fmt: skip
    if rule.by_month_day:
        parts.append("the " + _join(_month_day(day) for day in _in_order(rule.by_month_day)))
    return (" that is also ".join(parts) or "the first day") + _picked(rule)


def _yearly(rule: Rule) -> str:
    year = every(rule.interval, "year")
    months = _join(MONTH_NAMES[month - 1] for month in rule.by_month)
    if rule.by_month and rule.by_month_day and not rule.by_day:
        plain = all(day > 0 for day in rule.by_month_day)
        dates = [
            f"{day} {MONTH_NAMES[month - 1]}" if plain else f"the {_month_day(day)} of {MONTH_NAMES[month - 1]}"
            for month in rule.by_month
            for day in rule.by_month_day
        ]
        return f"{year} on {_join(dates)}{_picked(rule)}"
    text = year
    if rule.by_week_no:
        text += " in week " + _join(str(number) for number in rule.by_week_no)
    if rule.by_year_day:
        text += " on day " + _join(str(number) for number in rule.by_year_day) + " of the year"
    if rule.by_day or rule.by_month_day:
        text += f" on {_dates(rule)}" + (f" of {months}" if months else "")
        return text
    return text + (f" in {months}" if months else "") + _picked(rule)


def _stepped(rule: Rule) -> str:
    step = _even(rule.by_minute)
    if rule.freq == "HOURLY" and rule.interval == 1 and not rule.by_hour and step and step * len(rule.by_minute) == 60:
        whole = every(step, "minute") + (f" from minute {rule.by_minute[0]} of each hour" if step > 1 else "")
        rest = msgspec.structs.replace(rule, by_minute=())
        return whole + _stepped(rest).removeprefix(every(1, "hour"))
    text = every(rule.interval, _PERIODS[rule.freq])
    if rule.by_minute and not (rule.freq == "HOURLY" and rule.by_minute == (0,)):
        text += " at minute " + _join(str(minute) for minute in rule.by_minute)
    if rule.by_hour:
        last = rule.by_hour[-1]
        if rule.by_hour == tuple(range(rule.by_hour[0], last + 1)):
            end = f"{last:02d}:{(rule.by_minute or (0,))[-1]:02d}" if rule.freq == "HOURLY" else f"{last:02d}:59"
            text += f" from {rule.by_hour[0]:02d}:{(rule.by_minute or (0,))[0]:02d} to {end}"
        else:
            text += " in the hours " + _join(f"{hour:02d}" for hour in rule.by_hour)
    names = tuple(day for _, day in rule.by_day)
    if names:
        text += " on weekdays" if names == _WORKDAYS else " on " + _join(DAY_NAMES[day] for day in names)
    if rule.by_month_day:
        text += " on the " + _join(_month_day(day) for day in rule.by_month_day) + " of the month"
    if rule.by_year_day:
        text += " on day " + _join(str(number) for number in rule.by_year_day) + " of the year"
    return text + _in_months(rule) + _bounds(rule)


def every(interval: int, period: str) -> str:
    """ "every day", "every other week", "every 3 months"."""
    if interval == 1:
        return f"every {period}"
    if interval == 2 and period in ("day", "week", "month", "year"):
        return f"every other {period}"
    return f"every {interval} {period}s"


def _in_months(rule: Rule) -> str:
    return " in " + _join(MONTH_NAMES[month - 1] for month in rule.by_month) if rule.by_month else ""


def _picked(rule: Rule) -> str:
    if not rule.by_set_pos:
        return ""
    return ", only the " + _join(_nth(position) for position in rule.by_set_pos) + " of them"


def _exclusion(item: str) -> str:
    if "=" not in item:
        return say_moment(item)
    try:
        rule = parse_rule(item)
    except RuleProblem:
        return item
    if rule.stepped:
        return _stepped(rule)
    if rule.by_day and not rule.by_month and not rule.by_set_pos and rule.freq in ("DAILY", "WEEKLY"):
        text = "on " + _join(f"{DAY_NAMES[day]}s" for _, day in rule.by_day)
        text += f" ({every(rule.interval, 'week')})" if rule.interval > 1 else ""
    elif rule.freq == "DAILY" and rule.by_month and not rule.by_day and not rule.by_month_day:
        text = _in_months(rule).strip()
    else:
        text = _days(rule)
    if rule.by_hour or rule.by_minute:
        hours, minutes = rule.by_hour or (0,), rule.by_minute or (0,)
        text += " at " + _join(f"{hour:02d}:{minute:02d}" for hour in hours for minute in minutes)
    return text


def _nth(number: int) -> str:
    if number in _ORDINALS:
        return _ORDINALS[number]
    return ordinal(number) if number > 0 else f"{ordinal(-number)} to last"


def _in_order(days: Iterable[int]) -> list[int]:
    """Days of a month as they come, those counted from its end last."""
    return sorted(days, key=lambda day: (day < 0, day))


def _month_day(day: int) -> str:
    if day == -1:
        return "last day"
    return ordinal(day) if day > 0 else f"{ordinal(-day)} to last day"


def ordinal(number: int) -> str:
    """ "1st", "22nd", "113th"."""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def _join(items: Iterable[str], word: str = "and") -> str:
    listed = list(items)
    if len(listed) < 2:
        return "".join(listed)
    return f"{', '.join(listed[:-1])} {word} {listed[-1]}"
