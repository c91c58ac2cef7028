"""Delays, approvals, retries and rates said in a request, seen in what the program does and when."""

from __future__ import annotations

from typing import Any

import pytest

from eyeflow.compilation import compile_text
from frontend.told import Told, tell

PAYMENT = {"id": "pi_1", "amount": 1200, "currency": "usd", "customer": "cus_1", "description": "card declined",
           "customer_email": "ann@example.com"}  # fmt: skip


def done(told: Told) -> list[tuple[str, int]]:
    """What was called, and when, in seconds since the start."""
    return [(name.partition(".")[2], at // 1000) for (name, _), at in zip(told.calls, told.at_ms, strict=True)]


MINUTE, HOUR, DAY = 60, 3600, 86_400


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('Post "a" to #team, wait 10 minutes, then text me "b"', [("send_message", 0), ("send_sms", 10 * MINUTE)]),
        ('Post "a" to #team, and two hours later text me "b"', [("send_message", 0), ("send_sms", 2 * HOUR)]),
        ('Post "a" to #team and 30 seconds later text me "b"', [("send_message", 0), ("send_sms", 30)]),
        ('Post "a" to #team. Ten minutes later, text me "b".', [("send_message", 0), ("send_sms", 10 * MINUTE)]),
        ('Post "a" to #team, then after 5 minutes text me "b"', [("send_message", 0), ("send_sms", 5 * MINUTE)]),
        ('Wait 1 hour then post "x" to #team and text me "y"', [("send_message", HOUR), ("send_sms", HOUR)]),
        ('Post "a" to #team, pause for a minute, and then get the weather and text it to me',
         [("send_message", 0), ("current_weather", MINUTE), ("send_sms", MINUTE)]),
        ('Text me "x", wait an hour and a half, then email me "y", and 2 days later post "z" to #team',
         [("send_sms", 0), ("send", 90 * MINUTE), ("send_message", 90 * MINUTE + 2 * DAY)]),
    ],
)  # fmt: skip
def test_what_follows_a_delay_runs_after_it(text: str, expected: list[tuple[str, int]]) -> None:
    told = tell(text)
    assert told.outcome == "program", (told.asked, told.refused)
    assert sorted(done(told), key=lambda call: (call[1], call[0])) == expected


@pytest.mark.parametrize(
    ("text", "later"),
    [
        ('Post "a" to #team, wait until tomorrow at 9am, then text me "b"', 25 * HOUR),
        ('Post "a" to #team, then wait until 10:30pm the next day and text me "b"', 38 * HOUR + 30 * MINUTE),
        ('Post "a" to #team. Wait until noon tomorrow. Then text me "b".', 28 * HOUR),
    ],
)
def test_a_pause_may_end_at_a_time_of_the_next_day(text: str, later: int) -> None:
    told = tell(text)
    assert told.outcome == "program", (told.asked, told.refused)
    assert done(told) == [("send_message", 0), ("send_sms", later)]


@pytest.mark.parametrize("moment", ["9 tomorrow", "Monday at 8am", "5pm", "tomorrow", "9am the next day at 10am"])
def test_a_pause_that_ends_at_another_moment_is_no_program(moment: str) -> None:
    assert tell(f'Post "a" to #team, wait until {moment}, then text me "b"').outcome != "program"


def test_a_delay_after_an_event_counts_from_it() -> None:
    told = tell("When a payment fails, text me 10 minutes later", event=PAYMENT)
    assert done(told) == [("send_sms", 10 * MINUTE)]


ASKED_FOR_A_REFUND = [
    "When a payment fails, ask me before refunding it",
    "When a payment fails, refund it after I approve",
    "When a payment fails, wait for my approval, then refund it",
    "When a payment fails, refund it but only with my approval",
    "When a payment fails, refund it, but check with me first",
    "When a payment fails, refund it. Ask me first.",
    "When a payment fails, refund it. I want to approve it first.",
    "When a payment fails, get approval from someone before refunding it",
    "When a payment fails, once the owner has approved it, refund it",
    "When a payment fails, before refunding it, ask me",
]


@pytest.mark.parametrize("text", ASKED_FOR_A_REFUND)
def test_nothing_is_refunded_unless_somebody_agrees(text: str) -> None:
    agreed = tell(text, event=PAYMENT, approvals=["approve"])
    assert agreed.outcome == "program", (agreed.asked, agreed.refused)
    assert [name for name, _ in agreed.calls] == ["stripe.create_refund"]
    for ruling in ("refuse", "expire"):
        denied = tell(text, event=PAYMENT, approvals=[ruling])
        assert denied.calls == ()
        assert denied.status in ("failed", "partial_failure")


