"""`turn on the light at 7 and off again at 11`, `pump on at 6 and off at 7`: the second switching in full.

Knows: verbs of switching and their particles. In: a request and its items. Out: edits. Never: a thing nobody named.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import words
from eyeflow.frontend.recast.said import CUES, IT, JOINS, opens, over, sentences
from eyeflow.values import Span

_VERBS: Final = frozenset({"turn", "switch"})
_STATES: Final = frozenset({"on", "off"})
_FILLS: Final = frozenset({"then", "back", "again", "turn", "switch", "it", "them"})

Edits = tuple[tuple[Span, str], ...]


def edits(text: str, items: Sequence[Item]) -> Edits:
    for begin, end in sentences(items):
        for at in range(begin, end):
            if items[at].lower in _VERBS and opens(items, at):
                found = _ordered(text, items, at, end)
                if found:
                    return found
        found = _unordered(text, items, begin, end)
        if found:
            return found
    return ()


def _ordered(text: str, items: Sequence[Item], verb: int, end: int) -> Edits:
    stop = next((k for k in range(verb + 1, end) if _breaks(items[k])), end)
    said = list(items[verb + 1 : stop])
    state = next((i for i in said if i.lower in _STATES), None)
    if state is None or state not in (said[0], said[-1]):
        return ()
    thing = [i for i in said if i is not state]
    if not thing or thing[0].lower in IT:
        return ()
    return _second(items, (stop, end), over(text, thing), state.lower)


def _unordered(text: str, items: Sequence[Item], begin: int, end: int) -> Edits:
    """`water pump on at 06:00 and off at 06:20`: a thing, its state and when, twice."""
    held = list(range(begin, end))
    while held and (items[held[0]].kind in ("time", "punct") or items[held[0]].lower == "please"):
        held.pop(0)
    if not held:
        return ()
    state = next((k for k in held if items[k].lower in _STATES and k + 1 < end and items[k + 1].kind == "time"), None)
    if state is None or state == held[0] or any(i.acts or _breaks(i) for i in items[held[0] : state]):
        return ()
    thing = over(text, items[held[0] : state])
    thing = thing if items[held[0]].lower in words("determiners") else f"the {thing}"
    second = _second(items, (state + 1, end), thing, items[state].lower)
    whole = Span(items[held[0]].span.start, items[state].span.end)
    return ((whole, f"turn {items[state].lower} {thing}"), *second) if second else ()


def _second(items: Sequence[Item], within: tuple[int, int], thing: str, first: str) -> Edits:
    """The later `and off again ...` with the verb and the thing."""
    begin, end = within
    for at in range(begin, end):
        if items[at].lower not in _STATES or items[at].lower == first:
            continue
        start = at
        while start > begin and items[start - 1].lower in _FILLS:
            start -= 1
        stop = at + 1
        while stop < end and items[stop].lower in ("again", "it", "them"):
            stop += 1
        joined = start > 0 and items[start - 1].lower in JOINS
        ends = stop == len(items) or items[stop].kind in ("time", "punct") or items[stop].lower in CUES | JOINS
        if joined and ends:
            return ((Span(items[start].span.start, items[stop - 1].span.end), f"turn {items[at].lower} {thing}"),)
    return ()


def _breaks(item: Item) -> bool:
    return item.kind in ("time", "punct") or item.lower in CUES or item.lower in JOINS
