"""The mistakes of a first day: each is said in plain words, with a way out, an exit code, and never a traceback."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.shell import REQUEST, Command
from server.running import Running, command, environment, running

RESTING = "TASK resting\n  DEADLINE 90s\n  ACTION rest\n    TYPE wait\n    FOR 60s\n    OUTPUT none\n  RETURN 1\n"
ASKING = (
    'TASK asking\n  DEADLINE 90s\n  ACTION ask\n    TYPE approval\n    ROLE approver\n    MESSAGE "Really?"\n'
    "    EXPIRES 100ms\n  ACTION done\n    TYPE transform\n    AFTER ask\n    VALUE 1\n    OUTPUT one\n  RETURN one\n"
)


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running() as made:
        made.deploy(RESTING)
        made.deploy(ASKING)
        yield made


@pytest.fixture
def asking(server: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Running:
    """The server, known to the commands."""
    monkeypatch.setenv("EYEFLOW_URL", server.url)
    monkeypatch.setenv("EYEFLOW_KEY", server.key)
    monkeypatch.setenv("EYEFLOW_LOGIN", str(tmp_path / "login.toml"))
    return server


@pytest.mark.parametrize(("args", "env", "code", "words"), [
    (["tasks", "run", "hello_wrld"], {}, 1, ["there is no task 'hello_wrld'", "did you mean hello_world?"]),
    (["tasks", "run", "hello_world"], {}, 1, ["no 'name'", "--input NAME=VALUE"]),
    (["tasks", "run", "hello_world", "--input", "nam=x"], {}, 1, ["no input 'nam'", "did you mean name?"]),
    (["tasks", "run", "hello_world", "--input", "{bad"], {}, 2, ["takes JSON", "malformed"]),
    (["tasks", "run", "hello_world", "--input", "@none.json"], {}, 2, ["none.json: no such file"]),
    (["tasks", "deploy", REQUEST], {}, 3, ["which channel?", "--answer SLOT=VALUE"]),
    (["tasks", "deploy", "Do the thing"], {}, 4, ["no service in the catalog can do"]),
    (["tasks", "deploy", "none.eir"], {}, 2, ["no such file"]),
    (["tasks", "lst"], {}, 2, ["Did you mean 'list'?"]),
    (["executions", "list", "--status", "faild"], {}, 1, ["'faild'", "did you mean `failed`?"]),
    (["executions", "list", "--since", "yesterday"], {}, 2, ["no instant", "24h"]),
    (["executions", "get", "exec_none"], {}, 1, ["there is no execution 'exec_none'", "executions list"]),
    (["proposals", "get", "prop_none"], {}, 1, ["there is no proposal 'prop_none'", "proposals list"]),
    (["keys", "revoke", "ci"], {}, 1, ["no key with the id 'ci'", "keys list"]),
    (["tasks", "rollback", "hello_world", "9"], {}, 1, ["hello_world has no version 9", "tasks versions"]),
    (["approvals", "decide", "appr_none", "rejected"], {}, 1, ["there is no question 'appr_none'", "approvals list"]),
    (["approvals", "decide", "appr_none", "yes"], {}, 2, ["'VERDICT': 'yes' is not one of 'approved'"]),
    (["keys", "create", "x", "--role", "admin"], {}, 2, ["'viewer', 'runner', 'editor'"]),
    (["profile", "--timezone", "Europe/Pariss"], {}, 1, ["no time zone", "Europe/Paris"]),
    (["tasks", "list"], {"EYEFLOW_KEY": "ef_live_nothing"}, 1, ["there is no such key", "EYEFLOW_KEY"]),
    (["tasks", "list"], {"EYEFLOW_KEY": "schlüssel"}, 1, ["characters that no key has", "ef_live_"]),
    (["tasks", "list"], {"EYEFLOW_URL": "http://127.0.0.1:9"}, 1, ["(connection refused)", "eyeflow up"]),
    (["tasks", "list"], {"EYEFLOW_URL": "somewhere"}, 1, ["not the address of a server"]),
    (["connectors", "test", "nobody"], {}, 1, ["nobody"]),
])  # fmt: skip
def test_what_is_asked_of_a_server(  # noqa: PLR0917 - a row of the table
    asking: Running, eyeflow: Command, args: list[str], env: dict[str, str], code: int, words: list[str]
) -> None:
    done = eyeflow(*args, **env)
    assert done.code == code, done.said
    for word in words:
        assert word in done.said, done.said
    assert "Traceback" not in done.said and "bug" not in done.said
    assert len(done.said.splitlines()) == len(set(done.said.splitlines())), "nothing is said twice"


def test_an_audit_in_a_file_is_told(asking: Running, eyeflow: Command, tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    done = eyeflow("audit", "export", "--out", str(file), "--json")
    assert (done.code, done.json) == (0, {"file": str(file), "bytes": file.stat().st_size}) and not done.err


def test_a_server_that_speaks_no_tls(asking: Running, eyeflow: Command) -> None:
    done = eyeflow("tasks", "list", EYEFLOW_URL=asking.url.replace("http://", "https://"))
    assert done.code == 1 and "TLS: wrong version number" in done.said


def test_a_role_that_may_not(asking: Running, eyeflow: Command) -> None:
    viewer = asking.http.post("/api/keys", json={"name": "looks", "role": "viewer"}).json()["token"]
    done = eyeflow("tasks", "run", "hello_world", "--input", "name=x", EYEFLOW_KEY=viewer)
    assert done.code == 1
    assert "your role, viewer, may not do this" in done.said and "editor, owner, runner" in done.said


def test_a_question_that_was_answered_too_late(asking: Running, eyeflow: Command) -> None:
    execution = asking.run("asking", wait=False).json()["execution_id"]
    question = ""
    for _ in range(200):
        rows = asking.http.get("/api/approvals", params={"state": "expired"}).json()["items"]
        if found := [row["id"] for row in rows if row["execution_id"] == execution]:
            question = found[0]
            break
        time.sleep(0.05)
    done = eyeflow("approvals", "decide", question, "approved")
    assert done.code == 1 and "nobody waits for this answer any more" in done.said and "run the task again" in done.said


def test_an_input_from_a_file(asking: Running, eyeflow: Command, tmp_path: Path) -> None:
    (tmp_path / "input.json").write_text('{"name": "Ada"}')
    done = eyeflow("tasks", "run", "hello_world", "--input", "@input.json", "--json")
    assert done.code == 0 and done.json["output"] == {"greeting": "Hello Ada"}


def test_a_body_that_is_too_large(asking: Running) -> None:
    body = {"task": "hello_world", "input": {"name": "x" * 1_100_000}}
    reply = asking.http.post("/api/tasks/run", json=body).json()
    assert reply["code"] == "body_too_large" and "server.max_body_bytes" in reply["hint"]


@pytest.mark.parametrize(("body", "words"), [
    ({"task": "hello_world", "inputs": {}}, ["unknown field `inputs`", "did you mean `input`?"]),
    ({"input": {}}, ["the field `task` is missing"]),
    ({"task": 7}, ["task: this should be text, not a whole number"]),
    ({"task": "hello_world", "input": {"name": 1}}, ["'name' should be text, not a number"]),
])  # fmt: skip
def test_a_body_that_does_not_fit(asking: Running, body: dict[str, object], words: list[str]) -> None:
    reply = asking.http.post("/api/tasks/run", json=body)
    assert reply.status_code == 422
    for word in words:
        assert word in reply.json()["detail"] + reply.json().get("hint", "")


def test_two_deploys_at_once_make_two_versions_or_say_who_was_first(asking: Running) -> None:
    text = "TASK both\n  ACTION one\n    TYPE transform\n    VALUE {}\n    OUTPUT x\n  RETURN x\n"
    commands = [
        subprocess.Popen(
            command("tasks", "deploy", "-"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=environment({"EYEFLOW_URL": asking.url, "EYEFLOW_KEY": asking.key}),
        )
        for _ in range(4)
    ]  # fmt: skip
    said = [
        each.communicate(text.replace("{}", str(n)).encode(), timeout=60)[0].decode() for n, each in enumerate(commands)
    ]
    done = [each.returncode for each in commands]
    assert done.count(0) >= 1
    versions = asking.http.get("/api/tasks/both/versions").json()["items"]
    assert len(versions) == done.count(0), "each that succeeded is a version of its own"
    for code, words in zip(done, said, strict=True):
        assert code == 0 or ("superseded" in words and "Traceback" not in words), words


def test_ctrl_c_ends_the_watching_and_not_the_run(asking: Running) -> None:
    env = environment({"EYEFLOW_URL": asking.url, "EYEFLOW_KEY": asking.key})
    with subprocess.Popen(
        command("tasks", "run", "resting"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env
    ) as watching:
        assert watching.stderr is not None
        execution = watching.stderr.readline().decode().split()[0]
        time.sleep(0.2)
        watching.send_signal(signal.SIGINT)
        assert watching.wait(20) == 130
    assert asking.http.get(f"/api/executions/{execution}").json()["status"] == "waiting"
    assert asking.http.post(f"/api/executions/{execution}/cancel").status_code in (200, 202)


@pytest.mark.parametrize(("args", "env", "config", "code", "words"), [
    (["--port", "{taken}"], {}, "", 1, ["something listens on 127.0.0.1 port", "--port"]),
    (["--port", "80000"], {}, "", 2, ["at most 65535"]),
    (["--workers", "0"], {}, "", 2, ["at least 1"]),
    (["--host", "not.a.host"], {}, "", 1, ["no address of this machine"]),
    ([], {"EYEFLOW_LOGS_LEVEL": "loud"}, "", 2, ["one of debug, info, warning, error"]),
    ([], {}, "[server\nport=1", 2, ["not TOML", "line 1", "--settings"]),
    ([], {}, "[server]\nprot = 1", 2, ["no setting `prot`", "did you mean `port`?"]),
    ([], {}, '[server]\nport = "x"', 2, ["should be a whole number, not text"]),
    (["--data", "{file}"], {}, "", 1, ["it is no folder", "--data"]),
    (["--data", "/proc/none"], {}, "", 1, ["cannot be used", "--data"]),
    (["--data", "{newer}"], {}, "", 1, ["newer version of eyeflow", "'9999'", "install"]),
    (["--data", "{keyless}"], {}, "", 1, ["no master key in the file master.key", "put its backup back"]),
    (["--data", "{foreign}"], {}, "", 1, ["sealed with another master key", "put the backup of the right key there"]),
    (["--data", "{exposed}"], {}, "", 1, ["others may read", "chmod 600"]),
    (["--data", "{garbage}"], {}, "", 1, ["damaged", "backup"]),
    (["--data", "{emptied}"], {}, "", 1, ["the database of", "is gone", "backup"]),
])  # fmt: skip
def test_what_keeps_a_server_from_starting(  # noqa: PLR0917 - a row of the table
    places: dict[str, str], tmp_path: Path, args: list[str], env: dict[str, str], config: str, code: int,
    words: list[str],
) -> None:  # fmt: skip
    (tmp_path / "eyeflow.toml").write_text(config)
    given = [each.format(**places) for each in args]
    more = [
        *([] if "--data" in given else ["--data", "data"]),
        *([] if config or "--port" in given else ["--port", "0"]),
    ]
    done = subprocess.run(
        command("up", *given, *more), cwd=tmp_path, env=environment(env), capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    for word in words:
        assert word in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


def test_the_doctor_sees_a_damaged_and_a_lost_database(
    places: dict[str, str], eyeflow: Command, tmp_path: Path
) -> None:
    """Damage in the middle of the file, which a start does not come across."""
    import shutil

    folder = tmp_path / "data"
    shutil.copytree(places["whole"], folder)
    assert eyeflow("doctor", "--data", str(folder), "--port", "0").code == 0
    database = folder / "eyeflow.db"
    raw = bytearray(database.read_bytes())
    raw[8192:65_536] = b"\xaa" * (65_536 - 8192)
    database.write_bytes(raw)
    done = eyeflow("doctor", "--data", str(folder), "--port", "0")
    assert done.code == 1 and "it cannot be read" in done.out and "restore a backup" in done.err
    done = eyeflow("doctor", "--data", places["emptied"], "--port", "0")
    assert done.code == 1 and "is gone" in done.out


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Folders and ports that are no place for a server."""
    import shutil
    import sqlite3

    home = tmp_path_factory.mktemp("places")
    for name in ("newer", "keyless", "foreign", "whole"):
        with running(home / name):
            pass
    shutil.copytree(home / "keyless", home / "exposed")
    shutil.copytree(home / "keyless", home / "garbage")
    shutil.copytree(home / "keyless", home / "emptied")
    (home / "file").write_text("")
    (home / "keyless" / "master.key").unlink()
    shutil.copy(home / "newer" / "master.key", home / "foreign" / "master.key")
    (home / "exposed" / "master.key").chmod(0o644)
    (home / "garbage" / "eyeflow.db").write_bytes(os.urandom(65_536))
    for each in (home / "emptied").glob("eyeflow.db*"):
        each.unlink()
    held = sqlite3.connect(home / "newer" / "eyeflow.db")
    held.execute("UPDATE alembic_version SET version_num = '9999'")
    held.commit()
    held.close()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        yield {"taken": str(port), **{each.name: str(each) for each in home.iterdir()}}


def test_an_error_is_one_json_document_for_a_program(asking: Running, eyeflow: Command) -> None:
    done = eyeflow("tasks", "run", "hello_wrld", "--json")
    assert json.loads(done.out)["error"]["code"] == "unknown_task" and done.err == ""
