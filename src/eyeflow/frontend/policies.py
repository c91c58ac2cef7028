"""Retries, rates and waits said beside an action, taken out of the items before clauses are read.

Knows: `retry up to 3 times with 5 minutes in between`, `no more than 10 per minute` (`data/policies.yaml`).
In: items. Out: what was found, and the items it used. Never: decides which action they govern (that is `build`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from eyeflow.frontend.data import words
from eyeflow.frontend.intent import Retry
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import phrase_at
from eyeflow.units import convert

_WINDOWS: Final = {"second": "s", "sec": "s", "minute": "min", "min": "min", "hour": "h", "day": "d"}
_RETRY: Final = ("retry", "try", "retrying", "trying", "retries", "attempt", "attempts")
_NAMED: Final = {"twice": 2, "thrice": 3}
_FIRST_DELAY_MS: Final = 1_000
"""The first pause of "exponential backoff" when nobody says how long it is."""


class Policies(msgspec.Struct, frozen=True, eq=False):
    """What was said: `rate` as LLM-IR writes it (`10/min`), `retry`; `used` item indexes; `retry_at` the index of the
    first item of the retry phrase, to find the action before it; `leads` when it opens the sentence (`try up to 4
    times to ...`)."""

    rate: str | None = None
    retry: Retry | None = None
    retry_at: int | None = None
    leads: bool = False
    assumed: tuple[tuple[str, str, str], ...] = ()
    used: frozenset[int] = frozenset()


def read(items: Sequence[Item]) -> Policies:
    """Rate and retry phrases of one sentence."""
    rate, rate_used = _rate(items)
    retry, at, retry_used = _retry(items, rate_used)
    if retry is None:
        retry, at, retry_used = _failing(items)
    growing = _backoff(items) if retry is not None else set()
    assumed: tuple[tuple[str, str, str], ...] = ()
    if retry is not None and growing:
        delay = retry.delay_ms or _FIRST_DELAY_MS
        if not retry.delay_ms:
            assumed = (
                ("retry.delay", "1 second", "the first pause of an exponential backoff; each is twice the last"),
            )
        retry = Retry(attempts=retry.attempts, delay_ms=delay, backoff="exponential")
    leads = at is not None and at <= min(i.index for i in items)
    return Policies(rate, retry, at, leads, assumed, frozenset(rate_used | retry_used | growing))


def _limit_before(items: Sequence[Item], at: int) -> int | None:
    """Where a phrase such as `at most` that ends right before `at` begins."""
    lowered = [i.lower for i in items]
    for phrase in sorted(words("policies", "limits"), key=lambda p: (-len(p.split()), p)):
        parts = phrase.split()
        if lowered[max(0, at - len(parts)) : at] == parts:
            return at - len(parts)
    return None


def _rate(items: Sequence[Item]) -> tuple[str | None, set[int]]:
    for k, item in enumerate(items):
        count = 1 if item.lower == "once" else item.value if item.kind == "number" else None
        start = _limit_before(items, k) if isinstance(count, int) else None
        if start is None:
            continue
        for j in range(k + 1, min(k + 4, len(items) - 1)):
            word = items[j + 1].lower.rstrip("s")
            if items[j].lower in ("per", "a", "an", "every", "each") and word in _WINDOWS:
                return f"{count}/{_WINDOWS[word]}", {i.index for i in items[start : j + 2]}
    return None, set()


def _retry(items: Sequence[Item], taken: set[int]) -> tuple[Retry | None, int | None, set[int]]:
    lowered = [i.lower for i in items]
    for k in range(len(items)):
        if lowered[k] not in _RETRY or items[k].index in taken:
            continue
        near = range(max(0, k - 4), min(k + 9, len(items)))
        times = next((j for j in near if _count(items, j) and (j >= k or _near(items, j, k))), None)
        if times is None:
            continue
        number, length = _count(items, times) or (0, 0)
        after = times + length if times >= k else k + 1
        start = min(k, _limit_before(items, times) or times)
        delay, end = _delay(items, after)
        if not delay and times > k:
            delay = _between(items[k + 1 : times])
        while end < len(items) and phrase_at("giving_up", lowered, end):
            end += phrase_at("giving_up", lowered, end)
        # "retry 3 times" is three tries in all, as RETRY counts; the catalog's word is attempts
        return Retry(attempts=number, delay_ms=delay), items[start].index, {i.index for i in items[start:end]}
    return None, None, set()


def _failing(items: Sequence[Item]) -> tuple[Retry | None, int | None, set[int]]:
    """`if that fails three times`, `after 3 failed attempts`: so often it is tried before what is said then."""
    for k, item in enumerate(items[:-1]):
        after = [i.lower for i in items[k + 1 : k + 3]]
        failing = item.lower in ("fails", "fail") and (found := _count(items, k + 1)) is not None
        number = found[0] if failing and found is not None else None
        if item.kind == "number" and isinstance(item.value, int) and after[:1] in (["failures"], ["failed"]):
            number = item.value
        if item.kind == "number" and isinstance(item.value, int) and after == ["attempts", "fail"]:
            number = item.value
        if number is not None and number > 1:
            return Retry(attempts=number), items[k].index, set()
    return None, None, set()


def _near(items: Sequence[Item], at: int, retry: int) -> bool:
    """A number before the word: `up to 3 retries`, `with 3 attempts`; not `wait 2 times and try`."""
    return not any(i.kind == "punct" for i in items[at:retry])


def _count(items: Sequence[Item], j: int) -> tuple[int, int] | None:
    """(how often, how many items say so): `3 times`, `twice`."""
    if items[j].lower in _NAMED:
        return _NAMED[items[j].lower], 1
    after = items[j + 1].lower if j + 1 < len(items) else ""
    value = items[j].value
    further = j + 2 < len(items) and items[j + 2].lower in words("policies", "tries")
    if after in ("more", "further", "additional", "extra") and further and isinstance(value, int):
        return value + 1, 3  # beside the first
    if items[j].kind == "number" and isinstance(value, int) and after in words("policies", "tries"):
        return value, 2
    return None


def _between(items: Sequence[Item]) -> int:
    """The pause said before the number: `try again every 5 minutes, up to 4 times`."""
    return next((ms for item in items if (ms := _length(item)) is not None), 0)


def _length(item: Item) -> int | None:
    if item.time is not None and item.time.duration_ms is not None:
        return item.time.duration_ms
    if item.kind == "quantity" and isinstance(item.value, int | float) and item.unit:
        return int(convert(item.value, item.unit, "ms"))
    return None


def _delay(items: Sequence[Item], at: int) -> tuple[int, int]:
    """A pause right after (`with 5 minutes in between`, `every 30 seconds`, `a minute apart`)."""
    for j in range(at, min(at + 6, len(items))):
        duration, end = _length(items[j]), j + 1
        if duration is None and items[j].lower in ("a", "an", "one") and j + 1 < len(items):
            unit = items[j + 1].lower
            duration = int(convert(1, unit, "ms")) if unit in ("second", "minute", "hour") else None
            end = j + 2
        if duration is not None:
            while end < len(items) and items[end].lower in words("policies", "apart"):
                end += 1
            return duration, end
        if items[j].lower not in words("policies", "pausing"):
            break
    return 0, at


def _backoff(items: Sequence[Item]) -> set[int]:
    """The items of `with exponential backoff`, `doubling the delay each time`."""
    lowered = [i.lower for i in items]
    for at in range(len(items)):
        for phrase in sorted(words("policies", "exponential"), key=lambda p: (-len(p.split()), p)):
            parts = phrase.split()
            if lowered[at : at + len(parts)] == parts:
                return {i.index for i in items[at : at + len(parts)]}
    return set()
