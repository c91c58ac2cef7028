"""Answers as people give them: by number, by place, with words around the value; and what is none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from eyeflow.catalog.model import Profile
from eyeflow.compilation import Compilation, compile_text
from eyeflow.frontend.choices import option_of

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
FIVE = 'Every day at 5 email bob@x.io "Hi"'
CHANNEL = 'Every day at 9am post "Hi" to Slack'
TOWN = "Send the weather to #general every morning at 9am"
MAIL = "Email the weather of Paris every day at 7am"
REPO = "When an issue is opened, post its title to #dev"
TEXT = 'Text Maria "call me" at 6pm'
ROLE = 'Wait for approval by my manager and then post "go" to #x'
FORTNIGHT = 'Biweekly on Monday at 9am post "plan" to #team'


def answered(text: str, slot: str, said: str) -> Compilation:
    profile = Profile(me={"email": "me@acme.io"})
    return compile_text(text, now=NOW, zone="UTC", profile=profile, answers={slot: said})


@pytest.mark.parametrize(
    ("text", "slot", "said", "told"),
    [
        (FIVE, "trigger.time", "the second one", "17:00"), (FIVE, "trigger.time", "2", "17:00"),
        (FIVE, "trigger.time", "pm", "17:00"), (FIVE, "trigger.time", "in the morning", "05:00"),
        (FIVE, "trigger.time", "5pm", "17:00"), (FIVE, "trigger.time", "17", "17:00"),
        (FORTNIGHT, "trigger.frequency", "the first", "Every other week on Monday"),
        (CHANNEL, "message.channel", "ops", "“#ops”"), (CHANNEL, "message.channel", "the ops channel", "“#ops”"),
        (CHANNEL, "message.channel", "#ops please", "“#ops”"), (CHANNEL, "message.channel", '"#ops"', "“#ops”"),
        (TOWN, "weather.location", "in Paris", "“Paris”"), (TOWN, "weather.location", "Paris, please", "“Paris”"),
        (TOWN, "weather.location", "the city Paris", "“Paris”"),
        (MAIL, "message.to", "a@x.io and b@x.io", "“a@x.io, b@x.io”"), (MAIL, "message.to", "me", "“me@acme.io”"),
        (REPO, "trigger.repo", "https://github.com/acme/api", "“acme/api”"),
        (TEXT, "send_sms.to", "+1 (555) 0111", "“+15550111”"),
        (ROLE, "approval.role", "the owner", "ask the owner"), (ROLE, "approval.role", "2", "ask an approver"),
        ("When a payment fails", "action", 'post "x" to #y', "“#y”"),
        ("Every day at 9am", "action", 'post "x" to #y', "“#y”"),
    ],
)  # fmt: skip
def test_an_answer_is_what_its_words_mean(text: str, slot: str, said: str, told: str) -> None:
    found = answered(text, slot, said)
    assert found.outcome == "program", (found.questions, found.report)
    assert told in found.readback.text()


@pytest.mark.parametrize(
    ("text", "slot", "said"),
    [
        (FIVE, "trigger.time", "nine"), (FIVE, "trigger.time", "the third one"), (FIVE, "trigger.time", ""),
        (CHANNEL, "message.channel", "slack"), (CHANNEL, "message.channel", "email"),
        (CHANNEL, "message.channel", "the first"), (CHANNEL, "message.channel", "yes"),
        (CHANNEL, "message.channel", "a\x00b"), (CHANNEL, "message.channel", "x" * 100_000),
        (TOWN, "weather.location", "#general"), (TOWN, "weather.location", "my city"),
        (TOWN, "weather.location", "Paris\nRome"), (MAIL, "message.to", "bob"), (REPO, "trigger.repo", "all of them"),
        (TEXT, "send_sms.to", "555"), (ROLE, "approval.role", "boss"), ("When a payment fails", "action", "nothing"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_told_and_asked_again(text: str, slot: str, said: str) -> None:
    found = answered(text, slot, said)
    assert found.outcome == "questions"
    assert slot in {question.slot for question in found.questions}
    assert "bad_answer" in {each.code for each in found.report.diagnostics}


def test_an_answer_about_time_never_overrules_the_request() -> None:
    found = answered('Every day at 9am post "Hi" to #team', "trigger.time", "17:00")
    assert found.outcome == "program"
    assert found.readback.when.startswith("Every day at 09:00")
    assert "unused_answer" in {each.code for each in found.report.diagnostics}


@pytest.mark.parametrize(
    ("said", "option"),
    [("1", "red"), ("option 2", "dark red"), ("the last one", "blue"), ("the latter", "blue"), ("Blue.", "blue"),
     ("dark", "dark red"), ("4", None), ("", None), ("the", None), ("green", None), ("one", "red")],
)  # fmt: skip
def test_an_option_is_pointed_at(said: str, option: str | None) -> None:
    assert option_of(("red", "dark red", "blue"), said) == option
