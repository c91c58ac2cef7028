"""Figures for Prometheus: requests here, and whatever other rooms count, of all processes of the server together.

Knows: names and labels of what is counted, how figures of processes are added up. In: one call for each request;
sources that give numbers when asked; the boards of other processes. Out: the text that `/metrics` answers. Never: a
label with a value a caller chose: routes are named by their template.

With several processes each writes what it has counted on its board once a second, and whichever is asked adds up all
boards; so one address tells of the whole server, whoever answers. A process that replaces another begins with what
that one had counted: counters never go back.

Source: Prometheus text exposition format 0.0.4, written by prometheus_client.
"""

from __future__ import annotations

import asyncio
import bisect
import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

import msgspec

from eyeflow import __version__
from eyeflow.server.logs import event

if TYPE_CHECKING:
    from eyeflow.server.sharing import Share

BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
EVERY_S: Final = 1.0


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A number with a name: `kind` `counter` only grows, `gauge` goes up and down."""

    name: str
    doc: str
    kind: str
    value: float


class Counted(msgspec.Struct, frozen=True, array_like=True):
    """All that one process has counted, or several together: requests by method, route and status; times of routes by
    bucket; their sums in seconds; figures of other rooms."""

    requests: tuple[tuple[str, str, int, int], ...] = ()
    times: tuple[tuple[str, tuple[int, ...], float], ...] = ()
    figures: tuple[Figure, ...] = ()

    def __add__(self, other: Counted) -> Counted:
        requests = {(method, route, status): count for method, route, status, count in self.requests}
        for method, route, status, count in other.requests:
            requests[method, route, status] = requests.get((method, route, status), 0) + count
        times = {route: (counts, total) for route, counts, total in self.times}
        for route, counts, total in other.times:
            before, sum_s = times.get(route, ((0,) * len(counts), 0.0))
            times[route] = tuple(map(sum, zip(before, counts, strict=True))), sum_s + total
        figures = {each.name: each for each in self.figures}
        for each in other.figures:
            value = each.value + (figures[each.name].value if each.name in figures else 0.0)
            figures[each.name] = msgspec.structs.replace(each, value=value)
        return Counted(
            tuple((*key, count) for key, count in requests.items()),
            tuple((route, counts, total) for route, (counts, total) in times.items()), tuple(figures.values()),
        )  # fmt: skip

    def growing(self) -> Counted:
        """Without the figures that go down again: those of a process that is gone are gone, too."""
        counters = tuple(each for each in self.figures if each.kind == "counter")
        return msgspec.structs.replace(self, figures=counters)


_BOARDS: Final = msgspec.msgpack.Decoder(Counted)


class Metrics:
    """Counts requests, and asks `sources` for the rest when somebody reads. `share` is what the process has in common
    with others; None for the only one."""

    def __init__(self, share: Share | None = None) -> None:
        self._requests: dict[tuple[str, str, int], int] = {}
        self._times: dict[str, list[int]] = {}
        self._sums: dict[str, float] = {}
        self._sources: list[Callable[[], tuple[Figure, ...]]] = []
        self._share = share
        self._before = Counted() if share is None else _read(share.own.read()).growing()
        self._writing: asyncio.Task[None] | None = None
        self._too_long = False

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

    def counted(self) -> Counted:
        """What this process has counted, and those it replaced."""
        own = Counted(
            tuple((*key, count) for key, count in self._requests.items()),
            tuple((route, tuple(times), self._sums[route]) for route, times in self._times.items()),
            tuple(figure for give in self._sources for figure in give()),
        )  # fmt: skip
        return self._before + own

    def together(self) -> Counted:
        """What all processes of the server have counted."""
        found = self.counted()
        for board in () if self._share is None else self._share.others:
            said = _read(board.read())
            found += said if board.fresh else said.growing()
        return found

    # --- the board ----------------------------------------------------------------------------------------------

    @property
    def alive(self) -> bool:
        """False when writing has ended by itself, which only a bug does."""
        return self._writing is None or not self._writing.done()

    async def start(self) -> None:
        """Begin to write this process's board, when there are others to read it."""
        if self._share is not None and self._writing is None:
            self._writing = asyncio.create_task(self._write_on(), name="eyeflow-figures")

    async def stop(self) -> None:
        """Write it a last time."""
        task, self._writing = self._writing, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            self.write()

    def write(self) -> None:
        """Write what was counted on the board."""
        assert self._share is not None, "there are others"
        if not self._share.own.write(msgspec.msgpack.encode(self.counted())) and not self._too_long:
            self._too_long = True
            event("the figures of this process are too many to share", requests=len(self._requests))

    async def _write_on(self) -> None:
        while True:
            self.write()
            await asyncio.sleep(EVERY_S)

    # --- the text -----------------------------------------------------------------------------------------------

    def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 - only who reads figures pays

        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Any]:
        """The metric families, for prometheus_client."""
        from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily  # noqa: PLC0415

        alive = 1 + sum(board.fresh for board in (() if self._share is None else self._share.others))
        yield InfoMetricFamily("eyeflow_build", "what runs here", {"version": __version__})
        yield GaugeMetricFamily("eyeflow_processes", "processes of this server that are counted here", value=alive)
        yield from _families(self.together())


def _families(held: Counted) -> Iterable[Any]:
    from prometheus_client.core import (  # noqa: PLC0415
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
    )

    requests = CounterMetricFamily("eyeflow_http_requests", "requests answered", labels=("method", "route", "status"))
    for method, route, status, count in held.requests:
        requests.add_metric((method, route, str(status)), count)
    yield requests
    durations = HistogramMetricFamily("eyeflow_http_request_seconds", "time to answer", labels=("route",))
    for route, times, total in held.times:
        durations.add_metric((route,), _cumulated(times), total)
    yield durations
    for figure in held.figures:
        family = CounterMetricFamily if figure.kind == "counter" else GaugeMetricFamily
        yield family(figure.name, figure.doc, value=figure.value)


def _read(data: bytes) -> Counted:
    """What a board says; nothing for one that was never written."""
    try:
        return _BOARDS.decode(data) if data else Counted()
    except msgspec.MsgspecError:
        return Counted()


def _cumulated(times: tuple[int, ...]) -> list[tuple[str, float]]:
    total, found = 0, []
    for bound, count in zip((*map(str, BUCKETS_S), "+Inf"), times, strict=True):
        total += count
        found.append((bound, float(total)))
    return found
