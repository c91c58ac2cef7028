"""`post the top stories, one message each`: each of them by itself; `all in one message`: the list as it is.

Knows: how people say after an order that it is done for each thing, or once for all (`data/recast.yaml`). In: a request
and its items. Out: edits that say `each of` before the things, or leave out what goes without saying. Never: looks
inside quotes; an order without things in the plural stays as it is, and so is asked about.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Final

from eyeflow.frontend.data import words
from eyeflow.frontend.items import Item
from eyeflow.frontend.lists import plural
from eyeflow.frontend.recast.said import ENDS, RECEIVERS, opens
from eyeflow.values import Span

Edits = tuple[tuple[Span, str], ...]

_EVERY: Final = frozenset({"each", "every"})
_WHOM: Final = frozenset({"me", "us", "him", "her", "about", "of", "to", "in", "on", "for", "with", "out"})
_OWN: Final = frozenset({"the", "my", "our", "its", "their", "those", "these", "all"})
_THINGS: Final = 8
"""Words between a verb and what it is about, at most."""


def edits(text: str, items: Sequence[Item]) -> Edits:
    """The edits of the first such phrase of the request."""
    if not any(i.lower in ("one", "each", "a", "in", "as", "all", *_ALONE) for i in items):
        return ()
    line = " ".join(i.lower if i.is_word else "\x00" for i in items)
    for pattern, each in ((_each(), True), (_at_once(), False)):
        for hit in pattern.finditer(line):
            at, after = line.count(" ", 0, hit.start()), line.count(" ", 0, hit.end()) + 1
            found = _spread(items, at, after) if each else _once(items, at, after)
            if found:
                return found
    return ()


@cache
def _each() -> re.Pattern[str]:
    """One of them for each thing, as people put it after the order."""
    kind = _kinds()
    ways = (
        rf"(?:one|a|a single|a separate|a different) (?:{kind}) (?:each|apiece|(?:per|for each|for every) \w+)",
        rf"each (?:one )?(?:in|as|on|with) (?:its|their|a) (?:own|separate|single) (?:{kind})",
        rf"(?:in|as|with|by) (?:separate|individual|different) (?:{kind})s",
        "|".join(sorted(words("recast", "one_by_one"), key=lambda said: -len(said))),
    )
    return re.compile(rf"(?<!\S)(?:{'|'.join(ways)})(?!\S)")


@cache
def _at_once() -> re.Pattern[str]:
    """All of them at once, as people put it after the order."""
    return re.compile(
        rf"(?<!\S)(?:all )?(?:together )?(?:in|as|with|by) (?:one|a single|one single|the same) (?:{_kinds()})(?!\S)"
    )


@cache
def _kinds() -> str:
    return "|".join(sorted((re.escape(kind) for kind in words("recast", "sendings")), key=lambda kind: -len(kind)))


_ALONE: Final = ("individually", "separately", "with", "by")


def _spread(items: Sequence[Item], at: int, after: int) -> Edits:
    """`each of` before the things of the order, and the phrase taken out."""
    begin = max((k + 1 for k in range(at) if items[k].text in ENDS), default=0)
    for verb in (k for k in range(at - 1, begin - 1, -1) if items[k].acts and opens(items, k)):
        if any(i.lower in _EVERY for i in items[verb:at]):
            told = after < len(items) and items[after].lower in words("recast", "holding")
            return () if told else (_out(items, at, after),)  # `one message per page with its title`: what it says
        things = _things(items, verb, at)
        if things is not None:
            first = items[things]
            them = first.lower in ("them", "these", "those") and not (things + 1 < at and items[things + 1].is_word)
            led = "" if first.lower in _OWN - {"all"} or them else "the "
            taken = first.span if first.lower == "all" else Span(first.span.start, first.span.start)
            return ((taken, f"each of {led}".rstrip() if taken.end > taken.start else f"each of {led}"),
                    _out(items, at, after))  # fmt: skip
    return ()


def _things(items: Sequence[Item], verb: int, at: int) -> int | None:
    """Where the noun phrase in the plural begins that an order is about."""
    start = verb + 1
    while start < at and (items[start].kind in RECEIVERS or items[start].lower in _WHOM):
        start += 1
    for k in range(start, min(at, start + _THINGS)):
        if items[k].lower == "them" and k == start:
            return start
        if not (items[k].is_word or items[k].kind in ("number", "ordinal", "repo")) or items[k].lower in ("and", "to"):
            return None
        if items[k].is_word and plural(items[k]) and not items[k].acts:
            return start
    return None


def _once(items: Sequence[Item], at: int, after: int) -> Edits:
    """What goes without saying, taken out after an order about things in the plural."""
    begin = max((k + 1 for k in range(at) if items[k].text in ENDS), default=0)
    orders = (k for k in range(at - 1, begin - 1, -1) if items[k].acts and opens(items, k))
    verb = next(orders, None)
    if verb is None or _things(items, verb, at) is None or (after < len(items) and items[after].is_literal):
        return ()
    return (_out(items, at, after),)


def _out(items: Sequence[Item], at: int, after: int) -> tuple[Span, str]:
    """A phrase with the comma that parts it, taken out."""
    start = at
    while start and (items[start - 1].text in (",", "-", "–", "—") or items[start - 1].lower == "and"):
        start -= 1
    return Span(items[start].span.start, items[after - 1].span.end), ""
