"""`edit`: a program changed in plain English; and `new`, where one request is several programs."""

from __future__ import annotations

from pathlib import Path

from cli.shell import Command

DAILY = 'Every day at 9am post "Stand-up" to #team on Slack'


def test_a_change_is_shown_and_written_only_when_told_to(eyeflow: Command, tmp_path: Path) -> None:
    assert eyeflow("new", DAILY, "--name", "standup", "--yes").code == 0
    before = (tmp_path / "standup.eir").read_text()
    shown = eyeflow("edit", "standup.eir", "make it 10am")
    assert shown.code == 0
    assert "it starts every day at 10:00 (UTC), no longer every day at 09:00 (UTC)" in shown.said
    assert (tmp_path / "standup.eir").read_text() == before
    assert eyeflow("edit", "standup.eir", "make it 10am", "--yes").code == 0
    assert "10:00" in (tmp_path / "standup.eir").read_text()
    assert eyeflow("edit", "standup.eir", "change the channel to #ops", "-o", "ops.eir", "-y").code == 0
    assert eyeflow("diff", "standup.eir", "ops.eir").code == 5


def test_a_sentence_can_be_changed_without_a_file(eyeflow: Command) -> None:
    done = eyeflow("edit", DAILY, "only on weekdays", "--json")
    assert done.code == 0
    assert done.json["outcome"] == "program"
    assert "weekdays" in done.json["ir"]
    assert [change["area"] for change in done.json["changes"]] == ["trigger"]


def test_what_is_open_or_not_understood_has_its_exit_code(eyeflow: Command) -> None:
    asked = eyeflow("edit", DAILY, "at 5")
    assert asked.code == 3
    assert "--answer trigger.time=" in asked.said
    assert eyeflow("edit", DAILY, "at 5", "--answer", "trigger.time=17:00").code == 0
    refused = eyeflow("edit", DAILY, "make it purple")
    assert refused.code == 4
    assert "nothing was changed" in refused.said


def test_several_automations_are_several_files_and_are_edited_one_by_one(eyeflow: Command, tmp_path: Path) -> None:
    text = 'Every day at 9am post "up" to #team, and when a payment fails tell #finance'
    done = eyeflow("new", text, "--name", "both", "--yes")
    assert done.code == 0
    assert "event(stripe.payment_failed)" in (tmp_path / "both_2.eir").read_text()
    assert eyeflow("check", "both_2.eir").code == 0
    again = eyeflow("new", text, "--name", "both", "--yes")
    assert "is there already" in again.said
    (tmp_path / "both.eir").unlink()
    assert "both_2.eir is there already" in eyeflow("new", text, "--name", "both", "--yes").said
    assert eyeflow("edit", text, "make it 10am").code == 2
