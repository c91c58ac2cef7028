"""Pages of lists, and the cursors between them.

Knows: how a position in an ordered list becomes an opaque text and back. In: items, the position of the last one.
Out: `Page`. Never: trusts a cursor: one that was not made here is refused.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Final, Generic, TypeVar

import msgspec
from msgspec import Meta

from eyeflow.server.exchange import Declined

T = TypeVar("T")
R = TypeVar("R")
C = TypeVar("C")

MAX_CURSOR: Final = 1000
Limit = Annotated[int, Meta(ge=1, le=200, description="how many items at the most")]
Cursor = Annotated[str, Meta(max_length=MAX_CURSOR, description="`next` of the page before")]


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Some of a list. `next` is the cursor of the following page, null on the last."""

    items: tuple[T, ...]
    next: str | None = None


class Paged(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of a list."""

    limit: Limit = 50
    cursor: Cursor = ""


def page_of(rows: Sequence[R], limit: int, show: Callable[[R], T], position: Callable[[R], object]) -> Page[T]:
    """A page of `limit` items from rows of which one more than that was asked for."""
    kept = rows[:limit]
    more = spelled(position(kept[-1])) if len(rows) > limit else None
    return Page(tuple(show(row) for row in kept), more)


def spelled(position: object) -> str:
    """A position as a cursor."""
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).rstrip(b"=").decode()


def position_of(cursor: str, kind: type[C]) -> C:
    """The position a cursor spells. Raises: Declined `bad_cursor`."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(raw, type=kind)
    except (binascii.Error, ValueError, msgspec.MsgspecError, RecursionError):
        raise Declined(400, "bad_cursor", "the cursor is not one of this server's", hint="start without one") from None
