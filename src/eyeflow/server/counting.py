"""The engine's counts as figures for Prometheus.

Knows: names and meanings. In: `EngineMetrics`. Out: `Figure`s. Never: counts by itself.
"""

from __future__ import annotations

from eyeflow.engine.metrics import EngineMetrics
from eyeflow.server.metrics import Figure


def figures(held: EngineMetrics) -> tuple[Figure, ...]:
    """Every count of the engine."""
    counted = (
        ("runs_started", "runs that began", held.started),
        ("runs_busy", "requests that were told to come again", held.busy),
        ("runs_fenced", "runs that were lost to another process", held.fenced),
        ("runs_claimed", "runs that were taken over from a process that ended", held.claimed),
        ("runs_parked", "runs that left memory to wait", held.parked),
        ("store_errors", "writes that failed", held.store_errors),
        ("events_published", "events that were handed to the bus", held.published),
        ("events_unpublished", "events that could not be handed over yet", held.unpublished),
        ("run_ms", "time of all runs together, in milliseconds", held.duration.total_ms),
        ("store_ms", "time of all writes together, in milliseconds", held.store.total_ms),
        ("store_writes", "writes", held.store.count),
    )
    ended = tuple(
        Figure(name=f"eyeflow_runs_{status}", doc=f"runs that ended with {status}", kind="counter", value=count)
        for status, count in held.ended.items()
    )
    return ended + tuple(
        Figure(name=f"eyeflow_{name}", doc=doc, kind="counter", value=value) for name, doc, value in counted
    )
