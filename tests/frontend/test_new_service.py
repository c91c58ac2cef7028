"""A service nobody has seen, added as YAML alone, is spoken of in new sentences: what their programs do."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from eyeflow.catalog.load import load_documents, merge, open_catalog
from eyeflow.catalog.model import Catalog
from frontend.told import Called, Told, tell

GREENHOUSE = """
service: verdant_house
title: Verdant
type: Horticulture
aliases: [the greenhouse, greenhouse]
connector: scripted
capabilities:
  read_climate:
    summary: Read the climate of a bay
    phrases: [climate, air, soil moisture, how moist is, how warm is the bay]
    examples: ["climate of bay {bay}", "read the climate of bay {bay}", "soil moisture in bay {bay}"]
    effect: read
    params: {bay: {type: string, required: true, description: Letter or name of the bay}}
    returns:
      type: object
      properties:
        warmth: {type: number, unit: celsius}
        moisture: {type: number, unit: percent}
        report: {type: string, role: summary}
  open_vents:
    summary: Open the roof vents of a bay
    phrases: [open the vents, vent, air out]
    examples: ["open the vents of bay {bay}", "air out bay {bay}"]
    effect: write
    params: {bay: {type: string, required: true, description: Letter or name of the bay}}
    returns: {type: object, properties: {done: {type: boolean}}}
  irrigate:
    summary: Water a bay for some minutes
    phrases: [irrigate, water, sprinkle]
    examples: ["irrigate bay {bay} for {minutes} minutes", "water bay {bay}"]
    effect: write
    params:
      bay: {type: string, required: true, description: Letter or name of the bay}
      minutes: {type: integer, default: 5, unit: minutes, description: How long}
    returns: {type: object, properties: {litres: {type: number}}}
  list_trays:
    summary: List the trays of seedlings
    phrases: [trays, seedling trays, list trays]
    effect: read
    returns:
      type: object
      properties:
        trays:
          type: array
          items: {type: object, properties: {label: {type: string, role: summary}, sprouted: {type: integer}}}
triggers:
  frost_warning:
    summary: Frost is expected in a bay
    phrases: [frost is expected, frost warning]
    payload: {type: object, properties: {bay: {type: string}, low: {type: number, unit: celsius}}}
"""

LENDING = """
service: folio_desk
title: Folio
type: Library
aliases: [the lending desk, lending desk]
connector: scripted
capabilities:
  lend:
    summary: Lend a book to a member
    phrases: [lend, check out, loan]
    examples: ["lend {book} to {member}", "check out {book} to {member}"]
    effect: write
    params:
      book: {type: string, required: true, role: content, description: Title of the book}
      member: {type: string, entity: email, required: true, description: Address of the member}
    returns: {type: object, properties: {due: {type: string, format: date}}}
  late_loans:
    summary: List the late loans
    phrases: [late loans, loans that are late, list late loans]
    effect: read
    returns:
      type: object
      properties:
        count: {type: integer}
        loans:
          type: array
          items:
            type: object
            properties:
              book: {type: string, role: summary}
              reader: {type: string, entity: email}
              days: {type: integer, unit: days}
  fine:
    summary: Charge a member a fine
    phrases: [fine, charge a fine]
    examples: ["fine {member} {amount}", "charge {member} a fine of {amount}"]
    effect: irreversible
    params:
      member: {type: string, entity: email, required: true, description: Address of the member}
      amount: {type: integer, entity: money, unit: cents, required: true, description: How much}
    returns: {type: object, properties: {ok: {type: boolean}}}
  remind:
    summary: Remind a member of their loans
    phrases: [nudge, chase, remind the reader]
    examples: ["nudge {member}", "chase {member}"]
    effect: write
    params: {member: {type: string, entity: email, required: true, description: Address of the member}}
    returns: {type: object, properties: {ok: {type: boolean}}}
triggers:
  book_returned:
    summary: A book is returned
    phrases: [book is returned, book comes back, someone returns a book]
    payload:
      type: object
      properties: {book: {type: string, role: summary}, reader: {type: string, entity: email}, days: {type: integer}}
