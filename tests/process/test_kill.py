"""kill -9 under load: what was acknowledged is finished, what was done is not done twice, nothing is stuck."""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from process.counting import Counting, counting, task
from process.load import KINDS, Load
from process.served import House, house

TASKS = (
    task("booking", "first", "second"),
    task("plain", "only", call="post"),
    task("recorded", "only", durable="record", call="post"),
    task("hooked", "first", "second", head='TRIGGER webhook("/orders", {order: string})'),
    'TASK hello\n  INPUT order string\n  ACTION say\n    TYPE transform\n    VALUE "Hello {input.order}"\n'
    "    OUTPUT said\n  RETURN said\n",
)


@pytest.fixture
def seed():
    made = int(os.environ.get("EYEFLOW_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 1_000_000)
    print(f"seed {made}: EYEFLOW_TEST_SEED={made} makes the same load and the same moments")  # noqa: T201
    return made


async def reached(found: Callable[[], bool]) -> None:
    """Return when the load has come so far, or, on a machine that is too busy, after a while."""
    for _ in range(600):
        if found():
            return
        await asyncio.sleep(0.05)


async def storm(place: House, stub: Counting, *, kills: int, callers: int, seed: int) -> Load:
    """Load while the server is killed so many times; every caller is answered at the end."""
    chance = random.Random(seed)
    load = Load(lambda: place.url, place.key, await asyncio.to_thread(place.webhook, "hooked"), seed)
    stub.slow_s = (0.0, 0.05)
    async with load:
        load.begin(callers)
        for _ in range(kills):
            known = len(load.promises)
            await reached(lambda: len(load.promises) >= known + callers)  # noqa: B023 - asked within this turn
            await asyncio.sleep(chance.uniform(0.0, 0.8))
            await asyncio.to_thread(place.restart)
        await reached(lambda: len({each.kind for each in load.promises}) == len(KINDS))
    return load


def judged(place: House, stub: Counting, load: Load) -> None:
    """The outcome to show."""
    place.idle()
    assert not load.problems, load.problems[:3]
    kinds = Counter(each.kind for each in load.promises)
    lost, done = len(load.lost), sum(stub.done.values())
    print(f"{load.asked} requests, {dict(kinds)} promised, {lost} without an answer, {done} done")  # noqa: T201
    assert len(kinds) == len(KINDS), "every way of asking was promised something"
    for each in load.promises:
        held = place.execution(each.execution_id)
        if each.kind in ("sync", "queued", "keyed", "webhook"):
            assert held["status"] == "success", json.dumps(held)
            assert held["output"] == f"{each.order}-second"
            assert stub.done[f"{each.order}-first"] == stub.done[f"{each.order}-second"] == 1, each
        elif each.kind == "hello":
            assert held["output"] == f"Hello {each.order}"
        elif held["status"] == "success":
            assert stub.done[f"{each.order}-only"] == 1, (each, held)
        else:
            # UNCERTAIN fail: the process ended between the call and its answer, and the run says so.
            assert each.kind == "plain" and held["status"] == "failed", (each, held)
            assert held["uncertain"] == ["only"] and held["error_code"] == "interrupted", held
        if each.status == "success":
            assert held["status"] == "success", "what was answered does not change"
    assert not [order for order, count in stub.done.items() if count > 1], "done twice"
    assert all(len(set(keys)) == 1 for keys in stub.keys.values()), "one call, one key"
    place.audit_holds()
    assert "Traceback" not in place.log()


@pytest.mark.parametrize(
    ("kills", "callers"), [(2, 12), pytest.param(20, 24, marks=pytest.mark.slow)], ids=["twice", "twenty times"]
)
def test_killed_under_load_what_was_acknowledged_is_finished_and_nothing_is_done_twice(
    tmp_path: Path, kills: int, callers: int, seed: int
) -> None:
    with counting(tmp_path / "catalog", seed=seed) as (stub, env), house(tmp_path / "data", env=env) as place:
        place.connect()
        for text in TASKS:
            place.deploy(text)
        load = asyncio.run(storm(place, stub, kills=kills, callers=callers, seed=seed))
        judged(place, stub, load)


@pytest.mark.slow
def test_killed_under_load_with_two_workers(tmp_path: Path, seed: int) -> None:
    with (
        counting(tmp_path / "catalog", seed=seed) as (stub, env),
        house(tmp_path / "data", "--workers", "2", env=env) as place,
    ):
        place.connect()
        for text in TASKS:
            place.deploy(text)
        load = asyncio.run(storm(place, stub, kills=5, callers=24, seed=seed))
        judged(place, stub, load)
