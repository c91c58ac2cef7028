"""How strongly do the words around a value tie it to a parameter?

Knows: names of parameters before and after a value. In: a `Piece`, a `Place`, the items. Out: what their own words
say of the two. Never: assigns, looks at what kind of value it is (`numeric.py` and `worded.py` do).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from eyeflow.frontend.data import words
from eyeflow.frontend.described.kin import kin, measures
from eyeflow.frontend.described.piece import Piece
from eyeflow.frontend.described.signature import Place, Signature, akin, among
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import synonyms

STRONG: Final = 1.5
"""From here on a value is tied to a parameter by what was said, not by being left over."""

_LEFT, _RIGHT = 8, 4

_NUMBERING: Final = ("first", "second", "third", "fourth", "firstly", "secondly", "finally", "lastly", "next", "then")

_IS: Final = ("of", "is", "are", "=", ":", "equal", "equals", "was", "being", "as", "named", "called", "titled")


class Around(msgspec.Struct, frozen=True, eq=False):
    """The request as cues see it: its items, its values, and how many parameters share each word of their names."""

    items: Sequence[Item]
    pieces: Sequence[Piece]
    taken: frozenset[int]
    shares: dict[str, int]
    own: frozenset[str]
    anywhere: bool
    moneyed: bool
    tongued: bool
    sourced: bool


def around(sig: Signature, items: Sequence[Item], pieces: Sequence[Piece]) -> Around:
    """What cues need to know of a request that is read for `sig`."""
    shares: dict[str, int] = {}
    for place in sig.places:
        for word in cue_words(place):
            shares[word] = shares.get(word, 0) + 1
    traits = frozenset(t for p in sig.places for t in p.traits)
    return Around(
        items=items,
        pieces=pieces,
        taken=frozenset(k for p in pieces for k in range(p.start, p.end)),
        shares=shares,
        own=sig.core | sig.summary,
        anywhere="place" in traits,
        moneyed="money" in traits,
        tongued="language" in traits,
        sourced="origin" in traits,
    )


def cue_words(place: Place) -> tuple[str, ...]:
    """The telling words of a parameter's name; all of them when none is."""
    plain = words("described", "signature")
    held = tuple(w for w in place.names if w not in plain and not w.isdigit() and len(w) > 1)
    if held and "code" in place.traits and place.names[-1] not in held and len(place.names[-1]) > 1:
        held = (*held, place.names[-1])
    return held or tuple(w for w in place.names if len(w) > 1)


def named(piece: Piece, place: Place, said: Around) -> float:
    """What the parameter's name and description say beside the value."""
    names = {w: 3.0 / (0.6 + 0.4 * said.shares.get(w, 1)) for w in cue_words(place)}
    if set(cue_words(place)) == set(place.names) and all(w in words("described", "signature") for w in place.names):
        names = dict.fromkeys(names, 1.6)  # `id`, `name`, `value`: weak by themselves
    about = dict.fromkeys(place.about, 1.0)
    back = range(piece.start - 1, max(-1, piece.start - 1 - _LEFT), -1)
    left = _walk(said, back, (names, about), piece, place)
    on = range(piece.end, min(len(said.items), piece.end + (1 if _joint(said, piece.start) else _RIGHT)))
    right = _walk(said, on, (names, about), piece, place)
    measured = any(i.is_word and i.stem in measures() for i in said.items[piece.end : piece.end + 2])
    if measured and right > 0 and "and" in (said.items[k].lower for k in back if k >= piece.start - 2):
        left = 0.0  # `64 tiles wide and 48 tiles high`: what is before belongs to the number before
    back_ = _told_before(piece, place, said)
    left = max(left, back_)
    exact = 3.0 if _assigned(piece, place, said) or _set_to(piece, place, said) else 0.0
    return exact + max(left, right) + 0.3 * min(left, right)


def _told_before(piece: Piece, place: Place, said: Around) -> float:
    """`a significance level of 0.01` where the description begins `Significance level`: as good as its name."""
    k = piece.start - 1
    if k < 0 or piece.group >= 0 or piece.kind not in ("number", "share") or said.items[k].lower not in _IS:
        return 0.0
    run: list[str] = []
    while k > 0 and said.items[k - 1].is_word and not said.items[k - 1].is_stop and k - 1 not in said.taken:
        run.append(said.items[k - 1].stem)
        k -= 1
    first = place.about[:3]
    hits = [w for w in run if among(w, first) or among(w, place.names)]
    return 1.6 if len(run) > 1 and len(hits) == len(run) else 0.0


