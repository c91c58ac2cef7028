"""How strongly do the words around a value tie it to a parameter?

Knows: names of parameters before and after a value, units, prepositions. In: a `Piece`, a `Place`, the items.
Out: a score; None where the value cannot go there. Never: assigns.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from eyeflow.frontend.data import words
from eyeflow.frontend.described.dates import is_month
from eyeflow.frontend.described.kin import kin, measures
from eyeflow.frontend.described.pieces import Piece
from eyeflow.frontend.described.signature import Place, Signature, akin, told
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import stem, synonyms
from eyeflow.units import compatible

STRONG: Final = 1.5
"""From here on a value is tied to a parameter by what was said, not by being left over."""

_LEFT, _RIGHT = 8, 4
_NEAR: Final = ("in", "at", "near", "around", "within", "across", "inside")
_LEADS: Final = (("titled", "titling"), ("words", "saying"), ("topic", "about"))
"""Words right before a text that say what kind of text it is: its trait, the list of the words."""

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
    exact = 3.0 if _assigned(piece, place, said) or _set_to(piece, place, said) else 0.0
    return exact + max(left, right) + 0.3 * min(left, right)


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


# --- by kind -------------------------------------------------------------------------------------------------------


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
    elif piece.unit is not None and any(akin(stem(piece.unit), w) for w in place.names):
        score += 2.5
    elif piece.unit is not None and any(akin(stem(piece.unit), w) for w in place.about):
        score += 1.2
    elif piece.unit is not None:
        score -= 0.8
    if "share" in place.traits and piece.kind == "number" and piece.unit is not None:
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


def text_edge(piece: Piece, place: Place, said: Around) -> float | None:
    """A name, quoted text or code for a textual parameter."""
    if not place.textual or place.traits & {"flag", "unit", "object", "time"} or place.closed:
        return None
    if "date" in place.traits and piece.kind != "quoted":
        return None
    if place.field.secret:
        return None
    score = named(piece, place, said)
    before = said.items[piece.start - 1].lower if piece.start else ""
    if before in ("the", "a", "an") and piece.start > 1:
        before = said.items[piece.start - 2].lower
    itself = piece.kind == "name" and _calls_itself(piece, place, said)
    apart = "currency" in place.names or is_month(piece.text)
    if (
        not apart
        and piece.kind == "name"
        and before in _NEAR
        and said.anywhere
        and "place" not in place.traits
        and not itself
        and (before != "at" or "venue" not in place.traits)
    ):
        return None
    if piece.kind in ("name", "words") and "kind" in place.traits and not itself:
        score += 2.0 if _before_thing(piece, said) else -0.5 * (piece.kind == "name")
    if piece.kind == "name" and re.match(r"(?:the )?(?:full )?(?:name|title)\b", place.field.description, re.I):
        score += 0.3
    score += 2.5 if itself else _prepositions(before, piece, place, said)
    score += _legs(before, piece, place, said)
    score += _region(piece, place)
    score += 0.3 * place.field.required
    if piece.text.casefold() in words("described", "languages"):
        score += 2.5 if "language" in place.traits else -1.5 * said.tongued
    elif "language" in place.traits:
        score -= 1.5
    if piece.kind == "code":
        score += 1.2 if "code" in place.traits else 0.0
    elif "code" in place.traits and piece.kind == "name":
        score -= 0.5
    if piece.kind == "quoted":
        score += 0.4 + 0.8 * ("titled" in place.traits) - 0.8 * ("maker" in place.traits)
    return round(score, 4)


def _before_thing(piece: Piece, said: Around) -> bool:
    """`Greek` in `a Greek restaurant`: it stands right before what is asked for."""
    after = said.items[piece.end] if piece.end < len(said.items) else None
    return after is not None and after.is_word and not after.is_stop and any(akin(after.stem, w) for w in said.own)


def _calls_itself(piece: Piece, place: Place, said: Around) -> bool:
    """`Premier League` for a league, `Grand Hotel` for a hotel."""
    held = said.items[piece.start : piece.end]
    return len(held) > 1 and any(akin(i.stem, w) for i in held if i.is_word for w in cue_words(place))


def _region(piece: Piece, place: Place) -> float:
    """A state or a country, for a parameter that is one."""
    if not set(place.names) & {"stat", "state", "countri", "country", "provinc", "province"}:
        return 0.0
    known = piece.text in words("regions", "abbreviated") or piece.text.casefold() in words("regions", "named")
    return 2.0 if known else 0.0


def _legs(before: str, piece: Piece, place: Place, said: Around) -> float:
    """`Faro to Evora`: what stands before `to` is where it begins."""
    after = said.items[piece.end].lower if piece.end < len(said.items) else ""
    if after != "to" or before in ("to", "from") or not any(p.start == piece.end + 1 for p in said.pieces):
        return 0.0
    return 2.5 if "origin" in place.traits else -2.0 if "target" in place.traits else 0.0


def _far(piece: Piece, said: Around) -> bool:
    """`within 10 miles of Denver`."""
    return any(p.end == piece.start - 1 and p.unit is not None and compatible(p.unit, "meters") for p in said.pieces)


def _prepositions(before: str, piece: Piece, place: Place, said: Around) -> float:
    traits = place.traits
    if "currency" in place.names:
        coded = len(piece.text) == 3 and piece.text.isupper()
        return 2.5 if coded and before in ("in", "to", "into", "of", "for") else 0.5 if coded else -1.0
    if is_month(piece.text):
        return 2.5 if "month" in place.names else -2.0
    if "venue" in traits and before == "from":
        return 2.0
    if before == "on" and "platform" in traits:
        return 2.0
    if before == "with" and piece.kind == "name" and "person" in traits:
        return 2.0
    special = next((trait for trait, key in _LEADS if before in words("described", key)), None)
    if special is not None:
        return 2.5 if special in traits else -0.5
    if before == "by":
        return 2.5 if "maker" in traits else -0.5
    if before == "from" and traits & {"origin", "target"}:
        return 2.5 if "origin" in traits else -3.0 if said.sourced else 1.5  # `request 20 dollars from Ada`
    if before == "to" and "to" in traits:
        return 2.5
    if before in ("to", "into") and traits & {"origin", "target"}:
        return 2.5 if "target" in traits else -3.0
    if before == "at" and "venue" in traits:
        return 2.5
    if "place" in traits and piece.kind == "name":
        return (
            2.0
            if before in _NEAR or (before == "of" and _far(piece, said))
            else 0.8
            if before in ("for", "of", "from", "to", "between", "and")
            else 0.3
        )
    if before in _NEAR and piece.kind == "name":
        return -0.4
    return 0.2 if before in ("of", "for", "about", "on", "the") else 0.0
