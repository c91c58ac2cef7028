"""`python -m bench.web`: W1 and W2 on EyeFlow and on its peers, in turns, on this machine.

    python -m bench.web                          # everything that can be had here
    python -m bench.web --only eyeflow fastify --seconds 5 --rounds 2
    python -m bench.web --preset claim           # the seed's claim: two calls of 20 ms, 250 and 400 in flight
    python -m bench.web --preset lone            # one caller

Knows: the order of turns. In: options. Out: a table, `.bench/results/web.json`. Never: judges; numbers of different
runs are not compared, ratios inside one are.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec
import psutil

from bench.report import WORK, begin, keep, table
from bench.web.load import Load, NoLoad, need_wrk, post
from bench.web.ours import eyeflow
from bench.web.system import NotStarted, System, answer, started, stubbed, usage
from bench.web.systems import ALL

PRESETS: Final = {
    "claim": "--only eyeflow --workloads W2 --delay 20 --connections 250 400 --processes 2 --rounds 1 --seconds 10",
    "lone": "--only eyeflow --workloads W1 W2 --connections 1 --processes 1 --rounds 1 --seconds 8",
}
"""Options by name; what is given beside them comes after, and so holds."""


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One turn of one workload on one system. `cpu_us` is CPU time of the system for each task, in microseconds;
    `memory` what its processes held at the end, in bytes."""

    system: str
    record: str
    workload: str
    connections: int
    load: Load
    cpu_us: float
    memory: int


def main(arguments: Sequence[str] | None = None) -> int:
    """All turns, then the table."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = read(given)
    try:
        need_wrk()
    except NoLoad as error:
        print(error, file=sys.stderr)
        return 2
    here = begin(options.preset or "web")
    systems: dict[str, Callable[[str, Path], System]] = {
        **{f"eyeflow-{n}": eyeflow(n) for n in options.processes}, **ALL,
    }  # fmt: skip
    wanted = [name for name in systems if not options.only or {name, name.split("-")[0]} & set(options.only)]
    figures = list[Figure]()
    with stubbed(options.delay) as stub:
        for turn in range(options.rounds):
            for name in wanted:
                print(f"round {turn + 1}: {name}", file=sys.stderr, flush=True)
                try:
                    figures += _turn(systems[name], stub, options)
                except (NotStarted, NoLoad, OSError) as error:
                    print(f"  not run: {error}", file=sys.stderr)
    for workload, connections in dict.fromkeys((figure.workload, figure.connections) for figure in figures):
        own = [each for each in figures if (each.workload, each.connections) == (workload, connections)]
        table(f"{workload}, {connections} in flight", HEADS, rows(own))
    keep(options.preset or "web", figures, here, arguments=given)
    return 0 if figures else 1


def _turn(make: Callable[[str, Path], System], stub: str, options: argparse.Namespace) -> list[Figure]:
    WORK.mkdir(exist_ok=True)
    with contextlib.ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory())) if make not in ALL.values() else WORK
        system = make(stub, work)
        process = stack.enter_context(
            started(system.command, system.port, folder=system.folder, environment=system.environment,
                    patience_s=system.patience_s)
        )  # fmt: skip
        if system.ready is not None:
            system.ready()
        return [
            measured(system, process, workload, connections=connections, seconds=options.seconds)
            for workload in options.workloads for connections in options.connections
        ]  # fmt: skip


def measured(
    system: System, process: psutil.Process, workload: str, *, connections: int, seconds: float
) -> Figure:  # fmt: skip
    """One workload under wrk's load, once it is sure that the system does it. Raises: NoLoad; OSError."""
    task = system.tasks[workload]
    status, said = answer(system.url(workload), task)
    if status != 200 or b'"success"' not in said:
        raise NoLoad(f"{system.name} does not do {workload}: {status} {said[:300]!r}")
    post(system.url(workload), task.body, connections=connections, seconds=2, headers=task.headers)
    before = usage(process)
    load = post(system.url(workload), task.body, connections=connections, seconds=seconds, headers=task.headers)
    after = usage(process)
    return Figure(
        system=system.name, record=system.record, workload=workload, connections=connections, load=load,
        cpu_us=cost_us(after.cpu_s - before.cpu_s, load.done), memory=after.memory,
    )  # fmt: skip


def cost_us(cpu_s: float, done: int) -> float:
    """Microseconds of processor time for each task."""
    return round(cpu_s / max(1, done) * 1e6, 1)


HEADS: Final = ("tasks/s", "p50 ms", "p75", "p90", "p99", "CPU µs", "MB", "failed", "record")


def rows(figures: Sequence[Figure]) -> list[list[str | float]]:
    """A row for each system: of its turns, the one with the median rate."""
    found: list[list[str | float]] = []
    for name in dict.fromkeys(figure.system for figure in figures):
        own = [figure for figure in figures if figure.system == name]
        middle = statistics.median_low([figure.load.rate for figure in own])
        figure = next(each for each in own if each.load.rate == middle)
        load = figure.load
        found.append([
            name, round(load.rate), load.p50_ms, load.p75_ms, load.p90_ms, load.p99_ms, round(figure.cpu_us),
            round(figure.memory / 1e6), load.failed, figure.record,
        ])  # fmt: skip
    return found


def read(arguments: Sequence[str]) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m bench.web", description=__doc__.partition("\n")[0])
    parser.add_argument("--preset", choices=PRESETS, help="options by name")
    parser.add_argument("--only", nargs="*", default=[], help=f"eyeflow {' '.join(ALL)}")
    parser.add_argument("--workloads", nargs="*", default=["W1", "W2"])
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, nargs="*", default=[48], help="in flight; each in turn")
    parser.add_argument("--delay", type=float, default=0, help="milliseconds each of the two services takes")
    parser.add_argument("--processes", type=int, nargs="*", default=[1, 2], help="of EyeFlow")
    asked = parser.parse_args(arguments)
    if asked.preset is None:
        return asked
    return parser.parse_args([*PRESETS[asked.preset].split(), *arguments])


if __name__ == "__main__":
    sys.exit(main())
