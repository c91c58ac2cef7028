"""What a stretch of a request is to a capability that only describes itself: a value, its name, or neither."""

from __future__ import annotations

from typing import Any

import pytest

from eyeflow.catalog.model import Catalog
from frontend.test_described import _catalog
from frontend.told import tell

STUDIO = """
service: studio
title: Studio
type: Imported
connector: scripted
capabilities:
  speak:
    summary: Read a text aloud as audio
    effect: read
    params:
      text: {type: string, required: true, description: The text to read aloud}
      voice: {type: string, enum: [girl, boy, robot], description: Voice that reads}
  play_singer:
    summary: Play songs of a singer
    effect: read
    params: {singer: {type: string, required: true, description: Name of the singer}}
  lcm:
    summary: Calculate the least common multiple of two numbers
    effect: read
    params:
      first: {type: integer, required: true, description: First number}
      second: {type: integer, required: true, description: Second number}
  find_luthier:
    summary: Find luthiers by what they build and where they are
    effect: read
    params:
      craft: {type: string, required: true, description: "Area of instrument making, e.g. violins, lutes"}
      town: {type: string, required: true, description: Town of the workshop}
  gallery_facts:
    summary: Facts about a gallery
    effect: read
    params:
      gallery: {type: string, required: true, description: Name of the gallery}
      topics: {type: array, items: {type: string, enum: [prices, hours, art]}, description: Topics to tell about}
"""


@pytest.fixture(scope="module")
def studio() -> Catalog:
    """One service, not a phrase in it."""
    return _catalog(STUDIO)


READ: tuple[tuple[str, tuple[tuple[str, dict[str, Any]], ...]], ...] = (
    (  # a word of a quoted text is no value of its own
        "Read the sentence 'my girl is here' aloud as audio with a robot voice",
        (("studio.speak", {"text": "my girl is here", "voice": "robot"}),),
    ),
    (  # nor one of a longer name
        "Get facts about the Great Art House gallery including prices and hours",
        (("studio.gallery_facts", {"gallery": "Great Art House", "topics": ["prices", "hours"]}),),
    ),
    (  # the name of a capability spelled out
        "What is the least common multiple of 12 and 18?",
        (("studio.lcm", {"first": 12, "second": 18}),),
    ),
    (  # how many things the request is about
        "Help me with two tasks. First, play songs of Mina Lark. Second, I have two numbers, 12 and 18, and I need "
        "their least common multiple.",
        (("studio.play_singer", {"singer": "Mina Lark"}), ("studio.lcm", {"first": 12, "second": 18})),
    ),
    (  # a clause that leads up to the wish
        "I'm working on my guitar and I want to find luthiers that build lutes in Cremona",
        (("studio.find_luthier", {"craft": "lutes", "town": "Cremona"}),),
    ),
    ("Can you start playing songs of Mina Lark?", (("studio.play_singer", {"singer": "Mina Lark"}),)),
    (  # an area of something is no place
        "Find a luthier in Cremona for violins",
        (("studio.find_luthier", {"craft": "violins", "town": "Cremona"}),),
    ),
)


@pytest.mark.parametrize(("text", "calls"), READ, ids=[text[:50] for text, _ in READ])
def test_the_calls_it_asks_for(studio: Catalog, text: str, calls: tuple[tuple[str, dict[str, Any]], ...]) -> None:
    told = tell(text, studio)
    assert told.calls == calls, (told.outcome, told.asked, told.refused)
