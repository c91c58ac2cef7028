"""How names, numbers and steps of a path look: the regular expressions that reader and printer share.

Knows: spelling of words. In: nothing. Out: patterns, `is_name`, `is_dotted`. Never: which words are reserved
(`grammar.lark` says).
"""

from __future__ import annotations

import re
from typing import Final

NAME: Final = r"[A-Za-z_][A-Za-z0-9_]*(?:-+[A-Za-z0-9_]+)*"
"""Letters, digits, `_`, and `-` between them; starts with a letter or `_`."""

TEXT: Final = r'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"'
"""A JSON string on one line."""

STEP: Final = rf"\.(?:{NAME}|[0-9]+|{TEXT})"
PATH: Final = rf"{NAME}(?:{STEP})*+"
UNIT: Final = r"[A-Za-z_][A-Za-z0-9_]*"

_NAME = re.compile(NAME)
_DOTTED = re.compile(rf"{NAME}(?:\.(?:{NAME}|[0-9]+))*+")
_STEPS = re.compile(STEP)
CONSTANTS: Final = {"true": True, "false": False, "null": None}


def is_name(text: str) -> bool:
    """True when `text` is one plain name, reserved or not."""
    return _NAME.fullmatch(text) is not None


def is_dotted(text: str) -> bool:
    """True for plain names joined by dots (`slack_notify`, `webhook.respond`)."""
    return _DOTTED.fullmatch(text) is not None


def steps(path: str) -> list[tuple[int, str]]:
    """The steps after the root of a `PATH`, each with its offset, without the dot, quotes kept."""
    root = _NAME.match(path)
    assert root is not None
    return [(m.start() + 1, m.group()[1:]) for m in _STEPS.finditer(path, root.end())]
