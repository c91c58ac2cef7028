"""How strongly is a name, a quoted text or a code tied to a parameter?

Knows: prepositions, what a name calls itself, regions, languages. In: a `Piece`, a `Place`, what stands around.
Out: a score; None where the text cannot go there. Never: assigns.
"""

from __future__ import annotations

import re
from typing import Final

from eyeflow.frontend.data import words
from eyeflow.frontend.described.cues import Around, cue_words, named
from eyeflow.frontend.described.dates import is_month
from eyeflow.frontend.described.piece import Piece
from eyeflow.frontend.described.signature import Place, akin
from eyeflow.units import compatible

_NEAR: Final = ("in", "at", "near", "around", "within", "across", "inside")

_LEADS: Final = (("titled", "titling"), ("words", "saying"), ("topic", "about"))
"""Words right before a text that say what kind of text it is: its trait, the list of the words."""


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
    if before == "in" and "contest" in traits:
        return 2.5
    if before == "like":
        return 2.5 if "alike" in traits else -1.0
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
