"""RRULE text, parsed and judged.

Knows: RFC 5545 recurrence rules at whole minutes, or in steps of seconds, and which of them this product serves.
In: rule text. Out: `Rule` (every part typed), or the reason in words why there is none. Never: computes an instant,
runs long: every list and number is bounded before anything is expanded.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, TypeAlias

import msgspec

FREQUENCIES: Final = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY")
STEPPED: Final = ("HOURLY", "MINUTELY", "SECONDLY")
MIN_SECONDS: Final = 10
"""The shortest step: below it a run would often not be done before the next begins."""
DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
MAX_RULE_CHARS: Final = 1000
MAX_INTERVAL: Final = 1_000_000
MAX_COUNT: Final = 10_000
UNTIL_FORMAT: Final = "%Y%m%d%H%M%S"

Numbers: TypeAlias = tuple[int, ...]
NthDays: TypeAlias = tuple[tuple[int, int], ...]
"""Pairs (n, weekday): n is 0 for every such weekday, 2 the second, -1 the last; weekday 0 is Monday."""

_RANGES: Final[dict[str, tuple[int, int, bool]]] = {  # lowest, highest, negative counted from the end too
    "BYMONTH": (1, 12, False),
    "BYMONTHDAY": (1, 31, True),
    "BYYEARDAY": (1, 366, True),
    "BYWEEKNO": (1, 53, True),
    "BYHOUR": (0, 23, False),
    "BYMINUTE": (0, 59, False),
    "BYSETPOS": (1, 366, True),
}
_KNOWN: Final = frozenset({*_RANGES, "FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYSECOND", "WKST"})


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One RRULE. Empty tuples are parts that were not given; `until` is RFC text (`20261231T235959Z`)."""

    freq: str
    interval: int = 1
    count: int | None = None
    until: str | None = None
    by_month: Numbers = ()
    by_month_day: Numbers = ()
    by_year_day: Numbers = ()
    by_week_no: Numbers = ()
    by_day: NthDays = ()
    by_hour: Numbers = ()
    by_minute: Numbers = ()
    by_set_pos: Numbers = ()
    week_start: int = 0

    @property
    def stepped(self) -> bool:
        """True for HOURLY, MINUTELY and SECONDLY, which step in elapsed time."""
        return self.freq in STEPPED


class RuleProblem(Exception):  # noqa: N818 - not an error that leaves the room
    """Why a text is no rule; caught in this room and handed on as a message."""


def parse_rule(text: str) -> Rule:
    """The rule spelled by `text` (`RRULE:` in front is accepted, any case).

    Raises:
        RuleProblem: the text is not a rule this product serves; the message says which part and why.
    """
    if len(text) > MAX_RULE_CHARS:
        raise RuleProblem(f"a rule has at most {MAX_RULE_CHARS} characters")
    parts = _parts(text)
    freq = parts.get("FREQ", "")
    if freq not in FREQUENCIES:
        raise RuleProblem(f"FREQ must be one of {', '.join(FREQUENCIES)}" + (f", not {freq}" if freq else ""))
    if parts.get("BYSECOND", "0") not in ("0", "00"):
        raise RuleProblem("BYSECOND is not served: schedules are at whole minutes, or in steps of seconds")
    rule = Rule(
        freq=freq,
        interval=_number(parts, "INTERVAL", 1, MAX_INTERVAL) or 1,
        count=_number(parts, "COUNT", 1, MAX_COUNT),
        until=_until(parts),
        by_month=_numbers(parts, "BYMONTH"),
        by_month_day=_numbers(parts, "BYMONTHDAY"),
        by_year_day=_numbers(parts, "BYYEARDAY"),
        by_week_no=_numbers(parts, "BYWEEKNO"),
        by_day=_days(parts),
        by_hour=_numbers(parts, "BYHOUR"),
        by_minute=_numbers(parts, "BYMINUTE"),
        by_set_pos=_numbers(parts, "BYSETPOS"),
        week_start=_week_start(parts),
    )
    _combine(rule)
    return rule


def check_rule(text: str) -> str | None:
    """None when `text` is a rule this product serves, else what is wrong with it, in words.

    Source: RFC 5545, section 3.3.10.
    """
    try:
        parse_rule(text)
    except RuleProblem as problem:
        return str(problem)
    return None


