"""What a request holds that can be a value: numbers, lists, names, quoted texts, codes, days.

Knows: how values look in English text. In: items and the request. Out: `Piece`s in order, never overlapping.
Never: decides what a value is for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from eyeflow.frontend.data import mapping, numbers, words
from eyeflow.frontend.described.dates import Day, days, is_month
from eyeflow.frontend.intent import JsonValue
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import stem
from eyeflow.frontend.lexicon import words as language
from eyeflow.units import lookup
from eyeflow.values import Span

_LINKS: Final = ("of", "de", "la", "du", "van", "von", "al", "&")
_CODE: Final = re.compile(r"(?=[^\W_]*\d)(?=\w*[^\W\d_])[\w-]{2,40}|[A-Z]+[a-z]+[A-Z]\w*|\w+_\w+")
_REGION: Final = re.compile(r"\A(?:[A-Z]{2,3}|[A-Z][a-z]+(?: [A-Z][a-z]+)?)\Z")
_HONOURS: Final = ("dr", "mr", "mrs", "ms", "prof", "st")
MAX_PIECES: Final = 120
"""A request with more values than this is read no further."""


class Piece(msgspec.Struct, frozen=True, eq=False):
    """One value said. `kind`: number, share, money, list, quoted, name, code, day, address (e-mail, URL and the like).

    `start` and `end` are positions in the row of items, `end` excluded; `value` what it says, `unit` the unit beside
    it, `measure` a unit that can only be compared as it is written (`mol/L`); `group` numbers pieces that stand in one
    `a, b and c`; `day` what a day says.
    """

    kind: str
    start: int
    end: int
    text: str
    value: JsonValue
    unit: str | None = None
    group: int = -1
    day: Day | None = None
    measure: str | None = None

    @property
    def idle(self) -> bool:
        """A number word that may say nothing of its own: `two equations`, `the other two sides`."""
        return self.kind == "number" and self.text.isalpha() and isinstance(self.value, int) and self.value <= 12


_NUMERIC: Final = ("number", "number_word", "ordinal", "quantity", "money", "percent", "issue")
_ADDRESSES: Final = ("email", "url", "domain", "phone", "channel", "person", "repo", "path", "file", "key", "clock")


def pieces(items: Sequence[Item], text: str, now: datetime) -> tuple[Piece, ...]:
    """Every value in `items`."""
    said = {d.span.start: d for d in days(text, now)}
    found: list[Piece] = []
    at = 0
    while at < len(items) and len(found) < MAX_PIECES:
        piece = _day(items, at, text, said) or _piece(items, at, text)
        if piece is None:
            at += 1
            continue
        found.append(piece)
        at = piece.end
    return tuple(grouped(found, items))


def split(items: Sequence[Item]) -> list[Item]:
    """`items` with `six-sided` as the number and the word it is joined to."""
    out: list[Item] = []
    for item in items:
        count, joint, noun = item.lower.partition("-")
        value = numbers("numbers", "units").get(count) if item.is_word and joint else None
        if value is None or value < 2 or not noun.isalpha() or noun in (*numbers("numbers", "units"), "way", "time"):
            out.append(item)
            continue
        cut = item.span.start + len(count)
        one, other = Span(item.span.start, cut), Span(cut + 1, item.span.end)
        change = msgspec.structs.replace
        out.append(change(item, kind="number", text=item.text[: len(count)], lower="<number>", span=one, value=value))
        bare = noun[:-1] if noun.endswith("ed") else noun  # `sided`: with sides
        out.append(change(item, text=item.text[len(count) + 1 :], lower=noun, stem=stem(bare), span=other))
    return out


def _day(items: Sequence[Item], at: int, text: str, said: dict[int, Day]) -> Piece | None:
    day = next((d for start, d in said.items() if start <= items[at].span.start < d.span.end), None)
    if day is None:
        return None
    end = at
    while end < len(items) and items[end].span.start < day.span.end:
        end += 1
    return Piece("day", at, end, text[day.span.start : day.span.end].strip(), None, day=day)


def _piece(items: Sequence[Item], at: int, text: str) -> Piece | None:
    item = items[at]
    if item.text in ("[", "("):
        listed = _bracketed(items, at, text)
        if listed is not None:
            return listed
    if item.kind == "quoted":
        return Piece("quoted", at, at + 1, item.text, item.value)
    if item.kind == "number" and (dotted := _dotted(items, at)) > at + 2:
        said = text[item.span.start : items[dotted - 1].span.end]
        return Piece("code", at, dotted, said, said)  # `10.0.0.7`, `2.1.4`
    if item.kind in _NUMERIC and isinstance(item.value, int | float):
        return _number(items, at, text)
    if item.kind in _ADDRESSES:
        return Piece("address", at, at + 1, item.text, item.text)
    if item.is_word and at + 1 < len(items) and items[at + 1].text == "^" and _glued(items, at) > at + 2:
        end = _glued(items, at)
        said = text[item.span.start : items[end - 1].span.end]
        return Piece("code", at, end, said, said)  # `x^3`
    fresh = at == 0 or items[at - 1].span.end < item.span.start or items[at - 1].kind == "punct"
    if item.is_word and not item.is_stop and fresh and _CODE.fullmatch(item.text):
        end = _glued(items, at)
        said = text[item.span.start : items[end - 1].span.end]
        return Piece("code", at, end, said, said)
    if item.text == "A" and item.proper and at + 1 < len(items) and not items[at + 1].text[:1].isupper():
        return Piece("code", at, at + 1, item.text, item.text)  # `in A minor`
    return _name(items, at, text)


def _glued(items: Sequence[Item], at: int) -> int:
    """The end of what is written without a space from `at` on: `ef903ac-893-f00` is one code."""
    end = at + 1
    while (
        end < len(items) and items[end].span.start == items[end - 1].span.end and items[end].text not in ",.?!;:)]'\""
    ):
        end += 1
    return end


def _dotted(items: Sequence[Item], at: int) -> int:
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


def _number(items: Sequence[Item], at: int, text: str) -> Piece | None:
    item = items[at]
    power = _power(items, at, text)
    if power is not None:
        return power
    glued = _glued(items, at)
    if glued == at + 2 and items[at + 1].is_word and len(items[at + 1].text) <= 2 and item.kind == "number":
        return Piece("number", at, glued, text[item.span.start : items[glued - 1].span.end], item.value)
    mixed = glued > at + 1 and any(i.is_word for i in items[at + 1 : glued])
    if mixed and items[at + 1].text not in ("-", "°", "%", "/"):  # `3x^2`, `24x36`, `221B`: no number of its own
        end = _street(items, glued) or glued
        said = text[item.span.start : items[end - 1].span.end]
        return Piece("name" if end > glued else "code", at, end, said, said)
    if glued == at + 3 and items[at + 1].text == "-" and items[at + 2].kind == "number" and item.kind == "number":
        said = text[item.span.start : items[at + 2].span.end]
        return Piece("code", at, glued, said, said)  # `0-10`, `2021-2022`
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
    while end < len(items) and _capital(items, end):
        end += 1
    if end == at or not any(i.lower in _STREETS for i in items[at:end]):
        return None
    for _ in range(3):
        if end + 1 < len(items) and items[end].text == "," and _capital(items, end + 1):
            end += 2
            while end < len(items) and _capital(items, end):
                end += 1
    return end


def _bracketed(items: Sequence[Item], at: int, text: str) -> Piece | None:
    """`[1, 2, 3]`, `['a', 'b']`, `(48.85, 2.29)`."""
    close = {"[": "]", "(": ")"}[items[at].text]
    values: list[JsonValue] = []
    k = at + 1
    while k < len(items) and items[k].text != close:
        item = items[k]
        if item.text == "[" and (inner := _bracketed(items, k, text)) is not None:
            values.append(inner.value)
            k = inner.end
            continue
        if (item.kind in _NUMERIC and isinstance(item.value, int | float)) or item.kind == "quoted":
            values.append(item.value)
        elif item.text not in (",", ";") and item.lower != "and" and item.text not in "°NSEW":
            return None
        k += 1
    if k >= len(items) or not values or (close == ")" and len(values) < 2):
        return None
    return Piece("list", at, k + 1, text[items[at].span.start : items[k].span.end], values)


def _name(items: Sequence[Item], at: int, text: str) -> Piece | None:
    """A run of capitalised words, with small words inside it: `Museum of Modern Art`, `Lyon, France`."""
    before = items[at - 1].lower if at else ""
    if (
        items[at].text[:1].isupper()
        and is_month(items[at].text)
        and before in ("in", "for", "of", "during", "by", "or")
    ):
        return Piece("name", at, at + 1, items[at].text, items[at].text)
    if not _capital(items, at):
        return _small_town(items, at, text)
    end = at + 1
    while end < len(items):
        if _initials(items, end):
            end += 2
        elif (
            _capital(items, end)
            or _titled(items, end)
            or (items[end].text.isupper() and items[end].is_word and len(items[end].text) <= 3)
        ):
            end += 1
        elif end + 1 < len(items) and items[end].lower in _LINKS and _capital(items, end + 1):
            end += 2
        elif (
            items[end].text == "."
            and len(items[end - 1].text) <= 2
            and end + 1 < len(items)
            and items[end].span.start == items[end - 1].span.end
            and _capital(items, end + 1)
        ):
            end += 2  # an initial
        elif (
            items[end].text == "."
            and items[end - 1].lower in _HONOURS
            and end + 1 < len(items)
            and _capital(items, end + 1)
        ):
            end += 2
        elif items[end].text == "." and len(items[end - 1].text) == 1 and end - at > 2:
            end += 1
        else:
            break
    end = _region(items, end, text)
    said = text[items[at].span.start : items[end - 1].span.end]
    return Piece("code" if len(said) == 1 else "name", at, end, said, said)


_TOWN_LEADS: Final = ("in", "from", "to", "near", "at", "around", "between", "for")


def _small_town(items: Sequence[Item], at: int, text: str) -> Piece | None:
    """`in new york`: a town everybody knows, written small."""
    if not items[at].is_word or not at or items[at - 1].lower not in _TOWN_LEADS:
        return None
    known = {**mapping("towns", "states"), **mapping("towns", "countries")}
    for end in range(min(len(items), at + 3), at, -1):
        said = text[items[at].span.start : items[end - 1].span.end]
        if all(i.is_word for i in items[at:end]) and said == said.casefold() and said in known:
            if end == at + 1 and said in words("described", "ordinary"):
                return None
            named = said.title()
            return Piece("name", at, end, named, named)
    return None


def _initials(items: Sequence[Item], at: int) -> bool:
    """`D.C.`: a full stop between two capitals, written without spaces."""
    if items[at].text != "." or at + 1 >= len(items):
        return False
    before, after = items[at - 1], items[at + 1]
    letters = all(len(i.text) == 1 and i.text.isupper() for i in (before, after))
    return letters and before.span.end == items[at].span.start and items[at].span.end == after.span.start


def _titled(items: Sequence[Item], at: int) -> bool:
    """A small word with a capital inside a name: `Made For You`."""
    item = items[at]
    return item.is_word and item.is_stop and item.text[:1].isupper() and item.text != "I" and len(item.text) > 1


def _region(items: Sequence[Item], end: int, text: str) -> int:
    """`Phoenix, AZ` and `Austin, Texas` with their region, when nothing follows in the list."""
    for _ in range(2):
        if end + 1 >= len(items) or items[end].text != ",":
            return end
        short = items[end + 1].text in words("regions", "abbreviated")
        if not short and not _capital(items, end + 1):
            return end
        if short and items[end - 1].text not in words("regions", "abbreviated"):
            end += 2
            continue
        stop = end + 2
        while stop < len(items) and _capital(items, stop):
            stop += 1
        region = text[items[end + 1].span.start : items[stop - 1].span.end]
        after = items[stop].lower if stop < len(items) else ""
        listed = after in ("and", "or") or (after == "," and stop + 1 < len(items) and _more(items, stop))
        last = text[items[end - 1].span.start : items[end - 1].span.end]
        sure = region.casefold() in words("regions", "named") and last.casefold() not in words("regions", "named")
        if not _REGION.fullmatch(region) or (listed and not sure) or (after in ("to", "and") and not sure):
            return end
        end = stop
    return end


def _more(items: Sequence[Item], comma: int) -> bool:
    """A list goes on after this comma: a further name, or `and`."""
    return items[comma + 1].lower in ("and", "or") or (
        _capital(items, comma + 1)
        and any(i.lower in ("and", "or") for i in items[comma + 2 : comma + 6])
        and not items[comma - 1].text.isupper()
    )


def _capital(items: Sequence[Item], at: int) -> bool:
    item = items[at]
    if not item.is_word or not item.text[:1].isupper():
        return False
    if item.text == "I" or (item.is_stop and not item.proper):
        return False
    if item.is_stop:
        after = items[at + 1] if at + 1 < len(items) else None
        return len(item.text) > 1 and after is not None and after.is_word and after.text[:1].isupper()
    begins = not item.proper and not item.text.isupper()  # a sentence, though its items may be apart by now
    first = at == 0 or items[at - 1].text in (".", "!", "?", "\n", ":") or begins
    if first and at > 1 and items[at - 1].text == "." and items[at - 2].lower in _HONOURS:
        return True
    if first:
        alone = item.lower in words("described", "frame") or item.lower in language("verbs")
        return not alone and not (first and at + 1 < len(items) and not items[at + 1].text[:1].isupper())
    return True


def grouped(found: Sequence[Piece], items: Sequence[Item]) -> list[Piece]:
    """Neighbours of one kind joined by commas and `and` share a group."""
    out: list[Piece] = []
    group = 0
    for piece in found:
        last = out[-1] if out else None
        if (
            last is not None
            and _alike(last, piece)
            and _joined(
                items[last.end : piece.start],
                named=piece.kind == "name",
                sizes=last.kind == piece.kind == "number" and last.unit == piece.unit,
            )
        ):
            if last.group < 0:
                group += 1
                out[-1] = last = msgspec.structs.replace(last, group=group)
            out.append(msgspec.structs.replace(piece, group=last.group))
        else:
            out.append(piece)
    return out


def _alike(one: Piece, other: Piece) -> bool:
    if one.unit is not None and other.unit is not None and one.unit != other.unit:
        return False
    return one.kind == other.kind or {one.kind, other.kind} <= {"quoted", "name", "code"}


def _joined(between: Sequence[Item], *, sizes: bool = False, named: bool = False) -> bool:
    said = [i.lower for i in between]
    if sizes and said in (["by"], ["x"], ["×"]):
        return True  # `8 by 5`
    joins = [w for w in said if w in ("and", "or", ",", "&", "then")]
    rest = [i for i in between if i.lower not in ("and", "or", ",", "&", "then")]
    leads = ("the",) if named else language("determiners")
    if joins and rest and rest[-1] is between[-1] and rest[-1].lower in leads:
        rest = rest[:-1]  # `a telescope and the microscope`
    return bool(joins) and (not rest or (len(rest) == 1 and between[0] is rest[0] and not rest[0].is_stop))
