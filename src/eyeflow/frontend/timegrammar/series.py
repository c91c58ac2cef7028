"""A recurring draft as rules with bounds and exclusions, or what must be asked first.

Knows: what a series needs. In: a draft and the frame it is read in. Out: `Reading`s of kind `schedule`.
Never: rules while a question is open.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Final

import msgspec
from dateutil.relativedelta import relativedelta

from eyeflow.frontend.intent import Assumption, Question
from eyeflow.frontend.timegrammar.agreement import contradiction
from eyeflow.frontend.timegrammar.clocksettle import settle, settle_window
from eyeflow.frontend.timegrammar.doubts import date_question, doubts, per_question, time_question, window_question
from eyeflow.frontend.timegrammar.draft import Clock, Draft, Except, Limit, replaced
from eyeflow.frontend.timegrammar.moments import add_span, day_of, limit_text, period_bounds, relative_date
from eyeflow.frontend.timegrammar.rulewriter import Note, Unserved, day_rules, exclusions, step_rules
from eyeflow.recurrence import Recurrence, check_rule, occurrences
from eyeflow.recurrence.english import MONTH_NAMES
from eyeflow.values import Span

_BEFORE_ALL: Final = datetime(1970, 1, 3, tzinfo=UTC)
_MOST_COUNTED: Final = 1000
_MOST_EXCLUDED: Final = 90
"""Days an exception may span; a schedule holds at most a hundred rules and exclusions."""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a draft means; fields as in `TimePhrase`."""

    kind: str
    rules: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    at: str | None = None
    start: str | None = None
    until: str | None = None
    count: int | None = None
    duration: str | None = None
    duration_ms: int | None = None
    assumptions: tuple[Assumption, ...] = ()
    questions: tuple[Question, ...] = ()
    problems: tuple[str, ...] = ()


class Frame(msgspec.Struct, frozen=True):
    """Where a draft is read: the local wall time, its zone, the words around it."""

    now: datetime
    zone: str
    span: Span
    cue: str = ""


def read_series(draft: Draft, frame: Frame) -> Reading:
    draft = _counted_runs(draft)
    notes: list[Note] = [note for note in draft.notes if note[0]]
    questions = doubts(draft, frame.span)
    pieces = draft.also or (draft,)
    rules: list[str] = []
    for piece in pieces:
        questions += doubts(piece, frame.span) if draft.also else []
        rules += _piece_rules(piece, frame, notes, questions)
    if questions:
        return Reading(kind="schedule", questions=tuple(dict.fromkeys(questions)), assumptions=assumed(notes))
    rules = list(dict.fromkeys(rules))
    for rule in rules:
        problem = check_rule(rule)
        if problem is not None:
            raise Unserved(problem)
    return _bounded(replaced(draft, {"notes": tuple(notes)}), tuple(rules), frame)


def _counted_runs(draft: Draft) -> Draft:
    """ "Every Tuesday at 9am, ten times": with its times of day said, a number of times can only be runs in all."""
    counts = [word for word in draft.vague if word.startswith("times:")]
    if len(counts) != 1 or not draft.times or draft.count is not None or draft.per is not None:
        return draft
    count = int(counts[0].partition(":")[2])
    if count == len(draft.times):
        return draft
    return replaced(draft, {"count": count, "vague": tuple(word for word in draft.vague if word not in counts)})


def _piece_rules(draft: Draft, frame: Frame, notes: list[Note], questions: list[Question]) -> tuple[str, ...]:
    if any(not word.startswith("times:") for word in draft.vague):
        return ()
    draft = _per(draft, frame, questions)
    if draft.per is not None:
        return ()
    if clash := contradiction(draft):
        raise Unserved(clash)
    window = None
    if draft.window is not None:
        window, _ = settle_window(draft.window)
        if window is None:
            questions.append(window_question(draft.window, frame.span))
            return ()
    if draft.unit in ("second", "minute", "hour"):
        if draft.times:
            return _step_with_times(draft, frame, notes, questions)
        if draft.part is not None:
            questions.append(Question("trigger.window", f"From when to when is {draft.part}?", (), frame.span))
            return ()
        return step_rules(draft, window, notes)
    if draft.minutes and not draft.times and not draft.part:
        return step_rules(replaced(draft, {"unit": "hour", "interval": 1.0}), window, notes)
    if window is not None and not draft.times:
        questions.append(Question("trigger.time", "At which times within the window?", (), frame.span))
        return ()
    if draft.unit == "year" and not (
        draft.days
        or draft.year_days
        or draft.months
        or draft.nth
        or draft.month_days
        or draft.workdays
        or draft.weekdays
    ):
        questions.append(date_question("year", frame.span))
        return ()
    settled = settle(draft)
    if settled.readings and not settled.times:
        questions.append(time_question(settled.readings, frame.span))
        return ()
    notes += settled.notes
    return day_rules(draft, settled.times, notes)


def _step_with_times(draft: Draft, frame: Frame, notes: list[Note], questions: list[Question]) -> tuple[str, ...]:
    """ "Every hour at 9am" says two frequencies: asked, unless the clock only names the step's start."""
    settled = settle(draft)
    times = " and ".join(clock.text for clock in settled.times) or "that time"
    options = (f"every day at {times}",) if settled.times else ()
    questions.append(
        Question(
            "trigger.frequency", f"Every {draft.unit}, or at {times}?", (f"every {draft.unit}", *options), frame.span
        )
    )
    return ()


