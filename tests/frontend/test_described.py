"""Services that only describe themselves, as an imported API does: no phrases, no examples, never seen before."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from eyeflow.catalog.load import load_documents
from eyeflow.catalog.model import Catalog
from frontend.told import tell

POTTERY = """
service: pottery
title: Pottery
type: Imported
connector: scripted
capabilities:
  kiln_firing_cost:
    summary: Calculate the cost of firing a kiln for some hours
    effect: read
    params:
      volume: {type: number, required: true, description: Volume of the kiln in liters}
      hours: {type: integer, required: true, description: How many hours the kiln is fired}
      rate: {type: number, description: Price rise per year as a fraction}
    returns: {type: object, properties: {cost: {type: number}}}
  shrinkage:
    summary: Estimate the shrinkage of a clay body
    effect: read
    params:
      clay: {type: string, required: true, description: "The clay body, e.g. stoneware, porcelain, terracotta"}
      temperature: {type: integer, required: true, description: Firing temperature in celsius}
      glazed: {type: boolean, description: Whether the piece is glazed}
    returns: {type: object, properties: {percent: {type: number}}}
  mean_weight:
    summary: The mean weight of a batch of pots
    effect: read
    params: {weights: {type: array, items: {type: number}, required: true, description: Weights of the pots}}
    returns: {type: object, properties: {mean: {type: number}}}
"""

FERRIES = """
service: ferries
title: Ferries
type: Imported
connector: scripted
capabilities:
  find_crossings:
    summary: Find ferry crossings between two ports on a day
    effect: read
    params:
      from_port: {type: string, required: true, description: Port of departure}
      to_port: {type: string, required: true, description: Port of arrival}
      departure_date: {type: string, required: true, description: "Day of departure in the format dd/mm/yyyy"}
      cabin: {type: string, enum: [inside, outside, suite], description: Cabin class}
    returns: {type: object, properties: {crossings: {type: array, items: {type: object}}}}
  cancel_ticket:
    summary: Cancel a ferry ticket
    effect: write
    params: {ticket_id: {type: string, required: true, description: The id of the ticket}}
    returns: {type: object, properties: {ok: {type: boolean}}}
"""

TIDES = """
service: tides
title: Tides
type: Imported
connector: scripted
capabilities:
  tide_table:
    summary: Tide table of a harbour
    effect: read
    params:
      harbour_name: {type: string, required: true, description: Name of the harbour}
      days: {type: integer, required: true, description: "How many days to list. Default is 7."}
      unit: {type: string, enum: [meters, feet], description: Unit of the heights}
    returns: {type: object, properties: {tides: {type: array, items: {type: object}}}}
