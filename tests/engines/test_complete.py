"""What a helper may complete: words that are values, where two sources agree and nothing is left unexplained."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from engines.scripted import context
from eyeflow.catalog.load import load_documents
from eyeflow.catalog.model import CompileContext, Profile
from eyeflow.compiler import compile_intent
from eyeflow.frontend.engines import READING, Facts, Judged, Proposal, judge
from eyeflow.frontend.engines.complete import helpable
from eyeflow.frontend.engines.retrieve import clauses
from eyeflow.frontend.hints import Hint, found_at
from eyeflow.frontend.rules import understand

CROSSING = {
    "summary": "Find a ferry crossing between two harbours",
    "params": {
        "from_port": {"type": "string", "required": True, "description": "Harbour of departure"},
        "to_port": {"type": "string", "required": True, "description": "Harbour of arrival"},
        "vehicle": {"type": "string", "description": "Kind of vehicle taken along"},
        "cabin": {"type": "string", "description": "Kind of cabin wanted"},
    },
}
BOOKS = {
    "summary": "Look up books in the city library by author, subject or language",
    "params": {
        "author": {"type": "string", "description": "Who wrote it"},
        "subject": {"type": "string", "description": "What it is about"},
        "language": {"type": "string", "description": "Language the book is written in"},
    },
}
MECHANIC = {
    "summary": "Search for a mechanic by speciality and town",
    "params": {
        "speciality": {"type": "string", "required": True, "description": "Field of expertise, e.g. brakes"},
        "town": {"type": "string", "required": True, "description": "Town to look in"},
    },
}
PLUMBER = {**MECHANIC, "summary": "Search for a plumber by speciality and town"}
PHRASE = {
    "summary": "Translate a phrase into another language",
    "params": {
        "phrase": {"type": "string", "required": True, "description": "Text to translate"},
        "target": {"type": "string", "required": True, "description": "Language wanted"},
    },
}
FERRY = "a crossing from Harwich to Esbjerg with my campervan"
VAN = Hint("world", "find_crossing", (("vehicle", "my campervan"),), frozenset({"vehicle"}))


def world(effect: str = "read", **functions: dict[str, Any]) -> CompileContext:
    """One service of functions that only describe themselves."""
    made = {name: {**spec, "effect": effect} for name, spec in functions.items()}
    service = {"service": "world", "title": "World", "type": "Tool", "connector": "scripted", "capabilities": made}
    catalog, report = load_documents([service])
    assert catalog is not None, report
    now = datetime(2026, 11, 23, 8, tzinfo=UTC)
    return CompileContext(catalog=catalog, now=now, zone_assumed=False, profile=Profile())


def told(text: str, ctx: CompileContext, *hints: Hint, sure: float = 0.6, reading: str = "yes") -> Judged:
    """What is made of hints beside the rules' reading."""
    proposal = Proposal(
        text=text, engine="local", hints=hints, facts=Facts(confidence=sure),
        answers=((READING, reading),),
    )  # fmt: skip
    return judge(proposal, understand(text, ctx), ctx)


def test_words_the_rules_ask_about_are_the_value_that_two_sources_see() -> None:
    ctx = world(find_crossing=CROSSING)
    alone = understand(FERRY, ctx)
    assert [q.slot for q in alone.questions] == ["campervan"]
    found = told(FERRY, ctx, VAN)
    assert (found.verdict, found.intent.outcome, found.intent.engine) == ("chosen", "program", "rules+local")
    assert found.intent.actions[0].params == {"from_port": "Harwich", "to_port": "Esbjerg", "vehicle": "campervan"}
    assert [(a.slot, a.value, a.why) for a in found.intent.assumptions] == [
        ("find_crossing.vehicle", "campervan", "as local reads it")
    ]
    assert compile_intent(found.intent, ctx).require()


def test_what_helpers_see_is_a_question() -> None:
    ctx = world(find_crossing=CROSSING)
    (question,) = told(FERRY, ctx, VAN, reading="").intent.questions
    assert (question.slot, question.options) == (READING, ("yes", "no"))
    assert "campervan" in question.text
    yes = told(FERRY, ctx, VAN, reading="yes")
    assert (yes.verdict, yes.intent.outcome) == ("chosen", "program")
    assert told(FERRY, ctx, VAN, reading="no").intent == understand(FERRY, ctx)


