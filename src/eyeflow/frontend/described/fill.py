"""Values of a request to the parameters of one capability.

Knows: the order in which evidence counts. In: a signature, items, pieces. Out: `Filling`: for every parameter what was
said, in the order said. Never: makes calls of it (that is `several`), asks.

    filling.py   the state
    hinted.py    values a helper sees, where there is one
    known.py     values a parameter lists itself, units, days, yes and no
    amounts.py   amounts with a unit of their own, how often
    mirrored.py  what is said the same way twice
    tied.py      values to the parameters named beside them
    leftover.py  what is left for what is open
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from eyeflow.frontend.described import amounts, known, leftover, mirrored, tied
from eyeflow.frontend.described.filling import Filling
from eyeflow.frontend.described.hinted import prefill
from eyeflow.frontend.described.piece import Piece
from eyeflow.frontend.described.signature import Signature
from eyeflow.frontend.hints import Hint
from eyeflow.frontend.items import Item

STEPS: Final[tuple[Callable[[Filling], None], ...]] = (
    known.listed,
    known.conversions,
    amounts.measured,
    known.units,
    known.currencies,
    known.days,
    known.flags,
    amounts.often,
    amounts.substances,
    tied.twins,
    tied.one_each,
    tied.tied,
    mirrored.mirrored,
    leftover.sorts,
    leftover.called,
    leftover.in_order,
    leftover.alone,
    leftover.word_list,
    leftover.plain,
    leftover.spare,
    leftover.alike,
    leftover.maker,
)
"""Every kind of evidence, the surest first."""


def fill(sig: Signature, items: Sequence[Item], pieces: Sequence[Piece], hints: Sequence[Hint] = ()) -> Filling:
    """Everything `items` say for the parameters of `sig`, beginning with what `hints` say."""
    state = Filling(sig, items, pieces)
    prefill(state, hints)
    for step in STEPS:
        step(state)
    return state
