"""`python -m bench.store`: what a record on disk costs, before anything else is measured on top of it.

Knows: the write of a finished run, callers in flight, processes that share one file, reads. In: nothing. Out: a table.
Never: judges: a disk's commit time decides most of it, and is printed first.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from bench.report import begin, keep
from eyeflow.store.port import Append, Delete, Insert, Op, Update, Where
from eyeflow.store.records import AuditRecord, ExecutionRecord, WorkRecord
from eyeflow.store.sqlite import SqliteStore
from eyeflow.store.sqlite.connection import connect_writer

SECONDS = 2.0
_PAYLOAD = os.urandom(300)


def execution(id: str, at: int) -> ExecutionRecord:
    """A run of a few hundred bytes, as W1 leaves it."""
    return ExecutionRecord(
        id=id, task_id="task_0192", task="hello_world", version=1, digest="d" * 64, status="success", durable="record",
        principal="key_1", owner="proc_1", fence=1, key=_PAYLOAD[:33], request=_PAYLOAD[:120], outcome=_PAYLOAD[:200],
        created_ms=at, started_ms=at, finished_ms=at, duration_ms=1,
    )  # fmt: skip


def one_row(id: str, at: int) -> tuple[Op, ...]:
    """DURABLE record: one insert."""
    return (Insert(execution(id, at)),)


def with_audit(id: str, at: int) -> tuple[Op, ...]:
    """The same with an audit row."""
    return (Insert(execution(id, at)), Append(AuditRecord(at_ms=at, actor="me", action="secret.read", object=id)))


def begun(id: str, at: int) -> tuple[Op, ...]:
    """DURABLE journal, at its start."""
    return (Insert(execution(id, at)), Insert(WorkRecord(execution_id=id, task_id="task_0192", owner="proc_1")))


def ended(id: str, at: int) -> tuple[Op, ...]:
    """DURABLE journal, at its end, fenced."""
    owned = (Where("id", "=", id), Where("owner", "=", "proc_1"), Where("fence", "=", 1))
    values = (("status", "failed"), ("outcome", _PAYLOAD), ("finished_ms", at), ("duration_ms", 3))
    return (
        Update(ExecutionRecord, values, owned, expect=1),
        Delete(WorkRecord, (Where("execution_id", "=", id),)),
    )


async def load(store: SqliteStore, flight: int, prefix: str, seconds: float, *units: object) -> list[float]:
    """Latencies in seconds of callers that write one unit after the other."""
    found: list[float] = []
    until = time.perf_counter() + seconds

    async def caller(number: int) -> None:
        turn = 0
        while time.perf_counter() < until:
            turn += 1
            for unit in units:
                assert callable(unit)
                started = time.perf_counter()
                await store.write(*unit(f"exec_{prefix}_{number:04}_{turn:08}", turn))
                found.append(time.perf_counter() - started)

    await asyncio.gather(*(caller(number) for number in range(flight)))
    return found


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table: units a second, milliseconds, CPU µs a unit."""

    what: str
    rate: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    p999_ms: float
    cpu_us: float


_FOUND: Final[list[Row]] = []


