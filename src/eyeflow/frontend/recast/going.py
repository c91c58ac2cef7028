"""`New tickets go to #support`: where things go as they come, said as the order to send each new one there.

Knows: how such statements are said. In: a request and its items. Out: an edit that says `post each new ... to ...`.
Never: a statement of things that are there already (`open tickets go to #support`), or one with a condition of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from eyeflow.frontend.items import Item
from eyeflow.frontend.recast.said import CUES, RECEIVERS, over, sentences
from eyeflow.values import Span

Edits = tuple[tuple[Span, str], ...]

_EACH: Final = frozenset({"all", "any", "every", "each"})
_GOES: Final = frozenset({"go", "goes"})
_MUST: Final = frozenset({"should", "must", "shall", "will", "always", "need", "to", "have", "all"})
_SENT: Final = frozenset({"posted", "sent", "shared", "reported", "announced"})
_MOST_WORDS: Final = 12


def edits(text: str, items: Sequence[Item]) -> Edits:
    for begin, end in sentences(items):
        new = begin + (items[begin].lower in _EACH)
        if new + 3 >= end or items[new].lower != "new" or not items[new + 1].is_word:
            continue
        to = next((k for k in range(new + 2, min(new + _MOST_WORDS, end - 1)) if _place(items, k)), None)
        if to is None or any(i.lower in CUES or i.text in (",", ":") for i in items[begin:to]):
            continue
        verb = to - 1
        sent = items[verb].lower in _SENT and items[verb - 1].lower in ("be", "get", "are", "is", "gets")
        if items[verb].lower not in _GOES and not sent:
            continue
        last = verb - sent
        while last > new + 2 and items[last - 1].lower in _MUST:
            last -= 1
        what = over(text, items[new:last])
        if what:
            order = "post" if _posted(items, to) else "send"
            return ((Span(items[begin].span.start, items[verb].span.end), f"{order} each new{what[3:]}"),)
    return ()


def _place(items: Sequence[Item], at: int) -> bool:
    """`to #support`, `into our channel #x`: where they go is an address."""
    if items[at].lower not in ("to", "into", "in") or items[at - 1].lower not in (*_GOES, *_SENT):
        return False
    return any(i.kind in RECEIVERS for i in items[at + 1 : at + 5])


def _posted(items: Sequence[Item], at: int) -> bool:
    return any(i.kind == "channel" for i in items[at + 1 : at + 5])
