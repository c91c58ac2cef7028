"""`..., but only for payments over $500`: what is said of which things, said as a condition on the one at hand.

Knows: how people say after an order which things it is for. In: a request and its items. Out: an edit that says the
same with `only if it is ...`. Never: changes what stands in quotes, or words that name a person or place
(`only for Ana`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eyeflow.frontend.data import words as kept
from eyeflow.frontend.items import Item
from eyeflow.frontend.recast.said import CUES, sentences
from eyeflow.frontend.slots.filling import is_plural
from eyeflow.values import Span

Edits = tuple[tuple[Span, str], ...]

_OPENS: Final = ("only", "just")
_THEM: Final = ("those", "ones")
_HAS: Final = ("with", "having")
_LACKS: Final = ("without",)
_IS: Final = ("over", "under", "above", "below", "from", "by", "in", "of", "more", "less", "at", "that", "which")


def edits(text: str, items: Sequence[Item]) -> Edits:
    """The first such afterthought as `only if ...`; one that leads as an afterthought."""
    for begin, end in sentences(items):
        led = _leading(text, items, begin, end)
        if led:
            return led
        for at in range(begin + 2, end - 2):
            kind = _file_kind(items, at, end)
            if kind is not None:
                whole = Span(items[at].span.start, items[kind].span.end)
                return ((whole, f"only if it is a {items[kind - 1].text} file"),)
            named = _named(items, at, end)
            if named is None:
                continue
            rest = items[named + 1 : end]
            said = _condition(text, items[named], rest)
            if said is not None:
                return ((Span(items[at].span.start, items[end - 1].span.end), f"only if {said}"),)
    return ()


def _file_kind(items: Sequence[Item], at: int, end: int) -> int | None:
    """Where `only for PDF files` ends."""
    if items[at].lower not in _OPENS or items[at + 1].lower not in ("for", "pdf", "csv"):
        return None
    k = at + 1 + (items[at + 1].lower == "for")
    files = k + 1 < end and items[k + 1].lower in ("files", "documents", "attachments")
    return k + 1 if files and items[k].lower in kept("literals", "files") else None


def _leading(text: str, items: Sequence[Item], begin: int, end: int) -> Edits:
    """`Only for orders over $50: when one is paid, ...`: said first of what comes behind."""
    if begin + 3 >= end or items[begin].lower not in _OPENS or items[begin + 1].lower != "for":
        return ()
    stop = next((k for k in range(begin + 2, end) if items[k].text in (":", ",")), None)
    if stop is None or stop + 1 >= end or items[stop + 1].lower not in CUES:
        return ()
    last = end - 1 if items[end - 1].text not in (".", "!") else end - 2
    said = text[items[begin].span.start : items[stop - 1].span.end]
    here = items[last].span.end
    return (
        (Span(items[begin].span.start, items[stop + 1].span.start), ""),
        (Span(here, here), f", but {said.lower()}"),
    )


def _named(items: Sequence[Item], at: int, end: int) -> int | None:
    """Where the word for the things stands: `payments` of `only for payments`, `ones` of `just the ones`."""
    if items[at].lower not in _OPENS or items[at].span.end > items[at + 1].span.start:
        return None
    k = at + 1
    led = items[k].lower == "for"
    k += led
    while k < end and items[k].lower in ("the", "those", "all") and k + 1 < end and items[k + 1].is_word:
        if items[k].lower == "those" and (items[k + 1].lower in (*_HAS, *_LACKS, *_IS) or _marked(items[k + 1])):
            break
        k += 1
    if k >= end or not items[k].is_word or items[k].proper:
        return None
    if items[k].lower in _THEM:
        return k
    return k if led and is_plural(items[k].lower) else None


def _condition(text: str, things: Item, rest: Sequence[Item]) -> str | None:
    """What holds of one of them; None where the words say something else than which."""
    held = list(rest)
    while held and held[-1].text in (".", "!"):
        held.pop()
    if not held:
        one = things.lower.removesuffix("s")
        return None if things.lower in _THEM else f"it is a {one}"
    words = text[held[0].span.start : held[-1].span.end]
    after = text[held[1].span.start : held[-1].span.end] if len(held) > 1 else ""
    first = held[0].lower
    if first in _HAS and after:
        return f"it has {after}"
    if first in _LACKS and after:
        return f"it has no {after}"
    if _marked(held[0]) and after:
        return f"it has the {held[0].stem} {after}"
    return f"it is {words}" if first in _IS and first not in ("that", "which") else None


def _marked(item: Item) -> bool:
    """`labelled`, `tagged`."""
    return item.is_word and item.lower in ("labelled", "labeled", "tagged")
