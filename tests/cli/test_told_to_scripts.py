"""What a script is told by the commands that ask a server: exit codes, JSON, only what was asked for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cli.shell import Command
from server.running import Running, running
from server.stub import Stub, serve_file, stub

READS = """TASK reads
  ACTION read
    TYPE connector_call
    CONNECTOR tank
    FUNCTION level
    PARAMS {}
    OUTPUT seen

  RETURN seen.level
"""
FILLS = """TASK fills
  ACTION fill
    TYPE connector_call
    CONNECTOR tank
    FUNCTION fill
    PARAMS {litres: 3}
    OUTPUT filled
"""
RESTS = """TASK rests
  ACTION rest
    TYPE wait
    FOR 1h
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Stub]]:
    with stub() as (gauge, port), running(env=serve_file(tmp_path_factory.mktemp("catalog"), port)) as made:
        made.http.post("/api/secrets", json={"name": "gauge", "value": gauge.token})
        account = {"name": "tank", "service": "gauge", "credential": "vault:gauge"}
        assert made.http.post("/api/connectors", json=account).status_code == 201
        for text in (READS, FILLS, RESTS):
            made.deploy(text)
        yield made, gauge


@pytest.fixture
def gauge(server: tuple[Running, Stub], monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    """The service behind the server; the commands know the server."""
    made, held = server
    monkeypatch.setenv("EYEFLOW_URL", made.url)
    monkeypatch.setenv("EYEFLOW_KEY", made.key)
    token = held.token
    yield held
    held.token, held.hangs_up = token, False


def test_acceptance_11_the_exit_code_says_how_the_run_ended(gauge: Stub, eyeflow: Command) -> None:
    good = eyeflow("tasks", "run", "reads")
    assert (good.code, good.out.splitlines()[-1]) == (0, "Output: 7")
    gauge.token = "another"
    failed = eyeflow("tasks", "run", "reads")
    assert failed.code == 1
    assert "who are you" in failed.said and "action 1 failed" in failed.said
    as_json = eyeflow("tasks", "run", "reads", "--json")
    assert (as_json.code, as_json.json["status"], as_json.json["failed_action"]) == (1, "failed", 1)


def test_acceptance_11_what_may_have_been_done_has_an_exit_code_of_its_own(gauge: Stub, eyeflow: Command) -> None:
    gauge.hangs_up, before = True, len(gauge.sent)
    done = eyeflow("tasks", "run", "fills")
    assert (done.code, len(gauge.sent) - before) == (6, 1)
    assert "uncertain: fill may have been done" in done.said


def test_acceptance_11_without_waiting_the_acceptance_is_told(gauge: Stub, eyeflow: Command) -> None:
    before = len(gauge.sent)
    done = eyeflow("tasks", "run", "fills", "--no-wait", "--json")
    assert done.code == 0 and done.json["status"] in ("queued", "running")
    assert done.json["duration_ms"] is None
    assert eyeflow("executions", "watch", done.json["execution_id"]).code == 0
    assert len(gauge.sent) == before + 1


def test_acceptance_11_the_same_key_runs_the_task_once(gauge: Stub, eyeflow: Command) -> None:
    before = len(gauge.sent)
    first, again, other = (
        eyeflow("tasks", "run", "fills", "--idempotency-key", key, "--json").json["execution_id"]
        for key in ("one", "one", "two")
    )
    assert first == again != other
    assert len(gauge.sent) == before + 2


def test_acceptance_12_only_the_tasks_that_were_asked_for(gauge: Stub, eyeflow: Command) -> None:
    def names(*options: str) -> list[str]:
        return [each["name"] for each in eyeflow("tasks", "list", "--json", *options).json]

    every = names()
    assert every == sorted(every) and {"fills", "reads", "rests", "hello_world"} <= set(every)
    assert names("--limit", "2") == every[:2]
    assert names("--text", "fil") == ["fills"]
    assert eyeflow("tasks", "pause", "rests").code == 0
    assert names("--state", "paused") == ["rests"]
    assert names("--state", "live") == [name for name in every if name != "rests"]
    assert eyeflow("tasks", "resume", "rests").code == 0
    short, whole = eyeflow("tasks", "list", "--limit", "2"), eyeflow("tasks", "list")
    assert "there are more" in short.err and "there are more" not in whole.said


def test_acceptance_13_the_exit_code_says_whether_the_account_works(gauge: Stub, eyeflow: Command) -> None:
    before = len(gauge.asked)
    good = eyeflow("connectors", "test", "tank")
    assert good.code == 0 and good.out.startswith("tank: connected in ")
    as_json = eyeflow("connectors", "test", "tank", "--json")
    assert (as_json.code, as_json.json["ok"], as_json.json["name"]) == (0, True, "tank")
    assert len(gauge.asked) == before + 2
    gauge.token = "another"
    bad = eyeflow("connectors", "test", "tank")
    assert bad.code == 1 and "tank: failed" in bad.err and "who are you" in bad.err
    as_json = eyeflow("connectors", "test", "tank", "--json")
    assert (as_json.code, as_json.json["ok"], as_json.json["state"]) == (1, False, "failed")
    assert eyeflow("connectors", "test", "nobody").code == 1
