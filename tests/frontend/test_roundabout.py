"""Roundabout orders: what a careful person would have written instead gives the same program."""

from __future__ import annotations

from typing import Any

import pytest

import eyeflow
from eyeflow.catalog.load import open_catalog
from eyeflow.catalog.model import Catalog
from eyeflow.frontend.intent import EventTrigger
from frontend.told import Called, tell


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return open_catalog()


@pytest.mark.parametrize(
    ("said", "plainly"),
    [
        (
            "When an issue is opened in acme/web, hold on for 20 minutes before posting its title in #web",
            "When an issue is opened in acme/web, wait 20 minutes, then post its title in #web",
        ),
        (
            "every monday at 10am close all open issues in acme/old that carry the label wontfix",
            "every monday at 10am close all open issues in acme/old with the label wontfix",
        ),
        (
            "Post 'Lunch' to #team at 12:00 every day. Should the post not go through, email it to ops@acme.io",
            "Post 'Lunch' to #team at 12:00 every day. If that fails, email it to ops@acme.io",
        ),
    ],
)
def test_a_roundabout_order_is_the_plain_one(catalog: Catalog, said: str, plainly: str) -> None:
    one, other = (eyeflow.compile(text, catalog=catalog).readback.text() for text in (said, plainly))
    assert one == other


@pytest.mark.parametrize(
    "cue", [". Skip it if", ". Ignore that one when", ", leave out those where", ". Unless", ", but skip this if"]
)
@pytest.mark.parametrize(("title", "posted"), [("A test", ()), ("A bug", (("#web", "A bug"),))])
def test_what_is_skipped_is_never_what_is_done(cue: str, title: str, posted: tuple[tuple[str, str], ...]) -> None:
    text = f"When an issue is opened in acme/web, post its title to #web{cue} its title contains 'test'"
    told = tell(text, event={"repo": "acme/web", "title": title, "number": 7})
    assert told.outcome == "program", (told.asked, told.refused)
    assert [(call, params["channel"], params["text"]) for call, params in told.calls] == [
        ("slack_notify.send_message", *each) for each in posted
    ]


@pytest.mark.parametrize(("title", "posted"), [("A test", 1), ("A bug", 0)])
def test_a_sentence_that_says_only_when_holds_for_the_order_before_it(title: str, posted: int) -> None:
    text = "When an issue is opened in acme/web, post its title to #web. Only if its title contains 'test'"
    told = tell(text, event={"repo": "acme/web", "title": title, "number": 7})
    assert told.calls == (("slack_notify.send_message", {"channel": "#web", "text": title}),) * posted


def test_which_of_two_orders_is_skipped_is_asked() -> None:
    text = (
        "When an issue is opened in acme/web, post its title to #web. Email me 'New'. Skip it if it has the label bug"
    )
    assert tell(text).outcome == "questions"


def test_what_happens_by_itself_is_no_failure_of_ours(catalog: Catalog) -> None:
    made = eyeflow.compile("Post 'Hi' to #team every day at 9am. When a payment declines, tell #sales", catalog=catalog)
    assert made.intent is not None and made.outcome == "program"
    first, second = made.intent, made.intent.also[0]
    assert [(a.function, a.params["channel"], a.fallback) for a in first.actions] == [("send_message", "#team", None)]
    assert isinstance(second.trigger, EventTrigger) and second.trigger.event == "payment_failed"
    assert [(a.function, a.params["channel"]) for a in second.actions] == [("send_message", "#sales")]


def test_a_condition_that_no_data_tells_is_asked_about(catalog: Catalog) -> None:
    made = eyeflow.compile("Post 'Hi' to #team every day at 9am. If a payment bounces, tell #sales", catalog=catalog)
    assert [q.slot for q in made.questions] == ["condition"]


WEATHER = {"openweather.current_weather": [{"temp": -3, "summary": "snow"}]}
MILD = {"openweather.current_weather": [{"temp": 4, "summary": "fog"}]}
ISSUES = {
    "github.list_issues": [
        {"issues": [{"number": 1, "title": "Slow", "url": "u1"}, {"number": 2, "title": "Sad", "url": "u2"}]}
    ]
}
OPENED = {"repo": "acme/web", "title": "Broken", "number": 7}


def post(channel: str, text: str) -> Called:
    return "slack_notify.send_message", {"channel": channel, "text": text}


