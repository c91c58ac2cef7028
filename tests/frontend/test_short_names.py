"""What services are called and told by: their short name, what is only opened, who is told, what a change is."""

from __future__ import annotations

from functools import cache

import pytest
import yaml

from eyeflow.catalog.load import load_documents
from eyeflow.catalog.model import Catalog
from eyeflow.frontend.indexing import vocabulary
from frontend.told import Called, tell

WEATHERCOCK = """
service: weathercock
title: Weathercock Tower
type: Weather
connector: scripted
capabilities:
  forecast:
    summary: What the weathercock expects
    phrases: [the forecast, the wind]
    effect: read
    returns: {type: object, properties: {report: {type: string, role: summary}, gust: {type: number}}}
triggers:
  snow:
    summary: It snows
    phrases: [it snows, it is snowing]
    payload: {type: object, properties: {depth: {type: number}}}
  forecast:
    summary: The forecast changes
    phrases: [the forecast changes]
    payload: {type: object, properties: {report: {type: string, role: summary}}}
"""

PAGER = """
service: pager
title: Pocket Pager
type: Messaging
connector: scripted
capabilities:
  buzz:
    summary: Tell me something on my pager
    phrases: [tell me, notify me, send me, send me a word, let me know]
    effect: write
    params: {words: {type: string, required: true, role: content}}
"""

COURIER = """
service: courier
title: Courier Post
type: Messaging
connector: scripted
capabilities:
  send_card:
    summary: Send a card to somebody
    phrases: [mail, send a card]
    effect: write
    params:
      to: {type: string, entity: email, required: true}
      message: {type: string, required: true}
"""

LAMPS = """
service: lamps
title: Porch Lamps
type: Home
connector: scripted
capabilities:
  set_power:
    summary: Set the power of the lamps
    phrases: [set the power on the porch, "set power on the porch lamps", switch the porch]
    effect: write
    params: {power: {type: string, enum: ["on", "off"], required: true}}
  dim:
    summary: Dim the porch
    phrases: [dim the porch lamps]
    effect: write
"""


@cache
def catalog() -> Catalog:
    made, report = load_documents([yaml.safe_load(text) for text in (WEATHERCOCK, PAGER, COURIER, LAMPS)])
    assert made is not None, report
    return made


def buzz(text: str) -> Called:
    return "pager.buzz", {"words": text}


def card(to: str, text: str) -> Called:
    return "courier.send_card", {"to": to, "message": text}


FORECAST: Called = ("weathercock.forecast", {})
RETURNS = {"weathercock.forecast": [{"report": "Gales", "gust": 30}]}

DONE: tuple[tuple[str, tuple[Called, ...]], ...] = (
    # what is opened only to be used
    ("open Courier Post and send 'Hi' to ann@acme.io", (card("ann@acme.io", "Hi"),)),
    ("launch the Pager app, then tell me 'Hi'", (buzz("Hi"),)),
    # the person who asks
    ("send me the forecast", (FORECAST, buzz("Gales"))),
    ("send the forecast to ann@acme.io", (FORECAST, card("ann@acme.io", "Gales"))),
    ("send a card to ann@acme.io saying 'Hi'", (card("ann@acme.io", "Hi"),)),
    ("every day at 8:00 get the forecast and notify me", (FORECAST, buzz("Gales"))),
    ("get the forecast and notify me 'Wind'", (FORECAST, buzz("Wind"))),
    # a switch, by its two ways
    ("turn on the porch lamps", (("lamps.set_power", {"power": "on"}),)),
    ("turn the porch off", (("lamps.set_power", {"power": "off"}),)),
    ("dim the porch lamps", (("lamps.dim", {}),)),
)


@pytest.mark.parametrize(("text", "calls"), DONE)
def test_orders_by_short_names_and_for_oneself(text: str, calls: tuple[Called, ...]) -> None:
    told = tell(text, catalog(), returns=RETURNS)
    assert told.outcome == "program", (told.asked, told.refused)
    assert told.calls == calls


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("open Courier Post", "open Courier Post"),
        ("open the door and tell me 'Hi'", "open the door"),
        ("open the Courier app and tell me 'Hi'", "open the Courier app"),
    ],
)
def test_opening_what_is_not_used_after_is_no_order(text: str, refused: str) -> None:
    told = tell(text, catalog())
    assert (told.outcome, told.refused) == ("refused", (refused,))


def test_by_whom_it_goes_is_not_passed_over() -> None:
    told = tell("send me the forecast by courier", catalog(), returns=RETURNS)
    assert told.calls == (FORECAST, card("me@acme.io", "Gales"))


@pytest.mark.parametrize("cue", ["when it starts to snow", "When it begins snowing", "whenever it started to snow"])
def test_what_begins_to_happen_is_what_happens(cue: str) -> None:
    told = tell(f"{cue}, tell me 'Snow'", catalog(), event={"depth": 2})
    assert told.trigger["event"] == "snow"
    assert told.calls == (buzz("Snow"),)


def test_of_what_it_is_now_or_of_each_change_is_asked() -> None:
    assert tell("get the forecast and notify me", catalog()).asked == ("trigger",)


def test_the_first_word_of_a_title_names_a_service_that_is_called_so() -> None:
    names = vocabulary(catalog()).names
    assert names["porch"] == ("lamps",)
    assert not {"weathercock tower", "pocket pager"} - set(names)
    assert "pocket" not in names  # its phrases never say so


def test_a_word_that_two_services_say_names_neither() -> None:
    other = yaml.safe_load(LAMPS) | {"service": "door", "title": "Porch Door"}
    made, report = load_documents([yaml.safe_load(LAMPS), other])
    assert made is not None, report
    assert "porch" not in vocabulary(made).names


def test_the_text_that_is_said_is_told_by_its_name_where_no_role_tells_it() -> None:
    entry = next(e for e in vocabulary(catalog()).entries if e.key == "courier.send_card")
    assert {p.name: p.role for p in entry.spec.params} == {"to": None, "message": "content"}
