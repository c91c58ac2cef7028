"""Questions about time: what is open, in words, with options that are themselves time phrases.

Knows: which words people mean differently. In: a draft's open words. Out: questions. Never: picks an answer.
"""

from __future__ import annotations

import re
from typing import Final

from eyeflow.frontend.intent import Question
from eyeflow.frontend.timegrammar.draft import Clock, Draft
from eyeflow.frontend.timegrammar.lexicon import shared_letters
from eyeflow.recurrence.english import DAY_NAMES, MONTH_NAMES, ordinal
from eyeflow.values import Span

FREQUENCY: Final = "trigger.frequency"
TIME: Final = "trigger.time"
DAYS: Final = "trigger.days"
DATE: Final = "trigger.date"
ZONE: Final = "trigger.timezone"
INTERVAL: Final = "trigger.interval"
EXCLUDE: Final = "trigger.exclude"
UNTIL: Final = "trigger.until"
START: Final = "trigger.start"
WINDOW: Final = "trigger.window"

ONCE: Final = "only once"
TODAY: Final = "only today"

_PLAIN: Final[dict[str, tuple[str, str, tuple[str, ...]]]] = {
    "biweekly": (FREQUENCY, "Every two weeks, or twice a week?", ("every 2 weeks", "twice a week")),
    "bimonthly": (FREQUENCY, "Every two months, or twice a month?", ("every 2 months", "twice a month")),
    "regularly": (FREQUENCY, "How often exactly?", ("every hour", "every day", "every week")),
    "other_workday": (DAYS, "Which weekdays exactly?", ("Mondays, Wednesdays and Fridays", "Tuesdays and Thursdays")),
    "weekend": (DAYS, "Which days of the weekend?", ("Saturdays and Sundays", "Saturdays", "Sundays")),
    "time": (TIME, "At what time?", ()),
    "this_or_every": (FREQUENCY, "Every time, or only this once?", ("every time", ONCE)),
}


def doubts(draft: Draft, span: Span) -> list[Question]:
    """The questions that the open words of `draft` raise."""
    found = []
    for vague in draft.vague:
        name, _, detail = vague.partition(":")
        if name == "time" and draft.times:
            continue  # "later today at 6pm"
        if name in _PLAIN:
            slot, text, options = _PLAIN[name]
            found.append(Question(slot, text, _this_or_every(draft) if name == "this_or_every" else options, span))
        elif (question := _detailed(draft, name, detail, span)) is not None:
            found.append(question)
    if any(piece.holidays for piece in draft.excepts):
        text = "Which dates are the holidays? Give them as 2026-12-25, 2027-01-01, or say none."
        found.append(Question(EXCLUDE, text, ("none",), span))
    return found


def _this_or_every(draft: Draft) -> tuple[str, ...]:
    return (f"every {draft.of_unit or 'week'}", ONCE)


def _detailed(draft: Draft, name: str, detail: str, span: Span) -> Question | None:
    match name:
        case "few":
            unit = draft.unit or "day"
            return Question(
                INTERVAL, f"How many {unit}s between runs?", tuple(f"every {n} {unit}s" for n in (2, 3, 4)), span
            )
        case "every_nth":
            n, day = draft.nth[0]
            options: tuple[str, ...] = (
                f"every {n} weeks on {DAY_NAMES[day]}",
                f"the {ordinal(n)} {DAY_NAMES[day]} of every month",
            )
            return Question(FREQUENCY, f"Every {n} weeks, or the {ordinal(n)} one of each month?", options, span)
        case "nth_weekend":
            options = tuple(
                f"the {ordinal(n) if n > 0 else 'last'} {day} of every {draft.of_unit}"
                for n, _ in draft.nth
                for day in ("Saturday", "Sunday")
            )
            return Question(DAYS, "On which day of that weekend?", options, span)
        case "slash":
            return Question(DATE, f"Which day is {detail}?", _slash_options(draft), span)
        case "limit_until" | "limit_start":
            options = tuple(day for day in _both_ways(detail) if day)
            return Question(f"trigger.{name.removeprefix('limit_')}", f"Which day is {detail}?", options, span)
        case "after_next":
            return Question(DATE, f"Which {DAY_NAMES[draft.weekdays[0]]} exactly?", (), span)
        case "zone":
            return Question(ZONE, f"Which time zone is {detail}?", shared_letters(detail), span)
        case "unserved":
            slot = TIME if detail in ("sunrise", "sunset", "dawn", "dusk") else DATE
            return Question(slot, f"EyeFlow does not know when {detail} is. When should it run?", (), span)
        case "until_clock" if draft.recurs and draft.until is not None and draft.until.clock is not None:
            end = draft.until.clock.text
            return Question(WINDOW, f"Until {end} every day, or only today?", (f"from 00:00 to {end}", TODAY), span)
        case "times" if draft.recurs:
            text = f"{detail} times each day, or {detail} runs in all?"
            return Question(FREQUENCY, text, (f"{detail} times a day", f"{detail} times in total"), span)
    return None


