"""`post A in #team at 9am and B at 10pm every day`: what each of two times is for, in full.

Knows: that a verb, a place and how often may be said once for two. In: a request and its items. Out: edits.
Never: a place or a day for something that has its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import same_doing, words
from eyeflow.frontend.recast.said import (
    CLOCK,
    CUES,
    IT,
    JOINS,
    RECEIVERS,
    clocked,
    object_of,
    opens,
    over,
    place_in,
    sentences,
)
from eyeflow.frontend.timegrammar.draft import Draft
from eyeflow.values import Span

Edits = tuple[tuple[Span, str], ...]

_DAYS: Final = ("weekdays", "nth", "month_days", "workdays", "year_days", "months", "days", "iso", "relative", "unit")


def edits(text: str, items: Sequence[Item]) -> Edits:
    for begin, end in sentences(items):
        timed = [k for k in range(begin, end) if clocked(items[k])]
        if len(timed) < 2 or any(i.lower in CUES for i in items[begin:end]):
            continue
        found = _of_two(text, items, (begin, end), timed[0], timed[1]) or _last_told(items, (begin, end), timed)
        if found:
            return found
    return _carried_on(items)


def _last_told(items: Sequence[Item], within: tuple[int, int], timed: Sequence[int]) -> Edits:
    """`Each day at 18:00 do A and do B at 23:00`: the last time before what it is for, as the first one is."""
    begin, end = within
    verbs = [k for k in range(begin, end) if items[k].acts and opens(items, k)]
    if len(timed) != 2 or len(verbs) != 2 or timed[1] != end - 1 or not timed[0] < verbs[0] < verbs[1] < timed[1]:
        return ()
    if same_doing("get", items[verbs[0]].stem):
        return ()  # what is read at one time and told at another
    one, two = (items[k].time for k in timed)
    led = all(i.lower in JOINS for i in items[begin : timed[0]])
    if one is None or two is None or not led or not one.draft.recurs or two.draft.recurs or _dated(two.draft):
        return ()
    verb, last = items[verbs[1]], items[timed[1]]
    gone = Span(items[timed[1] - 1].span.end, last.span.end)
    return ((Span(verb.span.start, verb.span.start), f"{_at(last.text)} "), (gone, ""))


def _carried_on(items: Sequence[Item]) -> Edits:
    """`Every weekday at 9am post A. At 5pm post B.`: as often as the one before."""
    said = sentences(items)
    for (begin, end), (start, stop) in pairwise(said):
        one = [i for i in items[begin:end] if clocked(i)]
        two = [i for i in items[start:stop] if i.time is not None and i.time.triggers]
        first = items[start + (items[start].lower in ("and", "then"))]
        if len(one) != 1 or len(two) != 1 or two[0] is not first or one[0].time is None or two[0].time is None:
            continue
        cued = any(i.lower in CUES for i in items[begin:stop])
        often = _often_text(one[0])
        if one[0].time.draft.recurs and clocked(two[0]) and not _dated(two[0].time.draft) and often and not cued:
            return ((two[0].span, f"{often} {_at(two[0].text)}"),)
    return ()


def _often_text(item: Item) -> str:
    return " ".join(CLOCK.sub(" ", item.text, count=1).split()).strip(" ,")


def _of_two(text: str, items: Sequence[Item], within: tuple[int, int], one: int, two: int) -> Edits:
    begin, end = within
    first, second = items[one].time, items[two].time
    assert first is not None and second is not None, "both are times"
    if first.draft.times == second.draft.times:
        return ()
    verb = next((k for k in range(begin, two) if items[k].acts and opens(items, k)), None)
    if verb is None:
        return ()
    later = _later(items, one, two, end, leads=one < verb)
    if later is None:
        return ()
    start, stop = later
    acted = items[verb + 1 : one] if one > verb else items[verb + 1 : _join_before(items, two)]
    whole = dict(_shared(items, (begin, end), one, two))
    whole |= dict(_carried(text, items[start:stop], items[verb], acted))
    if one > verb:
        whole |= dict(_place_after(text, acted, items[start:stop], items[two + 1 : end]))
    return tuple(whole.items())


def _join_before(items: Sequence[Item], at: int) -> int:
    while at > 0 and items[at - 1].lower in JOINS:
        at -= 1
    return at


def _later(items: Sequence[Item], one: int, two: int, end: int, *, leads: bool) -> tuple[int, int] | None:
    """Where the second thing to do is said: before its time, or after it where the first time led."""
    if leads:
        joined = items[two - 1].lower in JOINS
        start = two + 1
        while start < end and items[start].lower in JOINS:
            start += 1
        stop = next((k for k in range(start, end) if items[k].kind == "time"), end)
        stop = next((k for k in range(start, stop) if items[k].text == ","), stop)
        return (start, stop) if joined and start < stop else None
    joined = items[one + 1].lower in JOINS
    start = one + 1
    while start < two and items[start].lower in JOINS:
        start += 1
    return (start, two) if joined and start < two else None


def _carried(text: str, said: Sequence[Item], verb: Item, acted: Sequence[Item]) -> Edits:
    """The second thing with the verb, the person and the place of the first, where it has none of its own."""
    if said[0].acts:
        return _named(text, said, acted)
    orders = any(i.acts and one.lower not in ("by", "via", "as", "per", "an", "a", "the") for one, i in pairwise(said))
    if said[0].lower in ("on", "off") or orders or said[0].lower in IT:
        return ()
    told = acted[0].text + " " if acted and acted[0].lower in words("me") else ""
    place = place_in(acted)
    own = any(i.kind in RECEIVERS for i in said)
    after = " " + over(text, acted[place:]) if place is not None and not own else ""
    return ((Span(said[0].span.start, said[-1].span.end), f"{verb.text.lower()} {told}{over(text, said)}{after}"),)


def _place_after(text: str, acted: Sequence[Item], said: Sequence[Item], tail: Sequence[Item]) -> Edits:
    """`A at 9 and B at 10 to #team`: the place at the end is the first thing's as well."""
    if not acted or said[0].acts or place_in(tail) != 0 or any(i.kind in RECEIVERS for i in (*acted, *said)):
        return ()
    return ((acted[-1].span, f"{acted[-1].text} {over(text, tail[:2])}"),)


