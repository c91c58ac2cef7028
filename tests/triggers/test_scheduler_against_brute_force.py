"""The whole scheduler against a clock on the wall: every minute of UTC is looked at, and zoneinfo says what the wall
shows then. Gaps, folds, half-hour zones, Lord Howe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from eyeflow.ir.task import Schedule
from eyeflow.store.records import ScheduleRecord
from eyeflow.triggers.timing import spell
from triggers.world import World, at

MINUTE = timedelta(minutes=1)


class Wall(NamedTuple):
    """A rule of the wall clock: the days it has, the minutes of the day it names."""

    rule: str
    fits: Callable[[datetime], bool]
    clock: tuple[tuple[int, int], ...]


class Elapsed(NamedTuple):
    """A rule of elapsed time: whether it fires at this instant, which the wall shows so."""

    rule: str
    fires: Callable[[datetime, datetime], bool]


ANCHOR = "2026-01-01"
RULES: list[Wall | Elapsed] = [
    Wall("FREQ=DAILY;BYHOUR=2;BYMINUTE=30", lambda _: True, ((2, 30),)),
    Wall("FREQ=DAILY;BYHOUR=1,2,3;BYMINUTE=15", lambda _: True, ((1, 15), (2, 15), (3, 15))),
    Wall("FREQ=WEEKLY;BYDAY=SA,SU,MO;BYHOUR=0,2;BYMINUTE=0", lambda day: day.weekday() in (5, 6, 0), ((0, 0), (2, 0))),
    Wall("FREQ=MONTHLY;BYMONTHDAY=-1,1,28,29;BYHOUR=1;BYMINUTE=59",
         lambda day: day.day in (1, 28, 29) or (day + timedelta(days=1)).day == 1, ((1, 59),)),
    Wall("FREQ=DAILY;BYHOUR=23;BYMINUTE=59", lambda _: True, ((23, 59),)),
    Elapsed("FREQ=HOURLY;BYMINUTE=15", lambda wall, _: wall.minute == 15),
    Elapsed("FREQ=MINUTELY;INTERVAL=37", lambda _, since: (since - datetime.min) % (37 * MINUTE) == timedelta()),
]  # fmt: skip

CHANGES = [
    ("Europe/Paris", "2026-03-29T01:00"), ("Europe/Paris", "2026-10-25T01:00"),
    ("America/New_York", "2026-03-08T07:00"), ("America/New_York", "2026-11-01T06:00"),
    ("Australia/Lord_Howe", "2026-04-04T15:00"), ("Australia/Lord_Howe", "2026-10-03T15:30"),
    ("Asia/Kolkata", "2026-06-01T00:00"), ("America/St_Johns", "2026-03-08T05:30"),
    ("Pacific/Chatham", "2026-09-26T14:00"), ("Africa/Casablanca", "2026-02-15T02:00"),
]  # fmt: skip


def wall_minutes(zone: ZoneInfo, first: datetime, last: datetime) -> Iterator[tuple[datetime, datetime, bool]]:
    """Every minute of UTC with what the wall shows, and whether it shows that for the second time."""
    here = first
    while here <= last:
        local = here.astimezone(zone)
        yield here, local.replace(tzinfo=None, fold=0), bool(local.fold)
        here += MINUTE


def expected(rule: Wall | Elapsed, zone: ZoneInfo, first: datetime, last: datetime) -> set[datetime]:
    found: set[datetime] = set()
    before = (first - MINUTE).astimezone(zone).replace(tzinfo=None, fold=0)
    start = datetime.fromisoformat(ANCHOR).replace(tzinfo=zone).astimezone(UTC)
    for here, wall, again in wall_minutes(zone, first, last):
        if isinstance(rule, Elapsed):
            if rule.fires(wall, datetime.min + (here - start)):
                found.add(here)
        else:
            skipped = before + MINUTE
            while skipped < wall:  # the wall never shows these: the first instant after them stands for them
                if (skipped.hour, skipped.minute) in rule.clock and rule.fits(skipped):
                    found.add(here)
                skipped += MINUTE
            if not again and (wall.hour, wall.minute) in rule.clock and rule.fits(wall):
                found.add(here)
        before = max(before, wall) if again else wall
    return found


async def compare(zone: str, rules: list[Wall | Elapsed], first: datetime, last: datetime, seed: int) -> int:
    """Run a scheduler over the time, in steps of up to 50 seconds where something is near, and compare; how many
    instants there were."""
    random = Random(seed)
    world = World(first.isoformat())
    anchor = datetime.fromisoformat(ANCHOR).isoformat(timespec="seconds")
    for number, rule in enumerate(rules):
        await world.add(str(number), spell(Schedule(rules=(rule.rule,), zone=zone, anchor=anchor)))
    while world.clock.now() < last:
        step = timedelta(seconds=random.randint(1, 50))
        rows = await world.store.find(ScheduleRecord)
        near = min((row.next_ms for row in rows if row.next_ms is not None), default=world.now) - world.now
        if near > 90_000:
            step = timedelta(milliseconds=near) - step
        await world.step(min(step, last - world.clock.now()))
    total = 0
    for number, rule in enumerate(rules):
        ran = [r.payload["at"] for r in world.engine.requests if r.origin_id == str(number)]  # type: ignore[index,call-overload]
        wanted = expected(rule, ZoneInfo(zone), first + MINUTE, last)
        assert len(ran) == len(set(ran)), (zone, rule.rule)
        assert set(ran) == wanted, (zone, rule.rule, sorted(set(ran) ^ wanted))
        total += len(ran)
    return total


@pytest.mark.parametrize(("zone", "change"), CHANGES)
async def test_around_a_change_of_the_clock(zone: str, change: str):
    around = at(change)
    rules = [rule for rule in RULES if "MINUTELY" not in rule.rule]
    assert await compare(zone, rules, around - timedelta(hours=7), around + timedelta(hours=7), 1) > 10


@pytest.mark.slow
@pytest.mark.parametrize("zone", ["Europe/Paris", "Australia/Lord_Howe", "America/St_Johns"])
async def test_a_whole_year(zone: str):
    first = at("2026-01-01T12:00")
    assert await compare(zone, RULES, first, first + timedelta(days=366), 2) > 20_000
