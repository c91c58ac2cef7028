"""From what was said to when it is: the meaning of a draft at a moment, in a zone.

Knows: which drafts are schedules, single instants, durations, days. In: a draft, the local now, the governing cue.
Out: `Reading`: kind, rules or dates, assumptions, questions, problems. Never: reads a clock, guesses an open word.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import msgspec

from eyeflow.frontend.data import words
from eyeflow.frontend.intent import Assumption, Question
from eyeflow.frontend.timegrammar.agreement import unused
from eyeflow.frontend.timegrammar.clocksettle import Settled, settle, settle_window
from eyeflow.frontend.timegrammar.doubts import (
    DATE,
    date_question,
    doubts,
    once_question,
    time_question,
    window_question,
)
from eyeflow.frontend.timegrammar.draft import Clock, Draft, Relative, replaced
from eyeflow.frontend.timegrammar.moments import (
    MS,
    NoSuchDay,
    add_span,
    day_of,
    limit_text,
    period_bounds,
    relative_date,
)
from eyeflow.frontend.timegrammar.rulewriter import Unserved, day_rules
from eyeflow.frontend.timegrammar.series import Frame, Reading, assumed, iso_text, read_series
from eyeflow.recurrence import Recurrence, occurrences

DATA_CUES: Final = words("time", "data_cues")
WAIT_CUES: Final = words("time", "wait_cues")
_NIGHT_ENDS: Final = 5
_DATED: Final = ("days", "iso", "relative", "weekdays", "month_days", "nth", "workdays")


def read(draft: Draft, frame: Frame) -> Reading:
    """The meaning of `draft`; problems and questions instead of rules when there is no single one."""
    try:
        return _read(draft, frame)
    except (NoSuchDay, Unserved) as problem:
        return Reading(kind="schedule" if draft.recurs else "once", problems=(str(problem),))


def _read(draft: Draft, frame: Frame) -> Reading:
    if draft.problems:
        return Reading(kind="schedule" if draft.recurs else "once", problems=draft.problems)
    if draft.recurs and not draft.once:
        return read_series(draft, frame)
    if draft.after is not None and not (draft.excepts or draft.count or draft.start or draft.until):
        return _after(draft, draft.after, frame)
    if _half_said(draft):
        question = Question("trigger.frequency", "How often?", ("every day", "every week"), frame.span)
        return Reading(kind="schedule", questions=(question, *doubts(draft, frame.span)))
    if draft.amount is not None or draft.ago is not None:
        return _amount(draft, frame)
    if any(getattr(draft, name) for name in _DATED) or any(v.startswith(("unserved", "biweekly")) for v in draft.vague):
        return _dated(draft, frame)
    if draft.times:
        _use(draft, ("times", "part"))
        return _clock(draft, frame)
    if draft.window is not None or draft.months:
        return _window(draft, frame)
    if draft.until is not None and draft.until.span is not None and draft.start is None:
        return _duration(draft.until.span, "delay" if frame.cue in WAIT_CUES else "duration_literal")
    return Reading(kind="part", questions=tuple(doubts(draft, frame.span)))


def _half_said(draft: Draft) -> bool:
    """Bounds or exceptions around something that does not recur: "Monday until Thursday at 9"."""
    bounded = draft.start or draft.until or draft.count or draft.excepts
    return bool(bounded) and bool(draft.times or draft.after or any(getattr(draft, name) for name in _DATED))


def _after(draft: Draft, after: tuple[float, str], frame: Frame) -> Reading:
    """ "In two days", "a week from Friday at 9"."""
    kind = "delay" if frame.cue in WAIT_CUES else "once"
    _use(draft, ("after", "base", "times", "part"))
    coarse = after[1] not in ("minute", "hour", "second")
    settled = settle(draft) if draft.times or draft.part or draft.base is not None else Settled()
    if settled.readings and not settled.times:
        return Reading(kind="once", questions=(time_question(settled.readings, frame.span),))
    if settled.times and not coarse:
        raise Unserved("a time of day and an amount of hours or minutes are both said")
    start = frame.now
    if draft.base is not None:
        text, _ = limit_text(draft.base, frame.now, end=False)
        start = datetime.fromisoformat(text)
    moment = add_span(start, after)
    if settled.times:
        moment = datetime.combine(moment.date(), time(settled.times[0].hour, settled.times[0].minute))
    length = _duration(after, kind)
    return Reading(
        kind=kind,
        at=iso_text(moment),
        duration=length.duration,
        duration_ms=length.duration_ms,
        assumptions=assumed(list(settled.notes)),
    )


def _use(draft: Draft, used: tuple[str, ...]) -> None:
    """Raise `Unserved` when the draft says more than this reading uses."""
    if left := unused(draft, used):
        raise Unserved(left)


def _amount(draft: Draft, frame: Frame) -> Reading:
    _use(draft, ("amount", "ago"))
    if draft.ago is not None:
        moment = add_span(frame.now, draft.ago, -1)
        length = _duration(draft.ago, "window")
        if "stretch" in draft.vague:
            kind = "duration_literal" if frame.cue in ("older than", "more than") else "window"
            return Reading(
                kind=kind,
                at=iso_text(moment),
                until=iso_text(frame.now),
                duration=length.duration,
                duration_ms=length.duration_ms,
            )
        at = moment.date().isoformat() if draft.ago[1] not in ("minute", "hour") else iso_text(moment)
        return Reading(kind="date_literal", at=at, duration=length.duration, duration_ms=length.duration_ms)
    assert draft.amount is not None, "an amount or an age"
    delayed = frame.cue in WAIT_CUES or "delay" in draft.vague
    return _duration(draft.amount, "delay" if delayed else "duration_literal")


def _duration(amount: tuple[float, str], kind: str) -> Reading:
    count, unit = amount
    length = count * MS[unit] if unit in MS else None
    number = f"{count:g}"
    name = {"workday": "working day"}.get(unit, unit)
    return Reading(
        kind=kind,
        duration=f"{number} {name}{'' if count == 1 else 's'}",
        duration_ms=None if length is None else round(length),
    )


def _dated(draft: Draft, frame: Frame) -> Reading:
    """A day said without "every": one instant, or a day that something has."""
    questions = doubts(draft, frame.span)
    relative = draft.relative
    if relative is not None and relative.period is not None and relative.weekday is None:
        return _period(draft, frame, questions)
    data = frame.cue in DATA_CUES
    if draft.month_days or draft.nth or draft.workdays or len(draft.weekdays) > 1:
        return _once_or_series(draft, frame, data=data)
    if draft.months and not draft.days:
        return Reading(kind="window")
    if questions:
        return Reading(kind="date_literal" if data else "once", questions=tuple(questions))
    _use(draft, ("days", "iso", "relative", "weekdays", "times", "part"))
    if draft.iso is not None:
        _use(draft, ("iso",))
        return _at(draft, datetime.fromisoformat(draft.iso).replace(tzinfo=None), frame, data=data)
    if len(draft.days) > 1:
        return _dates(draft, frame, data=data)
    day = _day(draft, frame.now.date())
    if data and draft.weekdays and not draft.days and relative is None and day == frame.now.date():
        day += timedelta(days=7)  # today would have been said so
    bare = not (draft.times or draft.part)
    if (data and bare) or (relative is not None and (day < frame.now.date() or (day == frame.now.date() and bare))):
        return Reading(kind="relative_day" if relative is not None else "date_literal", at=day.isoformat())
    settled = settle(draft)
    if not settled.times:
        return Reading(
            kind="date_literal" if data else "once", questions=(time_question(settled.readings, frame.span),)
        )
    moments = [_on(day, clock, draft) for clock in settled.times]
    if len(moments) > 1:
        rules = day_rules(Draft(recurs=True), settled.times, [])
        return Reading(
            kind="schedule",
            rules=rules,
            start=day.isoformat(),
            until=day.isoformat(),
            assumptions=assumed(list(settled.notes)),
        )
    notes = assumed([*(note for note in draft.notes if note[0]), *settled.notes])
    found = _at(draft, moments[0], frame, data=data)
    again = _weekday_doubt(draft, moments[0], frame)
    if again is not None and not data:
        return Reading(kind="once", questions=(again,), assumptions=notes)
    return msgspec.structs.replace(found, assumptions=notes)


def _dates(draft: Draft, frame: Frame, *, data: bool) -> Reading:
    """ "On December 24 and 26 at 9am": each of the dates, once."""
    if data:
        return Reading(kind="date_literal")
    if draft.weekdays or draft.relative is not None:
        raise Unserved("several dates and another day are both said")
    settled = settle(draft)
    if not settled.times:
        return Reading(kind="schedule", questions=(time_question(settled.readings, frame.span),))
    found = sorted(day_of(day, frame.now.date()) for day in draft.days)
    if (found[-1] - found[0]).days > 364:
        raise Unserved("dates more than a year apart are better said as two tasks")
    rules = day_rules(Draft(recurs=True, unit="year", days=draft.days), settled.times, [])
    start, until = found[0].isoformat(), found[-1].isoformat()
    return Reading(kind="schedule", rules=rules, start=start, until=until, assumptions=assumed(list(settled.notes)))


def _on(day: date, clock: Clock, draft: Draft) -> datetime:
    """The small hours of a night belong to the next date: "tonight at midnight"."""
    if draft.part == "night" and clock.hour < _NIGHT_ENDS:
        day += timedelta(days=1)
    return datetime.combine(day, time(clock.hour, clock.minute))


def _day(draft: Draft, today: date) -> date:
    if draft.days:
        return day_of(draft.days[0], today)
    if draft.relative is not None:
        return relative_date(draft.relative, today)
    return today + timedelta(days=(draft.weekdays[0] - today.weekday()) % 7)


def _at(draft: Draft, moment: datetime, frame: Frame, *, data: bool) -> Reading:
    now = frame.now
    if moment <= now and not data:
        yearless = bool(draft.days) and draft.days[0].year is None
        if yearless and draft.relative is None:
            later = day_of(draft.days[0], now.date() + timedelta(days=1))
            moment = datetime.combine(later, moment.time())
        elif not draft.days and (draft.weekdays or _coming(draft)):
            moment += timedelta(days=7)
        else:
            raise NoSuchDay(f"{moment:%Y-%m-%d %H:%M} has passed")
    return Reading(kind="date_literal" if data else "once", at=iso_text(moment))


def _coming(draft: Draft) -> bool:
    relative = draft.relative
    return relative is not None and relative.weekday is not None and relative.which == "coming"


def _weekday_doubt(draft: Draft, moment: datetime, frame: Frame) -> Question | None:
    """ "Next Friday" on a Monday, and a weekday named on that very day, mean different days to different people."""
    ahead = (moment.date() - frame.now.date()).days
    later = moment + timedelta(days=7)
    relative = draft.relative
    if relative is not None and relative.weekday is not None and relative.which == "next" and relative.period is None:
        this_week = frame.now.weekday() < relative.weekday
        if this_week:
            options = (f"{moment:%Y-%m-%d}", f"{later:%Y-%m-%d}")
            return Question(DATE, f"Which {moment:%A}: {moment:%d %B} or {later:%d %B}?", options, frame.span)
    if draft.weekdays and not draft.days and relative is None and ahead == 0 and moment > frame.now:
        options = (f"{moment:%Y-%m-%d}", f"{later:%Y-%m-%d}")
        return Question(DATE, f"Today, or {later:%A %d %B}?", options, frame.span)
    return None


def _once_or_series(draft: Draft, frame: Frame, *, data: bool) -> Reading:
    """ "On the 15th at 9am": every month or only the next? Asked; `once` is the answer that it is one."""
    if data and not draft.times:
        return Reading(kind="date_literal")
    agreed = _same_day(draft, frame)
    if agreed is not None and not data:
        return agreed
    several = len(draft.month_days) + len(draft.nth) + len(draft.workdays) > 1 or len(draft.months) > 1
    if draft.once and several:
        raise Unserved("several days once each: say them as dates, such as March 1 and March 15")
    if draft.once or (draft.months and not several and not draft.weekdays):  # "the last Monday of March" is a date
        series = read_series(replaced(draft, {"recurs": True, "once": False, "vague": (), "year": None}), frame)
        if series.questions or not series.rules:
            return series
        only = draft.year is not None
        first_day, last_day = (f"{draft.year}-01-01", f"{draft.year}-12-31") if only else (None, None)
        spec = Recurrence(rules=series.rules, zone="UTC", start=first_day, until=last_day)
        first = next(iter(occurrences(spec, frame.now.replace(tzinfo=UTC), 1)), None)
        if first is None:
            raise NoSuchDay("that day does not come any more" if only else "that day never comes")
        return Reading(kind="once", at=iso_text(first.replace(tzinfo=None)), assumptions=series.assumptions)
    unit = draft.of_unit or ("month" if draft.month_days or draft.nth or draft.workdays else "week")
    if draft.months:
        unit = "year"
    options = (f"every {unit}", "only once")
    asked = [question for question in doubts(draft, frame.span) if question.slot != "trigger.frequency"]
    question = Question("trigger.frequency", f"Every {unit}, or only once?", options, frame.span)
    return Reading(kind="schedule", questions=(question, *asked))


def _same_day(draft: Draft, frame: Frame) -> Reading | None:
    """ "Wednesday the 25th", when the coming 25th is a Wednesday: that one day. Any other is asked about."""
    one = len(draft.weekdays) == len(draft.month_days) == 1 and draft.month_days[0] > 0
    if not one or draft.nth or draft.workdays or draft.months or draft.relative is not None:
        return None
    settled = settle(draft)
    day = relative_date(Relative(days=-1000 - draft.month_days[0]), frame.now.date())
    if len(settled.times) != 1 or day.weekday() != draft.weekdays[0]:
        return None
    _use(draft, ("weekdays", "month_days", "times", "part"))
    moment = datetime.combine(day, time(settled.times[0].hour, settled.times[0].minute))
    if moment <= frame.now:
        return None
    return Reading(kind="once", at=iso_text(moment), assumptions=assumed(list(settled.notes)))


def _period(draft: Draft, frame: Frame, questions: list[Question]) -> Reading:
    """ "Last week" and "this month" are a stretch of days; a coming one may be when to run, so it is asked."""
    relative = draft.relative
    assert relative is not None, "called for periods"
    first, last = period_bounds(relative, frame.now.date())
    if draft.nth or draft.month_days or draft.workdays or draft.weekdays or draft.days:
        return _in_period(draft, (first, last), frame)
    _use(draft, ("relative", "times", "part"))
    if relative.edge is not None:
        return _edge(draft, relative_date(relative, frame.now.date()), frame)
    if relative.which == "next" and not frame.cue:
        asked = (*questions, date_question(relative.period or "week", frame.span))
        return Reading(kind="once", at=first.isoformat(), until=last.isoformat(), questions=asked)
    return Reading(kind="window", at=first.isoformat(), until=last.isoformat())


def _in_period(draft: Draft, period: tuple[date, date], frame: Frame) -> Reading:
    """ "The first Monday of next month", "next week on Tuesday": the first such day inside the stretch."""
    relative = draft.relative
    assert relative is not None, "called for periods"
    of_unit = relative.period if draft.nth or draft.month_days or draft.workdays else None
    within = replaced(draft, {"relative": None, "of_unit": of_unit, "recurs": True, "start": None, "until": None})
    if relative.period == "month" and draft.days:
        raise Unserved("a month and a date are both said")
    series = read_series(within, frame)
    if series.questions or series.problems or not series.rules:
        return series
    first, last = (day.isoformat() for day in period)
    begin = datetime.combine(period[0], time.min, tzinfo=UTC) - timedelta(seconds=1)
    found = next(iter(occurrences(Recurrence(rules=series.rules, start=first, until=last), begin, 1)), None)
    if found is None:
        raise NoSuchDay("there is no such day then")
    moment = found.replace(tzinfo=None)
    if moment <= frame.now:
        raise NoSuchDay(f"{moment:%Y-%m-%d %H:%M} has passed")
    kind = "date_literal" if frame.cue in DATA_CUES else "once"
    return Reading(kind=kind, at=iso_text(moment), assumptions=series.assumptions)


def _edge(draft: Draft, day: date, frame: Frame) -> Reading:
    """ "The end of next week" is its Friday, as an assumption; the end of a month its last day."""
    notes = []
    if draft.relative is not None and (draft.relative.period, draft.relative.edge) == ("week", "end"):
        day -= timedelta(days=2)
        notes.append(("trigger.date", day.isoformat(), "the end of the week is its Friday"))
    if frame.cue in DATA_CUES and not draft.times:
        return Reading(kind="relative_day", at=day.isoformat())
    settled = settle(draft)
    if not settled.times:
        return Reading(kind="once", questions=(time_question(settled.readings, frame.span),))
    found = _at(draft, datetime.combine(day, time(settled.times[0].hour, settled.times[0].minute)), frame, data=False)
    return msgspec.structs.replace(found, assumptions=assumed([*notes, *settled.notes]))


def _clock(draft: Draft, frame: Frame) -> Reading:
    """A time of day alone: part of something else, or once, at the next such time; several times are asked about."""
    settled = settle(draft)
    if frame.cue in DATA_CUES and frame.cue != "for":
        return Reading(kind="part", at=settled.times[0].text if settled.times else None)
    if not settled.times:
        questions: tuple[Question, ...] = (time_question(settled.readings, frame.span),)
        if not (draft.once or draft.reminder):
            questions += (once_question("that time", frame.span),)
        return Reading(kind="once", questions=questions)
    notes = assumed(list(settled.notes))
    if not draft.once and len(settled.times) == 1:
        notes += (Assumption("trigger.frequency", "once", "no day was said: the next such time, and not again"),)
    if draft.once or len(settled.times) == 1:
        clock = settled.times[0]
        moment = datetime.combine(frame.now.date(), time(clock.hour, clock.minute))
        moment += timedelta(days=1 if moment <= frame.now else 0)
        return Reading(kind="once", at=iso_text(moment), assumptions=notes)
    said = " and ".join(clock.text for clock in settled.times)
    return Reading(kind="once", questions=(once_question(said, frame.span),), assumptions=notes)


def _window(draft: Draft, frame: Frame) -> Reading:
    if draft.window is None:
        return Reading(kind="window")
    window, _ = settle_window(draft.window)
    if window is None:
        return Reading(kind="window", questions=(window_question(draft.window, frame.span),))
    return Reading(kind="window", at=window[0].text, until=window[1].text)
