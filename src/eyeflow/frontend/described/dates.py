"""Days and times of day said as values: `March 21st, 2023`, `2023-05-21`, `next Friday`, `7:30 pm`.

Knows: how English writes a day, and the formats descriptions ask for. In: the request, its now. Out: `Day`s with
spans, texts in a wanted format. Never: decides when something runs (that is the time grammar's).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from eyeflow.frontend.data import numbers
from eyeflow.values import Span

_MONTHS: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTH: Final = r"(?P<month>" + "|".join(f"{m[:3]}(?:{m[3:]})?" for m in _MONTHS) + r"|sept)\.?"
_ORDINAL: Final = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR: Final = r"(?:,?\s*(?:of\s+)?(?P<year>(?:19|20|21)\d{2}))?(?!\d)"
_WRITTEN: Final = (
    re.compile(rf"\b{_MONTH}\s*{_ORDINAL}\b{_YEAR}", re.IGNORECASE),
    re.compile(rf"\b(?:the\s+)?{_ORDINAL}\s+(?:of\s+)?{_MONTH}(?![a-z]){_YEAR}", re.IGNORECASE),
    re.compile(r"\b(?P<year>\d{4})[-/.](?P<number>\d{1,2})[-/.](?P<day>\d{1,2})(?!\d)"),
)
_SLASHED: Final = re.compile(r"(?<![\d/.-])(?P<one>\d{1,2})(?P<sep>[/.-])(?P<two>\d{1,2})(?P=sep)(?P<year>\d{4})(?!\d)")
_RELATIVE: Final = re.compile(
    r"\b(?:(?P<plain>today|tonight|tomorrow|yesterday|the day after tomorrow)"
    rf"|(?P<which>next|this|on|coming)\s+(?P<weekday>{'|'.join(_DAYS)}))\b",
    re.IGNORECASE,
)
_CLOCK: Final = re.compile(
    r"\b(?:at\s+)?(?:(?P<hour>\d{1,2})(?::(?P<minute>\d{2}))?\s*(?P<half>[ap])\.?m\b\.?"
    r"|(?P<hour24>\d{1,2}):(?P<minute24>\d{2})(?!\d)"
    r"|(?P<spoken>\d{1,2})(?:\s*o'?clock)?\s+(?:in the (?P<part>morning|afternoon|evening)|at (?P<night>night))"
    r"|(?P<part_of>half past|quarter past|quarter to)\s+(?P<near>[a-z]+|\d{1,2})"
    r"(?:\s+(?:in the (?P<near_part>morning|afternoon|evening)|at (?P<near_night>night)|(?P<near_half>[ap])\.?m\b))?"
    r"|(?P<noon>noon|midnight)\b)",
    re.IGNORECASE,
)


_RANGES: Final = (
    re.compile(
        rf"\b(?:the\s+)?(?P<first>\d{{1,2}})(?:st|nd|rd|th)?\s*(?:-|–|to|through|until|till|and)\s*"
        rf"(?=(?:the\s+)?{_ORDINAL}\s+(?:of\s+)?{_MONTH}(?![a-z]){_YEAR})",
        re.IGNORECASE,
    ),
)
"""`the 3rd to the 8th of January 2027`: the first day has its month and year from the second."""

_TO_DAY: Final = re.compile(
    rf"\b{_MONTH}\s*{_ORDINAL}\s*(?:-|–|to|through|until|till)\s*(?:the\s+)?(?P<last>\d{{1,2}})(?:st|nd|rd|th)?\b"
    r"(?!\s*(?:am|pm|[a-z]*\s*o'clock|:))(?:,?\s*(?P<year>(?:19|20|21)\d{2}))?",
    re.IGNORECASE,
)
"""`January 3 to 8, 2027`."""


class Day(msgspec.Struct, frozen=True):
    """A day (or only a time of day, when `day` is None) and where it is said. `minute` counts from midnight;
    `certain` is False where the year is the next one that fits, or the day depends on now; `anchored` when on now."""

    span: Span
    day: date | None
    minute: int | None = None
    certain: bool = True
    relative: bool = False


def days(text: str, now: datetime) -> tuple[Day, ...]:
    """Every day and time of day in `text`, in order. A weekday or `tomorrow` right beside a full date is that date.

    `now` is local to the person asking.
    """
    ranged = list(_ranged(text, now))
    taken = [d.span for d in ranged]
    single = [
        d
        for d in (*_written(text, now), *_slashed(text), *_relative(text, now))
        if not any(s.start < d.span.end and d.span.start < s.end for s in taken)
    ]
    found = sorted([*ranged, *single], key=lambda d: d.span.start)
    merged: list[Day] = []
    for one in found:
        last = merged[-1] if merged else None
        if last is not None and one.span.start < last.span.end:
            continue
        near = last is not None and re.fullmatch(r"[\s,(]*(?:the\s+)?", text[last.span.end : one.span.start])
        if last is not None and near and last.relative != one.relative:
            kept = one if last.relative else last
            merged[-1] = msgspec.structs.replace(kept, span=Span(last.span.start, one.span.end))
        else:
            merged.append(one)
    return tuple(_with_clocks(text, merged))


def _written(text: str, now: datetime) -> Iterator[Day]:
    for pattern in _WRITTEN:
        for hit in pattern.finditer(text):
            parts = hit.groupdict()
            month = int(parts["number"]) if parts.get("number") else _month(parts["month"])
            year = parts.get("year")
            made = _date(int(year) if year else now.year, month, int(parts["day"]))
            if made is not None and not year and made < now.date():
                made = _date(now.year + 1, month, int(parts["day"]))
            if made is not None:
                yield Day(Span(*hit.span()), made, certain=year is not None)


def _ranged(text: str, now: datetime) -> Iterator[Day]:
    """Both ends of `the 3rd to the 8th of January` and `January 3-8`."""
    for pattern in _RANGES:
        for hit in pattern.finditer(text):
            start = _fitting(hit["year"], _month(hit["month"]), int(hit["first"]), now)
            if start is not None and int(hit["first"]) < int(hit["day"]):
                yield Day(Span(hit.start(), hit.end("first")), start, certain=hit["year"] is not None)
    for hit in _TO_DAY.finditer(text):
        month = _month(hit["month"])
        ends = [_fitting(hit["year"], month, int(hit[k]), now) for k in ("day", "last")]
        if int(hit["day"]) < int(hit["last"]) and ends[0] is not None and ends[1] is not None:
            sure = hit["year"] is not None
            yield Day(Span(hit.start(), hit.end("day")), ends[0], certain=sure)
            yield Day(Span(hit.start("last"), hit.end()), ends[1], certain=sure)


def _fitting(year: str | None, month: int, day: int, now: datetime) -> date | None:
    """The day in the year said, else the next one."""
    made = _date(int(year) if year else now.year, month, day)
    return _date(now.year + 1, month, day) if made is not None and not year and made < now.date() else made


def _month(said: str) -> int:
    return next(n for n, m in enumerate(_MONTHS, 1) if m.startswith(said.casefold().rstrip(".")[:3]))


def _slashed(text: str) -> Iterator[Day]:
    """`20/3/2024`; where both orders make a date, neither is taken."""
    for hit in _SLASHED.finditer(text):
        one, two, year = int(hit["one"]), int(hit["two"]), int(hit["year"])
        american, other = _date(year, one, two), _date(year, two, one)
        if (american is None) != (other is None) or (american == other and american is not None):
            yield Day(Span(*hit.span()), american or other)


def _relative(text: str, now: datetime) -> Iterator[Day]:
    today = now.date()
    for hit in _RELATIVE.finditer(text):
        plain = (hit["plain"] or "").casefold()
        if plain:
            shift = {"today": 0, "tonight": 0, "tomorrow": 1, "yesterday": -1}.get(plain, 2)
        else:
            shift = (_DAYS.index(hit["weekday"].casefold()) - today.weekday()) % 7
            shift += 7 * (hit["which"].casefold() == "next" and shift == 0)
        yield Day(Span(*hit.span()), today + timedelta(days=shift), certain=False, relative=True)


def _with_clocks(text: str, found: list[Day]) -> Iterator[Day]:
    """Times of day, put to the day they stand beside."""
    clocks = [(Span(*hit.span()), _minute(hit)) for hit in _CLOCK.finditer(text)]
    for day in found:
        beside = next(
            ((span, minute) for span, minute in clocks if minute is not None and _adjoin(text, day.span, span)),
            None,
        )
        if beside is None:
            yield day
            continue
        clocks.remove(beside)
        whole = Span(min(day.span.start, beside[0].start), max(day.span.end, beside[0].end))
        yield msgspec.structs.replace(day, span=whole, minute=beside[1])
    for span, minute in clocks:
        if minute is not None and not any(d.span.start <= span.start < d.span.end for d in found):
            yield Day(span, None, minute)


def _adjoin(text: str, day: Span, clock: Span) -> bool:
    """`March 2 at 6 pm`, `6 pm on March 2`."""
    if day.end <= clock.start:
        return re.fullmatch(r"[\s,T]*(?:at\s+|time\s+)?", text[day.end : clock.start]) is not None
    return clock.end <= day.start and re.fullmatch(r"[\s,]*(?:on\s+)?", text[clock.end : day.start]) is not None


def _minute(hit: re.Match[str]) -> int | None:
    if hit["noon"]:
        return 720 if hit["noon"].casefold() == "noon" else 0
    if hit["part_of"]:
        return _past(hit)
    if hit["spoken"]:
        hour = int(hit["spoken"])
        late = (hit["night"] or hit["part"]).casefold() != "morning"
        return (hour % 12 + 12 * late) * 60 if 1 <= hour <= 12 else None
    hour = int(hit["hour"] or hit["hour24"])
    minute = int(hit["minute"] or hit["minute24"] or 0)
    if hit["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (hit["half"].casefold() == "p")
    return hour * 60 + minute if hour < 24 and minute < 60 else None


def _past(hit: re.Match[str]) -> int | None:
    """`half past three in the afternoon`; nothing without the part of the day."""
    said = hit["near"].casefold()
    hour = int(said) if said.isdigit() else numbers("numbers", "units").get(said)
    part = hit["near_part"] or hit["near_night"] or hit["near_half"]
    if hour is None or not 1 <= hour <= 12 or part is None:
        return None
    late = part.casefold() not in ("morning", "a")
    shift = {"half past": 30, "quarter past": 15}.get(hit["part_of"].casefold(), -15)
    return ((hour % 12 + 12 * late) * 60 + shift) % 1440


def is_month(text: str) -> bool:
    """The name of a month, with or without a year."""
    return bool(re.fullmatch(rf"(?:{'|'.join(_MONTHS)})(?:,? \d{{4}})?", text.casefold()))


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def written(day: date, shape: str | None) -> str:
    """`day` as a description wants it: `mm/dd/yyyy`, `dd-mm-yyyy`; ISO when it says nothing."""
    if shape is None or shape.startswith("iso") or shape.startswith("hh"):
        return day.isoformat()
    shape = re.split(r"[ t]?hh", shape)[0]
    parts = {"yyyy": f"{day.year:04d}", "yy": f"{day.year % 100:02d}", "mm": f"{day.month:02d}", "dd": f"{day.day:02d}"}
    parts |= {"m": str(day.month), "d": str(day.day)}
    return re.sub(r"[a-z]+", lambda hit: parts.get(hit.group(), hit.group()), shape)
