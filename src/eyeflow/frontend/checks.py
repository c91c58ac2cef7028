"""`check whether A and if so B`: a condition said as something to look up, put into the form `if A, B`.

Knows: the phrases (`data/clauses.yaml`). In: the items of a sentence. Out: items in the other form.
Never: drops a word that says what is looked up or what is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from eyeflow.frontend.data import words
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import stem

_LOOKING: Final = ("check", "see", "verify", "find", "look", "test", "determine")
_WHETHER: Final = ("whether", "if")
_LONGEST: Final = 5


def turned(items: Sequence[Item]) -> Sequence[Item]:
    """`items`, with `check whether A ... and if so B` as `if A, B`, and `if not B` as `unless A, B`."""
    items = _time_first(items)
    at = next((k for k in range(len(items) - 1) if _asks(items, k)), None)
    if at is None:
        return items
    whether = at + 1 if items[at + 1].lower in _WHETHER else at + 2
    answers = _answers(items, at, whether)
    if answers is not None:
        return answers
    for k in range(whether + 1, len(items)):
        for kind in ("so", "not_so"):
            length = _phrase(kind, items, k)
            if length and k > whether + 1 and k + length < len(items):
                end = k
                while items[end - 1].lower in ("and", ",", ";", "then", "-"):
                    end -= 1
                cue = _as(items[at], "if" if kind == "so" else "unless")
                comma = replace(items[k], kind="punct", text=",", lower=",", stem=",", verb=False)
                rest = items[k + length :]
                rest = rest[1:] if rest[0].text == "," and len(rest) > 1 else rest
                return [*items[:at], cue, *items[whether + 1 : end], comma, *rest]
    return items


def _time_first(items: Sequence[Item]) -> Sequence[Item]:
    """`check every hour whether A`: the time before the verb, where it parts nothing."""
    for k in range(len(items) - 2):
        if items[k].lower in _LOOKING and items[k + 1].kind == "time" and _asks([items[k], *items[k + 2 :]], 0):
            return [*items[:k], items[k + 1], items[k], *items[k + 2 :]]
    return items


def _answers(items: Sequence[Item], at: int, whether: int) -> Sequence[Item] | None:
    """`check whether <address> is up ... and if not A` as `check that <address> is up ..., if not A`."""
    rest = items[whether + 1 : whether + 8]
    if not any(i.kind in ("url", "domain") for i in rest):
        return None
    up = any(i.lower in words("checks", "up") for i in rest)
    down = any(i.lower in words("checks", "down") for i in rest)
    for k in range(whether + 2, len(items)):
        length = _phrase("not_so" if up else "so", items, k) if up or down else 0
        if length and k + length < len(items):
            head = [replace(i, lower="up", stem="up") if i.lower in words("checks", "down") else i for i in items[:k]]
            head[whether] = _as(items[whether], "that")
            while head[-1].lower in ("and", ",", ";"):
                head.pop()
            comma = replace(items[k], kind="punct", text=",", lower=",", stem=",", verb=False)
            return [*head, comma, _as(items[k], "if"), _as(items[k + length - 1], "not"), *items[k + length :]]
    return None


def _asks(items: Sequence[Item], at: int) -> bool:
    if items[at].lower not in _LOOKING:
        return False
    after = [i.lower for i in items[at + 1 : at + 3]]
    return after[0] in _WHETHER or (after[0] == "out" and after[1:] != [] and after[1] in _WHETHER)


def _phrase(name: str, items: Sequence[Item], at: int) -> int:
    listed = words("checks", name)
    for length in range(min(_LONGEST, len(items) - at), 0, -1):
        if " ".join(i.lower for i in items[at : at + length]) in listed:
            return length
    return 0


def _as(item: Item, word: str) -> Item:
    return replace(item, lower=word, stem=stem(word), verb=False)
