"""`compile`, `disasm`, `explain`, `run`: from text to an artifact and back."""

from __future__ import annotations

import json
from pathlib import Path

from cli.shell import ANSWERS, HELLO, REQUEST, Command, written
from eyeflow.ir.bytecode import read_artifact


def test_compile_writes_an_artifact_and_says_what_it_is(eyeflow: Command, hello: Path, tmp_path: Path) -> None:
    done = eyeflow("compile", str(hello), "-o", "hello.efb")
    artifact = read_artifact((tmp_path / "hello.efb").read_bytes())
    assert done.code == 0
    assert artifact.digest in done.out
    assert artifact.envelope.key_id in done.out
    assert f"{(tmp_path / 'hello.efb').stat().st_size:,} bytes" in done.out
    assert written(tmp_path) == {"hello.eir", "hello.efb", ".eyeflow/signing.key"}


def test_the_same_text_gives_the_same_program(eyeflow: Command, hello: Path) -> None:
    first = eyeflow("compile", str(hello), "--json").json["artifacts"][0]
    again = eyeflow("compile", "-", "--json", stdin=HELLO.encode()).json["artifacts"][0]
    assert first["digest"] == again["digest"]
    assert first["signer"] == again["signer"]


def test_an_artifact_runs(eyeflow: Command, hello: Path) -> None:
    eyeflow("compile", str(hello), "-o", "hello.efb")
    done = eyeflow("run", "hello.efb", "--input", "name=Alice")
    assert done.code == 0
    assert 'Output: {"greeting":"Hello Alice"}' in done.out
    assert "Action 1: greet" in done.out
    assert "Log: Hello Alice" in done.out


def test_run_says_it_in_json(eyeflow: Command, hello: Path) -> None:
    done = eyeflow("run", str(hello), "--input", '{"name": "Alice"}', "--json")
    assert done.code == 0
    assert done.json["status"] == "success"
    assert done.json["output"] == {"greeting": "Hello Alice"}
    assert done.json["execution_id"].startswith("exec_")
    assert [line["action"] for line in done.json["timeline"]] == ["greet", "greeting"]


def test_a_stranger_s_artifact_is_refused(eyeflow: Command, hello: Path, tmp_path: Path) -> None:
    eyeflow("compile", str(hello), "-o", "hello.efb")
    done = eyeflow("run", "hello.efb", "--input", "name=Alice", "--data", str(tmp_path / "elsewhere"))
    assert done.code == 1
    assert "untrusted_signer" in done.err


def test_an_edited_artifact_is_refused(eyeflow: Command, hello: Path, tmp_path: Path) -> None:
    eyeflow("compile", str(hello), "-o", "hello.efb")
    path = tmp_path / "hello.efb"
    data = bytearray(path.read_bytes())
    at = data.index(b"Hello ")
    data[at : at + 5] = b"Howdy"
    path.write_bytes(bytes(data))
    done = eyeflow("run", "hello.efb", "--input", "name=Alice")
    assert done.code == 1
    assert "error:" in done.err
    assert "Howdy" not in done.out


def test_a_practice_artifact_never_runs_live(eyeflow: Command, hello: Path) -> None:
    eyeflow("compile", str(hello), "-o", "hello.efb", "--practice")
    done = eyeflow("run", "hello.efb", "--input", "name=Alice")
    assert done.code == 1
    assert "practice_artifact" in done.err


def test_missing_accounts_make_a_draft_and_no_file(eyeflow: Command, tmp_path: Path) -> None:
    draft = eyeflow("compile", REQUEST, *ANSWERS)
    assert draft.code == 0
    assert "draft" in draft.out
    done = eyeflow("compile", REQUEST, *ANSWERS, "-o", "out.efb")
    assert done.code == 1
    assert "Slack" in done.err
    assert "OpenWeather" in done.err
    assert written(tmp_path) == set()


