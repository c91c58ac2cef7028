"""What is asked, what is assumed, what is refused, and how an answer settles it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from eyeflow.frontend.intent import OnceTrigger, ScheduleTrigger
from eyeflow.frontend.literals import MAX_REQUEST_CHARS, tokenize
from eyeflow.frontend.timegrammar import TimePhrase, TriggerReading, default_zone, find_times, to_trigger
from eyeflow.recurrence import Recurrence, upcoming

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def phrases(text: str) -> tuple[TimePhrase, ...]:
    return find_times(text, tokenize(text), NOW, "UTC")


def read(text: str, **answers: str) -> TriggerReading:
    return to_trigger(phrases(text), NOW, "UTC", {f"trigger.{name}": answer for name, answer in answers.items()})


def rules(reading: TriggerReading) -> tuple[str, ...]:
    assert isinstance(reading.trigger, ScheduleTrigger), (reading.questions, reading.problems)
    return reading.trigger.rules


@pytest.mark.parametrize(
    ("phrase", "slot", "options"),
    [
        ("every day at 5", "trigger.time", ("05:00", "17:00")),
        ("Mondays at 9", "trigger.time", ("09:00", "21:00")),
        ("every day at 5:30", "trigger.time", ("05:30", "17:30")),
        ("at 9am and 6pm send the report", "trigger.frequency", ("once", "daily")),
        ("biweekly on Monday", "trigger.frequency", ("every 2 weeks", "twice a week")),
        ("bimonthly", "trigger.frequency", ("every 2 months", "twice a month")),
        ("three times a day", "trigger.time", ("09:00, 13:00 and 17:00",)),
        ("twice a week at 9am", "trigger.days", ("Mondays and Thursdays",)),
        ("every second Tuesday", "trigger.frequency",
         ("every 2 weeks on Tuesday", "the 2nd Tuesday of every month")),
        ("on the 15th at 9am", "trigger.frequency", ("every month", "only once")),
        ("next Friday at 3pm", "trigger.date", ("2026-11-27", "2026-12-04")),
        ("on Monday at 3pm", "trigger.date", ("2026-11-23", "2026-11-30")),
        ("on 05/06/2027 at 9am", "trigger.date", ("2027-06-05", "2027-05-06")),
        ("9am daily IST", "trigger.timezone", ("Asia/Kolkata", "Europe/Dublin", "Asia/Jerusalem")),
        ("daily at 9am but not on holidays", "trigger.exclude", ("none",)),
        ("every few hours", "trigger.interval", ("every 2 hours", "every 3 hours", "every 4 hours")),
        ("every day at sunset", "trigger.time", ()),
        ("every year at 9am", "trigger.date", ()),
        ("regularly", "trigger.frequency", ("every hour", "every day", "every week")),
    ],
)  # fmt: skip
def test_an_open_word_is_asked_about(phrase: str, slot: str, options: tuple[str, ...]) -> None:
    reading = read(phrase)
    assert reading.trigger is None
    assert (reading.questions[0].slot, reading.questions[0].options) == (slot, options)
    assert reading.questions[0].span is not None


@pytest.mark.parametrize(
    ("phrase", "answers", "expected"),
    [
        ("every day at 5", {"time": "17:00"}, "FREQ=DAILY;BYHOUR=17;BYMINUTE=0"),
        ("at 9am send it", {"frequency": "daily"}, "FREQ=DAILY;BYHOUR=9;BYMINUTE=0"),
        ("biweekly on Monday at 9am", {"frequency": "every 2 weeks"},
         "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;BYHOUR=9;BYMINUTE=0"),
        ("three times a day", {"time": "09:00, 13:00 and 17:00"}, "FREQ=DAILY;BYHOUR=9,13,17;BYMINUTE=0"),
        ("twice a week at 9am", {"days": "Mondays and Thursdays"}, "FREQ=WEEKLY;BYDAY=MO,TH;BYHOUR=9;BYMINUTE=0"),
        ("every second Tuesday at 9am", {"frequency": "the 2nd Tuesday of every month"},
         "FREQ=MONTHLY;BYDAY=2TU;BYHOUR=9;BYMINUTE=0"),
        ("every second Tuesday at 9am", {"frequency": "every 2 weeks on Tuesday"},
         "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU;BYHOUR=9;BYMINUTE=0"),
        ("on the 15th at 9am", {"frequency": "every month"}, "FREQ=MONTHLY;BYMONTHDAY=15;BYHOUR=9;BYMINUTE=0"),
        ("every few hours", {"interval": "every 3 hours"}, "FREQ=HOURLY;INTERVAL=3;BYMINUTE=0"),
        ("daily at 9am but not on holidays", {"exclude": "none"}, "FREQ=DAILY;BYHOUR=9;BYMINUTE=0"),
        ("every day at sunset", {"time": "18:30"}, "FREQ=DAILY;BYHOUR=18;BYMINUTE=30"),
        ("every year at 9am", {"date": "March 3"}, "FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=3;BYHOUR=9;BYMINUTE=0"),
        ("regularly", {"frequency": "every hour"}, "FREQ=HOURLY;BYMINUTE=0"),
    ],
)  # fmt: skip
def test_an_answer_settles_it(phrase: str, answers: dict[str, str], expected: str) -> None:
    assert rules(read(phrase, **answers)) == (expected,)


@pytest.mark.parametrize(
    ("phrase", "answers", "at"),
    [
        ("at 9am send it", {"frequency": "once"}, "2026-11-23T09:00"),
        ("on the 15th at 9am", {"frequency": "only once"}, "2026-12-15T09:00"),
        ("next Friday at 3pm", {"date": "2026-12-04"}, "2026-12-04T15:00"),
        ("on 05/06/2027 at 9am", {"date": "2027-05-06"}, "2027-05-06T09:00"),
        ("next week at 9am", {"date": "Wednesday"}, "2026-12-02T09:00"),
        ("next month at 9am", {"date": "on the 3rd"}, "2026-12-03T09:00"),
    ],
)
def test_an_answer_gives_the_one_instant(phrase: str, answers: dict[str, str], at: str) -> None:
    trigger = read(phrase, **answers).trigger
    assert isinstance(trigger, OnceTrigger)
    assert trigger.at == at


def test_holidays_given_as_dates_are_left_out() -> None:
    trigger = read("daily at 9am but not on holidays", exclude="2026-12-25, 2027-01-01").trigger
    assert isinstance(trigger, ScheduleTrigger)
    assert trigger.exclude == ("2026-12-25", "2027-01-01")


def test_an_answer_that_is_none_is_a_problem_not_a_guess() -> None:
    reading = read("every day at 5", time="whenever you like")
    assert reading.trigger is None
    assert "does not answer trigger.time" in reading.problems[0]


@pytest.mark.parametrize(
    ("phrase", "value", "why"),
    [
        ("every day", "09:00", "a day without a time"),
        ("every morning", "09:00", "morning without a time"),
        ("every evening", "18:00", "evening without a time"),
        ("weekly at 9am", "Monday", "a week without a day"),
        ("monthly at 9am", "the 1st", "a month without a day"),
        ("every day at 9:30", "09:30", "written as a 24-hour time"),
        ("every hour from 9 to 5", "from 09:00, the last at 17:00 at the latest", "how a window is read"),
    ],
)
def test_what_nobody_said_is_listed_as_an_assumption(phrase: str, value: str, why: str) -> None:
    reading = read(phrase)
    assert reading.trigger is not None
    assert (value, why) in [(found.value, found.why) for found in reading.assumptions]


@pytest.mark.parametrize("phrase", ["every day at 9am", "every weekday at 17:00", "tomorrow at noon"])
def test_nothing_is_assumed_when_all_is_said(phrase: str) -> None:
    assert read(phrase).assumptions == ()


@pytest.mark.parametrize(
    ("phrase", "problem"),
    [
        ("every 5 seconds", "the shortest step is 10 seconds"),
        ("every 0 minutes", "zero"),
        ("on February 30 at 9am", "February has no day 30"),
        ("on 2026-02-30 at 9am", "2026-02-30 is not a date"),
        ("every day at 25:00", "25:00 is not a time of day"),
        ("on 2020-01-01 at 9am", "has passed"),
        ("every 1.5 days", "1.5"),
        ("every 100000000 days", "not served"),
        ("31/31/2027 at 9am", "not a date"),
        ("in 99999999 years", "out of the calendar"),
    ],
)
def test_times_that_do_not_exist_are_named(phrase: str, problem: str) -> None:
    reading = read(phrase)
    assert reading.trigger is None
    assert problem in " ".join(reading.problems)


@pytest.mark.parametrize(
    ("text", "kind", "said", "cue"),
    [
        ("wait 10 minutes then send it", "delay", "10 minutes", "wait"),
        ("wait for half an hour", "delay", "for half an hour", "wait for"),
        ("remind me 10 minutes later", "delay", "10 minutes later", ""),
        ("tickets open for 3 days", "duration_literal", "for 3 days", "open for"),
        ("files older than 14 days", "duration_literal", "14 days", "older than"),
        ("a task due Monday", "date_literal", "Monday", "due"),
        ("finish it by Friday", "date_literal", "Friday", "by"),
        ("the events for tomorrow", "relative_day", "tomorrow", "for"),
        ("post tomorrow's weather", "relative_day", "tomorrow's", "'s"),
        ("the orders of last week", "window", "last week", "of"),
        ("in 45 minutes call me", "once", "in 45 minutes", ""),
        ("remind me tomorrow at 8am", "once", "tomorrow at 8am", ""),
        ("each Friday send it", "schedule", "each Friday", ""),
        ("send the Monday report", "date_literal", "Monday", "the"),
    ],
)
def test_a_schedule_is_told_from_what_it_is_not(text: str, kind: str, said: str, cue: str) -> None:
    (phrase,) = phrases(text)
    assert (phrase.kind, phrase.text, phrase.cue) == (kind, said, cue)
    assert phrase.triggers == (kind in ("schedule", "once"))


def test_durations_come_in_both_forms() -> None:
    (phrase,) = phrases("wait 90 minutes")
    assert (phrase.duration, phrase.duration_ms) == ("90 minutes", 5_400_000)


def test_a_meeting_and_its_length_are_two_phrases() -> None:
    found = phrases("create a meeting at 3pm tomorrow for 30 minutes")
    assert [(phrase.kind, phrase.text) for phrase in found] == [
        ("once", "at 3pm tomorrow"),
        ("duration_literal", "for 30 minutes"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "send the second report and the first draft",
        "the may report about march madness",
        "retry 3 times, twice, once more",
        "every 5th order",
        "each new customer",
        "if there are between 10 and 20 items",
        "top 10 at 100 Main Street, room 9, version 2.30",
        "match the mouth of the money very well",
        "a time of day, now, next, on the first try",
        'say "every day at 9am" to everyone',
        "",
        "🎉 \x00\x01 日本語 毎日",
    ],
)
def test_other_words_are_no_time(text: str) -> None:
    assert phrases(text) == ()


def test_words_passed_on_after_a_colon_are_marked() -> None:
    found = phrases("every day at 9am post to #team: standup at 10am today")
    assert [phrase.in_free_text for phrase in found] == [False, True]


def test_a_zone_said_wins_over_the_profile() -> None:
    found = phrases("every day at 9am Tokyo time")
    assert default_zone(found, "Europe/Berlin") == ("Asia/Tokyo", None)
    assert default_zone(phrases("every day at 9am"), "Europe/Berlin") == ("Europe/Berlin", None)
    zone, assumption = default_zone(phrases("every day at 9am"), None)
    assert zone == "UTC"
    assert assumption is not None


@pytest.mark.parametrize(
    "text",
    [
        "every " * (MAX_REQUEST_CHARS // 6),
        "at 9am and " * (MAX_REQUEST_CHARS // 11),
        "on the first and second and third monday of " * (MAX_REQUEST_CHARS // 44),
        "monday, tuesday, " * (MAX_REQUEST_CHARS // 17),
        "9 to 5, " * (MAX_REQUEST_CHARS // 8),
        "((((" * (MAX_REQUEST_CHARS // 4),
    ],
)
def test_a_row_of_time_words_costs_a_bounded_amount_and_makes_no_schedule(text: str) -> None:
    assert read(text).trigger is None


@pytest.mark.parametrize(
    ("phrase", "problem"),
    [
        ("every day in the first week of December at 9am", "'December'"),
        ("every day at 9am at noon on March 3", "two times are said"),
        ("in two weeks on Friday at 9am", "cannot be put together"),
        ("every day at 9am between 8am and 10am", "both said"),
    ],
)
def test_what_does_not_fit_together_is_told_not_dropped(phrase: str, problem: str) -> None:
    reading = read(phrase)
    assert reading.trigger is None
    assert problem in " ".join(reading.problems)


@pytest.mark.parametrize(
    ("phrase", "dates"),
    [
        ("on December 24 and December 26 at 9am", ["2026-12-24", "2026-12-26"]),
        ("on January 2 and December 31 at 9am", ["2026-12-31", "2027-01-02"]),
    ],
)
def test_several_dates_run_once_each(phrase: str, dates: list[str]) -> None:
    trigger = read(phrase).trigger
    assert isinstance(trigger, ScheduleTrigger)
    spec = Recurrence(rules=trigger.rules, zone="UTC", start=trigger.start, until=trigger.until)
    assert [fire.date().isoformat() for fire in upcoming(spec, NOW)] == dates


def test_an_exception_over_a_range_leaves_out_each_day() -> None:
    trigger = read("every weekday at 9am except between December 24 and December 28").trigger
    assert isinstance(trigger, ScheduleTrigger)
    assert trigger.exclude == ("2026-12-24", "2026-12-25", "2026-12-26", "2026-12-27", "2026-12-28")


def test_a_reminder_without_a_frequency_happens_once() -> None:
    reading = read("remind me at 5pm to call home")
    assert isinstance(reading.trigger, OnceTrigger)
    assert reading.trigger.at == "2026-11-23T17:00"
    assert [found.slot for found in reading.assumptions] == ["trigger.frequency"]


def test_an_ambiguous_end_date_is_asked_and_answered() -> None:
    (question,) = read("every day at 9am until 12/01/2026").questions
    assert (question.slot, question.options) == ("trigger.until", ("2026-12-01", "2026-01-12"))
    trigger = read("every day at 9am until 12/01/2026", until="2026-12-01").trigger
    assert isinstance(trigger, ScheduleTrigger)
    assert trigger.until == "2026-12-01"


def test_an_answer_may_leave_out_the_trigger_in_front() -> None:
    found = to_trigger(phrases("every day at 5"), NOW, "UTC", {"time": "17:00"})
    assert rules(found) == ("FREQ=DAILY;BYHOUR=17;BYMINUTE=0",)
