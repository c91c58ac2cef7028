"""Bad input, pipes, terminals, speed of starting: what must never be a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from cli.shell import HELLO, REQUEST, Command, source_environment, written
from eyeflow import compiler
from eyeflow.cli.app import COMMANDS
from eyeflow.cli.output import Screen, clean, marked
from eyeflow.cli.start import guarded
from eyeflow.diagnostics import Diagnostic, Place
from eyeflow.values import Span

GIVEN = ("compile", "explain", "practice", "run", "intent", "fmt", "disasm", "new", "simulate")

FOR_FILES = ("compile", "run", "fmt", "disasm", "simulate")
FOR_TEXTS = ("compile", "intent", "run", "simulate")
"""Commands that read what they are given each in its own way; the others share the reading of one of these."""

BAD_FILES = {
    "empty.eir": b"",
    "binary.eir": bytes(range(256)),
    "utf16.eir": "TASK a".encode("utf-16"),
    "huge.eir": b"TASK a\n" + b"# x\n" * 1_300_000,
    "deep.eir": b"TASK a\n  RETURN " + b"(" * 5000 + b"1" + b")" * 5000 + b"\n",
    "null.eir": b"TASK a\x00b\n",
    "escape.eir": "TASK a\n  \x1b[31mNONSENSE\u202e\n".encode(),
    "short.efb": b"\x89EFB",
    "wrong.efb": b"PK\x03\x04" * 100,
    "words.txt": "\U0001f600 \u202e nothing".encode(),
}

BAD_TEXTS = {
    "empty": "",
    "blank": "   \n\t ",
    "emoji": "\U0001f600\U0001f680\U0001f4a5",
    "chinese": "每天早上九点把天气发到群里",
    "control": "send \x07\x1b[31m weather",
    "surrogate": "send \udcff weather",
    "long": "send the weather to slack " * 40_000,
    "path": "/no/such/folder/task.eir",
    "null": "send\x00it",
    "option": "--nonsense",
}


def no_traceback(done: object) -> None:
    said = getattr(done, "said", "")
    assert "Traceback" not in said
    assert "this is a bug" not in said
    assert "\x1b" not in said
    assert "\u202e" not in said


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files(eyeflow: Command, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(BAD_FILES[name])
    before = written(tmp_path)
    for command in FOR_FILES:
        done = eyeflow(command, name)
        no_traceback(done)
        assert done.code in (1, 2, 3, 4), (command, name, done)
        assert done.said, (command, name)
    assert written(tmp_path) == before


@pytest.mark.parametrize("name", BAD_TEXTS)
def test_bad_texts(eyeflow: Command, tmp_path: Path, name: str) -> None:
    for command in FOR_TEXTS:
        done = eyeflow(command, BAD_TEXTS[name])
        no_traceback(done)
        assert done.code in (1, 2, 3, 4), (command, name, done)
    assert written(tmp_path) == set()


def test_a_folder_and_a_missing_file(eyeflow: Command, tmp_path: Path) -> None:
    (tmp_path / "folder.eir").mkdir()
    for command in GIVEN:
        if command != "fmt":
            done = eyeflow(command, "folder.eir")
            no_traceback(done)
            assert done.code == 2, command
            assert "is a directory" in done.err.lower(), command
        done = eyeflow(command, "missing.eir")
        assert done.code == 2, command
        assert "no such file" in done.err.lower(), command


def test_output_that_cannot_be_written(eyeflow: Command, hello: Path, tmp_path: Path) -> None:
    for place in ("no/such/folder/x.efb", ".", "x" * 300 + ".efb"):
        done = eyeflow("compile", str(hello), "-o", place)
        no_traceback(done)
        assert done.code in (1, 2), place
    assert not [name for name in written(tmp_path) if "x.efb" in name]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[connections.x\n", "eyeflow.toml"),
        ("[connections.x]\nservice = 'nothing'\n", "nothing"),
        ("[connections.x]\nservice = 'slack_notify'\ncredential = 'xoxb-1234567890'\n", "credential"),
        ("[profile]\ntimezone = 'Mars/Olympus'\n", "Mars/Olympus"),
        ("\x00", "eyeflow.toml"),
    ],
)
def test_bad_settings(eyeflow: Command, hello: Path, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "eyeflow.toml").write_text(text)
    for command in ("compile", "explain", "run", "practice"):
        done = eyeflow(command, str(hello))
        no_traceback(done)
        assert done.code == 2, command
        assert words in done.err, command
        assert "xoxb-1234567890" not in done.said, command


def test_bad_catalogs_and_options(eyeflow: Command, hello: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for words in (
        ("--catalog", "nowhere"), ("--catalog", "empty"), ("--with", str(hello)), ("--answer", "nothing"),
        ("--settings", "nowhere.toml"),
    ):  # fmt: skip
        done = eyeflow("explain", str(hello), *words)
        no_traceback(done)
        assert done.code == 2, words
        assert done.err, words
    for words in (("--input", "x"), ("--input", "{"), ("--trigger", "{")):
        done = eyeflow("run", str(hello), *words)
        no_traceback(done)
        assert done.code == 2, words


def test_usage_errors_are_exit_code_2_with_a_way_out(eyeflow: Command) -> None:
    assert eyeflow("explode").code == 2
    assert "compile" in eyeflow("compil").err
    unquoted = eyeflow("compile", *REQUEST.split())
    assert unquoted.code == 2
    assert "quotes" in unquoted.err
    assert eyeflow("compile", "x", "--emit", "nonsense").code == 2


def test_a_damaged_key_is_told(eyeflow: Command, hello: Path, tmp_path: Path) -> None:
    (tmp_path / ".eyeflow").mkdir()
    key = tmp_path / ".eyeflow" / "signing.key"
    key.write_text("nonsense")
    key.chmod(0o600)
    done = eyeflow("compile", str(hello))
    no_traceback(done)
    assert done.code == 1
    assert "signing_key_damaged" in done.err


def test_every_command_has_help_with_an_example(eyeflow: Command) -> None:
    listed = eyeflow("--help").out
    for name in COMMANDS:
        assert f"  {name} " in listed
        done = eyeflow(name, "--help")
        assert done.code == 0
        assert f"Usage: eyeflow {name}" in done.out
    for name in (*GIVEN, "catalog list", "catalog show", "catalog search", "catalog lint", "catalog validate"):
        if name != "simulate":
            assert f"eyeflow {name} " in eyeflow(*name.split(), "--help").out.partition("Examples:")[2], name


def test_version(eyeflow: Command) -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert eyeflow("--version").out == f"eyeflow {project['version']}\n"
    assert f"eyeflow {project['version']}" == compiler.VERSION


def test_a_bug_is_one_line_and_a_traceback_only_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> int:
        raise KeyError("gone")

    assert guarded(broken) == 1
    plain = capsys.readouterr().err
    assert "this is a bug in eyeflow: KeyError" in plain
    assert "--debug" in plain
    assert "Traceback" not in plain
    assert guarded(broken, debug=True) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_error(hello: Path, tmp_path: Path) -> None:
    words = f"'{sys.executable}' -m eyeflow catalog show github --json | head -c 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", words], cwd=tmp_path, env=source_environment(), capture_output=True, text=True, check=False
    )
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
@pytest.mark.parametrize(
    "args", [("--version",), ("catalog", "list"), ("catalog", "list", "--json"), ("explain", "none.eir", "--json")]
)
def test_output_that_a_full_disk_does_not_take_is_told_in_one_line(args: tuple[str, ...], tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "eyeflow", *args], cwd=tmp_path, env=source_environment(), stdout=full,
            stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode in (1, 2)
    assert done.stderr.count("\n") == 1 and done.stderr.endswith("no space left on device\n"), done.stderr


def test_starting_imports_no_compiler() -> None:
    script = (
        "import sys, eyeflow\nassert not [m for m in sys.modules if m.startswith('eyeflow.')], 'import eyeflow'\n"
        "import eyeflow.cli.app\n"
        "heavy = ('eyeflow.compiler', 'eyeflow.catalog', 'lark', 'yaml', 'cryptography', 'aiohttp')\n"
        "print([m for m in heavy if m in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=source_environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_colour_only_on_terminals(monkeypatch: pytest.MonkeyPatch, eyeflow: Command) -> None:
    assert "\x1b" not in eyeflow("explain", REQUEST, FORCE_COLOR="1").said
    terminal, other = os.openpty()
    shown = {}
    for name, value in (("colour", None), ("plain", "1")):
        with os.fdopen(os.dup(other), "w") as stream, monkeypatch.context() as patch:
            patch.setenv("TERM", "xterm")
            patch.setattr(sys, "stdout", stream)
            patch.delenv("NO_COLOR", raising=False)
            if value is not None:
                patch.setenv("NO_COLOR", value)
            Screen().line("words", "red")
            stream.flush()
        shown[name] = os.read(terminal, 1000)
    os.close(terminal)
    os.close(other)
    assert b"\x1b[31m" in shown["colour"]
    assert b"\x1b[31m" not in shown["plain"]


def test_nothing_that_came_from_elsewhere_commands_the_terminal() -> None:
    assert clean("a\x1b]0;x\x07\u202eb\r\n") == "a\\x1b]0;x\\x07\\u202eb\\x0d\n"
    assert clean("日本 é \U0001f468\u200d\U0001f469") == "日本 é \U0001f468\u200d\U0001f469"


def test_marks_stand_under_the_words() -> None:
    text = "日本 wrong\nsecond"
    lines = marked(Diagnostic("x", "y", place=Place("t", Span(3, 8))), {"t": text})
    assert lines == ["  --> t:1:4", "1 | 日本 wrong", "  |      ^^^^^"]
    long = "a" * 5000 + "BAD" + "b" * 5000
    lines = marked(Diagnostic("x", "y", place=Place("t", Span(5000, 5003))), {"t": long})
    assert len(lines[1]) < 120
    assert lines[1].index("BAD") == lines[2].index("^^^")


def test_json_goes_alone_to_stdout(eyeflow: Command, hello: Path) -> None:
    for words in (("explain", str(hello)), ("run", str(hello), "--input", "name=A"), ("fmt", str(hello), "--check")):
        done = eyeflow(*words, "--json")
        assert done.json is not None
        assert done.err == "", words
        assert len(done.out.splitlines()) == 1, words


def test_text_from_stdin_is_told_apart(eyeflow: Command) -> None:
    assert eyeflow("explain", "-", stdin=HELLO.encode()).code == 0
    assert eyeflow("explain", "-", stdin=b"\xef\xbb\xbf# note\n" + HELLO.encode()).code == 0
    assert eyeflow("explain", "-", stdin=REQUEST.encode()).code == 3
    assert eyeflow("explain", "-", stdin=b"\xff\xfe").code == 2


@pytest.mark.parametrize(
    "args",
    [
        ("tasks", "list", "--nonsense"), ("tasks",), ("tasks", "nonsense"), ("nonsense",), ("tasks", "get"),
        ("keys", "create", "x", "--role", "king"), ("tasks", "list", "--limit", "many"), ("compile",),
    ],
)  # fmt: skip
def test_arguments_that_do_not_fit_are_one_json_document_too(eyeflow: Command, args: tuple[str, ...]) -> None:
    done = eyeflow(*args, "--json")
    assert (done.code, done.err) == (2, ""), done.said
    assert done.json["error"]["code"] == "usage" and done.json["error"]["hint"].endswith("--help")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_for_the_shell(eyeflow: Command, shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    done = eyeflow("completion", shell)
    assert done.code == 0 and "_EYEFLOW_COMPLETE" in done.out
    monkeypatch.setenv("SHELL", f"/usr/bin/{shell}")
    assert eyeflow("completion").out == done.out
    monkeypatch.setenv("SHELL", "/bin/nosuch")
    assert eyeflow("completion").code == 2
    assert eyeflow("completion", "ksh").code == 2
