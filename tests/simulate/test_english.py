"""Requests in English through the whole pipeline, in a catalog given inline."""

from __future__ import annotations

from simulate.world import NOW, result

TEXT = 'Every day at 9am send "hello" on Chat'


def test_answers_complete_a_question_and_the_outcome_stays_what_it_was_before() -> None:
    asked = {"now": NOW}
    answered = {"now": NOW, "answers_to_questions": {"chat.channel": "#ops"}}
    whole = result({"id": "q", "text": TEXT, "scenarios": [asked, answered]})
    assert whole["outcome"] == "questions"
    assert [q["slot"].endswith("channel") for q in whole["questions"]] == [True]
    before, after = whole["scenarios"]
    assert (before["outcome"], before["calls"]) == ("questions", [])
    assert after["calls"][0]["params"]["channel"] == "#ops"
    assert after["fires"][0] == "2026-11-23T09:00:00Z"


def test_unanswered_questions_leave_no_scenarios() -> None:
    whole = result({"id": "q", "text": TEXT, "scenarios": [{"now": NOW}]})
    assert (whole["outcome"], whole["scenarios"]) == ("questions", [])


def test_a_zone_of_the_profile_moves_the_fires() -> None:
    profile = {"timezone": "Asia/Tokyo", "defaults": {"chat.channel": "#ops"}}
    whole = result({"id": "z", "text": TEXT, "scenarios": [{"now": NOW, "profile": profile}]})
    assert whole["outcome"] == "program", whole
    assert whole["scenarios"][0]["fires"][0] == "2026-11-24T00:00:00Z"


def test_what_the_catalog_cannot_do_is_refused() -> None:
    whole = result({"id": "r", "text": "Book me a flight to Mars", "scenarios": [{"now": NOW}]})
    assert whole["outcome"] == "refused"
    assert whole["refusals"]
