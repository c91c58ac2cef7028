"""Short ways of saying, put in full before a request is read: the same words a careful person would have written.

Knows: the order in which they are looked for. In: a request and its items. Out: edits of its text.
Never: looks at a catalog, at quoted text, or adds anything that was not said elsewhere in the request.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from eyeflow.frontend.items import Item
from eyeflow.frontend.recast import (
    by_kind,
    by_time,
    calling,
    going,
    leads,
    left_alone,
    one_each,
    only_for,
    roundabout,
    switching,
    taken_back,
)
from eyeflow.values import Span

Edits: TypeAlias = tuple[tuple[Span, str], ...]

MOST: Final = 8
"""Turns in one request; what is still short after that is read as it stands."""

_TURNS: Final[tuple[Callable[[str, Sequence[Item]], Edits], ...]] = (
    taken_back.edits,
    left_alone.edits,
    only_for.edits,
    one_each.edits,
    roundabout.edits,
    calling.edits,
    going.edits,
    leads.edits,
    by_kind.edits,
    switching.edits,
    by_time.edits,
)


def in_full(text: str, items: Sequence[Item]) -> Edits:
    """The edits of the first turn that the request takes; none when it is plain already."""
    return next((found for turn in _TURNS if (found := turn(text, items))), ())
