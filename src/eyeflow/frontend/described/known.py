"""Values that a parameter knows itself: those it lists, units, days, yes and no.

Knows: how they are said. In: a `Filling`. Out: the same, changed. Never: takes a number or a name by what is beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import msgspec

from eyeflow.frontend.data import words
from eyeflow.frontend.described.filling import Filling, Said
from eyeflow.frontend.described.signature import Place, akin, among
from eyeflow.frontend.described.values import unit_for, value_for
from eyeflow.frontend.intent import JsonValue
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import stem
from eyeflow.frontend.values_said import escape

_LISTED: Final = 1000
"""Groups of listed values are numbered from here on, apart from those of other values."""


def listed(state: Filling) -> None:
    """Words that are one of a parameter's own values: an enum's, or those its description names."""
    taken: set[int] = set()
    for place in state.open():
        if not place.said or (place.traits & {"date", "time", "place", "flag"} and not place.closed):
            continue
        if "unit" in place.traits:
            continue
        for words_, value in sorted(place.said, key=lambda s: (-len(s[0]), s[1])):
            for at in _where(state, words_, value, taken, enum=place.closed):
                taken.update(at)
                held: JsonValue = int(value) if place.numeric and value.lstrip("-").isdigit() else value
                if not place.many:
                    state.put(place, Said(held, at[0], listed=True), at)
                    continue
                before = state.said.pop(place.name, [])
                first = before[0].at if before else at[0]
                known = before[0].value if before else []
                state.put(place, Said([*known, *([held] if held not in known else [])], first), at)
        _together(state, place)


def _together(state: Filling, place: Place) -> None:
    """`German and Spanish`: listed values in a row are a group, and so a call each."""
    held = state.said.get(place.name, [])
    if len(held) < 2 or not all(h.listed for h in held):
        return
    gaps = [state.items[a.at + 1 : b.at] for a, b in pairwise(held)]
    if all(gap and all(i.lower in ("and", "or", ",", "&", "into", "to") for i in gap) for gap in gaps):
        state.said[place.name] = [msgspec.structs.replace(h, group=_LISTED + held[0].at) for h in held]


def _where(state: Filling, said: tuple[str, ...], value: str, taken: set[int], *, enum: bool) -> Iterator[list[int]]:
    frame = words("described", "frame")
    if len(said) == 1 and (value.casefold() in frame or len(value) < 2 or value.casefold() in ("all", "any", "none")):
        return
    for at in range(len(state.items) - len(said) + 1):
        held = state.items[at : at + len(said)]
        if any(k in taken for k in range(at, at + len(said))):
            continue
        if not all(_is(item, word) for item, word in zip(held, said, strict=True)):
            continue
        if len(said) == 1 and held[0].is_stop:
            continue
        if not enum and among(said[0], state.sig.core) and len(said) == 1:
            continue
        yield list(range(at, at + len(said)))


def _is(item: Item, word: str) -> bool:
    if item.kind == "quoted":
        return isinstance(item.value, str) and stem(item.value) == word
    if not item.is_word:
        return False
    parts = [stem(p) for p in item.lower.split("-")] if "-" in item.lower else [item.stem]
    return (
        word in parts or item.lower == word or any(len(word) > 4 and p.rstrip("e") == word.rstrip("e") for p in parts)
    )


def units(state: Filling) -> None:
    """`in feet`, `in km/h`, `5 cm`: the unit a parameter of its own asks for."""
    places = [p for p in state.open() if "unit" in p.traits and p.textual]
    if len(places) != 1:
        return
    place = places[0]
    for at, item in enumerate(state.items):
        before = state.items[at - 1].lower if at else ""
        if item.is_word and before in ("in", "into", "as", "using", "to"):
            end = at + 1
            while end + 1 < len(state.items) and state.items[end].text == "/" and state.items[end + 1].is_word:
                end += 2
            said = "".join(i.text for i in state.items[at:end])
            value = unit_for(said, place)
            value = value if value is not None else _enum_word(place, item)
            if value is not None:
                state.put(place, Said(escape(str(value)), at), range(at, end))
    units = {p.unit: p for p in state.pieces if p.unit and p.kind == "number"}
    if place.name not in state.said and len(units) == 1:
        (piece,) = units.values()
        said = piece.text.lstrip("-0123456789., ")
        value = unit_for(said, place) if said else None
        if value is not None:
            state.put(place, Said(escape(str(value)), piece.start), [])


def _enum_word(place: Place, item: Item) -> JsonValue | None:
    return next((v for w, v in place.said if len(w) == 1 and w[0] == item.stem), None) if place.field.enum else None


def currencies(state: Filling) -> None:
    """`100 USD to JPY`: the currency an amount is said in, for a parameter of its own."""
    places = [p for p in state.open() if p.textual and "currency" in p.names and not p.closed]
    source = next((p for p in places if "origin" in p.traits), places[0] if len(places) == 1 else None)
    if source is None:
        return
    for piece in state.pieces:
        code = piece.text.strip("-0123456789., ")
        if piece.kind == "money" and piece.unit is not None:
            said = code if code.isalpha() else piece.unit.upper()
            state.put(source, Said(said, piece.start), [])


def days(state: Filling) -> None:
    """Days and times of day to the parameters that take them, by `from`, `to`, their names, or in order."""
    found = [p for p in state.pieces if p.kind == "day"]
    for piece in found:
        day = piece.day
        places = [p for p in state.open() if p.traits & {"date", "time"} or (p.numeric and "year" in p.traits)]
        fitting = [(p, v) for p in places if (v := value_for(piece, p)) is not None]
        if day is None or not fitting:
            continue
        before = state.items[piece.start - 1].lower if piece.start else ""
        ends = before in ("to", "until", "till", "through", "-", "and")
        ranked = sorted(
            fitting, key=lambda f: -_day_score(f[0], ends=ends and len(found) > 1, required=f[0].field.required)
        )
        place, value = ranked[0]
        state.put(place, Said(value, piece.start), range(piece.start, piece.end))
        for other, held in ranked[1:]:
            if day.minute is not None and "time" in other.traits and "time" not in place.traits:
                state.put(other, Said(held, piece.start), [])
                break


def _day_score(place: Place, *, ends: bool, required: bool) -> float:
    closing = (
        bool({"end", "to", "until", "return", "checkout", "finish"} & set(place.names)) or "target" in place.traits
    )
    return (2.0 if closing == ends else 0.0) + required + ("date" in place.traits)


def flags(state: Filling) -> None:
    """`with details`, `no breakfast`: yes or no, for a parameter whose name is said."""
    plain = words("described", "flags")
    for place in state.open():
        if "flag" not in place.traits:
            continue
        telling = [w for w in place.names if w not in plain and len(w) > 2]
        if not telling:
            continue
        hits = [
            at
            for w in telling
            for at, i in enumerate(state.items)
            if i.is_word and akin(i.stem, w) and not (at in state.used and i.kind != "word")
        ]
        if len({state.items[h].stem for h in hits}) < len(telling):
            continue
        if not hits or all(among(state.items[h].stem, state.sig.core) for h in hits):
            continue
        before = [i.lower for i in state.items[max(0, hits[0] - 3) : hits[0]]]
        denied = any(w in words("described", "low") or w.endswith("n't") for w in before)
        state.put(place, Said(not denied, hits[0]), hits)
