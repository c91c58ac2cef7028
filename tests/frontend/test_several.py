"""Several automations in one request: each becomes a task of its own, or it is asked about."""

from __future__ import annotations

import json
from typing import Any

import pytest

from eyeflow.compilation import Compilation, compile_text
from eyeflow.frontend.rules import understand
from frontend.told import tell

MORNING_AND_PAYMENT = "Every morning at 8am post the weather to #team, and when a payment fails tell #finance"


def compiled(text: str, **answers: str) -> Compilation:
    return compile_text(text, answers={slot.replace("__", "."): said for slot, said in answers.items()})


def starts(text: str) -> list[str]:
    """How each task of a request starts: its rules, its instant or its event."""
    intent = tell(text).intent
    tasks = [intent, *intent.get("also", ())]
    return [_start(task["trigger"]) for task in tasks]


def _start(trigger: dict[str, Any]) -> str:
    for part in ("event", "at"):
        if part in trigger:
            return str(trigger[part])
    return " + ".join(trigger.get("rules", ["manual"]))


WEEKDAYS = "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MORNING_AND_PAYMENT, ["FREQ=DAILY;BYHOUR=8;BYMINUTE=0", "payment_failed"]),
        ("Text me the weather every morning at 8am, and tell #finance when a payment fails",
         ["FREQ=DAILY;BYHOUR=8;BYMINUTE=0", "payment_failed"]),
        ('Every Monday at 9am post "plan" to #team and every Friday at 4pm post "review" to #team',
         ["FREQ=WEEKLY;BYDAY=MO;BYHOUR=9;BYMINUTE=0", "FREQ=WEEKLY;BYDAY=FR;BYHOUR=16;BYMINUTE=0"]),
        ('Post "standup" to #team every weekday at 9:30, and also every Friday at 4pm post "retro" to #team',
         [f"{WEEKDAYS};BYHOUR=9;BYMINUTE=30", "FREQ=WEEKLY;BYDAY=FR;BYHOUR=16;BYMINUTE=0"]),
        ("When a payment fails, tell #finance; when a payment succeeds, tell #sales",
         ["payment_failed", "payment_succeeded"]),
        ('Every weekday at 8am text me the weather. When a payment fails, tell #finance and email billing@acme.io. '
         'Every Friday at 5pm post "bye" to #general.',
         [f"{WEEKDAYS};BYHOUR=8;BYMINUTE=0", "payment_failed", "FREQ=WEEKLY;BYDAY=FR;BYHOUR=17;BYMINUTE=0"]),
        ('Tomorrow at 9am post "a" to #team and on Friday at 3pm post "b" to #team',
         ["2026-11-24T09:00", "2026-11-27T15:00"]),
        ('Every day at 9am post "a" to #team, then at 5pm post "b" to #team',
         ["FREQ=DAILY;BYHOUR=9;BYMINUTE=0", "FREQ=DAILY;BYHOUR=17;BYMINUTE=0"]),
        ('Post "a" to #team at 9am and "b" at 10pm every day',
         ["FREQ=DAILY;BYHOUR=9;BYMINUTE=0", "FREQ=DAILY;BYHOUR=22;BYMINUTE=0"]),
        ('Send "x" to #team tomorrow at 9am and "y" to #team at 10am',
         ["2026-11-24T09:00", "2026-11-24T10:00"]),
        ("Every morning send me the weather and every Friday send me the forecast",
         ["FREQ=DAILY;BYHOUR=9;BYMINUTE=0", "FREQ=WEEKLY;BYDAY=FR;BYHOUR=9;BYMINUTE=0"]),
    ],
)  # fmt: skip
def test_two_automations_are_two_tasks(text: str, expected: list[str]) -> None:
    assert tell(text).outcome == "program"
    assert starts(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        'Post "ready" to #team every Monday at 9am and every Friday at 4pm',
        "Every Monday, get the weather and email it to me at 4pm",
        'Every weekday, post "stretch" to #team every 30 minutes between 9 and 5',
        "When a payment fails, tell #finance and text me",
        "Every morning at 8am post the weather to #team and text it to me",
    ],
)
def test_one_automation_stays_one(text: str) -> None:
    told = tell(text)
    assert told.outcome == "program"
    assert told.intent["also"] == []


@pytest.mark.parametrize(
    "text",
    [
        "When a payment fails, tell #finance and text me at 5pm",
        "When a payment fails, tell #finance and email me every Monday",
        "On weekdays at 9am, when a payment fails, tell #finance",
    ],
)
def test_what_may_be_one_or_two_is_never_guessed(text: str) -> None:
    assert tell(text).outcome != "program"


def test_when_it_after_an_event_is_a_condition_on_it() -> None:
    told = tell("When a payment fails tell #finance, and when it is over $500 text me", event={
        "id": "p1", "amount": 90000, "currency": "usd", "customer": "c1", "description": "card declined",
        "customer_email": "a@b.io",
    })  # fmt: skip
    assert told.outcome == "program"
    assert told.intent["also"] == []
    assert [name for name, _ in told.calls] == ["slack_notify.send_message", "sms.send_sms"]


def test_an_event_runs_the_task_it_starts_and_no_other() -> None:
    told = tell(MORNING_AND_PAYMENT, event={"id": "p1", "amount": 900, "description": "card declined"})
    assert told.calls == (("slack_notify.send_message", {"channel": "#finance", "text": "card declined"}),)
    assert told.fires[:2] == ("2026-11-24T08:00:00Z", "2026-11-25T08:00:00Z")


def test_each_task_is_a_program_with_its_own_name_text_and_read_back() -> None:
    made = compiled(MORNING_AND_PAYMENT, weather__location="Paris")
    assert made.outcome == "program"
    assert len(made.also) == 1
    names = [each.compiled.require().task for each in (made, *made.also)]
    assert len(set(names)) == 2
    assert "TRIGGER event(stripe.payment_failed)" in made.also[0].ir
    assert made.readback.text().startswith("Every day at 08:00")
    assert made.also[0].readback.text().startswith("When a payment fails")
    texts = [compile_text(each.ir).outcome for each in (made, *made.also)]
    assert texts == ["program", "program"]


def test_what_both_parts_ask_has_two_slots_and_is_answered_apart() -> None:
    text = "When an issue is opened, post it to #dev, and when a pull request is merged, post it to #releases"
    asked = compiled(text)
    assert [question.slot for question in asked.questions] == ["trigger.repo", "trigger.repo_2"]
    first, second = "acme/api", "acme/web"
    made = compiled(text, trigger__repo=first, trigger__repo_2=second)
    assert made.outcome == "program"
    assert f'"{first}"' in made.ir
    assert f'"{second}"' in made.also[0].ir
    assert "unknown_answer" not in {finding.code for finding in made.report.diagnostics}


def test_questions_point_at_their_words_in_the_whole_request() -> None:
    text = 'Every morning at 8am post "up" to #team and on Monday at 9am post "b" to #team'
    intent = understand(text, compiled('post "x" to #a').context)
    assert intent.questions
    for question in intent.questions:
        assert question.span is not None
        assert text[question.span.start : question.span.end].strip()


def test_the_same_bytes_twice() -> None:
    first, second = (tell(MORNING_AND_PAYMENT).intent for _ in range(2))
    assert json.dumps(first) == json.dumps(second)