def _both_ways(text: str) -> tuple[str, str]:
    one, other, *rest = (int(part) for part in re.split(r"[/.]", text.rstrip(".")))
    if not rest:
        return f"{other} {MONTH_NAMES[one - 1]}", f"{one} {MONTH_NAMES[other - 1]}"
    year = rest[0] + 2000 if rest[0] < 100 else rest[0]
    return f"{year:04d}-{one:02d}-{other:02d}", f"{year:04d}-{other:02d}-{one:02d}"


def _slash_options(draft: Draft) -> tuple[str, ...]:
    day = draft.days[0]
    year = f"{day.year:04d}-" if day.year else ""
    if year:
        return f"{year}{day.month:02d}-{day.day:02d}", f"{year}{day.day:02d}-{day.month:02d}"
    return f"{day.day} {MONTH_NAMES[day.month - 1]}", f"{day.month} {MONTH_NAMES[day.day - 1]}"


def time_question(readings: tuple[tuple[Clock, ...], ...], span: Span) -> Question:
    """Morning or afternoon: each option is a whole list of times."""
    options = tuple(" and ".join(clock.text for clock in row) for row in readings)
    return Question(TIME, f"Which time do you mean: {' or '.join(options)}?", options, span)


def per_question(draft: Draft, span: Span) -> Question:
    """ "Three times a day": when?"""
    assert draft.per is not None, "asked only about N times a unit"
    count, unit = draft.per
    if unit == "day":
        spread = {2: "09:00 and 17:00", 3: "09:00, 13:00 and 17:00", 4: "08:00, 12:00, 16:00 and 20:00"}
        options = (spread[count],) if count in spread else ()
        return Question(TIME, f"At which {count} times of the day?", options, span)
    if unit == "week":
        weekly = {2: "Mondays and Thursdays", 3: "Mondays, Wednesdays and Fridays"}
        return Question(DAYS, f"On which {count} days of the week?", (weekly[count],) if count in weekly else (), span)
    options = ("on the 1st and 15th of every month",) if (count, unit) == (2, "month") else ()
    return Question(DAYS, f"On which {count} days of the {unit}?", options, span)


def date_question(unit: str, span: Span) -> Question:
    """A year, or a coming week or month, without a day."""
    return Question(DATE, f"On which day of the {unit}?", (), span)


def once_question(clock: str, span: Span) -> Question:
    """A time of day without a word about how often."""
    return Question(FREQUENCY, f"At {clock}: once, or every day?", ("once", "daily"), span)


def window_question(window: tuple[Clock, Clock], span: Span) -> Question:
    """Both ends of the window may be in either half of the day."""
    return Question(
        WINDOW,
        f"From {window[0].hour} to {window[1].hour}: morning or afternoon?",
        (
            f"from {window[0].hour % 12:02d}:00 to {window[1].hour % 12:02d}:00",
            f"from {window[0].hour % 12 + 12}:00 to {window[1].hour % 12 + 12}:00",
        ),
        span,
    )
