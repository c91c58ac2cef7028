"""Ways to ask that are no orders by their form, put into that form: questions, retried gerunds, what is taken back.

Knows: `what is the weather?`, `retry posting ...`, `don't email me, text me`. In: the items of a sentence without
courtesies. Out: items that begin with a verb, and the indexes of what plays no part. Never: drops an order, a limit or
a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import msgspec

from eyeflow.frontend.approvals import gerunds
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import phrase_at, stem, words

_DONT: Final = ("don't", "dont", "not", "never")
_LONGEST: Final = 4


def as_orders(items: Sequence[Item], *, alone: bool) -> tuple[tuple[Item, ...], frozenset[int]]:
    """`items` as an order, and the indexes of words that only made it another form.

    A question `alone` stays one: it asks for an answer, not for something to be done.
    """
    kept, gone = _without_refusal(items)
    tried = _retried(kept)
    gone |= {i.index for i in kept[:1]} if tried is not kept and kept[0] not in tried else set()
    kept = tried
    if alone and not _goes_on(kept):
        length = phrase_at("questions", [i.lower for i in kept], 0) if kept else 0
        return tuple(kept), frozenset(gone | {i.index for i in kept[:length]})
    return tuple(_asked(kept)), frozenset(gone)


def _goes_on(items: Sequence[Item]) -> bool:
    return any(one.lower in ("and", "then", ",") and two.acts for one, two in pairwise(items))


def _asked(items: Sequence[Item]) -> Sequence[Item]:
    """`what's the weather in Lima`, `how is the weather`: asks to get it."""
    lowered = [i.lower for i in items]
    if lowered[:2] == ["how", "many"]:
        return [msgspec.structs.replace(items[0], lower="get", stem=stem("get"), proper=False), *items]
    length = phrase_at("questions", lowered, 0) if items else 0
    if not length or length >= len(items):
        return items
    verb = msgspec.structs.replace(items[0], lower="get", stem=stem("get"), proper=False)
    return [verb, *items[length:]]


def _retried(items: Sequence[Item]) -> Sequence[Item]:
    """`retry posting X up to 5 times`: an order to post X."""
    if len(items) < 3 or items[0].lower not in ("retry", "try") or items[1].lower not in gerunds():
        return items
    verb = gerunds()[items[1].lower]
    order = msgspec.structs.replace(items[1], lower=verb, stem=stem(verb))
    at = next((k for k, i in enumerate(items) if i.lower in ("up", "at") and k > 1), None)
    retry = [items[0]] if at is not None else []
    return [order, *items[2:at], *retry, *items[at:]] if at is not None else [order, *items[2:]]


def _without_refusal(items: Sequence[Item]) -> tuple[Sequence[Item], set[int]]:
    """`don't email me, text me X`: what is not to be done is not done; what is, stays."""
    lowered = [i.lower for i in items]
    start = 2 if lowered[:2] == ["do", "not"] else 1 if lowered[:1] and lowered[0] in ("don't", "dont") else 0
    if lowered[:2] == ["never", "mind"]:
        start = 2
    if not start:
        return items, set()
    end = next((k for k, i in enumerate(items) if i.kind == "punct"), len(items))
    said = items[start:end]
    plain = all(i.is_word and (i.is_stop or k == 0 or i.lower in words("me")) for k, i in enumerate(said))
    mind = start == 2 and lowered[1] == "mind"
    short = 0 < len(said) <= _LONGEST and (plain or mind) and all(i.is_word for i in said)
    contrary = end + 1 < len(items) and items[end + 1].acts
    if not short or not contrary:
        return items, set()
    return items[end + 1 :], {i.index for i in items[: end + 1]}
