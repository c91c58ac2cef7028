"""What is said the same way twice is meant for the same parameters: `lavender in a dry bed and basil in a wet one`.

Knows: `X by A and Y by B`. In: a `Filling`. Out: the same, changed. Never: takes what is said in another form.
"""

from __future__ import annotations

from collections.abc import Sequence

from eyeflow.frontend.described.filling import Filling, take
from eyeflow.frontend.described.piece import Piece
from eyeflow.frontend.described.signature import Place


def mirrored(state: Filling) -> None:
    """`'A' by B and 'C' by D`: where A and B have their parameters, C and D have the same."""
    found = state.pieces
    for at in range(len(found) - 3):
        one, two, three, four = found[at : at + 4]
        if _links(state, one, two) != _links(state, three, four) or not _links(state, one, two):
            continue
        joint = [i.lower for i in state.items[two.end : three.start] if i.lower != "the"]
        if joint not in (["and"], [","], [",", "and"]):
            continue
        for first, second in ((one, three), (two, four)):
            places = _held(state, first)
            if len(places) == 1 and second.start not in state.used and not places[0].many:
                take(state, second, places[0])


def _links(state: Filling, one: Piece, two: Piece) -> tuple[str, ...]:
    return tuple(i.lower for i in state.items[one.end : two.start] if i.lower not in ("the", "a", "an"))[:4]


def _held(state: Filling, piece: Piece) -> Sequence[Place]:
    return [p for p in state.sig.places if any(h.at == piece.start for h in state.said.get(p.name, ()))]
