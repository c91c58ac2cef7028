"""What starts a task when it is not written `when X, do Y`: events of a service nobody has seen, timers, alarms."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from eyeflow.catalog.load import load_documents
from eyeflow.catalog.model import Catalog
from frontend.told import tell

AQUARIUM = """
service: aquarium
title: Aquarium
type: Home
connector: scripted
capabilities:
  tell_keeper:
    summary: Tell the keeper something
    phrases: [tell me, notify me, let me know, remind me]
    effect: write
    params: {message: {type: string, role: content}}
  ring:
    summary: Ring a bell
    phrases: [ring the bell, set an alarm, alarm]
    effect: write
    params: {name: {type: string, description: What the alarm is called}}
  ring_timer:
    summary: Ring when a timer has run down
    phrases: [set a timer, timer]
    effect: write
triggers:
  acidity:
    summary: The acidity of the water
    phrases: [the acidity of the water, acidity]
    payload: {type: object, properties: {value: {type: number}}}
  warmth:
    summary: The temperature of the water
    phrases: [the temperature of the water, temperature]
    payload: {type: object, properties: {value: {type: number, unit: celsius}}}
  pump:
    summary: The state of the pump
    phrases: [the state of the pump, pump]
    payload: {type: object, properties: {state: {type: string, enum: ["on", "off"]}}}
  sky:
    summary: The light over the tank
    phrases: [the light over the tank]
    payload: {type: object, properties: {light: {type: string, enum: [dawning, gloomy, misty]}}}
  own_note:
    summary: A note of your own
    phrases: [when i write a note, note]
    payload: {type: object, properties: {text: {type: string}, author: {type: string, entity: person}}}
  shared_note:
    summary: A note somebody shares
    phrases: [when someone writes a note, when someone posts, shared note, note]
    payload: {type: object, properties: {text: {type: string}, author: {type: string, entity: person}}}
"""


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """One service with events."""
    made, report = load_documents([yaml.safe_load(AQUARIUM)])
    assert made is not None, report
    return made


EVENTS: tuple[tuple[str, str, str | None], ...] = (
    ("when the pump turns off notify me", "pump", 'EQ(trigger.state, "off")'),
    ("if the acidity gets to 8 let me know", "acidity", "GE(trigger.value, 8)"),
    ("notify me if the acidity is above 7", "acidity", "GT(trigger.value, 7)"),
    ("let me know when it's misty", "sky", 'EQ(trigger.light, "misty")'),
    ('when somebody writes a note mentioning "algae" tell me', "shared_note", 'CONTAINS(trigger.text, "algae")'),
    ("notify me when Mika posts", "shared_note", 'EQ(trigger.author, "Mika")'),
    ("tell me when ada lumi posts", "shared_note", 'EQ(trigger.author, "ada lumi")'),
    ("let me know when @ada posts", "shared_note", 'EQ(trigger.author, "@ada")'),
    ("let me know if the thermostat goes above 28 c", "warmth", "GT(trigger.value, 28 celsius)"),
)


@pytest.mark.parametrize(("text", "event", "where"), EVENTS)
def test_an_event_is_understood_without_a_comma(catalog: Catalog, text: str, event: str, where: str | None) -> None:
    told = tell(text, catalog)
    assert told.outcome == "program", (told.asked, told.refused)
    assert (told.trigger["event"], told.trigger.get("where")) == (event, where)


TIMES: tuple[tuple[str, str], ...] = (
    ("set a timer for 20 minutes", "2026-11-23T08:20:00Z"),
    ("if it's 21:45 ring the bell", "2026-11-23T21:45:00Z"),
    ("notify me when its 18:30", "2026-11-23T18:30:00Z"),
)


@pytest.mark.parametrize(("text", "fires"), TIMES)
def test_a_time_starts_it_however_it_is_told(catalog: Catalog, text: str, fires: str) -> None:
    told = tell(text, catalog)
    assert told.outcome == "program", (told.asked, told.refused)
    assert told.fires[0] == fires


def test_what_a_later_sentence_calls_it_is_its_name(catalog: Catalog) -> None:
    for text in ("set an alarm for 19:15. it should be called feeding", "set an alarm for 19:15. Name it feeding"):
        told = tell(text, catalog)
        assert told.outcome == "program", (told.asked, told.refused)
        assert told.intent["actions"][0]["params"] == {"name": "feeding"}


ASKED: tuple[tuple[str, str], ...] = (
    ("set an alarm", "trigger.time"),
    ("when the pump turns on", "action"),
)


@pytest.mark.parametrize(("text", "slot"), ASKED)
def test_what_is_missing_is_asked(catalog: Catalog, text: str, slot: str) -> None:
    told: Any = tell(text, catalog)
    assert told.outcome == "questions"
    assert slot in told.asked
