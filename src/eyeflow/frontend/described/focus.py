"""What a request asks for: the first thing named after the question word or the order.

Knows: how English questions and orders begin, which sentences only set the scene. In: items. Out: positions of words.
Never: looks at a capability.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from itertools import pairwise
from typing import Final

from eyeflow.frontend.data import words
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import is_base_verb
from eyeflow.frontend.lexicon import words as language

_ENDS: Final = (".", "!", "?", ";", "\n")
_WH: Final = ("what", "what's", "how", "how's", "which", "who", "who's", "when", "where")
_RELATIVE: Final = ("which", "who", "when", "where")
"""Question words that also begin relative clauses: they ask at the beginning of a clause only."""

_SORTS: Final = ("kind", "kinds", "type", "types", "sort", "sorts")
_WISHES: Final = ("i", "i'd", "i'm", "we", "we'd")


def focus(items: Sequence[Item], own: Container[str] = ()) -> tuple[str, list[int]]:
    """The question word (or an empty text) and the words that name what is asked for; none when nothing tells. Stems
    in `own` say something, whatever else they may do."""
    asking = next((k for k in range(len(items)) if _asks(items, k)), None)
    if asking is not None:
        return items[asking].lower, _thing(items, asking + 1, own)
    for want in (_orders, _wishes):
        start = next((k for k in _beginnings(items) if want(items[k])), None)
        if start is not None:
            return "", _thing(items, start + (want is _orders and is_base_verb(items[start].lower)), own)
    frame = words("described", "frame")
    bare = next((k for k, i in enumerate(items) if i.is_word and not i.is_stop and i.lower not in frame), None)
    said = {i.lower for i in items[:bare] if i.is_word and i.lower not in frame} - language("determiners")
    if bare is not None and not items[bare].acts and said <= {"and", "then", "also", "after", "that", "please"}:
        return "", _thing(items, bare, own)  # `volume of a sphere`
    return "", []


def _beginnings(items: Sequence[Item]) -> list[int]:
    return [k for k, i in enumerate(items) if i.is_word and (k == 0 or items[k - 1].text in _ENDS)]


def _asks(items: Sequence[Item], at: int) -> bool:
    if items[at].lower not in _WH:
        return False
    if items[at].lower not in _RELATIVE:
        return True
    before = items[at - 1] if at else None
    frame = words("described", "frame")
    return before is None or before.kind == "punct" or before.lower in ("me", "and", "out") or before.lower in frame


def _orders(item: Item) -> bool:
    return is_base_verb(item.lower) or item.lower in words("described", "leads")


def _wishes(item: Item) -> bool:
    return item.lower in _WISHES


def _thing(items: Sequence[Item], at: int, own: Container[str]) -> list[int]:
    """The first run of content words from `at` on, before any value."""
    frame = words("described", "frame")
    k = at
    while k < len(items) and items[k].is_word and (items[k].is_stop or items[k].lower in (*frame, *_SORTS)):
        if items[k].stem in own and not items[k].is_stop:
            break
        k += 1
    found = []
    while k < len(items) and items[k].is_word and not items[k].is_stop:
        if items[k].lower not in frame or items[k].stem in own:
            found.append(k)
        k += 1
    return found


_TELLING: Final = frozenset(
    {
        "i",
        "i'm",
        "i've",
        "we",
        "we're",
        "you",
        "you're",
        "he",
        "she",
        "my",
        "our",
        "the",
        "a",
        "an",
        "it",
        "imagine",
        "suppose",
    }
)
"""Words that begin a sentence which tells something."""


_HAVING: Final = frozenset({"have", "has", "had", "got", "need", "needs", "want", "wants", "with", "like", "i've"})


def scenery(items: Sequence[Item], used: Container[int], *, having: bool = True) -> set[int]:
    """Positions of sentences that tell something without a value (none in `used`), an order or a question: `I am
    renovating.`; without `having` only those that do not say what somebody has or wants."""
    found: set[int] = set()
    start = 0
    for at, item in enumerate(items):
        if item.text not in _ENDS and at + 1 < len(items):
            continue
        held = list(range(start, at + 1))
        start = at + 1
        found |= _leading_up(items, held, used)
        word, _ = focus([items[k] for k in held])
        helps = any(items[k].lower == "help" for k in held[:5])
        told = helps or (items[held[0]].lower in _TELLING and item.text != "?")
        told = told and (having or not any(items[k].lower in _HAVING for k in held))
        if told and not word and not any(k in used for k in held) and len(held) < at + 1 + (start < len(items)):
            found.update(held)
    return found


def _leading_up(items: Sequence[Item], held: Sequence[int], used: Container[int]) -> set[int]:
    """`I'm working on my boat and I need to know ...`: the clause before the wish, when it says no value. The words of
    the wish itself are courtesy and were taken out before."""
    joint = next((k for k in held[1:-1] if items[k].lower == "and" and items[k + 1].index - items[k].index > 1), None)
    if joint is None or not is_base_verb(items[joint + 1].lower) or any(k in used for k in range(held[0], joint)):
        return set()
    begins = [items[k].lower for k in held[:4]]
    progressive = any(a in ("i'm", "we're", "am", "are") and b.endswith("ing") for a, b in pairwise(begins))
    return set(range(held[0], joint)) if progressive else set()