@pytest.mark.parametrize(
    "hint",
    [
        Hint("world", "find_crossing", (("vehicle", "my campervan"),)),  # nobody agrees that it is a vehicle
        Hint("world", "find_crossing", (("vehicle", "motorbike"),), frozenset({"vehicle"})),  # nobody said it
        Hint("world", "find_crossing", (("vehicle", "camper"),), frozenset({"vehicle"})),  # not a whole word
        Hint("world", "find_crossing", (("from_port", "my campervan"),), frozenset({"from_port"})),  # another's place
        Hint("world", "find_crossing", (("to_port", "Harwich"), ("vehicle", "my campervan")), frozenset({"to_port"})),
        Hint("world", "find_books", (("subject", "my campervan"),), frozenset({"subject"})),  # another function
        Hint("elsewhere", "nothing", (("vehicle", "my campervan"),), frozenset({"vehicle"})),
    ],
)
def test_what_is_not_said_agreed_or_fitting_stays_a_question(hint: Hint) -> None:
    ctx = world(find_crossing=CROSSING, find_books=BOOKS)
    assert told(FERRY, ctx, hint).intent == understand(FERRY, ctx)


def test_a_word_that_nothing_explains_is_still_asked_about() -> None:
    ctx = world(find_crossing=CROSSING)
    text = "how long is the crossing from Harwich to Esbjerg with my campervan"
    found = told(text, ctx, VAN)
    assert found.intent == understand(text, ctx)
    assert found.intent.outcome != "program"


def test_what_cannot_be_undone_is_never_completed() -> None:
    ctx = world("irreversible", find_crossing=CROSSING)
    assert understand(FERRY, ctx).outcome == "questions"
    assert told(FERRY, ctx, VAN).intent == understand(FERRY, ctx)


def test_an_unsure_helper_completes_nothing() -> None:
    ctx = world(find_crossing=CROSSING)
    assert told(FERRY, ctx, VAN, sure=0.05).intent == understand(FERRY, ctx)


def test_a_function_that_no_word_of_the_request_asks_for_stays_refused() -> None:
    ctx = world(translate_phrase=PHRASE)
    for text in ("What is 'good night' in Welsh?", "Put 'good night' into Welsh"):
        assert understand(text, ctx).outcome == "refused"
        assert told(text, ctx, Hint("world", "translate_phrase")).intent.outcome == "refused"


def test_of_two_functions_that_come_as_near_no_helper_chooses() -> None:
    ctx = world(find_mechanic=MECHANIC, find_plumber=PLUMBER)
    text = "search for gearbox people in Leeds"
    hint = Hint("world", "find_plumber", (("speciality", "gearbox"),), frozenset({"speciality"}))
    assert told(text, ctx, hint).intent.outcome != "program"


def test_a_call_hinted_twice_is_two_calls_or_none() -> None:
    ctx = world(find_crossing=CROSSING)
    assert told(FERRY, ctx, VAN, VAN).intent == understand(FERRY, ctx)


def test_when_something_runs_is_not_for_a_helper() -> None:
    ctx = context()
    assert not helpable(understand("Every day at 5 post 'hi' to #team", ctx))
    assert not helpable(understand("Post 'hi' to #team", ctx))


def test_a_value_is_found_word_for_word() -> None:
    ctx = context()
    (clause,) = clauses("Play Moon River, or the 'Blue Train' please", ctx)[:1]
    items = clause.items
    for said, there in (("moon river", 1), ("Blue Train", 1), ("blue", 0), ("river or", 1), ("Moon Ri", 0), ("", 0)):
        assert len(found_at(said, items)) == there


def test_a_value_widened_by_the_words_asked_about_is_to_be_confirmed() -> None:
    service = {
        "service": "player",
        "title": "Player",
        "type": "Music",
        "connector": "scripted",
        "capabilities": {
            "play": {
                "summary": "Play a piece of music",
                "phrases": ["play"],
                "examples": ["play {title}"],
                "effect": "write",
                "params": {"title": {"type": "string", "required": True}, "room": {"type": "string"}},
            }
        },
    }
    catalog, report = load_documents([service])
    assert catalog is not None, report
    ctx = CompileContext(catalog=catalog, now=datetime(2026, 11, 23, 8, tzinfo=UTC), zone_assumed=False)
    text = "play Marimba 1974 sessions"
    alone = understand(text, ctx)
    assert [q.slot for q in alone.questions] == ["1974_sessions"]
    hint = Hint("player", "play", (("title", "Marimba 1974 sessions"),))
    (question,) = told(text, ctx, hint, reading="").intent.questions
    assert question.slot == READING and "Marimba 1974 sessions" in question.text
    found = told(text, ctx, hint, reading="yes")
    assert found.intent.outcome == "program"
    assert found.intent.actions[0].params == {"title": "Marimba 1974 sessions"}
    assert found.intent.text == text
    assert [a.slot for a in found.intent.assumptions] == ["play.title"]
    for other in ("Marimba 1974", "1974 sessions", "Marimba sessions", "Vibraphone 1974 sessions"):
        assert told(text, ctx, Hint("player", "play", (("title", other),))).intent == alone
    assert told(text, ctx, Hint("player", "play", (("room", "Marimba 1974 sessions"),))).intent == alone
