"""Where the time of one request goes: load, connector, format, serialise, store, network, in microseconds.

    python -m bench.web.breakdown [--seconds 6] [--delay 0]

One caller sends one request after the other, so that no stage has somebody else's waiting in it. The server measures
its stages itself (`staged`); what is left of the caller's time is the network: sockets, the kernel, the wake-ups of two
processes, and the load generator. The same load goes to a server without the clock, to show what the clock costs.

Knows: whose time is what. In: options. Out: a table, `.bench/results/breakdown.json`. Never: divides a stage by guess.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from bench.measure import Spread, spread
from bench.report import begin, keep, table
from bench.web.load import Load, NoLoad, need_wrk, post
from bench.web.ours import Setup, serving
from bench.web.staged import STAGES
from bench.web.system import NotStarted, System, answer, stubbed

ORDER: Final = ("load", "connector", "format", "serialise", "store", "door", "engine", "network")


class Breakdown(msgspec.Struct, frozen=True, kw_only=True):
    """One workload. `stages` in microseconds; `whole_us` is the caller's mean, `plain_us` that without the clock.
    `http_us` is the part of the network that is spent on HTTP inside the server."""

    workload: str
    stages: dict[str, Spread]
    http_us: float
    whole_us: float
    plain_us: float
    plain: Load


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _options(given)
    here = begin("breakdown")
    try:
        need_wrk()
        found = [_measured(workload, options.delay, options.seconds) for workload in options.workloads]
    except NoLoad as error:
        print(error, file=sys.stderr)
        return 2
    except (NotStarted, OSError) as error:
        print(f"not run: {error}", file=sys.stderr)
        return 1
    show(found)
    keep("breakdown", found, here, arguments=given)
    return 0


def show(found: Sequence[Breakdown]) -> None:
    """Print the tables. Of the network only the mean is known: it is what is left of the caller's."""
    for each in found:
        rows: list[list[str | float]] = []
        for name, took in each.stages.items():
            late = ("", "", "", "") if name == "network" else (took.p50, took.p75, took.p90, took.p99)
            rows.append([name, round(took.mean, 1), *late, f"{took.mean / each.whole_us:.1%}"])
        rows.append(["whole, as the caller sees it", round(each.whole_us, 1), "", "", "", "", "100%"])
        table(f"{each.workload}, one caller, µs", ("mean", "p50", "p75", "p90", "p99", "share"), rows)
        plain = each.plain
        print(
            f"HTTP inside the server is {each.http_us:.0f} µs of the network; without the clock {each.plain_us:,.0f} µs"
            f" (p50 {plain.p50_ms:.2f} ms, p75 {plain.p75_ms:.2f}, p90 {plain.p90_ms:.2f}, p99 {plain.p99_ms:.2f})"
        )


def _measured(workload: str, delay_ms: float, seconds: float) -> Breakdown:
    with stubbed(delay_ms) as stub, tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "stages.json"
        staged = Setup(module="bench.web.staged", environment={"BENCH_STAGES": str(rows)})
        with serving(stub, staged) as (system, _):
            load = _lone(system, workload, seconds)
        with serving(stub) as (system, _):
            plain = _lone(system, workload, seconds)
        return broken_down(
            workload, msgspec.json.decode(rows.read_bytes(), type=list[list[float]]), load, plain, seconds
        )


def _lone(system: System, workload: str, seconds: float) -> Load:
    """One caller, after a while of the same. Raises: NoLoad."""
    task, url = system.tasks[workload], system.url(workload)
    status, said = answer(url, task)
    if status != 200 or b'"success"' not in said:
        raise NoLoad(f"{workload} is not done: {status} {said[:300]!r}")
    for length in (2, seconds):
        load = post(url, task.body, connections=1, seconds=length, headers=task.headers)
    return load


def broken_down(workload: str, rows: list[list[float]], load: Load, plain: Load, seconds: float) -> Breakdown:
    """The stages of the last `load.done` requests, and what the caller saw beside them."""
    own = rows[-load.done :]
    held = {name: [row[at] * 1e6 for row in own] for at, name in enumerate(STAGES)}
    whole_us = seconds * 1e6 / load.done
    http = spread(held.pop("http"))
    stages = {name: spread(values) for name, values in held.items()}
    left = whole_us - sum(each.mean for each in stages.values())
    network = spread([left])
    found = {name: network if name == "network" else stages[name] for name in ORDER}
    return Breakdown(
        workload=workload, stages=found, http_us=http.mean, whole_us=whole_us, plain=plain,
        plain_us=seconds * 1e6 / plain.done,
    )  # fmt: skip


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.web.breakdown", description=__doc__.partition("\n")[0])
    parser.add_argument("--workloads", nargs="*", default=["W1", "W2"])
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--delay", type=float, default=0, help="milliseconds each of the two services takes")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
