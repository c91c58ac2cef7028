"""What no word ties to a parameter: values in order, the one value left for the one parameter left, plain words.

Knows: when what is left over can only be meant for what is open. In: a `Filling`. Out: the same, changed.
Never: chooses between two parameters that would both do.
"""

from __future__ import annotations

from collections.abc import Sequence

from eyeflow.frontend.data import words
from eyeflow.frontend.described.cues import STRONG, cue_words, number_edge
from eyeflow.frontend.described.filling import NUMBERS, Filling, Said, edge, give, take, units_of
from eyeflow.frontend.described.pieces import Piece
from eyeflow.frontend.described.signature import Place, akin, among
from eyeflow.frontend.described.values import value_for
from eyeflow.frontend.lexicon import is_base_verb
from eyeflow.frontend.values_said import escape


def in_order(state: Filling) -> None:
    """As many numbers (or lists) left as required parameters for them: in the order said."""
    for kinds, takes in ((NUMBERS, False), (("list",), True), (("number",), True)):
        held = [p for p in state.left() if p.kind in kinds]
        places = [p for p in state.open() if p.field.required and p.numeric and p.many == takes and not p.field.enum]
        if takes and kinds != ("list",):
            units = units_of(held)
            if len(places) == len(units) and all(len(u) > 1 for u in units):
                for place, unit in zip(places, units, strict=True):
                    give(state, unit, place)
            continue
        rows = units_of(held)
        if len(rows) > 1 and len(places) > 1 and all(len(r) == len(places) for r in rows):
            for row in rows:  # `5, 6 and 1 ... 3, 2 and 1`: each group is one call's
                for place, piece in zip(places, row, strict=True):
                    take(state, piece, place, tied=False)
            continue
        if takes and len(places) == 1 and len(held) > 1 and not any(_rejects(p, places[0], state) for p in held):
            for piece in held:
                take(state, piece, places[0])
            continue
        fitting = [p for p in held if not any(_rejects(p, q, state) for q in places)]
        if len(places) == len(fitting) == len(held) and held:
            for place, piece in zip(places, held, strict=True):
                take(state, piece, place, tied=len(held) == 1)
    _as_list(state)


def _as_list(state: Filling) -> None:
    """`latitude 3 and longitude 4` where one list holds both."""
    places = [p for p in state.open() if p.field.required and p.numeric and p.many]
    held = [p for p in state.left() if p.kind == "number"]
    if len(places) == 1 and len(held) > 1 and all((number_edge(p, places[0], state.cues) or 0) > 0 for p in held):
        give(state, held, places[0])


def _rejects(piece: Piece, place: Place, state: Filling) -> bool:
    if piece.kind == "list":
        return value_for(piece, place) is None
    before = state.items[piece.start - 1] if piece.start else None
    noun = before is not None and before.is_word and not is_base_verb(before.lower)
    if piece.group < 0 and before is not None and noun and among(before.stem, state.sig.core):
        return True  # `area 20` where an area is what is asked for
    edge = number_edge(piece, place, state.cues)
    return edge is None or edge < -0.5


def alone(state: Filling) -> None:
    """One name or text left, and one parameter it can be for."""
    for _ in range(4):
        units = [u for u in units_of(state.left()) if u[0].kind in ("name", "quoted", "code", "address", "list")]
        places = [p for p in state.open() if p.textual]
        fits: list[tuple[float, int, Place]] = []
        for u, unit in enumerate(units):
            for place in places:
                score = max((s for piece in unit if (s := edge(piece, place, state)) is not None), default=None)
                if score is not None and score >= 0:
                    fits.append((score + 0.4 * place.field.required, u, place))
        required = [f for f in fits if f[2].field.required]
        fits = required or [f for f in fits if f[0] >= 0.8 * STRONG]
        same = {f[2].name for f in fits}
        count = max((len(h) for h in state.said.values()), default=1)
        if len(same) == 1 and len(fits) == len(units) == count > 1:
            for _, u, place in sorted(fits, key=lambda f: f[1]):
                give(state, units[u], place)
            return
        sole = [
            f for f in fits if sum(1 for g in fits if g[1] == f[1]) == 1 and sum(1 for g in fits if g[2] is f[2]) == 1
        ]
        if not sole:
            sole = _clearly(fits)
        if not sole:
            return
        _, u, place = max(sole, key=lambda f: (f[0], -f[1]))
        if not give(state, units[u], place):
            return


