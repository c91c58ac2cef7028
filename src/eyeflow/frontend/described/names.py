"""Runs of capitalised words, and towns written small, as values.

Knows: how names look in English text. In: items and the request. Out: `Piece`s. Never: decides what a value is for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from eyeflow.frontend.data import mapping, words
from eyeflow.frontend.described.dates import is_month
from eyeflow.frontend.described.piece import Piece
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import words as language

_LINKS: Final = ("of", "de", "la", "du", "van", "von", "al", "&")

_REGION: Final = re.compile(r"\A(?:[A-Z]{2,3}|[A-Z][a-z]+(?: [A-Z][a-z]+)?)\Z")

HONOURS: Final = ("dr", "mr", "mrs", "ms", "prof", "st")


def name(items: Sequence[Item], at: int, text: str) -> Piece | None:
    """A run of capitalised words, with small words inside it: `Museum of Modern Art`, `Lyon, France`."""
    before = items[at - 1].lower if at else ""
    if (
        items[at].text[:1].isupper()
        and is_month(items[at].text)
        and before in ("in", "for", "of", "during", "by", "or")
    ):
        return Piece("name", at, at + 1, items[at].text, items[at].text)
    if not capital(items, at):
        return _small_town(items, at, text)
    end = at + 1
    while end < len(items):
        if _initials(items, end):
            end += 2
        elif (
            capital(items, end)
            or _titled(items, end)
            or (items[end].text.isupper() and items[end].is_word and len(items[end].text) <= 3)
        ):
            end += 1
        elif end + 1 < len(items) and items[end].lower in _LINKS and capital(items, end + 1):
            end += 2
        elif (
            items[end].text == "."
            and len(items[end - 1].text) <= 2
            and end + 1 < len(items)
            and items[end].span.start == items[end - 1].span.end
            and capital(items, end + 1)
        ):
            end += 2  # an initial
        elif (
            items[end].text == "."
            and items[end - 1].lower in HONOURS
            and end + 1 < len(items)
            and capital(items, end + 1)
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
        if not short and not capital(items, end + 1):
            return end
        if short and items[end - 1].text not in words("regions", "abbreviated"):
            end += 2
            continue
        stop = end + 2
        while stop < len(items) and capital(items, stop):
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
        capital(items, comma + 1)
        and any(i.lower in ("and", "or") for i in items[comma + 2 : comma + 6])
        and not items[comma - 1].text.isupper()
    )


def capital(items: Sequence[Item], at: int) -> bool:
    """True for a word that a name may begin with or go on with: a capital, and not only a small word's."""
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
    if first and at > 1 and items[at - 1].text == "." and items[at - 2].lower in HONOURS:
        return True
    if first:
        alone = item.lower in words("described", "frame") or item.lower in language("verbs")
        return not alone and not (first and at + 1 < len(items) and not items[at + 1].text[:1].isupper())
    return True
