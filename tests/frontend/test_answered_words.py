"""Answers to questions about the words of a request, answers that win over defaults, and answers that are refused."""

from __future__ import annotations

from datetime import datetime

import pytest
import yaml

import eyeflow
from eyeflow.catalog.load import load_documents, merge
from eyeflow.catalog.model import Catalog
from eyeflow.catalog.settings import read_profile
from eyeflow.diagnostics import Severity
from frontend.told import NOW, PROFILE, shipped

TWINS = """
service: {id}_lamps
title: {title}
type: Lamps
connector: scripted
capabilities:
  light_up:
    summary: Light up a lamp
    phrases: [light up, light]
    examples: ["light up lamp {{lamp}}"]
    effect: write
    params: {{lamp: {{type: string, required: true}}}}
    returns: {{type: object, properties: {{done: {{type: boolean}}}}}}
triggers:
  lamp_broke:
    summary: A lamp breaks
    phrases: [lamp breaks, broken lamp]
    examples: ["when a lamp breaks"]
    payload: {{type: object, properties: {{lamp: {{type: string}}}}}}
"""


def twins() -> Catalog:
    documents = [yaml.safe_load(TWINS.format(id=name, title=name.title())) for name in ("glowly", "shinely")]
    own, report = load_documents(documents)
    assert own is not None, report
    catalog, report = merge(shipped(), own)
    assert catalog is not None, report
    return catalog


def made(text: str, catalog: Catalog | None = None, **answers: str) -> eyeflow.Compilation:
    profile, report = read_profile(PROFILE)
    assert profile is not None, report
    given = {slot.replace("__", "."): said for slot, said in answers.items()}
    return eyeflow.compile(
        text, catalog=catalog or shipped(), profile=profile, now=datetime.fromisoformat(NOW), answers=given
    )  # fmt: skip


def slots(compiled: eyeflow.Compilation) -> list[str]:
    return [question.slot for question in compiled.questions]


def codes(compiled: eyeflow.Compilation) -> list[str]:
    return [found.code for found in compiled.report.diagnostics if found.code.endswith("_answer")]


# --- answers for which there is no question ------------------------------------------------------------------------


def test_an_answer_to_no_question_is_told_with_the_nearest_slots() -> None:
    found = made("Send weather to Slack every morning at 9am", weather__locaton="Rome")
    assert found.outcome == "program"
    (told,) = [each for each in found.report.diagnostics if each.code == "unknown_answer"]
    assert told.severity is Severity.WARNING
    assert "weather.locaton" in told.message
    assert "weather.location" in told.hint
    assert "Paris" in found.readback.text()


def test_an_answer_to_what_the_request_says_is_told() -> None:
    found = made('Post "Hi" to #one', channel="#two")
    assert codes(found) == ["unused_answer"]
    assert "“#one”" in found.readback.text()


def test_an_answer_that_is_used_is_not_told() -> None:
    assert codes(made('Email "Hello"', message__to="kim@acme.io", subject="Hi")) == []
    assert codes(made('Post "tea" to #office every day at 5', trigger__time="17:00")) == []


# --- defaults ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slot", ["weather__location", "openweather__location", "location"])
def test_an_answer_wins_over_the_profile(slot: str) -> None:
    found = made("Send weather to Slack every morning at 9am", **{slot: "Rome"})
    assert "location “Rome”" in found.readback.text()
    assert not any("Paris" in line or "Rome" in line for line in found.readback.assumed)


def test_an_answer_wins_over_the_catalogs_default() -> None:
    found = made('Email "Hello" to kim@acme.io', subject="Hey")
    assert "subject “Hey”" in found.readback.text()
    assert not any("subject" in line for line in found.readback.assumed)


def test_what_was_meant_again_follows_the_answer() -> None:
    text = 'Post "a" to Slack and then post "b" there'
    told = made(text, message__channel="#new").readback.text()
    assert "#general" not in told


# --- places in texts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slot", ["message__curly", "curly"])
def test_an_answer_stands_for_a_place_in_a_text(slot: str) -> None:
    assert "“Use round {x} now”" in made('Post "Use {curly} now" to #a', **{slot: "round {x}"}).readback.text()


def test_places_are_filled_once() -> None:
    text = made('Post "{one} {two}" to #a', message__one="{two}", message__two="2").readback.text()
    assert "“{two} 2”" in text


# --- refused answers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "slot", "said"),
    [
        ("Post to #general", "message.text", ""),
        ("Post to #general", "message.text", "  \n "),
        ("Post to #general", "message.text", "a\x00b"),
        ("Send weather to Slack every morning at 9am", "weather.location", ""),
        ("Close the issue in acme/api", "close_issue.number", "forty"),
        ("Close the issue in acme/api", "close_issue.number", "1.5"),
        ('Comment "Hi" on issue number 3', "comment.repo", "not a repo"),
        ('Email "Hello"', "message.to", "kim"),
        ('Email "Hello"', "message.to", "kim@acme.io\nBcc: eve@evil.io"),
        ('Email "Hello"', "message.to", "kim@acme.io\rBcc: eve@evil.io"),
        ('Email "Hello" to kim@acme.io', "message.subject", "Hi\r\nBcc: eve@evil.io"),
        ('Post "Hi" to Slack', "message.channel", "#a b"),
        ("Post to #general", "message.text", "a" * 40_001),
        ('Post "Use {curly} now" to #a', "message.curly", ""),
        ('Post "tea" to #office every day at 5', "trigger.time", "teatime"),
        ('Post "tea" to #office every day at 5', "trigger.time", ""),
        ('If it is nice in Rome, post "Hot" to #rome', "condition", ""),
        ('If it is nice in Rome, post "Hot" to #rome', "condition", "nice"),
        ('If it is nice in Rome, post "Hot" to #rome', "condition", "warm\nand sunny"),
    ],
)
def test_an_answer_that_does_not_fit_is_told_and_asked_again(text: str, slot: str, said: str) -> None:
    found = made(text, **{slot.replace(".", "__"): said})
    assert found.outcome == "questions"
    assert slot in slots(found)
    assert "bad_answer" in codes(found)
    assert all(each.severity is Severity.ERROR for each in found.report.diagnostics if each.code == "bad_answer")


