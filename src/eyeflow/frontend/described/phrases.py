"""Plain words that may be values: `a sewing machine`, `quartz, gypsum and talc`, `about autumn rain`.

Knows: where an English noun phrase begins and ends. In: a `Filling`. Out: `Piece`s of kind `words`, in order, those of
one `a, b and c` with one group. Never: takes words that name the capability or a parameter, or that ask; decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eyeflow.frontend.data import words
from eyeflow.frontend.described.filling import Filling
from eyeflow.frontend.described.focus import scenery
from eyeflow.frontend.described.kin import kin
from eyeflow.frontend.described.piece import Piece
from eyeflow.frontend.described.pieces import grouped
from eyeflow.frontend.described.signature import among
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import is_base_verb
from eyeflow.frontend.lexicon import words as language

LONGEST: Final = 5
"""A run of more words is no name of a thing."""

_VERBAL: Final = ("ed", "ing")
_BEFORE: Final = ("to", "i", "you", "we", "please", "and", "then", "who", "that", "which")
"""Words after which a verb is one."""


_OBJECTS: Final = ("me", "us", "a", "an", "the", "my", "our", "this", "that", "some", "all", "it", "them")


def phrases(state: Filling) -> list[Piece]:
    """Runs of words that neither ask nor belong to the capability or to a value."""
    taken = {k for p in state.pieces for k in range(p.start, p.end)} | state.used
    own = state.sig.core | state.sig.summary | frozenset(w for p in state.sig.places for w in p.names)
    own |= frozenset(w for p in state.sig.places if p.name in state.said for w in p.about)
    told = scenery(state.items, state.used, having=False)
    runs: list[list[int]] = []
    counted = frozenset(w for p in state.sig.places if p.numeric for w in p.about)
    for at, item in enumerate(state.items):
        if at - 1 in taken and item.is_word and among(item.stem, counted):
            continue  # `a 4.5 hectare field`: the unit of the number before it
        going = bool(runs) and runs[-1][-1] == at - 1
        named = among(item.stem, own) or any(w in state.sig.core for w in kin(item.stem))
        if at in taken or at in told or named or not _noun(state.items, at, taken, going=going):
            continue
        if going:
            runs[-1].append(at)
        else:
            runs.append([at])
    runs = [_compound(state, run, taken) for run in runs]
    runs = [run for run in runs if not _attribute(state, run[-1] + 1, taken)]
    found = [_piece(run, state.items) for run in runs if len(run) <= LONGEST]
    return grouped(found, state.items)


def _compound(state: Filling, run: list[int], taken: set[int]) -> list[int]:
    """`living room` for a room: the word for the parameter is the end of the name itself."""
    at = run[-1] + 1
    if at >= len(state.items) or at in taken or state.items[at].lower not in words("described", "compounds"):
        return run
    return [*run, at]


def _attribute(state: Filling, at: int, taken: set[int]) -> bool:
    """`the phone number of the Harbour Inn`: words before `of` and a value ask for something of it."""
    items = state.items
    while at < len(items) and items[at].is_word and items[at].lower in words("described", "frame"):
        at += 1
    if at >= len(items) or items[at].lower != "of":
        return False
    at += 1
    while at < len(items) and items[at].lower in language("determiners"):
        at += 1
    return at in taken and any(p.start == at and p.kind == "name" for p in state.pieces)


def _piece(run: Sequence[int], items: Sequence[Item]) -> Piece:
    text = " ".join(items[k].text for k in run)
    return Piece("words", run[0], run[-1] + 1, text, text)


def _noun(items: Sequence[Item], at: int, taken: set[int], *, going: bool) -> bool:
    """The word can be part of the name of a thing where it stands."""
    item = items[at]
    if not item.is_word or item.is_stop or item.lower in words("described", "frame") or len(item.text) < 2:
        return False
    bounds = words("described", "upper") | words("described", "lower")
    apart = bounds | words("described", "altering") | words("described", "negative") | words("described", "apart")
    if item.lower in apart or item.lower in ("most", "least"):
        return False
    if item.lower.endswith(("'s", "ly")) or item.kind != "word":
        return False
    before = items[at - 1] if at else None
    begins = before is None or before.text in (".", "!", "?", "\n")
    if begins and at + 1 < len(items) and items[at + 1].lower in _OBJECTS:
        return False  # `Draw me a picture`
    if before is not None and before.lower in ("that", "which", "who") and not going:
        return False  # `the part that produces ...`
    led = before is not None and before.is_stop and before.lower not in _BEFORE
    if is_base_verb(item.lower):
        return going or (led and before is not None and before.lower in language("determiners"))
    if item.lower.endswith(_VERBAL) and len(item.text) > 5:
        after = items[at + 1] if at + 1 < len(items) else None
        nominal = after is not None and after.is_word and not after.is_stop and at + 1 not in taken
        leads = words("described", "about") if item.lower.endswith("ing") else frozenset[str]()
        about = before is not None and before.lower in (*leads, "of", "for", *(("by",) if leads else ("with",)))
        return (nominal and (going or led)) or about
    return True
