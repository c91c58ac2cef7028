"""Columns that nobody but their owner knows, fields that are given a value, amounts in other units, lists in order:
over services written for these tests."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import yaml

from eyeflow.catalog.load import load_documents, merge
from eyeflow.catalog.model import Catalog
from eyeflow.frontend.clauses import cut
from eyeflow.frontend.items import build
from eyeflow.frontend.literals import tokenize
from frontend.told import shipped, tell

GRIDWORK = """
service: gridwork
title: Gridwork
type: Tables
connector: scripted
capabilities:
  change_record:
    summary: Change a record
    phrases: [update the record, set the field, write back to]
    effect: write
    idempotent: true
    params:
      table: {type: string, required: true}
      record_id: {type: string, required: true}
      fields: {type: object, required: true}
    returns: {type: object, properties: {ok: {type: boolean}}}
triggers:
  record_added:
    summary: A record is added to a table
    phrases: [record is added, new record in gridwork]
    params: {table: {type: string, required: true}}
    payload: {type: object, properties: {id: {type: string}, fields: {type: object}, table: {type: string}}}
"""

MAST = """
service: harbour_mast
title: Harbour Mast
type: Weather station
aliases: [the mast]
connector: scripted
capabilities:
  read_mast:
    summary: Read the mast
    phrases: [read the mast, mast reading, the wind at the mast]
    effect: read
    returns:
      type: object
      properties:
        wind_kph: {type: number}
        swell: {type: number}
        change_percent: {type: number, unit: percent}
        report: {type: string, role: summary}
  list_berths:
    summary: List the berths
    phrases: [berths, list berths]
    effect: read
    returns:
      type: object
      properties:
        berths:
          type: array
          items:
            type: object
            properties: {name: {type: string, role: summary}, opened_at: {type: string}, length: {type: number}}
"""

PICBOARD = """
service: picboard
title: Picboard
type: Boards
connector: scripted
capabilities:
  show_photo:
    summary: Show a photo on a board
    phrases: [show a photo, share a photo on picboard, post on picboard]
    effect: write
    params:
      board: {type: string, required: true}
      photo_url: {type: string, entity: url, required: true}
      caption: {type: string, role: content}
    returns: {type: object, properties: {ok: {type: boolean}}}
