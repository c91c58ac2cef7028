"""Which half of the day a bare clock is in.

Knows: parts of the day, windows, and the clocks said beside it. In: a draft. Out: settled times with the reasons, or
the readings to ask about. Never: takes a bare hour ("at 5") for one half without a reason in the sentence.
"""

from __future__ import annotations

from itertools import product
from typing import Final

import msgspec

from eyeflow.frontend.timegrammar.clockrules import in_half, in_part
from eyeflow.frontend.timegrammar.draft import Clock, Draft
from eyeflow.frontend.timegrammar.lexicon import part_rows

DEFAULT_TIME: Final = Clock(9, 0)
_MOST_READINGS: Final = 4
_DOUBTFUL_BEFORE: Final = 6
"""9:30 alone is taken as written; 5:30 without a zero in front is as often the afternoon, so it is asked."""


class Settled(msgspec.Struct, frozen=True):
    """Times of day, what was assumed for them, and the open readings: each is one whole list of times."""

    times: tuple[Clock, ...] = ()
    notes: tuple[tuple[str, str, str], ...] = ()
    readings: tuple[tuple[Clock, ...], ...] = ()


def settle(draft: Draft) -> Settled:
    """The times of `draft`; a day without a time is at its part's time, else at 09:00, both as assumptions."""
    if not draft.times:
        return _unsaid(draft)
    times = tuple(in_part(clock, draft.part) for clock in draft.times) if draft.part else draft.times
    open_ones = [clock for clock in times if clock.half in ("bare", "bare_hour") and clock.hour <= 12]
    if not open_ones:
        return Settled(times)
    options = [_readings(clock) for clock in times]
    known = [clock for clock in times if clock not in open_ones]
    if any(clock.half == "24h" and clock.hour > 12 for clock in known) and all(c.half == "bare" for c in open_ones):
        return Settled(tuple(_as_written(clock) for clock in times))
    if known:
        ascending = [row for row in product(*options) if list(row) == sorted(row) and len(set(row)) == len(row)]
        if len(ascending) == 1:
            return Settled(ascending[0], (_note(ascending[0], "the times in the order they were said"),))
        if len({clock.half for clock in known}) == 1 and known[-1] == times[-1] and known[0].half in ("am", "pm"):
            row = tuple(in_half(clock, known[0].half) for clock in times)  # "at 8 and 9pm"
            if row in ascending:
                return Settled(row, (), tuple(ascending))
    if all(clock.half == "bare" and clock.hour >= _DOUBTFUL_BEFORE for clock in open_ones):
        row = tuple(_as_written(clock) for clock in times)
        return Settled(row, (_note(row, "written as a 24-hour time"),))
    rows = [row for row in product(*options) if list(row) == sorted(row)] or list(product(*options))
    return Settled((), (), tuple(rows[:_MOST_READINGS]))


def _unsaid(draft: Draft) -> Settled:
    if draft.part is not None:
        at = part_rows()[draft.part][0]
        clock = Clock(int(at[:2]), int(at[3:]))
        return Settled((clock,), (("trigger.time", at, f"{draft.part} without a time"),))
    return Settled((DEFAULT_TIME,), (("trigger.time", DEFAULT_TIME.text, "a day without a time"),))


def _readings(clock: Clock) -> tuple[Clock, ...]:
    if clock.half not in ("bare", "bare_hour") or clock.hour > 12:
        return (_as_written(clock),)
    return (_as_written(in_half(clock, "am")), _as_written(in_half(clock, "pm")))


def _as_written(clock: Clock) -> Clock:
    return Clock(clock.hour, clock.minute)


def _note(times: tuple[Clock, ...], why: str) -> tuple[str, str, str]:
    return "trigger.time", " and ".join(clock.text for clock in times), why


def settle_window(window: tuple[Clock, Clock]) -> tuple[tuple[Clock, Clock] | None, str]:
    """Both ends of a window and what was assumed; None when the words leave it open ("between 1 and 3").

    An end that a half of the day settles settles the other; else a start from 6 to 11 is the morning, and an end not
    after it the afternoon.
    """
    start, end = window
    bare = [clock for clock in window if clock.half in ("bare", "bare_hour") and 0 < clock.hour <= 12]
    if not bare:
        return (_as_written(start), _as_written(end)), ""
    if any(clock.half == "24h" and clock.hour > 12 for clock in window):
        return (_as_written(start), _as_written(end)), ""  # 22:00 to 6:00
    rows = [(a, b) for a in _readings(start) for b in _readings(end) if a < b]
    if start not in bare:
        over_midnight = (_as_written(start), _as_written(in_half(end, "am")))
        rows = [row for row in rows if row[0] == _as_written(start)][:1] or [over_midnight]
    elif end not in bare:
        rows = [row for row in rows if row[0].hour >= _DOUBTFUL_BEFORE][:1]
    elif all(clock.half == "bare" for clock in window) and start < end and start.hour >= _DOUBTFUL_BEFORE:
        rows = [(_as_written(start), _as_written(end))]
    elif _DOUBTFUL_BEFORE <= start.hour <= 11:
        rows = [row for row in rows if row[0].hour == start.hour][:1]
    else:
        rows = []
    return (rows[0], f"{rows[0][0].text} to {rows[0][1].text}") if rows else (None, "")
