"""Grammar of times of day: clocks, lists of them, windows, parts of the day, minutes past the hour, zones.

Knows: how people say times. In: nothing. Out: `RULES`. Never: settles which half of the day a bare hour is in.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from eyeflow.frontend.timegrammar.chart import Rule, rules
from eyeflow.frontend.timegrammar.draft import Clock, Draft, Half, replaced
from eyeflow.frontend.timegrammar.lexicon import part_rows

Clocks: TypeAlias = tuple[Clock, ...]

WORK_WINDOW: Final = (Clock(9, 0), Clock(17, 0))


def _past(minutes: int, hour: Clock) -> Clock | None:
    if hour.minute or not 0 < minutes < 60:
        return None
    return Clock(hour.hour, minutes, hour.half)


def _to(minutes: int, hour: Clock) -> Clock | None:
    if hour.minute or not 0 < minutes < 60:
        return None
    if hour.half == "bare_hour":
        return Clock((hour.hour - 2) % 12 + 1, 60 - minutes, hour.half)
    return Clock((hour.hour - 1) % 24, 60 - minutes, hour.half)


def _spoken(number: float) -> int:
    return int(number) if number == int(number) else 0


def _spoken_clock(hour: int, minute: int) -> Clock | None:
    """ "Eight thirty": two number words."""
    if not 1 <= hour <= 23 or not 10 <= minute <= 59:
        return None
    return Clock(hour, minute, "bare_hour" if hour <= 12 else "24h")


def _twelve(clock: Clock) -> bool:
    """Noon or midnight by name, so that "15 to noon" is no window from 15:00."""
    return clock.half == "24h" and clock.hour % 12 == clock.minute == 0


def _said_half(clock: Clock, half: str) -> Clock | None:
    """A clock with am or pm after it; one that is settled already takes neither."""
    return in_half(clock, half) if clock.half in ("bare", "bare_hour") and clock.hour <= 12 else None


def in_half(clock: Clock, half: str) -> Clock:
    """A bare clock put into the morning (`am`) or the afternoon."""
    if clock.half not in ("bare", "bare_hour") or clock.hour > 12:
        return clock
    settled: Half = "am" if half == "am" else "pm"
    return Clock(clock.hour % 12 + (12 if half == "pm" else 0), clock.minute, settled)


def in_part(clock: Clock, part: str) -> Clock:
    """A bare clock put into a part of the day; the small hours belong to the night, 11 to the late morning."""
    if part == "night":
        return in_half(clock, "am" if clock.hour in (12, 1, 2, 3, 4, 5) else "pm")
    if part == "lunchtime":
        return in_half(clock, "am" if clock.hour == 11 else "pm")
    return in_half(clock, part_rows()[part][1])


def _clock_rules() -> list[Rule]:
    made = rules("clock", "CLOCK", "CLOCK SHARP", build=lambda clock: clock)
    made += rules("clock", "HOUR OCLOCK", build=lambda hour: hour if hour.minute == 0 else None)
    made += rules("clock", "HALF PAST HOUR", build=lambda hour: _past(30, hour))
    made += rules("clock", "A? QUARTERW PAST HOUR", build=lambda hour: _past(15, hour))
    made += rules("clock", "A? QUARTERW TO HOUR", build=lambda hour: _to(15, hour))
    made += rules("clock", "NUM PAST HOUR|CLOCK", build=lambda number, hour: _past(_spoken(number), hour))
    made += rules(
        "clock",
        "NUM TO HOUR|CLOCK",
        build=lambda n, hour: _to(_spoken(n), hour) if n in (5, 10, 20, 25) or (n == 15 and _twelve(hour)) else None,
    )
    made += rules(
        "clock", "QTY PAST HOUR|CLOCK", build=lambda q, hour: _past(_spoken(q[0]), hour) if q[1] == "minute" else None
    )
    made += rules(
        "clock", "QTY TO HOUR|CLOCK", build=lambda q, hour: _to(_spoken(q[0]), hour) if q[1] == "minute" else None
    )
    made += rules("clock", "HALF PAST? CLOCK", build=lambda clock: _past(30, clock) if clock.minute == 0 else None)
    made += rules("clock", "A? QUARTERW PAST CLOCK", build=lambda clock: _past(15, clock))
    made += rules("clock", "A? QUARTERW TO CLOCK", build=lambda clock: _to(15, clock))
    made += rules("clock", "HOUR AM", "spoken AM", "clock AM", build=lambda clock: _said_half(clock, "am"))
    made += rules("clock", "HOUR PM", "spoken PM", "clock PM", build=lambda clock: _said_half(clock, "pm"))
    made += rules("spoken", "NUMW NUMW", build=_spoken_clock)
    made += rules("settled", "spoken IN THE PART", "AT spoken IN THE PART", build=in_part)
    made += rules("at", "AT HALF HOUR", build=lambda hour: None if (clock := _past(30, hour)) is None else (clock,))
    made += rules("at", "AT QTY", build=_hour_written)
    made += rules("at", "AT spoken", build=lambda clock: (clock,))
    made += rules("settled", "clock IN THE PART", "HOUR IN THE PART", "clock PART", build=in_part)
    made += rules("settled", "clock AT PART", "HOUR AT PART", "HOUR OCLOCK IN THE PART", build=in_part)
    made += rules("clock", "settled", build=lambda clock: clock)
    return made


def _hour_written(amount: tuple[float, str]) -> tuple[Clock, ...] | None:
    """ "At 18h"; a small number may be a length of time."""
    hour, unit = amount
    return (Clock(int(hour), 0),) if unit == "hour" and hour == int(hour) and 13 <= hour <= 23 else None


def _many() -> list[Rule]:
    made = rules("at", "AT clock|HOUR|SHORTHALF", build=lambda clock: (clock,))
    made += rules(
        "at",
        "at COMMA AT? clock|HOUR|SHORTHALF",
        "at AND AT? clock|HOUR|SHORTHALF",
        "at COMMA AND AT? clock|HOUR|SHORTHALF",
        build=_more,
    )
    made += rules("plain", "clock", build=lambda clock: (clock,))
    made += rules("plain", "plain COMMA clock", "plain AND clock", "plain COMMA AND clock", build=_more)
    made += rules("P", "at", build=lambda clocks: Draft(times=clocks))
    made += rules("P", "plain", build=lambda clocks: Draft(times=clocks))
    made += rules("P", "NOCLOCK", "AT NOCLOCK", build=lambda text: Draft(problems=(f"{text} is not a time of day",)))
    return made


def _more(clocks: Clocks, clock: Clock) -> Clocks | None:
    return (*clocks, clock) if clock not in clocks and len(clocks) < 24 else None


def _windows() -> list[Rule]:
    hour = "clock|HOUR"
    made = rules(
        "window",
        f"BETWEEN {hour} AND {hour}",
        f"BETWEEN {hour} DASH {hour}",
        f"FROM {hour} TO {hour}",
        f"FROM {hour} UNTIL {hour}",
        f"FROM {hour} THROUGH {hour}",
        f"FROM {hour} DASH {hour}",
        f"STARTING AT? {hour} UNTIL {hour}",
        f"STARTING AT? {hour} AND UNTIL AT? {hour}",
        build=lambda start, end: (start, end),
    )
    made += rules(
        "window",
        "SHORTHALF DASH SHORTHALF",
        "FROM? SHORTHALF TO|UNTIL SHORTHALF",
        "BETWEEN SHORTHALF AND SHORTHALF",
        build=lambda start, end: (start, end),
    )
    made += rules(
        "window", "clock DASH clock|HOUR", "HOUR DASH clock", "clock TO clock", build=lambda start, end: (start, end)
    )
    made += rules("window", "clock UNTIL clock|HOUR", build=lambda start, end: (start, end))
    made += rules(
        "openwindow",
        "HOUR DASH HOUR",
        build=lambda start, end: (start, end) if end.minute == start.minute == 0 else None,
    )
    made += rules("P", "window", build=lambda window: Draft(window=window))
    made += rules("P", "DURING window", "FROM openwindow", "AT openwindow", build=lambda window: Draft(window=window))
    made += rules("P", "DURING THE? WORKHOURS", "IN WORKHOURS", "DURING THE? DAYW", build=_work_hours)
    made += rules("P", "ALLDAY", build=lambda: Draft(window=(Clock(0, 0), Clock(23, 59))))
    return made


def _work_hours() -> Draft:
    note = ("trigger.window", "09:00-17:00 on weekdays", "usual working hours")
    return Draft(window=WORK_WINDOW, weekdays=(0, 1, 2, 3, 4), notes=(note,))


def _parts() -> list[Rule]:
    made = rules("P", "EVERY PART", build=lambda part: Draft(recurs=True, unit="day", interval=1.0, part=part))
    made += rules("P", "EVERY OTHER PART", build=lambda part: Draft(recurs=True, unit="day", interval=2.0, part=part))
    made += rules("P", "EVERY PART AND EVERY? PART", "IN? THE? PARTS AND PARTS", build=_both)
    made += rules("P", "EVERY PART AND EVERY? PART at", "PARTS AND PARTS at", build=_both)
    made += rules(
        "P",
        "IN? THE? PARTS",
        "AT PARTS",
        "ON PARTS",
        build=lambda part: Draft(recurs=True, unit="day", interval=1.0, part=part),
    )
    made += rules("P", "IN THE PART", "IN PART", "AT THE? PART", "BY THE? PART", build=lambda part: Draft(part=part))
    made += rules("P", "PART", build=lambda part: Draft(part=part))
    made += rules(
        "P",
        "EVERY clock",
        build=lambda clock: (
            Draft(recurs=True, unit="day", interval=1.0, times=(clock,))
            if clock.half == "24h" and clock.hour % 12 == 0
            else None
        ),
    )
    return made


def _both(one: str, other: str, clocks: Clocks = ()) -> Draft | None:
    """ "Every morning and evening at 8" is at 8 and at 20."""
    if one == other:
        return None
    pieces = tuple(Draft(recurs=True, unit="day", interval=1.0, part=part, times=clocks) for part in (one, other))
    return Draft(recurs=True, also=pieces)


def _past_the_hour() -> list[Rule]:
    made = rules("minute", "HALF PAST", build=lambda: 30)
    made += rules("minute", "A? QUARTERW PAST", build=lambda: 15)
    made += rules("minute", "A? QUARTERW TO", build=lambda: 45)
    made += rules("minute", "NUM PAST", build=lambda n: int(n) if 0 < n < 60 and n == int(n) else None)
    made += rules(
        "minute",
        "QTY PAST",
        build=lambda q: int(q[0]) if q[1] == "minute" and 0 < q[0] < 60 and q[0] == int(q[0]) else None,
    )
    made += rules("P", "AT? minute THEHOUR", build=_hourly_at)
    made += rules("P", "AT minute", build=lambda minute: Draft(minutes=(minute,)))
    made += rules(
        "P",
        "AT? minute EVERY UNIT",
        "AT? minute THE UNIT",
        build=lambda m, unit: _hourly_at(m) if unit == "hour" else None,
    )
    made += rules(
        "P", "AT|ON? MINUTEW NUM", build=lambda n: Draft(minutes=(int(n),)) if 0 <= n < 60 and n == int(n) else None
    )
    made += rules("P", "ONTHEHOUR", build=lambda: Draft(recurs=True, unit="hour", interval=1.0, minutes=(0,)))
    made += rules("P", "ONTHEHALF", build=lambda: Draft(recurs=True, unit="hour", interval=1.0, minutes=(30,)))
    made += rules("S", "S ONTHEHOUR", build=lambda series: _hours_at(series, 0))
    made += rules("S", "S ONTHEHALF", build=lambda series: _hours_at(series, 30))
    made += rules(
        "P", "ONTHEHOUR AND? ONTHEHALF", build=lambda: Draft(recurs=True, unit="hour", interval=1.0, minutes=(0, 30))
    )
    return made


def _hours_at(series: Draft, minute: int) -> Draft | None:
    """ "Every 3 hours on the half hour": the step is said, and the minute."""
    stepped = series.unit == "hour" and series.interval not in (None, 1.0) and not series.minutes and not series.also
    return replaced(series, {"minutes": (minute,)}) if stepped else None


def _hourly_at(minute: int) -> Draft:
    return Draft(recurs=True, unit="hour", interval=1.0, minutes=(minute,))


def _zones() -> list[Rule]:
    made = rules(
        "P",
        "ZONE",
        "IN|ON? THE? ZONE ZONEW?",
        "IN? LPAREN ZONE RPAREN",
        "COMMA ZONE",
        "ZONE TIMEW",
        build=lambda zone: Draft(zone=zone),
    )
    made += rules("P", "ZONES", "IN? LPAREN ZONES RPAREN", build=lambda word: Draft(vague=(f"zone:{word}",)))
    made += rules("P", "SHARP", build=lambda: Draft(notes=(("", "", ""),)))
    return made


RULES: Final = (*_clock_rules(), *_many(), *_windows(), *_parts(), *_past_the_hour(), *_zones())
