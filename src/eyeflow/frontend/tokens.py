"""What the first stage hands to all others: tokens with spans.

Knows: the kinds of literals. In: nothing. Out: `Token`, `FreeText`. Never: reads text itself (see `literals.py`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

import msgspec

from eyeflow.values import Span

TokenValue: TypeAlias = str | int | float | None


class Kind(StrEnum):
    """What a token is. Everything but WORD and PUNCT is a literal; the comment says what `value` holds."""

    WORD = "word"  # the word in lower case
    NUMBER = "number"  # int or float; 10k is 10000
    NUMBER_WORD = "number_word"  # int: "twelve", "a couple of"
    ORDINAL = "ordinal"  # int: "1st"
    ORDINAL_WORD = "ordinal_word"  # int: "first", "twenty-second"
    QUANTITY = "quantity"  # int or float, `unit` from units.py; "degrees" without a scale has unit "degrees"
    MONEY = "money"  # int or float, `unit` a currency or "cents"
    CLOCK = "clock"  # "HH:MM"; `unit` am, pm, 24h, bare (9:30), or invalid (25:00)
    DATE = "date"  # ISO date or local date and time; `unit` invalid when it does not exist
    SLASH_DATE = "slash_date"  # the text: 14/03/2027 and 3/14 are read by the time grammar
    QUOTED = "quoted"  # what stands between the quotes
    URL = "url"  # the text
    DOMAIN = "domain"  # the text
    EMAIL = "email"  # the text
    CHANNEL = "channel"  # with its #
    ISSUE = "issue"  # int: #42
    PERSON = "person"  # with its @
    PLACEHOLDER = "placeholder"  # the name between the braces
    REPO = "repo"  # owner/name
    PATH = "path"  # /incoming, Invoices/2026
    FILE = "file"  # report.pdf
    PHONE = "phone"  # digits with a leading + when written
    EMOJI = "emoji"  # name without the colons
    KEY = "key"  # ABC-123
    PUNCT = "punct"  # the character


class Token(msgspec.Struct, frozen=True):
    """A piece of the request: `text` is exactly what stands at `span`, `value` its meaning, `unit` its unit."""

    span: Span
    kind: Kind
    text: str
    value: TokenValue = None
    unit: str | None = None

    @property
    def lower(self) -> str:
        """The text in lower case, typographic apostrophes made plain."""
        return self.text.casefold().replace("’", "'")


class FreeText(msgspec.Struct, frozen=True):
    """What follows a colon and may be words to pass on rather than to understand.

    `start` is its first character; `ends` are where it may stop, the likeliest first. `strong` when a recipient or a
    word of saying stands before the colon (`lead`), so that nothing inside should cut or time the request.
    """

    colon: int
    start: int
    ends: tuple[int, ...]
    strong: bool
    lead: str
