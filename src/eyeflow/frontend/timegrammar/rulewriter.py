"""From what was said about days and times to RRULE text.

Knows: canonical RRULEs. In: a draft with settled times. Out: rules, exclusions, assumptions.
Never: emits a rule `check_rule` refuses, or more than `MAX_TIMES` times a day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final, TypeAlias

from eyeflow.frontend.timegrammar.draft import Clock, Draft, Except
from eyeflow.recurrence.rule import DAYS, MIN_SECONDS

Note: TypeAlias = tuple[str, str, str]

MAX_TIMES: Final = 1440
_QUARTER_STARTS: Final = (1, 4, 7, 10)
_QUARTER_ENDS: Final = (3, 6, 9, 12)
_WORKDAYS: Final = (0, 1, 2, 3, 4)


class Unserved(Exception):  # noqa: N818 - becomes a problem of the phrase
    """The schedule is clear but cannot be served; the message says why."""


def day_rules(draft: Draft, times: tuple[Clock, ...], notes: list[Note]) -> tuple[str, ...]:
    """Rules of a daily or coarser schedule: one per group of times that a BYHOUR x BYMINUTE grid can say.

    Raises:
        Unserved: the combination has no rule.
    """
    heads = _heads(draft, notes)
    return tuple(f"{head};{clock}" for head in heads for clock in clock_parts(times))


def clock_parts(times: Iterable[Clock]) -> list[str]:
    """`BYHOUR=...;BYMINUTE=...` pieces whose grids make up exactly `times`."""
    hours_of: dict[int, set[int]] = defaultdict(set)
    for clock in times:
        hours_of[clock.minute].add(clock.hour)
    minutes_of: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for minute, hours in sorted(hours_of.items()):
        minutes_of[tuple(sorted(hours))].append(minute)
    return [f"BYHOUR={_list(hours)};BYMINUTE={_list(minutes)}" for hours, minutes in sorted(minutes_of.items())]


def step_rules(draft: Draft, window: tuple[Clock, Clock] | None, notes: list[Note]) -> tuple[str, ...]:
    """Rules of "every N seconds", "every N minutes" and "every N hours", within days and a window where said.

    In a window steps count from its start, so that "every 2 hours between 9 and 5" is at 9, 11, 13, 15 and 17;
    hours take the end in, minutes stop before it.

    Raises:
        Unserved: shorter than `MIN_SECONDS`, or not a whole number of seconds.
    """
    seconds = _step_seconds(draft)
    filters = _filters(draft)
    if seconds % 60:
        if draft.minutes:
            raise Unserved("minutes past the hour need a step of whole hours")
        return (f"FREQ=SECONDLY;INTERVAL={seconds}{filters}{_hours_of(window)}",)
    minutes = seconds // 60
    by_minute = f";BYMINUTE={_list(draft.minutes)}" if draft.minutes else ""
    if window is not None:
        return _windowed(draft, minutes, window, notes)
    if minutes % 60 == 0:
        hours = minutes // 60
        interval = f";INTERVAL={hours}" if hours > 1 else ""
        return (f"FREQ=HOURLY{interval}{filters}{by_minute or ';BYMINUTE=0'}",)
    if draft.minutes:
        raise Unserved("minutes past the hour need a step of whole hours")
    interval = f";INTERVAL={minutes}" if minutes > 1 else ""
    return (f"FREQ=MINUTELY{interval}{filters}",)


def _step_seconds(draft: Draft) -> int:
    per_unit = {"second": 1, "minute": 60, "hour": 3600}[draft.unit or "minute"]
    seconds = round((draft.interval or 1.0) * per_unit, 6)
    if seconds < MIN_SECONDS or seconds != int(seconds):
        raise Unserved(f"the shortest step is {MIN_SECONDS} seconds, in whole seconds")
    return int(seconds)


def _hours_of(window: tuple[Clock, Clock] | None) -> str:
    """The hours of a window beside steps of seconds; only whole hours have a rule."""
    if window is None:
        return ""
    start, end = window
    if start.minute or end.minute or end.hour <= start.hour:
        raise Unserved("steps of seconds are served within whole hours of one day only")
    return f";BYHOUR={_list(range(start.hour, end.hour))}"


def _filters(draft: Draft) -> str:
    if draft.nth or draft.workdays:
        raise Unserved("steps of minutes or hours on numbered days of the month are not served")
    text = f";BYMONTH={_list(_months(draft))}" if _months(draft) else ""
    text += f";BYMONTHDAY={_list(draft.month_days)}" if draft.month_days else ""
    return text + (f";BYDAY={_names(draft.weekdays)}" if draft.weekdays else "")


def _windowed(draft: Draft, step: int, window: tuple[Clock, Clock], notes: list[Note]) -> tuple[str, ...]:
    start, end = (clock.hour * 60 + clock.minute for clock in window)
    whole_hours = step % 60 == 0
    if not whole_hours and end % 60 == 59:
        end += 1  # "until 17:59" and "before 18:00" are the same minutes
    plain = (
        not whole_hours and not draft.minutes and 60 % step == 0 and start % 60 == 0 and end % 60 == 0 and end > start
    )
    if whole_hours:
        said = f"from {window[0].text}, the last at {window[1].text} at the latest"
    else:
        said = f"from {window[0].text} until just before {window[1].text}"
    notes.append(("trigger.window", said, "how a window is read"))
    if plain:
        interval = f";INTERVAL={step}" if step > 1 else ""
        return (f"FREQ=MINUTELY{interval}{_filters(draft)};BYHOUR={_list(range(start // 60, end // 60))}",)
    length = (end - start) % 1440 or 1440
    offsets = draft.minutes or (start % 60,)
    if draft.minutes and whole_hours:
        first = start - start % 60
        found = {(hour + offset) for hour in range(first, start + length + 1, step) for offset in offsets}
        found = {minute for minute in found if start <= minute <= start + length}
    else:
        found = set(range(start, start + length + (1 if whole_hours else 0), step))
    if not found or len(found) > MAX_TIMES:
        raise Unserved("nothing falls into that window")
    if draft.weekdays and any(minute >= 1440 for minute in found):
        raise Unserved("a window over midnight on certain weekdays is not served; say the two parts")
    times = tuple(Clock(minute // 60 % 24, minute % 60) for minute in sorted(found))
    days = Draft(recurs=True, weekdays=draft.weekdays, months=draft.months, month_days=draft.month_days)
    return day_rules(days, times, notes)


def _heads(draft: Draft, notes: list[Note]) -> tuple[str, ...]:
    """The part of the rules that says the days."""
    every = _whole(draft.interval)
    interval = f";INTERVAL={every}" if every > 1 else ""
    unit = draft.unit
    if draft.of_unit == "week" and draft.month_days:
        return (_week_edge(draft, interval, notes),)
    if draft.nth or draft.workdays or draft.month_days:
        return _monthly(draft, every, notes)
    if draft.year_days:
        return (f"FREQ=YEARLY{interval};BYYEARDAY={_list(draft.year_days)}",)
    if draft.days:
        return _dates(draft, interval)
    if draft.weekdays and unit in (None, "day", "week"):
        if unit == "day" and every > 1:
            raise Unserved("every few days on certain weekdays is not served; say the weekdays")
        return (f"FREQ=WEEKLY{interval}{_by_month(draft)};BYDAY={_names(draft.weekdays)}",)
    if unit in (None, "day"):
        return (f"FREQ=DAILY{interval}{_by_month(draft)}",)
    if unit == "week":
        notes.append(("trigger.day", "Monday", "a week without a day"))
        return (f"FREQ=WEEKLY{interval}{_by_month(draft)};BYDAY=MO",)
    if draft.weekdays:
        raise Unserved("say which of those weekdays, such as the first Monday")
    return _unsaid_day(draft, every, notes)


def _week_edge(draft: Draft, interval: str, notes: list[Note]) -> str:
    days = {1: 0, -1: 6}
    if any(day not in days and not 1 <= day <= 7 for day in draft.month_days):
        raise Unserved("a week has seven days")
    found = tuple(sorted({days.get(day, day - 1) for day in draft.month_days}))
    notes.append(("trigger.day", _names(found), "weeks run from Monday to Sunday"))
    return f"FREQ=WEEKLY{interval};BYDAY={_names(found)}"


def _unsaid_day(draft: Draft, every: int, notes: list[Note]) -> tuple[str, ...]:
    notes.append(("trigger.day", "the 1st", f"a {draft.unit} without a day"))
    if draft.unit == "year" and draft.months:
        step = f";INTERVAL={every}" if every > 1 else ""
        return (f"FREQ=YEARLY{step};BYMONTH={_list(draft.months)};BYMONTHDAY=1",)
    return _monthly(Draft(unit=draft.unit, interval=draft.interval, months=draft.months, month_days=(1,)), every, notes)


def _monthly(draft: Draft, every: int, notes: list[Note]) -> tuple[str, ...]:
    """Days of the month, numbered weekdays, working days; in months, quarters or years."""
    unit = draft.of_unit if draft.of_unit in ("quarter", "year") else draft.unit or draft.of_unit
    if draft.unit == "day" and every > 1:
        raise Unserved("every few days and days of the month do not go together")
    interval = f";INTERVAL={every}" if every > 1 and draft.unit in ("month", "year") else ""
    if every > 1 and draft.unit == "quarter":
        interval = f";INTERVAL={every * 3}"
    parts = _day_parts(draft)
    if unit == "year" and not draft.months:
        if draft.unit == "year" and not draft.of_unit and not draft.nth and not draft.workdays:
            raise Unserved("say the month too")
        return tuple(f"FREQ=YEARLY{interval};BYMONTH={12 if last else 1};{part}" for part, last in parts)
    if unit == "quarter":
        return tuple(
            f"FREQ=MONTHLY;BYMONTH={_list(_QUARTER_ENDS if last else _QUARTER_STARTS)};{part}" for part, last in parts
        )
    if len(draft.months) > 2 and draft.unit is None:
        return tuple(f"FREQ=MONTHLY;BYMONTH={_list(draft.months)};{part}" for part, _ in parts)
    if draft.months:
        return tuple(
            f"FREQ=YEARLY{interval if draft.unit == 'year' else ''};BYMONTH={_list(draft.months)};{part}"
            for part, _ in parts
        )
    short = [day for day in draft.month_days if day > 28]
    if short and not draft.weekdays:
        notes.append(("trigger.day", _list(short), "months without that day are skipped"))
    return tuple(f"FREQ=MONTHLY{interval};{part}" for part, _ in parts)


def _day_parts(draft: Draft) -> list[tuple[str, bool]]:
    """Pieces that say days of a month, each with whether it counts from the end."""
    parts = []
    for last in (False, True):
        days = [day for day in draft.month_days if (day < 0) == last]
        if days:
            also = f"BYDAY={_names(draft.weekdays)};" if draft.weekdays else ""
            parts.append((f"{also}BYMONTHDAY={_list(days)}", last))
        numbered = [(n, day) for n, day in draft.nth if (n < 0) == last]
        if numbered:
            parts.append((f"BYDAY={','.join(f'{n}{DAYS[day]}' for n, day in numbered)}", last))
        working = [n for n in draft.workdays if (n < 0) == last]
        if working:
            parts.append((f"BYDAY={_names(_WORKDAYS)};BYSETPOS={_list(working)}", last))
    if (
        len(parts) == 2
        and draft.of_unit not in ("quarter", "year")
        and draft.month_days
        and not (draft.nth or draft.workdays)
    ):
        also = f"BYDAY={_names(draft.weekdays)};" if draft.weekdays else ""
        return [(f"{also}BYMONTHDAY={_list(draft.month_days)}", False)]
    return parts


def _dates(draft: Draft, interval: str) -> tuple[str, ...]:
    by_day: dict[int, list[int]] = defaultdict(list)
    for day in draft.days:
        by_day[day.day].append(day.month)
    step = interval if draft.unit == "year" else ""
    return tuple(
        f"FREQ=YEARLY{step};BYMONTH={_list(sorted(months))};BYMONTHDAY={day}" for day, months in by_day.items()
    )


def exclusions(found: Except) -> list[str]:
    """RRULEs and dates for what is left out."""
    out = [f"FREQ=WEEKLY;BYDAY={_names(found.weekdays)}"] if found.weekdays else []
    if found.nth:
        out.append(f"FREQ=MONTHLY;BYDAY={','.join(f'{n}{DAYS[day]}' for n, day in found.nth)}")
    if found.month_days:
        out.append(f"FREQ=MONTHLY;BYMONTHDAY={_list(found.month_days)}")
    if found.months:
        out.append(f"FREQ=DAILY;BYMONTH={_list(found.months)}")
    for day in found.days:
        if day.year is not None:
            out.append(f"{day.year:04d}-{day.month:02d}-{day.day:02d}")
        else:
            out.append(f"FREQ=YEARLY;BYMONTH={day.month};BYMONTHDAY={day.day}")
    return out + list(found.iso)


def _by_month(draft: Draft) -> str:
    return f";BYMONTH={_list(draft.months)}" if draft.months else ""


def _months(draft: Draft) -> tuple[int, ...]:
    return draft.months


def _whole(interval: float | None) -> int:
    if interval is None:
        return 1
    if interval != int(interval) or interval < 1:
        raise Unserved(f"an interval of {interval:g} is not served; say a whole number")
    return int(interval)


def _list(numbers: Iterable[int]) -> str:
    return ",".join(str(number) for number in numbers)


def _names(days: Iterable[int]) -> str:
    return ",".join(DAYS[day] for day in days)
