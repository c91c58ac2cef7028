"""Numbers, number words, and the units that follow them.

Knows: how amounts are spelled. In: text of numbers and clocks, tokens of the first scan.
Out: values, and the tokens with amounts joined ("10 MB", "twenty five", "300 EUR"). Never: converts units.
"""

from __future__ import annotations

import re
from typing import Final

from eyeflow.frontend.data import numbers
from eyeflow.frontend.tokens import Kind, Token, TokenValue
from eyeflow.units import LONGEST_ALIAS_WORDS, Unit, lookup
from eyeflow.values import Span

_CLOCK: Final = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?(?::(\d{2}))?\s?([apAP])?")
_AMOUNTS: Final = (Kind.NUMBER, Kind.NUMBER_WORD)
_DEGREES: Final = frozenset({"degrees", "degree", "deg", "°"})


def number_value(text: str) -> int | float:
    """The number `text` spells: thousands commas dropped, suffixes (k, M, bn) applied; integral values are ints."""
    body = text.replace(",", "").replace("−", "-").replace(" ", "")
    digits = body.rstrip("kKMBmbn")
    scale = numbers("numbers", "suffixes").get(body[len(digits) :], 1)
    if len(digits) > 40:
        return float(digits)
    if "." not in digits:
        return int(digits) * scale
    return _scaled(digits, scale)


def _scaled(digits: str, scale: int) -> int | float:
    whole, _, fraction = digits.partition(".")
    if scale == 1:
        return float(digits)
    power = 1
    for _ in fraction:
        power *= 10
    scaled = int(whole + fraction) * scale
    return scaled // power if scaled % power == 0 else scaled / power


def clock_value(text: str) -> tuple[str | None, str]:
    """(`HH:MM`, how it was written): am, pm, 24h, bare (9:30), or (None, invalid) for a time no day has."""
    found = _CLOCK.match(text)
    assert found is not None, "the pattern of clocks starts with an hour"
    hour, minute, half = int(found[1]), int(found[2] or 0), (found[4] or "").lower()
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        return None, "invalid"
    if half and hour <= 12:
        return f"{hour % 12 + (12 if half == 'p' else 0):02d}:{minute:02d}", f"{half}m"
    if half == "a" and hour > 12:
        return None, "invalid"
    unwritten = not half and 1 <= hour <= 12 and not (found[1].startswith("0"))
    return f"{hour % 24:02d}:{minute:02d}", "bare" if unwritten else "24h"


def join_amounts(text: str, tokens: list[Token]) -> list[Token]:
    """Number words composed, then amounts and their units joined."""
    return _units(text, _number_words(text, tokens))


def _merged(text: str, pieces: list[Token], kind: Kind, value: TokenValue, unit: str | None = None) -> Token:
    start, end = pieces[0].span.start, pieces[-1].span.end
    return Token(Span(start, end), kind, text[start:end], value, unit)


def _number_words(text: str, tokens: list[Token]) -> list[Token]:
    out: list[Token] = []
    at = 0
    while at < len(tokens):
        value, used, ordinal = _spelled(tokens, at)
        if used:
            kind = Kind.ORDINAL_WORD if ordinal else Kind.NUMBER_WORD
            out.append(_merged(text, tokens[at : at + used], kind, value))
            at += used
            continue
        if tokens[at].kind is Kind.NUMBER and at + 1 < len(tokens):
            glued = tokens[at].span.end == tokens[at + 1].span.start
            suffix = numbers("numbers", "suffixes").get(tokens[at + 1].text) if glued else None
            scale = suffix or numbers("numbers", "scales").get(tokens[at + 1].lower)
            amount = tokens[at].value
            if scale is not None and isinstance(amount, int | float):
                product = _scaled(str(amount) if "." in str(amount) else f"{amount}.", scale)
                out.append(_merged(text, tokens[at : at + 2], Kind.NUMBER, product))
                at += 2
                continue
        out.append(tokens[at])
        at += 1
    return out


