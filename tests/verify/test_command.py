"""`eyeflow check` as a person runs it, and the page about it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from eyeflow.cli.app import app
from verify.proving import branching, codes, proved

PAGE = Path(__file__).parents[2] / "docs" / "formal-checks.md"
EXAMPLE = re.compile(r"```eir\n(.*?)```\n\n```finding\n(.*?)\n```", re.DOTALL)
UNREACHABLE = branching("GT(input.x, 75)", "GT(input.x, 90)")


def eyeflow(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, ["check", *arguments], input=stdin)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("text", "finding"), EXAMPLE.findall(PAGE.read_text(encoding="utf-8")))
def test_the_examples_of_the_page_find_what_it_says(text: str, finding: str) -> None:
    found = [f"{each.severity.value} {each.code}: {each.message}" for each in proved(text)]
    assert found == [finding]


def test_every_code_is_on_the_page_and_in_the_room() -> None:
    import eyeflow.verify

    page, room = PAGE.read_text(encoding="utf-8"), eyeflow.verify.__doc__ or ""
    listed = re.search(r"Codes\. (.*?)\n\n", room, re.DOTALL)
    assert listed is not None
    names = re.findall(r"[a-z]+(?:_[a-z]+)+|contradiction", listed[1])
    assert len(names) == 15
    assert [name for name in names if f"{name}`" not in page and f"{name}:" not in page] == []


def test_findings_are_shown_with_their_place_and_do_not_fail(here: Path) -> None:
    (here / "bands.eir").write_text(UNREACHABLE)
    ran = eyeflow("bands.eir")
    assert ran.exit_code == 0, ran.output
    for words in (
        "warning unreachable_branch: whenever input.x is above 90",
        "bands.eir:19",
        "^^^",
        "`eyeflow fmt --fix` would take the CONDITION and its branch out",
        "1 warning",
    ):
        assert words in ran.output
    assert eyeflow("bands.eir", "--strict").exit_code == 1


def test_json_has_lines_and_fixes(here: Path) -> None:
    (here / "bands.eir").write_text(UNREACHABLE)
    (here / "gap.eir").write_text(branching("GT(input.x, 75)", "LT(input.x, 50)"))
    ran = eyeflow("bands.eir", "gap.eir", "--json")
    first, second = json.loads(ran.stdout)
    (finding,) = [each for each in first["diagnostics"] if each["code"] == "unreachable_branch"]
    assert finding["place"]["line"] == 19
    assert finding["fix"]["text"] == ""
    assert "hidden_gap" in [each["code"] for each in second["diagnostics"]]


def test_errors_fail_and_nothing_is_proved_of_what_does_not_compile(here: Path) -> None:
    (here / "bad.eir").write_text(UNREACHABLE.replace("input.x, 90", "input.y, 90"))
    ran = eyeflow("bad.eir")
    assert ran.exit_code == 1
    assert "unknown_field" in ran.output


def test_english_is_checked_too(here: Path) -> None:
    asked = eyeflow("Every day at 9am send a message")
    assert asked.exit_code in (3, 4), asked.output


@pytest.mark.parametrize("stdin", ["", "TASK", "TASK t\n  ACTION \x00\n", "\ufeff# nothing\n", "x" * 5000])
def test_hostile_input_is_answered(stdin: str) -> None:
    ran = eyeflow("-", stdin=stdin)
    assert ran.exit_code in (1, 2, 3, 4), ran.output
    assert ran.exception is None or isinstance(ran.exception, SystemExit)


def test_hostile_conditions_end(here: Path) -> None:
    deep = "input.ok"
    for _ in range(50):
        deep = f"NOT({deep})"
    assert codes(proved(branching(deep))) == []
    wide = ", ".join(f'"{n}"' for n in range(3_000))
    assert codes(proved(branching(f"IN(input.s, [{wide}])"), budget_ms=1_000)) == []
    words = ", ".join(f'CONTAINS(input.s, "{n}")' for n in range(60))
    assert set(codes(proved(branching(f"AND({words})", 'EQ(LEN(input.s), 3)'), budget_ms=500))) <= {
        "verify_gave_up", "contradiction", "overlapping_branches",
    }  # fmt: skip
