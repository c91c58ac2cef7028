"""Timing: run something many times, and say how long it took.

Knows: percentiles, CPU time. In: a function, or numbers. Out: `Timing`, `Spread`. Never: drops a slow turn.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence

import msgspec


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """`count` turns of one thing; wall times in microseconds, `cpu_us` per turn of this process."""

    workload: str
    what: str
    count: int
    p50_us: float
    p75_us: float
    p90_us: float
    p99_us: float
    cpu_us: float


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """A size in bytes."""

    workload: str
    what: str
    bytes: int


def timed(workload: str, what: str, turn: Callable[[], object], count: int, *, warm: int = 1) -> Timing:
    """`count` turns after `warm` that are not counted."""
    for _ in range(warm):
        turn()
    gc.collect()
    walls: list[int] = []
    cpu = time.process_time_ns()
    for _ in range(count):
        start = time.perf_counter_ns()
        turn()
        walls.append(time.perf_counter_ns() - start)
    spent = time.process_time_ns() - cpu
    walls.sort()
    at = [round(walls[min(len(walls) - 1, len(walls) * percent // 100)] / 1000, 1) for percent in (50, 75, 90, 99)]
    return Timing(
        workload=workload, what=what, count=count, p50_us=at[0], p75_us=at[1], p90_us=at[2], p99_us=at[3],
        cpu_us=round(spent / count / 1000, 1),
    )  # fmt: skip


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """How `count` numbers are spread; their unit is that of whoever measured them."""

    count: int
    mean: float
    p50: float
    p75: float
    p90: float
    p99: float
    most: float


def spread(values: Sequence[float]) -> Spread:
    """The spread of at least one number: each percentile is one of them. Raises: ValueError without any."""
    if not values:
        raise ValueError("nothing was measured")
    held = sorted(values)
    at = [round(held[min(len(held) - 1, len(held) * percent // 100)], 3) for percent in (50, 75, 90, 99)]
    return Spread(
        count=len(held), mean=round(sum(held) / len(held), 3), p50=at[0], p75=at[1], p90=at[2], p99=at[3],
        most=round(held[-1], 3),
    )  # fmt: skip
