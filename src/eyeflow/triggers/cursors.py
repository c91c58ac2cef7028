"""What a poll remembers, and what of an answer is new.

Knows: cursors that grow (numbers, times, texts) and identities that are only different; how both are stored.
In: what is remembered, the items of an answer with their keys. Out: new items, oldest first, and what to remember.
Never: mixes kinds of keys: a column that changes its type is an error, not a flood.

Items whose key is null are never new: nothing can be greater than what is not there. Identities are remembered for
every item of the last answer and for the latest `REMEMBERED` before it, so that an item that leaves a feed and comes
back is not new.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Final, TypeAlias

import msgspec

from eyeflow.errors import RunError
from eyeflow.values import Value

REMEMBERED: Final = 5_000

Key: TypeAlias = int | float | str | datetime
Kind: TypeAlias = str


class Cursor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is stored: of a cursor that grows `kind` (`number`, `text`, `time`, `none` before the first item) and the
    greatest value; of identities their digests, the oldest first."""

    kind: str
    number: int | float | None = None
    text: str | None = None
    time: datetime | None = None
    seen: tuple[str, ...] = ()

    @property
    def key(self) -> Key | None:
        """The greatest key seen."""
        return {"number": self.number, "text": self.text, "time": self.time}.get(self.kind)


class News(msgspec.Struct, frozen=True):
    """New items in the order they run, each with what to remember once it has; then what to remember at the end."""

    items: tuple[tuple[Value, Key | str], ...]
    after: Cursor


def load(stored: bytes) -> Cursor:
    """A stored cursor."""
    return msgspec.json.decode(stored, type=Cursor)


def store(cursor: Cursor) -> bytes:
    """A cursor as it is stored."""
    return msgspec.json.encode(cursor)


def grown(items: Sequence[tuple[Value, Value]], former: Cursor | None) -> News:
    """Items (value, key) whose cursor is greater than the greatest seen, in ascending order.

    Raises: RunError `bad_poll_key` for keys of different kinds, or of none that has an order.
    """
    kept = [(item, _ordered(key)) for item, key in items if key is not None]
    kinds = {_kind(key) for _, key in kept}
    if former is not None and former.kind != "none":
        kinds.add(former.kind)
    if len(kinds) > 1:
        raise RunError("bad_poll_key", f"the cursor is {' and '.join(sorted(kinds))} at once")
    last = None if former is None else former.key
    new = sorted(
        ((item, key) for item, key in kept if last is None or key > last),  # type: ignore[operator]  # one kind
        key=lambda pair: pair[1],
    )
    greatest = new[-1][1] if new else last
    after = (former or Cursor(kind="none")) if greatest is None else at(greatest)
    return News(tuple(new), after)


def at(key: Key) -> Cursor:
    """A cursor that has grown to `key`."""
    kind = _kind(key)
    if kind == "number":
        assert isinstance(key, int | float), "that is its kind"
        return Cursor(kind=kind, number=key)
    if kind == "time":
        assert isinstance(key, datetime), "that is its kind"
        return Cursor(kind=kind, time=key)
    return Cursor(kind=kind, text=str(key))


def unseen(items: Sequence[tuple[Value, Value]], former: Cursor | None) -> News:
    """Items (value, identity) that were not seen; answers list the newest first, so the last of them runs first.

    Raises: RunError `bad_poll_key` for an identity that is no text or number.
    """
    named = [(item, _identity(key)) for item, key in items if key is not None]
    known = () if former is None else former.seen
    seen = set(known)
    new: list[tuple[Value, Key | str]] = []
    for item, name in reversed(named):
        if name not in seen:
            seen.add(name)
            new.append((item, name))
    here = list(dict.fromkeys(name for _, name in reversed(named)))
    present = set(here)
    before = [name for name in known if name not in present]
    return News(tuple(new), Cursor(kind="seen", seen=(*before[-REMEMBERED:], *here)))


def _ordered(key: Value) -> Key:
    if isinstance(key, datetime):
        return key if key.tzinfo is not None else key.replace(tzinfo=UTC)
    if isinstance(key, date):
        return datetime(key.year, key.month, key.day, tzinfo=UTC)
    if isinstance(key, bool) or not isinstance(key, int | float | str):
        raise RunError("bad_poll_key", "the cursor of an item is no number, time or text")
    if not isinstance(key, str) and not -(2**63) <= key < 2**63:
        raise RunError("bad_poll_key", "the cursor of an item is beyond 64 bits")
    return key


def _kind(key: Key) -> Kind:
    if isinstance(key, datetime):
        return "time"
    return "text" if isinstance(key, str) else "number"


def _identity(key: Value) -> str:
    if isinstance(key, bool) or not isinstance(key, str | int | float):
        raise RunError("bad_poll_key", "the identity of an item is no text or number")
    text = key if isinstance(key, str) else repr(key)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
