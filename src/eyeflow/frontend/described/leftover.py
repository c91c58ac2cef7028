"""What no word ties to a parameter: values in order, the one value left for the one parameter left, plain words.

Knows: when what is left over can only be meant for what is open. In: a `Filling`. Out: the same, changed.
Never: chooses between two parameters that would both do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from eyeflow.frontend.data import words
from eyeflow.frontend.described.cues import STRONG, cue_words
from eyeflow.frontend.described.filling import NUMBERS, Filling, Said, edge, give, take, units_of
from eyeflow.frontend.described.kin import kin
from eyeflow.frontend.described.numeric import number_edge
from eyeflow.frontend.described.phrases import phrases
from eyeflow.frontend.described.piece import Piece
from eyeflow.frontend.described.signature import Place, akin, among
from eyeflow.frontend.described.values import value_for
from eyeflow.frontend.described.worded import text_edge
from eyeflow.frontend.lexicon import is_base_verb, stem
from eyeflow.frontend.lexicon import words as language
from eyeflow.frontend.values_said import escape

_WORDED: Final = 0.9
"""From here on plain words are tied to a text by what stands beside them."""

_WORDS: Final = 2000
"""Groups of phrases are numbered from here on, apart from those of other values."""


def in_order(state: Filling) -> None:
    """As many numbers (or lists) left as required parameters for them: in the order said."""
    for kinds, takes in ((NUMBERS, False), (("list",), True), (("number",), True)):
        held = [p for p in state.left() if p.kind in kinds]
        places = [p for p in state.open() if p.field.required and p.numeric and p.many == takes and not p.field.enum]
        if takes and kinds != ("list",):
            units = _halves(units_of(held), places, state)
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
        count = max((len(h) for h in state.said.values()), default=1)
        alike = count > 1 and len(places) == 1 and len(held) == count
        if alike and not takes and not any(_rejects(p, places[0], state) for p in held):
            for piece in held:  # as many as of everything else: one for each call
                take(state, piece, places[0])
            continue
        fitting = [p for p in held if not any(_rejects(p, q, state) for q in places)]
        if len(places) == len(fitting) == len(held) and held:
            for place, piece in zip(places, held, strict=True):
                take(state, piece, place, tied=len(held) == 1)
    _as_list(state)


def _halves(units: list[list[Piece]], places: Sequence[Place], state: Filling) -> list[list[Piece]]:
    """`12, 15, 18 and 22, 25, 28` for two lists: the `and` parts them."""
    if len(units) != 1 or len(places) != 2 or len(units[0]) % 2 or len(units[0]) < 4:
        return units
    unit = units[0]
    joints = [
        k for k in range(1, len(unit)) if any(i.lower == "and" for i in state.items[unit[k - 1].end : unit[k].start])
    ]
    return [unit[: joints[0]], unit[joints[0] :]] if joints == [len(unit) // 2] else units


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
        fits = required or [f for f in fits if f[0] >= 0.8 * STRONG] or _called(state, units, places)
        same = {f[2].name for f in fits}
        count = max((len(h) for h in state.said.values()), default=1)
        if len(same) == 1 and len(fits) == len(units) == count > 1:
            for _, u, place in sorted(fits, key=lambda f: f[1]):
                give(state, units[u], place)
            return
        if _one_more(state, units, count):
            return
        sole = [
            f for f in fits if sum(1 for g in fits if g[1] == f[1]) == 1 and sum(1 for g in fits if g[2] is f[2]) == 1
        ]
        if not sole and _alike_all(state, units, fits):
            return
        if not sole:
            sole = _clearly(fits)
        if not sole:
            return
        _, u, place = max(sole, key=lambda f: (f[0], -f[1]))
        if not give(state, units[u], place):
            return


def _called(
    state: Filling, units: Sequence[Sequence[Piece]], places: Sequence[Place]
) -> list[tuple[float, int, Place]]:
    """`showings of Silver Harbor`, where one name is left and one parameter is the name or title of something."""
    titles = [p for p in places if _TITLE.match(p.field.description) and not p.closed and not p.many]
    if len(titles) != 1 or len(units) != 1 or len(units[0]) != 1 or units[0][0].kind not in ("name", "quoted"):
        return []
    score = edge(units[0][0], titles[0], state)
    led = _before(state, units[0][0]) in ("of", "for")
    return [(score, 0, titles[0])] if score is not None and score >= 0 and led else []


def _alike_all(state: Filling, units: Sequence[Sequence[Piece]], fits: Sequence[tuple[float, int, Place]]) -> bool:
    """`of Ivermectin for a horse and of Meloxicam for a dog`: all that is left hangs on the same word, and one
    parameter is the likeliest for each."""
    if len(units) < 2 or len({_before(state, u[0]) for u in units}) != 1 or any(len(u) > 1 for u in units):
        return False
    gaps = [state.items[a[-1].end : b[0].start] for a, b in pairwise(units)]
    if not all(any(i.lower == "and" or i.text == "," for i in gap) for gap in gaps):
        return False
    best: list[Place] = []
    for u in range(len(units)):
        mine = sorted((f for f in fits if f[1] == u), key=lambda f: -f[0])
        if not mine or (len(mine) > 1 and mine[0][0] - mine[1][0] < _AHEAD):
            return False
        best.append(mine[0][2])
    if len({p.name for p in best}) != 1 or best[0].many:
        return False
    for unit in units:
        give(state, unit, best[0])
    return True


_AHEAD: Final = 0.4


def _one_more(state: Filling, units: Sequence[Sequence[Piece]], count: int) -> bool:
    """`parcel JD0044 ... and parcel 77120`: what is left makes one code as many as everything else that was said."""
    rest = [u for u in units if len(u) == 1] + [[p] for p in state.left() if p.kind == "number" and p.unit is None]
    places = [p for p in state.sig.places if "code" in p.traits and p.textual and not p.many and p.name in state.said]
    if len(rest) != 1 or len(units) > 1 or len(places) != 1 or len(state.said[places[0].name]) != count - 1:
        return False
    piece = rest[0][0]
    state.put(places[0], Said(escape(piece.text), piece.start), range(piece.start, piece.end))
    return True


def _clearly(fits: Sequence[tuple[float, int, Place]]) -> list[tuple[float, int, Place]]:
    """A fit that no other for the same value or the same parameter comes near."""
    out = []
    for fit in fits:
        rivals = [f[0] for f in fits if f is not fit and (f[1] == fit[1] or f[2] is fit[2])]
        if fit[0] >= max(rivals, default=0.0) + 0.8:
            out.append(fit)
    return out


def maker(state: Filling) -> None:
    """`a Yamaha piano`: a name right before the words for the thing that is wanted says who made it."""
    places = [p for p in state.open() if "maker" in p.traits and p.textual and not p.many and not p.closed]
    kinds = {h.at for p in state.sig.places if "kind" in p.traits for h in state.said.get(p.name, ())}
    for piece in state.left():
        if len(places) == 1 and piece.kind == "name" and piece.end in kinds:
            take(state, piece, places[0])


def word_list(state: Filling) -> None:
    """`with chicken, rice and broccoli`: plain words in a row, for the one list of texts that is open."""
    places = [p for p in state.open() if p.many and p.textual and not p.closed]
    if len(places) != 1 or any(p.many for p in state.sig.places if p is not places[0] and p.textual):
        return
    rows = [unit for unit in units_of(phrases(state)) if len(unit) > 1]
    if len(rows) == 1:
        values = [escape(p.text) for p in rows[0]]
        at = rows[0][0].start
        state.put(places[0], Said(values, at, tied=False), range(at, rows[0][-1].end))


def plain(state: Filling) -> None:
    """Plain words for the texts still wanted: `restaurants with vegan food`, `who discovered the neutron`."""
    for _ in range(4):
        units = units_of(phrases(state))
        wanted = [p for p in state.open() if p.field.required and _worded(p)]
        if not units or not wanted or not (_sole(state, units, wanted) or _best(state, units, wanted)):
            break
    topics = [p for p in state.open() if "topic" in p.traits and _worded(p)]
    for unit in units_of(phrases(state)) if len(topics) == 1 else ():
        led = _before(state, unit[0]) in words("described", "about") and topics[0].name not in state.said
        if led and (topics[0].many or len(unit) == 1):
            _put(state, unit, topics[0])
    for unit in units_of(phrases(state)):
        places = [p for p in state.open() if _worded(p) and _beside(state, range(unit[0].start, unit[-1].end), p)]
        if len(places) == 1:
            _put(state, unit, places[0])


def sorts(state: Filling) -> None:
    """`science fiction novels`: words right before the thing that is asked for say of which sort it is."""
    kinds = [p for p in state.open() if "kind" in p.traits and _worded(p) and not p.many]
    for unit in units_of(phrases(state)) if len(kinds) == 1 else ():
        if len(unit) == 1 and _attributive(state, unit[0]):
            _put(state, unit, kinds[0])


def called(state: Filling) -> None:
    """`an alarm called gym`: what comes after it is the name."""
    places = [p for p in state.open() if p.traits & {"titled"} and p.textual and not p.closed and not p.many]
    for unit in units_of(phrases(state)) if len(places) == 1 else ():
        if len(unit) == 1 and state.items[unit[0].start - 1].lower in words("described", "titling"):
            _put(state, unit, places[0])


def spare(state: Filling) -> None:
    """`with tofu`, `in mice`, `science fiction novels`: plain words that can only be for the one text that may be
    left out, once every required parameter has its value."""
    if any(p.field.required and p.field.default is None for p in state.open()):
        return
    units = units_of(phrases(state))
    places = [p for p in state.open() if _worded(p) and not p.many]
    if len(units) != 1 or len(places) != 1 or len(units[0]) != 1 or state.left():
        return
    led = _before(state, units[0][0])
    if led in _HANGING and _near(state, units[0][0]) and (led != "in" or places[0].traits & {"place", "kind"}):
        _put(state, units[0], places[0])


_HANGING: Final = ("with", "in", "by", "from", "using", "of")


def _near(state: Filling, piece: Piece) -> bool:
    """Nothing that begins another clause stands between it and the nearest value the call has."""
    ends = [k for k in state.used if not piece.start <= k < piece.end]
    if not ends:
        return True
    at = min(ends, key=lambda k: min(abs(k - piece.start), abs(k - piece.end + 1)))
    between = state.items[min(at, piece.start) : max(at, piece.end)]
    return not any(i.text in _CLAUSED or i.lower == "then" for i in between)


_CLAUSED: Final = (",", ".", ";", "!", "?", ":", "\n")


def _attributive(state: Filling, piece: Piece) -> bool:
    """It stands right before the word for what is asked for."""
    after = state.items[piece.end] if piece.end < len(state.items) else None
    if after is None or not after.is_word or after.is_stop:
        return False
    own = state.sig.core | state.sig.summary
    return any(among(s, own) for s in (after.stem, *kin(after.stem)))


def alike(state: Filling) -> None:
    """`in the shape of a heart ... in the shape of a star`: what hangs on the same words is a further value; so is
    what stands as another value of it does, `TP53 in mouse and MYC in human`."""
    for place in state.sig.places:
        held = state.said.get(place.name, [])
        if len(held) == 1 and not place.many and _worded(place):
            for unit in units_of(phrases(state)):
                if _parallel(state, unit[0].start, held[0].at):
                    _put(state, unit, place)
        held = state.said.get(place.name, [])
        if not held or place.many or not _worded(place) or len(held) > 1:
            continue
        led = _led_at(state, held[0].at)
        for unit in units_of(phrases(state)) if led else ():
            if _led_at(state, unit[0].start) == led:
                _put(state, unit, place)
        for unit in units_of(state.left()) if led else ():
            again = _led_at(state, unit[0].start)
            if unit[0].kind in ("name", "code") and again[-1:] == led[-1:] and again[:1] == (stem("and"),):
                give(state, unit, place)


def _parallel(state: Filling, one: int, other: int) -> bool:
    """Both stand after the same small word, which stands after a value of one and the same parameter."""
    if min(one, other) < 2 or state.items[one - 1].lower != state.items[other - 1].lower:
        return False
    before = [next((p.start for p in state.pieces if p.start <= at - 2 < p.end), -1) for at in (one, other)]
    return any({h.at for h in held} >= set(before) for held in state.said.values())


def _worded(place: Place) -> bool:
    """Plain words can be its value."""
    written = re.search(r"\b(?:notation|encoded|base64|hash|regex|regular expression)\b", place.field.description, re.I)
    typed = place.traits & {"date", "time", "unit", "code", "flag", "object"}
    return place.textual and not place.closed and not typed and written is None


def _indefinite(state: Filling, piece: Piece, place: Place) -> bool:
    """`some jazz` is no title of anything."""
    before = state.items[piece.start - 1].lower if piece.start else ""
    called = _TITLE.match(place.field.description)
    vague = ("some", "any", "another", *(("a", "an") if called and "titled" in place.traits else ()))
    return before in vague and called is not None


_TITLE: Final = re.compile(r"(?:the )?(?:exact |full )?(?:title|name)s? of\b", re.IGNORECASE)


def _sole(state: Filling, units: Sequence[Sequence[Piece]], wanted: Sequence[Place]) -> bool:
    """One place, and one phrase (or several that stand alike: `who made the lamp and who made the chair`)."""
    if len(wanted) != 1 or (len({_before(state, unit[0]) for unit in units}) != 1 and not _in_row(state, units)):
        return False
    if any(_indefinite(state, unit[0], wanted[0]) for unit in units):
        return False
    if "place" in wanted[0].traits and not all(_placed(state, unit[0]) for unit in units):
        return False
    for unit in units:
        _put(state, unit, wanted[0])
    return True


def _in_row(state: Filling, units: Sequence[Sequence[Piece]]) -> bool:
    """`lavender in ... and basil in ...`: each after the first stands after `and`, and all stand before one word."""
    after = {state.items[u[0].end].lower if u[0].end < len(state.items) else "" for u in units}
    joined = all(_before(state, u[0]) == stem("and") for u in units[1:])
    return len(units) > 1 and joined and len(after) == 1 and after <= set(_PAIRED)


_PAIRED: Final = ("in", "with", "for", "by", "at", "from", "on", "to")


def _best(state: Filling, units: Sequence[Sequence[Piece]], wanted: Sequence[Place]) -> bool:
    """The pair that fits clearly better than any other with the same phrase or place."""
    fits = []
    for u, unit in enumerate(units):
        for place in wanted:
            score = max((s for p in unit if (s := text_edge(p, place, state.cues)) is not None), default=None)
            if _indefinite(state, unit[0], place):
                continue
            if score is not None and score >= _WORDED and ("place" not in place.traits or _placed(state, unit[0])):
                fits.append((score, u, place))
    clear = _clearly(fits)
    if not clear:
        return False
    _, u, place = max(clear, key=lambda f: (f[0], -f[1]))
    for unit in units:  # and those said in the same words: `in the shape of a heart ... in the shape of a star`
        if unit is units[u] or (not place.many and _led(state, unit[0]) == _led(state, units[u][0])):
            _put(state, unit, place)
    return True


def _put(state: Filling, unit: Sequence[Piece], place: Place) -> None:
    spans = [k for p in unit for k in range(p.start, p.end)]
    if place.many:
        state.put(place, Said([escape(p.text) for p in unit], unit[0].start, tied=False), spans)
        return
    for piece in unit:
        group = piece.group + _WORDS if piece.group >= 0 else -1
        state.put(place, Said(escape(piece.text), piece.start, group, tied=False), range(piece.start, piece.end))


def _before(state: Filling, piece: Piece) -> str:
    """The word the phrase hangs on: what stands before it and its article."""
    k = piece.start - 1
    while k >= 0 and state.items[k].lower in language("determiners"):
        k -= 1
    return state.items[k].stem if k >= 0 else ""


def _led(state: Filling, piece: Piece) -> tuple[str, ...]:
    return _led_at(state, piece.start)


def _led_at(state: Filling, at: int) -> tuple[str, ...]:
    """The two words that what stands at `at` hangs on: `shape of`; none where there is but one."""
    k = at - 1
    while k >= 0 and state.items[k].lower in language("determiners"):
        k -= 1
    return tuple(i.stem for i in state.items[k - 1 : k + 1]) if k > 0 else ()


def _placed(state: Filling, piece: Piece) -> bool:
    return _before(state, piece) in ("in", "near", "at", "for", "of", "from", "to")


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
