"""What EyeFlow adds, at half load: latency of W1 and W2 beside the disk's own commits, measured in the same seconds.

    python -m bench.web.overhead [--seconds 10] [--delay 20] [--rate 0] [--processes 1]

W1 calls nobody: all its time is EyeFlow's and the disk's. W2 makes two calls of `--delay` each, one after the other;
what it takes beyond them is EyeFlow's, the disk's, and the lateness of the stub's own timers, which is not taken off.
Requests come at half the rate the server can do, whatever the answers do. Meanwhile another process commits one row
every 20 ms to a file of its own on the same disk.

Knows: what is whose. In: options. Out: a table, `.bench/results/overhead.json`. Never: takes percentiles apart: the
difference of two p99 is printed as that, beside both.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from itertools import repeat
from pathlib import Path
from typing import Final

import msgspec
import uvloop

from bench.measure import Spread, spread
from bench.report import WORK, begin, keep, table
from bench.web.client import closed, paced, request_bytes
from bench.web.commits import commits
from bench.web.ours import bearer, serving
from bench.web.system import NotStarted, System, answer, stubbed

_ROOT: Final = Path(__file__).parents[2]
_PAUSE_MS: Final = 20
_CONNECTIONS: Final = 400
_DAY_S: Final = 86_400


class Overhead(msgspec.Struct, frozen=True, kw_only=True):
    """One workload at `rate` a second, in milliseconds. `calls_ms`: what its calls take by themselves; `beyond_p50` and
    `beyond_p99`: the latency without them and the commit's own p50 and p99. Not `kept_up`: that was not half load,
    since the machine did something else, and latencies say how long the line was."""

    workload: str
    fastest: float
    rate: float
    failed: int
    calls_ms: float
    latency: Spread
    commit: Spread
    beyond_p50: float
    beyond_p99: float
    kept_up: bool = True

    @property
    def a_day(self) -> float:
        """Tasks a day at this rate."""
        return self.rate * _DAY_S


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """All of it; `alone` is the commit when nothing of the bench runs."""

    alone: Spread
    workloads: tuple[Overhead, ...]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _options(given)
    here = begin("overhead at half load")
    WORK.mkdir(exist_ok=True)
    try:
        alone = spread(commits(WORK, 3, _PAUSE_MS))
        with stubbed(options.delay) as stub, serving(stub, processes=options.processes) as (system, _):
            found = tuple(_measured(system, workload, options) for workload in options.workloads)
    except (NotStarted, OSError) as error:
        print(f"not run: {error}", file=sys.stderr)
        return 1
    figures = Figures(alone=alone, workloads=found)
    show(figures)
    keep("overhead", figures, here, arguments=given)
    return 0


def show(figures: Figures) -> None:
    """Print the table."""
    alone = figures.alone
    rows: list[list[str | float]] = [["one commit, nothing else running", "", alone.p50, alone.p90, alone.p99, ""]]
    for each in figures.workloads:
        took, disk = each.latency, each.commit
        rows += [
            [f"{each.workload} at {each.rate:,.0f}/s, of {each.fastest:,.0f}/s", round(each.a_day / 1e6, 1), took.p50,
             took.p90, took.p99, each.failed],
            ["  its calls by themselves", "", each.calls_ms, each.calls_ms, each.calls_ms, ""],
            ["  one commit beside it", "", disk.p50, disk.p90, disk.p99, ""],
            ["  beyond calls and commit", "", each.beyond_p50, "", each.beyond_p99, ""],
        ]  # fmt: skip
    table("ms", ("million a day", "p50", "p90", "p99", "failed"), rows)
    for each in figures.workloads:
        if not each.kept_up:
            print(f"{each.workload}: the server could not keep this rate up: its latencies are those of a line")


def _measured(system: System, workload: str, options: argparse.Namespace) -> Overhead:
    task = system.tasks[workload]
    status, said = answer(system.url(workload), task)
    if status != 200 or b'"success"' not in said:
        raise NotStarted(f"{workload} is not done: {status} {said[:300]!r}")
    request = request_bytes(task.path, task.body, bearer(system))
    calls_ms = 2 * options.delay if workload == "W2" else 0.0
    in_flight = 48 if not calls_ms else 250
    fastest = uvloop.run(closed(system.port, repeat(request), connections=in_flight, seconds=4)).rate
    rate = options.rate or fastest / 2
    probe = subprocess.Popen(
        [sys.executable, "-m", "bench.web.commits", str(WORK), str(options.seconds), str(_PAUSE_MS)],
        stdout=subprocess.PIPE, cwd=_ROOT,
    )  # fmt: skip
    try:
        sent = uvloop.run(
            paced(system.port, repeat(request), rate=rate, seconds=options.seconds, connections=_CONNECTIONS)
        )
        out, _ = probe.communicate(timeout=60)
    finally:
        probe.kill()
        probe.wait()
    took, disk = spread(sent.latencies_ms), spread(msgspec.json.decode(out, type=list[float]))
    return Overhead(
        workload=workload, fastest=round(fastest), rate=round(rate), failed=sent.failed, calls_ms=calls_ms,
        latency=took, commit=disk, beyond_p50=round(took.p50 - calls_ms - disk.p50, 3),
        beyond_p99=round(took.p99 - calls_ms - disk.p99, 3), kept_up=sent.kept_up,
    )  # fmt: skip


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.web.overhead", description=__doc__.partition("\n")[0])
    parser.add_argument("--workloads", nargs="*", default=["W1", "W2"])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--delay", type=float, default=20, help="milliseconds each of the two services takes")
    parser.add_argument("--rate", type=float, default=0, help="requests a second; 0: half of what it can do")
    parser.add_argument("--processes", type=int, default=1)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
