"""Rates in the store: one count for all who share it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from eyeflow.engine.rates import StoredRates
from eyeflow.ir.program import RateLimit
from eyeflow.ports import FixedClock, SystemClock
from eyeflow.store.memory import MemoryStore
from eyeflow.store.port import Store
from eyeflow.store.sqlite import SqliteStore

ONE = RateLimit(calls=1, window_ms=60_000, queue=True)
LIMIT = RateLimit(calls=10, window_ms=60_000, queue=True)


@pytest.fixture(params=["memory", "sqlite"])
async def store(request, tmp_path):
    made: Store = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "store.db", shared=True)
    await made.open()
    yield made
    await made.close()


def clock() -> FixedClock:
    return FixedClock(datetime(2026, 1, 1, tzinfo=UTC))


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_two_processes_share_one_count(store):
    begun, both = now(), [StoredRates(store, clock()) for _ in range(2)]
    turns = await asyncio.gather(*(both[n % 2].reserve("connection/a", LIMIT, begun) for n in range(35)))
    # The clock stands still, so instants differ by how long reserving took and no more.
    assert sorted(round((turn - begun) / 60) for turn in turns) == [0] * 10 + [1] * 10 + [2] * 10 + [3] * 5
    assert round((await both[0].reserve("connection/b", LIMIT, begun) - begun) / 60) == 0, "other names, other counts"


async def test_the_count_outlives_the_process_and_the_window_passes(store):
    here = clock()
    begun = now()
    for _ in range(10):
        await StoredRates(store, here).reserve("a", LIMIT, begun)
    assert await StoredRates(store, here).reserve("a", LIMIT, begun) - begun > 59
    here.advance(timedelta(minutes=5))
    assert await StoredRates(store, here).reserve("a", LIMIT, begun) - begun < 30


async def test_the_last_start_is_given_back_and_an_earlier_one_is_not(store):
    rates, begun = StoredRates(store, SystemClock()), now()
    turns = [await rates.reserve("a", ONE, begun) for _ in range(3)]
    await rates.release("a", turns[1])
    assert await rates.reserve("a", ONE, begun) - begun > 179
    rates = StoredRates(store, SystemClock())
    first = await rates.reserve("b", ONE, begun)
    await rates.release("b", first)
    assert await rates.reserve("b", ONE, begun) - begun < 30
    await rates.release("nobody knows this", begun)


async def test_a_clock_that_is_set_back_does_not_stop_the_world(store):
    here = clock()
    begun = now()
    for _ in range(10):
        await StoredRates(store, here).reserve("a", LIMIT, begun)
    here.advance(timedelta(days=-365))
    assert 59 < await StoredRates(store, here).reserve("a", LIMIT, begun) - begun < 90
