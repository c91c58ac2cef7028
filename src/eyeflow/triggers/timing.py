"""Which instants of a schedule are due, which of them run, and which is next.

Knows: MISSED, and how late an instant may be before it counts as missed. In: a schedule's spec as it is stored, what
it fired last, the present. Out: instants in milliseconds, `Due`. Never: reads a clock, writes, runs anything.

An instant that is at most `GRACE_MS` late is not missed: it runs. Of older ones `run_once` runs the latest, unless a
newer one runs anyway; `run_all` runs each, in order, some at a time; `skip` runs none. What is not run is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

import msgspec

from eyeflow.ir.task import Once, Schedule
from eyeflow.recurrence import Recurrence, occurrences, read_moment, zone_of

GRACE_MS: Final = 60_000
CATCH_UP: Final = 100
"""So many missed instants run in one go; the next ones follow when these have been taken."""
TOLD: Final = 20
"""So many missed instants are recorded of one outage, the latest ones."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS
_WINDOWS: Final = (_HOUR_MS, _DAY_MS, 8 * _DAY_MS, 32 * _DAY_MS, 370 * _DAY_MS)
_SPEC: Final = msgspec.json.Decoder(Schedule | Once)


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """What to do with a schedule now: `run` these instants in order, record `missed`, and look again at `next_ms`.
    `last_ms` is the newest instant that is settled by this, None when none is. `late` when those that run are missed
    ones that are made up for."""

    run: tuple[int, ...] = ()
    missed: tuple[int, ...] = ()
    next_ms: int | None
    last_ms: int | None = None
    late: bool = False


def spell(spec: Schedule | Once) -> bytes:
    """A schedule or moment as it is stored."""
    return msgspec.json.encode(spec)


def next_after(spec: bytes, after_ms: int) -> int | None:
    """The first instant of a stored `spec` after `after_ms`, in milliseconds; None when there is none.

    Raises: ScheduleError for a spec that does not hold; compiled programs have none.
    """
    return _next_after(spec, after_ms)


@lru_cache(maxsize=32_768)
def _next_after(spec: bytes, after_ms: int) -> int | None:
    return next(_fires(spec, after_ms), None)


def within(spec: bytes, after_ms: int, until_ms: int, limit: int) -> tuple[int, ...]:
    """The instants after `after_ms` up to and with `until_ms`, the first `limit` of them, ascending."""
    found: list[int] = []
    for at in _fires(spec, after_ms):
        if at > until_ms or len(found) == limit:
            break
        found.append(at)
    return tuple(found)


def latest(spec: bytes, after_ms: int, until_ms: int, limit: int = 1) -> tuple[int, ...]:
    """The last `limit` instants after `after_ms` up to and with `until_ms`, ascending: looked for backwards in
    windows that grow, so that years of a schedule by the minute cost no more than its last hour."""
    for width in _WINDOWS:
        if until_ms - width <= after_ms:
            break
        found = _tail(spec, until_ms - width, until_ms, limit)
        if len(found) == limit:
            return found
    return _tail(spec, after_ms, until_ms, limit)


def due(spec: bytes, *, missed: str, next_ms: int, last_ms: int | None, now_ms: int, grace_ms: int = GRACE_MS) -> Due:
    """What a schedule that waits for `next_ms` does at `now_ms`; nothing up to `last_ms` counts any more."""
    floor = next_ms - 1 if last_ms is None else max(next_ms - 1, last_ms)
    first = next_ms if next_ms > floor else next_after(spec, floor)
    if first is None or first > now_ms:
        return Due(next_ms=first)
    second = next_after(spec, first)
    if second is None or second > now_ms:
        if missed == "skip" and now_ms - first > grace_ms:
            return Due(missed=(first,), next_ms=second, last_ms=first)
        return Due(run=(first,), next_ms=second, last_ms=first)
    return _several(spec, missed, floor, now_ms, grace_ms)


def _several(spec: bytes, missed: str, floor: int, now_ms: int, grace_ms: int) -> Due:
    old = now_ms - grace_ms - 1
    if missed == "run_all":
        run = within(spec, floor, now_ms, CATCH_UP)
        return Due(run=run, next_ms=next_after(spec, run[-1]), last_ms=run[-1], late=run[0] <= old)
    fresh = within(spec, max(floor, old), now_ms, CATCH_UP)
    gone = latest(spec, floor, old, TOLD) if old > floor else ()
    run = fresh or (gone[-1:] if missed == "run_once" else ())
    lost = tuple(at for at in gone if at not in run)
    last = max((*run, *lost))
    return Due(run=run, missed=lost, next_ms=next_after(spec, now_ms), last_ms=max(last, now_ms), late=not fresh)


def _tail(spec: bytes, after_ms: int, until_ms: int, limit: int) -> tuple[int, ...]:
    found: list[int] = []
    for at in _fires(spec, after_ms):
        if at > until_ms:
            break
        found.append(at)
        if len(found) > limit:
            del found[0]
    return tuple(found)


def _fires(spec: bytes, after_ms: int) -> Iterator[int]:
    after = _EPOCH + timedelta(milliseconds=after_ms)
    read = _read(spec)
    if isinstance(read, int):
        return iter((read,) if read > after_ms else ())
    return (milliseconds(at) for at in occurrences(read, after))


@lru_cache(maxsize=8_192)
def _read(spec: bytes) -> Recurrence | int:
    """A stored spec as a recurrence, or as the one instant it means."""
    trigger = _SPEC.decode(spec)
    if isinstance(trigger, Once):
        return milliseconds(read_moment(trigger.at, zone_of(trigger.zone or "UTC")))
    return Recurrence(
        rules=trigger.rules, cron=trigger.cron, zone=trigger.zone or "UTC", start=trigger.start, until=trigger.until,
        exclude=trigger.exclude, anchor=trigger.anchor,
    )  # fmt: skip


def milliseconds(at: datetime) -> int:
    """Whole milliseconds since 1970 of an aware instant."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def moment(at_ms: int) -> datetime:
    """The instant in UTC of milliseconds since 1970."""
    return _EPOCH + timedelta(milliseconds=at_ms)