def _per(draft: Draft, frame: Frame, questions: list[Question]) -> Draft:
    """ "Twice a day" is settled by two times, "4 times an hour" by arithmetic; otherwise it is asked (`per` stays)."""
    if draft.per is None:
        return draft
    count, unit = draft.per
    named = {
        "day": len(draft.times),
        "week": len(draft.weekdays),
        "month": len(draft.month_days) + len(draft.nth),
        "year": len(draft.days),
    }
    if unit == "hour" and count <= 60 and 60 % count == 0:
        return replaced(draft, {"per": None, "unit": "minute", "interval": 60.0 / count})
    if count == 1 or named.get(unit) == count:
        interval = draft.interval or (None if unit in ("day", "week") and draft.weekdays else 1.0)
        return replaced(draft, {"per": None, "unit": None if interval is None else unit, "interval": interval})
    questions.append(per_question(draft, frame.span))
    return draft


def _bounded(draft: Draft, rules: tuple[str, ...], frame: Frame) -> Reading:
    """Start, end, count and exclusions of a series."""
    notes = list(draft.notes)
    start = until = None
    if draft.start is not None:
        limit = draft.start
        if limit.clock is not None and limit.clock.half in ("bare", "bare_hour"):
            return Reading(kind="schedule", questions=(time_question(_halves(limit.clock), frame.span),))
        start, why = limit_text(limit, frame.now, end=False)
        notes += [("trigger.start", start, why)] if why else []
    elif draft.unit == "year" and draft.days and (draft.interval or 1) > 1:
        start = min(day_of(day, frame.now.date()) for day in draft.days).isoformat()
        notes.append(("trigger.start", start, "the years count from the next such day"))
    if draft.until is not None:
        until, why = _until(draft.until, start, frame)
        notes += [("trigger.until", until, why)] if why else []
        if until < frame.now.strftime("%Y-%m-%dT%H:%M")[: len(until)]:
            raise Unserved("that end has passed")
    if draft.relative is not None:
        first, last = period_bounds(draft.relative, frame.now.date())
        start = start or (first.isoformat() if first > frame.now.date() else None)
        until = until or last.isoformat()
    if draft.months and start is None and until is None and _month_bound(draft):
        said = " and ".join(MONTH_NAMES[month - 1] for month in draft.months)
        notes.append(("trigger.months", f"{said}, each year", "months without a year"))
    exclude: list[str] = []
    for found in draft.excepts:
        exclude += _ranges(found, frame)
        exclude += exclusions(found)
        exclude += [relative_date(relative, frame.now.date()).isoformat() for relative in found.relative]
        exclude += [f"FREQ=DAILY;BYHOUR={clock.hour};BYMINUTE={clock.minute}" for clock in found.times]
    if draft.count is not None:
        rules, start, until = _counted(draft.count, rules, tuple(exclude), start, frame)
    return Reading(
        kind="schedule",
        rules=rules,
        exclude=tuple(dict.fromkeys(exclude)),
        start=start,
        until=until,
        count=draft.count,
        assumptions=assumed(notes),
    )


def _month_bound(draft: Draft) -> bool:
    """ "Every Monday in December": this December or each? Each, as an assumption; dates come back by themselves."""
    return not (draft.nth or draft.month_days or draft.workdays or draft.days or draft.of_unit or draft.unit == "year")


def _ranges(found: Except, frame: Frame) -> list[str]:
    """ "Except between December 24 and January 2": each day of it."""
    days: list[str] = []
    for start, end in found.ranges:
        first = date.fromisoformat(limit_text(start, frame.now, end=False)[0][:10])
        last = date.fromisoformat(limit_text(end, frame.now, end=True)[0][:10])
        if last < first:
            last = last + relativedelta(years=1)
        if (last - first).days > _MOST_EXCLUDED:
            raise Unserved("an exception of that length is better said as two schedules")
        days += [(first + timedelta(days=ahead)).isoformat() for ahead in range((last - first).days + 1)]
    return days


def _halves(clock: Clock) -> tuple[tuple[Clock, ...], ...]:
    return ((Clock(clock.hour % 12, clock.minute),), (Clock(clock.hour % 12 + 12, clock.minute),))


def _until(limit: Limit, start: str | None, frame: Frame) -> tuple[str, str]:
    """An end after the start ("from November until June"); "for two weeks" stops short of its last instant."""
    if limit.span is None:
        begun = datetime.fromisoformat(start).replace(tzinfo=None) if start is not None else frame.now
        return limit_text(limit, max(frame.now, begun), end=True)
    base = datetime.fromisoformat(start) if start is not None else frame.now
    moment = add_span(base.replace(tzinfo=None), limit.span) - timedelta(minutes=1)
    return moment.strftime("%Y-%m-%dT%H:%M"), ""


def _counted(
    count: int, rules: tuple[str, ...], exclude: tuple[str, ...], start: str | None, frame: Frame
) -> tuple[tuple[str, ...], str, str | None]:
    """N runs in all: COUNT on a single rule, else the instant of the last run as the end."""
    ahead = frame.now + timedelta(minutes=1 if frame.now.second or frame.now.microsecond else 0)
    start = start or ahead.strftime("%Y-%m-%dT%H:%M")
    if len(rules) == 1 and not exclude:
        return (f"{rules[0]};COUNT={count}",), start, None
    spec = Recurrence(rules=rules, zone=frame.zone, start=start, exclude=exclude)
    runs = list(islice(occurrences(spec, _BEFORE_ALL), min(count, _MOST_COUNTED)))
    last = runs[-1] if runs else None
    return rules, start, last.isoformat() if last is not None else None


def assumed(notes: list[Note]) -> tuple[Assumption, ...]:
    return tuple(dict.fromkeys(Assumption(slot, value, why) for slot, value, why in notes if slot))


def iso_text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M" if not moment.second else "%Y-%m-%dT%H:%M:%S")
