"""Events told by the state they find, by who did them, by what they are about; things told apart by a name."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from eyeflow.catalog.load import load_documents, merge, open_catalog
from eyeflow.catalog.model import Catalog
from frontend.told import tell

STABLE = """
service: stable_gate
title: Stable gate
type: Farm
aliases: [the gate]
connector: scripted
capabilities:
  swing:
    summary: Open or close the gate
    phrases: [open the gate, close the gate, shut the gate]
    effect: write
    params:
      position: {type: string, enum: [open, closed], required: true}
      device_name: {type: string, description: Which one}
triggers:
  moved:
    summary: The gate moves
    phrases: [when the gate opens, when the gate closes, gate is opened or closed, someone opens the gate]
    params: {device_name: {type: string, description: Which one}}
    payload: {type: object, properties: {state: {type: string, enum: [open, opening, closed]}}}
"""

GAUGE = """
service: silo_gauge
title: Silo gauge
type: Farm
connector: scripted
capabilities:
  level:
    summary: How full the silo is
    phrases: [silo level, how full the silo is]
    effect: read
    returns: {type: object, properties: {value: {type: number}}}
triggers:
  level:
    summary: The level of the silo changes
    phrases: [silo level, level of the silo]
    payload: {type: object, properties: {value: {type: number}}}
"""

BOARD = """
service: barnboard
title: Barnboard
type: Farm
connector: scripted
capabilities:
  pin:
    summary: Pin a note on the board
    phrases: [pin a note, pin]
    effect: write
    params:
      note: {type: string, required: true, role: content}
triggers:
  note_pinned:
    summary: Somebody pins a note on the board
    phrases: [somebody pins a note, note is pinned, pins a note, note on barnboard, barnboard notes]
    payload:
      type: object
      properties: {title: {type: string, role: summary}, author: {type: string, entity: person}}
"""


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """What ships, a gate, a gauge and a notice board."""
    added, report = load_documents([yaml.safe_load(text) for text in (STABLE, GAUGE, BOARD)])
    assert added is not None, report
    merged, report = merge(open_catalog(), added)
    assert merged is not None, report
    return merged


PASSES: tuple[tuple[str, dict[str, Any], bool], ...] = (
    ("When the gate opens, text me", {"state": "open"}, True),
    ("When the gate opens, text me", {"state": "closed"}, False),
    ("Text me when the gate is closed", {"state": "closed"}, True),
    ("Text me when the gate is closed", {"state": "open"}, False),
    ("Text me when the gate is opened or closed", {"state": "open"}, True),
    ("When the silo level is below 20%, text me", {"value": 12}, True),
    ("When the silo level is below 20%, text me", {"value": 40}, False),
    ("When mona_k pins a note, text me", {"title": "Hay", "author": "mona_k"}, True),
    ("When mona_k pins a note, text me", {"title": "Hay", "author": "tim"}, False),
    ("When a note is pinned about oats, text me", {"title": "No more oats", "author": "tim"}, True),
    ("When a note is pinned about oats, text me", {"title": "Hay", "author": "tim"}, False),
)


@pytest.mark.parametrize(("text", "event", "passes"), PASSES)
def test_only_the_event_that_was_told_passes(catalog: Catalog, text: str, event: dict[str, Any], passes: bool) -> None:
    told = tell(text, catalog, event=event)
    assert told.outcome == "program", (told.asked, told.refused)
    assert told.triggered is passes
    assert bool(told.calls) is passes


def test_a_thing_is_told_apart_by_the_words_before_it(catalog: Catalog) -> None:
    told = tell("When the north gate opens, text me", catalog)
    assert told.trigger["params"] == {"device_name": "north"}


def test_no_comma_is_needed_before_telling_me(catalog: Catalog) -> None:
    told = tell('when the gate opens text me "The gate is open"', catalog, event={"state": "open"})
    assert told.calls == (("sms.send_sms", {"to": "+15550100", "body": "The gate is open"}),)


def test_a_common_word_before_what_happens_is_nobody(catalog: Catalog) -> None:
    told = tell("When order comes in, text me", catalog)
    assert "author" not in str(told.trigger)


def test_a_demand_in_a_sentence_of_its_own_is_not_dropped(catalog: Catalog) -> None:
    told = tell('When the gate opens, text me "Gate". It should be in red letters.', catalog)
    assert told.outcome == "questions"


def test_a_message_is_not_made_of_the_words_that_name_what_to_send() -> None:
    courier = """
service: courier
title: Courier
type: Post
connector: scripted
capabilities:
  send_letter:
    summary: Send a letter
    phrases: [send a letter, send]
    effect: write
    params:
      to: {type: string, entity: email, required: true}
      body: {type: string, required: true}
"""
    added, report = load_documents([yaml.safe_load(courier)])
    assert added is not None, report
    told = tell("send me the gossip", added)
    assert told.outcome == "questions"
    assert "send_letter.body" in told.asked


def test_a_service_called_text_is_no_reading_of_texting_somebody() -> None:
    told = tell("text Maria when the kitchen leak sensor goes off")
    assert told.outcome == "questions"