def sms(text: str, to: str = "+15550100") -> Called:
    return "sms.send_sms", {"to": to, "body": text}


def mail(to: str, body: str) -> Called:
    return "email.send", {"to": to, "body": body, "subject": "Message from EyeFlow"}


def weather(place: str) -> Called:
    return "openweather.current_weather", {"location": place}


def row(*values: str) -> Called:
    return "google_sheets.append_row", {"sheet": "Issues", "values": list(values)}


LISTED: Called = ("github.list_issues", {"repo": "acme/web", "state": "open"})

DONE: tuple[tuple[str, dict[str, Any], tuple[Called, ...]], ...] = (
    # dropped
    ("When an issue is opened in acme/web, drop me a text saying 'New'", {"event": OPENED}, (sms("New"),)),
    (
        "Every Friday at 17:00 shoot over an email to ops@acme.io saying 'Timesheets please'",
        {},
        (mail("ops@acme.io", "Timesheets please"),),
    ),
    (
        "When an issue is opened in acme/web, drop ops@acme.io a line with its title",
        {"event": OPENED},
        (mail("ops@acme.io", "Broken"),),
    ),
    # nothing said to be done
    (
        "Sundays at 19:00, one Slack message to #team with the weather in Oslo",
        {"returns": WEATHER},
        (weather("Oslo"), post("#team", "snow")),
    ),
    ("Every morning at 8, a text to +15550123 saying 'Take the pills'", {}, (sms("Take the pills", "+15550123"),)),
    # a row for each
    (
        "Every day at 18:00 write the open issues of acme/web into the sheet Issues, one row per issue with its title "
        "and url",
        {"returns": ISSUES},
        (LISTED, row("Slow", "u1"), row("Sad", "u2")),
    ),
    # asked, then
    ("What's the weather in Oslo? post it in #team", {"returns": WEATHER}, (weather("Oslo"), post("#team", "snow"))),
    (
        "What is the weather in Oslo? Text it to +15550123",
        {"returns": WEATHER},
        (weather("Oslo"), sms("snow", "+15550123")),
    ),
    (
        "How many open issues are in acme/web? Post the number in #team",
        {"returns": ISSUES},
        (LISTED, post("#team", "2")),
    ),
    # measured
    (
        "Check the weather in Oslo every hour. When it's below 0 celsius, post 'Freezing' in #team",
        {"returns": WEATHER},
        (weather("Oslo"), post("#team", "Freezing")),
    ),
    (
        "Check the weather in Oslo every hour. When it's below 0 celsius, post 'Freezing' in #team",
        {"returns": MILD},
        (weather("Oslo"),),
    ),
    (
        "Check the weather in Oslo every hour. Whenever that is above 3 celsius, text me 'Thaw'",
        {"returns": MILD},
        (weather("Oslo"), sms("Thaw")),
    ),
    # waited
    (
        "When an issue is opened in acme/web, leave it 10 minutes before closing it",
        {"event": OPENED},
        (("github.close_issue", {"repo": "acme/web", "number": 7}),),
    ),
)


@pytest.mark.parametrize(("text", "scenario", "calls"), DONE)
def test_a_roundabout_order_does_just_what_it_says(
    text: str, scenario: dict[str, Any], calls: tuple[Called, ...]
) -> None:
    told = tell(text, **scenario)
    assert told.outcome == "program", (told.asked, told.refused)
    known = [(call, {key: value for key, value in params.items() if key != "tab"}) for call, params in told.calls]
    assert tuple(known) == calls
    assert not told.failed


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("When an issue is opened in acme/web, fling him an email with its title", "message.to"),
        ("A message to #team every Monday at 9 saying 'Standup'", "trigger.time"),
        ("When an issue is opened in acme/web, save it in a new Jira ticket titled Triage", "create_issue.project"),
    ],
)
def test_what_a_roundabout_order_leaves_out_is_asked(text: str, asked: str) -> None:
    assert tell(text).asked == (asked,)


def test_a_new_document_is_made_by_its_title() -> None:
    text = "When an issue is opened in acme/web, save it in a new Jira ticket titled Triage"
    (action,) = tell(text).intent["actions"]
    assert (action["service"], action["function"], action["params"]) == ("jira", "create_issue", {"summary": "Triage"})
