"""A value as a parameter takes it: the right type, unit, spelling of a day, list.

Knows: types and what descriptions ask for. In: a `Piece` and a `Place`. Out: a JSON value, None when it cannot be one.
Never: decides which parameter a value is for.
"""

from __future__ import annotations

import re
from typing import Final

from eyeflow.frontend.data import mapping
from eyeflow.frontend.described.dates import Day, written
from eyeflow.frontend.described.numeric import unit_in
from eyeflow.frontend.described.piece import Piece
from eyeflow.frontend.described.signature import Place
from eyeflow.frontend.intent import JsonValue
from eyeflow.frontend.values_said import element, escape
from eyeflow.units import convert, lookup
from eyeflow.values import Scalar

_EXAMPLE: Final = re.compile(r"[A-Z][A-Za-z.]+(?: [A-Z][A-Za-z.]+)*, [A-Z][A-Za-z]+")


def value_for(piece: Piece, place: Place) -> JsonValue | None:
    """The value of `piece` as one value of `place` (an item of it, when it takes a list)."""
    if piece.kind == "day":
        return day_for(piece.day, place) if piece.day is not None else None
    if piece.kind == "list":
        return _list(piece, place)
    if place.numeric:
        return _number(piece, place)
    if piece.kind in ("number", "share", "money"):
        return _bounded(piece.text.lstrip("#") if piece.text != piece.text.strip() else piece.text, place)
    return _bounded(_shown(str(piece.value), place), place)


def _shown(text: str, place: Place) -> str:
    """`Oslo` as the description itself spells it where it asks for more: `such as 'Oslo, Norway'`."""
    if "place" not in place.traits or "," in text:
        return text
    said = place.field.description
    for hit in _EXAMPLE.finditer(said):
        whole = place.regional or said[hit.start() - 1 : hit.start()] in ("'", '"', "‘", "“")
        if whole and hit.group().split(",")[0].casefold() == text.casefold():
            return hit.group()
    return text


def _bounded(text: str, place: Place) -> JsonValue | None:
    most = place.field.max_length
    return escape(text) if most is None or len(text) <= most else None


def _number(piece: Piece, place: Place) -> JsonValue | None:
    value = piece.value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    whole = _integer(place)
    if piece.kind == "share":
        if not whole and not _in_percent(place):
            value = round(value / 100, 12)
    elif place.unit is not None and (unit := unit_in(piece, place)) is not None and unit != place.unit.name:
        value = convert(value, unit, place.unit.name)
    if whole:
        return int(value) if float(value).is_integer() else None
    low, high = place.field.minimum, place.field.maximum
    if (low is not None and value < low) or (high is not None and value > high):
        return None
    return value


def _integer(place: Place) -> bool:
    held = element(place.field)
    return isinstance(held, Scalar) and held.name == "integer"


def _in_percent(place: Place) -> bool:
    """A share is wanted as it is said (`5` for 5 %) where the parameter says so; else as a fraction."""
    said = f"{place.name} {place.field.description}".casefold()
    if re.search(r"decimal|fraction|0\.\d|between 0 and 1\b|from 0 to 1\b", said):
        return False
    return bool(re.search(r"percent|\bin %|\(%\)|pct", said))


def _list(piece: Piece, place: Place) -> JsonValue | None:
    held = piece.value if isinstance(piece.value, list) else []
    if not place.many or not held:
        return None
    if place.rows or any(isinstance(v, list) for v in held):
        return held if place.rows and place.numeric and all(_row(v) for v in held) else None
    if place.numeric:
        if not all(isinstance(v, int | float) for v in held):
            return None
        return [int(v) for v in held] if _integer(place) and all(float(v).is_integer() for v in held) else held
    if place.textual and all(isinstance(v, str) for v in held):
        return [escape(v) for v in held]
    return None


def _row(value: JsonValue) -> bool:
    return isinstance(value, list) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in value)


def in_region(said: str, place: Place) -> str | None:
    """`Boston` with its state (or its country, where that will do), for a place that wants both."""
    if not place.regional or "place" not in place.traits or "," in said:
        return None
    town = said.casefold()
    state = mapping("towns", "states").get(town)
    if state is not None:
        return f"{said}, {state}"
    country = mapping("towns", "countries").get(town)
    wanted = "country" in place.field.description.casefold()
    return f"{said}, {country}" if country is not None and wanted else None


def day_for(day: Day, place: Place) -> JsonValue | None:
    """A day or a time of day in the spelling the parameter asks for."""
    clock = None if day.minute is None else f"{day.minute // 60:02d}:{day.minute % 60:02d}"
    shape = place.format
    if place.numeric:
        told = day.day is not None and not day.relative and "year" in place.traits
        return day.day.year if told and day.day is not None else None
    if "time" in place.traits or (shape or "").startswith("hh"):
        return clock
    if day.day is None:
        return None
    if "weekday" in place.traits:
        return day.day.strftime("%A") if day.relative else None
    text = written(day.day, shape)
    if clock is not None and ((shape and "hh" in shape) or place.field.format == "date-time"):
        joint = "T" if shape is None else " "
        text = f"{text}{joint}{clock}:00"
        return text + "Z" if place.field.format == "date-time" else text
    return text


def unit_for(said: str, place: Place) -> JsonValue | None:
    """A unit as the parameter spells it."""
    known = lookup(said) or lookup(said.casefold())
    if known is None:
        return None
    if not place.field.enum:
        return said
    for value in place.field.enum:
        other = lookup(value) or lookup(value.casefold())
        if value.casefold() == said.casefold() or (other is not None and other.name == known.name):
            return value
    return None
