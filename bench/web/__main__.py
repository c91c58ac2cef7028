"""`python -m bench.web`: W1 and W2 on EyeFlow and on its peers, in turns, on this machine.

    python -m bench.web                          # everything that can be had here
    python -m bench.web --only eyeflow fastify --seconds 5 --rounds 2
    python -m bench.web --delay 20 --connections 250     # the seed's claim: two calls of 20 ms, 250 in flight

Knows: the order of turns. In: options. Out: a table, `bench/web-results.json`. Never: judges; numbers of different
runs are not compared, ratios inside one are.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from bench.web.load import Load, NoLoad, post
from bench.web.ours import eyeflow
from bench.web.system import NotStarted, System, answer, free_port, started, usage
from bench.web.systems import ALL

RESULTS = Path(__file__).parents[1] / "web-results.json"
WORK = Path(__file__).parents[2] / ".bench"


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One turn of one workload on one system. `cpu_us` is CPU time of the system for each task, in microseconds;
    `memory` what its processes held at the end, in bytes."""

    system: str
    record: str
    workload: str
    load: Load
    cpu_us: float
    memory: int


def main() -> int:
    """All turns, then the table."""
    options = _options()
    systems: dict[str, Callable[[str, Path], System]] = {
        **{f"eyeflow-{n}": eyeflow(n) for n in options.processes}, **ALL,
    }  # fmt: skip
    wanted = [name for name in systems if not options.only or {name, name.split("-")[0]} & set(options.only)]
    stub_port, figures = free_port(), list[Figure]()
    with started([sys.executable, "-m", "bench.web.stub", str(stub_port), str(options.delay)], stub_port):
        for turn in range(options.rounds):
            for name in wanted:
                print(f"round {turn + 1}: {name}", file=sys.stderr, flush=True)
                try:
                    figures += _turn(systems[name], f"http://127.0.0.1:{stub_port}", options)
                except (NotStarted, NoLoad, OSError) as error:
                    print(f"  not run: {error}", file=sys.stderr)
    for workload in options.workloads:
        _table(workload, [figure for figure in figures if figure.workload == workload])
    RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(figures), indent=1))
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
        return [_figure(system, process, workload, options) for workload in options.workloads]


def _figure(system: System, process: object, workload: str, options: argparse.Namespace) -> Figure:
    task = system.tasks[workload]
    status, said = answer(system.url(workload), task)
    if status != 200 or b'"success"' not in said:
        raise NoLoad(f"{system.name} does not do {workload}: {status} {said[:300]!r}")
    post(system.url(workload), task.body, connections=options.connections, seconds=2, headers=task.headers)
    before = usage(process)  # type: ignore[arg-type]
    load = post(
        system.url(workload), task.body, connections=options.connections, seconds=options.seconds, headers=task.headers
    )
    after = usage(process)  # type: ignore[arg-type]
    return Figure(
        system=system.name, record=system.record, workload=workload, load=load,
        cpu_us=round((after.cpu_s - before.cpu_s) / max(1, load.done) * 1e6, 1), memory=after.memory,
    )  # fmt: skip


def _table(workload: str, figures: list[Figure]) -> None:
    heads = f"{'p50 ms':>9}{'p75':>9}{'p90':>9}{'p99':>9}{'CPU µs':>9}{'MB':>7}{'failed':>8}"
    print(f"\n{workload:32}{'tasks/s':>10}{heads}")
    for name in dict.fromkeys(figure.system for figure in figures):
        own = [figure for figure in figures if figure.system == name]
        best = statistics.median_low([figure.load.rate for figure in own])
        figure = next(each for each in own if each.load.rate == best)
        load = figure.load
        print(
            f"{name:32}{load.rate:>10,.0f}{load.p50_ms:>9.1f}{load.p75_ms:>9.1f}{load.p90_ms:>9.1f}{load.p99_ms:>9.1f}"
            f"{figure.cpu_us:>9,.0f}{figure.memory / 1e6:>7,.0f}{load.failed:>8}   {figure.record}"
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.web", description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="*", default=[], help="eyeflow fastify aiohttp nodered dbos")
    parser.add_argument("--workloads", nargs="*", default=["W1", "W2"])
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=48)
    parser.add_argument("--delay", type=float, default=0, help="milliseconds each of the two services takes")
    parser.add_argument("--processes", type=int, nargs="*", default=[1, 2], help="of EyeFlow")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
