"""Numbers, names and texts to the parameters that the words around them name.

Knows: how ties compare, how a group of values is shared out. In: a `Filling`. Out: the same, changed.
Never: takes what nothing ties (that is `leftover`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise, permutations
from typing import Final

from eyeflow.frontend.data import words
from eyeflow.frontend.described.cues import STRONG, named
from eyeflow.frontend.described.filling import NUMBERS, Filling, edge, give, take, units_of
from eyeflow.frontend.described.piece import Piece
from eyeflow.frontend.described.signature import Place
from eyeflow.frontend.described.worded import text_edge
from eyeflow.frontend.lexicon import words as language
from eyeflow.frontend.values_said import is_code

_SHARE: Final = 0.75
"""Parameters whose ties to a group of values are within this share of the best one may each get one of them."""

_EACH: Final = 4
_CLEAR: Final = 0.5

_Edge = tuple[float, int, int]


def one_each(state: Filling) -> None:
    """As many names as texts required: the one way to share them out that fits best, when it is clearly the best."""
    plain = {"date", "time", "unit", "flag", "object"}
    places = [
        p for p in state.open() if p.field.required and p.textual and not (p.closed or p.many or p.traits & plain)
    ]
    held = [p for p in state.left() if p.kind in ("name", "quoted", "code")]
    if not 2 <= len(places) == len(held) <= _EACH or any(p.group >= 0 for p in held):
        return
    every = [p for p in state.sig.places if p.textual and p.name not in state.said]
    ways: list[tuple[float, tuple[int, ...]]] = []
    table = [[text_edge(piece, place, state.cues) for place in places] for piece in held]
    for order in permutations(range(len(places))):
        scores = [table[k][p] for k, p in enumerate(order)]
        if all(s is not None and s >= 0 for s in scores):
            ways.append((round(sum(s for s in scores if s is not None), 4), order))
    ways.sort(key=lambda w: (-w[0], w[1]))
    if not ways or (len(ways) > 1 and ways[0][0] - ways[1][0] < _CLEAR):
        return
    for piece, p in zip(held, ways[0][1], strict=True):
        best = max((s for q in every if (s := text_edge(piece, q, state.cues)) is not None), default=0.0)
        if best - (text_edge(piece, places[p], state.cues) or 0.0) > _CLEAR and any(
            q not in places and text_edge(piece, q, state.cues) == best for q in every
        ):
            return
    for piece, p in zip(held, ways[0][1], strict=True):
        take(state, piece, places[p])


def twins(state: Filling) -> None:
    """`between Graz and Linz` for a first and a second city, or for where it starts and ends: each pair is one call."""
    places = [p for p in state.open() if p.field.required and p.textual and not (p.closed or p.many)]
    pairs = [(a, b) for a, b in pairwise(sorted(places, key=state.sig.places.index)) if _twinned(a, b)]
    if len(pairs) != 1 or any(_twinned(p, pairs[0][0]) for p in places if p not in pairs[0]):
        return
    free = [p for p in state.pieces if p.kind in _TEXTS and p.start not in state.used]
    rows = _paired(state, free)
    if len(free) == 2 and not rows and "origin" not in pairs[0][0].traits:
        rows = [(free[0], free[1])]
    if 2 * len(rows) != len(free):
        return
    for row in rows:
        for piece, place in zip(row, pairs[0], strict=True):
            take(state, piece, place)


_TEXTS: Final = ("name", "quoted", "code")
_NUMBERED: Final = frozenset({"a", "b", "x", "y", "one", "two", "first", "second", "1", "2"})


def _twinned(one: Place, other: Place) -> bool:
    """`city_a` and `city_b`, or `origin` and `destination`."""
    if one is other or one.field.type != other.field.type:
        return False
    if "origin" in one.traits and "target" in other.traits:
        return "place" in one.traits and "place" in other.traits
    bare = [
        tuple(w for w in re.split(r"[_\W]+|(?=\d)|(?<=[a-z])(?=[A-Z])", p.name) if w.casefold() not in _NUMBERED)
        for p in (one, other)
    ]
    return bare[0] == bare[1]


def _paired(state: Filling, free: Sequence[Piece]) -> list[tuple[Piece, Piece]]:
    """Each `between X and Y`, and each two that stand alone in one `X and Y`."""
    rows: list[tuple[Piece, Piece]] = []
    for one, other in pairwise(free):
        near = [i.lower for i in state.items[one.end : other.start]]
        led = state.items[one.start - 1].lower if one.start else ""
        joined = one.group >= 0 and one.group == other.group and sum(p.group == one.group for p in free) == 2
        if (led == "between" and near in (["and"], ["&"])) or (joined and near in (["and"], ["&"])):
            rows.append((one, other))
    return rows


def tied(state: Filling) -> None:
    """Numbers, names and texts to the parameters that the words around them name; the strongest tie first."""
    places = [p for p in state.sig.places if not is_code(p.field)]
    listed = frozenset(state.said)
    units = units_of([p for p in state.pieces if not state.used & set(range(p.start, p.end))])
    edges: list[_Edge] = []
    for u, unit in enumerate(units):
        for p, place in enumerate(places):
            score = max((s for piece in unit if (s := edge(piece, place, state)) is not None), default=None)
            least = STRONG if place.name not in listed else 2 * STRONG
            if score is not None and score >= least:
                edges.append((score, u, p))
    edges.sort(key=lambda e: (-e[0], e[1], e[2]))
    best = {u: max(s for s, v, _ in edges if v == u) for u in {e[1] for e in edges}}
    done: set[int] = set()
    spread: list[list[Place]] = []
    for score, u, p in edges:
        if u in done:
            continue
        place = places[p]
        again = place.name in state.said
        row = next((r for r in spread if place in r and len(r) == len(units[u])), None)
        if row is not None:  # as the group before was shared out, so is this one
            for piece, each in zip(units[u], row, strict=True):
                take(state, piece, each)
            done.add(u)
            continue
        if (
            again
            and units[u][0].kind not in NUMBERS
            and (
                _elsewhere(state, units[u], score)
                or (score < 2 * STRONG and not _said_alike(state, units[u][0], place))
            )
        ):
            continue
        if again and _wanted(state, units[u], score):
            continue
        if len(units[u]) > 2 and not place.many and units[u][0].kind in NUMBERS and _listing(state):
            continue
        if not place.field.required and units[u][0].kind == "money" and not _asked(state, units[u][0], place):
            continue
        if again and ((place.many and units[u][0].kind != "list") or score < _SHARE * best[u]):
            continue
        if len(units[u]) > 1 and not again and (not place.many or units[u][0].kind == "list"):
            near = [q for s, v, q in edges if v == u and s >= _SHARE * score and places[q].name not in state.said]
            if len(near) == len(units[u]):
                row = [places[q] for q in sorted(near, key=lambda q: state.sig.places.index(places[q]))]
                spread.append(row)
                for piece, each in zip(units[u], row, strict=True):
                    take(state, piece, each)
                done.add(u)
                continue
        if give(state, units[u], place):
            done.add(u)


def _listing(state: Filling) -> bool:
    """A list of numbers is wanted and still open."""
    return any(p.field.required and p.numeric and p.many for p in state.open())


def _asked(state: Filling, piece: Piece, place: Place) -> bool:
    """An amount for what may be left out: its name or a bound is said, not just any amount of money."""
    before = {i.lower for i in state.items[max(0, piece.start - 3) : piece.start]}
    bounded = before & (words("described", "upper") | words("described", "lower") | {"to", "most", "for"})
    return bool(bounded) or named(piece, place, state.cues) > 0


def _wanted(state: Filling, unit: Sequence[Piece], score: float) -> bool:
    """A required number is open that the same words name: it is no second value of the one that is filled."""
    open_ = [p for p in state.open() if p.field.required and p.numeric and not p.many]
    ties = [s for p in open_ for piece in unit if piece.kind in NUMBERS and (s := edge(piece, p, state)) is not None]
    return max(ties, default=0.0) >= max(STRONG, _SHARE * score)


def _elsewhere(state: Filling, unit: Sequence[Piece], score: float) -> bool:
    """A required parameter is open that the text could be for as well: it is no second value of a filled one."""
    open_ = [p for p in state.open() if p.field.required and p.textual]
    ties = [s for p in open_ for piece in unit if (s := edge(piece, p, state)) is not None and s >= 0]
    return bool(ties) and max(ties) >= _HALF * score


_HALF: Final = 0.5


def _said_alike(state: Filling, piece: Piece, place: Place) -> bool:
    """The text hangs on the same word as the value the parameter has: `by A ... and by B`."""
    before = [_hangs(state, at) for at in (piece.start, *(h.at for h in state.said[place.name]))]
    held = [p for p in state.pieces if any(p.start == h.at for h in state.said[place.name])]
    after = [state.items[p.end].stem if p.end < len(state.items) else "" for p in (piece, *held)]
    things = after[0] in after[1:] and state.items[piece.end].is_word if piece.end < len(state.items) else False
    return piece.group >= 0 or before[0] in before[1:] or things


def _hangs(state: Filling, at: int) -> str:
    k = at - 1
    while k >= 0 and state.items[k].lower in language("determiners"):
        k -= 1
    return state.items[k].lower if k >= 0 else ""
