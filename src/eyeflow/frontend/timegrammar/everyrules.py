"""Grammar of repetition and extent: every N units, N times a day, durations, delays, starts, ends, exceptions.

Knows: how people say how often and how long. In: nothing. Out: `RULES`. Never: computes a date.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

from eyeflow.frontend.timegrammar.chart import Rule, rules
from eyeflow.frontend.timegrammar.daterules import read_slash
from eyeflow.frontend.timegrammar.dayrules import PERIODS
from eyeflow.frontend.timegrammar.draft import Clock, Day, Draft, Except, Limit, Relative, replaced, unify

Amount: TypeAlias = tuple[float, str]

MAX_INTERVAL: Final = 100_000


def _every() -> list[Rule]:
    made = rules("P", "EVERY UNIT", build=lambda unit: _each(1, unit))
    made += rules("P", "EVERY NUM UNIT", build=_each)
    made += rules("P", "EVERY QTY", "ONCE EVERY QTY", "ONCE IN QTY", build=lambda q: _each(*q))
    made += rules("P", "EVERY QTY AND QTY", build=_each_sum)
    made += rules(
        "P", "EVERY OTHER UNIT", "ONCE EVERY OTHER UNIT", "ON? ALTERNATE UNIT", build=lambda unit: _each(2, unit)
    )
    made += rules(
        "P", "EVERY ORD UNIT", build=lambda n, unit: _each(n, unit) if n > 1 or unit not in ("month",) else None
    )
    made += rules("P", "ONCE EVERY UNIT", "ONCE A|PER UNIT", "A UNIT ONCE", "ONCE A? FREQ", build=_once_per)
    made += rules("P", "ONCE EVERY NUM UNIT", build=_each)
    made += rules("P", "EVERY HALF A? UNIT", build=lambda unit: _each(0.5, unit) if unit in ("hour", "year") else None)
    made += rules("P", "EVERY QUARTERW OF? A? UNIT", build=lambda unit: _each(0.25, unit) if unit == "hour" else None)
    made += rules(
        "P", "EVERY UNIT AND A HALF", build=lambda unit: _each(1.5, unit) if unit in ("hour", "minute") else None
    )
    made += rules(
        "P",
        "EVERY NUM AND A HALF UNIT",
        build=lambda n, unit: _each(n + 0.5, unit) if unit in ("hour", "minute") else None,
    )
    made += rules("P", "EVERY FEW UNIT", build=lambda unit: Draft(recurs=True, unit=unit, interval=1.0, vague=("few",)))
    made += rules("P", "FREQ", "ON A FREQ", build=lambda draft: draft)
    made += rules("P", "EVERY OTHER FREQ", build=lambda draft: None)
    made += rules("n", "NUM TIMES", build=lambda n: int(n) if n == int(n) and 1 <= n <= 1440 else None)
    made += rules("n", "TWICE", build=lambda: 2)
    made += rules("n", "THRICE", build=lambda: 3)
    made += rules("P", "n A|PER|EVERY UNIT", build=lambda n, unit: Draft(recurs=True, per=(n, unit)))
    made += rules(
        "P", "n FREQ", build=lambda n, f: Draft(recurs=True, per=(n, f.unit)) if f.unit and f.interval == 1 else None
    )
    made += rules(
        "P",
        "n EVERY DAYSET|WDAY",
        "n ON EVERY DAYSET|WDAY",
        build=lambda n, days: Draft(recurs=True, per=(n, "day"), weekdays=days if isinstance(days, tuple) else (days,)),
    )
    made += rules(
        "P",
        "EVERY UNIT n",
        build=lambda unit, n: Draft(recurs=True, per=(n, unit)) if unit in ("day", "week", "month", "hour") else None,
    )
    made += rules("P", "FOR n", "n TOTAL", "FOR n TOTAL", "TOTAL n", build=lambda n: Draft(count=n))
    made += rules("P", "QTY A|PER UNIT", build=_days_a_week)
    made += rules(
        "P", "EVERY UNIT OF THE UNIT", build=lambda unit, of: _each(1, unit) if (unit, of) == ("day", "week") else None
    )
    made += rules("P", "NEXT|COMING NUM WDAYS", build=lambda n, day: _coming(n, (day,)))
    made += rules("P", "n", build=lambda n: Draft(vague=(f"times:{n}",)))
    return made


def _coming(count: float, days: tuple[int, ...]) -> Draft | None:
    """ "the next 5 Mondays"."""
    whole = count == int(count) and 1 < count <= 1000
    return Draft(recurs=True, weekdays=days, count=int(count)) if whole else None


def _each(interval: float, unit: str) -> Draft | None:
    if interval <= 0:
        return Draft(recurs=True, problems=("an interval of zero never passes",))
    if interval > MAX_INTERVAL:
        return Draft(recurs=True, problems=(f"an interval of more than {MAX_INTERVAL} {unit}s is not served",))
    return Draft(recurs=True, unit=unit, interval=float(interval))  # type: ignore[arg-type]


def _each_sum(one: Amount, other: Amount) -> Draft | None:
    total = amount_sum(one, other)
    return None if total is None else _each(*total)


def amount_sum(one: Amount, other: Amount) -> Amount | None:
    """ "1 hour and 30 minutes" in the smaller unit."""
    seconds = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
    if one[1] not in seconds or other[1] not in seconds or seconds[other[1]] >= seconds[one[1]]:
        return None
    return one[0] * seconds[one[1]] / seconds[other[1]] + other[0], other[1]


def _once_per(said: str | Draft) -> Draft | None:
    return said if isinstance(said, Draft) else _each(1, said)


def _amounts() -> list[Rule]:
    made = rules("amount", "QTY", build=lambda q: q)
    made += rules("amount", "NUM UNIT", build=lambda n, unit: (n, unit) if n > 0 else None)
    made += rules("amount", "A UNIT", build=lambda unit: (1.0, unit))
    made += rules(
        "amount", "HALF A UNIT", build=lambda unit: (0.5, unit) if unit in ("hour", "day", "minute", "year") else None
    )
    made += rules("amount", "A QUARTERW OF A UNIT", build=lambda unit: (0.25, unit) if unit == "hour" else None)
    made += rules("amount", "A FORTNIGHT", build=lambda: (2.0, "week"))
    made += rules("amount", "NUM FORTNIGHT", build=lambda n: (2 * n, "week"))
    made += rules(
        "amount",
        "NUM UNIT OF A UNIT",
        build=lambda n, part, unit: (n * 15, "minute") if (part, unit) == ("quarter", "hour") else None,
    )
    made += rules("amount", "A UNIT AND A HALF", build=lambda unit: (1.5, unit))
    made += rules("amount", "NUM AND A HALF UNIT", build=lambda n, unit: (n + 0.5, unit))
    made += rules("amount", "amount AND? QTY", build=amount_sum)
    made += rules("amount", "NUM DAYSETS", build=lambda n, days: (n, "workday") if len(days) == 5 else None)
    made += rules("P", "amount", build=lambda amount: Draft(amount=amount))
    made += rules("P", "IN amount", build=lambda amount: Draft(after=amount))
    made += rules(
        "P", "IN amount TIMEW", "IN amount FROMNOW", "amount FROMNOW", build=lambda amount: Draft(after=amount)
    )
    made += rules("P", "amount LATER", "PAST amount", build=lambda amount: Draft(amount=amount, vague=("delay",)))
    made += rules("P", "amount AGO", build=lambda amount: Draft(ago=amount))
    made += rules(
        "P", "FOR THROUGH? amount", "FOR THE? NEXT amount", build=lambda amount: Draft(until=Limit(span=amount))
    )
    made += rules(
        "P", "FOR THIS|NEXT UNIT", "FOR THE NEXT UNIT", build=lambda unit: Draft(until=Limit(span=(1.0, unit)))
    )
    made += rules("P", "THE? LASTW amount", build=lambda amount: Draft(ago=amount, vague=("stretch",)))
    made += rules("P", "THE? NEXT amount", build=lambda amount: Draft(amount=amount, vague=("ahead",)))
    return made


def _limits() -> list[Rule]:
    made = rules("lim", "date", build=lambda day: Limit(day=day))
    made += rules("lim", "DATE", build=lambda iso: Limit(iso=iso) if "T" in iso else None)
    made += rules("lim", "rel", build=lambda relative: Limit(relative=relative))
    made += rules("lim", "THE? ORDNUM", build=lambda n: Limit(relative=Relative(days=-1000 - n)) if n <= 31 else None)
    made += rules("lim", "WDAY", build=lambda day: Limit(relative=Relative(weekday=day)))
    made += rules("lim", "MONTH", build=lambda month: Limit(day=Day(month, 0)))
    made += rules("lim", "IN MONTH", build=lambda month: Limit(day=Day(month, 0)))
    made += rules("lim", "IN? MONTH YEAR", build=lambda month, year: Limit(day=Day(month, 0, year)))
    made += rules(
        "lim",
        "THE? edge OF THE|THIS? UNIT",
        build=lambda edge, unit: (
            Limit(relative=Relative(period=unit, which="this", edge=edge)) if edge != "middle" else None
        ),
    )
    made += rules(
        "lim",
        "THE? edge OF NEXT UNIT",
        build=lambda edge, unit: (
            Limit(relative=Relative(period=unit, which="next", edge=edge)) if edge != "middle" else None
        ),
    )
    made += rules(
        "lim",
        "THE? edge OF MONTH",
        build=lambda edge, month: Limit(day=Day(month, 1 if edge == "start" else 99)) if edge != "middle" else None,
    )
    made += rules(
        "lim",
        "THE? edge OF YEAR",
        build=lambda edge, year: (
            Limit(day=Day(1, 1, year) if edge == "start" else Day(12, 31, year)) if edge != "middle" else None
        ),
    )
    made += rules(
        "lim",
        "NEXT UNIT",
        build=lambda unit=None: Limit(relative=Relative(period=unit, which="next", edge="start")) if unit else None,
    )
    made += rules(
        "lim",
        "lim AT? clock",
        build=lambda limit, clock: (
            Limit(day=limit.day, relative=limit.relative, iso=limit.iso, clock=clock) if limit.clock is None else None
        ),
    )
    made += rules("lim", "IN amount", "amount FROMNOW", build=lambda amount: Limit(span=amount))
    return made


def _bounds() -> list[Rule]:
    """Where a series starts and ends."""
    made: list[Rule] = []
    made += rules("begin", "STARTING ON? lim", "FROM lim ON?", "COMMA? STARTING ON? lim", build=lambda limit: limit)
    made += rules("begin", "STARTING NOW", "FROM NOW ON?", build=lambda: Limit(now=True))
    made += rules(
        "begin", "STARTING AT? clock", "FROM clock", "STARTING AT HOUR", build=lambda clock: Limit(clock=clock)
    )
    made += rules("finish", "UNTIL AT? clock ON? lim", build=lambda clock, limit: _clocked(limit, clock))
    made += rules("P", "UNTIL|THROUGH SLASHDATE", build=lambda text: _slash_limit("until", text))
    made += rules("P", "STARTING|FROM ON? SLASHDATE", build=lambda text: _slash_limit("start", text))
    made += rules("P", "FOR THE? REST THE|THIS UNIT", build=_rest)
    made += rules(
        "P", "FOR THE ORD amount", build=lambda n, amount: Draft(until=Limit(span=amount)) if n == 1 else None
    )
    made += rules("finish", "UNTIL ON? THE? lim", "THROUGH lim", build=lambda limit: limit)
    made += rules("P", "begin", build=lambda limit: Draft(start=limit))
    made += rules("P", "finish", build=lambda limit: Draft(until=limit))
    made += rules("P", "UNTIL clock", build=lambda clock: Draft(until=Limit(clock=clock), vague=("until_clock",)))
    made += rules(
        "P",
        "begin finish",
        "begin AND finish",
        "begin COMMA finish",
        "BETWEEN lim AND lim",
        "FROM lim TO lim",
        build=lambda start, end: Draft(start=start, until=end),
    )
    made += rules("P", "UNTIL NOTICE", build=lambda: Draft(notes=(("", "", ""),)))
    return made


def _clocked(limit: Limit, clock: Clock) -> Limit | None:
    return msgspec.structs.replace(limit, clock=clock) if limit.clock is None else None


def _slash_limit(which: str, text: str) -> Draft | None:
    """12/31/2026 is one day; 12/01/2026 may be two, so it is asked."""
    said = read_slash(text)
    if said.vague or said.problems:
        return Draft(problems=said.problems, vague=(f"limit_{which}:{text}",) if said.vague else ())
    limit = Limit(day=said.days[0])
    return Draft(until=limit) if which == "until" else Draft(start=limit)


def _rest(unit: str) -> Draft | None:
    """ "For the rest of the week"."""
    if unit not in PERIODS:
        return None
    return Draft(until=Limit(relative=Relative(period=unit, which="this", edge="end")))  # type: ignore[arg-type]


def _days_a_week(amount: Amount, unit: str) -> Draft | None:
    if (unit, amount[1]) != ("week", "day") or amount[0] != int(amount[0]):
        return None
    if amount[0] == 7:
        return Draft(recurs=True, unit="day", interval=1.0)
    return Draft(recurs=True, per=(int(amount[0]), "week"))


def _excepts() -> list[Rule]:
    made = rules("x", "dl", "ON dl", "ON THE dl", build=lambda named: Except(weekdays=named[0]))
    made += rules("x", "ON? THE? DAYSET", build=lambda days: Except(weekdays=days))
    made += rules("x", "ON? nthday", "ON? nthday per", build=lambda days, per=None: Except(nth=days))
    made += rules("x", "ON? THE? mdl", "ON? THE? mdl per", build=lambda days, per=None: Except(month_days=days))
    made += rules(
        "x", "ON? THE? mdw DAYW per", build=lambda days, per: Except(month_days=days) if per[0] == "month" else None
    )
    made += rules("x", "ON? THE? dates", build=lambda days: Except(days=days))
    made += rules(
        "x", "EVERY UNIT ON? THE? dates", build=lambda unit, days: Except(days=days) if unit == "year" else None
    )
    made += rules("x", "IN? months", "DURING months", build=lambda months: Except(months=months))
    made += rules("x", "AT clock", "AT HOUR", "clock", build=lambda clock: Except(times=(clock,)))
    made += rules("x", "ON|FOR|DURING? HOLIDAYS", build=lambda: Except(holidays=True))
    made += rules("x", "rel", "ON rel", build=lambda relative: Except(relative=(relative,)))
    made += rules(
        "x",
        "BETWEEN|FROM lim AND|TO|UNTIL|THROUGH lim",
        "lim TO|THROUGH|DASH lim",
        build=lambda start, end: Except(ranges=((start, end),)),
    )
    made += rules("xs", "x", build=lambda one: (one,))
    made += rules(
        "xs",
        "xs AND x",
        "xs OR x",
        "xs COMMA x",
        "xs COMMA AND x",
        build=lambda many, one: (*many, one) if len(many) < 12 else None,
    )
    made += rules(
        "P",
        "EXCEPT xs",
        "COMMA EXCEPT xs",
        "LPAREN EXCEPT xs RPAREN",
        "xs EXCLUDED",
        "COMMA xs EXCLUDED",
        "LPAREN xs EXCLUDED RPAREN",
        build=lambda many: Draft(excepts=many),
    )
    return made


def _phrases() -> list[Rule]:
    """A phrase is a row of parts that agree; two complete ones joined by "and" are merged."""
    made = rules("S", "P", build=lambda draft: draft)
    made += rules("S", "S COMMA? P", "S LPAREN P RPAREN", build=unify)
    made += rules("S", "S AND P", build=_and_part)
    made += rules("U", "S AND S", "S COMMA AND? S", "U AND S", "U COMMA AND? S", build=_union)
    made += rules("S", "U", build=lambda draft: draft)
    return made


def _and_part(one: Draft, other: Draft) -> Draft | None:
    """ "and on Saturdays" adds a day; "and at 6pm" belongs to the list of times, which has its own rule."""
    if other.excepts or other.until or other.start:
        return unify(one, other)
    if (
        other.recurs
        and other.weekdays
        and one.recurs
        and one.weekdays
        and not other.times
        and one.unit == other.unit
        and not other.part
    ):
        return replaced(one, {"weekdays": tuple(sorted({*one.weekdays, *other.weekdays}))})
    return None


def _timed(draft: Draft) -> bool:
    return bool(draft.times or draft.part or draft.window or draft.unit in ("minute", "hour"))


def _dayed(draft: Draft) -> bool:
    return bool(draft.weekdays or draft.nth or draft.month_days or draft.workdays or draft.unit or draft.days)


def _union(one: Draft, other: Draft) -> Draft | None:
    """Two series in one phrase, each with its own days and its own times; recurring if either says so."""
    rest = other.also or (other,)
    mine = one.also or (one,)
    if not all(_timed(piece) and _dayed(piece) for piece in (*mine, *rest)) or len(mine) + len(rest) > 8:
        return None
    if not (mine[0].recurs or rest[-1].recurs):
        return None
    return Draft(recurs=True, also=tuple(replaced(piece, {"recurs": True}) for piece in (*mine, *rest)))


RULES: Final = (*_every(), *_amounts(), *_limits(), *_bounds(), *_excepts(), *_phrases())
