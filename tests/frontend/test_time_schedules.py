"""Phrases become the right instants, in words of our own (`time_phrases.txt`)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from eyeflow.frontend.intent import OnceTrigger, ScheduleTrigger
from eyeflow.frontend.literals import tokenize
from eyeflow.frontend.timegrammar import TriggerReading, find_times, to_trigger
from eyeflow.recurrence import Recurrence, check, describe, local_of, read_moment, upcoming, zone_of

_TABLE = Path(__file__).with_name("time_phrases.txt").read_text(encoding="utf-8").splitlines()
ROWS = [tuple(cell.strip() for cell in line.split("|")) for line in _TABLE if line and not line.startswith("#")]
MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def read(text: str, zone: str = "UTC", now: datetime = MONDAY, **answers: str) -> TriggerReading:
    said = {f"trigger.{name}": answer for name, answer in answers.items()}
    return to_trigger(find_times(text, tokenize(text), now, zone), now, zone, said)


def recurrence(trigger: ScheduleTrigger, now: datetime = MONDAY) -> Recurrence:
    return Recurrence(
        rules=trigger.rules,
        zone=trigger.timezone,
        start=trigger.start,
        until=trigger.until,
        exclude=trigger.exclude,
        anchor=local_of(now, zone_of(trigger.timezone)).date().isoformat(),
    )


def fires(reading: TriggerReading, now: datetime = MONDAY) -> list[datetime]:
    trigger = reading.trigger
    assert trigger is not None, (reading.questions, reading.problems)
    if isinstance(trigger, OnceTrigger):
        return [read_moment(trigger.at, zone_of(trigger.timezone))]
    spec = recurrence(trigger, now)
    assert check(spec) == ()
    return list(upcoming(spec, now))


@pytest.mark.parametrize(("phrase", "zone", "now", "expected"), ROWS, ids=[f"{row[0]} {row[2]}" for row in ROWS])
def test_a_phrase_fires_when_it_says(phrase: str, zone: str, now: str, expected: str) -> None:
    moment = datetime.fromisoformat(f"{now}Z")
    found = fires(read(phrase, zone, moment), moment)
    assert ", ".join(fire.strftime("%a %Y-%m-%d %H:%M") for fire in found) == expected


def test_the_table_is_as_large_as_promised() -> None:
    assert len(ROWS) >= 120


def test_acceptance_28_the_seed_sentence_is_a_daily_schedule_at_nine() -> None:
    text = "Send weather to Slack every morning at 9am"
    trigger = read(text).trigger
    assert isinstance(trigger, ScheduleTrigger)
    assert (trigger.time, trigger.frequency) == ("09:00", "daily")
    assert trigger.rules == ("FREQ=DAILY;BYHOUR=9;BYMINUTE=0",)
    assert trigger.span is not None
    assert text[trigger.span.start : trigger.span.end] == "every morning at 9am"


@pytest.mark.parametrize(
    ("phrase", "rules"),
    [
        ("every weekday at 8:30", ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=8;BYMINUTE=30",)),
        (
            "every 15 minutes between 9 and 5 on weekdays",
            ("FREQ=MINUTELY;INTERVAL=15;BYDAY=MO,TU,WE,TH,FR;BYHOUR=9,10,11,12,13,14,15,16",),
        ),
        ("at 9:15 and 17:15 every day", ("FREQ=DAILY;BYHOUR=9,17;BYMINUTE=15",)),
        ("at 9:15 and 17:45 every day", ("FREQ=DAILY;BYHOUR=9;BYMINUTE=15", "FREQ=DAILY;BYHOUR=17;BYMINUTE=45")),
        (
            "the last workday of every month at 4pm",
            ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;BYHOUR=16;BYMINUTE=0",),
        ),
    ],
)
def test_rules_are_canonical(phrase: str, rules: tuple[str, ...]) -> None:
    trigger = read(phrase).trigger
    assert isinstance(trigger, ScheduleTrigger)
    assert trigger.rules == rules


@pytest.mark.parametrize(
    ("phrase", "frequency"),
    [
        ("every hour", "hourly"),
        ("every day at 7am", "daily"),
        ("on weekdays at 7am", "weekdays"),
        ("every Monday at 7am", "weekly"),
        ("on the 3rd of every month at 7am", "monthly"),
        ("every other day at 7am", None),
        ("on Mondays and Tuesdays at 7am", None),
    ],
)
def test_the_short_form_is_given_only_when_it_says_all(phrase: str, frequency: str | None) -> None:
    trigger = read(phrase).trigger
    assert isinstance(trigger, ScheduleTrigger)
    assert trigger.frequency == frequency


@pytest.mark.parametrize(
    ("phrase", "english"),
    [
        ("every weekday at 8:30", "Every weekday at 08:30 (UTC)"),
        ("every other Friday at 3pm", "Every other week on Friday at 15:00 (UTC)"),
        ("on the 1st and 15th of every month at 8am", "On the 1st and 15th of every month at 08:00 (UTC)"),
        ("the last business day of each month at 5pm", "On the last weekday of every month at 17:00 (UTC)"),
        ("every quarter on the first Monday at 9am",
         "On the first Monday of January, April, July and October at 09:00 (UTC)"),
        ("yearly on March 14 at 9am", "Every year on 14 March at 09:00 (UTC)"),
        ("at 6:30 every morning and at 22:00 every night", "Every day at 06:30 and 22:00 (UTC)"),
        ("every hour on the half hour", "Every hour at minute 30 (UTC)"),
        ("every 15 minutes between 9 and 5 on weekdays", "Every 15 minutes from 09:00 to 16:59 on weekdays (UTC)"),
        ("every day at 9am except on weekends", "Every day at 09:00, except on Saturdays and Sundays (UTC)"),
        ("every day at 9am until December 1", "Every day at 09:00, until 1 December 2026 (UTC)"),
        ("every day at 9am Berlin time", "Every day at 09:00 (Europe/Berlin)"),
        ("every day in December at 9am", "Every day in December at 09:00 (UTC)"),
    ],
)  # fmt: skip
def test_a_schedule_is_said_back_in_english(phrase: str, english: str) -> None:
    trigger = read(phrase).trigger
    assert isinstance(trigger, ScheduleTrigger)
    assert describe(recurrence(trigger)) == english


def test_every_phrase_of_the_table_can_be_said_back() -> None:
    for phrase, zone, now, _ in ROWS:
        moment = datetime.fromisoformat(f"{now}Z")
        trigger = read(phrase, zone, moment).trigger
        if isinstance(trigger, ScheduleTrigger):
            said = describe(recurrence(trigger, moment))
            assert "FREQ=" not in said
            assert said.endswith(f"({trigger.timezone})")


def test_parts_of_a_schedule_apart_from_each_other_join() -> None:
    found = fires(read("Every Monday, collect the open deals and mail them to me at 4pm"))
    assert found[0] == datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
    assert found[1] == datetime(2026, 11, 30, 16, 0, tzinfo=UTC)


def test_a_window_apart_from_its_step_joins() -> None:
    found = fires(read("every 30 minutes check the queue, between 10am and noon"))
    assert [fire.strftime("%H:%M") for fire in found] == ["10:00", "10:30", "11:00", "11:30", "10:00"]


def test_two_series_in_one_request_are_merged() -> None:
    found = fires(read("every Monday at 10am send the plan and every Friday at 3pm send the review"))
    assert [fire.strftime("%a %H:%M") for fire in found[:3]] == ["Mon 10:00", "Fri 15:00", "Mon 10:00"]


def test_the_same_sentence_reads_the_same_twice() -> None:
    text = "every other Tuesday at quarter past 8 in the evening, except in August, until 2028-01-01"
    assert read(text) == read(text)