"""


def _catalog(*documents: str) -> Catalog:
    added, report = load_documents([yaml.safe_load(text) for text in documents])
    assert added is not None, report
    return added


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """Three services, not a phrase among them."""
    return _catalog(POTTERY, FERRIES, TIDES)


CALLS: tuple[tuple[str, list[tuple[str, dict[str, Any]]]], ...] = (
    (
        "What does firing a kiln with a volume of 120 liters for 9 hours cost?",
        [("pottery.kiln_firing_cost", {"volume": 120, "hours": 9})],
    ),
    (
        "Calculate the kiln firing cost: 9 hours, volume 120 liters, rate 5%",
        [("pottery.kiln_firing_cost", {"volume": 120, "hours": 9, "rate": 0.05})],
    ),
    (
        "What does firing a kiln with a volume of 120 liters for 2 days cost?",
        [("pottery.kiln_firing_cost", {"volume": 120, "hours": 48})],
    ),
    (
        "estimate the shrinkage of glazed porcelain clay at a temperature of 1260 celsius",
        [("pottery.shrinkage", {"clay": "porcelain", "temperature": 1260, "glazed": True})],
    ),
    (
        "Can you tell me the mean weight of pots weighing [410, 398.5, 402]?",
        [("pottery.mean_weight", {"weights": [410, 398.5, 402]})],
    ),
    (
        "I need to find a ferry crossing from Harwich to Hoek van Holland on May 3rd, 2027",
        [
            (
                "ferries.find_crossings",
                {"from_port": "Harwich", "to_port": "Hoek van Holland", "departure_date": "03/05/2027"},
            )
        ],
    ),
    (
        "Find ferry crossings to Dublin from Holyhead on 2027-06-01 with an outside cabin",
        [
            (
                "ferries.find_crossings",
                {"from_port": "Holyhead", "to_port": "Dublin", "departure_date": "01/06/2027", "cabin": "outside"},
            )
        ],
    ),
    ("Cancel the ferry ticket with id FX-2041", [("ferries.cancel_ticket", {"ticket_id": "FX-2041"})]),
    (
        "What is the tide table of Port Ellen harbour in feet?",
        [("tides.tide_table", {"harbour_name": "Port Ellen", "days": 7, "unit": "feet"})],
    ),
    (
        "Tide table for the harbour 'Scrabster' for the next 3 days",
        [("tides.tide_table", {"harbour_name": "Scrabster", "days": 3})],
    ),
)


@pytest.mark.parametrize(("text", "calls"), CALLS)
def test_a_question_is_one_call_of_what_describes_itself(
    catalog: Catalog, text: str, calls: list[tuple[str, dict[str, Any]]]
) -> None:
    told = tell(text, catalog)
    assert told.outcome == "program", (told.asked, told.refused)
    assert told.trigger == {"type": "manual"}
    assert list(told.calls) == calls


SEVERAL: tuple[tuple[str, list[dict[str, Any]]], ...] = (
    (
        "What does firing a kiln with a volume of 120 liters for 6, 9 and 12 hours cost?",
        [{"volume": 120, "hours": 6}, {"volume": 120, "hours": 9}, {"volume": 120, "hours": 12}],
    ),
    (
        "Calculate the kiln firing cost of a volume of 80 liters for 6 hours, then a volume of 120 liters for 9 hours",
        [{"volume": 80, "hours": 6}, {"volume": 120, "hours": 9}],
    ),
    (
        "Tide table of the harbours 'Scrabster' and 'Lossie' for 2 days",
        [{"harbour_name": "Scrabster", "days": 2}, {"harbour_name": "Lossie", "days": 2}],
    ),
)


@pytest.mark.parametrize(("text", "params"), SEVERAL)
def test_values_said_in_a_row_are_a_call_each(catalog: Catalog, text: str, params: list[dict[str, Any]]) -> None:
    told = tell(text, catalog)
    assert told.outcome == "program", (told.asked, told.refused)
    assert [said for _, said in told.calls] == params


def test_two_capabilities_in_one_request_are_called_each(catalog: Catalog) -> None:
    told = tell("What is the mean weight of pots weighing [4, 6]? Also give me the tide table of 'Lossie'.", catalog)
    assert sorted(name for name, _ in told.calls) == ["pottery.mean_weight", "tides.tide_table"]


ASKED = (
    ("Find ferry crossings from Harwich to Esbjerg", "find_crossings.departure_date"),
    ("Estimate the shrinkage of porcelain clay", "shrinkage.temperature"),
    ("Cancel a ferry ticket", "cancel_ticket.ticket_id"),
)


@pytest.mark.parametrize(("text", "slot"), ASKED)
def test_what_is_required_and_not_said_is_asked(catalog: Catalog, text: str, slot: str) -> None:
    told = tell(text, catalog)
    assert told.outcome == "questions"
    assert slot in told.asked


def test_an_answer_completes_the_call(catalog: Catalog) -> None:
    text = "Estimate the shrinkage of porcelain clay"
    told = tell(text, catalog, answers_to_questions={"shrinkage.temperature": "1240"})
    assert told.calls == (("pottery.shrinkage", {"clay": "porcelain", "temperature": 1240}),)


NOT_SURE = (
    # a value nobody has a place for
    "What does firing a kiln with a volume of 120 liters for 9 hours on Tuesday in Leeds cost?",
    # a shared word beside another: not the same thing
    "What is the wave table of Port Ellen harbour?",
    # what is left out cannot be said to the service
    "Find ferry crossings from Harwich to Esbjerg on 2027-05-03 but not with DFDS",
    # something else entirely
    "Who painted the ceiling of the chapel?",
    "What is the best month to visit Madeira?",
    "hello",
    # a state the request says nothing of must not be made up
    "If the tide is low, find a ferry crossing from Harwich to Esbjerg on 2027-05-03",
    # which of two days, and which order of day and month
    "Find ferry crossings from Harwich to Esbjerg on 3/5/2027",
    # a question about it is no order to do it, and another verb is another thing
    "Did I cancel the ferry ticket with id FX-2041?",
    "Should I cancel the ferry ticket with id FX-2041?",
    "Renew the ferry ticket with id FX-2041",
    # what is to be confirmed is not what it tells
    "Is the Lossie harbour deep enough?",
    "Does the Lossie harbour freeze?",
    # a second order, a time, a place beside the one named: nothing of it is dropped
    "Get the tide table of Port Ellen harbour and email it to the crew",
    "Tide table of the harbour 'Lossie' for 3 days last week",
    "Give me the tide table of the harbour after Port Ellen",
    "Tide table for the neighbour of Port Ellen harbour",
    # a month has no number of hours
    "What does firing a kiln with a volume of 120 liters for 9 months cost?",
    # values that do not line up
    "Calculate the kiln firing cost of 80 and 120 liters for 6, 9 and 12 hours in the same year",
)


@pytest.mark.parametrize("text", NOT_SURE)
def test_what_is_not_surely_meant_never_runs(catalog: Catalog, text: str) -> None:
    assert tell(text, catalog).outcome != "program"


def test_two_services_that_say_the_same_are_asked_about() -> None:
    one = """
{service: %s, title: %s, type: Office, connector: scripted,
 capabilities: {list_permits: {summary: List the permits, effect: read}}}
