"""A whole schedule: rules merged, exclusions taken out, start and until kept.

Knows: what a schedule consists of. In: `Recurrence`. Out: instants, problems in words. Never: reads a clock.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from cronsim import CronSim, CronSimError

from eyeflow.recurrence.rule import Rule, RuleProblem, check_rule, parse_rule
from eyeflow.recurrence.steps import HORIZON_YEARS, local_times, unroll
from eyeflow.recurrence.wall import ScheduleError, local_of, read_moment, zone_of

MAX_RULES: Final = 100
_MAX_EXCLUDED_RUN: Final = 20_000
_BACK: Final = timedelta(days=3)
_NO_ANCHOR: Final = "2001-01-01"  # a Monday, the first of a month and year: only for schedules nobody anchored


class Recurrence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A schedule. `rules` (RRULE text) and `cron` (five fields) are merged; one of them is needed.

    `zone` is an IANA name. `start` and `until` are ISO instants, local times or local dates, both inclusive.
    `exclude` holds RRULEs, dates or instants; an RRULE without BYHOUR and BYMINUTE takes out whole days.
    `anchor` is the local date of compiling: where INTERVAL rules count from when there is no `start`.
    """

    rules: tuple[str, ...] = ()
    cron: str | None = None
    zone: str = "UTC"
    start: str | None = None
    until: str | None = None
    exclude: tuple[str, ...] = ()
    anchor: str | None = None


def occurrences(spec: Recurrence, after: datetime, limit: int | None = None) -> Iterator[datetime]:
    """The instants at which `spec` fires after `after` (aware), ascending, in UTC, at most `limit`; lazily.

    Ends early when nothing fires within `HORIZON_YEARS` of the last instant looked at.

    Raises:
        ScheduleError: the schedule does not hold (`check` says why without raising).
    """
    assert after.tzinfo is not None, "occurrences need an aware instant"
    return islice(_fire(spec, after.astimezone(UTC)), limit)


def upcoming(spec: Recurrence, after: datetime, count: int = 5) -> tuple[datetime, ...]:
    """The next `count` instants, or fewer when there are no more."""
    return tuple(occurrences(spec, after, count))


def check(spec: Recurrence) -> tuple[str, ...]:
    """What is wrong with `spec`, in words; empty when it holds."""
    found: list[str] = []
    if not spec.rules and spec.cron is None:
        found.append("a schedule needs a rule or a cron expression")
    if len(spec.rules) + len(spec.exclude) > MAX_RULES:
        found.append(f"a schedule has at most {MAX_RULES} rules and exclusions")
        return tuple(found)
    found += [f"{rule[:60]!r}: {problem}" for rule in spec.rules if (problem := check_rule(rule))]
    try:
        zone = zone_of(spec.zone)
    except ScheduleError as error:
        return (*found, error.message)
    steps: list[Callable[[], object]] = [lambda: _exclusions(spec, zone)]
    if spec.cron is not None:
        steps.append(lambda: _cron(spec.cron or "", datetime(2001, 1, 1, tzinfo=UTC)))
    if spec.anchor is not None:
        steps.append(lambda: read_moment(spec.anchor or "", zone))
    for text, last in ((spec.start, False), (spec.until, True)):
        if text is not None:
            steps.append(lambda text=text, last=last: read_moment(text, zone, end_of_day=last))  # type: ignore[misc]
    for step in steps:
        try:
            step()
        except ScheduleError as error:
            found.append(error.message)
    return tuple(found)


def _fire(spec: Recurrence, after: datetime) -> Iterator[datetime]:
    if not spec.rules and spec.cron is None:
        raise ScheduleError("empty_schedule", "a schedule needs a rule or a cron expression")
    if len(spec.rules) + len(spec.exclude) > MAX_RULES:
        raise ScheduleError("bad_rule", f"a schedule has at most {MAX_RULES} rules and exclusions")
    zone = zone_of(spec.zone)
    start = read_moment(spec.start, zone) if spec.start is not None else None
    until = read_moment(spec.until, zone, end_of_day=True) if spec.until is not None else None
    origin = start if start is not None else read_moment(spec.anchor or _NO_ANCHOR, zone)
    floor = after if start is None else max(after, start - timedelta(seconds=1))
    days, moments = _exclusions(spec, zone)
    closed = _Closed(days, origin, floor, zone)
    streams = [unroll(_rule(text), origin, floor, zone, closed) for text in spec.rules]
    if spec.cron is not None:
        streams.append(_cron_after(spec.cron, floor, zone, closed))
    taken = heapq.merge(*(unroll(rule, origin, floor, zone, _open) for rule in moments[0]))
    return _merge(heapq.merge(*streams), taken, moments[1], until)


