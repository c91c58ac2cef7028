"""`If that fails, ignore it`, `... stop`: nothing is done instead, and the run goes on or ends as failed."""

from __future__ import annotations

import pytest

from frontend.told import Told, tell

IGNORED = ("ignore it", "just ignore that", "do nothing", "carry on", "keep going", "ignore the error")
STOPPED = ("stop", "stop there", "abort", "give up", "let it fail")
FAILING = {"slack_notify.send_message": ["rejected"]}


def _failed(words: str) -> Told:
    text = f'Every day at 9am post "Lunch" to #dev. If that fails, {words}'
    return tell(text, fails=FAILING)


@pytest.mark.parametrize("words", IGNORED)
def test_what_is_ignored_fails_no_run(words: str) -> None:
    told = _failed(words)
    assert (told.outcome, told.asked, told.refused) == ("program", (), ())
    assert [name for name, _ in (*told.calls, *told.failed)] == ["slack_notify.send_message"]
    assert told.status == "partial_failure"
    (action,) = told.intent["actions"]
    assert action["on_error"] == "continue"
    assert "fallback" not in action


@pytest.mark.parametrize("words", STOPPED)
def test_what_stops_a_run_calls_nothing_else(words: str) -> None:
    told = _failed(words)
    assert (told.outcome, told.asked, told.refused) == ("program", (), ())
    assert [name for name, _ in (*told.calls, *told.failed)] == ["slack_notify.send_message"]
    assert told.status == "failed"


def test_what_comes_after_a_failure_that_is_ignored_is_done() -> None:
    text = 'Every day at 9am post "Lunch" to #dev. If that fails, ignore it. Then email "Menu" to a@b.io'
    told = tell(text, fails=FAILING)
    assert told.outcome == "program"
    assert [name for name, _ in told.calls] == ["email.send"]
