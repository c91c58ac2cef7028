"""Which option an answer means: its words, its number, its place ("the first one"), a part of it that no other has.

Knows: how people point at one of several. In: options, an answer. Out: the option. Never: picks one that could as well
be another.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_PLACES: Final = {
    "first": 0, "1st": 0, "one": 0, "second": 1, "2nd": 1, "two": 1, "third": 2, "3rd": 2, "three": 2, "fourth": 3,
    "4th": 3, "fifth": 4, "5th": 4,
}  # fmt: skip
_POINTING: Final = frozenset({"the", "one", "option", "number", "choice", "please", "take", "answer", "no", "nr"})
_CLOCK: Final = re.compile(r"(\d\d):\d\d\Z")
_HALVES: Final = {
    "am": "am", "a.m": "am", "morning": "am", "pm": "pm", "p.m": "pm", "afternoon": "pm", "evening": "pm",
    "night": "pm",
}  # fmt: skip


def option_of(options: Sequence[str], said: str) -> str | None:
    """The option that was said; None when it is none of them, or more than one."""
    wanted = said.strip().strip("\"'“”‘’").rstrip(".!").casefold()
    if not wanted or not options:
        return None
    exact = [option for option in options if option.casefold() == wanted]
    if exact:
        return exact[0]
    half = _of_the_day(options, wanted)
    at = _place(wanted, len(options))
    if half is not None or at is not None:
        return half if half is not None else options[at or 0]
    bare = " ".join(word for word in wanted.split() if word not in ("the", "a", "an", "please"))
    near = [option for option in options if option.casefold().startswith(bare)] if bare else []
    return near[0] if len(near) == 1 else None


def _place(wanted: str, count: int) -> int | None:
    """`2`, `the second one`, `option 2`, `the latter`."""
    words = re.findall(r"[a-z0-9]+", wanted)
    rest = [word for word in words if word not in _POINTING]
    if len(rest) == 1 and rest[0].isdecimal() and len(rest[0]) < 4:
        number = int(rest[0])
        return number - 1 if 1 <= number <= count else None
    if rest in (["former"], ["latter"], ["last"]):
        return 0 if rest == ["former"] else count - 1
    if rest == [] and words == ["one"]:
        return 0
    at = _PLACES.get(rest[0]) if len(rest) == 1 else None
    return at if at is not None and at < count else None


def _of_the_day(options: Sequence[str], wanted: str) -> str | None:
    """`morning`, `pm`, where the options are the two halves of a day."""
    rest = [word for word in wanted.replace(".m.", ".m").split() if word not in ("in", "the", "at", "please")]
    half = _HALVES.get(rest[0]) if len(rest) == 1 else None
    clocks = [(option, hit) for option in options if (hit := _CLOCK.match(option)) is not None]
    if half is None or len(clocks) != len(options):
        return None
    found = [option for option, hit in clocks if (int(hit[1]) < 12) == (half == "am")]
    return found[0] if len(found) == 1 else None
