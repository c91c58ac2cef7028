"""One thing of a kind, found among what a service lists: what is looked for, and what is done with the first."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import yaml

from eyeflow.catalog.load import load_documents
from eyeflow.catalog.model import Catalog
from frontend.told import Called, tell

JUKEBOX = """
service: jukebox
title: Jukebox
type: Home
connector: scripted
capabilities:
  playable:
    summary: Everything the jukebox could play
    phrases: [music, something to play]
    effect: read
    params: {query: {type: string, description: What to look for}}
    returns: &tracks
      type: array
      items: &track
        type: object
        properties:
          uri: {type: string}
          title: {type: string, role: summary}
          artists: {type: array, items: {type: string}}
          seconds: {type: number}
  search_songs:
    summary: Songs on the records
    phrases: [songs, tracks]
    effect: read
    params: {query: {type: string, description: What to look for}}
    returns: *tracks
  search_albums:
    summary: Albums on the records
    phrases: [albums, records]
    effect: read
    params: {query: {type: string, description: What to look for}}
    returns: *tracks
  list_stations:
    summary: Stations on the air
    phrases: [stations, radio stations]
    effect: read
    returns: *tracks
  play:
    summary: Play something
    phrases: [play, listen to]
    effect: write
    params: {playable: {type: string, required: true, description: What to play}}
  hush:
    summary: Stop the music
    phrases: [stop the music, stop playing]
    effect: write
"""

LIBRARY = """
service: town_library
title: Town Library
type: Library
connector: scripted
capabilities:
  search_books:
    summary: Books on the shelves
    phrases: [books, novels]
    effect: read
    params: {query: {type: string, description: Words of the title}}
    returns:
      type: array
      items:
        type: object
        properties:
          title: {type: string, role: summary}
          author: {type: string}
          pages: {type: number}
  reserve:
    summary: Keep a book for its reader
    phrases: [reserve, hold back]
    effect: write
    params: {title: {type: string, required: true, description: Title of the book}}
"""

GREENHOUSE = """
service: glasshouse
title: Glasshouse
type: Horticulture
connector: scripted
capabilities:
  list_plants:
    summary: The plants on the benches
    phrases: [plants, pots]
    effect: read
    returns:
      type: array
      items:
        type: object
        properties: {name: {type: string, role: summary}, moisture: {type: number, unit: percent}}
  water:
    summary: Water a plant
    phrases: [water, sprinkle]
    effect: write
    params: {name: {type: string, required: true, description: Name of the plant}}
triggers:
  warmed:
    summary: It grows too warm under the glass
    phrases: [it gets too warm, the glasshouse overheats]
    payload: {type: object, properties: {warmth: {type: number, unit: celsius}}}
"""


CHORES = """
service: chores
title: Chores
type: Home
connector: scripted
capabilities:
  list_chores:
    summary: What is to be done
    phrases: [chores, jobs]
    effect: read
    returns:
      type: array
      items: {type: object, properties: {title: {type: string, role: summary}, done: {type: boolean}}}
  add_chore:
    summary: Add something to be done
    phrases: [create a chore, add a chore]
    effect: write
    params: {title: {type: string, required: true, description: What is to be done}}
  finish_chore:
    summary: Mark something as done
    phrases: [finish]
    effect: write
    params: {title: {type: string, required: true, description: What was done}}
