"""Figures for Prometheus: requests here, and whatever other rooms count.

Knows: names and labels of what is counted. In: one call for each request; sources that give numbers when asked.
Out: the text that `/metrics` answers. Never: a label with a value a caller chose: routes are named by their template.

Source: Prometheus text exposition format 0.0.4, written by prometheus_client.
"""

from __future__ import annotations

import bisect
import os
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from eyeflow import __version__

BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A number with a name: `kind` `counter` only grows, `gauge` goes up and down."""

    name: str
    doc: str
    kind: str
    value: float


class Metrics:
    """Counts requests, and asks `sources` for the rest when somebody reads."""

    def __init__(self) -> None:
        self._requests: dict[tuple[str, str, int], int] = {}
        self._times: dict[str, list[int]] = {}
        self._sums: dict[str, float] = {}
        self._sources: list[Callable[[], tuple[Figure, ...]]] = []

    def source(self, give: Callable[[], tuple[Figure, ...]]) -> None:
        """Ask `give` whenever the figures are read."""
        self._sources.append(give)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request was answered."""
        key = (method, route, status)
        self._requests[key] = self._requests.get(key, 0) + 1
        times = self._times.get(route)
        if times is None:
            times = self._times[route] = [0] * (len(BUCKETS_S) + 1)
        times[bisect.bisect_left(BUCKETS_S, seconds)] += 1
        self._sums[route] = self._sums.get(route, 0.0) + seconds

    def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 - only who reads figures pays

        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Any]:
        """The metric families, for prometheus_client."""
        from prometheus_client.core import (  # noqa: PLC0415
            CounterMetricFamily,
            GaugeMetricFamily,
            HistogramMetricFamily,
            InfoMetricFamily,
        )

        yield InfoMetricFamily("eyeflow_build", "what runs here", {"version": __version__, "pid": str(os.getpid())})
        requests = CounterMetricFamily(
            "eyeflow_http_requests", "requests answered", labels=("method", "route", "status")
        )
        for (method, route, status), count in self._requests.items():
            requests.add_metric((method, route, str(status)), count)
        yield requests
        durations = HistogramMetricFamily("eyeflow_http_request_seconds", "time to answer", labels=("route",))
        for route, times in self._times.items():
            durations.add_metric((route,), _cumulated(times), self._sums[route])
        yield durations
        for give in self._sources:
            for figure in give():
                family = CounterMetricFamily if figure.kind == "counter" else GaugeMetricFamily
                yield family(figure.name, figure.doc, value=figure.value)


def _cumulated(times: list[int]) -> list[tuple[str, float]]:
    total, found = 0, []
    for bound, count in zip((*map(str, BUCKETS_S), "+Inf"), times, strict=True):
        total += count
        found.append((bound, float(total)))
    return found
