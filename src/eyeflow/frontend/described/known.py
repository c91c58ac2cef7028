"""Values that a parameter knows itself: those it lists, units, days, yes and no.

Knows: how they are said. In: a `Filling`. Out: the same, changed. Never: takes a number or a name by what is beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

import msgspec

from eyeflow.frontend.data import words
from eyeflow.frontend.described.cues import cue_words
from eyeflow.frontend.described.filling import Filling, Said
from eyeflow.frontend.described.kin import kin
from eyeflow.frontend.described.piece import Piece
from eyeflow.frontend.described.signature import Place, akin, among
from eyeflow.frontend.described.values import unit_for, value_for
from eyeflow.frontend.intent import JsonValue
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import is_base_verb, same_doing, stem
from eyeflow.frontend.lexicon import words as language
from eyeflow.frontend.values_said import escape
from eyeflow.units import is_currency, lookup

_LISTED: Final = 1000
"""Groups of listed values are numbered from here on, apart from those of other values."""


def listed(state: Filling) -> None:
    """Words that are one of a parameter's own values: an enum's, or those its description names."""
    taken: set[int] = set()
    row = _parts(state)
    for place in state.open():
        if not place.said or (place.traits & {"date", "place", "flag"} and not place.closed):
            continue
        if "unit" in place.traits:
            continue
        found: list[tuple[list[int], str]] = []
        for words_, value in sorted(place.said, key=lambda s: (-len(s[0]), s[1])):
            for at in _where(state, row, (words_, value), taken, place):
                taken.update(at)
                found.append((at, value))
        if not found and place.closed and not place.many:
            found = _done(state, place)
        for at, value in sorted(found):
            held: JsonValue = int(value) if place.numeric and value.lstrip("-").isdigit() else value
            if not place.many:
                state.put(place, Said(held, at[0], listed=True), at)
                continue
            before = state.said.pop(place.name, [])
            first = before[0].at if before else at[0]
            known = before[0].value if before else []
            state.put(place, Said([*known, *([held] if held not in known else [])], first), at)
        _together(state, place)


def _done(state: Filling, place: Place) -> list[tuple[list[int], str]]:
    """`put ... on my list` where one of the values is `add`: the order itself says which."""
    first = next((k for k, i in enumerate(state.items) if i.is_word and is_base_verb(i.lower)), None)
    if first is None or not all(is_base_verb(v.casefold()) for v in place.field.enum):
        return []
    verb = state.items[first].stem
    meant = [v for v in place.field.enum if same_doing(verb, stem(v.casefold()))]
    return [([first], meant[0])] if len(meant) == 1 else []


_BETWEEN: Final = ("and", "or", ",", "&", "into", "to", "for", "with", "in", "of", "at", "by")


def _together(state: Filling, place: Place) -> None:
    """`German and Spanish`: listed values in a row are a group, and so a call each."""
    held = state.said.get(place.name, [])
    if len(held) < 2 or not all(h.listed for h in held):
        return
    gaps = [state.items[a.at + 1 : b.at] for a, b in pairwise(held)]
    if all(gap and all(i.lower in _BETWEEN or i.lower in language("determiners") for i in gap) for gap in gaps):
        state.said[place.name] = [msgspec.structs.replace(h, group=_LISTED + held[0].at) for h in held]


_Row = list[tuple[str, int]]


def _parts(state: Filling) -> _Row:
    """The stems of the request with the item each is of: `gluten-free` is two of them, a quoted word its own."""
    row: _Row = []
    for at, item in enumerate(state.items):
        if item.kind == "quoted" and isinstance(item.value, str):
            row += [(stem(w), at) for w in item.value.split()]
        elif item.kind in ("word", "key", "number", "quantity"):
            row += [(stem(w), at) for w in re.split(r"[-/]", item.lower if item.is_word else item.text.casefold()) if w]
    return row


def _where(
    state: Filling, row: _Row, listed_: tuple[tuple[str, ...], str], taken: set[int], place: Place
) -> Iterator[list[int]]:
    said, value = listed_
    frame = words("described", "frame")
    plain = len(said) == 1
    if plain and (len(value) < 2 or value.casefold() in ("all", "any", "none")):
        return
    said = tuple(w for word in said for w in re.split(r"[-/]", word) if w)
    for at in range(len(row) - len(said) + 1):
        held = sorted({k for _, k in row[at : at + len(said)]})
        if not place.closed and any(p.start <= held[0] < p.end for p in state.pieces if p.kind == "list"):
            continue  # one of a list that is said as a whole
        if any(k in taken for k in held) or _inside(state, held, row[at : at + len(said)]):
            continue
        if not all(_same(w, word) for (w, _), word in zip(row[at : at + len(said)], said, strict=True)) and not (
            plain and place.closed and (said[0] in kin(row[at][0]) or (place.many and akin(said[0], row[at][0])))
        ):
            continue
        first = state.items[held[0]]
        spelled = first.text == value and value.isupper()
        bare = (first.is_stop or value.casefold() in frame) and not spelled
        led = held[0] and state.items[held[0] - 1].lower in ("in", "by", "using") and len(value) > 4
        if plain and bare and not (_beside(state, held[0], place) or (led and place.closed)):
            continue
        if not place.closed and plain and among(said[0], state.sig.core):
            continue
        yield held


def _inside(state: Filling, held: Sequence[int], said: _Row) -> bool:
    """A word of a longer quoted text, or of a longer name, is no value of its own: `Natural History Museum`."""
    for at in held:
        item = state.items[at]
        if item.kind == "quoted" and isinstance(item.value, str):
            if len(item.value.split()) > sum(k == at for _, k in said):
                return True
            continue
        name = next((p for p in state.pieces if p.kind == "name" and p.start <= at < p.end), None)
        if name is not None and name.start < at < name.end - 1:
            return True
    return False


def _beside(state: Filling, at: int, place: Place) -> bool:
    """The parameter's own name stands beside the word: `first class`, `mode: all`."""
    cues = cue_words(place)
    near = [*state.items[at + 1 : at + 2], *state.items[max(0, at - 2) : at]]
    return place.closed and any(i.is_word and not i.is_stop and any(akin(i.stem, w) for w in cues) for i in near)


