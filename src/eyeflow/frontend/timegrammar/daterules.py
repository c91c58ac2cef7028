"""Grammar of dates: calendar days, months, days and periods seen from today.

Knows: how people write dates. In: nothing. Out: `RULES`. Never: knows what day it is.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Final

from eyeflow.frontend.timegrammar.chart import Rule, rules
from eyeflow.frontend.timegrammar.dayrules import PERIODS, Days
from eyeflow.frontend.timegrammar.draft import Day, Draft, Limit, Relative, replaced
from eyeflow.recurrence.english import MONTH_NAMES

LENGTHS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _dates() -> list[Rule]:
    made = rules("month", "MONTH", build=lambda month: (month,))
    made += rules("months", "month", build=lambda months: months)
    made += rules(
        "months",
        "months AND month",
        "months COMMA month",
        "months COMMA AND month",
        build=lambda one, other: tuple(sorted({*one, *other})) if not set(one) & set(other) else None,
    )
    made += rules(
        "months",
        "month TO month",
        "month THROUGH month",
        "month DASH month",
        "FROM month TO month",
        "FROM month THROUGH month",
        "BETWEEN month AND month",
        build=_month_range,
    )
    made += rules("date", "MONTH ORD|NUM", "MONTH THE ORD", build=_day)
    made += rules(
        "date",
        "ORD|NUM MONTH",
        "THE? ORD OF? MONTH",
        "THE ORD DAYW OF MONTH",
        build=lambda day, month: _day(month, day),
    )
    made += rules("date", "MONTH ORD|NUM COMMA? YEAR", "MONTH THE ORD COMMA? YEAR", build=_day)
    made += rules(
        "date", "ORD|NUM MONTH COMMA? YEAR", "THE? ORD OF? MONTH COMMA? YEAR", build=lambda d, m, y: _day(m, d, y)
    )
    made += rules("date", "NAMED", "NAMED YEAR", build=lambda day, year=None: Day(day.month, day.day, year))
    made += rules("date", "DATE", build=_iso_day)
    made += rules("date", "MONTH DOT ORD|NUM", "MONTH DOT ORD|NUM COMMA? YEAR", build=_day)
    made += rules("date", "ORD|NUM MONTH DOT", build=lambda day, month: _day(month, day))
    made += rules(
        "date", "ORD|NUM MONTH DOT? YEAR2", "ORD|NUM DASH MONTH DASH YEAR|YEAR2", build=lambda d, m, y: _day(m, d, y)
    )
    made += rules("date", "MONTH DASH NUM DASH YEAR", build=_day)
    made += rules("date", "THE? ORD DAYW OF|IN YEAR", "DAYW NUM OF YEAR", build=_year_day)
    return made


def _dated() -> list[Rule]:
    """Phrases made of dates and months."""
    made: list[Rule] = []
    made += rules("dates", "date", build=lambda day: (day,))
    made += rules(
        "dates",
        "dates AND ON? date",
        "dates COMMA date",
        "dates COMMA AND ON? date",
        build=lambda days, day: (*days, day) if len(days) < 24 else None,
    )
    made += rules("more", "NUM|ORD", build=lambda number: (number,))
    made += rules("more", "more COMMA NUM|ORD", build=lambda numbers, number: (*numbers, number))
    made += rules(
        "dates",
        "date AND THE? NUM|ORD",
        "date COMMA more COMMA? AND THE? NUM|ORD",
        build=lambda day, numbers, last=None: _same_month(day, numbers, last),
    )
    made += rules("dates", "THE? more COMMA? AND THE? NUM|ORD OF? MONTH", build=_before_month)
    made += rules("P", "ON? THE? dates", build=lambda days: Draft(days=days))
    made += rules(
        "P",
        "WDAY COMMA? THE? date",
        "ON WDAY COMMA? THE? date",
        build=lambda wd, day: Draft(days=(day,), weekdays=(wd,)),
    )
    made += rules(
        "P",
        "ON? THE? dates OF? EVERY UNIT",
        build=lambda days, unit: Draft(recurs=True, unit="year", interval=1.0, days=days) if unit == "year" else None,
    )
    made += rules(
        "P",
        "EVERY dates",
        "ON EVERY dates",
        build=lambda days: Draft(recurs=True, unit="year", interval=1.0, days=days),
    )
    made += rules(
        "P",
        "IN|DURING months",
        "IN THE? UNIT OF months",
        build=lambda months, unit=None: Draft(months=months),
    )
    made += rules(
        "P", "EVERY months", build=lambda months: Draft(recurs=True, months=months, unit="year", interval=1.0)
    )
    made += rules(
        "P",
        "FROM month TO month",
        "FROM month THROUGH month",
        "months",
        build=lambda one, other=None: (
            Draft(months=one if other is None else _month_range(one, other) or ())
            if other is not None or len(one) > 1
            else None
        ),
    )
    made += rules("P", "DATE", "ON DATE", build=lambda text: Draft(iso=text) if "T" in text else None)
    made += rules("P", "NODATE", "ON NODATE", build=lambda text: Draft(problems=(f"{text} is not a date",)))
    made += rules("P", "SLASHDATE", "ON SLASHDATE", build=read_slash)
    made += rules("P", "EVERY SLASHDATE", "ON EVERY SLASHDATE", build=lambda text: _yearly(read_slash(text)))
    made += rules("P", "ON? MONTH NUM|ORD", "ON? NUM|ORD OF? MONTH", build=_no_day)
    return made


def _month_range(one: Days, other: Days) -> Days | None:
    if one == other or len(one) > 1 or len(other) > 1:
        return None
    return tuple(sorted((one[0] - 1 + step) % 12 + 1 for step in range((other[0] - one[0]) % 12 + 1)))


def _day(month: int, day: float, year: int | None = None) -> Day | None:
    if day != int(day) or not 1 <= day <= LENGTHS[month - 1]:
        return None
    if year is not None and month == 2 and day == 29 and (year % 4 or (year % 100 == 0 and year % 400)):
        return None
    return Day(month, int(day), year)


def _year_day(number: float, year: int) -> Day | None:
    """The nth day of a year."""
    if number != int(number) or not 1 <= number <= 366:
        return None
    found = date(int(year), 1, 1) + timedelta(days=int(number) - 1)
    return Day(found.month, found.day, found.year) if found.year == year else None


def _same_month(day: Day, numbers: float | tuple[float, ...], last: float | None) -> tuple[Day, ...] | None:
    """ "April 3, 10 and 17": the later numbers are days of the month said first."""
    if day.year is not None:
        return None
    rest = (*numbers, last) if isinstance(numbers, tuple) and last is not None else (numbers,)
    found = [_day(day.month, number) for number in rest if isinstance(number, int | float)]
    return (day, *(one for one in found if one is not None)) if None not in found and len(found) < 24 else None


def _before_month(numbers: tuple[float, ...], last: float, month: int) -> tuple[Day, ...] | None:
    """ "3 and 17 April"."""
    found = [_day(month, number) for number in (*numbers, last)]
    return tuple(one for one in found if one is not None) if None not in found and len(found) < 24 else None


def _no_day(one: float, other: float) -> Draft | None:
    """A day its month never has ("February 30"): a problem to tell, not words to pass over."""
    for month, day in ((one, other), (other, one)):
        if isinstance(month, int) and 1 <= month <= 12 and day == int(day) and LENGTHS[month - 1] < day <= 31:
            return Draft(problems=(f"{MONTH_NAMES[month - 1]} has no day {int(day)}",))
    return None


def _iso_day(text: str) -> Day | None:
    if "T" in text:
        return None
    year, month, day = (int(part) for part in text.split("-"))
    return Day(month, day, year)


def read_slash(text: str) -> Draft:
    """Day and month, or month and day: a number above 12 settles it, two equal numbers too, otherwise it is asked."""
    one, other, *rest = (int(part) for part in re.split(r"[/.]", text.rstrip(".")))
    year = (rest[0] + 2000 if rest[0] < 100 else rest[0]) if rest else None
    readings = [_day(month, day, year) for day, month in ((one, other), (other, one)) if 1 <= month <= 12]
    days = [day for day in dict.fromkeys(readings) if day is not None]
    if "." in text:  # 14.03.2027 is written where the day comes first
        days = days[:1] if 1 <= other <= 12 else []
    if not days:
        return Draft(problems=(f"{text} is not a date",))
    if len(days) == 1:
        return Draft(days=(days[0],))
    return Draft(days=(days[0],), vague=(f"slash:{text}",))


def _yearly(said: Draft) -> Draft | None:
    """ "Every 25/12"; a date with its own year does not come back."""
    if any(day.year is not None for day in said.days):
        return None
    return replaced(said, {"recurs": True, "unit": "year", "interval": 1.0})


def _relative() -> list[Rule]:
    made = rules("rel", "REL", "THE REL", build=lambda relative: relative)
    made += rules(
        "rel",
        "NEXT wd",
        build=lambda named: (
            Relative(weekday=named[0][0], which="next") if len(named[0]) == 1 and not named[1] else None
        ),
    )
    made += rules(
        "rel",
        "THE? COMING wd",
        build=lambda named: Relative(weekday=named[0][0], which="coming") if len(named[0]) == 1 else None,
    )
    made += rules(
        "rel",
        "THIS wd",
        build=lambda named: Relative(weekday=named[0][0], which="this") if len(named[0]) == 1 else None,
    )
    made += rules(
        "rel",
        "LASTW wd",
        build=lambda named: Relative(weekday=named[0][0], which="last") if len(named[0]) == 1 else None,
    )
    made += rules("rel", "wd NEXT UNIT", "NEXT UNIT ON? wd", build=_week_day)
    made += rules("rel", "wd THIS UNIT", "THIS UNIT ON? wd", build=_this_week_day)
    made += rules("P", "rel", "ON rel", build=lambda relative: Draft(relative=relative))
    made += rules("P", "REL PART", build=lambda relative, part: Draft(relative=relative, part=part))
    made += rules("P", "TONIGHT", build=lambda: Draft(relative=Relative(days=0), part="night"))
    made += rules("P", "THIS PART", "LATER THIS PART", build=lambda part: Draft(relative=Relative(days=0), part=part))
    made += rules("P", "LATER REL", build=lambda relative: Draft(relative=relative, vague=("time",)))
    made += rules(
        "P",
        "NEXT wd PART",
        build=lambda named, part: (
            Draft(relative=Relative(weekday=named[0][0], which="next"), part=part)
            if len(named[0]) == 1 and not named[1]
            else None
        ),
    )
    made += rules(
        "P",
        "THIS|COMING wd PART",
        build=lambda named, part: (
            Draft(relative=Relative(weekday=named[0][0], which="this"), part=part) if len(named[0]) == 1 else None
        ),
    )
    made += rules("P", "NEXT UNIT", "IN? THE NEXT UNIT", build=lambda unit: _stretch(unit, "next"))
    made += rules("P", "THIS UNIT", build=lambda unit: _stretch(unit, "this"))
    made += rules("P", "LASTW UNIT", "THE LASTW UNIT", build=lambda unit: _stretch(unit, "last"))
    made += rules(
        "P",
        "THIS|NEXT DAYSET",
        build=lambda days: (
            Draft(relative=Relative(weekday=days[0], which="this"), vague=("weekend",)) if len(days) == 2 else None
        ),
    )
    made += rules(
        "P", "UNSERVED", "AT|ON? UNSERVED", "EVERY UNSERVED", build=lambda word: Draft(vague=(f"unserved:{word}",))
    )
    return made


def _stretch(unit: str, which: str) -> Draft | None:
    return Draft(relative=Relative(period=unit, which=which)) if unit in PERIODS else None  # type: ignore[arg-type]


def _within() -> list[Rule]:
    """Days inside "this month" or "next week", and days counted from another day."""
    made = rules("stretch", "THIS UNIT", build=lambda unit: _stretch(unit, "this"))
    made += rules("stretch", "NEXT UNIT", "THE NEXT UNIT", build=lambda unit: _stretch(unit, "next"))
    made += rules("P", "nthday OF|IN stretch", build=lambda days, when: replaced(when, {"nth": days}))
    made += rules("P", "ON|AT? THE? mdl OF|IN stretch", build=lambda days, when: replaced(when, {"month_days": days}))
    made += rules(
        "P", "ON|AT? THE? mdw DAYW OF|IN stretch", build=lambda days, when: replaced(when, {"month_days": days})
    )
    made += rules("P", "thenth DAYSET OF|IN stretch", build=_nth_workday_of)
    made += rules("P", "AT|BY|ON? THE? edge OF stretch", build=_edge_of_stretch)
    made += rules("anchor", "rel", build=lambda relative: Limit(relative=relative))
    made += rules("anchor", "WDAY", build=lambda day: Limit(relative=Relative(weekday=day)))
    made += rules("anchor", "date", build=lambda day: Limit(day=day))
    made += rules("P", "IN? amount FROM|PAST ON? anchor", build=lambda amount, base: Draft(after=amount, base=base))
    made += rules("P", "ON? amount BEFORE anchor", build=_before)
    made += rules("P", "ON? THE DAYW BEFORE anchor", build=lambda base: _before((1.0, "day"), base))
    made += rules("P", "ON? THE DAYW PAST anchor", build=lambda base: Draft(after=(1.0, "day"), base=base))
    made += rules("P", "A UNIT ON? WDAY", build=lambda unit, day: _week_later(day) if unit == "week" else None)
    made += rules("P", "ON? WDAY UNIT", build=lambda day, unit: _week_later(day) if unit == "week" else None)
    made += rules("P", "NUM WDAYS FROMNOW", "IN NUM WDAYS TIMEW?", build=_weeks_on)
    made += rules("P", "ON? THE? WDAY PAST NEXT", build=lambda day: Draft(weekdays=(day,), vague=("after_next",)))
    made += rules(
        "P", "HOUR rel PART", build=lambda hour, relative, part: Draft(relative=relative, part=part, times=(hour,))
    )
    made += rules("P", "HOUR WDAY PART", build=lambda hour, day, part: Draft(weekdays=(day,), part=part, times=(hour,)))
    made += rules(
        "P", "spoken rel PART", build=lambda hour, relative, part: Draft(relative=relative, part=part, times=(hour,))
    )
    made += rules(
        "P",
        "EVERY UNIT OF|IN months",
        build=lambda unit, months: (
            Draft(recurs=True, unit="day", interval=1.0, months=months) if unit == "day" else None
        ),
    )
    return made


def _nth_workday_of(nth: Days, days: Days, when: Draft) -> Draft | None:
    return replaced(when, {"workdays": nth}) if len(days) == 5 else None


def _edge_of_stretch(edge: str, when: Draft) -> Draft | None:
    assert when.relative is not None, "a stretch is relative"
    if edge == "middle":
        return None
    return Draft(
        relative=Relative(
            period=when.relative.period, which=when.relative.which, edge="end" if edge == "end" else "start"
        )
    )


def _before(amount: tuple[float, str], base: Limit) -> Draft | None:
    """ "Two days before Christmas": whole days only, an hour before a day means nothing."""
    count, unit = amount
    if unit not in ("day", "week", "month"):
        return None
    return Draft(after=(-count, unit), base=base)  # type: ignore[arg-type]


def _week_later(day: int) -> Draft:
    """ "Friday week", "a week on Friday": seven days after the coming one."""
    return Draft(after=(1.0, "week"), base=Limit(relative=Relative(weekday=day)))


def _weeks_on(count: float, day: int) -> Draft | None:
    """ "Two Fridays from now" is the second one to come."""
    if count != int(count) or count < 1:
        return None
    return Draft(after=(count - 1, "week"), base=Limit(relative=Relative(weekday=day, which="next")))


def _week_day(one: object, other: object) -> Relative | None:
    return _in_week(one, other, "after_next")


def _this_week_day(one: object, other: object) -> Relative | None:
    return _in_week(one, other, "this")


def _in_week(one: object, other: object, which: str) -> Relative | None:
    """ "Monday next week": that day of the week after this one."""
    unit, named = (one, other) if isinstance(one, str) else (other, one)
    if unit != "week" or not isinstance(named, tuple) or len(named[0]) != 1:
        return None
    return Relative(weekday=named[0][0], which=which, period="week")  # type: ignore[arg-type]


RULES: Final = (*_dates(), *_dated(), *_relative(), *_within())
