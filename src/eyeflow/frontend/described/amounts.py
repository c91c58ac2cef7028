"""Amounts whose unit is a parameter of its own, how often something is done, and what an amount is of.

Knows: `200 grams of yogurt`, `compounded quarterly`. In: a `Filling`. Out: the same, changed. Never: converts.
"""

from __future__ import annotations

import re
from typing import Final

from eyeflow.frontend.data import mapping
from eyeflow.frontend.described.filling import NUMBERS, Filling, Said
from eyeflow.frontend.described.phrases import phrases
from eyeflow.frontend.described.piece import Piece
from eyeflow.frontend.described.signature import Place
from eyeflow.frontend.described.values import unit_for
from eyeflow.frontend.values_said import escape

_A_YEAR: Final = re.compile(r"\b(?:per|a|each) year\b|\bannual(?:ly)?\b|\byearly\b", re.IGNORECASE)
_TIMES: Final = re.compile(r"\btimes\b|\bnumber of\b|\bhow often\b|\bfrequency\b|\bperiods\b", re.IGNORECASE)


def often(state: Filling) -> None:
    """`compounded quarterly` for a number of times per year."""
    yearly = mapping("described", "yearly")
    for place in state.open():
        said = f"{place.name.replace('_', ' ')} {place.field.description}"
        if not place.numeric or place.many or not (_A_YEAR.search(said) and _TIMES.search(said)):
            continue
        if place.traits & {"share", "money"} and "frequenc" not in said.casefold():
            continue
        for at, item in enumerate(state.items):
            if at and item.lower in yearly and state.items[at - 1].lower.endswith("ed"):
                state.put(place, Said(int(yearly[item.lower]), at), [at])
                break


def measured(state: Filling) -> None:
    """`200 grams of yogurt` where the number and its unit are two parameters."""
    units = [p for p in state.open() if "unit" in p.traits and p.textual and not p.many]
    counts = [p for p in state.open() if p.numeric and not p.many and p.field.required and p.unit is None]
    if len(units) != 1 or len(counts) != 1 or {"origin", "target"} & units[0].traits:
        return
    held = [(p, _unit_said(p, state)) for p in state.pieces if p.kind == "number" and p.start not in state.used]
    told = [(p, unit, end) for p, (unit, end) in held if unit is not None]
    if not told or len(told) != len(held):
        return
    for piece, said, end in told:
        unit = unit_for(said, units[0]) if units[0].field.enum else escape(said)
        if unit is None or not isinstance(piece.value, int | float):
            return
        state.put(counts[0], Said(piece.value, piece.start), range(piece.start, piece.end))
        state.put(units[0], Said(unit, piece.start), range(piece.start, end))


def _unit_said(piece: Piece, state: Filling) -> tuple[str | None, int]:
    """The unit as it is written in the number or right after it (`2 cups of`), and its end."""
    inside = piece.text.lstrip("-0123456789.,/ ").strip()
    if piece.unit is not None and inside.replace(" ", "").isalpha():
        return inside, piece.end
    after = state.items[piece.end] if piece.end + 1 < len(state.items) else None
    if after is not None and after.is_word and not after.is_stop and state.items[piece.end + 1].lower == "of":
        return after.text, piece.end + 1
    return None, piece.end


def substances(state: Filling) -> None:
    """`3 cups of flour`: what an amount is of, for the one parameter that takes a sort of thing."""
    places = [p for p in state.open() if p.textual and not (p.closed or p.many) and _sort(p)]
    if len(places) != 1:
        return
    for phrase in phrases(state):
        if phrase.start > 1 and state.items[phrase.start - 1].lower == "of" and _amount(state, phrase.start - 1):
            said = Said(escape(phrase.text), phrase.start, tied=True)
            state.put(places[0], said, range(phrase.start, phrase.end))


def _sort(place: Place) -> bool:
    return not place.traits.isdisjoint(("kind", "substance"))


def _amount(state: Filling, of: int) -> bool:
    """A number, with its unit, ends right before `of`."""
    return any(p.kind in NUMBERS and (p.end == of or p.end == of - 1) and p.start in state.used for p in state.pieces)
