"""A store full of ended runs, as years of use would leave it.

Knows: how runs are spread over time, tasks and ends; that a store is filled fastest by many rows a unit. In: the data
folder of a server that has ended, how many rows. Out: `Filled`. Never: makes a row in another way than the store's own
records and statements; only commits are larger, and wait for no disk.

What a row carries has the size of a real run's, and is no run's: lists do not open it, and a page of one of these runs
would be refused. Everything a list or a filter reads is as the engine writes it.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import chain, islice
from pathlib import Path
from typing import Final

import msgspec

from eyeflow.store.columns import check_record
from eyeflow.store.port import Where
from eyeflow.store.records import ExecutionRecord, TaskRecord
from eyeflow.store.sqlite import SqliteStore
from eyeflow.store.sqlite.connection import connect_writer
from eyeflow.store.statements import Statements

_UNIT: Final = 20_000
_CHECKED: Final = 100
_CACHE_KIB: Final = 1 << 20
_SPAN_MS: Final = 365 * 86_400_000
_TASKS: Final = 40
_ENDS: Final = ("success",) * 192 + ("failed",) * 6 + ("partial_failure", "cancelled")
RARE: Final = "bench_rare"
"""One run of 100,000 is of this task, so that looking for it passes all others."""
_RARE_EVERY: Final = 100_000
DATABASE: Final = "eyeflow.db"


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """`rows` in `seconds`, `bytes` of file afterwards; `oldest` is the position of the oldest run."""

    rows: int
    seconds: float
    rows_per_s: float
    bytes: int
    oldest: tuple[int, str]


def fill(data: Path, rows: int) -> Filled:
    """Put `rows` ended runs into the store, all of them older than those that are there. Raises: StoreError."""
    path = data / DATABASE
    template, rare_id = asyncio.run(_pattern(path))
    insertion = Statements().insertion(ExecutionRecord, "fail")
    made = runs(template, rare_id, rows)
    first = next(made)
    begun = time.perf_counter()
    with closing(connect_writer(path, cache_kib=_CACHE_KIB)) as writer:
        # If this is interrupted, the folder is thrown away: so nothing need survive it.
        (mode,) = writer.execute("PRAGMA journal_mode = OFF").fetchone()
        assert mode == "off", "nobody else has the file"
        writer.execute("PRAGMA synchronous = OFF")
        for unit in _units(chain((first,), made)):
            writer.execute("BEGIN")
            writer.executemany(insertion.sql, map(insertion.values, unit))
            writer.execute("COMMIT")
    with path.open("rb") as held:
        os.fsync(held.fileno())
    seconds = time.perf_counter() - begun
    asyncio.run(_pattern(path))  # it opens as a store of the server's
    return Filled(
        rows=rows, seconds=round(seconds, 1), rows_per_s=round(rows / seconds), bytes=path.stat().st_size,
        oldest=(first.created_ms, first.id),
    )  # fmt: skip


async def _pattern(path: Path) -> tuple[ExecutionRecord, str]:
    """A run of W1 to be repeated, and the id of the rare task. Raises: StoreError."""
    store = SqliteStore(path)
    await store.open()
    try:
        found = await store.find(ExecutionRecord, order=("created_ms", "id"), limit=1)
        (rare,) = await store.find(TaskRecord, Where("name", "=", RARE))
    finally:
        await store.close()
    return found[0], rare.id


def _units(made: Iterator[ExecutionRecord]) -> Iterator[list[ExecutionRecord]]:
    while unit := list(islice(made, _UNIT)):
        for record in unit[:_CHECKED]:
            check_record(record)
        yield unit


def runs(template: ExecutionRecord, rare_id: str, rows: int) -> Iterator[ExecutionRecord]:
    """Ended runs, the oldest first, spread evenly over the year before `template`: of its task, of others, and now and
    then of the rare one."""
    chance = random.Random(10)
    tasks = [(template.task_id, template.task), *((f"task_{n:032x}", f"task_{n}") for n in range(1, _TASKS))]
    for number in range(rows):
        at = template.created_ms - _SPAN_MS + number * _SPAN_MS // max(1, rows)
        took, end = chance.randrange(1, 2_000), chance.choice(_ENDS)
        broken = end in ("failed", "partial_failure")
        rare = number % _RARE_EVERY == _RARE_EVERY // 2 + 1
        task_id, task = (rare_id, RARE) if rare else tasks[number % _TASKS]
        yield msgspec.structs.replace(
            template, id=identity(at, chance), status=end, created_ms=at, started_ms=at, finished_ms=at + took,
            duration_ms=took, error_code="timeout" if broken else None,
            error=f"the service did not answer in {took} ms" if broken else None,
            task_id=task_id, task=task,
        )  # fmt: skip


def identity(at_ms: int, chance: random.Random) -> str:
    """An id as `RandomIds` makes it, at another time: UUIDv7, RFC 9562."""
    noise = chance.getrandbits(74)
    return f"exec_{at_ms:012x}7{noise >> 62:03x}{8 | (noise >> 60) & 3:x}{noise & (1 << 60) - 1:015x}"
