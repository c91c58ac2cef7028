"""One value that a request holds.

Knows: what a value is, and what is written in one piece. In: items. Out: `Piece`s. Never: decides what a value is for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from eyeflow.frontend.described.dates import Day
from eyeflow.frontend.intent import JsonValue
from eyeflow.frontend.items import Item


class Piece(msgspec.Struct, frozen=True, eq=False):
    """One value said. `kind`: number, share, money, list, quoted, name, code, day, address (e-mail, URL and the like).

    `start` and `end` are positions in the row of items, `end` excluded; `value` what it says, `unit` the unit beside
    it, `measure` a unit that can only be compared as it is written (`mol/L`); `group` numbers pieces that stand in one
    `a, b and c`; `day` what a day says.
    """

    kind: str
    start: int
    end: int
    text: str
    value: JsonValue
    unit: str | None = None
    group: int = -1
    day: Day | None = None
    measure: str | None = None

    @property
    def idle(self) -> bool:
        """A number word that may say nothing of its own: `two equations`, `the other two sides`."""
        return self.kind == "number" and self.text.isalpha() and isinstance(self.value, int) and self.value <= 12


NUMERIC: Final = ("number", "number_word", "ordinal", "quantity", "money", "percent", "issue")


def glued(items: Sequence[Item], at: int) -> int:
    """The end of what is written without a space from `at` on: `ef903ac-893-f00` is one code."""
    end = at + 1
    while (
        end < len(items) and items[end].span.start == items[end - 1].span.end and items[end].text not in ",.?!;:)]'\""
    ):
        end += 1
    return end
