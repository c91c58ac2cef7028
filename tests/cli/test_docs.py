"""The pages about the command line and about embedding do what they say."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

from cli.shell import Command, source_environment
from eyeflow.cli.app import COMMANDS

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(\w+)(?: ([^\n]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXPECTED = re.compile(r"\s+# exit (\d+)$")


def test_every_block_of_the_page_does_what_it_shows(eyeflow: Command, tmp_path: Path) -> None:
    for language, name, body in BLOCK.findall((DOCS / "cli.md").read_text()):
        if name:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(body)
        elif language == "console":
            play(eyeflow, body)


def play(eyeflow: Command, body: str) -> None:
    """Run each command of a block; the lines under it stand in what it prints, in that order."""
    for part in re.split(r"^\$ eyeflow ", body, flags=re.MULTILINE)[1:]:
        line, *shown = part.rstrip("\n").split("\n")
        code = EXPECTED.search(line)
        done = eyeflow(*shlex.split(EXPECTED.sub("", line)))
        assert done.code == (int(code[1]) if code else 0), (line, done.said)
        rest = done.said
        for text in shown:
            piece = text.partition("...")[0].rstrip()
            assert piece in rest, (line, text, done.said)
            rest = rest[rest.index(piece) + len(piece) :]


def test_the_page_shows_every_command() -> None:
    page = (DOCS / "cli.md").read_text() + (DOCS / "server-commands.md").read_text()
    for name in COMMANDS:
        assert f"\n## {name}\n" in page, name
        assert re.search(rf"\$ eyeflow {name}\b", page), name


def test_the_page_about_embedding_runs(tmp_path: Path) -> None:
    blocks = [body for language, _, body in BLOCK.findall((DOCS / "embedding.md").read_text()) if language == "python"]
    script = tmp_path / "embedding.py"
    script.write_text("\n".join(blocks))
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        cwd=tmp_path, env=source_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Every day at 09:00 (Europe/Paris)" in done.stdout
    assert "Action 2: message" in done.stdout
