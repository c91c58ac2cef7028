"""Stage 0: literals first, so that "then" or "at" inside them never cuts the sentence.

Knows: how people write quotes, addresses, channels, amounts, clocks, names of files. In: the request.
Out: `tokenize` (tokens in order, never overlapping), `free_texts` (what a colon may introduce), `seed_tokens`.
Never: decides what a literal is for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Final

from eyeflow.frontend.amounts import clock_value, join_amounts, number_value
from eyeflow.frontend.data import words
from eyeflow.frontend.tokens import FreeText, Kind, Token, TokenValue
from eyeflow.units import is_currency, lookup
from eyeflow.values import Span

MAX_REQUEST_CHARS: Final = 4000
"""Longer requests are refused by the caller before any stage runs."""

_MONEY_SIGNS: Final = r"(?:US\$|C\$|CA\$|A\$|AU\$|NZ\$|HK\$|S\$|R\$|MX\$|CN¥|[$€£¥₹₩₺₪])"
_NUM: Final = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"

_PATTERNS: Final = (
    ("quoted", r'"(?:[^"\\]|\\.)+"|“[^”]+”|„[^“”]+[“”]|«[^»]+»|`[^`]+`'),
    ("single", r"(?<![\w'’])'(?=\S)(?:[^'\n]|'(?=\w))*?(?<=[^\s])'(?!\w)|(?<!\w)‘(?:[^’\n]|’(?=\w))+’(?!\w)"),
    ("placeholder", r"\{[A-Za-z_][\w.]{0,80}\}"),
    ("url", r"(?:https?|ftp|sftp|wss?|s3)://[^\s<>\"'“”‘’]+|www\.[^\s<>\"'“”‘’]+"),
    ("email", r"[A-Za-z0-9][\w.+-]{0,63}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+"),
    ("emoji", r"(?<![\w:]):[a-z][a-z0-9_+-]{1,40}:(?!\w)"),
    ("issue", r"(?<!\w)#\d+\b"),
    ("channel", r"(?<![\w&])#[A-Za-z][\w-]*"),
    ("person", r"(?<!\w)@[A-Za-z][\w.-]*\w|(?<!\w)@[A-Za-z]"),
    (
        "date",
        r"\d{4}/\d{1,2}/\d{1,2}(?![\w/])"
        r"|\d{4}-\d{1,2}-\d{1,2}(?:[T ]\d{1,2}:\d{2}(?::\d{2})?(?:Z\b|[+-]\d{2}:?\d{2})?)?(?![\w-])",
    ),
    ("money", rf"(?<!\w){_MONEY_SIGNS}\s?{_NUM}(?:[kKMB](?!\w)|mm\b|bn\b)?(?!\.\d)|(?<!\w)-{_MONEY_SIGNS}{_NUM}"),
    ("money_after", rf"(?<![\w.]){_NUM}(?:[kKM])?\s?[€£¥₹₩₺₪¢](?!\w)"),
    (
        "phone",
        r"(?<!\w)\+\d[\d ().-]{6,18}\d(?!\w)|(?<!\w)\(\d{3}\) ?\d{3}-\d{4}(?!\w)"
        r"|(?<!\w)\d{3}[-.]\d{3}[-.]\d{4}(?!\w)",
    ),
    (
        "clock",
        r"(?<![\w:.])\d{1,2}(?:[:.]\d{2})?\s?(?:[apAP]\.[mM]\.|[apAP]\.?[mM]\b)|(?<![\w:.])\d{1,2}:\d{2}(?::\d{2})?(?!\w|:\w)",
    ),
    (
        "slash_date",
        r"(?<![\w/.-])\d{1,2}/\d{1,2}(?:/\d{2,4})?(?![\w/])|(?<![\w/.-])\d{1,2}\.\d{1,2}\.(?:\d{4}|\d{2})(?![\w.])",
    ),
    (
        "path",
        r"(?<![\w/:.])(?:~|\.{1,2})?/[\w.{}*-]+(?:/[\w.{}*-]+)*/?|(?<![\w/.])[A-Za-z0-9][\w.-]*(?:/[\w.{}*-]+)+/?"
        r"|(?<![\w/.])[A-Za-z][\w-]*/(?=[\s,;]|\Z)",
    ),
    ("key", r"(?<![\w-])[A-Z][A-Z0-9]{1,9}-\d+(?![\w-])"),
    ("file", r"(?<!\w)[A-Za-z0-9][\w-]*(?:\.[\w-]+)*\.(?P<ext>[A-Za-z0-9]{1,7})(?![\w@/])"),
    ("ordinal", r"(?<!\w)\d{1,3}(?:st|nd|rd|th)\b"),
    ("hours", r"(?<!\w)\d{1,2}h(?:rs?)?[0-5]?\d(?:m(?:ins?)?)?(?!\w)"),
    ("number", rf"(?<![\w.,])[-−]?(?={_NUM}){_NUM}(?!\d)"),
    ("word", r"[^\W\d_](?:[\w]|['’](?=\w)|-(?=\w))*|\w+"),
    ("punct", r"[^\w\s]|\n(?:[ \t\r]*\n)*"),
)  # fmt: skip
_SCANNER: Final = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _PATTERNS))
__all__ = [
    "MAX_REQUEST_CHARS",
    "FreeText",
    "Kind",
    "Token",
    "free_texts",
    "is_money",
    "seed_tokens",
    "tokenize",
]
_TRAILING: Final = ".,;:!?)]}…"
_SENTENCE_END: Final = re.compile(r"(?<=[.!?…])[\"'”’)]?\s+(?=[^\s\da-z])|\n\s*\n?")
_SPLIT: Final = re.compile(r"[^\W_]+|[^\w]")


def tokenize(text: str) -> tuple[Token, ...]:
    """All tokens of `text` in order. Quoted text is one token; a line break is punctuation."""
    return tuple(join_amounts(text, list(_scan(text))))


def seed_tokens(text: str) -> tuple[str, ...]:
    """The words of the request as people count them: `Send weather ... at 9am` has eight."""
    return tuple(token.text for token in _scan(text) if token.kind is not Kind.PUNCT)


def _scan(text: str) -> Iterator[Token]:
    at = 0
    while (found := _SCANNER.search(text, at)) is not None:
        name, start, end = found.lastgroup or "punct", found.start(), found.end()
        if name == "ext":
            name = "file"
        tokens = _tokens(name, text[start:end], start)
        yield from tokens
        at = tokens[-1].span.end


def _tokens(name: str, found: str, start: int) -> list[Token]:
    match name:
        case "quoted" | "single":
            return [_token(Kind.QUOTED, found, start, found[1:-1])]
        case "placeholder":
            return [_token(Kind.PLACEHOLDER, found, start, found[1:-1])]
        case "url":
            address = _trimmed(found)
            return [_token(Kind.URL, address, start, address)]
        case "emoji":
            return [_token(Kind.EMOJI, found, start, found[1:-1])]
        case "issue":
            return [_token(Kind.ISSUE, found, start, int(found[1:19]))]
        case "phone":
            digits = "".join(character for character in found if character.isdecimal() or character == "+")
            return [_token(Kind.PHONE, found, start, digits)]
        case "email" | "channel" | "person" | "key" | "slash_date":
            return [_token(Kind(name), found, start, found)]
        case "date":
            return [_date(found, start)]
        case "clock":
            value, unit = clock_value(found)
            return [_token(Kind.CLOCK, found, start, value, unit)]
        case "money" | "money_after":
            return [_money(found, start)]
        case "path" | "file":
            return _slashed(found, start) if name == "path" else _dotted(found, start)
        case "ordinal":
            return [_token(Kind.ORDINAL, found, start, int(found[:-2]))]
        case "hours":
            return [_hours(found, start)]
        case "number":
            return [_token(Kind.NUMBER, found, start, number_value(found))]
        case "word":
            return _words(found, start)
    return [_token(Kind.PUNCT, found[:1], start, found[:1])]


def _token(kind: Kind, found: str, start: int, value: TokenValue, unit: str | None = None) -> Token:
    return Token(Span(start, start + len(found)), kind, found, value, unit)


def _trimmed(address: str) -> str:
    """A URL without the punctuation of the sentence around it; balanced brackets belong to it."""
    while address and address[-1] in _TRAILING:
        if address[-1] in ")]}" and address.count(address[-1]) <= address.count("([{"[")]}".index(address[-1])]):
            break
        address = address[:-1]
    return address


def _hours(found: str, start: int) -> Token:
    """`17h30` is a time of day, `1h30m` a length of time."""
    hour, minute = (int(digits) for digits in re.findall(r"\d+", found))
    if found[-1].isdecimal() and hour < 24:
        return _token(Kind.CLOCK, found, start, f"{hour:02d}:{minute:02d}", "24h")
    return _token(Kind.QUANTITY, found, start, hour * 60 + minute, "minutes")


def _date(found: str, start: int) -> Token:
    day, _, clock = found.replace("T", " ").replace("/", "-").partition(" ")
    year, month, date = day.split("-")
    iso = f"{year}-{int(month):02d}-{int(date):02d}" + (f"T{clock.zfill(5)}" if clock else "")
    try:
        datetime.fromisoformat(iso)
    except ValueError:
        return _token(Kind.DATE, found, start, iso, "invalid")
    return _token(Kind.DATE, found, start, iso)


def _money(found: str, start: int) -> Token:
    sign = re.search(r"[^\d\s.,kKMBmbn-]+\$?|[A-Z]{1,2}\$", found)
    assert sign is not None, "the pattern needs a currency sign"
    unit = lookup(sign.group())
    amount = found.replace(sign.group(), "", 1).strip()
    return _token(Kind.MONEY, found, start, number_value(amount), unit.name if unit is not None else None)


def _slashed(found: str, start: int) -> list[Token]:
    """Path, repository, or words somebody joined with slashes."""
    found = found.rstrip(".")
    lower, parts = found.casefold(), found.strip("/").split("/")
    rooted = found[0] in "/~."
    if not rooted and (lower in words("literals", "not_paths") or all(_joins(part) for part in parts)):
        return _split(found, start)
    if not rooted and all(part.isdecimal() for part in parts):
        return _split(found, start)
    if not rooted and parts[0].casefold().rpartition(".")[2] in words("literals", "domains") and "." in parts[0]:
        return [_token(Kind.URL, found, start, found)]
    named = len(parts) == 2 and not found.endswith("/") and not parts[1].isdecimal()
    repo = named and not rooted and re.fullmatch(r"[A-Za-z0-9-]+/[\w.-]+", found) is not None
    if repo and parts[1].casefold().rpartition(".")[2] in words("literals", "files") and "." in parts[1]:
        repo = False
    return [_token(Kind.REPO if repo else Kind.PATH, found, start, found)]


def _joins(part: str) -> bool:
    return part.casefold() in words("literals", "joined")


def _split(found: str, start: int) -> list[Token]:
    tokens = []
    for piece in _SPLIT.finditer(found):
        text, at = piece.group(), start + piece.start()
        if text.isdecimal():
            tokens.append(_token(Kind.NUMBER, text, at, number_value(text)))
        elif text.isalnum():
            tokens.append(_token(Kind.WORD, text, at, text.casefold()))
        else:
            tokens.append(_token(Kind.PUNCT, text, at, text))
    return tokens


def _dotted(found: str, start: int) -> list[Token]:
    """File, host name, or words around a full stop without a space."""
    ending = found.rpartition(".")[2].casefold()
    if ending in words("literals", "files"):
        return [_token(Kind.FILE, found, start, found)]
    if ending in words("literals", "domains") and not found[0].isdecimal():
        return [_token(Kind.DOMAIN, found, start, found)]
    if re.fullmatch(r"\d+(?:\.\d+)?", found):
        return [_token(Kind.NUMBER, found, start, number_value(found))]
    if found[0].isdecimal() and (amount := re.match(rf"{_NUM}", found)) is not None:
        return [_token(Kind.NUMBER, amount.group(), start, number_value(amount.group()))]
    if "_" in found or re.search(r"\.[a-z_]+\.", found) or re.fullmatch(r"[a-z]{2,}\.[a-z]{2,}", found):
        return [_token(Kind.WORD, found, start, found.casefold())]
    first = re.match(r"[\w-]+", found)
    assert first is not None, "the pattern starts with a letter or digit"
    return _words(first.group(), start)


def _words(found: str, start: int) -> list[Token]:
    """A word; a digit-led mix such as `10MB`, `5min`, `10k` is an amount and what is glued to it."""
    if found[0].isdecimal():
        glued = re.fullmatch(r"(\d+)([^\W\d_]+)", found)
        if glued is None:
            return [_token(Kind.WORD, found, start, found.casefold())]
        amount = _token(Kind.NUMBER, glued[1], start, number_value(glued[1]))
        return [amount, _token(Kind.WORD, glued[2], start + len(glued[1]), glued[2].casefold())]
    parts = found.split("-")
    if len(parts) > 1 and _joins(parts[0]) and all(_joins(part) or part.isdecimal() for part in parts):
        return _split(found, start)
    return [_token(Kind.WORD, found, start, found.casefold().replace("’", "'"))]


def free_texts(text: str, tokens: tuple[Token, ...]) -> tuple[FreeText, ...]:
    """Where a colon may introduce words to pass on, in order. A quoted string right after the colon is no free text."""
    found = []
    for index, token in enumerate(tokens[:-1]):
        following = tokens[index + 1]
        gap = text[token.span.end : following.span.start]
        if token.text != ":" or gap.strip(" \t") or not gap or following.kind is Kind.QUOTED or index == 0:
            continue
        lead = tokens[index - 1]
        strong = lead.kind in (Kind.CHANNEL, Kind.PERSON, Kind.EMAIL, Kind.PHONE) or (
            lead.kind is Kind.WORD and lead.lower in words("literals", "sayings")
        )
        start = following.span.start
        found.append(FreeText(token.span.start, start, _ends(text, start, tokens), strong, lead.text))
    return tuple(found)


def _ends(text: str, start: int, tokens: tuple[Token, ...]) -> tuple[int, ...]:
    """Where a free text may stop: before ", then ...", at the end of its sentence, at the end of the request."""
    whole = len(text.rstrip())
    stop = _SENTENCE_END.search(text, start)
    sentence = stop.start() if stop is not None else whole
    ends = [sentence, whole]
    inside = [token for token in tokens if start < token.span.start < whole]
    for token, following in pairwise(inside):
        if token.text in (",", ";", ".") and _continues(following, inside):
            ends.insert(0, token.span.end if token.text == "." else token.span.start)
            break
    return tuple(dict.fromkeys(ends))


def _continues(token: Token, tokens: list[Token]) -> bool:
    at = tokens.index(token)
    said = [piece.lower for piece in tokens[at : at + 2]]
    known = words("literals", "continuations")
    return said[0] in known or " ".join(said) in known


def is_money(token: Token) -> bool:
    """True for an amount of a currency or of its minor unit."""
    return token.kind is Kind.MONEY or (token.unit is not None and (token.unit == "cents" or is_currency(token.unit)))
