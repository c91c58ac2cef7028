"""What is known of an action while the rest of its clause is read.

Knows: parameters so far, the scope they lead to, the items they use. In: nothing. Out: `Handled`.
Never: reads words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from eyeflow.frontend.intent import JsonValue
from eyeflow.frontend.items import Item
from eyeflow.frontend.scope import Scope
from eyeflow.frontend.vocabulary import Entry
from eyeflow.values import Field

TITLES: Final = ("title", "name", "subject", "summary")
"""Names of parameters that say what a thing is called."""

LEADS: Final = frozenset(
    {
        "to",
        "with",
        "after",
        "in",
        "into",
        "on",
        "onto",
        "from",
        "for",
        "by",
        "as",
        "about",
        "at",
        "using",
        "via",
        "under",
    }
)
"""Prepositions that begin a phrase of their own."""


class Handled(msgspec.Struct, frozen=True, eq=False):
    """`unknown` are placeholders in a person's text that name nothing in reach."""

    params: dict[str, JsonValue]
    scope: Scope
    used: frozenset[int]
    unknown: tuple[str, ...] = ()


def free(items: Sequence[Item], state: Handled) -> list[Item]:
    """The items nothing has used yet."""
    return [i for i in items if i.index not in state.used]


def content_param(entry: Entry, state: Handled) -> Field | None:
    """The parameter for what is said, while it is open."""
    return next((p for p in entry.spec.params if p.role == "content" and p.name not in state.params), None)
