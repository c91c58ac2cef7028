"""Grammar of days that come back: weekdays, numbered weekdays, days of the month, edges of periods.

Knows: how people name days. In: nothing. Out: `RULES`. Never: knows what day it is.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from eyeflow.frontend.timegrammar.chart import Rule, rules
from eyeflow.frontend.timegrammar.draft import Draft

Days: TypeAlias = tuple[int, ...]
Named: TypeAlias = tuple[Days, bool]
"""Weekdays, and whether the words alone say that they recur ("Mondays", "Mon-Fri")."""

PERIODS: Final = ("week", "month", "quarter", "year")


def _range(one: Named, other: Named) -> Named | None:
    if len(one[0]) != 1 or len(other[0]) != 1 or one[0] == other[0]:
        return None
    length = (other[0][0] - one[0][0]) % 7
    return tuple(sorted((one[0][0] + step) % 7 for step in range(length + 1))), True


def _join(one: Named, other: Named) -> Named | None:
    if set(one[0]) & set(other[0]):
        return None
    return tuple(sorted({*one[0], *other[0]})), one[1] or other[1]


def _weekdays() -> list[Rule]:
    made = rules("wd", "WDAY", build=lambda day: ((day,), False))
    made += rules("wd", "WDAYS", build=lambda day: ((day,), True))
    made += rules("set", "DAYSETS", build=lambda days: (days, True))
    made += rules(
        "wd",
        "wd DASH wd",
        "wd TO wd",
        "wd THROUGH wd",
        "FROM wd TO wd",
        "FROM wd THROUGH wd",
        "FROM wd UNTIL wd",
        "BETWEEN wd AND wd",
        build=_range,
    )
    made += rules("dl", "wd", "set", build=lambda named: named)
    made += rules(
        "dl",
        "dl COMMA wd",
        "dl AND ON? wd",
        "dl COMMA AND ON? wd",
        "dl SLASH wd",
        "dl OR wd",
        "dl AND set",
        "dl AND EVERY wd",
        build=_join,
    )
    made += rules("dl", "dl wd", build=lambda one, other: _join(one, other) if len(one[0]) > 0 else None)
    made += rules("P", "dl", "ON dl", "ON THE dl", build=_on_days)
    made += rules("P", "EVERY dl", "ON EVERY dl", build=lambda named: Draft(recurs=True, weekdays=named[0]))
    made += rules("P", "EVERY DAYSET|UNIT BUT wd", build=_all_but)
    made += rules("P", "EVERY DAYSET", "ON? EVERY DAYSET", build=lambda days: Draft(recurs=True, weekdays=days))
    made += rules(
        "P",
        "EVERY DAYSET AND dl",
        build=lambda days, named: Draft(recurs=True, weekdays=tuple(sorted({*days, *named[0]}))),
    )
    made += rules(
        "P",
        "ON|IN|AT|DURING THE DAYSET",
        "ON A DAYSET",
        build=lambda days: Draft(recurs=True, weekdays=days, vague=() if len(days) > 2 else ("weekend",)),
    )
    made += rules("P", "DAYSET PARTS", build=lambda days, part: Draft(recurs=True, weekdays=days, part=part))
    made += rules("P", "EVERY OTHER dl", "ON EVERY OTHER dl", build=lambda named: _fortnight(named, 2))
    made += rules(
        "P", "EVERY NUM dl", build=lambda n, named: _fortnight(named, int(n)) if n == int(n) and 2 <= n <= 52 else None
    )
    made += rules("P", "EVERY OTHER DAYSET", build=_other_set)
    made += rules("P", "ON? ALTERNATE dl", build=lambda named: _fortnight(named, 2) if named[1] else None)
    made += rules(
        "P",
        "dl PARTS",
        "ON dl PARTS",
        "EVERY dl PARTS|PART",
        build=lambda named, part: Draft(recurs=True, weekdays=named[0], part=part),
    )
    made += rules("P", "dl PART", "ON dl PART", build=lambda named, part: _with_part(_on_days(named), part))
    made += rules("P", "EVERY DAYSET PART", build=lambda days, part: Draft(recurs=True, weekdays=days, part=part))
    made += rules(
        "P",
        "EVERY PART ON dl",
        "EVERY PART FROM wd",
        build=lambda part, named: Draft(recurs=True, weekdays=named[0], part=part),
    )
    return made


def _all_but(days: Days | str, left_out: Named) -> Draft | None:
    """ "Every day but Sunday"."""
    whole = (0, 1, 2, 3, 4, 5, 6) if days == "day" else days
    if isinstance(whole, str) or not set(left_out[0]) < set(whole):
        return None
    return Draft(recurs=True, weekdays=tuple(day for day in whole if day not in left_out[0]))


def _on_days(named: Named) -> Draft:
    """Plural days recur, and so does a list of three: nobody means one run each."""
    return Draft(weekdays=named[0], recurs=named[1] or len(named[0]) > 2)


def _with_part(draft: Draft, part: str) -> Draft:
    return Draft(weekdays=draft.weekdays, recurs=draft.recurs, part=part)


def _fortnight(named: Named, weeks: int) -> Draft | None:
    if len(named[0]) == 5:
        return Draft(recurs=True, weekdays=named[0], vague=("other_workday",))
    return Draft(recurs=True, unit="week", interval=float(weeks), weekdays=named[0])


def _other_set(days: Days) -> Draft:
    if len(days) == 5:
        return Draft(recurs=True, weekdays=days, vague=("other_workday",))
    return Draft(recurs=True, unit="week", interval=2.0, weekdays=days)


def _nth() -> list[Rule]:
    made = rules("nth", "ORD", "LAST", build=lambda n: (n,))
    made += rules(
        "nth", "nth AND THE? ORD|LAST", "nth COMMA THE? ORD|LAST", "nth COMMA AND THE? ORD|LAST", build=_more_nth
    )
    made += rules(
        "per",
        "OF EVERY? UNIT",
        "IN EVERY UNIT",
        "EVERY UNIT",
        build=lambda unit: (unit, True) if unit in PERIODS else None,
    )
    made += rules("per", "OF|IN THE|A UNIT", "PER UNIT", build=lambda unit: (unit, True) if unit in PERIODS else None)
    made += rules("per", "FREQ", build=lambda f: (f.unit, True) if f.unit in PERIODS and f.interval == 1 else None)
    made += rules("thenth", "THE? nth", "ON THE? nth", build=lambda nth: nth)
    made += rules("nthday", "thenth wd", build=_nth_days)
    made += rules(
        "nthday", "nthday AND thenth wd", build=lambda days, nth, named: (*days, *(_nth_days(nth, named) or ())) or None
    )
    return made


def _nth_phrases() -> list[Rule]:
    """Phrases made of numbered weekdays and working days."""
    made: list[Rule] = []
    made += rules("P", "nthday", build=lambda days: Draft(nth=days))
    made += rules("P", "nthday per", build=lambda days, per: Draft(nth=days, of_unit=per[0], recurs=True))
    made += rules(
        "P",
        "nthday OF|IN months COMMA? YEAR",
        build=lambda days, months, year: Draft(nth=days, months=months, year=year),
    )
    made += rules(
        "P",
        "ON? THE? mdl OF months",
        build=lambda days, months: Draft(month_days=days, months=months, recurs=_listed(months)),
    )
    made += rules(
        "P", "nthday OF|IN months", build=lambda days, months: Draft(nth=days, months=months, recurs=_listed(months))
    )
    made += rules("P", "EVERY nthday per", build=lambda days, per: Draft(nth=days, of_unit=per[0], recurs=True))
    made += rules(
        "P", "EVERY nthday OF|IN months", build=lambda days, months: Draft(nth=days, months=months, recurs=True)
    )
    made += rules(
        "P", "EVERY nthday", build=lambda days: Draft(nth=days, of_unit="month", recurs=True) if len(days) > 1 else None
    )
    made += rules("P", "EVERY ORD wd", build=_every_nth)
    made += rules(
        "P",
        "EVERY ORDNUM OF THE|EVERY UNIT",
        build=lambda n, unit: (
            Draft(recurs=True, month_days=(n,), of_unit=unit) if n <= 31 and unit in PERIODS else None
        ),
    )
    made += rules(
        "P",
        "EVERY LAST wd",
        build=lambda nth, named: Draft(recurs=True, nth=_nth_days((nth,), named) or (), of_unit="month"),
    )
    made += rules(
        "P",
        "EVERY nth DAYSET per",
        build=lambda nth, days, per: Draft(workdays=nth, of_unit=per[0], recurs=True) if len(days) == 5 else None,
    )
    made += rules(
        "P",
        "EVERY LAST DAYSET",
        build=lambda nth, days: Draft(workdays=(nth,), of_unit="month", recurs=True) if len(days) == 5 else None,
    )
    made += rules(
        "P",
        "thenth DAYSET per",
        build=lambda nth, days, per: (
            Draft(workdays=nth, of_unit=per[0], recurs=True) if len(days) == 5 else _weekend(nth, days, per[0])
        ),
    )
    made += rules("P", "thenth DAYSET", build=lambda nth, days: Draft(workdays=nth) if len(days) == 5 else None)
    made += rules(
        "P",
        "thenth DAYSET OF months",
        build=lambda nth, days, months: (
            Draft(workdays=nth, months=months, recurs=_listed(months)) if len(days) == 5 else None
        ),
    )
    return made


def _listed(months: Days) -> bool:
    """A list of three months comes back: nobody means one run in each."""
    return len(months) > 2


def _weekend(nth: Days, days: Days, unit: str) -> Draft | None:
    """ "The first weekend of the month" is asked: it may begin in the month before."""
    return Draft(recurs=True, nth=tuple((n, days[0]) for n in nth), of_unit=unit, vague=("nth_weekend",))  # type: ignore[arg-type]


def _more_nth(nth: Days, number: int) -> Days | None:
    return (*nth, number) if number not in nth and len(nth) < 12 else None


def _nth_days(nth: Days, named: Named) -> tuple[tuple[int, int], ...] | None:
    if any(n > 5 for n in nth):
        return None
    return tuple((n, day) for n in nth for day in named[0])


def _every_nth(n: int, named: Named) -> Draft | None:
    """ "Every first Friday" is monthly; "every second Tuesday" is every other week, or the second of the month."""
    if len(named[0]) != 1 or n > 5:
        return None
    if n == 1:
        return Draft(recurs=True, nth=((1, named[0][0]),), of_unit="month")
    return Draft(recurs=True, nth=((n, named[0][0]),), vague=("every_nth",))


def _month_days() -> list[Rule]:
    made = rules("mdl", "ORDNUM", build=lambda n: (n,) if n <= 31 else None)
    made += rules(
        "mdl", "mdl AND THE? ORDNUM|LASTDAY", "mdl COMMA THE? ORDNUM", "mdl COMMA AND THE? ORDNUM", build=_more_days
    )
    made += rules("LASTDAY", "LAST DAYW", build=lambda n: n)
    made += rules("mdl", "mdl AND THE? LAST DAYW", build=_more_days)
    made += rules("mdw", "nth", build=lambda nth: nth if all(-2 <= n <= 31 for n in nth) else None)
    made += rules("P", "ON THE? mdl", "ON? THE mdl", build=lambda days: Draft(month_days=days))
    made += rules("P", "ON THE mdw DAYW", build=lambda days: Draft(month_days=days))
    made += rules(
        "P", "ON DAYW NUM", build=lambda n: Draft(month_days=(int(n),)) if n == int(n) and 1 <= n <= 31 else None
    )
    made += rules(
        "P",
        "EVERY mdl at",
        build=lambda days, clocks: Draft(recurs=True, month_days=days, of_unit="month", times=clocks),
    )
    made += rules(
        "P",
        "ON|EVERY? THE? mdl per",
        "EVERY mdl per",
        build=lambda days, per: Draft(month_days=days, of_unit=per[0], recurs=True),
    )
    made += rules(
        "P",
        "ON? THE mdw per",
        build=lambda days, per: (
            Draft(month_days=days, of_unit=per[0], recurs=True) if -1 not in days and per[0] == "month" else None
        ),
    )
    made += rules(
        "P",
        "ON|AT? THE? mdw DAYW per",
        "EVERY mdw DAYW per",
        build=lambda days, per: Draft(month_days=days, of_unit=per[0], recurs=True),
    )
    made += rules(
        "P",
        "ON THE? mdw DAYW OF months",
        "THE mdw DAYW OF months",
        build=lambda days, months: Draft(month_days=days, months=months, recurs=_listed(months)),
    )
    made += rules(
        "P",
        "ON DAYW NUM per",
        "DAYW NUM per",
        build=lambda n, per: (
            Draft(month_days=(int(n),), of_unit=per[0], recurs=True) if n == int(n) and 1 <= n <= 31 else None
        ),
    )
    made += rules(
        "P",
        "ON THE mdl AND THE? LAST DAYW per",
        "THE? mdl AND THE? LAST DAYW per",
        build=lambda days, last, per: Draft(month_days=(*days, last), of_unit=per[0], recurs=True),
    )
    made += rules("P", "EVERY ORD OF THE? UNIT", build=_nth_of_each)
    made += rules("P", "ON|AT? THE? ORD DAYW per", "EVERY ORD DAYW OF THE? UNIT", build=_year_day)
    made += rules("edge", "START", build=lambda: "start")
    made += rules("edge", "END", build=lambda: "end")
    made += rules("edge", "MIDDLE", build=lambda: "middle")
    made += rules("P", "AT|ON? THE? edge OF EVERY UNIT", "EVERY UNIT edge", build=_edge_of)
    made += rules("P", "AT|ON|BY? THE? edge OF THE|THIS? UNIT", "AT|BY? UNIT edge", build=_edge_here)
    made += rules("P", "AT|ON? EVERY UNIT END", build=lambda unit: _edge("end", unit, True))
    made += rules("P", "AT|IN|BY? MIDMONTH", build=lambda: _edge("middle", "month", False))
    made += rules("P", "MIDMONTH EVERY UNIT", "EVERY MIDMONTH", build=_mid_month)
    return made


def _nth_of_each(day: float, unit: str) -> Draft | None:
    """ "every first of the month"."""
    whole = day == int(day) and 1 <= day <= 31
    return Draft(recurs=True, month_days=(int(day),), of_unit="month") if unit == "month" and whole else None


def _year_day(day: float, per: str | tuple[str, ...]) -> Draft | None:
    """ "the 100th day of the year"; days of the first month are days of January already."""
    unit = per if isinstance(per, str) else per[0]
    whole = int(day)
    if unit != "year" or whole != day or not 31 < whole <= 366:
        return None
    return Draft(recurs=True, unit="year", interval=1.0, year_days=(whole,))


def _more_days(days: Days, day: int) -> Days | None:
    return (*days, day) if day not in days and day <= 31 and len(days) < 31 else None


def _edge_of(one: str, other: str) -> Draft | None:
    edge, unit = (one, other) if one in ("start", "end", "middle") else (other, one)
    return _edge(edge, unit, recurs=True)


def _edge_here(one: str, other: str) -> Draft | None:
    edge, unit = (one, other) if one in ("start", "end", "middle") else (other, one)
    return _edge(edge, unit, recurs=False)


def _mid_month(unit: str = "month") -> Draft | None:
    return _edge("middle", unit, True) if unit == "month" else None


def _edge(edge: str, unit: str, recurs: bool) -> Draft | None:
    """Start, middle or end of a period: "at the end of each month". Without "each" it may be this one only."""
    match unit:
        case "day" if edge != "middle":
            name = "start of the day" if edge == "start" else "end of the day"
            return Draft(part=name, recurs=recurs, unit="day" if recurs else None, interval=1.0 if recurs else None)
        case "week" if edge != "middle":
            day = 0 if edge == "start" else 4
            note = ("trigger.day", "Monday" if edge == "start" else "Friday", f"the {edge} of the week")
            return Draft(weekdays=(day,), recurs=recurs, notes=(note,), vague=() if recurs else ("this_or_every",))
        case "month":
            days = {"start": (1,), "end": (-1,), "middle": (15,)}[edge]
            return Draft(month_days=days, of_unit="month", recurs=recurs, vague=() if recurs else ("this_or_every",))
        case "quarter" | "year" if edge != "middle":
            days = (1,) if edge == "start" else (-1,)
            return Draft(month_days=days, of_unit=unit, recurs=recurs, vague=() if recurs else ("this_or_every",))
        case "hour" if edge == "start" and recurs:
            return Draft(recurs=True, unit="hour", interval=1.0, minutes=(0,))
    return None


RULES: Final = (*_weekdays(), *_nth(), *_nth_phrases(), *_month_days())
