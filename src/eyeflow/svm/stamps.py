"""Ids and instants as they are drawn when a run begins, and spelled when somebody reads them.

Knows: the quick forms of the shipped `Clock` and `Ids`. In: the ports of a machine. Out: functions that draw, and the
id or instant that was drawn. Never: draws later than asked; a clock or ids of somebody's own are asked at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, TypeAlias

import uuid_utils

from eyeflow.ports import Clock, Ids, RandomIds, SystemClock

Drawn: TypeAlias = str | uuid_utils.UUID
"""An execution id, or the UUIDv7 it will be spelled from."""

Stamp: TypeAlias = datetime | int
"""An instant, or nanoseconds since 1970 in UTC."""

PREFIX: Final = "exec"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def drawer(ids: Ids) -> Callable[[], Drawn]:
    """What draws an execution id."""
    return uuid_utils.uuid7 if type(ids) is RandomIds else partial(ids.new, PREFIX)


def spelled(drawn: Drawn) -> str:
    """The id that was drawn, as `RandomIds` spells it."""
    return drawn if isinstance(drawn, str) else f"{PREFIX}_{drawn.hex}"


def stamper(clock: Clock) -> Callable[[], Stamp]:
    """What draws the present instant."""
    return time.time_ns if type(clock) is SystemClock else clock.now


def instant(stamp: Stamp) -> datetime:
    """The instant that was drawn, in UTC, to the microsecond."""
    return stamp if isinstance(stamp, datetime) else _EPOCH + timedelta(microseconds=stamp // 1_000)