def _same(one: str, other: str) -> bool:
    return one == other or (len(other) > 4 and one.rstrip("e") == other.rstrip("e"))


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
            if value is None and end > at + 1 and not place.field.enum:
                value = said  # `min/mile`
            if value is not None:
                state.put(place, Said(escape(str(value)), at), range(at, end))
        elif (
            item.is_word and place.field.enum and [i.lower for i in state.items[max(0, at - 2) : at]] == ["how", "many"]
        ):
            value = unit_for(item.text, place)  # `how many miles`
            if value is not None:
                state.put(place, Said(escape(str(value)), at), [at])
    units = {p.unit: p for p in state.pieces if p.unit and p.kind == "number"}
    if place.name not in state.said and len(units) == 1:
        (piece,) = units.values()
        said = piece.text.lstrip("-0123456789., ")
        value = unit_for(said, place) if said else None
        if value is not None:
            state.put(place, Said(escape(str(value)), piece.start), [])


def _enum_word(place: Place, item: Item) -> JsonValue | None:
    return next((v for w, v in place.said if len(w) == 1 and w[0] == item.stem), None) if place.field.enum else None


def conversions(state: Filling) -> None:
    """`12 yards to meters`, `how many ounces are 3 pounds`: the units (or currencies) to count from and to."""
    kinds = {"unit", "currency"}
    places = [p for p in state.open() if p.textual and not p.many and kinds & {*p.names, *p.traits}]
    source = next((p for p in places if "origin" in p.traits), None)
    target = next((p for p in places if "target" in p.traits), None)
    if source is None or target is None:
        return
    for piece in state.pieces:
        told = _unit_said(piece, state)
        if told is None:
            continue
        value = _spelled(told, source)
        to = _unit_after(state, piece) or _unit_asked(state, piece)
        if value is None or not to:
            continue
        other = _spelled(" ".join(state.items[k].text for k in to), target)
        if other is not None:
            state.put(
                source,
                Said(value, piece.start),
                [
                    k
                    for k in range(piece.start + 1, piece.end + 2)
                    if k < len(state.items) and state.items[k].text == told
                ],
            )
            state.put(target, Said(other, to[0] if to[0] > piece.start else piece.start), to)
            counts = [p for p in state.sig.places if p.numeric and not p.many and p.field.required]
            held = value_for(piece, counts[0]) if len(counts) == 1 else None
            if held is not None:
                state.put(counts[0], Said(held, piece.start), range(piece.start, piece.end))


def _unit_said(piece: Piece, state: Filling) -> str | None:
    """The unit as it is written beside the number."""
    if piece.kind not in ("number", "money"):
        return None
    said = piece.text.strip("-0123456789., ")
    if said and piece.unit is not None:
        return said if said.replace(" ", "").isalpha() else piece.unit
    after = state.items[piece.end] if piece.end < len(state.items) else None
    if after is not None and after.is_word and not after.is_stop:
        return after.text
    return None


def _unit_after(state: Filling, piece: Piece) -> list[int]:
    """`to meters`, `into US dollars` soon after the number."""
    items = state.items
    for k in range(piece.end, min(len(items) - 1, piece.end + 5)):
        if items[k].lower in ("to", "into", "in", "as") and items[k + 1].is_word:
            end = k + 2
            while end < len(items) and end < k + 4 and items[end].is_word and not items[end].is_stop:
                end += 1
            return [n for n in range(k + 1, end) if not items[n].is_stop]
    return []