"""


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """What ships, and the two services from nowhere."""
    added, report = load_documents([yaml.safe_load(GREENHOUSE), yaml.safe_load(LENDING)])
    assert added is not None, report
    merged, report = merge(open_catalog(), added)
    assert merged is not None, report
    return merged


def post(channel: str, text: str) -> Called:
    return "slack_notify.send_message", {"channel": channel, "text": text}


def sms(text: str) -> Called:
    return "sms.send_sms", {"to": "+15550100", "body": text}


def climate(**values: Any) -> dict[str, Any]:
    return {"returns": {"verdant_house.read_climate": [{"warmth": 20, "moisture": 40, "report": "fine", **values}]}}


TRAYS = {
    "returns": {
        "verdant_house.list_trays": [{"trays": [{"label": "T1", "sprouted": 2}, {"label": "T2", "sprouted": 9}]}]
    }
}
LOANS = {"returns": {"folio_desk.late_loans": [{"count": 2, "loans": [{"book": "Dune", "reader": "a@x.io",
                                                                      "days": 3}]}]}}  # fmt: skip
FROST = {"event": {"bay": "A", "low": -6}}
RETURNED = {"event": {"book": "Dune", "reader": "a@x.io", "days": 3}}
VENTS: Called = ("verdant_house.open_vents", {"bay": "C"})
WARM = 'If the warmth in bay B is above 35C, open the vents of bay B, otherwise post "Fine" to #garden'


def water(bay: str, minutes: int) -> Called:
    return "verdant_house.irrigate", {"bay": bay, "minutes": minutes}


Row = tuple[str, dict[str, Any], tuple[Called, ...], str | None]

GREENHOUSE_SENTENCES: tuple[Row, ...] = (
    ("Open the vents of bay C", {}, (VENTS,), None),
    ("Every day at 6am irrigate bay C for 10 minutes", {}, (water("C", 10),), "2026-11-24T06:00:00Z"),
    ("Water bay B every weekday at 7pm", {}, (water("B", 5),), "2026-11-23T19:00:00Z"),
    (WARM, climate(warmth=36), (("verdant_house.read_climate", {"bay": "B"}),
                                ("verdant_house.open_vents", {"bay": "B"})), None),
    (WARM, climate(warmth=35), (("verdant_house.read_climate", {"bay": "B"}), post("#garden", "Fine")), None),
    ('When frost is expected, text me "Close up"', FROST, (sms("Close up"),), None),
    ("When frost is expected in the greenhouse, post the bay to #garden", FROST, (post("#garden", "A"),), None),
    ('When frost below -5C is expected, DM @kim "Heaters!"', FROST,
     (("slack_notify.send_dm", {"user": "@kim", "text": "Heaters!"}),), None),
    ('When frost below -5C is expected, DM @kim "Heaters!"', {"event": {"bay": "A", "low": -5}}, (), None),
    ("For each seedling tray, post its label to #garden", TRAYS,
     (("verdant_house.list_trays", {}), post("#garden", "T1"), post("#garden", "T2")), None),
    ('Open the vents of bay C; if that fails, text me "Vents stuck"',
     {"fails": {"verdant_house.open_vents": ["unavailable"]}}, (sms("Vents stuck"),), None),
    ('Open the vents of bay C and post "Vents open" to #garden', {}, (VENTS, post("#garden", "Vents open")), None),
)  # fmt: skip

LENDING_SENTENCES: tuple[Row, ...] = (
    ('Lend "Dune" to ann@x.io', {}, (("folio_desk.lend", {"book": "Dune", "member": "ann@x.io"}),), None),
    ('Check out "Emma" to bob@y.io tomorrow at 10am', {},
     (("folio_desk.lend", {"book": "Emma", "member": "bob@y.io"}),), "2026-11-24T10:00:00Z"),
    ("Fine ann@x.io $2.50", {}, (("folio_desk.fine", {"member": "ann@x.io", "amount": 250}),), None),
    ("Charge ann@x.io a fine of $3", {}, (("folio_desk.fine", {"member": "ann@x.io", "amount": 300}),), None),
    ("Nudge ann@x.io every Friday at 4pm", {}, (("folio_desk.remind", {"member": "ann@x.io"}),),
     "2026-11-27T16:00:00Z"),
    ("Every Monday at 9am post the number of late loans to #library", LOANS,
     (("folio_desk.late_loans", {}), post("#library", "2")), "2026-11-23T09:00:00Z"),
    ("Email the late loans to me every weekday at 8am", LOANS,
     (("folio_desk.late_loans", {}),
      ("email.send", {"to": "me@acme.io", "body": "Dune", "subject": "Message from EyeFlow"})), "2026-11-24T08:00:00Z"),
    ('When a book is returned, email the reader "Thanks"', RETURNED,
     (("email.send", {"to": "a@x.io", "body": "Thanks", "subject": "Message from EyeFlow"}),), None),
    ('When a book is returned, post "{book} is back" to #library', RETURNED, (post("#library", "Dune is back"),), None),
    ("When a book is returned, add a row with the book and the reader to the sheet Returns", RETURNED,
     (("google_sheets.append_row", {"sheet": "Returns", "values": ["Dune", "a@x.io"], "tab": "Sheet1"}),), None),
)  # fmt: skip

ROWS = (*GREENHOUSE_SENTENCES, *LENDING_SENTENCES)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_sentence_about_a_new_service_does_what_it_says(row: Row, catalog: Catalog) -> None:
    text, scenario, calls, fire = row
    told: Told = tell(text, catalog, **scenario)
    assert (told.outcome, told.asked, told.refused) == ("program", (), ())
    assert told.calls == calls
    assert told.fires[:1] == ((fire,) if fire else ())


def test_ten_sentences_for_each() -> None:
    for rows in (GREENHOUSE_SENTENCES, LENDING_SENTENCES):
        assert len({text for text, *_ in rows}) >= 10


def test_without_the_document_the_service_is_unknown() -> None:
    for text in ("Open the vents of bay C", "Nudge ann@x.io every Friday at 4pm"):
        assert tell(text).outcome != "program"


@pytest.mark.parametrize(("text", "slot"), [("Irrigate", "irrigate.bay"), ('Lend "Dune"', "lend.member")])
def test_what_a_new_service_needs_is_asked(text: str, slot: str, catalog: Catalog) -> None:
    told = tell(text, catalog)
    assert told.outcome == "questions"
    assert slot in told.asked
