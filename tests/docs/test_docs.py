"""What the documents say is what happens: generated pages, links, commands, code, the cast of the demo."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from tools.gen_docs import CAST_BEGINS, CAST_ENDS, first_scene, pages

ROOT = Path(__file__).parents[2]
PAGES = sorted(p for p in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*.md")))
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
WITH_COMMANDS = ("README.md", "examples/README.md")
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_FIGURE = re.compile(r"[0-9a-f]{32,}|\d+(?:\.\d+)?|\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b")


def blocks(page: str, language: str) -> list[str]:
    return [text for found, text in _BLOCK.findall((ROOT / page).read_text("utf-8")) if found == language]


def commands(page: str) -> list[str]:
    lines = "\n".join(blocks(page, "sh")).splitlines()
    return [line.partition("  #")[0].strip() for line in lines if line.startswith("eyeflow ")]


@pytest.mark.parametrize("name", sorted(pages()))
def test_generated_page_is_current(name: str):
    assert (ROOT / "docs" / name).read_text("utf-8") == pages()[name], "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_somewhere(page: Path):
    targets = [target for target in _LINK.findall(page.read_text("utf-8")) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_page_can_be_reached_from_the_readme(page: Path):
    seen = {ROOT / "README.md"}
    waiting = list(seen)
    while waiting:
        here = waiting.pop()
        if here.suffix == ".md":
            found = {(here.parent / target).resolve() for target in _LINK.findall(here.read_text("utf-8"))}
            waiting += found - seen
            seen |= found
    assert page in seen


@pytest.mark.parametrize("page", WITH_COMMANDS)
def test_commands_do_what_the_page_says(page: str, tmp_path: Path):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    assert commands(page)
    for command in commands(page):
        done = run([sys.executable, "-m", "eyeflow", *shlex.split(command)[1:]], tmp_path)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def test_python_of_the_readme_runs(tmp_path: Path):
    for number, code in enumerate(blocks("README.md", "python")):
        script = tmp_path / f"block{number}.py"
        script.write_text(code, "utf-8")
        done = run([sys.executable, str(script)], tmp_path)
        assert done.returncode == 0, done.stderr
        assert "success {'channel': '#dev', 'text': 'It crashes'}" in done.stdout


@pytest.fixture(scope="module")
def demo() -> subprocess.CompletedProcess[str]:
    return run([sys.executable, "-m", "tools.demo"], ROOT)


def test_the_demo_ends_well(demo: subprocess.CompletedProcess[str]):
    assert demo.returncode == 0, demo.stdout[-2000:] + demo.stderr
    assert demo.stderr == ""


def test_the_readme_shows_what_the_demo_prints(demo: subprocess.CompletedProcess[str]):
    readme = (ROOT / "README.md").read_text("utf-8")
    shown = readme.partition(CAST_BEGINS)[2].partition(CAST_ENDS)[0].strip().removeprefix("```text\n")
    assert without_figures(shown.removesuffix("\n```")) == without_figures(first_scene(demo.stdout)), "run `make docs`"


@pytest.mark.parametrize(
    ("sentence", "code", "said"),
    [
        ("Send a message to Slack", 3, "message.text"),
        ("Teleport me to the moon", 4, "no service in the catalog"),
        ("", 4, "nothing to read"),
        ("\x00\x1b[2J", 4, "control characters"),
    ],
)
def test_the_demo_asks_and_refuses_helpfully(sentence: str, code: int, said: str):
    # A NUL cannot be an argument of a process, so it is left out there.
    done = run([sys.executable, "-m", "tools.demo", sentence.replace("\x00", "")], ROOT)
    assert done.returncode == code, done.stdout + done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize(("lock", "groups"), [("requirements.lock", ()), ("requirements-dev.lock", ("dev",))])
def test_the_lock_has_every_dependency_and_only_hashed_ones(lock: str, groups: tuple[str, ...]):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = [*project["project"]["dependencies"], *(each for g in groups for each in project["dependency-groups"][g])]
    names = {re.split(r"[<>=!~\[; ]", each)[0].lower() for each in wanted}
    text = (ROOT / lock).read_text("utf-8")
    pinned = re.findall(r"^([a-z0-9._-]+)==\S+(?: ; [^\\\n]+)? \\\n    --hash=", text, re.MULTILINE)
    assert sorted(names - set(pinned)) == [], "run `make lock`"
    assert len(pinned) == len(re.findall(r"^\S", text, re.MULTILINE))


def test_every_dependency_has_its_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(each for extra in project["optional-dependencies"].values() for each in extra),
    ]
    said = (ROOT / "ARCHITECTURE.md").read_text("utf-8").partition("## Dependencies")[2]
    names = [re.split(r"[<>=!~\[; ]", each)[0] for each in wanted]
    assert [name for name in names if not re.search(rf"^\|[^|]*\b{re.escape(name)}\b", said, re.MULTILINE)] == []


def without_figures(text: str) -> str:
    """`text` without what differs from run to run, and with the runs of blanks that follow from it made one."""
    return re.sub(r"\s+", " ", _FIGURE.sub("0", text))


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
    env = {**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8", "TERM": "dumb"}
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False
    )
