"""W7: English to a sealed artifact, with catalogs of 50, 500 and 5,000 services.

Knows: how to grow a catalog: the services that ship, and copies of them under other names. In: nothing.
Out: timings. Never: measures the copying.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Final

import msgspec

import eyeflow
from bench.measure import Timing, timed
from bench.report import begin, keep
from eyeflow.catalog.digests import make_catalog
from eyeflow.catalog.model import Capability, Service
from eyeflow.values import literal

_SENTENCE: Final = "Send weather to Slack every morning at 9am"
_NOW: Final = datetime(2026, 11, 23, 8, tzinfo=UTC)
_PROFILE: Final = eyeflow.Profile(city="Paris", defaults=(("slack_notify.channel", literal("#general")),))
_SIZES: Final = ((50, 30), (500, 30), (5_000, 5))


def measure() -> Iterator[Timing]:
    """The first compile with a new catalog, and those after it, by catalog size."""
    key = eyeflow.SigningKey(os.urandom(32))
    for size, turns in _SIZES:
        catalog = grown(size)
        yield timed("W7", f"first compile, {size:,} services", _turn(catalog, key), 1, warm=0)
        yield timed("W7", f"compile and seal, {size:,} services", _turn(catalog, key), turns, warm=0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    argparse.ArgumentParser(prog="bench.compiling", description=__doc__).parse_args(given)
    here, found = begin("W7 compiling"), list[Timing]()
    print(f"{'µs':44}{'count':>7}{'p50':>12}{'p75':>12}{'p90':>12}{'p99':>12}{'CPU/turn':>12}")
    for each in measure():
        found.append(each)
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