def test_accounts_of_the_settings_let_it_be_sealed(eyeflow: Command, tmp_path: Path) -> None:
    (tmp_path / "eyeflow.toml").write_text(
        '[connections.openweather]\nservice = "openweather"\ncredential = "env:WEATHER_KEY"\n'
        '[connections.slack]\nservice = "slack_notify"\ncredential = "env:SLACK_TOKEN"\n'
        '[profile]\ntimezone = "Europe/Paris"\ncity = "Paris"\n'
        '[profile.defaults]\n"slack_notify.channel" = "#general"\n'
    )
    inner = tmp_path / "deep" / "inside"
    inner.mkdir(parents=True)
    done = eyeflow("compile", REQUEST, "-o", "out.efb", "--json")
    assert done.code == 0
    assert done.json["missing_accounts"] == []
    assert (tmp_path / ".eyeflow" / "signing.key").exists()
    shown = eyeflow("explain", REQUEST)
    assert "(Europe/Paris)" in shown.out
    assert "#general" in shown.out


def test_run_without_accounts_says_which_and_runs_nothing(eyeflow: Command, tmp_path: Path) -> None:
    done = eyeflow("run", REQUEST, *ANSWERS)
    assert done.code == 1
    assert "nothing ran" in done.err
    assert "connect Slack" in done.err
    assert written(tmp_path) == set()


def test_a_sentence_that_writes_is_not_run_unread(eyeflow: Command, tmp_path: Path) -> None:
    (tmp_path / "eyeflow.toml").write_text(
        '[connections.slack]\nservice = "slack_notify"\ncredential = "env:SLACK_TOKEN"\n'
    )
    done = eyeflow("run", 'Post "hi" to #general on Slack')
    assert done.code == 2
    assert "--yes" in done.err


def test_run_asks_for_what_a_task_waits_for(eyeflow: Command, tmp_path: Path) -> None:
    (tmp_path / "hook.eir").write_text(
        'TASK hook\n  TRIGGER webhook("/hook", {email: string})\n    WHERE CONTAINS(trigger.email, "@")\n'
        '  ACTION say\n    TYPE log\n    MESSAGE "new {trigger.email}"\n'
    )
    done = eyeflow("run", "hook.eir")
    assert done.code == 2
    assert "POST /hook" in done.err
    assert "--trigger" in done.err
    ran = eyeflow("run", "hook.eir", "--trigger", '{"email": "a@b.io"}')
    assert ran.code == 0
    assert "Log: new a@b.io" in ran.out
    passed_over = eyeflow("run", "hook.eir", "--trigger", '{"email": "nobody"}')
    assert passed_over.code == 0
    assert "nothing ran" in passed_over.out


def test_inputs_are_read_by_their_declared_type(eyeflow: Command, tmp_path: Path) -> None:
    (tmp_path / "typed.eir").write_text(
        "TASK typed\n  INPUT code string\n  INPUT count integer\n  INPUT tags list<string>\n  RETURN "
        "{code: input.code, twice: MUL(input.count, 2), tags: input.tags}\n"
    )
    done = eyeflow("run", "typed.eir", "--input", "code=007", "--input", "count=21", "--input", 'tags=["a"]', "--json")
    assert done.json["output"] == {"code": "007", "twice": 42, "tags": ["a"]}
    wrong = eyeflow("run", "typed.eir", "--input", "code=1", "--input", "count=many", "--input", "tags=[]")
    assert wrong.code == 1
    assert "bad_input" in wrong.err
    unknown = eyeflow("run", "typed.eir", "--input", "kode=1")
    assert unknown.code == 1
    assert "did you mean code" in unknown.err


def test_a_failed_run_is_exit_code_1(eyeflow: Command, tmp_path: Path) -> None:
    (tmp_path / "fails.eir").write_text(
        "TASK fails\n  INPUT n integer\n  ACTION half\n    TYPE transform\n    VALUE DIV(1, input.n)\n"
        "    OUTPUT h\n  RETURN h\n"
    )
    done = eyeflow("run", "fails.eir", "--input", "n=0", "--json")
    assert done.code == 1
    assert done.json["status"] == "failed"
    assert done.json["failed_action"] == 1
    assert done.json["error"]