def _assigned(piece: Piece, place: Place, said: Around) -> bool:
    """`a=2`, `x: 5`."""
    at = piece.start - 2
    return at >= 0 and said.items[at + 1].text in ("=", ":") and said.items[at].lower == place.name.casefold()


_ORDINAL: Final = re.compile(r"\d+(?:st|nd|rd|th)")


def _set_to(piece: Piece, place: Place, said: Around) -> bool:
    """`set the city of user 7 to Tampere`: what the first thing named after the verb becomes."""
    if not piece.start or said.items[piece.start - 1].lower != "to":
        return False
    start = piece.start - 1
    while start > 0 and said.items[start - 1].text not in (*".!?;\n", ",") and said.items[start - 1].lower != "and":
        start -= 1
    held = [i for i in said.items[start : piece.start - 1] if i.is_word]
    at = next((k for k, i in enumerate(held) if i.lower in (*words("described", "changing"), "set", "update")), None)
    after = [i for i in held[at + 1 :] if not i.is_stop] if at is not None else []
    return bool(after) and any(akin(after[0].stem, w) for w in cue_words(place))


def _walk(
    said: Around, steps: range, cues: tuple[dict[str, float], dict[str, float]], piece: Piece, place: Place
) -> float:
    names, about = cues
    way = steps.step
    made = words("described", "made")
    best: dict[str, float] = {}
    far = 0.0
    for k in steps:
        item = said.items[k]
        if way > 0 and (_joint(said, k) or _joint(said, k - 1)) and k > piece.end - 1 + _joint(said, piece.start):
            continue  # `2 six-sided dice`: what the dice are like, not how many
        if k in said.taken:
            other = next(p for p in said.pieces if p.start <= k < p.end)
            if way > 0 or other.group < 0 or other.group != piece.group:
                break
            continue
        if item.kind == "punct":
            beside = way < 0 and k == piece.start - 1  # `the painter, Jan Steen`
            if item.text in ".;!?\n" or (item.text == "," and not beside and (way > 0 or piece.group < 0)):
                break
            continue
        if item.lower in _NUMBERING and k + 1 < len(said.items) and said.items[k + 1].text == ",":
            break  # `First, ...`
        if way > 0 and item.is_stop and item.lower not in ("as", "the", "a", "an", "of", "in"):
            break
        if way < 0 and far > 1 and item.lower in ("and",):
            break
        if not item.is_word or (item.is_stop and not best):
            far += 0.25 if item.is_stop else 1.0
            continue
        if way > 0 and not (k == piece.end and _ORDINAL.fullmatch(piece.text)) and _leads(said, k):
            break
        if way < 0 and k - 1 in said.taken and not _leads(said, k) and _counting(said, k - 1):
            break  # `3 dice with 20 sides`: the dice are counted by the 3
        decay = 1.0 / (1.0 + 0.3 * far)
        for held in (names, about):
            near = (item.stem, *synonyms(item.stem), *(() if item.lower in made else kin(item.stem)))
            hit = next((w for w in held if any(akin(s, w) for s in near)), None)
            if hit is None and held is names and item.lower == place.name.casefold():
                hit = next(iter(held), None)
            if hit is not None:
                best[hit] = max(best.get(hit, 0.0), held[hit] * decay * (0.9 if way > 0 else 1.0))
                break
        far += 1
    ranked = sorted(best.values(), reverse=True)
    share = sum(1 for w in names if w in best) / len(names) if names else 0.0
    return (0.7 + 0.3 * share) * sum(score / (n + 1) for n, score in enumerate(ranked))


def _joint(said: Around, at: int) -> bool:
    """The number at `at` is written as one word with what it counts: `six-sided`."""
    return 0 <= at < len(said.items) - 1 and said.items[at].index == said.items[at + 1].index


def _counting(said: Around, at: int) -> bool:
    """What stands at `at` is a bare number: the word after it is what it counts."""
    piece = next(p for p in said.pieces if p.start <= at < p.end)
    return piece.kind == "number" and piece.unit is None and piece.group < 0


def _leads(said: Around, at: int) -> bool:
    """The word at `at` is a name for the value after it: `base 10 height 5`, `5 and the width is 3`."""
    after = at + 1
    if after < len(said.items) and said.items[after].lower in _IS:
        after += 1
        return after in said.taken
    return after in said.taken
