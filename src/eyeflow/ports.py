"""The ports through which the world comes in: wall clock and identifiers.

Knows: `Clock` and `Ids`, their real forms and the fixed ones that users test with.
In: nothing. Out: aware UTC instants, opaque ids. Never: sleeps; waiting belongs to the event loop, which a
simulation replaces by one whose time passes at once.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol

import uuid_utils


class Clock(Protocol):
    """What time it is."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...


class Ids(Protocol):
    """Where identifiers come from."""

    def new(self, prefix: str) -> str:
        """A fresh id such as `exec_0192...`, never repeated."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The present instant in UTC."""
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands where it was put until told to move."""

    def __init__(self, at: datetime) -> None:
        assert at.tzinfo is not None, "a clock needs an aware instant"
        self._at = at.astimezone(UTC)

    def now(self) -> datetime:
        """The instant it stands at."""
        return self._at

    def advance(self, by: timedelta) -> None:
        """Move forward by `by`."""
        self._at += by


class RandomIds:
    """UUIDv7: unique, and sorted by the time of making (RFC 9562)."""

    def new(self, prefix: str) -> str:
        """`prefix_` and 32 hex digits."""
        return f"{prefix}_{uuid_utils.uuid7().hex}"


class CountingIds:
    """`prefix_1`, `prefix_2`, ...: for simulations and tests."""

    def __init__(self) -> None:
        self._next = 0

    def new(self, prefix: str) -> str:
        """The next number under `prefix`."""
        self._next += 1
        return f"{prefix}_{self._next}"
