"""Ids and instants as they are drawn when a run begins, and spelled when somebody reads them.

Knows: the quick forms of the shipped `Clock` and `Ids`. In: the ports of a machine. Out: functions that draw, and the
id or instant that was drawn. Never: draws later than asked; a clock or ids of somebody's own are asked at once.

A run's UUIDv7 is drawn as a number that no other run of the process has. Its spelling is the instant of the run, to a
quarter of a microsecond, so that ids sort by it, and 62 bits of the number's keyed digest, as good as random to
whoever has not the key: that is made anew in each process.
Source: RFC 9562, section 5.7 and section 6.2, method 3.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import blake2b
from itertools import count
from typing import Final, TypeAlias

from eyeflow.ports import Clock, Ids, RandomIds, SystemClock

Drawn: TypeAlias = str | int
"""An execution id, or the number it will be spelled from."""

Stamp: TypeAlias = datetime | int
"""An instant, or nanoseconds since 1970 in UTC."""

PREFIX: Final = "exec"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NANOS_A_MS: Final = 1_000_000
_RANDOM: Final = 2**62 - 1


class _Secret:
    """The key of this process."""

    def __init__(self) -> None:
        self.key = os.urandom(32)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.renew)

    def renew(self) -> None:
        """A forked process counts on from the same number: it must not spell the same ids."""
        self.key = os.urandom(32)


_SECRET: Final = _Secret()
_NUMBERS: Final = count()


def drawer(ids: Ids, clock: Clock) -> Callable[[], Drawn]:
    """What draws an execution id."""
    shipped = type(ids) is RandomIds and type(clock) is SystemClock
    return _NUMBERS.__next__ if shipped else partial(ids.new, PREFIX)


def spelled(drawn: Drawn, stamp: Stamp) -> str:
    """The id that was drawn at `stamp`."""
    if isinstance(drawn, str):
        return drawn
    assert isinstance(stamp, int), "numbers are drawn beside nanoseconds"
    ms, nanos = divmod(stamp, _NANOS_A_MS)
    digest = blake2b(drawn.to_bytes(8, "big"), digest_size=8, key=_SECRET.key).digest()
    random = int.from_bytes(digest, "big") & _RANDOM
    return f"{PREFIX}_{ms << 80 | 7 << 76 | (nanos << 12) // _NANOS_A_MS << 64 | 2 << 62 | random:032x}"


def stamper(clock: Clock) -> Callable[[], Stamp]:
    """What draws the present instant."""
    return time.time_ns if type(clock) is SystemClock else clock.now


def instant(stamp: Stamp) -> datetime:
    """The instant that was drawn, in UTC, to the microsecond."""
    return stamp if isinstance(stamp, datetime) else _EPOCH + timedelta(microseconds=stamp // 1_000)