def _unit_asked(state: Filling, piece: Piece) -> list[int]:
    """`how many centimeters are 7 inches`."""
    items = state.items
    for k in range(piece.start - 1, 1, -1):
        if items[k].is_word and not items[k].is_stop and items[k - 1].lower == "many" and items[k - 2].lower == "how":
            return [k]
    return []


def _spelled(said: str, place: Place) -> JsonValue | None:
    known = lookup(said) or lookup(said.casefold())
    if "currency" in place.names and known is not None and not is_currency(known.name):
        return None  # miles are no money
    if known is not None and is_currency(known.name) and not place.field.enum and _coded(place):
        return known.name.upper()
    return unit_for(said, place) if place.field.enum else escape(said)


def currencies(state: Filling) -> None:
    """`100 USD to JPY`: the currency an amount is said in, for a parameter of its own."""
    places = [p for p in state.open() if p.textual and "currency" in p.names and not p.closed]
    source = next((p for p in places if "origin" in p.traits), places[0] if len(places) == 1 else None)
    if source is None:
        return
    for piece in state.pieces:
        code = piece.text.strip("-0123456789., ")
        if piece.kind == "money" and piece.unit is not None:
            said = code if code.isalpha() and not _coded(source) else piece.unit.upper()
            state.put(source, Said(said, piece.start), [])


def _coded(place: Place) -> bool:
    """The currency is wanted by its code: the description says so, or shows one."""
    shown = re.search(
        r"\b(?:ISO|[Cc]odes?|symbols?)\b|['\"(]?\b(?:USD|EUR|GBP|JPY|CHF|CAD|AUD)\b", place.field.description
    )
    return shown is not None or (isinstance(place.field.default, str) and place.field.default.isupper())


def days(state: Filling) -> None:
    """Days and times of day to the parameters that take them, by `from`, `to`, their names, or in order."""
    found = _dates(state)
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
            clock, date_ = "time" in other.traits, "time" in place.traits
            if day.minute is not None and day.day is not None and clock != date_:
                state.put(other, Said(held, piece.start), [])
                break


def _dates(state: Filling) -> list[Piece]:
    """The days said; `next Thursday` is no day of its own where a full date is said that is a Thursday."""
    found = [p for p in state.pieces if p.kind == "day" and p.day is not None]
    full = [p.day.day for p in found if p.day is not None and p.day.day is not None and not p.day.relative]
    kept = []
    for piece in found:
        day = piece.day
        if (
            day is not None
            and day.relative
            and len(full) == 1
            and full[0].strftime("%A").casefold() in piece.text.casefold()
        ):
            state.used.update(range(piece.start, piece.end))
            continue
        kept.append(piece)
    return kept


def _day_score(place: Place, *, ends: bool, required: bool) -> float:
    closing = (
        bool({"end", "to", "until", "return", "checkout", "finish"} & set(place.names)) or "target" in place.traits
    )
    return (2.0 if closing == ends else 0.0) + required + ("date" in place.traits)


def flags(state: Filling) -> None:
    """`with details`, `no breakfast`, `private`: yes or no, for a parameter whose telling words are said."""
    for place in state.open():
        if "flag" not in place.traits:
            continue
        telling = flag_words(place)
        heard = {w: [k for k, i in enumerate(state.items) if i.is_word and akin(i.stem, w)] for w in telling}
        hits = sorted(k for held in heard.values() for k in held)
        said = [w for w in telling if heard[w]]
        if not said or (said[0] != telling[0] and 2 * len(said) <= len(telling)):
            continue
        if len(said) < len(telling) and all(among(w, state.sig.core | state.sig.summary) for w in said):
            continue
        if all(among(state.items[h].stem, state.sig.core) for h in hits):
            continue
        before = range(max(0, hits[0] - 3), hits[0])
        denying = [
            k
            for k in before
            if state.items[k].lower in words("described", "low") or state.items[k].lower.endswith("n't")
        ]
        denied = bool(denying)
        hits = [*hits, *denying]
        state.put(place, Said(flag_value(place, yes=not denied), hits[0]), sorted(hits))


def flag_words(place: Place) -> list[str]:
    """The words of a yes-or-no parameter's name that say what it is about."""
    plain = {stem(w) for w in words("described", "flags")}
    return [w for w in place.names if w not in plain and len(w) > 2]


def flag_value(place: Place, *, yes: bool) -> JsonValue:
    """True or False, as the parameter spells them."""
    spelled = ("true", "yes") if yes else ("false", "no")
    return next((v for v in place.field.enum if v.casefold() in spelled), yes)