"""
    told = tell("List the permits", _catalog(one % ("harbour", "Harbour office"), one % ("forest", "Forest office")))
    assert told.outcome == "questions"
    assert told.asked == ("service",)


def test_commands_are_not_made_of_plain_words() -> None:
    shell = """
service: shell
title: Shell
type: Imported
connector: scripted
capabilities:
  run_command:
    summary: Run a shell command
    effect: write
    params: {command: {type: string, required: true, description: The command}}
"""
    assert tell("run the shell command that clears Downloads", _catalog(shell)).outcome != "program"


def test_a_default_that_only_the_description_states_is_shown(catalog: Catalog) -> None:
    told = tell("What is the tide table of Port Ellen harbour?", catalog)
    assert told.assumed["tide_table.days"] == 7


HOSTILE = (
    "tide table " * 300,
    "[" * 500 + " tide table",
    "tide \u202e table of \x41\u0301 harbour",
    "1 " * 1500 + "tides",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_odd_requests_end_with_an_outcome(catalog: Catalog, text: str) -> None:
    assert tell(text, catalog).outcome in ("program", "questions", "refused")


def test_where_no_words_name_it_the_nearest_is_asked_about(catalog: Catalog) -> None:
    text = "How muddy is stoneware?"
    first = tell(text, catalog)
    assert first.outcome == "questions"
    assert first.asked == ("service",)
    offered = first.intent["questions"][0]["options"]
    assert offered == ["Pottery: Estimate the shrinkage of a clay body", "no, something else"]
    answers = {"service": offered[0], "shrinkage.temperature": "1200", "muddy": ""}
    assert tell(text, catalog, answers_to_questions=answers).calls == ()
    assert tell(text, catalog, answers_to_questions={"service": offered[-1]}).calls == ()


def test_the_one_of_two_that_was_meant_is_called() -> None:
    one = """
{service: %s, title: %s, type: Office, connector: scripted,
 capabilities: {list_permits: {summary: List the permits, effect: read}}}
"""
    offices = _catalog(one % ("harbour", "Harbour office"), one % ("forest", "Forest office"))
    for title, service in (("Harbour office", "harbour"), ("Forest office", "forest")):
        answers = {"service": f"{title}: List the permits"}
        told = tell("List the permits", offices, answers_to_questions=answers)
        assert told.calls == ((f"{service}.list_permits", {}),)


def test_after_something_in_a_story_is_its_next_step(catalog: Catalog) -> None:
    story = (
        "Find ferry crossings from Oban to Craignure on 3 May 2027. After lunch, get the tide table of Oban harbour."
    )
    told = tell(story, catalog)
    assert told.outcome != "refused"
    assert [a["function"] for a in told.intent["actions"]] == ["find_crossings", "tide_table"]
    alone = tell("After lunch, get the tide table of Oban harbour.", catalog)
    assert alone.outcome != "program"