def _parts(text: str) -> dict[str, str]:
    body = text.strip().upper().removeprefix("RRULE:").rstrip(";")
    if not body:
        raise RuleProblem("the rule is empty")
    parts: dict[str, str] = {}
    for piece in body.split(";"):
        name, equals, value = (side.strip() for side in piece.partition("="))
        if not equals or not value:
            raise RuleProblem(f"{piece[:40]!r} is not NAME=VALUE")
        if name not in _KNOWN:
            raise RuleProblem(f"{name[:40]!r} is not a part of a recurrence rule")
        if name in parts:
            raise RuleProblem(f"{name} is given twice")
        parts[name] = value
    return parts


def _number(parts: dict[str, str], name: str, low: int, high: int) -> int | None:
    text = parts.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high):
        raise RuleProblem(f"{name} must be a number from {low} to {high}, not {text[:20]!r}")
    return int(text)


def _numbers(parts: dict[str, str], name: str) -> Numbers:
    if name not in parts:
        return ()
    low, high, negative = _RANGES[name]
    found: set[int] = set()
    for item in parts[name].split(","):
        digits = item.strip().lstrip("+-")
        value = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 5 else -1
        if not low <= value <= high or (item.strip().startswith("-") and not negative):
            span = f"{low} to {high}" + (f" or -{high} to -{low}" if negative else "")
            raise RuleProblem(f"{name} must hold numbers from {span}, not {item[:20]!r}")
        found.add(-value if item.strip().startswith("-") else value)
    return tuple(sorted(found))


def _days(parts: dict[str, str]) -> NthDays:
    found: set[tuple[int, int]] = set()
    for item in filter(None, (piece.strip() for piece in parts.get("BYDAY", "").split(","))):
        nth, day = item[:-2], item[-2:]
        digits = nth.lstrip("+-")
        if day not in DAYS or (nth and not (digits.isascii() and digits.isdigit() and 1 <= int(digits[:4]) <= 53)):
            raise RuleProblem(f"BYDAY must hold days such as MO, 2TU or -1FR, not {item[:20]!r}")
        found.add((int(nth) if nth else 0, DAYS.index(day)))
    if "BYDAY" in parts and not found:
        raise RuleProblem("BYDAY is empty")
    return tuple(sorted(found, key=lambda pair: (pair[0] < 0, pair)))


def _week_start(parts: dict[str, str]) -> int:
    day = parts.get("WKST", "MO")
    if day not in DAYS:
        raise RuleProblem(f"WKST must be a day such as MO, not {day[:20]!r}")
    return DAYS.index(day)


def _until(parts: dict[str, str]) -> str | None:
    text = parts.get("UNTIL")
    if text is None:
        return None
    day, _, clock = text.partition("T")
    try:
        datetime.strptime(day + (clock.removesuffix("Z") or "000000"), UNTIL_FORMAT)
    except ValueError:
        problem = f"UNTIL must look like 20261231 or 20261231T235900Z, not {text[:20]!r}"
        raise RuleProblem(problem) from None
    return text


def _combine(rule: Rule) -> None:
    if rule.freq == "SECONDLY" and rule.interval < MIN_SECONDS:
        raise RuleProblem(f"FREQ=SECONDLY needs an INTERVAL of {MIN_SECONDS} or more: that is the shortest step")
    if rule.freq == "SECONDLY" and rule.by_minute:
        raise RuleProblem("BYMINUTE is not served with FREQ=SECONDLY")
    if rule.count is not None and rule.until is not None:
        raise RuleProblem("COUNT and UNTIL exclude each other")
    if any(nth for nth, _ in rule.by_day):
        if rule.freq not in ("MONTHLY", "YEARLY"):
            raise RuleProblem(f"numbered days such as 1MO have no meaning with FREQ={rule.freq}")
        if rule.by_week_no:
            raise RuleProblem("numbered days and BYWEEKNO exclude each other")
    if rule.freq == "WEEKLY" and rule.by_month_day:
        raise RuleProblem("BYMONTHDAY has no meaning with FREQ=WEEKLY")
    if rule.by_week_no and rule.freq != "YEARLY":
        raise RuleProblem("BYWEEKNO has a meaning only with FREQ=YEARLY")
    if rule.by_year_day and rule.freq in ("DAILY", "WEEKLY", "MONTHLY"):
        raise RuleProblem(f"BYYEARDAY has no meaning with FREQ={rule.freq}")
    if rule.by_set_pos:
        if rule.stepped:
            raise RuleProblem(f"BYSETPOS is not served with FREQ={rule.freq}")
        chosen = rule.by_day or rule.by_month_day or rule.by_year_day or rule.by_week_no or rule.by_month
        if not (chosen or rule.by_hour):
            raise RuleProblem("BYSETPOS needs another BY part to choose from")