"""


@cache
def catalog() -> Catalog:
    made, report = load_documents([yaml.safe_load(text) for text in (JUKEBOX, LIBRARY, GREENHOUSE, CHORES)])
    assert made is not None, report
    return made


def track(title: str, *artists: str) -> dict[str, Any]:
    return {"uri": f"uri:{title}", "title": title, "artists": list(artists), "seconds": 180}


TRACKS = [track("Golden Hour", "Bob Ray"), track("Golden Hour (live)", "Ann Lee", "Bob Ray")]
BOOKS = [
    {"title": "Dune Messiah", "author": "A. Nobody", "pages": 300},
    {"title": "Dune", "author": "Frank Herbert", "pages": 600},
]
PLANTS = [{"name": "Aloe", "moisture": 20}, {"name": "Tree fern", "moisture": 60}]
HELD = {
    "jukebox.playable": [TRACKS],
    "jukebox.search_songs": [TRACKS],
    "jukebox.search_albums": [TRACKS],
    "jukebox.list_stations": [[track("Radio One"), track("Jazz FM")]],
    "town_library.search_books": [BOOKS],
    "glasshouse.list_plants": [PLANTS],
    "chores.list_chores": [[{"title": "Sweep", "done": False}, {"title": "Buy milk", "done": False}]],
}


def looked(read: str, query: str | None = None) -> Called:
    return read, {} if query is None else {"query": query}


def play(title: str) -> Called:
    return "jukebox.play", {"playable": title}


def reserve(title: str) -> Called:
    return "town_library.reserve", {"title": title}


def water(name: str) -> Called:
    return "glasshouse.water", {"name": name}


SONGS, ALBUMS, BOOKED, GROWN = (
    "jukebox.search_songs",
    "jukebox.search_albums",
    "town_library.search_books",
    "glasshouse.list_plants",
)

FOUND: tuple[tuple[str, tuple[Called, ...]], ...] = (
    ("play the song Golden Hour", (looked(SONGS, "Golden Hour"), play("Golden Hour"))),
    ("play Golden Hour", (looked("jukebox.playable", "Golden Hour"), play("Golden Hour"))),
    ("play the song Golden Hour by Ann Lee", (looked(SONGS, "Golden Hour"), play("Golden Hour (live)"))),
    ("play from Ann Lee song Golden Hour", (looked(SONGS, "Golden Hour"), play("Golden Hour (live)"))),
    ("listen to the Golden Hour album", (looked(ALBUMS, "Golden Hour"), play("Golden Hour"))),
    ("start playing the track called Golden Hour", (looked(SONGS, "Golden Hour"), play("Golden Hour"))),
    ("play me some music by Ann Lee", (looked("jukebox.playable"), play("Golden Hour (live)"))),
    ("play any song", (looked(SONGS), play("Golden Hour"))),
    ("play a radio station", (looked("jukebox.list_stations"), play("Radio One"))),
    ("play the station Jazz FM", (looked("jukebox.list_stations"), play("Jazz FM"))),
    ("play the newest album", (looked(ALBUMS), play("Golden Hour"))),
    ("play the song 'Stop the music'", (looked(SONGS, "Stop the music"), play("Golden Hour"))),
    ("stop playing", (("jukebox.hush", {}),)),
    ("reserve the novel Dune by Frank Herbert", (looked(BOOKED, "dune"), reserve("Dune"))),
    ("reserve a book about bees", (looked(BOOKED, "bees"), reserve("Dune Messiah"))),
    ("water the plant called Fern", (looked(GROWN), water("Tree fern"))),
    ("water the Fern", (looked(GROWN), water("Tree fern"))),
    ("water the fern", (water("fern"),)),
    ("water the first plant", (looked(GROWN), water("Aloe"))),
    ("water the plants", (looked(GROWN), water("Aloe"), water("Tree fern"))),
    ("finish the job Buy Milk", (looked("chores.list_chores"), ("chores.finish_chore", {"title": "Buy milk"}))),
    ("create a chore called Buy Bread", (("chores.add_chore", {"title": "Buy Bread"}),)),
    (
        "every day at 8:00 play the song Golden Hour and water the plant Fern",
        (looked(SONGS, "Golden Hour"), looked(GROWN), play("Golden Hour"), water("Tree fern")),
    ),
)


@pytest.mark.parametrize(("text", "calls"), FOUND)
def test_the_first_that_fits_what_is_said_is_taken(text: str, calls: tuple[Called, ...]) -> None:
    told = tell(text, catalog(), returns=HELD)
    assert told.outcome == "program", (told.asked, told.refused)
    assert told.calls == calls
    assert not told.failed


def test_it_is_looked_for_when_the_event_comes() -> None:
    told = tell("When it gets too warm, water the plant Fern", catalog(), returns=HELD, event={"warmth": 31})
    assert told.trigger["event"] == "warmed"
    assert told.calls == (looked(GROWN), water("Tree fern"))


def test_nothing_is_done_when_none_is_found() -> None:
    told = tell("water the plant Cactus", catalog(), returns=HELD)
    assert (told.outcome, told.calls, told.failed) == ("program", (looked(GROWN),), ())


ASKED: tuple[tuple[str, str], ...] = (
    ("play something", "play.playable"),
    ("play it", "it"),
    ("play relaxing music", "play.playable"),
    ("play songs", "play.playable"),
    ("play the best song", "play.playable"),
    ("play the oldest song", "play.playable"),
    ("play my favourite song", "play.playable"),
    ("play the songs Rain and Snow", "songs_rain"),
    ("play a song from the album Rain", "song_from_the_album"),
    ("reserve the shortest book", "reserve.title"),
    ("reserve a long book", "reserve.title"),
    ("reserve the book with the most pages", "reserve.title"),
    ("reserve the book Dune and the book Emma", "reserve.title"),
    ("reserve all books by Frank Herbert", "reserve.title"),
    ("hold back the longest book", "reserve.title"),
    ("water the driest plant", "water.name"),
    ("water the second plant", "water.name"),
    ("water the last plant", "water.name"),
    ("water the plant in the corner", "water.name"),
    ("water my plant", "water.name"),
    ("create a chore", "add_chore.title"),
)


@pytest.mark.parametrize(("text", "slot"), ASKED)
def test_which_one_is_asked_where_it_is_not_named(text: str, slot: str) -> None:
    told = tell(text, catalog())
    assert told.outcome == "questions", told.intent["actions"]
    assert told.asked[0] == slot


@pytest.mark.parametrize("text", ["add the job Buy Milk", "add Buy Milk", "create the chore Buy Milk"])
def test_what_is_made_is_never_looked_for(text: str) -> None:
    told = tell(text, catalog(), returns=HELD)
    assert not any(call == "chores.list_chores" for call, _ in told.calls)


@pytest.mark.parametrize("text", ["don't play the song Golden Hour", "play Rain by Ann Lee twice", "play two songs"])
def test_what_was_not_said_so_is_not_played(text: str) -> None:
    assert tell(text, catalog(), returns=HELD).outcome != "program"
