"""The package as a library: names, types, costs."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest

import eyeflow
from cli.shell import HELLO, REQUEST, source_environment
from eyeflow.catalog.load import load_documents
from eyeflow.compilation import language_of

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
ANSWERS = {"weather.location": "Paris", "message.channel": "#general"}


def test_every_public_name_is_there() -> None:
    for name in eyeflow.__all__:
        assert getattr(eyeflow, name) is not None, name
        assert name in dir(eyeflow), name
    with pytest.raises(AttributeError, match="nonsense"):
        eyeflow.nonsense  # noqa: B018 - the lookup is the test


def test_importing_the_package_loads_nothing_else() -> None:
    heavy = ("eyeflow.", "msgspec", "yaml")
    script = f"import sys, eyeflow; print(len([m for m in sys.modules if m.startswith({heavy})]))"
    done = subprocess.run(
        [sys.executable, "-c", script], env=source_environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout == "0\n"


def test_the_same_request_at_the_same_moment_is_the_same_program() -> None:
    programs = [eyeflow.compile(REQUEST, answers=ANSWERS, now=NOW).program for _ in range(2)]
    assert programs[0] is not None
    assert programs[0] == programs[1]


def test_the_zone_said_is_no_assumption() -> None:
    said = eyeflow.compile(REQUEST, answers=ANSWERS, now=NOW, zone="Asia/Tokyo")
    assumed = eyeflow.compile(REQUEST, answers=ANSWERS, now=NOW)
    assert said.intent is not None
    assert assumed.intent is not None
    assert "trigger.timezone" not in [each.slot for each in said.intent.assumptions]
    assert "trigger.timezone" in [each.slot for each in assumed.intent.assumptions]
    assert "(Asia/Tokyo)" in said.readback.text()


def test_text_is_told_from_english() -> None:
    assert language_of(HELLO) == "ir"
    assert language_of("# a comment\n\n  # another\nTASK a\n") == "ir"
    assert language_of("Task me with sending the weather") == "english"
    assert language_of("") == "english"
    assert language_of("#" * 100_000) == "english"
    assert eyeflow.compile(HELLO, now=NOW).outcome == "program"
    assert eyeflow.compile("TASK a\n  NONSENSE\n", now=NOW).outcome == "errors"


def test_without_an_account_nothing_is_sealed_for_live_use() -> None:
    made = eyeflow.compile(REQUEST, answers=ANSWERS, now=NOW)
    key = eyeflow.SigningKey(bytes(32))
    assert made.outcome == "program"
    assert {each.code for each in made.missing_accounts} == {"connect"}
    with pytest.raises(eyeflow.CompileError) as refused:
        made.seal(key)
    assert refused.value.code == "connect"
    assert made.seal(key, practice=True).envelope.practice


def test_a_readback_of_nothing_raises() -> None:
    made = eyeflow.compile(REQUEST, now=NOW)
    with pytest.raises(eyeflow.CompileError):
        made.readback.text()
    with pytest.raises(eyeflow.CompileError):
        made.seal(eyeflow.SigningKey(bytes(32)))


async def test_rehearsal_uses_the_accounts_and_hosts_of_the_program() -> None:
    catalog = eyeflow.open_catalog()
    connections = [eyeflow.Connection(name="team", service="slack_notify", credential="env:NOBODY_SET_THIS")]
    made = eyeflow.compile('Post "hello" to #general on Slack', catalog=catalog, connections=connections, now=NOW)
    assert made.outcome == "program", made.report
    async with eyeflow.Practice(catalog, ["slack_notify"]) as practice:
        done = await eyeflow.rehearse(made, practice)
        (message,) = practice.received("slack_notify")
    assert done.execution.status == "success"
    assert message.authorized
    assert message.body == {"channel": "#general", "text": "hello"}
    assert done.artifact.envelope.practice


def test_a_user_s_own_catalog_is_all_there_is() -> None:
    document = {
        "service": "acme_crm", "title": "Acme CRM", "type": "Sales", "connector": "scripted",
        "capabilities": {"add_contact": {
            "summary": "Add a contact", "phrases": ["add a contact"],
            "params": {"name": {"type": "string", "required": True, "role": "content"}}, "returns": {"type": "object"},
        }},
    }  # fmt: skip
    mine, report = load_documents([document])
    assert mine is not None, report
    assert eyeflow.compile('Add a contact "Ann"', catalog=mine, now=NOW).outcome == "program"
    assert eyeflow.compile(REQUEST, catalog=mine, now=NOW).outcome in ("refused", "questions")
