"""The Intent as JSON: its documented fields, its spans, the same bytes every time, and an end for every text."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import eyeflow
from eyeflow.catalog.settings import read_profile
from eyeflow.frontend.literals import seed_tokens
from eyeflow.frontend.summary import summary
from frontend.told import NOW, PROFILE, shipped, tell

SENTENCE = "Send weather to Slack every morning at 9am"
MOMENT = datetime.fromisoformat(NOW)


def compiled(text: str) -> eyeflow.Compilation:
    profile, report = read_profile(PROFILE)
    assert profile is not None, report
    return eyeflow.compile(text, catalog=shipped(), profile=profile, now=MOMENT)


def intent(text: str) -> dict[str, Any]:
    made = compiled(text).intent
    assert made is not None
    data: dict[str, Any] = json.loads(msgspec.json.encode(made))
    return data


def words(text: str, span: list[int]) -> str:
    return text[span[0] : span[1]]


def test_acceptance_26_27_the_seed_sentence_has_eight_tokens_and_is_schedule_and_send_message() -> None:
    made = compiled(SENTENCE)
    assert seed_tokens(made.text) == ("Send", "weather", "to", "Slack", "every", "morning", "at", "9am")
    assert made.intent is not None
    assert summary(made.intent, shipped()) == "SCHEDULE + SEND_MESSAGE"


def test_acceptance_28_the_trigger_is_a_schedule_daily_at_nine() -> None:
    trigger = intent(SENTENCE)["trigger"]
    assert {k: trigger[k] for k in ("type", "time", "frequency")} == {
        "type": "schedule", "time": "09:00", "frequency": "daily",
    }  # fmt: skip
    assert trigger["rules"] == ["FREQ=DAILY;BYHOUR=9;BYMINUTE=0"]


def test_acceptance_29_the_message_is_slacks() -> None:
    found = [(a["service"], a["function"]) for a in intent(SENTENCE)["actions"]]
    assert found == [("openweather", "current_weather"), ("slack_notify", "send_message")]


def test_acceptance_30_an_unknown_action_stops_the_compile_and_is_named() -> None:
    made = compiled("Launch a rocket to the moon")
    assert made.outcome == "refused"
    assert made.program is None
    assert "rocket" in made.refusals[0].text
    assert made.report.errors[0].code == "refused"
    with pytest.raises(eyeflow.CompileError):
        made.compiled.require()


def test_an_intent_has_the_documented_fields_and_no_others() -> None:
    data = intent(SENTENCE)
    assert set(data) == {
        "text", "outcome", "trigger", "actions", "assumptions", "questions", "refusals", "also", "confidence", "engine",
    }  # fmt: skip
    assert (data["text"], data["outcome"], data["engine"], data["also"]) == (SENTENCE, "program", "rules", [])
    assert set(data["trigger"]) == {"type", "time", "frequency", "rules", "timezone", "span"}
    assert [set(a) for a in data["actions"]] == [{"id", "service", "function", "params", "span"}] * 2
    assert all(set(a) == {"slot", "value", "why"} for a in data["assumptions"])
    assert 0 < data["confidence"] <= 1


def test_spans_point_at_the_words() -> None:
    data = intent(SENTENCE)
    assert words(SENTENCE, data["trigger"]["span"]) == "every morning at 9am"
    fetched, sent = data["actions"]
    assert words(SENTENCE, fetched["span"]) == "weather"
    assert words(SENTENCE, sent["span"]).startswith("Send")


def test_spans_count_code_points() -> None:
    text = 'Post "🎉 fête" to #über every day at 9am'
    data = intent(text)
    assert words(text, data["trigger"]["span"]) == "every day at 9am"


def test_a_question_has_slot_text_options_and_span() -> None:
    text = 'Post "tea" to #office every day at 5'
    data = intent(text)
    (asked,) = data["questions"]
    assert set(asked) == {"slot", "text", "options", "span"}
    assert (asked["slot"], asked["options"]) == ("trigger.time", ["05:00", "17:00"])
    assert "5" in words(text, asked["span"])
    assert data["outcome"] == "questions"


def test_a_refusal_has_span_text_reason_and_suggestions() -> None:
    text = 'Post "x" to #a and order a pizza'
    data = intent(text)
    assert data["outcome"] == "refused"
    (refused,) = data["refusals"]
    assert set(refused) == {"span", "text", "reason", "suggestions"}
    assert words(text, refused["span"]) == refused["text"] == "order a pizza"
    assert "order a pizza" in refused["reason"]


def test_what_was_assumed_says_why() -> None:
    assumed = {a["slot"]: (a["value"], a["why"]) for a in intent(SENTENCE)["assumptions"]}
    assert assumed["weather.location"] == ("Paris", "your profile")
    assert assumed["message.channel"] == ("#general", "your profile")


MANY = (
    SENTENCE,
    'If the temperature in Rome is above 30C post "Hot" to #rome, otherwise post "Fine" to #rome',
    "For each open issue in acme/api, post its title to #hot",
    "When an order comes in, post it to #orders",
    'Post "x" to #a and order a pizza',
    "Plz psot hello somewhere",
)


def test_the_same_request_gives_the_same_bytes_every_time() -> None:
    for text in MANY:
        assert len({msgspec.json.encode(compiled(text).intent) for _ in range(20)}) == 1


_TELL = """
import json, sys, hashlib, msgspec
sys.path[:0] = json.loads(sys.argv[1])
from frontend.test_intent import MANY, compiled
print(hashlib.sha256(b"".join(msgspec.json.encode(compiled(text).intent) for text in MANY)).hexdigest())
"""


def test_the_bytes_do_not_depend_on_the_hash_seed() -> None:
    def told(seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", _TELL, json.dumps(sys.path)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    assert len({told(seed) for seed in ("0", "1", "4242")}) == 1


HOSTILE = {
    "empty": "",
    "blanks": " \n\t ",
    "a megabyte": "post hello to #a and " * 50_000,
    "a megabyte in one word": "a" * 1_000_000,
    "German": "Schicke mir jeden Morgen um neun das Wetter",
    "Chinese": "每天早上九点把天气发到Slack",
    "Arabic": "أرسل الطقس إلى سلاك كل صباح",
    "emoji": "🎉🚀🔥" * 40,
    "control characters": "post \x00\x1b[31m to #a",
    "surrogate": "post \ud800 to #a",
    "bidi": "post \u202eevil\u202c to #a every day at 9am",
    "three thousand ands": "and " * 3_000,
    "three hundred clauses": " and ".join(f'post "{i}" to #a' for i in range(300)),
    "commas": "," * 4_000,
    "deep quotes": "post " + "\"'“" * 800 + " to #a",
    "open quote": 'post "hello to #a every day',
    "deep brackets": "post " + "(" * 2_000 + "{" * 1_000 + " to #a",
    "unbalanced braces": "post {{{a}} }{ to #a",
    "template injection": 'post "{trigger.__class__} {0.x} {{7*7}} ${A}" to #a',
    "numbers": "9" * 3_000 + " every " + "1 " * 900,
    "ifs": "if " * 1_000 + "post x",
    "times": "every day at 9am " * 200,
    "LLM-IR in words": "TASK x ACTION y TYPE connector_call",
    "null words": "null undefined None NaN true false",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_ends_soon_in_questions_or_a_refusal(name: str) -> None:
    text = HOSTILE[name]
    start = time.process_time()
    made = eyeflow.compile(text, catalog=shipped(), now=MOMENT, language="english")
    assert time.process_time() - start < 2
    assert made.outcome in ("questions", "refused")
    assert made.questions or made.refusals
    assert made.program is None
    assert all(len(each.text) <= len(text) for each in made.refusals)


def test_braces_that_are_no_placeholder_are_literal() -> None:
    for said in ("{{{a}} }{", "{{7*7}}", "}{", "{ x }", "100% {}", "{0.__class__}"):
        told = tell(f'post "{said}" to #a')
        assert told.calls == (("slack_notify.send_message", {"channel": "#a", "text": said}),)


def test_eighty_clauses_are_eighty_calls() -> None:
    told = tell(" and then ".join(f'post "{number}" to #a' for number in range(80)))
    assert [call[1]["text"] for call in told.calls] == [str(number) for number in range(80)]


_WORDS = st.sampled_from([
    "post", "email", "every", "day", "at", "9am", "if", "unless", "otherwise", "then", "and", "or", "not", "for",
    "each", "when", "a", "payment", "issue", "in", "acme/api", "#ops", "ann@x.io", '"hi"', "{x}", "weather", "to",
    "the", "it", ",", ";", ":", ".", "$5", "30C", "retry", "3", "times", "fails", "until", "first", "Monday", "except",
    "top", "of",
])  # fmt: skip


@given(st.lists(_WORDS, max_size=24).map(" ".join))
@settings(max_examples=40, deadline=None)
def test_any_heap_of_words_is_understood_or_not_and_never_raises(text: str) -> None:
    made = eyeflow.compile(text, catalog=shipped(), now=MOMENT, language="english")
    assert made.outcome in ("program", "questions", "refused", "errors")
    assert made.intent is not None
    for span in (s for s in (*(q.span for q in made.questions), *(r.span for r in made.refusals)) if s is not None):
        assert 0 <= span.start <= span.end <= len(text)


@given(st.text(max_size=200))
@settings(max_examples=40, deadline=None)
def test_any_text_is_understood_or_not_and_never_raises(text: str) -> None:
    made = eyeflow.compile(text, catalog=shipped(), now=MOMENT, language="english")
    assert made.outcome in ("program", "questions", "refused", "errors")