def test_a_choice_takes_its_words_in_any_case() -> None:
    assert (
        "priority “High”"
        in made('Create a Jira issue called "x" in project OPS', create_issue__priority="high").readback.text()
    )
    found = made('Create a Jira issue called "x" in project OPS', create_issue__priority="burning")
    assert "create_issue.priority" in slots(found)


# --- words ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "slot", "said", "part"),
    [
        ('If it is nice in Rome, post "Hot" to #rome', "condition", "the temperature in Rome is above 25C",
         "if the weather’s temp is more than 25°C"),
        ('If it is nice in Rome, post "Hot" to #rome', "condition", "if the temperature in Rome is above 25C.",
         "if the weather’s temp is more than 25°C"),
        ("Post the weather in Rome to #rome if it is nice", "condition", "GT(weather.temp, 25 celsius)",
         "if the weather’s temp is more than 25°C"),
        ("Post the weather in Rome to #rome unless it is nice", "condition", "GT(weather.temp, 25 celsius)",
         "if the weather’s temp is at most 25°C"),
        ('When a payment is big, post "x" to #a', "big", "over $500", "the payment’s amount is more than $500"),
        ('For each big invoice, email kim@acme.io "x"', "list", "open invoice", "for each invoice"),
        ("Post to #a: take pills every day at 9am", "trigger__time", "when to run", "“take pills”"),
        ("Post to #a: take pills every day at 9am", "trigger__time", "part of the text",
         "“take pills every day at 9am”"),
    ],
)  # fmt: skip
def test_an_answer_is_read_in_place_of_the_words(text: str, slot: str, said: str, part: str) -> None:
    assert slot.replace("__", ".") in slots(made(text))
    found = made(text, **{slot: said})
    assert found.outcome == "program", (found.report, found.questions)
    assert part in found.readback.text()
    assert codes(found) == []


def test_whom_a_condition_at_the_end_governs_is_answered() -> None:
    text = 'Post "a" to #x and post "b" to #y if the temperature in Rome is above 30C'
    assert slots(made(text)) == ["condition.scope"]
    lines = made(text, condition__scope="all of them").readback.steps
    assert sum(line.startswith("    send") for line in lines) == 2
    lines = made(text, condition__scope="the last action").readback.steps
    assert sum(line.startswith("    send") for line in lines) == 1


@pytest.mark.parametrize("said", ["Shinely", "shinely_lamps", "2", "Shine"])
def test_the_service_is_chosen_among_the_options(said: str) -> None:
    asked = made("Light up lamp B7", twins())
    assert [(each.slot, each.options) for each in asked.questions] == [("service", ("Glowly", "Shinely"))]
    assert "(Shinely)" in made("Light up lamp B7", twins(), service=said).readback.text()
    assert slots(made("Light up lamp B7", twins(), service="Slack")) == ["service"]


@pytest.mark.parametrize("said", ["Glowly", "Shinely"])
def test_the_service_of_an_event_is_chosen_among_the_options(said: str) -> None:
    text = 'When a lamp breaks, post "dark" to #a'
    assert slots(made(text, twins())) == ["trigger.service"]
    assert f"({said})" in made(text, twins(), trigger__service=said).readback.when


def test_questions_about_different_words_are_answered_apart() -> None:
    text = 'If it is nice in Rome, post "a" to #a. If it is nasty in Oslo, post "b" to #b.'
    first, second = "the temperature in Rome is above 25C", "the temperature in Oslo is below 0C"
    found = made(text, condition=first)
    assert slots(found) == ["condition_2"]
    assert [text[q.span.start : q.span.end] for q in found.questions if q.span] == ["it is nasty in Oslo"]
    told = made(text, condition=first, condition_2=second)
    assert told.outcome == "program", told.report
    assert "more than 25°C" in told.readback.text()
    assert "less than 0°C" in told.readback.text()


def test_what_was_understood_points_into_the_request_as_given() -> None:
    text = 'If it is nice in Rome, post "Hot" to #rome'
    intent = made(text, condition="the temperature in Rome is above 25C").intent
    assert intent is not None
    assert intent.text == text
    (choice,) = [action for action in intent.actions if action.branches]
    (post,) = choice.branches[0].actions
    assert post.span is not None
    assert text[post.span.start : post.span.end] == 'post "Hot" to #rome'


def test_answers_cannot_make_it_read_for_ever() -> None:
    given = {f"condition_{number}": "it is nice" for number in range(50)}
    found = made('If it is nice, post "x" to #a', condition="it is nice", **given)
    assert found.outcome == "questions"
    assert len(found.report.diagnostics) < 40
