"""Rates in the store: one count for all who share it."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest

from eyeflow.engine.rates import KeptRates, StoredRates
from eyeflow.ir.program import RateLimit
from eyeflow.ports import FixedClock, SystemClock
from eyeflow.store.memory import MemoryStore
from eyeflow.store.port import Store, StoreError
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


async def test_the_only_process_counts_on_where_it_ended(store):
    begun, first = now(), KeptRates(store, SystemClock())
    for _ in range(10):
        assert await first.reserve("a", LIMIT, begun) - begun < 30
    await first.close()
    for later in (KeptRates, StoredRates):  # also when there are several afterwards
        assert await later(store, SystemClock()).reserve("a", LIMIT, begun) - begun > 30
    assert await KeptRates(store, SystemClock()).reserve("b", LIMIT, begun) - begun < 30, "other names, other counts"


async def test_what_is_counted_is_on_record_a_moment_later_whoever_closes(store):
    rates, begun = KeptRates(store, SystemClock()), now()
    for _ in range(10):
        await rates.reserve("a", LIMIT, begun)
    for _ in range(100):
        if await StoredRates(store, SystemClock()).reserve("a", LIMIT, begun) - begun > 30:
            break
        await asyncio.sleep(0.05)
    else:
        pytest.fail("nothing was written")
    await rates.close()


async def test_a_start_that_is_given_back_is_not_counted_after_the_end(store):
    begun, first = now(), KeptRates(store, SystemClock())
    turn = await first.reserve("a", ONE, begun)
    await first.close()
    await first.release("a", turn)
    await first.close()
    assert await KeptRates(store, SystemClock()).reserve("a", ONE, begun) - begun < 30


class Crashing:
    """`KeptRates` that end as a killed process does: nothing more is written."""

    def __init__(self, store: Store) -> None:
        self.rates = KeptRates(store, SystemClock())

    def crash(self) -> None:
        for each in asyncio.all_tasks():
            if "_write_soon" in repr(each.get_coro()):
                each.cancel()


@pytest.mark.parametrize("calls", [1, 5, 19, 60, 400, 3000])
@pytest.mark.parametrize("later", [KeptRates, StoredRates])
async def test_a_crash_at_any_moment_lets_no_window_hold_too_many(store, calls, later):
    limit, chance = RateLimit(calls=calls, window_ms=60_000, queue=True), random.Random(calls)
    begun, gone = now(), 0
    for _ in range(4):
        process = Crashing(store)
        turns = await asyncio.gather(
            *(process.rates.reserve("a", limit, now()) for _ in range(chance.randrange(1, calls // 3 + 2)))
        )
        gone += sum(turn - begun < 30 for turn in turns)
        if chance.random() < 0.3:
            await asyncio.sleep(0.12)
        process.crash()
    rates = later(store, SystemClock())
    for _ in range(calls + 1 if later is KeptRates else min(calls + 1, 30)):
        gone += await rates.reserve("a", limit, now()) - begun < 30
    assert gone <= calls
    if calls < 20:
        assert gone == calls or later is StoredRates, "where each start is on disk first, none is lost either"


async def test_few_starts_are_lost_by_a_crash_and_none_by_an_end(store):
    limit = RateLimit(calls=600, window_ms=60_000, queue=True)
    process = Crashing(store)
    await process.rates.reserve("a", limit, now())
    process.crash()
    rates = KeptRates(store, SystemClock())
    turns = [await rates.reserve("a", limit, now()) for _ in range(600)]
    assert 600 - 1 - 10 <= sum(turn - now() < 30 for turn in turns) <= 599
    await rates.close()


async def test_a_start_that_cannot_be_kept_is_not_made():
    class Full(MemoryStore):
        async def write(self, *unit):
            raise StoreError("store_full", "there is no space left")

    rates = KeptRates(Full(), SystemClock())
    for _ in range(3):
        with pytest.raises(StoreError):
            await rates.reserve("a", ONE, now())
    await rates.close()
