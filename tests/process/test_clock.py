"""Schedules over the end of a process: at the very instant, and after instants that passed while nothing ran."""

from __future__ import annotations

import random
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from process.served import House, house, until

HOUR_MS = 3_600_000
ENDS = "  ACTION say\n    TYPE transform\n    VALUE 1\n    OUTPUT said\n  RETURN said\n"


def hourly(name: str, minute: int, missed: str) -> str:
    return f'TASK {name}\n  TRIGGER schedule(cron "{minute} * * * *", "UTC") MISSED {missed}\n{ENDS}'


def once(name: str, at: datetime) -> str:
    return f'TASK {name}\n  TRIGGER once("{at:%Y-%m-%dT%H:%M:%S}", "UTC")\n{ENDS}'


def runs(place: House, name: str) -> list[str]:
    return [each["execution_id"] for each in place.get("/api/executions", params={"task": name})["items"]]


def set_back(data: Path, hours: int) -> None:
    """As if the server, which is down, had been down for so many hours more."""
    with closing(sqlite3.connect(data / "eyeflow.db")) as file, file:
        changed = file.execute(
            "UPDATE schedules SET next_ms = next_ms - ?, last_ms = NULL WHERE CAST(spec AS TEXT) LIKE '%* * * *%'",
            (hours * HOUR_MS,),
        )
        assert changed.rowcount == 3


def test_killed_at_the_instant_and_started_after_hours(tmp_path):
    with house(tmp_path / "data") as place:
        ago = (datetime.now(UTC) - timedelta(minutes=10)).minute
        for missed in ("run_once", "run_all", "skip"):
            place.deploy(hourly(missed, ago, missed))
        at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3)
        place.deploy(once("moment", at))
        time.sleep(max(0.0, (at - datetime.now(UTC)).total_seconds()))  # to the instant itself: that is the test
        place.kill()
        set_back(place.data, 3)
        place.start()
        until(lambda: len(runs(place, "run_all")) == 3, "three instants are made up for")
        until(lambda: runs(place, "run_once"), "one stands for all")
        until(lambda: runs(place, "moment"), "the moment has come")
        place.idle()
        assert [len(runs(place, name)) for name in ("run_once", "run_all", "skip", "moment")] == [1, 3, 0, 1]
        told = {name: ticks(place, name) for name in ("run_once", "run_all", "skip")}
        assert told == {
            "run_once": ["ran", "missed", "missed"], "run_all": ["ran", "ran", "ran"],
            "skip": ["missed", "missed", "missed"],
        }  # fmt: skip
        assert place.get("/api/schedules", params={"task": "moment"})["items"][0].get("next_run") is None


def ticks(place: House, name: str) -> list[str]:
    """What became of its instants, the newest first."""
    identity = place.get("/api/schedules", params={"task": name})["items"][0]["id"]
    return [each["outcome"] for each in place.get(f"/api/schedules/{identity}/ticks")["items"]]


@pytest.mark.slow
def test_killed_around_the_instant_it_fires_once(tmp_path):
    chance = random.Random(random.SystemRandom().randrange(1_000_000))
    with house(tmp_path / "data") as place:
        for number in range(8):
            name, off = f"moment_{number}", chance.uniform(-0.05, 0.15)
            at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3)
            place.deploy(once(name, at))
            time.sleep(max(0.0, (at - datetime.now(UTC)).total_seconds() + off))
            place.restart()
            until(lambda: runs(place, name), f"{name} has run, killed {off:.3f} s after its instant")  # noqa: B023
            place.idle()
            assert len(runs(place, name)) == 1, off
