"""Durations as LLM-IR writes them: `250ms`, `30s`, `5m`, `1h`, `7d`, or with the unit spelled out.

Knows: fixed units of time. In: text or a number and its unit. Out: integer milliseconds, and the shortest spelling.
Never: calendar units (a month is not a duration).
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

from eyeflow.diagnostics import nearest
from eyeflow.ir.text.findings import Refused, shown
from eyeflow.values import Span

_UNITS: Final = (
    ("d", 86_400_000, "day days"),
    ("h", 3_600_000, "hour hours hr hrs"),
    ("m", 60_000, "minute minutes min mins"),
    ("s", 1_000, "second seconds sec secs"),
    ("ms", 1, "millisecond milliseconds"),
)
_MS: Final = {name: ms for short, ms, long in _UNITS for name in (short, *long.split())} | dict.fromkeys(
    ("w", "week", "weeks"), 604800000
)
_WINDOWS: Final = {"s": "sec", "m": "min", "h": "hour", "d": "day"}
_TEXT = re.compile(r"\s*+([0-9]+(?:\.[0-9]+)?)\s*+([A-Za-z]+)\s*+")
MAX_MS: Final = 100 * 365 * 86_400_000
"""A hundred years: what is longer is a mistake."""


def to_ms(number: str, unit: str, span: Span) -> int:
    """`30`, `s` as milliseconds. Raises: Refused `bad_duration`."""
    factor = _MS.get(unit)
    if factor is None:
        close = nearest(unit, _MS, limit=1)
        hint = f"did you mean {close[0]}?" if close else "units are ms, s, m, h, d"
        raise Refused("bad_duration", f"`{shown(unit)}` is no unit of time", span, hint)
    if len(number) > 20 or "e" in number.lower():
        raise Refused(
            "bad_duration", f"`{shown(number)}` is no number of {unit}", span, "write a plain number, as in 30s"
        )
    ms = Fraction(number) * factor
    if ms.denominator != 1 or ms > MAX_MS:
        hint = "the smallest step is 1ms, the longest 36500d"
        raise Refused(
            "bad_duration", f"`{number}{unit}` is not a whole number of milliseconds up to a century", span, hint
        )
    return int(ms)


def read_duration(text: str) -> int:
    """`30s`, `10 minutes` as milliseconds. Raises: Refused `bad_duration`."""
    found = _TEXT.fullmatch(text) if len(text) < 100 else None
    if found is None:
        raise Refused(
            "bad_duration", f"`{shown(text)}` is not a duration", Span(0, len(text)), "write a number and a unit: 30s"
        )
    return to_ms(found[1], found[2], Span(0, len(text)))


def window_ms(unit: str, span: Span) -> int:
    """The window of `10/min`. Raises: Refused `bad_duration`."""
    return to_ms("1", unit, span)


def print_duration(ms: int) -> str:
    """The spelling with the largest unit that divides `ms`."""
    for short, size, _ in _UNITS:
        if ms % size == 0 and (ms or size == 1):
            return f"{ms // size}{short}"
    raise AssertionError(ms)


def print_window(ms: int) -> str:
    """`min` of `10/min`, or a duration."""
    text = print_duration(ms)
    return _WINDOWS.get(text[1:], text) if text[0] == "1" else text
