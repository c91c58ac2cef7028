"""Figures on a screen and in a file.

Knows: how a table is aligned, what must be said of the machine with every figure. In: structs of figures, rows of text.
Out: lines on stdout, `.bench/results/NAME.json`. Never: judges.
"""

from __future__ import annotations

import os
import platform
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from eyeflow import __version__

WORK: Final = Path(__file__).parents[1] / ".bench"
"""Where peers are installed and stores are filled; nothing in it is kept in the project."""

_FIRST: Final = 46


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """What figures depend on. `load` is the load average of the last minute, before the run's own load: a machine that
    has other work gives worse figures."""

    eyeflow: str
    python: str
    sqlite: str
    system: str
    processor: str
    cores: int
    memory_gb: float
    load: float


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One file of results: the command's options, the machine, the figures."""

    workload: str
    options: Sequence[str]
    host: Host
    figures: object


def host() -> Host:
    """This machine now."""
    return Host(
        eyeflow=__version__, python=platform.python_version(), sqlite=sqlite3.sqlite_version,
        system=f"{platform.system()} {platform.release()}", processor=_processor(), cores=os.cpu_count() or 0,
        memory_gb=round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1),
        load=round(os.getloadavg()[0], 2),
    )  # fmt: skip


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def begin(workload: str) -> Host:
    """Say on which machine this is. The host is what it was before the load."""
    here = host()
    print(
        f"{workload}: EyeFlow {here.eyeflow}, Python {here.python}, {here.cores} x {here.processor}, "
        f"{here.memory_gb:g} GB, load {here.load:g}",
        flush=True,
    )
    if here.load > here.cores / 2:
        print("  this machine has other work: read ratios inside this run, not figures", file=sys.stderr)
    return here


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str | float]]) -> None:
    """A table whose first column is text, each of the others as wide as it must be."""
    lines = [[title, *heads], *([str(row[0]), *map(_cell, row[1:])] for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(heads) + 1)]
    widths[0] = max(widths[0], _FIRST)
    print()
    for line in lines:
        print(
            line[0].ljust(widths[0])
            + "".join(f"  {cell:>{width}}" for cell, width in zip(line[1:], widths[1:], strict=True))
        )
    sys.stdout.flush()


def _cell(value: str | float) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if isinstance(value, int) or abs(value) >= 1000 else f"{value:,.2f}"


def keep(workload: str, figures: object, here: Host, *, arguments: Sequence[str] = ()) -> Path:
    """Write the figures to their file."""
    path = WORK / "results" / f"{workload}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = Kept(workload=workload, options=tuple(arguments), host=here, figures=figures)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=1) + b"\n")
    print(f"\nwritten to {os.path.relpath(path)}", file=sys.stderr)
    return path
