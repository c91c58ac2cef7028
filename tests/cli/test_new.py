"""`new`: the walk, with a real terminal where a person would have one."""

from __future__ import annotations

import os
import pty
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from cli.shell import ANSWERS, REQUEST, Command, source_environment, written

NAME = "send_weather_to_slack_every_morning"
ACCOUNTS = (
    '[connections.openweather]\nservice = "openweather"\ncredential = "env:WEATHER_KEY"\n'
    '[connections.slack]\nservice = "slack_notify"\ncredential = "env:SLACK_TOKEN"\n'
)


def at_terminal(args: Sequence[str], answers: Sequence[tuple[str, str]], folder: Path) -> tuple[int, str]:
    """Run `eyeflow` on a pseudo-terminal; each answer is typed when the words before it have appeared."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execve(sys.executable, [sys.executable, "-m", "eyeflow", *args], source_environment() | {"TERM": "xterm"})
    shown, begin = b"", 0
    try:
        for words, typed in answers:
            while (at := shown.find(words.encode(), begin)) < 0:
                shown += _read(terminal)
            begin = at + len(words)
            os.write(terminal, typed.encode())
        while data := _read(terminal, end=True):
            shown += data
    except BaseException:
        os.kill(child, signal.SIGKILL)
        raise
    finally:
        os.close(terminal)
        _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), shown.decode()


def _read(terminal: int, *, end: bool = False) -> bytes:
    try:
        data = os.read(terminal, 65536)
    except OSError:
        data = b""
    assert data or end, "the command ended before it asked"
    return data


def test_questions_are_asked_and_the_program_is_written(tmp_path: Path) -> None:
    (tmp_path / "eyeflow.toml").write_text(ACCOUNTS)
    answers = [("weather.location:", "Paris\r"), ("message.channel:", "#general\r"), ("leave it)", "\r")]
    code, shown = at_terminal(["new", REQUEST], answers, tmp_path)
    assert code == 0
    assert "location “Paris”" in shown
    assert "Next runs:" in shown
    assert written(tmp_path) == {"eyeflow.toml", f"{NAME}.eir", f"{NAME}.efb", ".eyeflow/signing.key"}
    assert 'channel: "#general"' in (tmp_path / f"{NAME}.eir").read_text()


def test_ctrl_c_loses_no_answer(tmp_path: Path) -> None:
    answers = [("weather.location:", "New York\r"), ("message.channel:", "\x03")]
    code, shown = at_terminal(["new", REQUEST], answers, tmp_path)
    assert code == 130
    assert f"eyeflow new '{REQUEST}' --answer 'weather.location=New York'" in shown
    assert "Traceback" not in shown
    assert written(tmp_path) == set()


def test_without_a_terminal_open_questions_are_listed(eyeflow: Command, tmp_path: Path) -> None:
    done = eyeflow("new", REQUEST, "--answer", "weather.location=Paris")
    assert done.code == 3
    assert "message.channel" in done.err
    assert "--answer weather.location=Paris --answer message.channel=" in done.err
    assert written(tmp_path) == set()


def test_without_accounts_the_text_is_written_and_the_rest_named(eyeflow: Command, tmp_path: Path) -> None:
    done = eyeflow("new", REQUEST, *ANSWERS)
    assert done.code == 0
    assert written(tmp_path) == {f"{NAME}.eir"}
    assert "connect Slack" in done.err
    assert f"eyeflow compile {NAME}.eir" in done.err
    assert eyeflow("practice", f"{NAME}.eir").code == 0


def test_files_that_are_there_are_not_written_over(eyeflow: Command, tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.eir").write_text("mine")
    done = eyeflow("new", REQUEST, *ANSWERS)
    assert done.code == 1
    assert "--force" in done.err
    assert (tmp_path / f"{NAME}.eir").read_text() == "mine"
    assert eyeflow("new", REQUEST, *ANSWERS, "--name", "daily").code == 0
    assert (tmp_path / "daily.eir").read_text().startswith("TASK daily\n")
    assert eyeflow("new", REQUEST, *ANSWERS, "--force").code == 0


def test_refusals_are_told_and_nothing_is_written(eyeflow: Command, tmp_path: Path) -> None:
    done = eyeflow("new", "Bake me a cake every day")
    assert done.code == 4
    assert "Bake me a cake" in done.err
    assert written(tmp_path) == set()


def test_without_a_sentence_it_asks_what_should_happen_and_yes_means_the_name_that_is_shown(tmp_path: Path) -> None:
    answers = [
        ("What should happen:", f"{REQUEST}\r"), ("weather.location:", "Paris\r"), ("message.channel:", "#general\r"),
        ("leave it)", "yes\r"),
    ]  # fmt: skip
    code, shown = at_terminal(["new"], answers, tmp_path)
    assert code == 0, shown
    assert [path.name for path in tmp_path.glob("*.eir")] == [f"{NAME}.eir"]


def test_without_a_sentence_and_without_a_terminal_it_says_how(eyeflow: Command) -> None:
    done = eyeflow("new")
    assert done.code == 2
    assert "say what you want done" in done.err
    assert 'eyeflow new "' in done.err
