"""`fmt`: canonical text, checked, shown, fixed."""

from __future__ import annotations

from pathlib import Path

from cli.shell import HELLO, Command, written

UGLY = "# why\nTASK   a\n  ACTION b   # here\n    TYPE transform\n    VALUE ADD( 1,2 )\n    OUTPUT c\n  RETURN c\n"
SHORT = """\
TASK report
  ACTION send
    TYPE connector_call
    CONNECTOR slack_notify
    FUNCTION send_message
    PARAMS {
      channel: "#general",
      text: "hi"
    }
    OUTPUT sent
"""


def test_fmt_writes_the_canonical_form_and_keeps_comments(eyeflow: Command, tmp_path: Path) -> None:
    path = tmp_path / "a.eir"
    path.write_text(UGLY)
    assert eyeflow("fmt", "a.eir").code == 0
    text = path.read_text()
    assert "VALUE ADD(1, 2)" in text
    assert "# why" in text
    assert "# here" in text
    assert eyeflow("fmt", "--check", "a.eir").code == 0
    assert written(tmp_path) == {"a.eir"}


def test_check_finds_changes_and_writes_nothing(eyeflow: Command, tmp_path: Path) -> None:
    path = tmp_path / "a.eir"
    path.write_text(UGLY)
    done = eyeflow("fmt", "--check", "a.eir")
    assert done.code == 5
    assert "would change" in done.err
    assert path.read_text() == UGLY


def test_diff_shows_the_change(eyeflow: Command, tmp_path: Path) -> None:
    path = tmp_path / "a.eir"
    path.write_text(UGLY)
    done = eyeflow("fmt", "--diff", "a.eir")
    assert done.code == 0
    assert "-    VALUE ADD( 1,2 )" in done.out
    assert "+    VALUE ADD(1, 2)" in done.out
    assert path.read_text() == UGLY


def test_stdin_to_stdout(eyeflow: Command) -> None:
    done = eyeflow("fmt", "-", stdin=UGLY.encode())
    assert done.code == 0
    assert "VALUE ADD(1, 2)" in done.out
    assert eyeflow("fmt", "-", stdin=done.out.encode()).out == done.out


def test_fix_writes_the_deadline_once(eyeflow: Command, tmp_path: Path) -> None:
    path = tmp_path / "report.eir"
    path.write_text(SHORT)
    warned = eyeflow("explain", "report.eir")
    assert "deadline_too_short" in warned.err
    assert "fmt --fix" in warned.err
    done = eyeflow("fmt", "--fix", "report.eir")
    assert done.code == 0
    assert "add DEADLINE" in done.err
    fixed = path.read_text()
    assert fixed.count("DEADLINE") == 1
    assert "deadline_too_short" not in eyeflow("explain", "report.eir").err
    eyeflow("fmt", "--fix", "report.eir")
    assert path.read_text() == fixed


def test_a_folder_means_the_files_in_it(eyeflow: Command, tmp_path: Path) -> None:
    (tmp_path / "in" / "side").mkdir(parents=True)
    (tmp_path / "in" / "side" / "a.eir").write_text(UGLY)
    (tmp_path / "in" / "b.eir").write_text(HELLO)
    done = eyeflow("fmt", "--check", "in", "--json")
    assert done.code == 5
    assert [(each["source"], each.get("changed", False)) for each in done.json] == [
        (str(Path("in") / "b.eir"), False), (str(Path("in") / "side" / "a.eir"), True),
    ]  # fmt: skip


def test_what_cannot_be_read_stays_as_it_is(eyeflow: Command, tmp_path: Path) -> None:
    path = tmp_path / "a.eir"
    path.write_text("TASK a\n  NONSENSE\n")
    done = eyeflow("fmt", "a.eir", "--fix")
    assert done.code == 1
    assert "a.eir:2" in done.err
    assert path.read_text() == "TASK a\n  NONSENSE\n"
    assert eyeflow("fmt", "Send the weather to Slack").code == 2
    assert eyeflow("fmt", "missing.eir").code == 2


BANDS = """\
TASK bands
  INPUT x number
  INPUT note string?
  TRIGGER manual()

  ACTION rule
    TYPE conditional
    CONDITION GT(input.x, 75)
      BRANCH hot
        VALUE 1
    CONDITION GT(input.x, 90)
      BRANCH boiling
        VALUE 2
    DEFAULT
      VALUE 3
    OUTPUT r

  RETURN COALESCE(input.note, TO_STRING(r))
"""


def test_fix_takes_out_what_is_proved_to_have_no_effect(eyeflow: Command, tmp_path: Path) -> None:
    path = tmp_path / "bands.eir"
    path.write_text(BANDS)
    done = eyeflow("fmt", "--fix", "bands.eir")
    assert done.code == 0
    assert "take the CONDITION and its branch out" in done.err
    assert "boiling" not in path.read_text() and "hot" in path.read_text()
    assert "unreachable_branch" not in eyeflow("check", "bands.eir").out


def test_an_input_that_may_be_null_may_be_left_out(eyeflow: Command, tmp_path: Path) -> None:
    (tmp_path / "bands.eir").write_text(BANDS)
    assert "1" in eyeflow("run", "bands.eir", "--input", "x=80").out
    assert "seen" in eyeflow("run", "bands.eir", "--input", "x=80", "--input", "note=seen").out
    missing = eyeflow("run", "bands.eir")
    assert missing.code == 2 and "x (number)" in missing.err and "note" not in missing.err
