"""A time expression while it is being read: a record of what was said, and how two records join.

Knows: the parts of a schedule. In: parts from the grammar. Out: `Draft`, `unify`. Never: knows now or a zone's offset.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import msgspec

Half: TypeAlias = Literal["am", "pm", "24h", "bare", "bare_hour"]
"""How surely a clock is known. `bare` is 9:30, `bare_hour` is "at 5": either half of the day."""

Unit: TypeAlias = Literal["second", "minute", "hour", "day", "week", "month", "quarter", "year"]


class Clock(msgspec.Struct, frozen=True, order=True):
    """A time of day as written; `half` says whether morning or afternoon is settled."""

    hour: int
    minute: int = 0
    half: Half = "24h"

    @property
    def text(self) -> str:
        """HH:MM."""
        return f"{self.hour:02d}:{self.minute:02d}"


class Day(msgspec.Struct, frozen=True):
    """One calendar day: `month` and `day`, `year` when said."""

    month: int
    day: int
    year: int | None = None


class Relative(msgspec.Struct, frozen=True):
    """A day or period seen from now. `days`: +1 is tomorrow. `weekday` with `which`: this, next, last, coming.

    `period` with `which`: "next week", "last month". `edge`: its start or end.
    """

    days: int | None = None
    weekday: int | None = None
    period: Unit | None = None
    which: Literal["this", "next", "last", "coming", "after_next"] = "coming"
    edge: Literal["start", "end"] | None = None


class Limit(msgspec.Struct, frozen=True):
    """Where a series starts or ends: a day, a relative day, a weekday, an ISO moment, or a span of periods."""

    day: Day | None = None
    relative: Relative | None = None
    iso: str | None = None
    span: tuple[float, Unit] | None = None
    clock: Clock | None = None
    now: bool = False


class Except(msgspec.Struct, frozen=True):
    """Days or times left out."""

    weekdays: tuple[int, ...] = ()
    nth: tuple[tuple[int, int], ...] = ()
    month_days: tuple[int, ...] = ()
    months: tuple[int, ...] = ()
    days: tuple[Day, ...] = ()
    iso: tuple[str, ...] = ()
    times: tuple[Clock, ...] = ()
    holidays: bool = False
    relative: tuple[Relative, ...] = ()
    ranges: tuple[tuple[Limit, Limit], ...] = ()


class Draft(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was said. A slot at its default was not.

    `recurs`: every, each, a plural day. `unit` and `interval`: every N units. `per`: N times a unit. `of_unit`: "of
    the month" after days. `workday`: nth working day of the month. `vague` names words whose meaning is open;
    `base` is the day an `after` counts from when not now; `once` an answer that the task runs one time;
    `reminder`: the request reminds somebody, which happens once unless it says how often.
    """

    recurs: bool = False
    unit: Unit | None = None
    interval: float | None = None
    per: tuple[int, Unit] | None = None
    of_unit: Unit | None = None
    weekdays: tuple[int, ...] = ()
    nth: tuple[tuple[int, int], ...] = ()
    month_days: tuple[int, ...] = ()
    workdays: tuple[int, ...] = ()
    year_days: tuple[int, ...] = ()
    months: tuple[int, ...] = ()
    year: int | None = None
    days: tuple[Day, ...] = ()
    times: tuple[Clock, ...] = ()
    minutes: tuple[int, ...] = ()
    part: str | None = None
    window: tuple[Clock, Clock] | None = None
    iso: str | None = None
    relative: Relative | None = None
    after: tuple[float, Unit] | None = None
    base: Limit | None = None
    ago: tuple[float, Unit] | None = None
    amount: tuple[float, Unit] | None = None
    start: Limit | None = None
    until: Limit | None = None
    count: int | None = None
    excepts: tuple[Except, ...] = ()
    zone: str | None = None
    also: tuple[Draft, ...] = ()
    vague: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[tuple[str, str, str], ...] = ()
    once: bool = False
    reminder: bool = False


_JOINED: Final = ("excepts", "vague", "problems", "notes")
_PLAIN: Final = Draft()


def unify(one: Draft, other: Draft) -> Draft | None:
    """Both records as one, or None when they say the same slot differently."""
    if one.also or other.also:
        return None
    changes: dict[str, object] = {}
    for name in one.__struct_fields__:
        here, there, unsaid = getattr(one, name), getattr(other, name), getattr(_PLAIN, name)
        if there == unsaid:
            continue
        if name in _JOINED:
            changes[name] = tuple(dict.fromkeys((*here, *there)))
        elif here == unsaid:
            changes[name] = there
        elif here != there:
            return None
    joined = replaced(one, changes)
    if joined.minutes and joined.times:
        return None
    return None if joined.recurs and _single(joined) else joined


def _single(draft: Draft) -> bool:
    """Does something in the draft happen one time only? "This week" and "next month" bound a series."""
    if draft.relative is not None and (draft.relative.period is None or draft.relative.which not in ("this", "next")):
        return True
    return draft.after is not None or draft.ago is not None or draft.amount is not None or draft.iso is not None


def replaced(draft: Draft, changes: dict[str, object]) -> Draft:
    """`draft` with some slots changed."""
    return msgspec.structs.replace(draft, **changes) if changes else draft
