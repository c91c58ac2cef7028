"""What has been found for one capability so far, and how a value is put to a parameter.

Knows: which parameters are open, which values are taken. In: a signature, items, pieces. Out: `Filling`, `Said`.
Never: a rule of its own for what goes where.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from eyeflow.frontend.data import words
from eyeflow.frontend.described.cues import Around, around
from eyeflow.frontend.described.dates import is_month
from eyeflow.frontend.described.numeric import number_edge
from eyeflow.frontend.described.piece import Piece
from eyeflow.frontend.described.pieces import regrouped
from eyeflow.frontend.described.signature import Place, Signature, among
from eyeflow.frontend.described.values import value_for
from eyeflow.frontend.described.worded import text_edge
from eyeflow.frontend.intent import JsonValue
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import stem
from eyeflow.frontend.values_said import is_code

_REGIONS: Final = frozenset({stem("state"), stem("country"), stem("region"), stem("province")})

_CROSSED: Final = 5000
"""Groups of `a x b` are numbered from here on."""

NUMBERS: Final = ("number", "share", "money")
"""Kinds of pieces that are one number."""


class Said(msgspec.Struct, frozen=True, eq=False):
    """One value said for a parameter, where, in which `a, b and c`, and how surely (`tied` by a cue or left over)."""

    value: JsonValue
    at: int
    group: int = -1
    tied: bool = True
    listed: bool = False


class Filling:
    """What has been found for one capability so far; the steps below change it."""

    def __init__(self, sig: Signature, items: Sequence[Item], pieces: Sequence[Piece]) -> None:
        self.sig = sig
        self.items = items
        self.said: dict[str, list[Said]] = {}
        self.used: set[int] = set()
        self.pieces = [p for p in self._split(pieces) if not self._own(p)]
        self.cues: Around = around(sig, items, self.pieces)

    def _split(self, pieces: Sequence[Piece]) -> list[Piece]:
        """`Reno, Nevada` as two values where town and region are two parameters."""
        pieces = [q for p in pieces for q in self._crossed(p)]
        pieces = self._numbered(pieces)
        regions = [p for p in self.sig.places if p.textual and set(p.names) & _REGIONS]
        towns = [p for p in self.sig.places if "place" in p.traits and p not in regions]
        if not regions or not towns:
            return list(pieces)
        found: list[Piece] = []
        for piece in pieces:
            comma = next((k for k in range(piece.start, piece.end) if self.items[k].text == ","), None)
            if piece.kind != "name" or comma is None:
                found.append(piece)
                continue
            for start, end in ((piece.start, comma), (comma + 1, piece.end)):
                said = self.items[start:end]
                text = piece.text.split(",", 1)[start > comma].strip()
                found.append(Piece("name" if said else "code", start, end, text, text, group=-1))
        return found

    def _numbered(self, pieces: Sequence[Piece]) -> list[Piece]:
        """`Pixel 9`, `ICE 1132` as one name, where no number is wanted that this could be."""
        wanted = sum(p.numeric and p.field.required for p in self.sig.places)
        spare = (
            sum(p.kind in NUMBERS for p in pieces) - wanted if any(p.numeric for p in self.sig.places) else len(pieces)
        )
        out: list[Piece] = []
        for piece in pieces:
            last = out[-1] if out else None
            after = self.items[piece.end] if piece.end < len(self.items) else None
            alone = after is None or not after.is_word or after.is_stop
            if (
                spare > 0
                and last is not None
                and last.kind == "name"
                and last.end == piece.start
                and piece.kind == "number"
                and piece.unit is None
                and isinstance(piece.value, int)
                and alone
                and not is_month(last.text)
            ):
                spare -= 1
                text = f"{last.text} {piece.text}"
                out[-1] = msgspec.structs.replace(last, end=piece.end, text=text, value=text)
            else:
                out.append(piece)
        return out if len(out) == len(pieces) else regrouped(out, self.items)

    def _crossed(self, piece: Piece) -> list[Piece]:
        """`40x30` as two numbers where two numbers are wanted."""
        hit = re.fullmatch(r"(\d+)[x×](\d+)", piece.text) if piece.kind == "code" else None
        if hit is None or sum(p.numeric and p.field.required for p in self.sig.places) < 2:
            return [piece]
        return [
            msgspec.structs.replace(piece, kind="number", text=part, value=int(part), group=_CROSSED + piece.start)
            for part in hit.groups()
        ]

    def _own(self, piece: Piece) -> bool:
        """`BMI`, `Supreme Court`: capitals that are the capability's own words; names of its parameters."""
        if _letters(piece.text) in (_letters(self.sig.entry.spec.name), _letters(self.sig.entry.key)):
            return True
        if any(len(_letters(p.name)) > 2 and _letters(piece.text) == _letters(p.name) for p in self.sig.places):
            return True  # `'remember me'` for a parameter of that name
        if piece.kind not in ("name", "code", "number") or (piece.kind == "number" and not piece.text.isalpha()):
            return False
        after = self.items[piece.end] if piece.end < len(self.items) else None
        if piece.idle and self._tallies(piece):
            return True
        if piece.kind == "number" and not (after is not None and among(after.stem, self.sig.core | self.sig.summary)):
            return False  # `for two` is no `two cities`
        names = {p.name.casefold() for p in self.sig.places}
        if piece.text.casefold() in names:
            return True
        stems = [i.stem if i.is_word else i.text.casefold() for i in self.items[piece.start : piece.end]]
        own = self.sig.core | self.sig.summary | {w for p in self.sig.places for w in p.names}
        known = bool(stems) and all(among(s, own) for s in stems)
        if known:
            self.used.update(range(piece.start, piece.end))
        return known

    def _tallies(self, piece: Piece) -> bool:
        """`two tasks`, `these three things`: how many the request itself speaks of."""
        before = self.items[piece.start - 1].lower if piece.start else ""
        after = self.items[piece.end].lower if piece.end < len(self.items) else ""
        return after in words("described", "tallied") and before not in ("top", "first", "last", "best")

    def open(self) -> list[Place]:
        """Parameters nothing was said for yet, the required ones first."""
        held = [p for p in self.sig.places if p.name not in self.said and not is_code(p.field)]
        return sorted(held, key=lambda p: not p.field.required)

    def left(self) -> list[Piece]:
        """Values no parameter has taken."""
        held = {p.text.casefold() for p in self.pieces if p.kind == "name" and p.start in self.used}
        free = [p for p in self.pieces if not self.used & set(range(p.start, p.end)) and not p.idle]
        return [p for p in free if p.kind != "name" or p.text.casefold() not in held]

    def put(self, place: Place, said: Said, positions: Sequence[int]) -> None:
        """`said` for `place`; the same value again counts once."""
        held = self.said.setdefault(place.name, [])
        if not any(h.value == said.value and (place.many or h.at == said.at) for h in held):
            held.append(said)
            held.sort(key=lambda h: h.at)
        self.used.update(positions)


