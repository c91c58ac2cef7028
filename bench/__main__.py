"""`python -m bench`: measure, print a table, write `bench/results.json`.

Knows: the order of workloads. In: nothing. Out: stdout and one file. Never: judges: numbers depend on the machine.
"""

from __future__ import annotations

import os
import platform
import sys
from itertools import chain
from pathlib import Path

import msgspec

from bench import compiling, machine
from bench.measure import Size, Timing
from eyeflow.compiler import VERSION

RESULTS = Path(__file__).with_name("results.json")


def main() -> None:
    """Everything, slowest last."""
    host = {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count() or 0}
    print(f"{VERSION} on Python {host['python']}, {host['cores']} cores; times in µs\n")
    print(f"{'':44}{'count':>7}{'p50':>12}{'p75':>12}{'p90':>12}{'p99':>12}{'CPU/turn':>12}")
    found: list[Timing | Size] = []
    for result in chain(machine.measure(), compiling.measure()):
        found.append(result)
        print(_line(result), flush=True)
    data = msgspec.json.encode({"version": VERSION, "host": host, "results": found})
    RESULTS.write_bytes(msgspec.json.format(data, indent=2) + b"\n")
    print(f"\nwritten to {os.path.relpath(RESULTS)}", file=sys.stderr)


def _line(result: Timing | Size) -> str:
    name = f"{result.workload} {result.what}"
    if isinstance(result, Size):
        return f"{name:44}{result.bytes:>7,} bytes"
    times = (result.p50_us, result.p75_us, result.p90_us, result.p99_us, result.cpu_us)
    return f"{name:44}{result.count:>7,}" + "".join(f"{each:>12,.1f}" for each in times)


if __name__ == "__main__":
    main()
