"""Roundabout orders: what a careful person would have written instead gives the same program."""

from __future__ import annotations

import pytest

import eyeflow
from eyeflow.catalog.load import open_catalog
from eyeflow.catalog.model import Catalog
from eyeflow.frontend.intent import EventTrigger


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


def test_what_is_skipped_is_never_what_is_done(catalog: Catalog) -> None:
    made = eyeflow.compile(
        "When an issue is opened in acme/web, post its title to #web. Skip it if its title contains 'test'",
        catalog=catalog,
    )
    assert made.intent is not None
    branches = [b.when for a in made.intent.actions for b in a.branches]
    assert made.intent.questions or all(when.startswith("NOT") for when in branches)


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
