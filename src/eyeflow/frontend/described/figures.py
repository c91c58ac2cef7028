"""Numbers, units, powers, lists in brackets and numbered streets, as values.

Knows: how figures look in English text. In: items and the request. Out: `Piece`s. Never: decides what a value is for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from eyeflow.frontend.described.names import capital
from eyeflow.frontend.described.piece import NUMERIC, Piece, glued
from eyeflow.frontend.intent import JsonValue
from eyeflow.frontend.items import Item
from eyeflow.units import lookup


def dotted(items: Sequence[Item], at: int) -> int:
    """The end of numbers joined by full stops without a space."""
    end = at + 1
    while (
        end + 1 < len(items)
        and items[end].text == "."
        and items[end + 1].text.replace(".", "").isdigit()
        and items[end - 1].span.end == items[end].span.start
        and items[end].span.end == items[end + 1].span.start
    ):
        end += 2
    return end


def _power(items: Sequence[Item], at: int, text: str) -> Piece | None:
    """`8.85 x 10^-12`, `10^6`: a number in powers of ten, with its unit left to the words."""
    k = at
    factor: float = 1.0
    if at + 1 < len(items) and items[at + 1].lower in ("x", "×", "*") and isinstance(items[at].value, int | float):
        factor, k = float(items[at].value or 0), at + 2
    if k + 2 >= len(items) or items[k].text != "10" or items[k + 1].text != "^":
        return None
    minus = items[k + 2].text == "-"
    exponent = items[k + 2 + minus] if k + 2 + minus < len(items) else None
    if exponent is None or not isinstance(exponent.value, int) or abs(exponent.value) > 300:
        return None
    end = k + 3 + minus
    power = -exponent.value if minus else exponent.value
    if end + 2 < len(items) and items[end].is_word and items[end + 1].text == "/" and items[end + 2].is_word:
        end += 3  # `F/m`
    value = float(f"{factor!r}e{power}") if "e" not in repr(factor) else factor * 10.0**power
    return Piece("number", at, end, text[items[at].span.start : items[end - 1].span.end], value)


def number(items: Sequence[Item], at: int, text: str) -> Piece | None:
    """The number at `at` with its unit: `5 cm`, `30 %`, `8.85 x 10^-12`; a code where it is one: `24x36`."""
    item = items[at]
    power = _power(items, at, text)
    if power is not None:
        return power
    whole = glued(items, at)
    if whole == at + 2 and items[at + 1].is_word and len(items[at + 1].text) <= 2 and item.kind == "number":
        return Piece("number", at, whole, text[item.span.start : items[whole - 1].span.end], item.value)
    mixed = whole > at + 1 and any(i.is_word for i in items[at + 1 : whole])
    if mixed and items[at + 1].text not in ("-", "°", "%", "/"):  # `3x^2`, `24x36`, `221B`: no number of its own
        end = _street(items, whole) or whole
        said = text[item.span.start : items[end - 1].span.end]
        return Piece("name" if end > whole else "code", at, end, said, said)
    if whole == at + 3 and items[at + 1].text == "-" and items[at + 2].kind == "number" and item.kind == "number":
        said = text[item.span.start : items[at + 2].span.end]
        return Piece("code", at, whole, said, said)  # `0-10`, `2021-2022`
    street = _street(items, at + 1)
    if street is not None and item.kind == "number":
        said = text[item.span.start : items[street - 1].span.end]
        return Piece("name", at, street, said, said)
    kind = {"money": "money"}.get(item.kind, "share" if item.unit == "percent" else "number")
    end = at + 1
    if end < len(items) and items[end].text == "%":
        kind, end = "share", end + 1
    symbol = items[end] if kind == "number" and item.unit is None and end < len(items) else None
    known = lookup(symbol.text) if symbol is not None and symbol.is_word and len(symbol.text) <= 2 else None
    if known is not None and not (symbol is not None and symbol.is_stop):
        said = text[item.span.start : items[end].span.end]
        return Piece(kind, at, end + 1, said, item.value, known.name)
    if kind == "number" and item.unit is None and end < len(items) and (beside := _measured(items, end)) is not None:
        unit, measure, end = beside
        said = text[item.span.start : items[end - 1].span.end]
        return Piece(kind, at, end, said, item.value, unit, measure=measure)
    if item.unit is not None and end + 1 < len(items) and items[end].text == "^" and items[end + 1].kind == "number":
        return Piece(kind, at, end + 2, text[item.span.start : items[end + 1].span.end], item.value)  # `9.8 m/s^2`
    return Piece(kind, at, end, item.text, item.value, item.unit)


_PER: Final = re.compile(r"[A-Za-zµ°]{1,8}(?:[/·*][A-Za-zµ°]{1,8}\d?)+")


def _measured(items: Sequence[Item], at: int) -> tuple[str | None, str | None, int] | None:
    """The unit `mol/L` at `at`: its name or as it is written, and its end."""
    item = items[at]
    if item.kind == "punct" or not _PER.fullmatch(item.text):
        return None
    known = lookup(item.text) or lookup(item.text.casefold())
    return (known.name, None, at + 1) if known is not None else (None, item.text, at + 1)


_STREETS: Final = frozenset(
    {"street", "st", "avenue", "ave", "road", "rd", "boulevard", "blvd", "drive", "lane", "way", "square", "plaza"}
)


def _street(items: Sequence[Item], at: int) -> int | None:
    """The end of `Baker Street, Berkeley, CA` from `at` on, or None when no street is named there."""
    end = at
    while end < len(items) and capital(items, end):
        end += 1
    if end == at or not any(i.lower in _STREETS for i in items[at:end]):
        return None
    for _ in range(3):
        if end + 1 < len(items) and items[end].text == "," and capital(items, end + 1):
            end += 2
            while end < len(items) and capital(items, end):
                end += 1
    return end


def bracketed(items: Sequence[Item], at: int, text: str) -> Piece | None:
    """`[1, 2, 3]`, `['a', 'b']`, `(48.85, 2.29)`."""
    close = {"[": "]", "(": ")"}[items[at].text]
    values: list[JsonValue] = []
    k = at + 1
    while k < len(items) and items[k].text != close:
        item = items[k]
        if item.text == "[" and (inner := bracketed(items, k, text)) is not None:
            values.append(inner.value)
            k = inner.end
            continue
        if (item.kind in NUMERIC and isinstance(item.value, int | float)) or item.kind == "quoted":
            values.append(item.value)
        elif item.text not in (",", ";") and item.lower != "and" and item.text not in "°NSEW":
            return None
        k += 1
    if k >= len(items) or not values or (close == ")" and len(values) < 2):
        return None
    return Piece("list", at, k + 1, text[items[at].span.start : items[k].span.end], values)
