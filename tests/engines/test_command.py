"""`--engine` on the command line: the rules alone unless asked, and a missing piece is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engines.scripted import call, draft, says, serving
from eyeflow.cli.app import app

UNCLEAR = "Post 'hi' to #ops and give the folks in #team a shout that 'lunch is here'"
GOOD = says(
    draft(
        call("a", "slack_notify.send_message", channel="#ops", text="hi"),
        call("b", "slack_notify.send_message", channel="#team", text="lunch is here"),
    )
)


def compiled(*args: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["compile", *args])
    return done.exit_code, done.output


def test_a_model_named_in_the_settings_helps_and_is_asked_once(tmp_path: Path) -> None:
    with serving(GOOD) as server:
        settings = tmp_path / "eyeflow.toml"
        settings.write_text(f'[engine]\nuse = "llm"\nurl = "{server.url}"\nmodel = "m"\n')
        held = ("--settings", str(settings), "--data", str(tmp_path / "data"), "--json")
        code, said = compiled(UNCLEAR, *held)
        assert code == 3
        assert [q["slot"] for q in json.loads(said)["questions"]] == ["reading"]
        code, said = compiled(UNCLEAR, *held, "--answer", "reading=yes", "--emit", "intent")
        assert (code, len(json.loads(said)["actions"])) == (0, 2)
        assert len(server.asked) == 1
        assert compiled(UNCLEAR, *held, "--engine", "rules")[0] == 3
        assert len(server.asked) == 1


@pytest.mark.parametrize(("args", "word"), [(("--engine", "llm"), "model"), (("--engine", "magic"), "magic")])
def test_what_is_missing_is_told(tmp_path: Path, args: tuple[str, ...], word: str) -> None:
    code, said = compiled(UNCLEAR, *args, "--data", str(tmp_path))
    assert code == 2
    assert word in said
