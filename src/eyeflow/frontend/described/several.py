"""One capability asked for several times at once: `for 10, 20 and 30 years`, `a 7-day trip to Lima, then a 10-day ...`.

Knows: how repeated values line up. In: a `Filling`. Out: the parameters of each call; None where they do not line up.
Never: fills.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from eyeflow.frontend.described.cues import cue_words
from eyeflow.frontend.described.filling import Filling, Said
from eyeflow.frontend.described.signature import Place, akin
from eyeflow.frontend.intent import JsonValue

MOST: Final = 12
"""More calls than this in one request are asked about."""


def calls(state: Filling) -> list[dict[str, JsonValue]] | None:
    """The parameters of each call that was asked for."""
    most = max((len(h) for h in state.said.values() if not h[0].listed), default=1)
    found = {n: _once_each(held) if held[0].listed and len(held) > most else held for n, held in state.said.items()}
    same = {n: all(h.value == held[0].value for h in held) for n, held in found.items()}
    many = {n: held for n, held in found.items() if not same[n]}
    once = {n: held[0].value for n, held in found.items() if same[n]}
    if not many:
        return [once]
    if all(h.listed and h.group < 0 for held in many.values() for h in held):
        return None  # two of a parameter's own words said somewhere: not surely two calls
    count = max(len(held) for held in many.values())
    if count > MOST:
        return None
    if any(_uneven(one, other, found) for one, other in pairwise(state.sig.places)):
        return None
    full = {n: held for n, held in many.items() if len(held) == count}
    rest = {n: held for n, held in many.items() if len(held) < count}
    starts = _frames(full, count)
    shared = {p.name for p in state.sig.places if _again(state, p)}
    optional = {p.name for p in state.sig.places if not p.field.required}
    inner = {
        n: held
        for n, held in found.items()
        if n in once
        and n not in shared
        and (_inside(held[0], starts) or (n in optional and _of_last(state, held[0], starts)))
    }
    rest |= inner
    out: list[dict[str, JsonValue]] = []
    for k in range(count):
        params: dict[str, JsonValue] = {n: held[k].value for n, held in full.items()}
        for name, held in rest.items():
            if starts is None:
                return None
            mine = [h for h in held if _frame(h, starts) == k]
            if len(mine) > 1:
                return None
            if mine:
                params[name] = mine[0].value
        out.append({**{n: v for n, v in once.items() if n not in inner}, **params})
    return _ordered(state, out)


def _uneven(one: Place, other: Place, found: dict[str, list[Said]]) -> bool:
    """`function1` with one text and `function2` with two that stand in no `a, b and c`: they do not pair."""
    if one.name[:-1] != other.name[:-1] or not (one.name[-1:].isdigit() and other.name[-1:].isdigit()):
        return False
    few, more = sorted((found.get(one.name, []), found.get(other.name, [])), key=len)
    return len(few) != len(more) and bool(few) and any(h.group < 0 for h in more)


def _again(state: Filling, place: Place) -> bool:
    """`at the same weight`: the one value said is meant for every call."""
    cues = cue_words(place)
    return any(one.lower == "same" and any(akin(other.stem, w) for w in cues) for one, other in pairwise(state.items))


def _once_each(held: list[Said]) -> list[Said]:
    """Without a value said again right after itself."""
    return [h for k, h in enumerate(held) if k == 0 or h.value != held[k - 1].value]


def _frames(full: dict[str, list[Said]], count: int) -> list[int] | None:
    """Where each call's own words begin, when its values are not all in one `a, b and c`."""
    spread = [held for held in full.values() if len({h.group for h in held}) > 1 or held[0].group < 0]
    if not spread:
        return None
    first = min(spread, key=lambda held: held[0].at)
    return [first[k].at for k in range(count)]


def _inside(said: Said, starts: list[int] | None) -> bool:
    """Said among one call's own words, with another call's after them: it is that one's alone."""
    return starts is not None and starts[0] <= said.at < starts[-1]


def _of_last(state: Filling, said: Said, starts: list[int] | None) -> bool:
    """Said in the sentence of the last call's values, which no other call's values share."""
    if starts is None or len(starts) < 2 or said.at < starts[-1]:
        return False
    ends = [k for k, i in enumerate(state.items) if i.kind == "punct" and i.text in ".!?"]
    return any(starts[-2] < k < starts[-1] for k in ends) and not any(starts[-1] < k < said.at for k in ends)


def _frame(said: Said, starts: list[int]) -> int:
    return max(0, sum(1 for s in starts if s <= said.at) - 1)


def _ordered(state: Filling, found: list[dict[str, JsonValue]]) -> list[dict[str, JsonValue]]:
    """Each call's parameters in the order of declaration."""
    return [{p.name: one[p.name] for p in state.sig.places if p.name in one} for one in found]