def _spelled(tokens: list[Token], at: int) -> tuple[int, int, bool]:
    """(value, tokens used, is an ordinal) of the number spelled at `at`; nothing used when there is none."""
    for length in (4, 3, 2):
        said = " ".join(token.lower for token in tokens[at : at + length])
        if said in numbers("numbers", "phrases"):
            return numbers("numbers", "phrases")[said], length, False
    total = current = used = 0
    while at + used < len(tokens) and tokens[at + used].kind is Kind.WORD and used < 12:
        word = tokens[at + used].lower
        parts = word.split("-") if "-" in word else [word]
        step = _simple(parts)
        scale = numbers("numbers", "scales").get(word)
        if step is not None and (used == 0 or _fits(current, step)):
            current += step
        elif scale is not None and used and current:
            if scale == 100:
                current *= scale
            else:
                total, current = total + current * scale, 0
        elif (nth := _ordinal(parts)) is not None and (used == 0 or _fits(current, nth)):
            return total + current + nth, used + 1, True
        else:
            break
        used += 1
    return total + current, used, False


def _fits(current: int, step: int) -> bool:
    """May `step` follow: "twenty" then "five", "two hundred" then "twenty"; not "five" then "six"."""
    return (current >= 20 and current % 10 == 0 and current % 100 != 0 and step < 10) or (
        current >= 100 and current % 100 == 0 and step < 100
    )


def _simple(parts: list[str]) -> int | None:
    units, tens = numbers("numbers", "units"), numbers("numbers", "tens")
    if len(parts) == 1:
        return units.get(parts[0], tens.get(parts[0]))
    if len(parts) == 2 and parts[0] in tens and 0 < units.get(parts[1], 0) < 10:
        return tens[parts[0]] + units[parts[1]]
    return None


def _ordinal(parts: list[str]) -> int | None:
    ordinals, tens = numbers("numbers", "ordinals"), numbers("numbers", "tens")
    if len(parts) == 1:
        return ordinals.get(parts[0])
    if len(parts) == 2 and parts[0] in tens and ordinals.get(parts[1], 99) < 10:
        return tens[parts[0]] + ordinals[parts[1]]
    return None


def _units(text: str, tokens: list[Token]) -> list[Token]:
    out: list[Token] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        unit, used = _unit_at(text, tokens, at + 1) if token.kind in _AMOUNTS else (None, 0)
        one = at > 0 and tokens[at - 1].lower == "than" and token.lower in ("a", "an")
        length = _unit_at(text, tokens, at + 1) if one else (None, 0)
        if length[0] is not None and length[0].dimension == "time":
            name = length[0].name  # `older than a week`
            out.append(_merged(text, tokens[at : at + 1 + length[1]], Kind.QUANTITY, 1, name))
            at += 1 + length[1]
        elif used:
            kind = Kind.MONEY if unit is not None and unit.dimension.startswith("money") else Kind.QUANTITY
            out.append(_merged(text, tokens[at : at + 1 + used], kind, token.value, unit.name if unit else "degrees"))
            at += 1 + used
        elif _names_currency(token) and at + 1 < len(tokens) and tokens[at + 1].kind is Kind.NUMBER:
            out.append(_merged(text, tokens[at : at + 2], Kind.MONEY, tokens[at + 1].value, token.lower))
            at += 2
        else:
            out.append(token)
            at += 1
    return out


def _names_currency(token: Token) -> bool:
    unit = lookup(token.text) if token.kind is Kind.WORD and len(token.text) == 3 and token.text.isupper() else None
    return unit is not None and unit.dimension.startswith("money:")


_WARMTH: Final = re.compile(
    r"\b(?:temperature|thermostat|heat|cool|warm|cold|hot|climate|weather|degree)", re.IGNORECASE
)
"""Where these are spoken of, `20 c` is an amount."""


def _unit_at(text: str, tokens: list[Token], at: int) -> tuple[Unit | None, int]:
    """The unit spelled from token `at` on and how many tokens it takes; (None, 1) for degrees of no stated scale."""
    for length in range(min(LONGEST_ALIAS_WORDS + 1, len(tokens) - at), 0, -1):
        pieces = tokens[at : at + length]
        if any(piece.kind not in (Kind.WORD, Kind.PUNCT, Kind.PATH, Kind.REPO) for piece in pieces):
            continue
        said = text[pieces[0].span.start : pieces[-1].span.end].casefold()
        unit = lookup(said)
        glued = tokens[at - 1].span.end == pieces[0].span.start
        warm = said in ("c", "f") and _WARMTH.search(text) is not None
        if unit is not None and (glued or warm or not (len(said) == 1 and said.isalpha())):
            return unit, length
    if at < len(tokens) and tokens[at].lower in _DEGREES:
        return None, 1
    return None, 0
