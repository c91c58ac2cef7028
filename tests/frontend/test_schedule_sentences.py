"""Nearly three hundred ways to say when, in whole requests, and the runs that follow (`schedule_sentences.txt`)."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from frontend.told import PROFILE, tell

_TABLE = Path(__file__).with_name("schedule_sentences.txt").read_text(encoding="utf-8").splitlines()
ROWS = [tuple(cell.strip() for cell in line.split("|")) for line in _TABLE if line and not line.startswith("#")]
REQUESTS = (
    'Post "ready" to #general {}',
    '{}, post "ready" to #general',
    "Remind me {} to water the plants",
)


def _said(fire: str) -> str:
    moment = datetime.fromisoformat(fire)
    return moment.strftime("%a %Y-%m-%d %H:%M" + (":%S" if moment.second else ""))


@pytest.mark.parametrize(("number", "row"), list(enumerate(ROWS)), ids=[row[0] for row in ROWS])
def test_a_request_runs_when_it_says(number: int, row: tuple[str, ...]) -> None:
    phrase, zone, now, expected = row
    text = REQUESTS[number % len(REQUESTS)].format(phrase)
    told = tell(text[0].upper() + text[1:], now=f"{now.replace(' ', 'T')}:00Z", profile={**PROFILE, "timezone": zone})
    assert told.outcome == "program", (told.asked, told.refused)
    assert ", ".join(_said(fire) for fire in told.fires) == expected


def test_the_table_is_as_large_as_promised() -> None:
    assert len({row[0] for row in ROWS}) >= 150


@pytest.mark.parametrize(
    ("phrase", "slot"),
    [
        ("every day at 4", "trigger.time"),
        ("at 5 on weekdays", "trigger.time"),
        ("at 12 every day", "trigger.time"),
        ("four times a day", "trigger.time"),
        ("every day at dusk", "trigger.time"),
        ("biweekly on Fridays at 9am", "trigger.frequency"),
        ("every third Thursday at 10am", "trigger.frequency"),
        ("on the 20th at 9am", "trigger.frequency"),
        ("Friday the 13th at 9am", "trigger.frequency"),
        ("mid-month at 9am", "trigger.frequency"),
        ("every 03/04 at 9am", "trigger.date"),
        ("next Thursday at 8am", "trigger.date"),
        ("twice a month at 9am", "trigger.days"),
        ("at the weekend at 9am", "trigger.days"),
        ("every weekday at 9am until 5pm", "trigger.window"),
        ("every day between 1 and 3", "trigger.window"),
        ("every day at 10am IST", "trigger.timezone"),
    ],
)
def test_what_is_open_is_asked_inside_a_request_too(phrase: str, slot: str) -> None:
    told = tell(f'Post "ready" to #general {phrase}')
    assert told.outcome == "questions"
    assert slot in told.asked


@pytest.mark.parametrize(
    "phrase",
    [
        "on Tuesdays and the 15th at 9am",
        "every 2 seconds",
        "every 31 February at 9am",
        "every day at 9am for 0 days",
        "every 30 minutes on the hour",
        "every Monday until last week at 9am",
        "in 3 days or in 4 days at 9am",
        "daily at 9:75",
        "every 40 seconds between 10 and 11:30 am",
    ],
)
def test_a_time_that_cannot_be_is_no_program(phrase: str) -> None:
    assert tell(f'Post "ready" to #general {phrase}').outcome != "program"
