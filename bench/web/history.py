"""W10: what stored runs cost: W1 and the pages of runs, with hardly any and with a million or ten of them.

    python -m bench.web.history [--rows 1000000] [--rounds 3] [--seconds 5] [--keep]
    python -m bench.web.history --rows 10000000 --keep      # some 12 GB of disk, and ten minutes to fill it

Two servers run at the same time, over a full store and over one with as many runs as a first page needs (5,000),
and are asked in turns, so that whatever else the machine does meets both. Every page is a request of its own over HTTP,
on one connection. With `--keep` the full store stays in `.bench/`, and the next run begins with it.

Knows: which pages people look at. In: options. Out: a table, `.bench/results/history.json`. Never: asks the store
beside the server.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import repeat
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec
import psutil
import uvloop

from bench.measure import spread
from bench.report import WORK, Host, begin, keep, table
from bench.web.client import closed, request_bytes
from bench.web.filling import RARE, Filled, fill
from bench.web.load import NoLoad, need_wrk, post
from bench.web.ours import DATA, GREET, Setup, again, bearer, existing, eyeflow
from bench.web.system import NotStarted, System, answer, usage
from eyeflow.client import Client
from eyeflow.server.resources.executions import ExecutionSummary
from eyeflow.server.resources.paging import Page, spelled

_TURNS: Final = 200
_LONG_S: Final = 4.0
_FEW: Final = 5_000


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A store that is kept: the key of its server, a key that may see one rare task alone, one that may see practice
    alone, what it was filled with."""

    key: str
    narrow: str
    practice: str
    filled: Filled


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """One measure with few runs and with the full store; `ratio` is how many times worse full is. Times in ms."""

    what: str
    few: float
    full: float
    few_p99: float
    full_p99: float
    ratio: float


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """All of W10. `w1` in answers a second, `lone` and `pages` in milliseconds; memory in bytes."""

    filled: Filled
    w1: Pair
    lone: Pair
    pages: tuple[Pair, ...]
    starts_s: tuple[float, float]
    memory: tuple[int, int]


class Side(msgspec.Struct, kw_only=True):
    """One of the two servers."""

    system: System
    place: Place
    process: psutil.Process
    starts_s: float
    rates: list[float] = []
    p99s: list[float] = []
    lone: list[float] = []


