"""`eyeflow simulate` as a person runs it: output, files, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from eyeflow.cli.app import app
from simulate.world import NOW, SERVICES, send

IR = "TASK t\n  TRIGGER schedule(09:00, daily)\n\n" + send("a", '"hi"')


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the small catalog in `services`."""
    (tmp_path / "services").mkdir()
    for service in SERVICES:
        (tmp_path / "services" / f"{service['service']}.json").write_text(json.dumps(service))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def eyeflow(*arguments: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(app, ["simulate", "--catalog", "services", *arguments], input=stdin)


def test_a_file_of_llm_ir_is_shown_with_its_readback_fires_and_calls(here: Path) -> None:
    (here / "t.eir").write_text(IR)
    (here / "s.json").write_text(json.dumps({"now": NOW}))
    ran = eyeflow("t.eir", "--scenario", "s.json")
    assert ran.exit_code == 0, ran.output
    for words in ("09:00", "2026-11-23T09:00:00Z", "chat.send", "Status: success"):
        assert words in ran.output


def test_json_is_one_result_line(here: Path) -> None:
    (here / "t.eir").write_text(IR)
    ran = eyeflow("t.eir", "--json")
    assert json.loads(ran.stdout)["scenarios"][0]["status"] == "success"


def test_questions_and_their_answers(here: Path) -> None:
    text = 'Every day at 9am send "hello" on Chat'
    asked = eyeflow(text)
    assert asked.exit_code == 3
    assert "--answer" in asked.output
    answered = eyeflow(text, "--answer", "channel=#ops")
    assert answered.exit_code == 0, answered.output
    assert "#ops" in answered.output


def test_a_refusal_has_its_own_exit_code(here: Path) -> None:
    ran = eyeflow("Book me a flight to Mars")
    assert ran.exit_code == 4
    assert "Refused" in ran.output


def test_an_event_that_is_missing_is_offered(here: Path) -> None:
    (here / "t.eir").write_text("TASK t\n  TRIGGER event(tracker.issue_opened)\n\n" + send("a", '"hi"'))
    ran = eyeflow("t.eir")
    assert ran.exit_code == 0
    assert '{"event":{"repo":' in ran.output


def test_a_failed_run_is_exit_code_one(here: Path) -> None:
    (here / "t.eir").write_text(IR)
    (here / "s.json").write_text(json.dumps({"fails": {"chat.send": ["invalid"]}}))
    ran = eyeflow("t.eir", "--scenario", "s.json")
    assert ran.exit_code == 1
    assert "invalid" in ran.output


def test_a_batch_from_a_file_and_from_stdin(here: Path) -> None:
    lines = [json.dumps({"id": f"c{n}", "ir": IR, "scenarios": [{"now": NOW}]}) for n in range(3)]
    (here / "cases.jsonl").write_text("\n".join(lines))
    ran = eyeflow("--batch", "cases.jsonl", "--json")
    assert ran.exit_code == 0
    assert [json.loads(line)["id"] for line in ran.stdout.splitlines()] == ["c0", "c1", "c2"]
    again = eyeflow("--batch", "-", "--json", stdin="\n".join([lines[0], "nonsense", lines[1]]))
    assert again.exit_code == 1
    assert ["error" in json.loads(line) for line in again.stdout.splitlines()] == [False, True, False]


def test_control_characters_of_a_service_never_reach_the_terminal(here: Path) -> None:
    (here / "t.eir").write_text("TASK t\n  TRIGGER manual()\n\n" + send("a", '"hi"', "OUTPUT r") + "\n  RETURN r.id\n")
    (here / "s.json").write_text(json.dumps({"returns": {"chat.send": [{"id": "\x1b[31mred"}]}}))
    ran = eyeflow("t.eir", "--scenario", "s.json")
    assert ran.exit_code == 0
    assert "\x1b" not in ran.output


@pytest.mark.parametrize(
    "arguments",
    [
        (), ("x", "--batch", "y"), ("missing.eir",), ("x", "--scenario", "missing.json"), ("--batch", "missing.jsonl"),
        ("x", "--answer", "nothing"), ("x", "--settings", "missing.toml"), ("--batch", "y", "--answer", "a=b"),
    ],
)  # fmt: skip
def test_wrong_use_is_exit_code_two(here: Path, arguments: tuple[str, ...]) -> None:
    ran = eyeflow(*arguments)
    assert ran.exit_code == 2
    assert "Traceback" not in ran.output


def test_accounts_of_the_workspace_are_known(here: Path) -> None:
    (here / "eyeflow.toml").write_text('[connections.team]\nservice = "chat"\ndefaults = { channel = "#team" }\n')
    (here / "t.eir").write_text(
        "TASK t\n  TRIGGER manual()\n\n  ACTION a\n    TYPE connector_call\n    CONNECTOR team\n    FUNCTION send\n"
        '    PARAMS {text: "hi"}\n'
    )
    ran = eyeflow("t.eir")
    assert ran.exit_code == 0, ran.output
    assert "#team" in ran.output
