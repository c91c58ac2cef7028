"""When an event counts: `when motion is seen between 11pm and 5am`, `on weekends, if ...`, `outside office hours`.

Knows: how stretches of the day and of the week are said beside something that happens. In: a request and its items, a
zone. Out: `Held`: the words, and the condition on the moment at which it happens. Never: a stretch whose ends are not
clear, such as `at night`, or one that is said with `every`, which is a time to run at.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from eyeflow.catalog.model import Catalog
from eyeflow.frontend.amounts import clock_value
from eyeflow.frontend.comparisons import negate
from eyeflow.frontend.intent import Assumption, EventTrigger, Intent
from eyeflow.frontend.items import Item
from eyeflow.frontend.values_said import quote
from eyeflow.frontend.vocabulary import walk
from eyeflow.values import Span

_CLOCK: Final = r"(?:\d{1,2}(?:[:.]\d{2})?\s?(?:am|pm|a\.m\.|p\.m\.)?|noon|midnight)(?!\w)"
_SURE: Final = r"(?:\d{1,2}(?:[:.]\d{2})?\s?(?:am|pm|a\.m\.|p\.m\.)|\d{1,2}[:.]\d{2}|noon|midnight)(?![\w°%])"
_NAMES: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY: Final = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_DAYS: Final = (
    rf"(?:(?:on|at|over|during)\s+(?:the\s+|a\s+)?(?:weekends?|weekdays?|week\s?days|working\s+days|{_DAY}s"
    rf"(?:\s*(?:,|and|or|,\s*and)\s*{_DAY}s)*)|(?:on\s+)?{_DAY}\s*(?:to|through|-|–)\s*{_DAY})(?!\w)"
)
_OFFICE: Final = r"(?:office|business|working|work)\s+hours?"
_STRETCH: Final = re.compile(
    rf"(?P<only>\b(?:but\s+)?only\s+)?"
    rf"(?:\b(?P<hours>(?P<not>outside(?:\s+of)?|out\s+of)?(?:during|within|in)?\s*\b(?:our\s+|the\s+|normal\s+|regular\s+|usual\s+)*"
    rf"{_OFFICE})(?:\s*\((?P<inner>[^()]{{1,60}})\))?"
    rf"|\b(?P<days1>{_DAYS})\s+(?:between|from)\s+(?P<from1>{_CLOCK})\s*(?:and|to|until|till|-|–)\s*(?P<to1>{_CLOCK})"
    rf"|\b(?:between|from)\s+(?P<from2>{_CLOCK})\s*(?:and|to|until|till|-|–)\s*(?P<to2>{_CLOCK})(?:\s+(?P<days2>{_DAYS}))?"
    rf"|\b(?P<edge>after|before)\s+(?P<at>{_SURE})(?:\s+or\s+(?P<edge2>after|before)\s+(?P<at2>{_SURE}))?(?:\s+(?P<days3>{_DAYS}))?"
    rf"|\b(?P<days4>{_DAYS}))",
    re.IGNORECASE,
)
_INNER: Final = re.compile(
    rf"\s*(?:(?P<days1>{_DAYS})\s*,?\s*)?(?P<from2>{_CLOCK})\s*(?:and|to|until|till|-|–)\s*(?P<to2>{_CLOCK})"
    rf"(?:\s*,?\s*(?P<days2>{_DAYS}))?\s*",
    re.IGNORECASE,
)
_MOMENTS: Final = frozenset({"start", "end", "time", "date", "due", "due_date", "due_on", "starts_at"})
_CUES: Final = frozenset({"when", "whenever", "if", "once"})


class Held(msgspec.Struct, frozen=True, eq=False):
    """The words that tell the stretch, and the condition: true within it."""

    span: Span
    condition: str


class _Part(msgspec.Struct, frozen=True):
    """One stretch: days of the week from Monday as 0, and the time from `start` until before `end`."""

    days: tuple[int, ...] = ()
    start: str | None = None
    end: str | None = None


def held(text: str, items: Sequence[Item], zone: str) -> Held | None:
    """The stretch in which what happens counts, when the request tells exactly one."""
    found = [hit for hit in _STRETCH.finditer(text) if _beside_event(text, items, hit)]
    if len(found) != 1:
        return None
    condition = _condition(found[0], zone)
    return None if condition is None else Held(Span(found[0].start(), found[0].end()), condition)


def tells_time(intent: Intent, catalog: Catalog) -> bool:
    """What happened has a time of its own (`when a call before 9am is booked`): that may be meant."""
    trigger = intent.trigger
    service = catalog.service(trigger.service) if isinstance(trigger, EventTrigger) else None
    kind = service.trigger(trigger.event) if service is not None and isinstance(trigger, EventTrigger) else None
    return kind is not None and any(path[-1] in _MOMENTS for path, _ in walk(kind.payload) if len(path) == 1)


def only(intent: Intent, during: Held, text: str) -> Intent:
    """`intent`, whose event counts only within the stretch."""
    trigger = intent.trigger
    assert isinstance(trigger, EventTrigger), "asked about events"
    where = during.condition if trigger.where is None else f"AND({trigger.where}, {during.condition})"
    said = text[during.span.start : during.span.end]
    noted = Assumption(said, during.condition, "looked at when it happens")
    kept = (*intent.assumptions, noted)
    return msgspec.structs.replace(intent, trigger=msgspec.structs.replace(trigger, where=where), assumptions=kept)


def _beside_event(text: str, items: Sequence[Item], hit: re.Match[str]) -> bool:
    """In the clause of what happens, right before it, or after all with `only`."""
    inside = [i for i in items if i.span.start < hit.end() and hit.start() < i.span.end]
    if not inside or any(i.kind in ("quoted", "freetext") for i in inside):
        return False
    begin = max((i.index for i in items[: inside[0].index] if i.text in (".", "!", "?", ";", "\n")), default=-1) + 1
    before = items[begin : inside[0].index]
    after = items[inside[-1].index + 1 :]
    cue = next((i for i in before if i.lower in _CUES), None)
    nxt = after[0] if after else None
    closed = nxt is None or nxt.kind == "punct" or nxt.acts or nxt.lower in ("then", "please", *_CUES)
    if not closed:
        return False  # `when a meeting between 9 and 10 is moved`: of the meeting
    if cue is None:
        joined = [i for i in after if i.lower not in (",", "and")]
        return not [i for i in before if i.lower not in ("please", ",")] and bool(joined) and joined[0].lower in _CUES
    said = [i for i in before if i.index > cue.index]
    acted = any(i.text == "," or i.lower == "then" for i in said) or any(i.acts for i in said[2:])
    leads = cue.index == begin or items[cue.index - 1].text in (",", "-")
    if hit["only"]:
        return True
    return bool(said) and not (acted and leads) and (not acted or not leads)


# --- the condition -------------------------------------------------------------------------------------------------


def _condition(hit: re.Match[str], zone: str) -> str | None:
    if hit["hours"]:
        part = _of_hours(hit)
    elif hit["edge"]:
        return _of_edges(hit, zone)
    else:
        start, end = hit["from1"] or hit["from2"], hit["to1"] or hit["to2"]
        part = _part(hit["days1"] or hit["days2"] or hit["days4"], start, end)
    if part is None:
        return None
    expr = _within(part, zone)
    return negate(expr) if hit["not"] else expr


def _of_hours(hit: re.Match[str]) -> _Part | None:
    """Usual office hours, or those that are given in brackets."""
    if hit["inner"] is None:
        return _Part((0, 1, 2, 3, 4), "09:00", "17:00")
    inner = _INNER.fullmatch(hit["inner"])
    if inner is None:
        return None
    return _part(inner["days1"] or inner["days2"] or "on weekdays", inner["from2"], inner["to2"])


def _part(days: str | None, start: str | None, end: str | None) -> _Part | None:
    numbers = _weekdays(days) if days else ()
    if numbers is None:
        return None
    if start is None or end is None:
        return _Part(numbers) if numbers else None
    first, last = _time(start, None), _time(end, start)
    return _Part(numbers, first, last) if first and last and first != last else None


def _of_edges(hit: re.Match[str], zone: str) -> str | None:
    """`after 6pm`, `before 8am or after 10pm on weekdays`."""
    days = _weekdays(hit["days3"]) if hit["days3"] else ()
    sides = [_side(hit["edge"], _time(hit["at"], None), zone)]
    if hit["edge2"]:
        sides.append(_side(hit["edge2"], _time(hit["at2"], None), zone))
    if days is None or None in sides:
        return None
    expr = f"OR({sides[0]}, {sides[1]})" if len(sides) == 2 else str(sides[0])
    return f"AND({_on(days, zone)}, {expr})" if days else expr


def _side(edge: str, clock: str | None, zone: str) -> str | None:
    """From a time on, or up to it; none at midnight, which every time of a day is after and none before."""
    if clock in (None, "00:00"):
        return None
    return f'{"GE" if edge.lower() == "after" else "LT"}({_now("HH:mm", zone)}, "{clock}")'


def _within(part: _Part, zone: str) -> str:
    if part.start is None or part.end is None:
        return _on(part.days, zone)
    now = _now("HH:mm", zone)
    ends = f'GE({now}, "{part.start}")', f'LT({now}, "{part.end}")'
    hours = f"AND({ends[0]}, {ends[1]})" if part.start < part.end else f"OR({ends[0]}, {ends[1]})"
    return f"AND({_on(part.days, zone)}, {hours})" if part.days else hours


def _on(days: Sequence[int], zone: str) -> str:
    names = ", ".join(quote(_NAMES[d].capitalize()) for d in days)
    return f"CONTAINS([{names}], {_now('ddd', zone)})"


def _now(pattern: str, zone: str) -> str:
    return f'FORMAT_DATE(NOW(), "{pattern}", {quote(zone)})'


def _time(said: str, since: str | None) -> str | None:
    """HH:MM; an hour alone only where another hour settles its half of the day (`9 to 5`)."""
    plain = said.strip().lower().replace(".m.", "m")
    named = {"noon": "12:00", "midnight": "00:00"}.get(plain)
    if named is not None:
        return named
    clock, half = clock_value(plain)
    if clock is None or half != "bare":
        return clock
    hour = int(clock[:2])
    if since is None:
        return clock if 6 <= hour <= 11 else None
    opened, opened_half = clock_value(since.strip().lower())
    bare = opened is not None and opened_half == "bare" and 6 <= int(opened[:2]) <= 11
    return f"{hour + 12:02d}{clock[2:]}" if bare and hour <= 8 else None


def _weekdays(said: str) -> tuple[int, ...] | None:
    folded = said.casefold()
    if "weekend" in folded:
        return (5, 6)
    if "weekday" in folded or "week day" in folded or "working day" in folded:
        return (0, 1, 2, 3, 4)
    found = [_NAMES.index(day) for day in re.findall(r"\b(mon|tue|wed|thu|fri|sat|sun)", folded)]
    if re.search(r"\b(?:to|through)\b|[-–]", folded) and len(found) == 2:
        first, last = found
        return tuple(d % 7 for d in range(first, last + 1 if last >= first else last + 8))
    return tuple(sorted(set(found))) or None