def main(arguments: Sequence[str] | None = None) -> int:
    """Fill, measure, print."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _options(given)
    here = begin("W10 history")
    try:
        need_wrk()
        figures = measure(options)
    except NoLoad as error:
        print(error, file=sys.stderr)
        return 2
    except (NotStarted, OSError) as error:
        print(f"not run: {error}", file=sys.stderr)
        return 1
    _show(figures, here, given)
    return 0


def _show(figures: Figures, here: Host, given: Sequence[str]) -> None:
    filled = figures.filled
    print(
        f"\n{filled.rows:,} runs, {filled.bytes / 1e9:.2f} GB, filled with {filled.rows_per_s:,.0f} rows/s;"
        f" starts in {figures.starts_s[0]:.2f} s with few, {figures.starts_s[1]:.2f} s full;"
        f" {figures.memory[0] / 1e6:.0f} MB with few, {figures.memory[1] / 1e6:.0f} MB full"
    )
    heads = ("few", "full", "few p99", "full p99", "times worse")
    table("W1, answers/s (p99 in ms)", heads, [_row(figures.w1)])
    table("ms", heads, [_row(each) for each in (figures.lone, *figures.pages)])
    keep("history", figures, here, arguments=given)


def _row(pair: Pair) -> list[str | float]:
    return [pair.what, pair.few, pair.full, pair.few_p99, pair.full_p99, pair.ratio]


def measure(options: argparse.Namespace) -> Figures:
    """All of W10. Raises: NotStarted; NoLoad; OSError."""
    full = WORK / f"history-{options.rows}"
    with contextlib.ExitStack() as stack:
        if not options.keep:
            stack.callback(shutil.rmtree, full, ignore_errors=True)
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=_folder(), prefix="history-few-")))
        _made(scratch, _FEW)
        _made(full, options.rows)
        sides = [stack.enter_context(_side(folder)) for folder in (scratch, full)]
        for _ in range(options.rounds):
            for side in sides:
                _load(side, options.seconds)
        pages = tuple(_page(what, *both) for what, *both in zip(_PAGES, *map(_pages, sides), strict=True))
        few, held = sides
        return Figures(
            filled=held.place.filled, pages=pages, starts_s=(few.starts_s, held.starts_s),
            memory=(usage(few.process).memory, usage(held.process).memory),
            w1=_pair("48 connections", few.rates, held.rates, (few.p99s, held.p99s), more_is_better=True),
            lone=_pair("W1, one caller", few.lone, held.lone, (few.lone, held.lone)),
        )  # fmt: skip


def _folder() -> Path:
    WORK.mkdir(exist_ok=True)
    return WORK


def _made(folder: Path, rows: int) -> None:
    """A data folder with so many runs, unless it is there. Raises: NotStarted."""
    note = folder / "place.json"
    if note.exists():
        return
    if folder.name == f"history-{rows}":
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    keys: list[str] = []

    def deployed(client: Client) -> None:
        keys.append(client.keys.create("rare", "viewer", tasks=(RARE,)).token)
        keys.append(client.keys.create("practice", "viewer", practice=True).token)

    setup = Setup(sources=(GREET.replace("hello_world", RARE),), deployed=deployed)
    system = eyeflow(1, setup)("http://127.0.0.1:9", folder)
    with again(system):
        answer(system.url("W1"), system.tasks["W1"])
    print(f"filling {folder} with {rows:,} runs", file=sys.stderr, flush=True)
    filled = fill(folder / DATA, rows)
    key = bearer(system)["Authorization"].removeprefix("Bearer ")
    note.write_bytes(msgspec.json.encode(Place(key=key, narrow=keys[0], practice=keys[1], filled=filled)))


@contextlib.contextmanager
def _side(folder: Path) -> Iterator[Side]:
    place = msgspec.json.decode((folder / "place.json").read_bytes(), type=Place)
    system = existing(folder, place.key)
    begun = time.monotonic()
    with again(system) as process:
        yield Side(system=system, place=place, process=process, starts_s=round(time.monotonic() - begun, 2))


def _load(side: Side, seconds: float) -> None:
    """One turn of W1: under load, then alone."""
    task, url = side.system.tasks["W1"], side.system.url("W1")
    status, said = answer(url, task)
    if status != 200 or b'"success"' not in said:
        raise NoLoad(f"W1 is not done: {status} {said[:300]!r}")
    load = post(url, task.body, connections=48, seconds=seconds, headers=task.headers)
    if load.failed:
        raise NoLoad(f"{load.failed} of {load.done} failed")
    side.rates.append(load.rate)
    side.p99s.append(load.p99_ms)
    request = request_bytes(task.path, task.body, task.headers)
    side.lone += uvloop.run(closed(side.system.port, repeat(request, _TURNS), connections=1)).latencies_ms


_PAGES: Final = (
    "runs, newest first", "runs, the second page", "runs, the last page", "failed runs", "failed runs, the last page",
    "runs of a task", "failed runs of a task", "runs of a rare task", "cancelled runs of a rare task",
    "runs of one day half a year ago", "failed runs of that day", "a text in errors of the last week",
    "runs, with a practice key", "runs, with a key for one rare task", "one run", "figures of the overview", "tasks",
)  # fmt: skip


def _pages(side: Side) -> list[list[float]]:
    """The latencies of every page of `_PAGES`, in milliseconds; as many turns as fit into a few seconds."""
    found: list[list[float]] = []
    place = side.place
    keys = {"runs, with a key for one rare task": place.narrow, "runs, with a practice key": place.practice}
    for what, path in zip(_PAGES, _paths(side), strict=True):
        headers = {"Authorization": f"Bearer {keys.get(what, place.key)}"}
        request = request_bytes(path, b"", headers, method="GET")
        sent = uvloop.run(closed(side.system.port, repeat(request, _TURNS), connections=1, seconds=_LONG_S))
        if sent.failed:
            print(f"  {what}: {sent.failed} of {sent.statuses.total()} failed: {dict(sent.statuses)}", file=sys.stderr)
        found.append(sent.latencies_ms)
    return found


def _paths(side: Side) -> Iterator[str]:
    runs = "/api/executions"
    task = "hello_world"
    half = datetime.now(UTC) - timedelta(days=182)
    day = f"since={_instant(half)}&until={_instant(half + timedelta(days=1))}"
    request = urllib.request.Request(f"http://127.0.0.1:{side.system.port}{runs}", headers=bearer(side.system))
    with urllib.request.urlopen(request, timeout=60) as said:
        page = msgspec.json.decode(said.read(), type=Page[ExecutionSummary])
    one, second = page.items[0].execution_id, quote(page.next or "")
    at, name = side.place.filled.oldest
    oldest = quote(spelled((at + 86_400_000, name)))
    yield from (runs, f"{runs}?cursor={second}", f"{runs}?cursor={oldest}", f"{runs}?status=failed")
    yield f"{runs}?status=failed&cursor={oldest}"
    yield from (f"{runs}?task={task}", f"{runs}?task={task}&status=failed", f"{runs}?task={RARE}")
    yield f"{runs}?task={RARE}&status=cancelled"
    yield from (f"{runs}?{day}", f"{runs}?{day}&status=failed", f"{runs}?text=nobody-wrote-this")
    yield from (runs, runs, f"{runs}/{one}", "/api/stats", "/api/tasks")


def _instant(at: datetime) -> str:
    return quote(at.isoformat(timespec="seconds"))


def _page(what: str, few: list[float], full: list[float]) -> Pair:
    return _pair(what, few, full, (few, full))


def _pair(
    what: str, few: list[float], full: list[float], late: tuple[list[float], list[float]], *,
    more_is_better: bool = False,
) -> Pair:  # fmt: skip
    middle = statistics.median(few), statistics.median(full)
    ratio = middle[0] / middle[1] if more_is_better else middle[1] / middle[0]
    worst = spread(late[0]).p99, spread(late[1]).p99
    return Pair(
        what=what, few=round(middle[0], 3), full=round(middle[1], 3), few_p99=worst[0], full_p99=worst[1],
        ratio=round(ratio, 2),
    )  # fmt: skip


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.web.history", description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--keep", action="store_true", help="leave the full store in .bench, and begin with it again")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
