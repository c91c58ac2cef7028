"""`python -m bench NAME [options]`: one workload, a table and a file of figures; `--help` lists them.

Knows: the table of workloads. In: a name and the workload's own options. Out: what the workload prints. Never: judges:
figures depend on the machine, ratios inside one run less so.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Final

import msgspec


class Workload(msgspec.Struct, frozen=True):
    """A workload: the numbers it has in the design, what it does, the module whose `main` does it, options that are
    always given."""

    numbers: str
    does: str
    module: str
    options: tuple[str, ...] = ()


WORKLOADS: Final = {
    "machine": Workload("W3 W5", "one run in this process, a fan-out, loading, memory; no I/O", "bench.machine"),
    "compiling": Workload("W7", "English to a sealed artifact, by size of the catalog", "bench.compiling"),
    "store": Workload("", "records on disk: by callers, by processes; reads", "bench.store"),
    "schedules": Workload("W9", "100,000 schedules: cost of a tick, lateness", "bench.schedules"),
    "engines": Workload("", "rules alone and with a helper, over files of cases", "bench.engines"),
    "web": Workload("W1 W2", "two tasks over HTTP, EyeFlow and its peers in turns", "bench.web.__main__"),
    "claim": Workload("W2", "two calls of 20 ms, 250 and 400 in flight", "bench.web.__main__", ("--preset", "claim")),
    "lone": Workload("W1 W2", "the latency of one caller", "bench.web.__main__", ("--preset", "lone")),
    "breakdown": Workload("W1 W2", "load, connector, format, serialise, store, network", "bench.web.breakdown"),
    "overhead": Workload("W1 W2", "at half load, beside the disk's own commits", "bench.web.overhead"),
    "webhook": Workload("W4", "signed deliveries: answered, deduplicated, run", "bench.web.webhook"),
    "crowd": Workload("W6", "W1 beside 10,000 tasks and 250 waiting runs", "bench.web.crowd"),
    "history": Workload("W10", "W1 and pages of runs, with a million stored (--rows)", "bench.web.history"),
}
GROUPS: Final = {
    "quick": ("W3 W5 W7: what `make bench` runs", ("machine", "compiling")),
    "server": (
        "everything over HTTP: what `make bench-web` runs",
        ("web", "claim", "lone", "breakdown", "overhead", "webhook", "crowd", "history"),
    ),
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is named; the code of the first that could not be run."""
    name, *options = (sys.argv[1:] if arguments is None else arguments) or ["quick"]
    if name in ("-h", "--help"):
        print(usage())
        return 0
    if name in GROUPS:
        codes = [_run(each, options) for each in GROUPS[name][1]]
        return next((code for code in codes if code), 0)
    if name not in WORKLOADS:
        print(f"there is no workload {name!a}\n\n{usage()}", file=sys.stderr)
        return 2
    return _run(name, options)


def _run(name: str, options: Sequence[str]) -> int:
    chosen = WORKLOADS[name]
    return int(importlib.import_module(chosen.module).main([*chosen.options, *options]) or 0)


def usage() -> str:
    """What there is."""
    lines = ["python -m bench NAME [options]; each NAME has --help", ""]
    lines += [f"  {name:10} {each.numbers:6} {each.does}" for name, each in WORKLOADS.items()]
    lines += ["", *(f"  {name:10} {'':6} {does}" for name, (does, _) in GROUPS.items())]
    return "\n".join(
        [*lines, "", "Tables go to stdout, figures to .bench/results/NAME.json; docs/benchmarks.md explains."]
    )


if __name__ == "__main__":
    sys.exit(main())
