"""What people say over the shipped services, and what comes of it: the calls of the simulated program, its fires, the
slot that is asked, the words that are refused. The sentences are in `sentences.py`."""

from __future__ import annotations

import pytest

from frontend.sentences import ASKED, REFUSED, ROWS, Row
from frontend.told import tell


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_sentence_does_what_it_says(row: Row) -> None:
    told = tell(row.text, **row.scenario)
    assert (told.outcome, told.asked, told.refused) == ("program", (), ())
    assert told.triggered is row.ran
    assert told.calls == row.calls
    assert told.fires[: len(row.fires)] == row.fires
    if row.at_ms is not None:
        assert told.at_ms == row.at_ms
    if row.trigger is not None:
        assert told.trigger["event"] == row.trigger


def test_the_table_is_broad() -> None:
    assert len({row.text for row in ROWS}) >= 80


@pytest.mark.parametrize(("text", "slot"), ASKED)
def test_what_is_open_is_asked(text: str, slot: str) -> None:
    told = tell(text)
    assert told.outcome == "questions"
    assert slot in told.asked
    assert told.calls == ()


@pytest.mark.parametrize(("text", "words"), REFUSED)
def test_what_cannot_be_done_is_refused_by_its_words(text: str, words: str) -> None:
    told = tell(text)
    assert told.outcome == "refused"
    assert words in told.refused
    assert told.calls == ()


def test_an_exception_leaves_its_days_out() -> None:
    told = tell('Every day at 6pm except Sundays post "Lock the door" to #shop', now="2026-11-27T19:00:00Z")
    assert told.fires[:3] == ("2026-11-28T18:00:00Z", "2026-11-30T18:00:00Z", "2026-12-01T18:00:00Z")


def test_a_schedule_with_an_end_stops() -> None:
    told = tell('Every day at noon for 5 days post "Vitamin" to #health', now="2026-11-23T08:00:00Z")
    assert told.fires == tuple(f"2026-11-{day}T12:00:00Z" for day in range(23, 28))


def test_a_correction_of_spelling_is_an_assumption() -> None:
    assert tell('Plz psot "hello" to #team evry day at 9am').assumed["psot"] == "post"


def test_a_bare_number_takes_the_units_of_the_service_and_says_so() -> None:
    told = tell('If the temperature in Rome is above 25 post "Warm" to #rome')
    assert "25 celsius" in str(told.assumed)


def test_the_caller_of_a_webhook_gets_the_answer() -> None:
    told = tell('POST to /ping should respond with "pong"', event={})
    assert told.response == {"status": 200, "body": "pong"}
    assert told.trigger == {"type": "webhook", "path": "/ping", "method": "POST"}


def test_a_time_without_a_day_is_the_next_one_and_the_assumption_is_shown() -> None:
    told = tell('Text +15550123 "Hi" at 7am')
    assert told.fires == ("2026-11-24T07:00:00Z",)
    assert told.assumed["trigger.frequency"] == "once"