def _clearly(fits: Sequence[tuple[float, int, Place]]) -> list[tuple[float, int, Place]]:
    """A fit that no other for the same value or the same parameter comes near."""
    out = []
    for fit in fits:
        rivals = [f[0] for f in fits if f is not fit and (f[1] == fit[1] or f[2] is fit[2])]
        if fit[0] >= max(rivals, default=0.0) + 0.8:
            out.append(fit)
    return out


def word_list(state: Filling) -> None:
    """`with chicken, rice and broccoli`: plain words in a row, for the one list of texts that is open."""
    places = [p for p in state.open() if p.many and p.textual and not p.closed]
    if len(places) != 1 or any(p.many for p in state.sig.places if p is not places[0] and p.textual):
        return
    runs = _runs(state)
    rows: list[list[list[int]]] = []
    for run in runs:
        last = rows[-1][-1] if rows else None
        gap = state.items[last[-1] + 1 : run[0]] if last is not None else []
        if gap and all(i.lower in ("and", "or", ",", "&") for i in gap):
            rows[-1].append(run)
        else:
            rows.append([run])
    rows = [row for row in rows if len(row) > 1]
    if len(rows) == 1:
        values = [escape(" ".join(state.items[k].text for k in run)) for run in rows[0]]
        at = rows[0][0][0]
        state.put(places[0], Said(values, at, tied=False), range(at, rows[0][-1][-1] + 1))


def plain(state: Filling) -> None:
    """Plain words for the one text still wanted: `restaurants with vegan food`, `who discovered the neutron`."""
    wanted = [p for p in state.open() if p.field.required and p.textual and not p.closed
              and not p.traits & {"date", "time", "unit", "code", "flag", "object"} and not p.many]  # fmt: skip
    runs = _runs(state)
    if len(wanted) != 1 or len(runs) != 1:
        beside = [(r, p) for p in wanted for r in runs if _beside(state, r, p)]
        if len(beside) != 1:
            return
        runs, wanted = [beside[0][0]], [beside[0][1]]
    place, run = wanted[0], runs[0]
    if "place" in place.traits and (
        run[0] == 0 or state.items[run[0] - 1].lower not in ("in", "near", "at", "for", "of", "from", "to")
    ):
        return
    first, last = state.items[run[0]], state.items[run[-1]]
    text = " ".join(i.text for i in state.items[run[0] : run[-1] + 1]) if first is not last else first.text
    state.put(place, Said(escape(text), run[0], tied=False), run)


def _beside(state: Filling, run: Sequence[int], place: Place) -> bool:
    """The words stand right beside the parameter's name: `rock genre`, `a role of manager`."""
    cues = cue_words(place)
    after = run[-1] + 1
    if after < len(state.items) and any(akin(state.items[after].stem, w) for w in cues):
        return True
    k = run[0] - 1
    while k >= 0 and (state.items[k].is_stop or state.items[k].text in ("=", ":")):
        k -= 1
    return k >= 0 and run[0] - k <= 3 and any(akin(state.items[k].stem, w) for w in cues)


def _runs(state: Filling) -> list[list[int]]:
    """Stretches of words that neither ask nor belong to the capability or a value."""
    sig = state.sig
    frame = words("described", "frame")
    known = sig.core | sig.summary
    runs: list[list[int]] = []
    taken = {k for p in state.pieces for k in range(p.start, p.end)}
    for at, item in enumerate(state.items):
        plain = (
            item.is_word and not item.is_stop and item.lower not in frame and at not in state.used and at not in taken
        )
        names = frozenset(w for p in sig.places for w in p.names)
        verbal = item.lower.endswith(("ed", "ing", "ly", "ive")) or is_base_verb(item.lower)
        if not plain or verbal or among(item.stem, known) or among(item.stem, names):
            continue
        if runs and runs[-1][-1] == at - 1:
            runs[-1].append(at)
        else:
            runs.append([at])
    return [r for r in runs if len(r) <= 4]
