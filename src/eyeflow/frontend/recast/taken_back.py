"""`at 9, sorry, I mean 9:30`, `text me the weather ... no wait, email it`: what is said last holds.

Knows: how people correct themselves (`data/recast.yaml`). In: a request and its items. Out: edits that put the
correction where the mistake stood. Never: guesses which words are meant: unlike kinds stay, and are asked about.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from eyeflow.frontend.data import words
from eyeflow.frontend.items import Item
from eyeflow.frontend.recast.said import CLOCK, over
from eyeflow.values import Span

_PAUSES: Final = frozenset({",", ".", "-", "–", "—", "…", "(", ";", "!", "?", ":"})
_DAY: Final = re.compile(r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b", re.IGNORECASE)
_LONGEST: Final = 4
_BARE: Final = ("punct", "word", "time")

Edits = tuple[tuple[Span, str], ...]


def edits(text: str, items: Sequence[Item]) -> Edits:
    for at in range(1, len(items)):
        found = _cue(items, at)
        if found is not None:
            begin, end = found
            made = _corrected(text, items, begin, end) if end < len(items) else ()
            if made:
                return made
    return ()


def _cue(items: Sequence[Item], at: int) -> tuple[int, int] | None:
    """From the pause before a correction's words to the item after them."""
    end, sure, pauses = at, False, items[at - 1].text in _PAUSES
    while end < len(items):
        length, firm = _phrase(items, end)
        if length:
            end, sure = end + length, sure or firm
        elif end > at and items[end].text in _PAUSES:
            end += 1
        else:
            break
    if end == at or (items[end - 1].kind == "punct" and end - 1 == at):
        return None
    if not (sure or pauses):
        return None
    begin = at
    while begin > 0 and items[begin - 1].text in _PAUSES:
        begin -= 1
    return begin, end


def _phrase(items: Sequence[Item], at: int) -> tuple[int, bool]:
    """How many words of correction stand here, and whether they can be nothing else."""
    for length in range(min(_LONGEST, len(items) - at), 0, -1):
        said = " ".join(i.lower for i in items[at : at + length])
        if said in words("recast", "taken_back"):
            return length, True
        if said in words("recast", "maybe_taken_back"):
            return length, False
    return 0, False


def _corrected(text: str, items: Sequence[Item], begin: int, end: int) -> Edits:
    new, before = items[end], items[:begin]
    if new.lower in ("to", "in", "on", "at", "for") and end + 1 < len(items) and items[end + 1].kind not in _BARE:
        return _corrected(text, (*items[:end], *items[end + 1 :]), begin, end)
    if new.time is not None:
        return _of_time(text, items, begin, end)
    if new.acts and end + 1 < len(items) and items[end + 1].lower in ("it", "them", "that", "this"):
        return _of_verb(text, items, begin, end)
    if new.lower in ("a", "an") and end + 1 < len(items) and items[end + 1].is_word:
        pairs = (k for k in range(len(before) - 2, -1, -1) if before[k].lower in ("a", "an") and before[k + 1].is_word)
        old = next(pairs, None)
        if old is None:
            return ()
        put = over(text, items[end : end + 2])
        return _put(items, begin, end + 2, Span(before[old].span.start, before[old + 1].span.end), put)
    if new.is_literal or (new.is_word and new.proper):
        same = next((i for i in reversed(before) if i.kind == new.kind and (new.is_literal or i.proper)), None)
        return _put(items, begin, end + 1, same.span, new.text) if same is not None else ()
    return ()


def _put(items: Sequence[Item], begin: int, end: int, old: Span, new: str) -> Edits:
    """The new words where the old stood, and the correction gone."""
    if end < len(items) and items[end].lower == "instead":
        end += 1
    gone = Span(items[begin].span.start, items[end - 1].span.end)
    return ((old, new), (gone, ""))


def _of_time(text: str, items: Sequence[Item], begin: int, end: int) -> Edits:
    """A time of day for a time of day, a day for a day, a whole phrase for a whole phrase."""
    new = items[end]
    old = next((i for i in reversed(items[:begin]) if i.time is not None), None)
    if old is None:
        return ()
    for pattern in (_DAY, CLOCK):
        fresh, stale = pattern.search(new.text), list(pattern.finditer(old.text))
        if fresh is None or not stale or not fresh[0].strip() or fresh.start() > 3:
            continue
        rest = new.text[fresh.end() :]
        said = fresh[0].removeprefix("at ")
        lead = re.match(r"(?:at|@)\s+", stale[-1][0], re.IGNORECASE)
        put = old.text[: stale[-1].start()] + (lead[0] if lead else "") + said + old.text[stale[-1].end() :]
        gone = Span(items[begin].span.start, new.span.end - len(rest))
        return ((old.span, put), (gone, ""))
    return ((old.span, new.text), (Span(items[begin].span.start, new.span.end), ""))


def _of_verb(text: str, items: Sequence[Item], begin: int, end: int) -> Edits:
    """`text me X, no wait, email it to ann@x.org`: the other verb, and whom it names."""
    verb = next((k for k in range(begin - 1, -1, -1) if items[k].acts), None)
    if verb is None:
        return ()
    old, stop = items[verb : verb + 1], end + 2
    put = items[end].text
    me = items[verb + 1].lower == "me" if verb + 1 < begin else False
    if stop + 1 < len(items) and items[stop].lower == "to" and items[stop + 1].kind != "word":
        old = items[verb : verb + 1 + me]
        put, stop = f"{put} {items[stop + 1].text}", stop + 2
    return _put(items, begin, stop, Span(old[0].span.start, old[-1].span.end), put)