"""

RECORD = {"id": "r1", "table": "Dogs", "fields": {"Title": "Rex", "Steps": "Feed", "Link": ""}}
ISSUE = {"github.create_issue": [{"number": 8, "url": "https://g.io/8", "title": "Rex"}]}


@cache
def _catalog() -> Catalog:
    own, report = load_documents([yaml.safe_load(text) for text in (GRIDWORK, MAST, PICBOARD)])
    assert own is not None, report
    whole, report = merge(shipped(), own)
    assert whole is not None, report
    return whole


@pytest.mark.parametrize(
    ("said", "calls"),
    [
        (
            "When a record is added to the Gridwork table Dogs, open an issue in acme/app with its Title and Steps",
            [("github.create_issue", {"repo": "acme/app", "title": "Rex", "body": "Feed"})],
        ),
        (
            "When a record is added to the Gridwork table Dogs, post the record's Title to #dogs",
            [("slack_notify.send_message", {"channel": "#dogs", "text": "Rex"})],
        ),
        (
            "When a record is added to the Gridwork table Dogs, open an issue in acme/app with its Title and write the"
            " issue URL back to the record's Link field",
            [
                ("github.create_issue", {"repo": "acme/app", "title": "Rex"}),
                (
                    "gridwork.change_record",
                    {"table": "Dogs", "record_id": "r1", "fields": {"Link": "https://g.io/8"}},
                ),
            ],
        ),
        (
            "When a record is added to the Gridwork table Dogs, set the record's Status field to 'Fed'",
            [("gridwork.change_record", {"table": "Dogs", "record_id": "r1", "fields": {"Status": "Fed"}})],
        ),
        (
            "When a record is added to the Gridwork table Dogs, update the record with Status 'Fed'",
            [("gridwork.change_record", {"table": "Dogs", "record_id": "r1", "fields": {"Status": "Fed"}})],
        ),
    ],
)
def test_columns_are_read_and_fields_are_set(said: str, calls: list[tuple[str, dict[str, Any]]]) -> None:
    told = tell(said, _catalog(), event=RECORD, returns=ISSUE)
    assert told.outcome == "program", (told.asked, told.refused)
    assert list(told.calls) == calls


def test_a_column_that_is_only_assumed_is_said() -> None:
    told = tell("When a record is added to the Gridwork table Dogs, post the record's Title to #dogs", _catalog())
    assert told.assumed["trigger.fields.Title"] == "Title"


def test_the_thing_that_a_table_keeps_is_no_column_of_it() -> None:
    told = tell("When a record is added to the Gridwork table Dogs, post the dog to #dogs", _catalog())
    assert told.outcome == "questions" and told.calls == ()


def _mast(wind: float, change: float = 0) -> dict[str, Any]:
    return {"harbour_mast.read_mast": [{"wind_kph": wind, "swell": 1, "change_percent": change, "report": "calm"}]}


@pytest.mark.parametrize(
    ("said", "wind", "posts"),
    [
        ("if the wind is over 10 m/s", 35, 0),
        ("if the wind is over 10 m/s", 37, 1),
        ("if the wind is over 10 mph", 16, 0),
        ("if the wind is over 10 mph", 17, 1),
        ("if the wind is over 10 km/h", 11, 1),
    ],
)
def test_an_amount_is_compared_in_the_unit_a_field_is_named_after(said: str, wind: float, posts: int) -> None:
    told = tell(f"Every day at 8am read the mast and {said} tell #crew", _catalog(), returns=_mast(wind))
    assert told.outcome == "program", (told.asked, told.refused)
    assert [name for name, _ in told.calls].count("slack_notify.send_message") == posts


def test_an_amount_with_a_unit_is_no_bare_number() -> None:
    told = tell("Every day at 8am read the mast and if the swell is over 2 feet tell #crew", _catalog())
    assert told.asked == ("condition",)


@pytest.mark.parametrize(
    ("said", "change", "posts"),
    [
        ("fell more than 2%", -3, 1),
        ("fell more than 2%", 3, 0),
        ("rose by at least 3%", 3, 1),
        ("rose by at least 3%", -3, 0),
        ("moved more than 2%", -3, 1),
    ],
)
def test_how_far_something_fell_or_rose(said: str, change: float, posts: int) -> None:
    told = tell(f"Every day at 8am read the mast and if it {said} tell #crew", _catalog(), returns=_mast(1, change))
    assert told.outcome == "program", (told.asked, told.refused)
    assert [name for name, _ in told.calls].count("slack_notify.send_message") == posts


@pytest.mark.parametrize(
    ("said", "order"),
    [
        ("the berths, oldest first,", ["C", "A", "B"]),
        ("the berths, newest first,", ["B", "A", "C"]),
        ("the berths in alphabetical order", ["A", "B", "C"]),
        ("the berths sorted by length, largest first,", ["B", "C", "A"]),
    ],
)
def test_a_list_is_told_in_the_order_that_is_said(said: str, order: list[str]) -> None:
    berths = [
        {"name": "B", "opened_at": "2026-03-01", "length": 30},
        {"name": "A", "opened_at": "2026-02-01", "length": 10},
        {"name": "C", "opened_at": "2026-01-01", "length": 20},
    ]
    told = tell(
        f"Every day at 8am post {said} to #crew", _catalog(), returns={"harbour_mast.list_berths": [{"berths": berths}]}
    )
    assert told.outcome == "program", (told.asked, told.refused)
    text = told.calls[-1][1]["text"]
    assert sorted(order, key=lambda name: text.index(f"{name}") if name in text else -1) == order, text


def test_one_thing_is_never_all_of_a_list() -> None:
    told = tell("Every day at 8am post the berth to #crew", _catalog())
    assert told.outcome == "questions" and told.calls == ()


def test_a_time_with_days_left_out_is_a_daily_one() -> None:
    told = tell("post 'hi' to #crew at 9am except on Mondays", _catalog())
    assert told.fires[:2] == ("2026-11-24T09:00:00Z", "2026-11-25T09:00:00Z")
    assert told.assumed["trigger.frequency"] == "every day"


def test_what_is_said_is_no_courtesy() -> None:
    told = tell("every Monday at 9am email ops@acme.io saying hello", _catalog())
    assert told.calls[0][1]["body"] == "hello"


@pytest.mark.parametrize("doing", ["is deleted from", "is changed in", "is read from"])
def test_the_only_event_of_a_service_is_not_what_else_happens_there(doing: str) -> None:
    told = tell(f"When a record {doing} the Gridwork table Dogs, post 'x' to #dogs", _catalog(), event=RECORD)
    assert told.outcome != "program" and told.calls == ()


def test_a_link_is_no_photo() -> None:
    told = tell("When an issue is opened in acme/web, share its title and its link on Picboard", _catalog())
    assert told.outcome == "questions" and "show_photo.photo_url" in told.asked, (told.asked, told.calls)


def test_when_something_is_may_be_told() -> None:
    text = "post in #sales with who booked and when it starts"
    assert [clause.role for clause in cut(build(text, tokenize(text), ()))] == ["action"]
