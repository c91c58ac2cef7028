"""What makes a call that could be filled doubtful all the same: the words ask for something else with its values.

Knows: questions about doing, further orders, what stands between a thing and a value. In: a `Filling`, its items.
Out: positions that stay unexplained, questions. Never: changes what was filled.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Final

import msgspec

from eyeflow.frontend.data import words
from eyeflow.frontend.described.choose import asks
from eyeflow.frontend.described.cues import cue_words
from eyeflow.frontend.described.filling import NUMBERS, Filling
from eyeflow.frontend.described.focus import focus
from eyeflow.frontend.described.kin import kin
from eyeflow.frontend.described.piece import Piece
from eyeflow.frontend.described.signature import Place, akin, among, root
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import is_base_verb, stem
from eyeflow.frontend.scope import Scope
from eyeflow.frontend.timegrammar import TimePhrase
from eyeflow.units import compatible

_BEFORE_ORDERS: Final = ("and", "then", ",", "or", "to", "please", "also", "i", ";", ".")
_ASKING: Final = ("should", "did", "do", "does", "have", "has", "is", "are", "was", "were", "am", "will", "may", "can")


def ordered(items: Sequence[Item], at: int) -> bool:
    """The word at `at` is an order of its own: `cancel my booking`, `... and save it`."""
    if not is_base_verb(items[at].lower):
        return _new_order(items, at)
    return at == 0 or items[at - 1].lower in _BEFORE_ORDERS


def keeps(state: Filling, at: int) -> bool:
    """`keep it private`: only the value after it says something."""
    items = state.items
    plain = items[at].lower in ("keep", "make", "have", "leave") and at + 2 in state.used
    return plain and items[at + 1].lower in ("it", "this", "that", "them")


def _new_order(items: Sequence[Item], at: int) -> bool:
    """`... and reboot it`: a word nobody knows does something to what was spoken of."""
    if not at or at + 1 >= len(items) or items[at - 1].lower not in ("and", "then", ";"):
        return False
    plain = items[at].is_word and not items[at].is_stop and not items[at].lower.endswith(("s", "ed", "ing", "ly"))
    return plain and items[at + 1].lower in ("it", "them", "this", "that", "these", "those", "him", "her")


def of_value(state: Filling, at: int) -> bool:
    """`the capital of Norway`: the word stands between the value and what is asked, which is no more of the value."""
    k = at + 1
    while k < len(state.items) and state.items[k].lower in ("of", "the", "from"):
        k += 1
    led = k > at + 1 and state.items[at + 1].lower in ("of", "from")
    if not led or k not in state.used or not any(p.start <= k < p.end for p in state.pieces):
        return False
    if at and at - 1 in state.used and state.items[at].stem in words("described", "spans"):
        return False  # `the sick days of Jan Smit`: the value before it says of which sort
    return state.items[at + 1].lower == "of" or not any("origin" in p.traits for p in _takers(state, k))


def wondered(items: Sequence[Item], used: Container[int]) -> set[int]:
    """`Is the harbour deep enough?`: positions of what a sentence asks to have confirmed, after all its values."""
    found: set[int] = set()
    start = 0
    for at, item in enumerate(items):
        if item.text not in _SENTENCES and at + 1 < len(items):
            continue
        first = next((k for k in range(start, at + 1) if items[k].is_word), None)
        whole = first is not None and item.text == "?" and items[first].lower in _ASKING
        if whole and first is not None and items[first + 1].lower not in ("you", "we", "i"):
            last = max((k for k in range(first, at) if k in used), default=first)
            found.update(range(last + 1, at))
        start = at + 1
    return found


_SENTENCES: Final = (".", "!", "?", ";", "\n")


def _takers(state: Filling, at: int) -> list[Place]:
    """The parameters that took what stands at `at`."""
    return [p for p in state.sig.places if any(h.at == at for h in state.said.get(p.name, ()))]


def raised(state: Filling, items: Sequence[Item], scope: Scope, *, several: bool) -> Scope:
    """`scope` with a question for each doubt."""
    entry = state.sig.entry
    first = next((i for i in items if i.is_word), None)
    at = items.index(first) + 1 if first is not None else len(items)
    after = items[at] if at < len(items) else None
    asks = first is not None and first.lower in _ASKING and after is not None and after.lower != "you"
    if asks and first is not None and not entry.reads:
        scope = scope.ask("meaning", "Is this to be done, or only a question about it?", (), first.span)
    for n, item in enumerate(items[:-1]):
        k = n + 1
        while k + 1 < len(items) and items[k].lower in ("the", "a", "an"):
            k += 1
        piece = (
            next((p for p in state.pieces if p.start == k), None) if item.lower in words("described", "apart") else None
        )
        if piece is not None and k in state.used and not _bounds(state, item, piece):
            said = scope.text[item.span.start : items[k].span.end]
            scope = scope.ask("meaning", f"“{said}” is not the value itself: which value is meant?", (), item.span)
    told = _told_more(state, items)
    if told is not None:
        asked_more = f"“{told.text} ...” is asked for as well, and {entry.service.title} does not say it."
        scope = scope.ask("meaning", asked_more, (), told.span)
    if several and not entry.reads and any(i.lower == "or" for i in items):
        scope = scope.ask("calls", "Which of these: one of them, or all?", (), None)
    wanted = next((i for i in items if i.is_word and not i.is_stop and not _frame(i)), None)
    word, asked_for = focus(items)
    if word in ("who", "who's") and asked_for and _by_maker(state, items[asked_for[0]]):
        asked = f"{entry.service.title} finds things by who made them. What is asked for?"
        scope = scope.ask("meaning", asked, (), items[asked_for[0]].span)
    elif wanted is not None and not _sets(items) and _input(state, wanted):
        asked = f"“{wanted.text}” is what {entry.service.title} takes, not what it gives. What is asked for?"
        scope = scope.ask("meaning", asked, (), wanted.span)
    return scope


def _told_more(state: Filling, items: Sequence[Item]) -> Item | None:
    """`... and tell me whether it is insured`: a second wish in which nothing is said of the call."""
    own = state.sig.core | state.sig.summary
    for at in range(2, len(items)):
        if items[at - 1].lower != "and" or items[at].lower not in ("tell", "show", "let", "give"):
            continue
        end = next((k for k in range(at, len(items)) if items[k].text in (".", "!", "?", ";", "\n")), len(items))
        said = [k for k in range(at + 1, end) if items[k].is_word and not items[k].is_stop]
        if said and not any(k in state.used or among(items[k].stem, own) for k in range(at + 1, end)):
            return items[at]
    return None


def times_left(items: Sequence[Item], times: Sequence[TimePhrase], used: set[int], scope: Scope) -> Scope:
    """`scope` with a question for a time that was said and that no parameter has taken: it is never just dropped."""
    for phrase in times:
        dated = bool({"date", "time", "window", "day"} & set(phrase.explicit))
        if phrase.in_free_text or not (
            phrase.kind in ("window", "relative_day", "part") or (dated and phrase.triggers)
        ):
            continue
        held = [i for i in items if i.span.start < phrase.span.end and phrase.span.start < i.span.end]
        last = items.index(held[-1]) + 1 if held else len(items)
        held += items[last : last + 1] if last < len(items) and items[last].is_literal else []  # `last year 2022`
        if held and not any(i.index in used for i in held):
            asked = f"What is “{phrase.text}” said of? No parameter takes it."
            scope = scope.ask("time", asked, (), phrase.span)
    return scope


def _bounds(state: Filling, item: Item, piece: Piece) -> bool:
    """`under 120 euros` for a maximum, `over 24 months`, `after a 15% discount`: the value is meant as it is said."""
    if piece.kind == "share" and item.lower == "after":
        return True
    at = state.items.index(item)
    if item.lower == "than" and at:
        denied = at > 1 and state.items[at - 2].lower in ("no", "not")
        other = {"more": "less", "less": "more", "fewer": "more"}.get(state.items[at - 1].lower) if denied else None
        item = state.items[at - 1] if other is None else msgspec.structs.replace(state.items[at - 1], lower=other)
    after = state.items[piece.end] if piece.end < len(state.items) else None
    spans = words("described", "spans")
    timed = piece.unit is not None and compatible(piece.unit, "seconds")
    if item.lower in ("over", "after") and (timed or (after is not None and after.stem in spans)):
        return True
    if item.lower == "like" and any(p.traits & {"alike"} for p in _takers(state, piece.start)):
        return True
    place = next((p for p in state.sig.places if any(h.at == piece.start for h in state.said.get(p.name, []))), None)
    for said, kind in (("upper", "bounds_above"), ("lower", "bounds_below")):
        if place is not None and item.lower in words("described", said) and piece.kind in NUMBERS:
            return any(stem(w) in (*place.names, *place.about) for w in words("described", kind))
    return False


def _sets(items: Sequence[Item]) -> bool:
    """`set the city to ...`: what is named is what gets the value."""
    first = next((i.lower for i in items if i.is_word and not i.is_stop), "")
    return first in (*words("described", "changing"), "set", "update")


def _frame(item: Item) -> bool:
    return asks(item) or is_base_verb(item.lower)


def _by_maker(state: Filling, item: Item) -> bool:
    """`who wrote X`, where X was put to the writer: the question asks for what the capability takes."""
    makers = (p for p in state.sig.places if "maker" in p.traits and p.name in state.said)
    doers = (p for p in state.sig.places if p.textual and item.lower.endswith(("ed", "s")) and not item.proper)
    named = [*makers, *(p for p in doers if any(root(w) == root(item.stem) and w != item.stem for w in p.names))]
    return any(akin(form, w) for p in named for w in cue_words(p) for form in (item.stem, *kin(item.stem)))


def items_number(item: Item) -> bool:
    """A number, in figures or words."""
    return item.kind in ("number", "quantity", "ordinal")


def _input(state: Filling, item: Item) -> bool:
    """The word asked for names a parameter, and nothing the capability says it gives."""
    sig = state.sig
    if among(item.stem, sig.core | sig.summary):
        return False
    at = state.items.index(item)
    if any(k in state.used for k in range(at)):
        return False  # `fetch X with a timeout`: what is asked for was said before it
    if at and items_number(state.items[at - 1]):
        return False  # `3 loaves of rye`: how many are wanted
    alone = at + 1 >= len(state.items) or state.items[at + 1].lower in (
        "of",
        "for",
        "with",
        "in",
        "on",
        "given",
        "is",
        "it",
    )
    return alone and at not in state.used and any(akin(item.stem, w) for p in sig.places for w in cue_words(p))