def test_what_is_not_to_be_approved_does_not_wait_for_it() -> None:
    for text in (
        "When a payment fails, tell #finance and ask me before refunding it",
        "When a payment fails, ask me before refunding it, and tell #finance",
        "When a payment fails, refund it and tell #finance. Ask me before refunding.",
    ):
        told = tell(text, event=PAYMENT, approvals=["refuse"])
        assert [name for name, _ in told.calls] == ["slack_notify.send_message"], text


def test_an_approval_of_two_actions_holds_up_both() -> None:
    for text in (
        "When a payment fails, ask me before refunding it and telling #finance",
        "When a payment fails, after I approve, refund it and tell #finance",
    ):
        assert tell(text, event=PAYMENT, approvals=["refuse"]).calls == (), text
        assert len(tell(text, event=PAYMENT).calls) == 2


def test_an_approval_at_the_end_of_two_actions_is_asked_about_and_settled() -> None:
    text = "When a payment fails, tell #finance and refund it after I approve"
    assert "approval.scope" in tell(text).asked
    last = {"approval.scope": "the last action"}
    told = tell(text, event=PAYMENT, approvals=["refuse"], answers_to_questions=last)
    assert [name for name, _ in told.calls] == ["slack_notify.send_message"]
    both = {"approval.scope": "all of them"}
    assert tell(text, event=PAYMENT, approvals=["refuse"], answers_to_questions=both).calls == ()


@pytest.mark.parametrize("who", ["the manager", "my boss", "@ann"])
def test_a_person_who_is_no_role_is_asked_about(who: str) -> None:
    text = f"When a payment fails, wait for approval from {who}, then refund it"
    assert tell(text).asked == ("approval.role",)
    made = compile_text(text, answers={"approval.role": "approver"})
    assert made.outcome == "program"
    assert "ROLE approver" in made.ir


def test_the_asker_s_role_is_an_assumption_and_the_question_says_what_it_is_about() -> None:
    made = compile_text("When a payment fails, ask me before refunding it")
    assert made.intent is not None
    assert ("approval.role", "owner") in {(a.slot, a.value) for a in made.intent.assumptions}
    assert "“refunding it”" in made.ir
    assert "ask the owner to approve" in made.readback.text()


def test_how_long_a_question_stands() -> None:
    made = compile_text('Wait for approval from an editor for up to 2 hours, then post "x" to #team')
    assert made.outcome == "program"
    assert "ROLE editor" in made.ir
    assert "EXPIRES 2h" in made.ir


@pytest.mark.parametrize(
    "text",
    [
        'Don\'t post "x" to #team without my approval',
        'Post "x" to #team unless I say no',
        'Post "x" to #team every day at 9am. Never on holidays.',
        "When a payment fails and I approve, refund it",
    ],
)
def test_a_condition_on_a_person_that_is_not_understood_is_never_dropped(text: str) -> None:
    assert tell(text).outcome != "program"


def _flaky(times: int) -> dict[str, Any]:
    return {"fails": {"slack_notify.send_message": ["unavailable"] * times + [None]}}


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("retry 3 times with 30 seconds in between", [60]),
        ("retrying three times a minute apart", [120]),
        ("try again every 5 minutes up to 4 times", [600]),
        ("retry up to 5 times, waiting 10 seconds between attempts", [20]),
        ("retry 4 times with exponential backoff", [3]),
        ("and retry 3 times, doubling the delay each time", [3]),
    ],
)
def test_retries_are_made_when_they_were_said_to_be(said: str, seconds: list[int]) -> None:
    joined = " " if said.startswith("and") else ", "
    told = tell(f'Every day at 9am post "x" to #team{joined}{said}', **_flaky(2))
    assert told.outcome == "program", (told.asked, told.refused)
    assert len(told.failed) == 2
    assert [at // 1000 for at in told.at_ms] == seconds


def test_the_first_pause_of_a_backoff_nobody_gave_is_an_assumption() -> None:
    told = tell('Post "x" to #team, retry 3 times with exponential backoff')
    assert told.assumed["retry.delay"] == "1 second"


@pytest.mark.parametrize(
    ("said", "rate"),
    [
        ("at most 3 times a minute", "3/min"),
        ("no more than 10 per hour", "10/h"),
        ("but limit it to 5 messages an hour", "5/h"),
        ("at most once an hour", "1/h"),
        ("with a maximum of 20 a day", "20/d"),
    ],
)
def test_rates_are_kept_and_are_no_schedule(said: str, rate: str) -> None:
    told = tell(f"When a payment fails, text me {said}", event=PAYMENT)
    assert told.outcome == "program", (told.asked, told.refused)
    assert told.trigger["type"] == "event"
    assert [action.get("rate") for action in told.intent["actions"]] == [rate]
