"""How strongly is a number tied to a parameter?

Knows: units, shares, money, years, what a number counts. In: a `Piece`, a `Place`, what stands around. Out: a score;
None where the number cannot go there. Never: assigns.
"""

from __future__ import annotations

import re
from typing import Final

from eyeflow.frontend.data import words
from eyeflow.frontend.described.cues import STRONG, Around, cue_words, named
from eyeflow.frontend.described.kin import kin
from eyeflow.frontend.described.piece import Piece
from eyeflow.frontend.described.signature import Place, akin, told
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import stem
from eyeflow.units import compatible


def number_edge(piece: Piece, place: Place, said: Around) -> float | None:
    """A number for a numeric parameter, or as the text of a code."""
    if place.numeric and place.field.enum and str(piece.value) not in place.field.enum:
        return None
    if not place.numeric:
        return _number_as_text(piece, place, said)
    if isinstance(piece.value, float) and not piece.value.is_integer() and _whole(place) and piece.kind != "share":
        return None
    score = named(piece, place, said)
    before = said.items[piece.start - 1].lower if piece.start else ""
    if piece.kind == "money":
        away = "share" in place.traits or place.unit is not None or (said.moneyed and bool(_COUNTS & set(place.names)))
        score += 1.6 if "money" in place.traits else -3.0 if away else -0.3
    elif piece.kind == "share":
        score += 1.8 if "share" in place.traits else 0.5 if _of_hundred(place, said) else -3.0
    elif piece.unit is not None and place.unit is not None:
        if unit_in(piece, place) is None:
            return None
        score += 1.8
    elif piece.unit is not None and stem(piece.unit) in place.counted:
        score += 1.8
    elif piece.unit is not None and any(akin(stem(piece.unit), w) for w in place.names):
        score += 2.5
    elif piece.unit is not None and any(akin(stem(piece.unit), w) for w in place.about):
        score += 1.2
    elif piece.unit is not None:
        score -= 0.8
    if "share" in place.traits and piece.kind == "number" and (piece.unit is not None or _spanned(piece, said)):
        return None
    if piece.unit is None and piece.end < len(said.items) and _counted(said.items[piece.end], place):
        score += 1.5  # `10 years` for a duration in years
    elif piece.unit is None and _beside(piece, said) in place.counted:
        score += 1.8
    elif _other_span(piece, place, said):
        return None
    squared = piece.end < len(said.items) and said.items[piece.end].lower in ("square", "cubic")
    if _year(piece, before) and not squared:
        score += 2.5 if "year" in place.traits else -1.0
    elif "year" in place.traits and (place.names == ("year",) or squared):
        return None
    if before == "of" and piece.start > 1 and said.items[piece.start - 2].lower == "out":
        score += 2.0 if _TOTALS & {*place.names, *place.about} else -1.0  # `3 out of 12`
    if piece.unit is None and any(stem(w) in place.names for w in words("described", "heads")) and _heads(piece, said):
        score += 1.6
    if piece.measure is not None:
        if not _written_alike(piece.measure, place):
            return None
        score += 1.5
    if piece.unit is None and _number_of(piece, place, said):
        score += 2.0
    if "limit" in place.traits and not place.many and _of_things(piece, said):
        score += 1.6
    if "limit" in place.traits and (before in ("top", "first", "next", "last", "latest") or _counts(piece, said)):
        score += 2.0
    return round(score, 4)


def unit_in(piece: Piece, place: Place) -> str | None:
    """The unit of a number as `place` can take it, or None; a bare `m` is minutes or meters, as the place counts."""
    if piece.unit is None or place.unit is None:
        return None
    if compatible(piece.unit, place.unit.name):
        return piece.unit
    if piece.unit == "minutes" and piece.text[-1:] == "m" and compatible("meters", place.unit.name):
        return "meters"
    return None


_TOTALS: Final = frozenset({"total", "possibl", "possible", "all", "whole", "populat", "maximum", "max"})

_COUNTS: Final = frozenset(
    {"year", "month", "week", "day", "night", "hour", "minut", "count", "number", "time", "quantiti"}
)
"""Words of names of parameters that count something other than money."""


def _written_alike(measure: str, place: Place) -> bool:
    """The parameter's description counts in this very unit, or names none with `per` in it."""
    held = re.sub(r"[\s^·*()]", "", place.field.description.casefold())
    wanted = re.sub(r"[\s^·*()]", "", measure.casefold())
    return wanted in held or ("/" not in held and " per " not in place.field.description.casefold())