def line(what: str, found: list[float], seconds: float, cpu_s: float) -> None:
    """One row of the table."""
    found.sort()
    at = [found[min(len(found) - 1, len(found) * percent // 1000)] * 1000 for percent in (500, 900, 990, 999)]
    cpu_us = round(cpu_s / len(found) * 1e6, 1)
    _FOUND.append(Row(
        what=what, rate=round(len(found) / seconds), p50_ms=at[0], p90_ms=at[1], p99_ms=at[2], p999_ms=at[3],
        cpu_us=cpu_us,
    ))  # fmt: skip
    print(
        f"{what:44}{len(found) / seconds:>10,.0f}" + "".join(f"{each:>9.2f}" for each in at)
        + f"{cpu_us:>9.1f}",
        flush=True,
    )  # fmt: skip


def commit_ms(path: Path) -> None:
    """The disk's own time for one row and a commit."""
    connection = connect_writer(path)
    connection.execute("CREATE TABLE t (a TEXT, b BLOB)")
    found = []
    for number in range(500):
        started = time.perf_counter()
        connection.execute("INSERT INTO t VALUES (?, ?)", (str(number), _PAYLOAD))
        found.append(time.perf_counter() - started)
    connection.close()
    line("sqlite3 alone, one row a commit", found, sum(found), 0)


async def one_process(folder: Path) -> None:
    """Callers in flight in one process."""
    kinds = {"insert": (one_row,), "insert + audit": (with_audit,), "begin, end": (begun, ended)}
    for name, units in kinds.items():
        for flight in (1, 50, 500):
            store = SqliteStore(folder / f"{name}-{flight}.db".replace(" ", ""))
            await store.open()
            cpu = time.process_time()
            found = await load(store, flight, "a", SECONDS, *units)
            line(f"{name}, {flight} in flight", found, SECONDS, time.process_time() - cpu)
            await store.close()


async def reads(folder: Path) -> None:
    """Point reads and pages."""
    store = SqliteStore(folder / "reads.db")
    await store.open()
    for start in range(0, 50_000, 1_000):
        await store.write(*(Insert(execution(f"exec_{number:08}", number)) for number in range(start, start + 1_000)))
    newest = ("-created_ms", "-id")
    turns = {
        "get": lambda n: store.get(ExecutionRecord, f"exec_{n:08}"),
        "page of 50, newest first": lambda n: store.find(
            ExecutionRecord, order=newest, after=(n + 50, "z"), limit=50, without=("request", "outcome", "trail")
        ),
        "count to 1,000 in a thread": lambda n: store.count(
            ExecutionRecord, Where("status", "=", "success"), limit=1_000
        ),
    }
    for name, turn in turns.items():
        found, cpu = [], time.process_time()
        for number in range(0, 50_000, 50):
            started = time.perf_counter()
            await turn(number)  # type: ignore[no-untyped-call]
            found.append(time.perf_counter() - started)
        line(name, found, sum(found), time.process_time() - cpu)
    await store.close()


def worker(path: str, number: int, flight: int, results: multiprocessing.Queue[list[float]]) -> None:
    """One of several processes that write one file."""

    async def run() -> list[float]:
        store = SqliteStore(path, shared=True)
        await store.open()
        found = await load(store, flight, str(number), SECONDS, one_row)
        await store.close()
        return found

    results.put(asyncio.run(run()))


def processes(folder: Path) -> None:
    """Several processes, 25 callers each."""
    context = multiprocessing.get_context("spawn")
    for count in (1, 2, 4):
        path = str(folder / f"shared-{count}.db")
        asyncio.run(_made(path))
        results: multiprocessing.Queue[list[float]] = context.Queue()
        workers = [context.Process(target=worker, args=(path, number, 25, results)) for number in range(count)]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        for each in workers:
            each.start()
        found = [latency for _ in workers for latency in results.get()]
        for each in workers:
            each.join()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        line(f"insert, {count} processes, 25 in flight each", found, SECONDS, cpu)


async def _made(path: str) -> None:
    store = SqliteStore(path, shared=True)
    await store.open()
    await store.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Everything, or the parts that are named: one, reads, processes."""
    only = list(sys.argv[1:] if arguments is None else arguments)
    here = begin("store")
    print(
        f"{'units; milliseconds; CPU µs a unit':44}{'units/s':>10}{'p50':>9}{'p90':>9}{'p99':>9}{'p99.9':>9}{'CPU':>9}"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "raw.db").touch()
        commit_ms(folder / "raw.db")
        if not only or "one" in only:
            asyncio.run(one_process(folder))
        if not only or "reads" in only:
            asyncio.run(reads(folder))
        if not only or "processes" in only:
            processes(folder)
    keep("store", _FOUND, here, arguments=only)
    return 0


if __name__ == "__main__":
    sys.exit(main())
