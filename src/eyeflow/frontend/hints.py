"""Calls that somebody beside the rules sees in a request: a place to begin reading, never a reading.

Knows: what such a hint holds. In: nothing. Out: `Hint`, `found_at`: where a hinted value stands among the words.
Never: makes a hint, believes one: what no word of the request spells is not taken, and what a hint leaves unexplained
is asked about as if there were none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from eyeflow.frontend.intent import JsonValue
from eyeflow.frontend.items import Item

_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


class Hint(msgspec.Struct, frozen=True):
    """One call of `service.function`; `params` as a helper states them, `agreed` the names of those whose value a
    second source says is one of that parameter and of no other."""

    service: str
    function: str
    params: tuple[tuple[str, JsonValue], ...] = ()
    agreed: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        """`service.function`."""
        return f"{self.service}.{self.function}"


def found_at(said: str, items: Sequence[Item]) -> list[range]:
    """Where `said` stands among `items`, word for word, covering whole items; capitals and punctuation aside."""
    wanted = _words(said)
    if not wanted:
        return []
    row = [(word, k) for k, item in enumerate(items) for word in _words(_text(item))]
    found = []
    for start in range(len(row) - len(wanted) + 1):
        held = row[start : start + len(wanted)]
        first, last = held[0][1], held[-1][1]
        opens = start == 0 or row[start - 1][1] != first
        closes = start + len(wanted) == len(row) or row[start + len(wanted)][1] != last
        if opens and closes and [word for word, _ in held] == wanted:
            found.append(range(first, last + 1))
    return found


def _text(item: Item) -> str:
    return item.value if item.kind == "quoted" and isinstance(item.value, str) else item.text


def _words(text: str) -> list[str]:
    return [word.replace("’", "'") for word in _WORD.findall(text.casefold())]
