"""Values that a hint gives, put to their parameters before any rule looks for some.

Knows: when a hinted value may be taken: the request spells it, whole, and it is of a kind that plain words can be.
In: a `Filling` and hints. Out: the same, changed. Never: takes a day, a unit, a code or a yes or no from a hint (the
rules read those), splits what the rules see as one value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eyeflow.frontend.described.filling import NUMBERS, Filling, Said, take
from eyeflow.frontend.described.signature import Place
from eyeflow.frontend.hints import Hint, found_at
from eyeflow.frontend.intent import JsonValue
from eyeflow.frontend.values_said import escape

_READ_BY_RULES: Final = frozenset({"date", "time", "unit", "code", "flag", "object"})


def prefill(state: Filling, hints: Sequence[Hint]) -> None:
    """Every value of `hints` that may be taken."""
    places = {p.name: p for p in state.sig.places}
    for hint in hints:
        for name, value in hint.params:
            place = places.get(name)
            if place is not None and (place.closed or not place.traits & _READ_BY_RULES):
                _put(state, place, value)


def _put(state: Filling, place: Place, value: JsonValue) -> None:
    if isinstance(value, bool):
        return
    if isinstance(value, int | float):
        _number(state, place, value)
    elif isinstance(value, list) and place.many and value and all(isinstance(each, str) for each in value):
        _several(state, place, value)
    elif isinstance(value, str) and place.textual:
        spot = _spot(state, value)
        if spot is not None and (held := _spelled(state, place, spot)) is not None:
            state.put(place, Said([held] if place.many else held, spot.start), spot)


def _number(state: Filling, place: Place, value: float) -> None:
    if not place.numeric or place.many:
        return
    for piece in state.left():
        if piece.kind in NUMBERS and piece.value == value and take(state, piece, place):
            return


def _several(state: Filling, place: Place, values: Sequence[str]) -> None:
    spots = [_spot(state, each) for each in values]
    held = [_spelled(state, place, spot) for spot in spots if spot is not None]
    if len(held) != len(values) or any(each is None for each in held):
        return
    taken = sorted({k for spot in spots if spot is not None for k in spot})
    state.put(place, Said(held, taken[0]), taken)


def _spot(state: Filling, value: str) -> range | None:
    """Where the value stands, free, with no part of another value cut off."""
    for spot in found_at(value, state.items):
        if state.used & set(spot):
            continue
        met = [p for p in state.pieces if p.start < spot.stop and spot.start < p.end]
        if all(spot.start <= p.start and p.end <= spot.stop for p in met):
            return spot
    return None


def _spelled(state: Filling, place: Place, spot: range) -> str | None:
    """The words as they stand there, or the listed value they are."""
    held = state.items[spot.start : spot.stop]
    whole = held[0].value if len(held) == 1 and held[0].kind == "quoted" else None
    text = whole if isinstance(whole, str) else " ".join(item.text for item in held)
    listed = (*place.field.enum, *(place.field.items.enum if place.field.items is not None else ()))
    if listed:
        return next((str(v) for v in listed if str(v).casefold() == text.casefold()), None)
    most = place.field.max_length
    return escape(text) if most is None or len(text) <= most else None
