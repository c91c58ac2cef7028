"""How people ask to be asked: `ask me before refunding it`, `after the owner approves`, `only with my approval`.

Knows: the words of approvals (`data/pauses.yaml`). In: the items of a sentence. Out: `Asked`: where one is said.
Never: takes a phrase for an approval that names neither the person asking, nor a role, nor somebody who could be one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final, TypeAlias

import msgspec

from eyeflow.frontend.data import load, words
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import words as language

JOINS: Final = frozenset({",", "and", "then", "but", ";"})
_DETERMINERS: Final = ("the", "a", "an", "my", "our", "any", "some")
_LONGEST: Final = 5

Words: TypeAlias = Sequence[str]


class Asked(msgspec.Struct, frozen=True):
    """An approval said at `[start, end)`; `next`: it is about what follows, else about what is around it."""

    start: int
    end: int
    next: bool = False


def asked_in(items: Sequence[Item]) -> Asked | None:
    """The first approval a sentence asks for."""
    lowered = [i.lower for i in items]
    for at in range(len(items)):
        for read in (_ask_first, _consent, _once_approved, _let_me):
            found = read(lowered, at)
            if found is not None:
                return _led(lowered, found)
    return None


def turned(items: Sequence[Item]) -> Sequence[Item]:
    """`before deleting the event, ask me` in the other order: `ask me before deleting the event`."""
    lowered = [i.lower for i in items]
    for at in range(len(lowered)):
        length = _phrase("before", lowered, at)
        if not length or at + length >= len(lowered) or lowered[at + length] not in gerunds():
            continue
        for ask in range(at + length + 1, len(lowered)):
            verb = _phrase("asking", lowered, ask)
            who = _who(lowered, ask + verb) if verb else 0
            end = ask + verb + who
            if who and end + _phrase("first", lowered, end) == len(lowered) and (ask < 1 or lowered[ask - 1] in JOINS):
                return [*items[:at], *items[ask:end], *items[at:ask]]
        return items
    return items


def _led(lowered: Words, found: Asked) -> Asked:
    """With `but`, `and only` before it."""
    start = found.start
    while start > 0 and lowered[start - 1] in words("pauses", "lead"):
        start -= 1
    return Asked(start, found.end, found.next)


def _phrase(name: str, lowered: Words, at: int) -> int:
    """How many words of the list `name` stand at `at`; the longest phrase counts."""
    listed = words("pauses", name)
    for length in range(min(_LONGEST, len(lowered) - at), 0, -1):
        if " ".join(lowered[at : at + length]) in listed:
            return length
    return 0


def _who(lowered: Words, at: int) -> int:
    """How many words name somebody who may approve: `me`, `the owner`, `a human`, `my boss`, `@ann`."""
    if at >= len(lowered):
        return 0
    if lowered[at] in words("pauses", "me") and not _person(lowered, at + 1):
        return 1
    step = 1 if lowered[at] in _DETERMINERS else 0
    length = _person(lowered, at + step)
    return step + length if length else 0


def _person(lowered: Words, at: int) -> int:
    if at >= len(lowered):
        return 0
    if lowered[at] in ("<person>", "<email>"):
        return 1
    for length in (2, 1):
        said = " ".join(lowered[at : at + length]).removesuffix("'s")
        if said in roles() or said in words("pauses", "others"):
            return length
    return 0


@cache
def roles() -> dict[str, str]:
    """Words that name a role of the product, and the role."""
    rows = load("pauses")["roles"]
    assert isinstance(rows, dict), "pauses.roles is a mapping"
    return {str(word): str(role) for role, listed in rows.items() for word in listed}  # type: ignore[union-attr]


def _ask_first(lowered: Words, at: int) -> Asked | None:
    """`ask me before refunding it`, `check with the owner first`, `ask me for approval`."""
    length = _phrase("asking", lowered, at)
    who = _who(lowered, at + length) if length else 0
    if not who:
        return None
    end = at + length + who
    purpose = _phrase("for_what", lowered, end)
    end += purpose
    first = _phrase("first", lowered, end)
    end += first
    before = _phrase("before", lowered, end)
    if before and end + before < len(lowered) and lowered[end + before] in gerunds():
        return Asked(at, end + before, next=True)
    you = lowered[end + before] if before and end + before + 1 < len(lowered) else ""
    if you in ("you", "it", "we") and lowered[end + before + 1] in language("verbs"):
        return Asked(at, end + before + 1, next=True)  # `ask me before you tweet it`
    return Asked(at, end) if first or purpose else None


def _consent(lowered: Words, at: int) -> Asked | None:
    """`wait for approval from the manager`, `only with my approval`, `get the owner's ok before posting`."""
    length = _phrase("getting", lowered, at)
    if not length:
        return None
    end = at + length
    own = _who(lowered, end)
    end += own or (1 if end < len(lowered) and lowered[end] in _DETERMINERS else 0)
    if end >= len(lowered) or lowered[end] not in words("pauses", "consent"):
        return None
    end += 1
    if end < len(lowered) and lowered[end] in ("from", "by", "of"):
        by = _who(lowered, end + 1)
        if not by:
            return None
        own, end = by, end + 1 + by
    if not own:
        return None
    end += _phrase("first", lowered, end)
    before = _phrase("before", lowered, end)
    if before and end + before < len(lowered) and lowered[end + before] in gerunds():
        return Asked(at, end + before, next=True)
    return Asked(at, end)


def _once_approved(lowered: Words, at: int) -> Asked | None:
    """`after I approve`, `once the owner has approved it`, `wait until somebody says yes`."""
    length = _phrase("after", lowered, at)
    who = _who(lowered, at + length) if length else 0
    agrees = _phrase("agrees", lowered, at + length + who) if who else 0
    if not agrees:
        return None
    end = at + length + who + agrees
    end += _phrase("it", lowered, end)
    return Asked(at, end) if _ends(lowered, end) else None


def _let_me(lowered: Words, at: int) -> Asked | None:
    """`let me approve it first`."""
    length = _phrase("letting", lowered, at)
    if not length:
        return None
    end = at + length
    end += _phrase("it", lowered, end)
    first = _phrase("first", lowered, end)
    return Asked(at, end + first) if first else None


def _ends(lowered: Words, at: int) -> bool:
    """Nothing more of the phrase follows: the end, a break, or what is to be done."""
    return at >= len(lowered) or lowered[at] in JOINS or lowered[at] in language("verbs")


@cache
def gerunds() -> dict[str, str]:
    """`refunding` to `refund`, for every verb that requests begin with."""
    found: dict[str, str] = {}
    for verb in sorted(language("verbs")):
        forms = {verb + "ing", verb + verb[-1] + "ing"}
        forms |= {verb[:-1] + "ing"} if verb.endswith("e") else set()
        forms |= {verb[:-2] + "ying"} if verb.endswith("ie") else set()
        for form in sorted(forms):
            found.setdefault(form, verb)
    return found
