"""`New tickets go to #support`: where things go as they come, said as the order to send each new one there.

Knows: how such statements are said. In: a request and its items. Out: an edit that says `post each new ... to ...`.
Never: a statement of things that are there already (`open tickets go to #support`), or one with a condition of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import words
from eyeflow.frontend.recast.said import CUES, RECEIVERS, over, sentences
from eyeflow.values import Span

Edits = tuple[tuple[Span, str], ...]

_EACH: Final = frozenset({"all", "any", "every", "each"})
_GOES: Final = frozenset({"go", "goes"})
_MUST: Final = frozenset({"should", "must", "shall", "will", "always", "need", "to", "have", "all"})
_SENT: Final = frozenset({"posted", "sent", "shared", "reported", "announced"})
_MOST_WORDS: Final = 12


def edits(text: str, items: Sequence[Item]) -> Edits:
    return _going(text, items) or _should(text, items)


def _should(text: str, items: Sequence[Item]) -> Edits:
    """`orders from Canada should be tagged ca`, `a text saying STOP should turn off the pump`: what is done with each
    such thing as it comes, said of the thing. Never said of one that is known (`the message should ...`), of what a
    text holds (`messages should start with ...`), or beside another `when`."""
    begin, end = next(iter(sentences(items)), (0, 0))
    first = items[begin] if begin < end else None
    if first is None or any(i.lower in CUES or (i.time is not None and i.time.triggers) for i in items):
        return ()
    if first.lower in _KNOWN or not first.is_word or (first.acts and not _thing(items, begin)):
        return ()
    at = next((k for k in range(begin + 2, end - 2) if items[k].lower in ("should", "must", "get", "gets")), None)
    if at is None or any(i.text in (",", ":", ";") for i in items[begin:at]):
        return ()
    be = items[at + 1].lower in ("be", "get")
    if be or items[at].lower in ("get", "gets"):
        done = items[at + 1 + be]
        base = participles().get(done.lower)
        placed = items[at + 2 + be : at + 3 + be]
        if base is None or not placed:
            return ()
        if items[at].lower in ("get", "gets") and not any(
            i.kind in RECEIVERS for i in items[at + 3 + be : at + 4 + be]
        ):
            return ()  # `an incident gets resolved`: what happens
        order, stop = f"{base} it", done
    elif items[at + 1].acts and items[at + 1].lower not in _HOLDING:
        order, stop = "", items[at]
    else:
        return ()
    what = over(text, items[begin:at])
    come = "comes" if first.lower in _EACH | {"a", "an"} else "come"
    made = f"when {what} {come} in, {order}".rstrip()
    return ((Span(first.span.start, stop.span.end), made),)


_KNOWN: Final = frozenset({
    "the", "it", "they", "this", "that", "these", "those", "i", "we", "you", "there", "he", "she", "my", "our", "your",
    "its", "their", "his", "her", "nobody", "everybody", "everyone", "nothing", "everything", "please", "also", "then",
    "all", "only", "what", "who", "which", "how", "why", "where", "and", "but", "or", "let", "make", "new", "no",
})  # fmt: skip
_HOLDING: Final = frozenset({
    "say", "include", "contain", "have", "start", "end", "begin", "come", "look", "read", "mention", "show", "list",
    "happen", "stay", "remain", "run", "be", "go", "not", "always", "never", "only", "work", "use",
})  # fmt: skip


def _thing(items: Sequence[Item], at: int) -> bool:
    """`issues in ...`, `tickets from ...`: a noun, though it could be an order."""
    return items[at].lower.endswith("s") and items[at + 1].lower in words("prepositions")


@cache
def participles() -> dict[str, str]:
    """`tagged` to `tag`, `sent` to `send`, for every verb that requests begin with."""
    found = {"sent": "send", "put": "put", "written": "write", "kept": "keep", "made": "make", "told": "tell"}
    for verb in sorted(words("verbs")):
        forms = {verb + "ed", verb + verb[-1] + "ed"} | ({verb + "d"} if verb.endswith("e") else set())
        forms |= {verb[:-1] + "ied"} if verb.endswith("y") else set()
        for form in sorted(forms):
            found.setdefault(form, verb)
    return found


def _going(text: str, items: Sequence[Item]) -> Edits:
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
