"""Small readings of a row of items that several turns share: sentences, places, objects, clocks.

Knows: which words open a place or end an object. In: items. Out: positions and text. Never: edits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import words

JOINS: Final = frozenset({"and", "&", "then", ",", ";", "plus", "also"})
PARTICLES: Final = frozenset({"on", "off", "up", "down", "back", "again"})
PLACES: Final = frozenset({"to", "in", "on", "into", "at"})
RECEIVERS: Final = frozenset({"channel", "email", "phone", "person"})
IT: Final = frozenset({"it", "them"})
ENDS: Final = frozenset({".", "!", "?", ";", "\n"})
CUES: Final = frozenset({"when", "whenever", "if", "unless", "once", "after", "until", "while", "because"})

CLOCK: Final = re.compile(
    r"(?:\b(?:at|@)\s+)?\b(?:[01]?\d|2[0-4])(?:[:.][0-5]\d)?(?:\s?[ap]\.?m\b\.?|\s?o'clock\b|\b)|\b(?:at\s+)?(?:noon|midnight|midday)\b",
    re.IGNORECASE,
)
"""A time of day as it is written, with its `at`."""


def over(text: str, items: Sequence[Item]) -> str:
    """The text from the first of `items` to the last; empty for none."""
    return text[items[0].span.start : items[-1].span.end] if items else ""


def sentences(items: Sequence[Item]) -> list[tuple[int, int]]:
    """Where each sentence begins and ends, as positions in `items`, its stop left out."""
    found: list[tuple[int, int]] = []
    begin = 0
    for at, item in enumerate(items):
        if item.kind == "punct" and item.text in ENDS and item.text != ";":
            if at > begin:
                found.append((begin, at))
            begin = at + 1
    if begin < len(items):
        found.append((begin, len(items)))
    return found


def opens(items: Sequence[Item], at: int) -> bool:
    """An action may begin here: at a start, after a break, a join, a time or a courtesy."""
    if at == 0:
        return True
    before = items[at - 1]
    return before.kind in ("punct", "time") or before.lower in JOINS or before.lower in ("please", "just", "you", "to")


def clocked(item: Item) -> bool:
    """A time expression with a time of day, which can start a task."""
    phrase = item.time
    return phrase is not None and phrase.triggers and bool(phrase.draft.times) and not phrase.in_free_text


def place_in(items: Sequence[Item]) -> int | None:
    """Where `in #team`, `to a@b.c` begins."""
    for at in range(len(items) - 1):
        if items[at].lower in PLACES and items[at + 1].kind in RECEIVERS:
            return at
    return None


def object_of(items: Sequence[Item]) -> Sequence[Item]:
    """What is acted on, of the words after a verb: without particles before and after it, and without a place."""
    held = list(items)
    while held and (held[0].lower in PARTICLES or held[0].lower in words("me")):
        held.pop(0)
    place = place_in(held)
    held = held[:place] if place is not None else held
    while held and (held[-1].lower in PARTICLES or held[-1].kind == "punct"):
        held.pop()
    return held