def test_emit_gives_every_stage(eyeflow: Command) -> None:
    intent = eyeflow("compile", REQUEST, *ANSWERS, "--emit", "intent", "--json").json
    assert intent == eyeflow("intent", REQUEST, *ANSWERS, "--json").json
    assert eyeflow("compile", REQUEST, *ANSWERS, "--emit", "task", "--json").json["name"].startswith("send_weather")
    assert eyeflow("compile", REQUEST, *ANSWERS, "--emit", "plan", "--json").json["order"] == [1, 2]
    assert "CALL" in eyeflow("compile", REQUEST, *ANSWERS, "--emit", "program").out
    assert eyeflow("compile", REQUEST, *ANSWERS, "--emit", "program", "--json").json["task"].startswith("send_weather")


def test_emitted_ir_compiles_to_the_same_program(eyeflow: Command) -> None:
    ir = eyeflow("compile", REQUEST, *ANSWERS, "--emit", "ir").out
    assert ir.startswith("TASK send_weather_to_slack")
    from_text = eyeflow("compile", "-", "--practice", "--json", stdin=ir.encode()).json["artifacts"][0]
    from_words = eyeflow("compile", REQUEST, *ANSWERS, "--practice", "--json").json["artifacts"][0]
    assert from_text["digest"] == from_words["digest"]


def test_disasm_lists_files_and_artifacts_alike(eyeflow: Command, hello: Path) -> None:
    eyeflow("compile", str(hello), "-o", "hello.efb")
    listing = eyeflow("disasm", "hello.efb")
    assert listing.code == 0
    assert listing.out == eyeflow("disasm", str(hello)).out
    assert eyeflow("disasm", "hello.efb", "--json").json["task"] == "hello_world"


def test_explain_reads_an_artifact_back(eyeflow: Command, hello: Path, tmp_path: Path) -> None:
    eyeflow("compile", str(hello), "-o", "hello.efb", "--approver", "ann")
    done = eyeflow("explain", "hello.efb")
    assert done.code == 0
    assert "approved by ann" in done.err
    assert "trusted here" in done.err
    assert "write to the log" in done.out
    elsewhere = eyeflow("explain", "hello.efb", "--data", str(tmp_path / "other"))
    assert "not trusted here" in elsewhere.err
    assert not (tmp_path / "other").exists()


def test_questions_are_exit_code_3_and_can_be_answered(eyeflow: Command) -> None:
    for words in (("compile", REQUEST), ("explain", REQUEST), ("practice", REQUEST), ("new", REQUEST)):
        done = eyeflow(*words)
        assert done.code == 3, words
        assert "weather.location" in done.err, words
        assert f"eyeflow {words[0]} '{REQUEST}'" in done.err, words
    asked = eyeflow("compile", REQUEST, "--json")
    assert asked.code == 3
    assert [each["slot"] for each in asked.json["questions"]] == ["weather.location", "message.channel"]


def test_findings_mark_the_guilty_line(eyeflow: Command, tmp_path: Path) -> None:
    (tmp_path / "bad.eir").write_text("TASK a\n  ACTION b\n    TYPE transform\n    VALUE ADD(1,\n    OUTPUT c\n")
    done = eyeflow("compile", "bad.eir")
    assert done.code == 1
    assert "--> bad.eir:4:" in done.err
    assert "4 |     VALUE ADD(1," in done.err
    assert "^" in done.err
    found = eyeflow("compile", "bad.eir", "--json").json["diagnostics"][0]
    assert found["place"]["source"] == "bad.eir"
    assert found["place"]["line"] == 4


def test_json_of_every_failure_decodes(eyeflow: Command, tmp_path: Path) -> None:
    (tmp_path / "x.efb").write_bytes(b"nonsense")
    for words in (
        ("compile", "missing.eir"), ("explain", "x.efb"), ("run", "x.efb"), ("disasm", "x.efb"),
        ("run", REQUEST), ("practice", REQUEST), ("catalog", "show", "nothing"), ("catalog", "lint", "nowhere"),
    ):  # fmt: skip
        done = eyeflow(*words, "--json")
        assert done.code != 0, words
        assert json.loads(done.out), words


def test_missing_inputs_are_named_with_their_types(eyeflow: Command, hello: Path) -> None:
    for command in ("run", "practice"):
        done = eyeflow(command, str(hello))
        assert done.code == 2, command
        assert "name (string)" in done.err, command
        assert "--input name=" in done.err, command
