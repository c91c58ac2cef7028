"""How much: token buckets for rates, and a gate for what is in hand.

Knows: arithmetic of rates. In: rates in requests a minute, a monotonic time in seconds. Out: `Taken`. Never: sleeps,
reads a clock, remembers more than a bounded number of callers.

Source: token bucket as in RFC 2697's srTCM, one bucket, counted in whole requests.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Final

import msgspec

from eyeflow.server.exchange import Headers

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
    """Requests of one caller. `per_minute` 0 lets everything through."""

    __slots__ = ("_rate", "_size", "_stamp", "_tokens", "per_minute")

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._rate = per_minute / 60.0
        self._size = max(1.0, math.floor(self._rate * BURST_S))
        self._tokens = self._size
        self._stamp = 0.0

    def take(self, now_s: float) -> Taken | None:
        """One request at `now_s`; None when there is no limit."""
        if not self.per_minute:
            return None
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


class Buckets:
    """A bucket for each caller, the longest unused forgotten first."""

    def __init__(self, per_minute: int, *, callers: int = MAX_CALLERS) -> None:
        self._per_minute = per_minute
        self._callers = callers
        self._held: OrderedDict[str, Bucket] = OrderedDict()

    def of(self, caller: str) -> Bucket:
        """The bucket of a caller."""
        bucket = self._held.get(caller)
        if bucket is None:
            bucket = self._held[caller] = Bucket(self._per_minute)
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
