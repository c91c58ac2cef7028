"""`urgent ones to #a, high ones to #b, the rest to #c`: a choice told as a list of kinds and places.

Knows: how such lists are said. In: a request and its items. Out: edits that say it as `if it is ..., ...; otherwise`.
Never: a list with a part that is no kind with a place: it stays, and is asked about.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from eyeflow.frontend.data import words
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import words as said_words
from eyeflow.frontend.recast.said import CUES, RECEIVERS, opens, over, sentences
from eyeflow.values import Span

Edits = tuple[tuple[Span, str], ...]

_TO: Final = frozenset({"to", "in", "into", "on"})
_AMOUNTS: Final = ("number", "money", "quantity", "percent")
_MOST_WORDS: Final = 6


class _Part(msgspec.Struct, frozen=True, eq=False):
    """One kind with its place: `kind` is empty for the rest; `start` and `end` are positions; `what` is sent there."""

    kind: str
    place: str
    start: int
    end: int
    what: str = ""


def edits(text: str, items: Sequence[Item]) -> Edits:
    for begin, end in sentences(items):
        for at in range(begin, end):
            parts = _parts(text, items, at, end)
            if len(parts) < 2 or not any(p.kind for p in parts[:1]):
                continue
            parts = _with_tail(text, items, parts, end)
            made = _told(text, items, begin, parts) or _routed(text, items, begin, parts) or _going(items, parts)
            if made:
                return made
            break
    return ()


def _parts(text: str, items: Sequence[Item], at: int, end: int) -> list[_Part]:
    found: list[_Part] = []
    while at < end:
        part = _part(text, items, at, end) or _part_first(text, items, at, end)
        if part is None:
            break
        found.append(part)
        at = part.end
        while at < end and items[at].lower in (",", ";", "and", "&"):
            at += 1
    return found


def _with_tail(text: str, items: Sequence[Item], parts: list[_Part], end: int) -> list[_Part]:
    """`good ones to #a, bad ones to #b, name and amount please`: what is said last is what each place gets."""
    last = parts[-1]
    comma = last.end < end and items[last.end].text in (",", "-", "–")
    with_ = items[last.end + 1].lower == "with" if comma and last.end + 1 < end else False
    held = (
        [i for i in items[last.end + 1 + with_ : end] if i.lower not in ("please", "each", ".", "!")] if comma else []
    )
    listed = held and all(i.is_word and not i.acts for i in held) and not any(i.lower in CUES for i in held)
    told = any(p.what for p in parts)
    if not listed or told or len(held) > _MOST_WORDS or not (with_ or items[end - 1].lower == "please"):
        return parts
    what = over(text, held)
    return [msgspec.structs.replace(p, what=what, end=end if p is last else p.end) for p in parts]


def _part(text: str, items: Sequence[Item], at: int, end: int) -> _Part | None:
    """`urgent ones to #a`, `the rest go to #c`, `those over $500 to #vip`."""
    to = next((k for k in range(at + 1, min(at + _MOST_WORDS, end)) if items[k].lower in _TO), None)
    if to is None or to + 1 >= end or items[to + 1].kind not in RECEIVERS:
        return None
    said = list(items[at:to])
    while said and said[-1].lower in ("go", "goes", "should", "must", "end", "up", "posted", "sent"):
        said.pop()
    kind = _kind(text, said)
    if kind is None:
        return None
    stop = to + 2
    if stop < end and items[stop].lower == "with":
        stop = next((k for k in range(stop, end) if items[k].lower in (",", ";", "and")), end)
    return _Part(kind, over(text, items[to : to + 2]), at, stop, over(text, items[to + 3 : stop]))


def _part_first(text: str, items: Sequence[Item], at: int, end: int) -> _Part | None:
    """`to #a if it is urgent`, `otherwise to #c`."""
    rest = items[at].lower in ("otherwise", "else")
    start = at + 1 if rest else at
    while start < end and items[start].text == ",":
        start += 1
    if start + 1 >= end or items[start].lower not in _TO or items[start + 1].kind not in RECEIVERS:
        return None
    place = over(text, items[start : start + 2])
    if rest:
        return _Part("", place, at, start + 2)
    cue = start + 2
    if cue + 1 >= end or items[cue].lower not in ("if", "when"):
        return None
    stop = next((k for k in range(cue + 1, end) if items[k].lower in (",", ";", "and", "otherwise")), end)
    said = list(items[cue + 1 : stop])
    while said and said[0].lower in ("it", "it's", "is", "they", "are"):
        said.pop(0)
    return _Part(over(text, said), place, at, stop) if 0 < len(said) < _MOST_WORDS else None


def _kind(text: str, said: Sequence[Item]) -> str | None:
    """The kind without `ones`; empty for the rest; None when the words are no kind."""
    lowered = " ".join(i.lower for i in said)
    if lowered in words("recast", "the_rest"):
        return ""
    if any(i.lower == "of" for i in said) or any(not (i.is_word or i.kind in _AMOUNTS) for i in said):
        return None
    held = [i for i in said if i.lower not in ("the", "those", "any", "all", "with")]
    ones = [i for i in held if i.lower in ("ones", "one")]
    plain = [i for i in held if i not in ones]
    if not plain or len(plain) > 4 or any(i.acts and not i.is_stop and i is plain[0] for i in plain[:1]):
        return None
    if not ones and not any(i.is_literal for i in plain) and len(plain) > 2:
        return None
    return over(text, plain)


def _told(text: str, items: Sequence[Item], begin: int, parts: Sequence[_Part]) -> Edits:
    """After an order: `send urgent ones to #a, ...`, `post its subject to #a if it is urgent, ...`."""
    at = parts[0].start
    verb = next((k for k in range(at - 1, begin - 1, -1) if items[k].acts and opens(items, k)), None)
    if verb is None or any(i.kind == "time" or i.text in (":", "-") for i in items[verb:at]):
        return ()
    first = text[items[at].span.start :].casefold()
    thing = over(text, items[verb + 1 : at]) or "it"
    if items[at - 1].lower == "of":
        thing = over(text, items[verb + 1 : at - 1])  # `the subject of urgent ones`
    if first.startswith(("to ", "in ", "into ", "on ")) and thing == "it" and items[at - 1].index == verb:
        return ()
    whole = Span(items[verb].span.start, items[parts[-1].end - 1].span.end)
    return ((whole, _written(items[verb].text.lower(), thing, parts)),)


def _routed(text: str, items: Sequence[Item], begin: int, parts: Sequence[_Part]) -> Edits:
    """`route new tickets: urgent ones to #a, ...`: each new one is an event."""
    at = parts[0].start
    of = items[at - 1].lower == "of"
    colon = next((k for k in range(at - 1, begin, -1) if items[k].text in (":", "-", "–")), None)
    if colon is None or not (items[begin].acts or items[begin].lower in words("recast", "sorting")):
        return ()
    what = over(text, items[colon + 1 : at - 1]) if of else "it"
    head = list(items[begin + 1 : colon])
    while head and head[0].lower in said_words("determiners") | {"new", "incoming"}:
        head.pop(0)
    for k in range(1, len(head)):
        if head[k].lower in ("by", "according", "based", "depending"):
            head = head[:k]
            break
    if not head or len(head) > 4:
        return ()
    whole = Span(items[begin].span.start, items[parts[-1].end - 1].span.end)
    thing = over(text, head)
    return ((whole, f"for every new {_one(thing)}, {_written('send', what, parts)}"),)


def _going(items: Sequence[Item], parts: Sequence[_Part]) -> Edits:
    """`when a rating arrives, good ones go to #a with the comment, bad ones to #b`: nobody said `send`."""
    at = parts[0].start
    if at == 0 or items[at - 1].text not in (",", ":", ";"):
        return ()
    whole = Span(items[at].span.start, items[parts[-1].end - 1].span.end)
    return ((whole, _written("send", "it", parts)),)


def _one(said: str) -> str:
    return said[:-1] if said.endswith("s") and not said.endswith("ss") else said


def _written(verb: str, thing: str, parts: Sequence[_Part]) -> str:
    arms = [
        f"if it is {p.kind}, {verb} {p.what or thing} {p.place}"
        if p.kind
        else f"otherwise {verb} {p.what or thing} {p.place}"
        for p in parts
    ]
    return "; ".join(arms)
