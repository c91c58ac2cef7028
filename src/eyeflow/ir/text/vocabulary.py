"""The reserved words, read from `grammar.lark`, so that there is one list of them.

Knows: which words the grammar quotes. In: nothing. Out: `words`, `starters`, `is_reserved`. Never: builds the parser.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Final

from eyeflow.ir.text.forms import USAGE
from eyeflow.ir.text.words import CONSTANTS

COMPARING: Final = frozenset({"CONTAINS", "STARTS_WITH", "ENDS_WITH", "MATCHES"})
"""Functions that may also stand between their two arguments."""

_KEPT: Final = frozenset({"NOT", "NOTHING", "IN"})
"""Words that the grammar declares as token classes, because their place matters."""


@cache
def grammar_text() -> str:
    """The grammar."""
    return files("eyeflow.ir.text").joinpath("grammar.lark").read_text(encoding="utf-8")


@cache
def words() -> frozenset[str]:
    """Every reserved word in capitals."""
    rules = "\n".join(line for line in grammar_text().splitlines() if not line.startswith("//"))
    return frozenset(re.findall(r'"([A-Z_]+)"', rules)) | _KEPT


@cache
def starters() -> frozenset[str]:
    """The reserved words that may start a line."""
    return frozenset(USAGE)


def is_reserved(word: str) -> bool:
    """True for words of the language and constants, which cannot name a value."""
    return word in words() or word in COMPARING or word in CONSTANTS
