"""`practice`: real HTTP against services on this machine."""

from __future__ import annotations

from pathlib import Path

from cli.shell import ANSWERS, REQUEST, Command, written

HTTP = """\
TASK fetch
  ACTION get
    TYPE connector_call
    CONNECTOR http
    FUNCTION get
    PARAMS {
      url: "https://status.example.com/health"
    }
    OUTPUT page
  RETURN page
"""


def test_the_sentence_runs_and_the_message_arrives(eyeflow: Command, tmp_path: Path) -> None:
    done = eyeflow("practice", REQUEST, *ANSWERS)
    assert done.code == 0
    assert "Action 1: weather" in done.out
    assert "Action 2: message" in done.out
    assert "slack_notify received:" in done.out
    assert '"channel":"#general"' in done.out
    assert written(tmp_path) == set()


def test_what_a_service_says_is_what_the_program_sees(eyeflow: Command) -> None:
    done = eyeflow("practice", REQUEST, *ANSWERS, "--say", 'openweather.current_weather={"temp": 31}', "--json")
    assert done.code == 0
    assert done.json["status"] == "success"
    (message,) = done.json["received"]["slack_notify"]
    assert message["path"] == "/api/chat.postMessage"
    assert message["authorized"] is True
    assert "31" in message["body"]["text"]


def test_what_the_catalog_does_not_have_cannot_be_said(eyeflow: Command) -> None:
    for say, words in (
        ("slack_notify.nothing={}", "nothing"),
        ("github.get_issue={}", "does not use github"),
        ("nonsense", "name=value"),
        ("nonsense={}", "service.capability"),
        ("slack_notify.send_message={", "JSON"),
    ):
        done = eyeflow("practice", REQUEST, *ANSWERS, "--say", say)
        assert done.code == 2, say
        assert words in done.err, say


def test_a_service_without_hosts_of_its_own_is_practised_at_those_the_program_names(
    eyeflow: Command, tmp_path: Path
) -> None:
    (tmp_path / "fetch.eir").write_text(HTTP)
    done = eyeflow("practice", "fetch.eir", "--json")
    assert done.code == 0, done.said
    (request,) = done.json["received"]["http"]
    assert (request["method"], request["path"]) == ("GET", "/health")


def test_mail_that_arrived_is_shown(eyeflow: Command, tmp_path: Path) -> None:
    (tmp_path / "mail.eir").write_text(
        "TASK mail\n  DEADLINE 30s\n  ACTION send\n    TYPE connector_call\n    CONNECTOR email\n    FUNCTION send\n"
        '    PARAMS {\n      to: "ann@example.com",\n      subject: "Hello",\n      body: "How are you?"\n    }\n'
    )
    done = eyeflow("practice", "mail.eir", "--json")
    assert done.code == 0
    (mail,) = done.json["received"]["email"]
    assert mail["to"] == "ann@example.com"
    assert mail["subject"] == "Hello"
    assert "How are you?" in mail["text"]


def test_a_failing_run_is_exit_code_1(eyeflow: Command, tmp_path: Path) -> None:
    (tmp_path / "late.eir").write_text(
        "TASK late\n  INPUT n integer\n  ACTION half\n    TYPE transform\n    VALUE DIV(1, input.n)\n"
        "    OUTPUT h\n  RETURN h\n"
    )
    done = eyeflow("practice", "late.eir", "--input", "n=0")
    assert done.code == 1
    assert "failed" in done.out


def test_an_artifact_is_not_practised(eyeflow: Command, hello: Path) -> None:
    eyeflow("compile", str(hello), "-o", "hello.efb")
    assert eyeflow("practice", "hello.efb").code == 2
