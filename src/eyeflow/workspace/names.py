"""Which names tasks, connections and keys may have.

Knows: the rules. In: a name somebody gave. Out: nothing, or `Invalid`. Never: changes a name to make it fit.
"""

from __future__ import annotations

import re
from typing import Final

from eyeflow.workspace.errors import Invalid

MAX_NAME_CHARS: Final = 100
_TASK: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:-+[A-Za-z0-9_]+)*")
_CONNECTION: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\x80-\x9f\u2028\u2029\ud800-\udfff]")
_IDS: Final = re.compile(r"(?:task|exec|prop|key|hook)_[0-9a-f]{32}")
_WORDS: Final = frozenset({"undefined", "null", "none", "nan", "true", "false", "run", "pause-all", "resume-all"})


def require_task_name(name: str) -> None:
    """Return for a name a task may have. Raises: Invalid (`bad_name`)."""
    if len(name) > MAX_NAME_CHARS or not _TASK.fullmatch(name):
        hint = f"a letter or `_`, then letters, digits, `_` or `-`; at most {MAX_NAME_CHARS}"
        raise Invalid("bad_name", f"{name[:60]!a} is not a name for a task", hint=hint)
    if _IDS.fullmatch(name) or name.casefold() in _WORDS:
        raise Invalid("bad_name", f"{name[:60]!a} means something else", hint="choose another name")


def require_connection_name(name: str) -> None:
    """Return for a name a connection may have. Raises: Invalid (`bad_name`)."""
    if len(name) > MAX_NAME_CHARS or not _CONNECTION.fullmatch(name) or name.casefold() in _WORDS:
        hint = f"letters, digits, `_`, `-` and `.`; at most {MAX_NAME_CHARS}"
        raise Invalid("bad_name", f"{name[:60]!a} is not a name for an account", hint=hint)


def require_words(text: str, what: str, most: int = 200) -> str:
    """`text` without blanks around it, when people can read it on one line. Raises: Invalid (`bad_request`)."""
    said = text.strip()
    if not said or len(said) > most or _CONTROL.search(said):
        hint = "no line breaks or control characters"
        raise Invalid("bad_request", f"{what} must be 1 to {most} characters on one line", hint=hint)
    return said