def _letters(name: str) -> str:
    """A name however it is cut: `ohmsLaw`, `ohms_law`."""
    return re.sub(r"[\W_]", "", name).casefold()


def units_of(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Pieces that belong together: each group of `a, b and c`, and every other piece by itself."""
    out: list[list[Piece]] = []
    for piece in pieces:
        if out and piece.group >= 0 and out[-1][-1].group == piece.group:
            out[-1].append(piece)
        else:
            out.append([piece])
    return out


def edge(piece: Piece, place: Place, state: Filling) -> float | None:
    """How well a value fits a parameter, the more the better; None where it cannot be that parameter's."""
    if piece.kind in NUMBERS:
        return number_edge(piece, place, state.cues)
    if piece.kind == "list":
        if not place.many or value_for(piece, place) is None:
            return None
        return (number_edge(piece, place, state.cues) if place.numeric else text_edge(piece, place, state.cues)) or 0.0
    if piece.kind == "day":
        return None
    return text_edge(piece, place, state.cues)


def give(state: Filling, unit: Sequence[Piece], place: Place) -> bool:
    """Puts values that belong together to one parameter; False where it takes none of them."""
    if place.many and unit[0].kind != "list":
        values = [value_for(p, place) for p in unit]
        if any(v is None for v in values):
            return False
        state.put(place, Said(values, unit[0].start), [k for p in unit for k in range(p.start, p.end)])
        return True
    taken = [take(state, piece, place) for piece in unit]
    return any(taken)


def take(state: Filling, piece: Piece, place: Place, *, tied: bool = True) -> bool:
    """Puts one value to a parameter; False where it is not of the parameter's type."""
    value = value_for(piece, place)
    if value is None:
        return False
    group = piece.group if piece.group >= 0 else -1
    state.put(place, Said(value, piece.start, group, tied), range(piece.start, piece.end))
    return True
