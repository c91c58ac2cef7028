"""How much: token buckets for rates, and a gate for what is in hand.

Knows: arithmetic of rates. In: rates in requests a minute, a monotonic time in seconds. Out: `Taken`. Never: sleeps,
reads a clock, remembers more than a bounded number of callers.

With `cells` that several processes share, a bucket is one for all of them: what is kept is the instant at which it will
be full again, one number.

Source: token bucket as in RFC 2697's srTCM, one bucket, counted in whole requests; as one instant, the generic cell
rate algorithm of ITU-T I.371.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Final

import msgspec

from eyeflow.server.exchange import Headers
from eyeflow.server.sharing import Cells

MAX_CALLERS: Final = 10_000
BURST_S: Final = 10.0
"""A caller that was quiet may send as much at once as it may in this many seconds."""


class Taken(msgspec.Struct, frozen=True):
    """`wait_s` is 0 when the request may go on, else how long until one may."""

    limit: int
    remaining: int
    reset_s: int
    wait_s: float = 0.0

    def headers(self) -> Headers:
        """`X-RateLimit-*`: the size of the bucket, what is left of it, seconds until it is full again."""
        return (
            (b"x-ratelimit-limit", str(self.limit).encode()),
            (b"x-ratelimit-remaining", str(self.remaining).encode()),
            (b"x-ratelimit-reset", str(self.reset_s).encode()),
        )


class Bucket:
    """Requests of one caller. `per_minute` 0 lets everything through. With `cells` it is the bucket called `name` of
    all processes."""

    __slots__ = ("_cells", "_place", "_rate", "_size", "_stamp", "_tokens", "per_minute")

    def __init__(self, per_minute: int, cells: Cells | None = None, name: str = "") -> None:
        self.per_minute = per_minute
        self._rate = per_minute / 60.0
        self._size = max(1.0, math.floor(self._rate * BURST_S))
        self._tokens = self._size
        self._stamp = 0.0
        self._cells = cells
        self._place = (0, 0) if cells is None else cells.place(name)

    def take(self, now_s: float) -> Taken | None:
        """One request at `now_s`; None when there is no limit."""
        if not self.per_minute:
            return None
        if self._cells is not None:
            return self._taken_together(self._cells, now_s)
        if self._stamp:
            self._tokens = min(self._size, self._tokens + (now_s - self._stamp) * self._rate)
        self._stamp = now_s
        wait = 0.0
        if self._tokens >= 1.0:
            self._tokens -= 1.0
        else:
            wait = (1.0 - self._tokens) / self._rate
        full = math.ceil((self._size - self._tokens) / self._rate)
        return Taken(int(self._size), int(self._tokens), full, wait)

    def _taken_together(self, cells: Cells, now_s: float) -> Taken:
        full_s, offset = cells.get(self._place)
        full_s = max(full_s, now_s)
        tokens = self._size - (full_s - now_s) * self._rate
        wait = 0.0
        if tokens >= 1.0:
            tokens, full_s = tokens - 1.0, full_s + 1.0 / self._rate
            cells.put(self._place, offset, full_s)
        else:
            wait = (1.0 - tokens) / self._rate
        return Taken(int(self._size), max(0, int(tokens)), math.ceil(full_s - now_s), wait)


class Buckets:
    """A bucket for each caller, the longest unused forgotten first. With `cells`, they are those of all processes, and
    `kind` tells them from others."""

    def __init__(
        self, per_minute: int, *, callers: int = MAX_CALLERS, cells: Cells | None = None, kind: str = ""
    ) -> None:
        self._per_minute = per_minute
        self._callers = callers
        self._cells = cells
        self._kind = kind
        self._held: OrderedDict[str, Bucket] = OrderedDict()

    def of(self, caller: str) -> Bucket:
        """The bucket of a caller."""
        bucket = self._held.get(caller)
        if bucket is None:
            bucket = self._held[caller] = Bucket(self._per_minute, self._cells, f"{self._kind}/{caller}")
            if len(self._held) > self._callers:
                self._held.popitem(last=False)
        else:
            self._held.move_to_end(caller)
        return bucket


class Gate:
    """So many at once and no more."""

    __slots__ = ("inside", "most")

    def __init__(self, most: int) -> None:
        self.most = most
        self.inside = 0

    def enter(self) -> bool:
        """True when there was room; then `leave` has to follow."""
        if self.inside >= self.most:
            return False
        self.inside += 1
        return True

    def leave(self) -> None:
        """Make room."""
        self.inside -= 1