_NUMBER_OF: Final = re.compile(r"\b(?:number of|how many|count of)\s+((?:[a-z]+[ -]){0,2}[a-z]+)", re.IGNORECASE)


def _number_of(piece: Piece, place: Place, said: Around) -> bool:
    """`25 soul songs` for a parameter that is a `number of songs`."""
    hit = _NUMBER_OF.search(place.field.description)
    if hit is None:
        return False
    counted = [w for w in told(hit[1]) if w not in words("described", "signature")]
    near: list[str] = []
    for item in said.items[piece.end : piece.end + 3]:
        if not item.is_word or item.is_stop:
            break
        near.append(item.stem)
    return any(akin(w, n) or n in kin(w) for w in counted for n in near)


def _of_hundred(place: Place, said: Around) -> bool:
    """The only number wanted, and counted from 0 to 100 or as a percentage."""
    text = place.field.description.casefold()
    alone = sum(1 for word, many in said.shares.items() if word in cue_words(place) and many == 1) > 0
    return alone and bool(re.search(r"percent|\b0\b.*\b100\b|%", text))


def _counted(item: Item, place: Place) -> bool:
    return item.is_word and item.stem in words("described", "spans") and item.stem in (*place.about, *place.names)


def _other_span(piece: Piece, place: Place, said: Around) -> bool:
    """`18 months` where years are counted: no conversion of calendar spans is ever right."""
    spans = words("described", "spans")
    own = {w for w in (*place.names, *place.about) if w in spans}
    after = said.items[piece.end] if piece.end < len(said.items) else None
    told = stem(piece.unit) if piece.unit is not None else after.stem if after is not None and after.is_word else ""
    return bool(own) and told in spans and told not in own and unit_in(piece, place) is None


def _spanned(piece: Piece, said: Around) -> bool:
    """`30 years`, `a 5-year term`."""
    after = said.items[piece.end] if piece.end < len(said.items) else None
    return after is not None and after.is_word and after.stem in words("described", "spans")


def _of_things(piece: Piece, said: Around) -> bool:
    """`12 dumplings`: a number right before a plain word that is no unit."""
    after = said.items[piece.end] if piece.end < len(said.items) else None
    plain = after is not None and after.is_word and not after.is_stop and piece.end not in said.taken
    return plain and piece.kind == "number" and piece.unit is None


def _beside(piece: Piece, said: Around) -> str:
    """The stem of the word a number counts: `feet` of `1500 square feet`."""
    k = piece.end
    while k < len(said.items) and said.items[k].lower in ("square", "cubic"):
        k += 1
    return said.items[k].stem if k < len(said.items) else ""


def _heads(piece: Piece, said: Around) -> bool:
    """`for two`, `for 4 people`, `2 tickets`: the number counts people."""
    after = said.items[piece.end] if piece.end < len(said.items) else None
    before = said.items[piece.start - 1].lower if piece.start else ""
    further = said.items[piece.end + 1].lower if piece.end + 1 < len(said.items) else ""
    if after is not None and after.lower == "of" and further in ("us", "them", "you"):
        return True
    if after is not None and after.is_word and not after.is_stop:
        return any(akin(after.stem, stem(w)) for w in words("described", "heads"))
    return before in ("for", "of")


def _counts(piece: Piece, said: Around) -> bool:
    """`ten major events`: the number counts the very things that are asked for."""
    return piece.unit is None and any(i.stem in said.own for i in said.items[piece.end : piece.end + 3] if i.is_word)


def _whole(place: Place) -> bool:
    held = place.field.type
    inner = getattr(held, "item", held)
    return getattr(inner, "name", "") == "integer"


def _year(piece: Piece, before: str = "") -> bool:
    least = 1000 if before in ("in", "year", "since", "of", "by", "from") else 1500
    plain = piece.kind == "number" and piece.unit is None and len(piece.text) == 4
    return plain and isinstance(piece.value, int) and least <= piece.value <= 2100


def _number_as_text(piece: Piece, place: Place, said: Around) -> float | None:
    if not place.textual or piece.kind in ("share", "money") or piece.unit is not None:
        return None
    if place.closed:
        score = named(piece, place, said) + 2.0 * ("year" in place.traits and _year(piece))
        return round(score, 4) if score >= STRONG and piece.text in place.field.enum else None
    if not place.traits & {"code", "year"}:
        return None
    score = named(piece, place, said)
    annual = "year" in place.traits and _year(piece)
    return round(score + 0.5 + 1.5 * annual, 4) if score >= STRONG or annual else None
