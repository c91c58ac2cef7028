"""The page about commands that ask a server does what it says, against a real one."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from cli.shell import Command, source_environment
from cli.test_docs import BLOCK, DOCS, play
from server.running import Running, running


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running() as made:
        yield made


@pytest.fixture
def asking(server: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Running:
    """The server, known to the commands."""
    monkeypatch.setenv("EYEFLOW_URL", server.url)
    monkeypatch.setenv("EYEFLOW_KEY", server.key)
    monkeypatch.setenv("EYEFLOW_LOGIN", str(tmp_path / "login" / "login.toml"))
    return server


def test_every_block_of_the_page_does_what_it_shows(asking: Running, eyeflow: Command, tmp_path: Path) -> None:
    for language, name, body in BLOCK.findall((DOCS / "server-commands.md").read_text()):
        if name:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(body)
        elif language == "console":
            play(eyeflow, body)


def test_the_readme_does_what_it_shows(asking: Running, eyeflow: Command) -> None:
    page = (DOCS.parent / "README.md").read_text()
    shown = "".join(body for language, _, body in BLOCK.findall(page) if language == "console")
    commands = [line.partition("   ")[0] for line in shown.splitlines() if line.startswith("$ eyeflow ")]
    assert commands[0] == "$ eyeflow up"
    play(eyeflow, "\n".join(commands[1:]))


def test_acceptance_11_tasks_run_prints_the_timeline(asking: Running, eyeflow: Command) -> None:
    done = eyeflow("tasks", "run", "daily_weather")
    assert done.code == 0, done.said
    lines = done.out.splitlines()
    assert lines[0].startswith("PRACTICE")
    first, *_, last = [line.split() for line in lines if line.endswith(("initialized", "success"))]
    assert first == ["0ms", "Start", "execution", "0ms", "initialized"]
    assert last[1] == "Complete"
    starts = [line.split()[3] for line in lines if " Action " in line]
    assert starts == ["fetch_weather", "weather_rule", "post_to_slack"]
    assert "Branch to DEFAULT" in done.out


def test_acceptance_12_tasks_list_as_json(asking: Running, eyeflow: Command) -> None:
    asking.deploy("TASK listed\n  ACTION one\n    TYPE transform\n    VALUE 1\n    OUTPUT n\n  RETURN n\n")
    done = eyeflow("tasks", "list", "--json")
    tasks = msgspec.json.decode(done.out)
    assert [(each["state"], each["version"]) for each in tasks if each["name"] == "listed"] == [("live", 1)]


def test_acceptance_13_a_connector_that_does_not_answer_is_an_exit_code(asking: Running, eyeflow: Command) -> None:
    eyeflow("connectors", "add", "slack_daily", "slack", "--credential", "env:NO_SUCH_TOKEN")
    done = eyeflow("connectors", "test", "slack_daily")
    assert done.code == 1
    assert "slack_daily" in done.said


def test_login_keeps_a_key_that_works_where_only_its_owner_reads_it(
    asking: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("EYEFLOW_KEY")
    environment = {**source_environment(), "EYEFLOW_LOGIN": str(tmp_path / "me" / "login.toml")}
    command = [sys.executable, "-m", "eyeflow"]

    def run(*args: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *args], input=given, capture_output=True, text=True, timeout=60, env=environment, check=False
        )

    wrong = run("login", "--url", asking.url, given="ef_live_wrong\n")
    assert wrong.returncode == 1
    assert not (tmp_path / "me" / "login.toml").exists()
    right = run("login", "--url", asking.url, given=f"{asking.key}\n")
    assert right.returncode == 0, right.stderr
    assert asking.key not in right.stdout + right.stderr
    assert stat.S_IMODE((tmp_path / "me" / "login.toml").stat().st_mode) == 0o600
    assert run("tasks", "list").returncode == 0


def test_no_server_is_said_with_a_way_out(eyeflow: Command) -> None:
    done = eyeflow("tasks", "list", "--url", "http://127.0.0.1:9")
    assert done.code == 1
    assert "eyeflow up" in done.said


def test_a_wrong_key_says_what_to_do(asking: Running, eyeflow: Command) -> None:
    done = eyeflow("tasks", "list", "--key", "ef_live_nothing")
    assert done.code == 1
    assert "ef_live_nothing" not in done.said
    assert "EYEFLOW_KEY" in done.said or "login" in done.said


def test_signing_secrets_of_a_folder_are_shown_once(asking: Running, eyeflow: Command, tmp_path: Path) -> None:
    folder = tmp_path / "hooks"
    folder.mkdir()
    (folder / "taken.eir").write_text(
        'TASK taken\n  TRIGGER webhook("/taken")\n\n  ACTION one\n    TYPE transform\n    VALUE 1\n    OUTPUT n\n'
    )
    planned = eyeflow("apply", str(folder), "--plan")
    assert planned.code == 5 and "whsec_" not in planned.said
    done = eyeflow("apply", str(folder))
    assert done.code == 0 and "deliveries to /hooks/taken are signed with whsec_" in done.out
    assert "whsec_" not in eyeflow("apply", str(folder)).said
    assert "whsec_" not in eyeflow("webhooks", "list", "--json").said
