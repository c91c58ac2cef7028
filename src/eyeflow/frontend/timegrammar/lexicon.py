"""Which time words a token may be.

Knows: the closed lexicon of time, zone names, misspellings of both. In: tokens. Out: terminals of the grammar.
Never: corrects a word into time without a neighbour that is one (the caller judges), or a real word at all.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from eyeflow.frontend.data import Tree, load, words
from eyeflow.frontend.lexicon import words as said_words
from eyeflow.frontend.timegrammar.chart import Edge, Meaning
from eyeflow.frontend.timegrammar.draft import Clock, Day, Draft, Half, Relative
from eyeflow.frontend.tokens import Kind, Token

LONGEST: Final = 5
"""Words in the longest entry."""

_UNIT_OF_QUANTITY: Final = {"seconds": "second", "minutes": "minute", "hours": "hour", "days": "day", "weeks": "week"}
_MILITARY: Final = re.compile(r"([01]?\d|2[0-3])[.:]?([0-5]\d) ?(?:hours|hrs|h)")
_SHORT_HALF: Final = re.compile(r"(\d{1,2})(?::(\d{2}))?([ap])")
_GLUE: Final = words("time", "glue")
"""Terminals that make no time expression by themselves: a run of them alone is not parsed."""


def _tree(key: str) -> dict[str, Tree]:
    found = load("time")[key]
    assert isinstance(found, dict), f"time.{key} is no mapping"
    return {str(name): value for name, value in found.items()}


def _list(tree: Tree) -> list[str]:
    assert isinstance(tree, list), "a list of words"
    return [str(word) for word in tree]


@cache
def part_rows() -> dict[str, tuple[str, str]]:
    """Parts of the day: (the time taken, am or pm)."""
    rows = {}
    for name, row in _tree("parts").items():
        assert isinstance(row, dict), "a part is a mapping"
        rows[name] = (str(row["at"]), str(row["half"]))
    return rows


@cache
def entries() -> dict[str, tuple[tuple[str, Meaning], ...]]:
    """The lexicon: words (lower case, one space between) to terminals (symbol, value)."""
    table: dict[str, list[tuple[str, Meaning]]] = defaultdict(list)
    for word, symbol, value in _rows():
        table[word].append((symbol, value))
    return {word: tuple(found) for word, found in table.items()}


def _rows() -> Iterator[tuple[str, str, Meaning]]:
    for symbol, listed in _tree("cues").items():
        yield from ((word, symbol, None) for word in _list(listed))
    for unit, listed in _tree("units").items():
        yield from ((word, "UNIT", unit) for word in _list(listed))
    for word, row in _tree("frequencies").items():
        yield word, "FREQ", _frequency(row)
    for symbol, key in (("WDAY", "weekdays"), ("WDAYS", "weekday_plurals"), ("MONTH", "months")):
        for number, listed in _tree(key).items():
            yield from ((word, symbol, int(number)) for word in _list(listed))
    sets = _tree("day_sets")
    for key, symbol in (("one", "DAYSET"), ("many", "DAYSETS")):
        group = sets[key]
        assert isinstance(group, dict), "day_sets hold mappings"
        for word, listed in group.items():
            yield str(word), symbol, tuple(int(day) for day in _list(listed))
    yield from _part_rows()
    for clock, listed in _tree("clocks").items():
        yield from ((word, "CLOCK", Clock(int(clock[:2]), int(clock[3:]))) for word in _list(listed))
    for date, listed in _tree("named_days").items():
        yield from ((word, "NAMED", Day(int(date[:2]), int(date[3:]))) for word in _list(listed))
    for word, offset in _tree("relative_days").items():
        yield word, "REL", Relative(days=int(str(offset)))
    yield from ((word, "TONIGHT", None) for word in _list(load("time")["tonight"]))
    for word, nth in _tree("last_words").items():
        yield word, "LAST", int(str(nth))
    yield from ((word, "UNSERVED", word) for word in _list(load("time")["unserved"]))


def _part_rows() -> Iterator[tuple[str, str, Meaning]]:
    daily = set(_list(load("time")["daily_parts"]))
    for name, row in _tree("parts").items():
        assert isinstance(row, dict), "a part is a mapping"
        for word in _list(row["words"]):
            yield word, "PARTS" if word in daily else "PART", name
        yield from ((word, "PARTS", name) for word in _list(row["many"]))


def _frequency(row: Tree) -> Draft:
    assert isinstance(row, dict), "a frequency is a mapping"
    unit, per, vague = row.get("unit"), row.get("per"), row.get("vague")
    return Draft(
        recurs=True,
        unit=str(unit) if unit else None,  # type: ignore[arg-type]
        interval=float(str(row["interval"])) if "interval" in row else (1.0 if unit else None),
        part=str(row["part"]) if "part" in row else None,
        per=(int(str(row["times"])), str(per)) if per else None,  # type: ignore[arg-type]
        vague=(str(vague),) if vague else (),
    )


@cache
def _zones() -> dict[str, str]:
    """Lower-case city or abbreviation to zone; cities are the last part of an IANA name."""
    table: dict[str, str] = {}
    for name in sorted(available_timezones()):
        area, _, city = name.rpartition("/")
        if area and area.partition("/")[0] not in (
            "Etc",
            "SystemV",
            "posix",
            "right",
            "US",
            "Canada",
            "Brazil",
            "Mexico",
        ):
            table.setdefault(city.replace("_", " ").casefold(), name)
    places = load("zones")["places"]
    assert isinstance(places, dict), "zones.places is a mapping"
    table.update({str(word): str(zone) for word, zone in places.items()})
    return table


@cache
def _abbreviations() -> dict[str, str]:
    found = load("zones")["abbreviations"]
    assert isinstance(found, dict), "zones.abbreviations is a mapping"
    return {str(word): str(zone) for word, zone in found.items()}


def shared_letters(word: str) -> tuple[str, ...]:
    """The zones an ambiguous abbreviation may mean."""
    found = load("zones")["ambiguous"]
    assert isinstance(found, dict), "zones.ambiguous is a mapping"
    return tuple(_list(found[word.casefold()])) if word.casefold() in found else ()


def zone_named(word: str) -> str | None:
    """The IANA zone that a name (`Europe/Berlin`), abbreviation (`CET`) or city (`Berlin`) means, or None."""
    lower = word.strip().casefold()
    known = _abbreviations().get(lower) or _zones().get(lower)
    if known is not None:
        return known
    by_lower = {name.casefold(): name for name in available_timezones()} if "/" in word or lower == "utc" else {}
    if lower not in by_lower:
        return None
    try:
        return ZoneInfo(by_lower[lower]).key
    except (ZoneInfoNotFoundError, ValueError):
        return None


def terminals(tokens: tuple[Token, ...], at: int) -> list[Edge]:
    """Every terminal that starts at token `at`."""
    counting = _counts(tokens, at)
    found = [edge for edge in _literal(tokens[at], at) if not (counting and edge.symbol == "HOUR")]
    for length in range(1, min(LONGEST, len(tokens) - at) + 1):
        pieces = tokens[at : at + length]
        if any(piece.kind is Kind.QUOTED or piece.text == "\n" for piece in pieces):
            break
        said = " ".join(piece.lower for piece in pieces)
        found += [Edge(symbol, at, at + length, value) for symbol, value in entries().get(said, ())]
        if length == 1 and said.endswith("'s"):  # "today's", "Monday's"
            plain = entries().get(said.removesuffix("'s"), ())
            found += [Edge(symbol, at, at + 1, value) for symbol, value in plain if symbol == "REL"]
        found += _zone_terminals(pieces, said, at)
    found += _glued_half(tokens[at : at + 4], at)
    return found


def _counts(tokens: tuple[Token, ...], at: int) -> bool:
    """`at 9am, one message`: a number after a comma and before a word that tells no time is of that thing."""
    if not 0 < at < len(tokens) - 1 or tokens[at].kind not in (Kind.NUMBER, Kind.NUMBER_WORD):
        return False
    after = tokens[at + 1]
    if tokens[at - 1].text != "," or after.kind is not Kind.WORD:
        return False
    return after.lower not in said_words("prepositions") - {"of"} and not terminals(tokens, at + 1)


def _glued_half(tokens: tuple[Token, ...], at: int) -> Iterator[Edge]:
    """`3p`, `7:15a`: a number and the first letter of am or pm, glued. A clock only after "at" and the like."""
    for length in (2, 4):
        pieces = tokens[:length]
        if len(pieces) < length or any(a.span.end != b.span.start for a, b in pairwise(pieces)):
            return
        written = _SHORT_HALF.fullmatch("".join(piece.text for piece in pieces).casefold())
        if written is not None and 1 <= int(written[1]) <= 12 and int(written[2] or 0) < 60:
            hour = int(written[1]) % 12 + (12 if written[3] == "p" else 0)
            clock = Clock(hour, int(written[2] or 0), "pm" if written[3] == "p" else "am")
            yield Edge("SHORTHALF", at, at + length, clock)


def _literal(token: Token, at: int) -> Iterator[Edge]:
    value = token.value
    match token.kind:
        case Kind.CLOCK if isinstance(value, str):
            yield Edge("CLOCK", at, at + 1, Clock(int(value[:2]), int(value[3:]), _half(token)))
        case Kind.CLOCK:
            yield Edge("NOCLOCK", at, at + 1, token.text)
        case Kind.NUMBER | Kind.NUMBER_WORD if isinstance(value, int | float) and value >= 0:
            yield Edge("NUM", at, at + 1, float(value))
            yield from _written_hour(token, at)
            if token.kind is Kind.NUMBER_WORD:
                yield Edge("NUMW", at, at + 1, int(value))
            elif len(token.text) == 2 and isinstance(value, int):
                yield Edge("YEAR2", at, at + 1, 2000 + value)
            if isinstance(value, int) and 1990 <= value <= 2199 and len(token.text) == 4:
                yield Edge("YEAR", at, at + 1, value)
        case Kind.ORDINAL | Kind.ORDINAL_WORD if isinstance(value, int):
            yield Edge("ORD", at, at + 1, value)
            if token.kind is Kind.ORDINAL:
                yield Edge("ORDNUM", at, at + 1, value)
            if value == 2 and token.lower == "second":
                yield Edge("UNIT", at, at + 1, "second")
        case Kind.PUNCT if token.text == ".":
            yield Edge("DOT", at, at + 1, None)
        case Kind.QUANTITY if token.unit in _UNIT_OF_QUANTITY and isinstance(value, int | float) and value >= 0:
            yield Edge("QTY", at, at + 1, (float(value), _UNIT_OF_QUANTITY[token.unit]))
            if token.unit == "hours" and (clock := _MILITARY.fullmatch(token.lower)) is not None:
                yield Edge("CLOCK", at, at + 1, Clock(int(clock[1]), int(clock[2])))
        case Kind.DATE if isinstance(value, str):
            yield Edge("NODATE" if token.unit == "invalid" else "DATE", at, at + 1, value)
        case Kind.SLASH_DATE:
            yield Edge("SLASHDATE", at, at + 1, token.text)


def _half(token: Token) -> Half:
    return token.unit if token.unit in ("am", "pm", "bare") else "24h"  # type: ignore[return-value]


def _written_hour(token: Token, at: int) -> Iterator[Edge]:
    """A number as a time of day: `9`, `17`, `730`, `0730`, `7.30`."""
    text, value = token.text, token.value
    if (isinstance(value, int) and 0 <= value <= 24 and len(text) <= 2) or token.kind is Kind.NUMBER_WORD:
        if isinstance(value, int) and value <= 24:
            half: Half = "24h" if value == 0 or value > 12 or text.startswith("0") else "bare_hour"
            yield Edge("HOUR", at, at + 1, Clock(value % 24, 0, half))
        return
    digits = text.replace(".", "")
    dotted = "." in text and len(text.partition(".")[2]) == 2
    if not digits.isdigit() or not (dotted or len(text) in (3, 4)) or len(digits) not in (3, 4):
        return
    hour, minute = int(digits[:-2]), int(digits[-2:])
    round_number = minute % 5 or (minute == 0 and not digits.startswith("0") and len(digits) == 3)
    if hour < 24 and minute < 60 and (dotted or not round_number):  # "at 730", but not "at 100 Main Street"
        half = "24h" if digits.startswith("0") or hour == 0 or hour > 12 else "bare"
        yield Edge("HOUR", at, at + 1, Clock(hour, minute, half))


def _zone_terminals(pieces: tuple[Token, ...], said: str, at: int) -> Iterator[Edge]:
    last = pieces[-1]
    if len(pieces) == 1 and pieces[0].kind in (Kind.REPO, Kind.PATH) and (zone := zone_named(said)) is not None:
        yield Edge("ZONE", at, at + 1, zone)
    elif len(pieces) == 1 and pieces[0].kind is Kind.WORD:
        if said in _abbreviations() and (pieces[0].text.isupper() or said in ("utc", "gmt")):
            yield Edge("ZONE", at, at + 1, _abbreviations()[said])
        elif shared_letters(said) and pieces[0].text.isupper():
            yield Edge("ZONES", at, at + 1, pieces[0].text)
    elif last.lower == "time":
        place = said.removesuffix(" time").removesuffix("'s")
        zone = _zones().get(place) or _abbreviations().get(place)
        if zone is not None:
            yield Edge("ZONE", at, at + len(pieces), zone)
    elif len(pieces) == 3 and pieces[0].lower in ("utc", "gmt") and pieces[1].text in "+-−":
        hours = pieces[2].value
        if pieces[2].kind is Kind.NUMBER and isinstance(hours, int) and hours <= 14:
            sign = "-" if pieces[1].text == "+" else "+"  # the names Etc/GMT-2 count westward
            yield Edge("ZONE", at, at + 3, f"Etc/GMT{sign}{hours}" if hours else "UTC")


def is_core(edge: Edge) -> bool:
    """Can this terminal be the heart of a time expression?"""
    return edge.symbol not in _GLUE


@cache
def weak_words() -> frozenset[str]:
    """Words that alone are as often something else ("may", "second", "once")."""
    return frozenset(_list(load("time")["weak"]))


@cache
def _correctable() -> dict[str, tuple[str, ...]]:
    """Single content words people misspell, by first letter."""
    content = {
        "EVERY",
        "UNIT",
        "FREQ",
        "WDAY",
        "WDAYS",
        "DAYSET",
        "DAYSETS",
        "MONTH",
        "PART",
        "PARTS",
        "REL",
        "TONIGHT",
    }
    table: dict[str, list[str]] = defaultdict(list)
    for word, found in entries().items():
        if " " not in word and len(word) >= 4 and any(symbol in content for symbol, _ in found):
            table[word[0]].append(word)
    return {letter: tuple(sorted(listed)) for letter, listed in table.items()}


@cache
def _not_typos() -> frozenset[str]:
    return frozenset(_list(load("time")["not_typos"]))


def corrected(word: str) -> str | None:
    """The time word `word` is a misspelling of: same first letter, one edit, or two in seven letters and more."""
    if len(word) < 4 or not word.isalpha() or word in entries() or word in _not_typos():
        return None
    allowed = 2 if len(word) >= 7 else 1
    best: tuple[int, str] | None = None
    for known in _correctable().get(word[0], ()):
        if abs(len(known) - len(word)) <= allowed:
            distance = _distance(word, known, allowed)
            if distance <= allowed and (best is None or (distance, known) < best):
                best = (distance, known)
    return best[1] if best is not None else None


def _distance(one: str, other: str, most: int) -> int:
    """Edits with swaps of neighbours (optimal string alignment), cut off above `most`."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, last, row = row, before, [i, *([0] * len(other))]
        for j, other_letter in enumerate(other, 1):
            cost = 0 if letter == other_letter else 1
            row[j] = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + cost)
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == other_letter:
                row[j] = min(row[j], last[j - 2] + 1)
        if min(row) > most:
            return most + 1
    return row[-1]
