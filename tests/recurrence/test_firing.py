"""When schedules fire: rules, cron, zones, bounds, exclusions, and rules that mean harm."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyeflow.recurrence import (
    Recurrence,
    ScheduleError,
    check,
    check_rule,
    describe,
    frequency_rule,
    occurrences,
    short_form,
    upcoming,
)

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def fires(spec: Recurrence, after: str, count: int = 3) -> list[str]:
    return [fire.strftime("%m-%d %H:%M") for fire in upcoming(spec, at(after), count)]


def test_a_time_in_the_gap_fires_at_the_first_valid_instant_and_one_in_the_fold_once() -> None:
    spec = Recurrence(rules=("FREQ=DAILY;BYHOUR=2;BYMINUTE=30",), zone="America/New_York")
    assert fires(spec, "2027-03-13T12:00") == ["03-14 07:00", "03-15 06:30", "03-16 06:30"]
    spec = Recurrence(rules=("FREQ=DAILY;BYHOUR=1;BYMINUTE=30",), zone="America/New_York")
    assert fires(spec, "2026-11-01T00:00") == ["11-01 05:30", "11-02 06:30", "11-03 06:30"]


def test_two_times_in_one_gap_fire_once() -> None:
    spec = Recurrence(rules=("FREQ=DAILY;BYHOUR=2;BYMINUTE=15,45",), zone="America/New_York")
    assert fires(spec, "2027-03-14T00:00") == ["03-14 07:00", "03-15 06:15", "03-15 06:45"]


def test_the_half_hour_shift_of_lord_howe() -> None:
    spec = Recurrence(rules=("FREQ=DAILY;BYHOUR=2;BYMINUTE=15",), zone="Australia/Lord_Howe")
    assert fires(spec, "2026-10-02T12:00") == ["10-02 15:45", "10-03 15:30", "10-04 15:15"]
    hourly = Recurrence(rules=("FREQ=HOURLY;BYMINUTE=0",), zone="Australia/Lord_Howe", anchor="2026-10-03")
    assert fires(hourly, "2026-10-03T14:00") == ["10-03 14:30", "10-03 16:00", "10-03 17:00"]


def test_hours_and_minutes_step_in_elapsed_time_over_a_clock_change() -> None:
    spec = Recurrence(rules=("FREQ=HOURLY;INTERVAL=2",), zone="Europe/Berlin", anchor="2026-10-24")
    found = upcoming(spec, at("2026-10-24T21:00"), 4)
    assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(hours=2)}
    cap = Recurrence(rules=("FREQ=MINUTELY;INTERVAL=20;BYHOUR=2",), zone="Europe/Berlin", anchor="2026-10-25")
    assert len([f for f in upcoming(cap, at("2026-10-24T23:00"), 9) if f < at("2026-10-25T12:00")]) == 6


def test_seconds_step_in_elapsed_time_and_keep_to_their_hours() -> None:
    spec = Recurrence(rules=("FREQ=SECONDLY;INTERVAL=45;BYHOUR=12;BYDAY=TU",), anchor="2026-11-23")
    found = [moment.strftime("%a %H:%M:%S") for moment in upcoming(spec, NOON, 3)]
    assert found == ["Tue 12:00:00", "Tue 12:00:45", "Tue 12:01:30"]


def test_an_interval_counts_from_start_else_from_the_anchor() -> None:
    rule = ("FREQ=DAILY;INTERVAL=3;BYHOUR=9;BYMINUTE=0",)
    assert fires(Recurrence(rules=rule, anchor="2026-11-23"), "2026-11-23T12:00", 2) == ["11-26 09:00", "11-29 09:00"]
    assert fires(Recurrence(rules=rule, start="2026-11-24"), "2026-11-23T12:00", 2) == ["11-24 09:00", "11-27 09:00"]
    assert fires(Recurrence(rules=rule, anchor="2016-11-23"), "2026-11-23T12:00", 2) == ["11-25 09:00", "11-28 09:00"]


def test_short_months_and_leap_days_are_skipped() -> None:
    spec = Recurrence(rules=("FREQ=MONTHLY;BYMONTHDAY=31;BYHOUR=9;BYMINUTE=0",))
    assert fires(spec, "2027-01-31T10:00") == ["03-31 09:00", "05-31 09:00", "07-31 09:00"]
    leap = Recurrence(rules=("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYHOUR=9;BYMINUTE=0",))
    assert [fire.year for fire in upcoming(leap, at("2096-03-01T00:00"), 2)] == [2104, 2108]


def test_rules_are_merged_sorted_and_without_doubles() -> None:
    spec = Recurrence(rules=("FREQ=DAILY;BYHOUR=9,17;BYMINUTE=0", "FREQ=WEEKLY;BYDAY=TU;BYHOUR=9,12;BYMINUTE=0"))
    assert fires(spec, "2026-11-23T12:00", 4) == ["11-23 17:00", "11-24 09:00", "11-24 12:00", "11-24 17:00"]


def test_start_and_until_are_inclusive() -> None:
    spec = Recurrence(rules=("FREQ=DAILY;BYHOUR=9;BYMINUTE=0",), start="2026-11-24T09:00", until="2026-11-25")
    assert fires(spec, "2026-11-23T12:00", 9) == ["11-24 09:00", "11-25 09:00"]
    spec = Recurrence(rules=("FREQ=DAILY;BYHOUR=9;BYMINUTE=0",), until="2026-11-24T09:00")
    assert fires(spec, "2026-11-23T12:00", 9) == ["11-24 09:00"]


def test_exclusions_take_out_days_dates_and_instants() -> None:
    spec = Recurrence(
        rules=("FREQ=DAILY;BYHOUR=9,12;BYMINUTE=0",),
        exclude=("FREQ=WEEKLY;BYDAY=SA,SU", "2026-11-25", "2026-11-24T12:00", "FREQ=MONTHLY;BYDAY=-1MO"),
    )
    assert fires(spec, "2026-11-23T12:00", 4) == ["11-24 09:00", "11-26 09:00", "11-26 12:00", "11-27 09:00"]
    assert "11-30" not in " ".join(fires(spec, "2026-11-27T12:00", 6))


def test_count_counts_runs() -> None:
    spec = Recurrence(
        rules=("FREQ=DAILY;BYHOUR=9;BYMINUTE=0;COUNT=3",), start="2026-11-23T12:00", exclude=("2026-11-25",)
    )
    assert fires(spec, "2026-11-23T12:00", 9) == ["11-24 09:00", "11-26 09:00", "11-27 09:00"]
    assert fires(spec, "2026-11-26T12:00", 9) == ["11-27 09:00"]


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        ("0 9 * * *", "UTC", "2026-11-23T12:00", ["11-24 09:00", "11-25 09:00", "11-26 09:00"]),
        ("*/20 8 * * 1-5", "UTC", "2026-11-27T08:30", ["11-27 08:40", "11-30 08:00", "11-30 08:20"]),
        ("30 2 * * *", "America/New_York", "2027-03-13T12:00", ["03-14 07:00", "03-15 06:30", "03-16 06:30"]),
        ("30 1 * * *", "America/New_York", "2026-11-01T00:00", ["11-01 05:30", "11-02 06:30", "11-03 06:30"]),
    ],
)
def test_cron_follows_the_wall_clock(cron: str, zone: str, after: str, expected: list[str]) -> None:
    assert fires(Recurrence(cron=cron, zone=zone), after) == expected


def test_cron_keeps_exclusions_and_merges_with_rules() -> None:
    spec = Recurrence(cron="0 9 * * *", rules=("FREQ=DAILY;BYHOUR=10;BYMINUTE=0",), exclude=("2026-11-24",))
    assert fires(spec, "2026-11-23T12:00") == ["11-25 09:00", "11-25 10:00", "11-26 09:00"]


HARM = [
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=MINUTELY;INTERVAL=2;BYMINUTE=1",
    "FREQ=HOURLY;INTERVAL=24;BYHOUR=5",
    "FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=4,6,9,11",
    "FREQ=YEARLY;BYYEARDAY=366;BYMONTH=1",
    "FREQ=DAILY;INTERVAL=1000000;BYHOUR=9",
    "FREQ=DAILY;UNTIL=20200101",
]


@pytest.mark.parametrize("rule", HARM)
def test_a_rule_that_never_fires_again_ends_quickly(rule: str) -> None:
    assert check_rule(rule) is None
    begun = time.perf_counter()
    assert upcoming(Recurrence(rules=(rule,), anchor="2026-11-23"), NOON) == ()
    assert time.perf_counter() - begun < 2.0


@pytest.mark.parametrize("exclude", ["FREQ=DAILY", "FREQ=MINUTELY", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU"])
def test_a_schedule_excluded_altogether_ends_quickly(exclude: str) -> None:
    spec = Recurrence(rules=("FREQ=MINUTELY",), exclude=(exclude,), anchor="2026-11-23")
    begun = time.perf_counter()
    assert upcoming(spec, NOON) == ()
    assert upcoming(Recurrence(cron="* * * * *", exclude=("FREQ=DAILY",)), NOON) == ()
    assert time.perf_counter() - begun < 3.0


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("", "empty"),
        ("FREQ=SECONDLY", "shortest step"),
        ("FREQ=SECONDLY;INTERVAL=9", "shortest step"),
        ("FREQ=SECONDLY;INTERVAL=30;BYMINUTE=5", "BYMINUTE"),
        ("INTERVAL=2", "FREQ"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL"),
        ("FREQ=DAILY;COUNT=99999999999999999999", "COUNT"),
        ("FREQ=DAILY;BYHOUR=24", "BYHOUR"),
        ("FREQ=DAILY;BYHOUR=-1", "BYHOUR"),
        ("FREQ=DAILY;BYHOUR=²", "BYHOUR"),
        ("FREQ=DAILY;BYDAY=1MO", "numbered days"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20270101", "exclude each other"),
        ("FREQ=DAILY;FREQ=DAILY", "twice"),
        ("FREQ=DAILY;BYMOON=1", "BYMOON"),
        ("FREQ=DAILY;UNTIL=tomorrow", "UNTIL"),
        ("FREQ=DAILY;UNTIL=20270231", "UNTIL"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY"),
        ("FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS"),
        ("FREQ=HOURLY;BYDAY=MO;BYSETPOS=1", "BYSETPOS"),
        ("FREQ=DAILY;BYSECOND=30", "BYSECOND"),
        ("FREQ=DAILY;BYHOUR=" + ",".join(["1"] * 5000), "characters"),
        ("\x00", "NAME=VALUE"),
    ],
)
def test_what_is_no_rule_is_said_in_words(rule: str, problem: str) -> None:
    message = check_rule(rule)
    assert message is not None
    assert problem in message
    with pytest.raises(ScheduleError) as raised:
        upcoming(Recurrence(rules=(rule,)), NOON)
    assert raised.value.code == "bad_rule"


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        (Recurrence(), "empty_schedule"),
        (Recurrence(rules=("FREQ=DAILY",), zone="Mars/Olympus"), "bad_zone"),
        (Recurrence(rules=("FREQ=DAILY",), zone="../../etc/passwd"), "bad_zone"),
        (Recurrence(rules=("FREQ=DAILY",), start="soon"), "bad_time"),
        (Recurrence(rules=("FREQ=DAILY",), exclude=("never",)), "bad_time"),
        (Recurrence(cron="* * * * * *"), "bad_cron"),
        (Recurrence(cron="61 * * * *"), "bad_cron"),
        (Recurrence(cron="* " * 10_000), "bad_cron"),
        (Recurrence(rules=("FREQ=DAILY",) * 200), "bad_rule"),
    ],
)
def test_a_schedule_that_does_not_hold_is_a_typed_error(spec: Recurrence, code: str) -> None:
    assert check(spec)
    with pytest.raises(ScheduleError) as raised:
        upcoming(spec, NOON)
    assert raised.value.code == code


@pytest.mark.parametrize(
    ("word", "rule"),
    [
        ("hourly", "FREQ=HOURLY;BYMINUTE=30"),
        ("daily", "FREQ=DAILY;BYHOUR=8;BYMINUTE=30"),
        ("weekdays", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=8;BYMINUTE=30"),
        ("weekly(TU)", "FREQ=WEEKLY;BYDAY=TU;BYHOUR=8;BYMINUTE=30"),
        ("monthly(15)", "FREQ=MONTHLY;BYMONTHDAY=15;BYHOUR=8;BYMINUTE=30"),
    ],
)
def test_the_short_form_goes_both_ways(word: str, rule: str) -> None:
    assert frequency_rule("08:30", word) == rule
    time_of_day, frequency = short_form((rule,)) or ("", "")
    assert frequency == word
    assert frequency_rule(time_of_day, frequency) == rule


@pytest.mark.parametrize(
    ("spec", "english"),
    [
        (Recurrence(rules=("FREQ=MONTHLY;BYDAY=-2FR;BYHOUR=9;BYMINUTE=0",)),
         "On the second to last Friday of every month at 09:00 (UTC)"),
        (Recurrence(rules=("FREQ=YEARLY;BYMONTH=11;BYDAY=4TH;BYHOUR=9;BYMINUTE=0",)),
         "Every year on the fourth Thursday of November at 09:00 (UTC)"),
        (Recurrence(rules=("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13;BYHOUR=9;BYMINUTE=0",)),
         "On Friday the 13th of every month at 09:00 (UTC)"),
        (Recurrence(rules=("FREQ=MINUTELY;INTERVAL=90",)), "Every 90 minutes (UTC)"),
        (Recurrence(rules=("FREQ=SECONDLY;INTERVAL=30;BYHOUR=9,10",)), "Every 30 seconds from 09:00 to 10:59 (UTC)"),
        (Recurrence(cron="0 9 * * 1"), "Every Monday at 09:00 (UTC)"),
        (Recurrence(cron="*/15 9-17 * * 1-5"), "Every weekday, every 15 minutes from 09:00 to 17:45 (UTC)"),
        (Recurrence(cron="*/5 * * * *"), "Every 5 minutes from minute 0 of each hour (UTC)"),
        (Recurrence(cron="* * * * *"), "Every minute (UTC)"),
        (Recurrence(cron="0 */2 * * *"), "Every day, every 2 hours from 00:00 to 22:00 (UTC)"),
        (Recurrence(cron="0 9 13 * 5"), "Every Friday at 09:00; and on the 13th of every month at 09:00 (UTC)"),
        (Recurrence(cron="0 9 L * *"), "On the cron schedule 0 9 L * * (UTC)"),
        (Recurrence(rules=("FREQ=DAILY;BYHOUR=9;BYMINUTE=0;COUNT=5",), start="2026-12-01"),
         "Every day at 09:00, 5 times in all, from 1 December 2026 (UTC)"),
        (Recurrence(rules=("FREQ=DAILY;BYHOUR=9;BYMINUTE=0",), exclude=("FREQ=DAILY;BYMONTH=8", "2026-12-25")),
         "Every day at 09:00, except in August and 25 December 2026 (UTC)"),
    ],
)  # fmt: skip
def test_schedules_in_english(spec: Recurrence, english: str) -> None:
    assert describe(spec) == english


@settings(max_examples=60, deadline=None)
@given(
    freq=st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY", "HOURLY", "MINUTELY"]),
    interval=st.integers(1, 400),
    hours=st.sets(st.integers(0, 23), max_size=3),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kathmandu"]),
    after=st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)),
)
def test_fires_ascend_and_do_not_depend_on_where_one_starts_looking(
    freq: str, interval: int, hours: set[int], zone: str, after: datetime
) -> None:
    by_hour = f";BYHOUR={','.join(map(str, sorted(hours)))}" if hours else ""
    spec = Recurrence(rules=(f"FREQ={freq};INTERVAL={interval}{by_hour}",), zone=zone, anchor="2019-05-06")
    first = list(occurrences(spec, after.replace(tzinfo=UTC), 4))
    assert first == sorted(set(first))
    for index, fire in enumerate(first[:-1]):
        assert upcoming(spec, fire, 1) == (first[index + 1],)