def _merge(
    fires: Iterator[datetime], taken: Iterator[datetime], fixed: frozenset[datetime], until: datetime | None
) -> Iterator[datetime]:
    barred = next(taken, None)
    last, skipped = None, 0
    for moment in fires:
        if until is not None and moment > until:
            return
        while barred is not None and barred < moment:
            barred = next(taken, None)
        if moment == last:
            continue
        if moment == barred or moment in fixed:
            skipped += 1
            if skipped > _MAX_EXCLUDED_RUN:
                return
            continue
        last, skipped = moment, 0
        yield moment


def _open(_: date) -> bool:
    return False


class _Closed:
    """Asked of ascending days: is the day excluded as a whole? Each stream may look back a few days."""

    def __init__(
        self, days: tuple[list[Rule], frozenset[date]], origin: datetime, floor: datetime, zone: ZoneInfo
    ) -> None:
        rules, self._fixed = days
        # "except on Fridays" counts from nowhere; "except every second Friday" counts with the series.
        counted = any(rule.interval > 1 or rule.count for rule in rules)
        begin = read_moment((local_of(min(origin, floor) if counted else floor, zone) - _BACK).date().isoformat(), zone)
        self._streams = heapq.merge(
            *(local_times(rule, begin, floor, zone, _open, years=HORIZON_YEARS + 2) for rule in rules)
        )
        self._seen: set[date] = set()
        self._reach = date.min if rules else date.max

    def __call__(self, day: date) -> bool:
        while self._reach < day:
            upcoming_day = next(self._streams, None)
            if upcoming_day is None:
                self._reach = date.max
            else:
                self._reach = upcoming_day.date()
                self._seen.add(self._reach)
        return day in self._fixed or day in self._seen


def _exclusions(
    spec: Recurrence, zone: ZoneInfo
) -> tuple[tuple[list[Rule], frozenset[date]], tuple[list[Rule], frozenset[datetime]]]:
    """Whole days (rules, dates) and exact times (rules, instants) that `spec` leaves out."""
    day_rules: list[Rule] = []
    time_rules: list[Rule] = []
    days: set[date] = set()
    moments: set[datetime] = set()
    for text in spec.exclude:
        if "=" in text:
            rule = _rule(text)
            timed = rule.stepped or rule.by_hour or rule.by_minute
            (time_rules if timed else day_rules).append(rule)
        elif len(text) == 10:
            days.add(local_of(read_moment(text, zone), zone).date())
        else:
            moments.add(read_moment(text, zone))
    return (day_rules, frozenset(days)), (time_rules, frozenset(moments))


@lru_cache(maxsize=4096)  # a scheduler asks for the next instant of the same few rules all day
def _rule(text: str) -> Rule:
    try:
        return parse_rule(text)
    except RuleProblem as problem:
        raise ScheduleError("bad_rule", f"{text[:60]!r}: {problem}") from None


def _cron(expression: str, after: datetime) -> CronSim:
    try:
        if len(expression) > 200 or len(expression.split()) != 5:
            raise CronSimError("a cron expression has five fields: minute, hour, day, month, weekday")
        return CronSim(expression, after)
    except CronSimError as error:
        raise ScheduleError("bad_cron", f"{expression[:60]!r}: {error}") from None


def _cron_after(expression: str, floor: datetime, zone: ZoneInfo, closed: Callable[[date], bool]) -> Iterator[datetime]:
    """A closed day is left in one stride: cronsim would try each of its minutes."""
    end, here = floor.year + HORIZON_YEARS, floor.astimezone(zone)
    while here.year <= end:
        for moment in _cron(expression, here):
            if moment.year > end:
                return
            if closed(moment.date()):
                here = moment.replace(hour=23, minute=59, second=59)
                break
            yield moment.astimezone(UTC)
        else:
            return
