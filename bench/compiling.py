"""W7: English to a sealed artifact, with catalogs of 50, 500 and 5,000 services.

Knows: how to grow a catalog: the services that ship, and copies of them under other names. In: nothing.
Out: timings. Never: measures the copying.
"""

from __future__ import annotations

import argparse
import os
import sys
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

import eyeflow
from bench.measure import Size, Timing, timed
from bench.report import begin, keep
from eyeflow.catalog import compiled
from eyeflow.catalog.digests import make_catalog
from eyeflow.catalog.model import Capability, Service
from eyeflow.frontend import indexing
from eyeflow.values import literal

_SENTENCE: Final = "Send weather to Slack every morning at 9am"
_NOW: Final = datetime(2026, 11, 23, 8, tzinfo=UTC)
_PROFILE: Final = eyeflow.Profile(city="Paris", defaults=(("slack_notify.channel", literal("#general")),))
_SIZES: Final = ((50, 30), (500, 30), (5_000, 5))


def measure() -> Iterator[Timing | Size]:
    """By catalog size: the first compile with a new catalog, in a fresh process that finds the index kept with the
    catalog, and those after it; what is kept on the disk, and what a process holds for it."""
    key = eyeflow.SigningKey(os.urandom(32))
    with TemporaryDirectory() as folder:
        compiled.use(Path(folder))
        for size, turns in _SIZES:
            catalog = grown(size)
            turn = _turn(catalog, key)
            yield timed("W7", f"first compile, {size:,} services", turn, 1, warm=0)
            indexing.forget()
            tracemalloc.start()
            indexing.vocabulary(catalog)
            held = tracemalloc.get_traced_memory()[0]
            yield Size(workload="W7", what=f"index in memory, {size:,} services", bytes=held)
            tracemalloc.stop()
            indexing.forget()
            yield timed("W7", f"the same, index kept, {size:,} services", turn, 1, warm=0)
            yield timed("W7", f"compile and seal, {size:,} services", turn, turns, warm=0)
        compiled.use(None)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    argparse.ArgumentParser(prog="bench.compiling", description=__doc__).parse_args(given)
    here, found = begin("W7 compiling"), list[Timing | Size]()
    print(f"{'µs':44}{'count':>7}{'p50':>12}{'p75':>12}{'p90':>12}{'p99':>12}{'CPU/turn':>12}")
    for each in measure():
        found.append(each)
        if isinstance(each, Size):
            print(f"{each.what:44}{each.bytes / 1e6:>7,.1f} MB", flush=True)
            continue
        times = (each.p50_us, each.p75_us, each.p90_us, each.p99_us, each.cpu_us)
        print(f"{each.what:44}{each.count:>7,}" + "".join(f"{time:>12,.1f}" for time in times), flush=True)
    keep("compiling", found, here, arguments=given)
    return 0


def _turn(catalog: eyeflow.Catalog, key: eyeflow.SigningKey) -> Callable[[], object]:
    """One compile, sealed, with accounts for what the sentence needs."""
    names = ("openweather", "slack_notify")
    connections = [eyeflow.Connection(name=name, service=name, credential="env:NONE") for name in names]

    def turn() -> eyeflow.Artifact:
        made = eyeflow.compile(_SENTENCE, catalog=catalog, connections=connections, profile=_PROFILE, now=_NOW)
        return made.seal(key)

    return turn


def grown(size: int) -> eyeflow.Catalog:
    """A catalog of `size` services: those that ship, then copies whose names and phrases carry a number."""
    services = list(eyeflow.open_catalog().services)
    numbers = count(1)
    originals = tuple(services)
    while len(services) < size:
        number = next(numbers)
        services.extend(_copied(each, number) for each in originals[: size - len(services)])
    return make_catalog(services)


def _copied(service: Service, number: int) -> Service:
    """`service` as another product would be: its own name, its own words for the same things."""
    return msgspec.structs.replace(
        service, id=f"{service.id}_{number}", title=f"{service.title} Nr{number}",
        aliases=tuple(f"{alias} nr{number}" for alias in service.aliases),
        capabilities=tuple(_renamed(each, number) for each in service.capabilities),
        source=f"{service.id}_{number}.yaml",
    )  # fmt: skip


def _renamed(capability: Capability, number: int) -> Capability:
    return msgspec.structs.replace(
        capability, summary=f"{capability.summary} with nr{number}",
        phrases=tuple(f"{phrase} nr{number}" for phrase in capability.phrases),
        examples=tuple(f"{example} with nr{number}" for example in capability.examples),
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
