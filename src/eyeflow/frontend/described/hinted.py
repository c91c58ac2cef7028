"""Values that a hint gives, put to their parameters before any rule looks for some.

Knows: when a hinted value may be taken: the request spells it, whole; it is of a kind that plain words can be; and a
second source says that it is meant for this parameter. In: a `Filling` and hints. Out: the same,
changed. Never: takes a number, a day, a unit, a listed value or a yes or no from a hint (the rules read those), splits
what the rules see as one value, takes one helper's word for which of two parameters a value is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eyeflow.frontend.described.filling import Filling, Said
from eyeflow.frontend.described.signature import Place, Signature
from eyeflow.frontend.hints import Hint, found_at
from eyeflow.frontend.intent import JsonValue
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import words as language
from eyeflow.frontend.values_said import escape

_READ_BY_RULES: Final = frozenset({"date", "time", "unit", "code", "flag", "object"})


def free(sig: Signature) -> list[Place]:
    """Parameters that plain words can be values of."""
    return [
        p for p in sig.places if p.textual and not p.closed and not p.traits & _READ_BY_RULES and not p.field.secret
    ]


def prefill(state: Filling, hints: Sequence[Hint]) -> None:
    """Every value of `hints` that may be taken."""
    places = {p.name: p for p in free(state.sig)}
    for hint in hints:
        for name, value in hint.params:
            place = places.get(name)
            if place is not None and name in hint.agreed:
                _put(state, place, value)


def _put(state: Filling, place: Place, value: JsonValue) -> None:
    said = value if place.many and isinstance(value, list) else [value]
    spots = [_spot(state, each) for each in said if isinstance(each, str)]
    if not spots or len(spots) != len(said):
        return
    held = [_spelled(place, state.items[spot.start : spot.stop]) for spot in spots if spot is not None]
    texts = [text for text in held if text is not None]
    if len(texts) != len(said):
        return
    taken = sorted({k for spot in spots if spot is not None for k in spot})
    for text in [texts] if place.many else texts:
        state.put(place, Said(text, taken[0]), taken)


def _spot(state: Filling, value: str) -> range | None:
    """Where the value stands, free, without its article, with no part of another value cut off."""
    for whole in found_at(value, state.items):
        start = whole.start
        while start < whole.stop - 1 and state.items[start].lower in language("determiners"):
            start += 1
        spot = range(start, whole.stop)
        met = [p for p in state.pieces if p.start < spot.stop and spot.start < p.end]
        if not state.used & set(spot) and all(spot.start <= p.start and p.end <= spot.stop for p in met):
            return spot
    return None


def _spelled(place: Place, held: Sequence[Item]) -> str | None:
    """The words as they stand there, when the parameter takes them."""
    quoted = held[0].value if len(held) == 1 and held[0].kind == "quoted" else None
    text = quoted if isinstance(quoted, str) else " ".join(item.text for item in held)
    most = place.field.max_length
    return escape(text) if most is None or len(text) <= most else None
