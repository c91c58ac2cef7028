"""`python -m bench engines`: cases run twice, what a helper changed told in numbers, and no sentence of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench import engines, report
from engines.scripted import call, draft, says, serving
from eyeflow.cli.app import app

UNCLEAR = "Post 'hi' to #ops and give the folks in #team a shout that 'lunch is here'"
ANSWER = says(
    draft(
        call("a", "slack_notify.send_message", channel="#ops", text="hi"),
        call("b", "slack_notify.send_message", channel="#team", text="lunch is here"),
    )
)
CASES = (
    {"id": "1", "text": UNCLEAR, "scenarios": [], "expect": {"outcome": "not for the product"}},
    {"id": "2", "text": "Post 'hi' to #ops", "scenarios": []},
    {"id": "3", "ir": "TASK nothing", "scenarios": []},
)


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    path = tmp_path / "cases.jsonl"
    path.write_text("".join(json.dumps(case) + "\n" for case in CASES))
    return path


def test_a_file_is_measured_with_the_rules_and_with_a_helper(
    cases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(report, "WORK", tmp_path / "work")
    with serving(ANSWER) as server:
        settings = tmp_path / "eyeflow.toml"
        settings.write_text(f'[engine]\nurl = "{server.url}"\nmodel = "m"\n')
        held = ["--engine", "llm", "--settings", str(settings), "--out", str(tmp_path / "out")]
        held += ["--proposals", str(tmp_path / "kept"), "--score", "echo scored {results}"]
        assert engines.main([str(cases), *held]) == 0
        asked = len(server.asked)
        assert engines.main([str(cases), *held]) == 0
        assert len(server.asked) == asked > 0
    said = capsys.readouterr().out
    assert "2 cases" in said and f"{900 * asked} in, {60 * asked} out" in said and "2 stored answers" in said
    assert "scored" in said and "shout" not in said
    kept = (tmp_path / "work" / "results" / "engines.json").read_text()
    assert json.loads(kept)["figures"][0]["moved"] == {"questions -> questions": 1, "program -> program": 1}
    assert "shout" not in kept
    lines = (tmp_path / "out" / "cases.llm.results.jsonl").read_text().splitlines()
    assert [q["slot"] for q in json.loads(lines[0])["questions"]] == ["reading"]


def test_what_is_missing_is_told(
    cases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(report, "WORK", tmp_path / "work")
    assert engines.main([str(cases), "--engine", "llm", "--out", str(tmp_path)]) == 2
    assert "bad_engine" in capsys.readouterr().err


def test_a_batch_of_cases_takes_an_engine(tmp_path: Path) -> None:
    cases = tmp_path / "cases.jsonl"
    cases.write_text(json.dumps({"id": "1", "text": UNCLEAR, "scenarios": []}))
    with serving(ANSWER) as server:
        settings = tmp_path / "eyeflow.toml"
        settings.write_text(f'[engine]\nurl = "{server.url}"\nmodel = "m"\n')
        args = ["simulate", "--batch", str(cases), "--settings", str(settings), "--engine", "llm"]
        done = CliRunner().invoke(app, args)
    first = json.loads(done.output.splitlines()[0])
    assert [q["slot"] for q in first["questions"]] == ["reading"]
