"""What an engine counts, for whoever exports it.

Knows: names of counts. In: increments. Out: plain numbers. Never: speaks a metrics protocol.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

BUCKETS_MS: Final = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 60_000)
"""Upper bounds of the buckets of a histogram; one more holds the rest."""


class Histogram:
    """How often what took how long, in milliseconds."""

    __slots__ = ("counts", "total_ms")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS_MS) + 1)
        self.total_ms = 0.0

    def add(self, took_ms: float) -> None:
        """One more."""
        self.counts[bisect_left(BUCKETS_MS, took_ms)] += 1
        self.total_ms += took_ms

    @property
    def count(self) -> int:
        """How many in all."""
        return sum(self.counts)


class EngineMetrics:
    """Counts since the start of the process. `ended` is by status; `duration` from start to end of a run, `store` of
    one unit on its way to disk. `fenced` counts runs that were lost to another process, `claimed` those taken over,
    `parked` those that left memory to wait."""

    __slots__ = (
        "busy", "claimed", "duration", "ended", "fenced", "parked", "published", "started", "store", "store_errors",
        "unpublished",
    )  # fmt: skip

    def __init__(self) -> None:
        self.started = 0
        self.ended: dict[str, int] = {"success": 0, "partial_failure": 0, "failed": 0, "cancelled": 0}
        self.duration = Histogram()
        self.store = Histogram()
        self.store_errors = 0
        self.busy = 0
        self.fenced = 0
        self.claimed = 0
        self.parked = 0
        self.published = 0
        self.unpublished = 0
