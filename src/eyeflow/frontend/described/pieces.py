"""What a request holds that can be a value: numbers, lists, names, quoted texts, codes, days.

Knows: how values look in English text. In: items and the request. Out: `Piece`s in order, never overlapping.
Never: decides what a value is for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final

import msgspec

from eyeflow.frontend.data import numbers
from eyeflow.frontend.described.dates import Day, days
from eyeflow.frontend.described.figures import bracketed, dotted, number
from eyeflow.frontend.described.names import name
from eyeflow.frontend.described.piece import NUMERIC, Piece, glued
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import stem
from eyeflow.frontend.lexicon import words as language
from eyeflow.values import Span

_CODE: Final = re.compile(r"(?=[^\W_]*\d)(?=\w*[^\W\d_])[\w-]{2,40}|[A-Z]+[a-z]+[A-Z]\w*|\w+_\w+")

MAX_PIECES: Final = 120
"""A request with more values than this is read no further."""

_CAMEL: Final = re.compile(r"[a-z][A-Z][a-z]+")
"""`iPhone`, `eBay`: a capital after one small letter."""

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
        listed = bracketed(items, at, text)
        if listed is not None:
            return listed
    if item.kind == "quoted":
        return Piece("quoted", at, at + 1, item.text, item.value)
    if item.kind == "number" and (end := dotted(items, at)) > at + 2:
        said = text[item.span.start : items[end - 1].span.end]
        return Piece("code", at, end, said, said)  # `10.0.0.7`, `2.1.4`
    if item.kind in NUMERIC and isinstance(item.value, int | float):
        return number(items, at, text)
    if item.kind in _ADDRESSES:
        return Piece("address", at, at + 1, item.text, item.text)
    if item.is_word and at + 1 < len(items) and items[at + 1].text == "^" and glued(items, at) > at + 2:
        end = glued(items, at)
        said = text[item.span.start : items[end - 1].span.end]
        return Piece("code", at, end, said, said)  # `x^3`
    if item.is_word and _CAMEL.fullmatch(item.text):
        return Piece("name", at, at + 1, item.text, item.text)
    fresh = at == 0 or items[at - 1].span.end < item.span.start or items[at - 1].kind == "punct"
    if item.is_word and not item.is_stop and fresh and _CODE.fullmatch(item.text):
        end = glued(items, at)
        said = text[item.span.start : items[end - 1].span.end]
        return Piece("code", at, end, said, said)
    if item.text == "A" and item.proper and at + 1 < len(items) and not items[at + 1].text[:1].isupper():
        return Piece("code", at, at + 1, item.text, item.text)  # `in A minor`
    return name(items, at, text)


def regrouped(found: Sequence[Piece], items: Sequence[Item]) -> list[Piece]:
    """`found` with groups made anew, after some were put together."""
    return grouped([msgspec.structs.replace(p, group=-1) for p in found], items)


def grouped(found: Sequence[Piece], items: Sequence[Item]) -> list[Piece]:
    """Neighbours of one kind joined by commas and `and` share a group."""
    out: list[Piece] = []
    group = 0
    apart = _paired(found, items)
    for at, piece in enumerate(found):
        last = out[-1] if out else None
        if (
            last is not None
            and at not in apart
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
    return _sized_apart(out, items)


def _sized_apart(found: list[Piece], items: Sequence[Item]) -> list[Piece]:
    """Without groups of numbers that go on in another unit: `aged 45, 180 cm, 90 kg` lists nothing."""
    broken = {
        one.group
        for one, two in pairwise(found)
        if one.group >= 0
        and two.group != one.group
        and one.kind == two.kind == "number"
        and one.unit is not None
        and two.unit not in (None, one.unit)
        and _joined(items[one.end : two.start])
    }
    return [msgspec.structs.replace(p, group=-1) if p.group in broken else p for p in found]


def _paired(found: Sequence[Piece], items: Sequence[Item]) -> set[int]:
    """Positions of values that begin a pair like the one before: `Harbour Inn in Cork and Abbey Hotel in Sligo`."""
    out: set[int] = set()
    for at in range(2, len(found) - 1):
        one, two, three, four = found[at - 2 : at + 2]
        link = [i.lower for i in items[one.end : two.start]]
        again = [i.lower for i in items[three.end : four.start]]
        kinds = _alike(one, three) and _alike(two, four)
        if kinds and link == again and len(link) in (1, 2) and link[0] in _PAIRING and set(link[1:]) <= {"the"}:
            out.add(at)
    return out


_PAIRING: Final = ("in", "at", "from", "to", "by", "for", "on", "with", "near", "as")


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
