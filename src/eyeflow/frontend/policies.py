"""Retries, rates and waits said beside an action, taken out of the items before clauses are read.

Knows: `retry up to 3 times with 5 minutes in between`, `no more than 10 per minute`. In: items. Out: what was found,
and the items it used. Never: decides which action they govern (that is `build`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from eyeflow.frontend.intent import Retry
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import phrase_at
from eyeflow.units import convert

_LIMITS: Final = (
    "at most",
    "no more than",
    "not more than",
    "max",
    "maximum",
    "a maximum of",
    "maximum of",
    "up to",
    "limited to",
    "limit to",
)
_WINDOWS: Final = {"second": "s", "sec": "s", "minute": "min", "min": "min", "hour": "h", "day": "d"}


class Policies(msgspec.Struct, frozen=True, eq=False):
    """What was said: `rate` as LLM-IR writes it (`10/min`), `retry`; `used` item indexes; `retry_at` the index of the
    first item of the retry phrase, to find the action before it; `leads` when it opens the sentence (`try up to 4
    times to ...`)."""

    rate: str | None = None
    retry: Retry | None = None
    retry_at: int | None = None
    leads: bool = False
    used: frozenset[int] = frozenset()


def read(items: Sequence[Item]) -> Policies:
    """Rate and retry phrases of one sentence."""
    rate, rate_used = _rate(items)
    retry, at, retry_used = _retry(items, rate_used)
    leads = at is not None and bool(items) and at == items[0].index
    return Policies(rate, retry, at, leads, frozenset(rate_used | retry_used))


def _limit_before(items: Sequence[Item], at: int) -> int | None:
    """Where a phrase of `_LIMITS` that ends right before `at` begins."""
    lowered = [i.lower for i in items]
    for phrase in _LIMITS:
        parts = phrase.split()
        if lowered[max(0, at - len(parts)) : at] == parts:
            return at - len(parts)
    return None


def _rate(items: Sequence[Item]) -> tuple[str | None, set[int]]:
    for k, item in enumerate(items):
        if item.kind != "number" or not isinstance(item.value, int):
            continue
        start = _limit_before(items, k)
        for j in range(k + 1, min(k + 4, len(items) - 1)):
            word = items[j + 1].lower.rstrip("s")
            if items[j].lower in ("per", "a", "an", "every", "each") and word in _WINDOWS and start is not None:
                return f"{item.value}/{_WINDOWS[word]}", {i.index for i in items[start : j + 2]}
    return None, set()


def _retry(items: Sequence[Item], taken: set[int]) -> tuple[Retry | None, int | None, set[int]]:
    lowered = [i.lower for i in items]
    for k in range(len(items)):
        if lowered[k] not in ("retry", "try", "retrying", "retries", "attempt", "attempts") or items[k].index in taken:
            continue
        times = next((j for j in range(max(0, k - 4), min(k + 7, len(items))) if _times(items, j)), None)
        if times is None:
            continue
        number = items[times].value
        assert isinstance(number, int)
        end = times + 2 if times >= k else k + 1
        start = min(k, _limit_before(items, times) or times)
        delay, end = _delay(items, end)
        while end < len(items) and phrase_at("giving_up", lowered, end):
            end += phrase_at("giving_up", lowered, end)
        # "retry 3 times" is three tries in all, as RETRY counts; the catalog's word is attempts
        return Retry(attempts=number, delay_ms=delay), items[start].index, {i.index for i in items[start:end]}
    return None, None, set()


def _times(items: Sequence[Item], j: int) -> bool:
    after = items[j + 1].lower if j + 1 < len(items) else ""
    return (
        items[j].kind == "number"
        and isinstance(items[j].value, int)
        and after in ("times", "time", "attempts", "tries", "more")
    )


def _delay(items: Sequence[Item], at: int) -> tuple[int, int]:
    """A pause right after (`with 5 minutes in between`, `every 30 seconds`, `waiting a minute`)."""
    end = at
    for j in range(at, min(at + 6, len(items))):
        amount = items[j]
        duration = amount.time.duration_ms if amount.time is not None else None
        if amount.kind == "quantity" and isinstance(amount.value, int | float) and amount.unit:
            duration = int(convert(amount.value, amount.unit, "ms"))
        if duration is not None:
            end = j + 1
            while end < len(items) and items[end].lower in (
                "in",
                "between",
                "apart",
                "each",
                "attempts",
                "tries",
                "them",
                "time",
                "every",
            ):
                end += 1
            return duration, end
        if items[j].lower not in (
            "with",
            "every",
            "waiting",
            "wait",
            "a",
            "after",
            "at",
            "in",
            "intervals",
            "of",
            "spaced",
            "pause",
            ",",
        ):
            break
    return 0, end
