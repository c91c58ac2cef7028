"""`catalog`: looking into the closed world."""

from __future__ import annotations

from pathlib import Path

from cli.shell import Command

CRM = """\
service: acme_crm
title: Acme CRM
type: Sales
aliases: [crm]
connector: scripted
capabilities:
  add_contact:
    summary: Add a contact
    phrases: [add a contact, create a contact]
    params:
      name: {type: string, required: true, role: content}
    returns: {type: object, properties: {id: {type: string}}}
"""


def test_list_names_every_service(eyeflow: Command) -> None:
    done = eyeflow("catalog", "list")
    assert done.code == 0
    assert "slack_notify" in done.out
    found = eyeflow("catalog", "list", "--json").json
    assert next(each for each in found if each["service"] == "slack_notify")["connector"] == "slack_api_v1"


def test_show_finds_a_service_by_any_of_its_names(eyeflow: Command) -> None:
    for name in ("slack_notify", "Slack", "slack"):
        done = eyeflow("catalog", "show", name)
        assert done.code == 0
        assert "send_message(channel: string, text: string" in done.out
        assert "40,000 characters" in done.out
        assert "at most 60 calls in 60 s" in done.out
    wrong = eyeflow("catalog", "show", "slak")
    assert wrong.code == 1
    assert "slack_notify" in wrong.err


def test_search_finds_by_plain_words(eyeflow: Command) -> None:
    done = eyeflow("catalog", "search", "post", "a", "message", "--json")
    assert done.json[0]["id"] == "slack_notify.send_message"
    assert eyeflow("catalog", "search", "xyzzyplugh").code == 1


def test_with_adds_and_catalog_replaces(eyeflow: Command, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "crm.yaml").write_text(CRM)
    both = {each["service"] for each in eyeflow("catalog", "list", "--with", "mine", "--json").json}
    alone = {each["service"] for each in eyeflow("catalog", "list", "--catalog", "mine", "--json").json}
    assert {"acme_crm", "slack_notify"} <= both
    assert alone == {"acme_crm"}
    intent = eyeflow("intent", 'Create a contact "Ann" in the CRM', "--with", "mine", "--json")
    assert intent.json["actions"][0]["service"] == "acme_crm"


def test_validate_and_lint_point_at_the_line(eyeflow: Command, tmp_path: Path) -> None:
    (tmp_path / "crm.yaml").write_text(CRM)
    good = eyeflow("catalog", "validate", "crm.yaml")
    assert good.code == 0
    assert "acme_crm, 1 capabilities" in good.out
    (tmp_path / "crm.yaml").write_text(CRM.replace("summary: Add", "sumary: Add"))
    bad = eyeflow("catalog", "validate", "crm.yaml")
    assert bad.code == 1
    assert "did you mean `summary`?" in bad.err
    assert "crm.yaml:8" in bad.err
    assert "sumary: Add a contact" in bad.err
    assert eyeflow("catalog", "lint", ".").code == 1
    assert eyeflow("catalog", "validate", "crm.yaml", "--json").json["service"] is None


def test_the_shipped_catalog_has_no_warning(eyeflow: Command) -> None:
    done = eyeflow("catalog", "lint")
    assert done.code == 0, done.err
