"""Scripted services: answers and failures by the rules of a scenario; values made from a schema."""

from __future__ import annotations

import pytest

from eyeflow.catalog.model import Capability, Connection, Service
from eyeflow.connectors.port import ConnectorConfig
from eyeflow.connectors.sample import sample
from eyeflow.connectors.scripted import Script, ScriptedConnector
from eyeflow.errors import CallError, RunError
from eyeflow.ir.evaluate import expecter
from eyeflow.recurrence.wall import zone_of
from eyeflow.svm import run_virtual
from eyeflow.values import (
    BOOLEAN,
    BYTES,
    DATE,
    DURATION,
    INTEGER,
    JSON,
    NUMBER,
    STRING,
    TIME,
    TIMESTAMP,
    Field,
    ListOf,
    MapOf,
    ObjectOf,
    literal,
    nullable,
)

CONTACT = ObjectOf((
    Field("email", STRING, entity="email"),
    Field("phone", STRING, entity="phone"),
    Field("channel", STRING, entity="slack_channel"),
    Field("plan", STRING, enum=("free", "pro")),
    Field("age", INTEGER, minimum=18, maximum=20),
    Field("code", STRING, min_length=12, max_length=12),
    Field("tags", ListOf(STRING), min_items=3),
    Field("country", STRING, default=literal("FR")),
    Field("when", TIMESTAMP),
    Field("day", DATE),
    Field("at", TIME),
    Field("took", DURATION),
    Field("raw", BYTES),
    Field("score", nullable(NUMBER)),
    Field("ok", BOOLEAN),
    Field("more", MapOf(JSON)),
))  # fmt: skip


def play(script: Script, count: int, capability: str = "get"):
    service = Service(
        id="crm", title="CRM", type="T", connector="scripted",
        capabilities=(Capability(name="get", summary="s", returns=CONTACT),),
    )  # fmt: skip

    async def main(_):
        connector = ScriptedConnector(script)
        await connector.initialize(ConnectorConfig(service=service, connection=Connection(name="crm", service="crm")))
        seen = []
        for _ in range(count):
            try:
                seen.append(await connector.call(capability, {}))
            except CallError as error:
                seen.append(f"{error.kind} {error.code}")
        return seen

    return run_virtual(main)


def test_returns_are_used_by_successful_calls_and_fails_by_every_attempt_the_last_repeating():
    script = Script.of(returns={"crm.get": [1, 2]}, fails={"crm.get": ["unavailable", None, "forbidden", None]})
    assert play(script, 6) == ["transient unavailable", 1, "denied forbidden", 2, 2, 2]
    assert [c.error for c in script.calls] == ["unavailable", None, "forbidden", None, None, None]


def test_a_last_failure_repeats_for_ever():
    assert play(Script.of(fails={"crm.get": [None, "reset"]}, returns={"crm.get": [1]}), 3) == [
        1, "uncertain reset", "uncertain reset",
    ]  # fmt: skip


def test_an_unknown_word_is_a_permanent_error_of_that_code():
    assert play(Script.of(fails={"crm.get": ["channel_not_found"]}), 1) == ["permanent channel_not_found"]


def test_an_unscripted_answer_is_made_from_the_schema_and_looks_like_what_it_is():
    [made] = play(Script(), 1)
    assert made["email"] == "sample1@example.com"
    assert made["channel"].startswith("#")
    assert made["plan"] in ("free", "pro")
    assert made["country"] == "FR"
    read = expecter(CONTACT, zone_of("UTC"), "the sample")
    assert read is not None
    assert read(made) == made, "a sample is of its type and keeps its constraints"


@pytest.mark.parametrize("seed", range(1, 29))
def test_samples_are_the_same_every_time_and_valid_for_every_seed(seed):
    assert sample(CONTACT, seed) == sample(CONTACT, seed)
    read = expecter(CONTACT, zone_of("UTC"), "the sample")
    assert read is not None
    try:
        read(sample(CONTACT, seed))
    except RunError as error:
        pytest.fail(str(error))


def test_samples_of_deep_types_end():
    deep = STRING
    for _ in range(40):
        deep = ListOf(deep)  # type: ignore[assignment]
    assert isinstance(sample(deep), list)
