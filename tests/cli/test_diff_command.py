"""`eyeflow diff` as a person runs it: sentences, JSON, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from eyeflow.cli.app import app

ONE = """TASK one
  DEADLINE 20s
  TRIGGER schedule(09:00, daily, "UTC")

  ACTION tell
    TYPE connector_call
    CONNECTOR slack_notify
    FUNCTION send_message
    PARAMS {
      channel: "#ops",
      text: "Hello"
    }
"""


def eyeflow(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["diff", *arguments])


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "one.eir").write_text(ONE)
    (tmp_path / "two.eir").write_text(ONE.replace("#ops", "#dev").replace("09:00", "10:30"))
    (tmp_path / "same.eir").write_text("# Only a comment more.\n" + ONE.replace("DEADLINE 20s", "DEADLINE 20000ms"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_change_is_said_in_sentences_and_has_its_exit_code(here: Path):
    ran = eyeflow("one.eir", "two.eir")
    assert ran.exit_code == 5, ran.output
    assert "it starts every day at 10:30 (UTC), no longer every day at 09:00 (UTC)" in ran.output
    assert 'tell: channel is "#dev", it was "#ops"' in ran.output


def test_other_lines_are_no_change(here: Path):
    ran = eyeflow("one.eir", "same.eir")
    assert (ran.exit_code, ran.output.strip()) == (0, "Nothing that a run could notice is different.")


def test_json_says_what_changed_where(here: Path):
    told = json.loads(eyeflow("one.eir", "two.eir", "--json").stdout)
    assert told["changed"] is True
    assert [(each["area"], each["action"], each["what"], each["after"]) for each in told["changes"]] == [
        ("trigger", "", "starts", "every day at 10:30 (UTC)"),
        ("data", "tell", "channel", '"#dev"'),
    ]
    assert json.loads(eyeflow("one.eir", "same.eir", "--json").stdout) == {"changed": False, "changes": [], "names": []}


def test_a_sentence_is_compared_with_a_file(here: Path):
    ran = eyeflow('Every day at 9am post "Hello" to #ops on Slack', "one.eir", "--json")
    areas = {each["area"] for each in json.loads(ran.stdout)["changes"]}
    assert ran.exit_code in (0, 5), ran.output
    assert areas <= {"policy"}


def test_what_does_not_compile_is_not_compared(here: Path):
    (here / "bad.eir").write_text("TASK bad\n  ACTION a\n")
    assert eyeflow("one.eir", "bad.eir").exit_code == 1
    assert eyeflow("one.eir", "Post to Slack", "--json").exit_code == 3
    assert eyeflow("one.eir", "gone.eir").exit_code == 2
    assert eyeflow("-", "-").exit_code == 2