def _named(text: str, said: Sequence[Item], acted: Sequence[Item]) -> Edits:
    """`and turn it off at 11pm`: of another task, so what `it` is must be said there too."""
    whom = acted[0] if acted and acted[0].kind in RECEIVERS else None
    thing = whom.text if whom is not None else over(text, object_of(acted))
    at = next((i for i in said[1:3] if i.lower in IT), None)
    if at is not None and thing and thing.casefold() not in IT:
        return ((at.span, thing),)
    if len(said) == 1 and thing:
        return ((said[0].span, f"{said[0].text} {thing}"),)
    return ()


def _shared(items: Sequence[Item], within: tuple[int, int], one: int, two: int) -> Edits:
    """How often, or on which days, where it is said once for both."""
    begin, end = within
    first, second = items[one], items[two]
    assert first.time is not None and second.time is not None, "both are times"
    alone = [k for k in range(begin, end) if k not in (one, two) and _often(items[k])]
    if len(alone) == 1 and not _dated(first.time.draft) and not _dated(second.time.draft):
        often = items[alone[0]]
        both = tuple((i.span, f"{often.text} {_at(i.text)}") for i in (first, second))
        return ((often.span, ""), *both)
    if alone or _dated(first.time.draft) == _dated(second.time.draft):
        return ()
    full, bare = (first, second) if _dated(first.time.draft) else (second, first)
    often_text = _often_text(full)
    return ((bare.span, f"{often_text} {_at(bare.text)}"),) if often_text else ()


def _at(text: str) -> str:
    return text if text.split(maxsplit=1)[0].lower() in ("at", "@", "around") else f"at {text}"


def _dated(draft: Draft) -> bool:
    return draft.recurs or any(getattr(draft, name) for name in _DAYS)


def _often(item: Item) -> bool:
    phrase = item.time
    return phrase is not None and phrase.triggers and _dated(phrase.draft) and not phrase.draft.times
