"""`the rest can be ignored`, `on weekends I want nothing`: what is said of cases in which nothing is done.

Knows: how people say that nothing is done (`data/recast.yaml`). In: a request and its items. Out: edits that drop what
only tells the other side of what was said, or make it an exception of the schedule.
Never: drops a case that nothing else in the request tells apart: that stays, and is asked about.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eyeflow.frontend import comparisons
from eyeflow.frontend.data import words
from eyeflow.frontend.items import Item
from eyeflow.frontend.recast.said import sentences
from eyeflow.values import Span

Edits = tuple[tuple[Span, str], ...]

_LONGEST: Final = 5
_EVERYTHING: Final = frozenset({"everything", "anything", "all", "everyone", "ones", "those"})


def edits(text: str, items: Sequence[Item]) -> Edits:
    for begin, end in sentences(items):
        for start in (begin, *(k + 1 for k in range(begin, end) if items[k].text in (",", ";"))):
            plain = " ".join(i.lower for i in items[start:end] if i.lower not in ("please", "and", "just"))
            if plain in words("recast", "ignoring"):
                comma = start > 0 and items[start - 1].text in (",", ";")
                return ((Span(items[start - comma].span.start, items[end - 1].span.end), ""),)
            stop = nothing_at(items[start:end])
            if not stop or start + stop >= end + 1:
                continue
            case = items[start : start + stop - 1]
            made = _dropped(text, items, (start, end), case)
            if made:
                return made
    return ()


def nothing_at(items: Sequence[Item]) -> int:
    """Where, counted from 1, a phrase begins that says nothing is done, when no more than a case is said before it."""
    for at in range(1, min(len(items), 9)):
        for length in range(min(_LONGEST, len(items) - at), 0, -1):
            if " ".join(i.lower for i in items[at : at + length]) in words("recast", "left_alone"):
                return at + 1
        if (items[at].kind == "punct" and items[at].text != ":") or items[at].acts:
            return 0
    return 0


def _dropped(text: str, items: Sequence[Item], within: tuple[int, int], case: Sequence[Item]) -> Edits:
    start, end = within
    if not case:
        return ()
    comma = start > 0 and items[start - 1].text in (",", ";")
    gone = Span(items[start - comma].span.start, items[end - 1].span.end)
    rest = [*items[:start], *items[end:]]
    days = case[0].time
    if days is not None and days.draft.weekdays and not days.draft.times and len(case) <= 3:
        return _excepted(rest, case[0], gone)
    return ((gone, ""),) if _other_side(rest, case) else ()


def _excepted(rest: Sequence[Item], days: Item, gone: Span) -> Edits:
    """`every day at 8 ...; on weekends nothing`: the series without these days, if it has them."""
    series = [i for i in rest if i.time is not None and i.time.triggers and i.time.draft.recurs]
    assert days.time is not None, "a time"
    if len(series) != 1 or series[0].time is None:
        return ()
    own = set(series[0].time.draft.weekdays)
    if own and not own & set(days.time.draft.weekdays):
        return ((gone, ""),)
    return ((series[0].span, f"{series[0].text} except {days.text}"), (gone, ""))


def _other_side(rest: Sequence[Item], case: Sequence[Item]) -> bool:
    """The rest; smaller ones of what is over an amount; what is not urgent, of what is urgent."""
    lowered = [i.lower for i in case]
    said = " ".join(w for w in lowered if w not in (":",) and w not in ("will", "should", "it"))
    if said in words("recast", "the_rest"):
        return True
    others = [i.lower for i in rest]
    hit = comparisons.find(others)
    if set(lowered) & words("recast", "lesser"):
        return hit is not None and hit.op in ("GT", "GE")
    if set(lowered) & words("recast", "greater"):
        return hit is not None and hit.op in ("LT", "LE")
    negated = {"isn't", "not", "aren't", "non"} & set(lowered)
    if lowered[0] in _EVERYTHING and negated:
        named = [i.stem for i in case if i.is_word and not i.is_stop and i.lower not in negated | _EVERYTHING]
        return bool(named) and set(named) <= {i.stem for i in rest}
    return False
