"""What a reader of the overview tries first, over real HTTP on a real process."""

from __future__ import annotations

import json
import time

import pytest

from eyeflow.server.settings import Settings
from server.running import running
from server.stub import serve_file, stub


def test_acceptance_01_02_running_a_task_answers_in_the_documented_shape(server):
    reply = server.http.post("/api/tasks/run", json={"task": "hello_world", "input": {"name": "Alice"}})
    assert reply.status_code == 200
    body = reply.json()
    assert set(body) == {"execution_id", "status", "duration_ms", "output"}
    assert body["execution_id"].startswith("exec_")
    assert body["status"] == "success"
    assert type(body["duration_ms"]) is int
    assert body["output"] == {"greeting": "Hello Alice"}


TAKES = """TASK takes
  DEADLINE 10s
  INPUT by number DEFAULT 1

  ACTION rest
    TYPE wait
    FOR 60ms

  ACTION share
    TYPE transform
    AFTER rest
    VALUE 10 / input.by
    OUTPUT each

  RETURN each
"""


def test_acceptance_02_06_the_duration_is_the_time_it_took_wherever_it_is_said(server):
    server.deploy(TAKES)
    ran = server.run("takes").json()
    held = server.http.get(f"/api/executions/{ran['execution_id']}").json()
    assert ran["status"] == "success" and 60 <= ran["duration_ms"] < 10_000
    assert held["duration_ms"] == ran["duration_ms"]
    assert held["finished_ms"] - held["started_ms"] >= 60
    assert server.started_ms < held["created_ms"] <= held["started_ms"]


def test_acceptance_06_48_a_run_that_failed_is_an_answer_with_its_report(server):
    """The request succeeded: 200, and `status` says the rest, at once and afterwards."""
    server.deploy(TAKES)
    reply = server.run("takes", {"by": 0})
    ran = reply.json()
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json")
    assert (ran["status"], ran["completed_actions"], ran["failed_action"]) == ("partial_failure", 1, 2)
    assert ran["error_code"] == "evaluation" and ran["error"] and ran["output"] is None
    assert ran["total_duration"] == f"{ran['total_duration_ms']}ms" and ran["total_duration_ms"] >= 60
    held = server.http.get(f"/api/executions/{ran['execution_id']}").json()
    said = ("status", "completed_actions", "failed_action", "error", "error_code", "error_hint", "duration_ms")
    assert {name: held[name] for name in said} == {name: ran[name] for name in said}


def test_acceptance_41_the_timeline_is_there_as_data_and_as_text(server):
    server.deploy(TAKES)
    ran = server.run("takes", {"by": 0}).json()
    reply = server.http.get(f"/api/executions/{ran['execution_id']}/timeline").json()
    rest, share = reply["timeline"]["lines"]
    assert (rest["action"], rest["number"], rest["state"]) == ("rest", 1, "completed")
    assert (share["action"], share["number"], share["state"]) == ("share", 2, "failed")
    assert rest["duration_ms"] >= 60 and share["offset_ms"] >= rest["offset_ms"] + rest["duration_ms"]
    assert ran["error"] in share["details"]
    assert all(f"Action {each['number']}: {each['action']}" in reply["text"] for each in (rest, share))


def test_the_example_with_connectors_runs_against_practice_at_once(server):
    ran = server.run("daily_weather").json()
    assert ran["status"] == "success", ran
    assert server.http.get("/api/tasks/daily_weather").json()["practice"] is True


def test_acceptance_04_an_unknown_task_is_a_clear_error_and_nothing_runs(server):
    before = server.http.get("/api/executions").json()["items"]
    reply = server.run("no_such_task")
    assert reply.status_code == 404
    assert reply.headers["content-type"] == "application/problem+json"
    body = reply.json()
    assert body["code"] == "unknown_task" and "no_such_task" in body["detail"]
    assert server.http.get("/api/executions").json()["items"] == before


def test_acceptance_05_a_task_is_executed_by_name_and_by_id(server):
    task = server.http.get("/api/tasks/hello_world").json()
    for name in ("hello_world", task["id"]):
        reply = server.http.post(f"/api/tasks/{name}/execute", json={"input": {"name": "Bob"}})
        assert reply.json()["output"] == {"greeting": "Hello Bob"}
    nothing_given = server.http.post("/api/tasks/daily_weather/execute")
    assert (nothing_given.status_code, nothing_given.json()["status"]) == (200, "success")


def test_acceptance_06_an_execution_can_be_looked_up(server):
    ran = server.run("hello_world", {"name": "Cleo"}).json()
    reply = server.http.get(f"/api/executions/{ran['execution_id']}")
    body = reply.json()
    assert reply.status_code == 200
    assert (body["execution_id"], body["status"], body["output"]) == (ran["execution_id"], "success", ran["output"])
    assert body["input"] == {"name": "Cleo"} and body["task"] == "hello_world"
    assert server.http.get("/api/executions/exec_nothing").json()["code"] == "unknown_execution"


def test_acceptance_03_sealed_bytecode_runs_and_logs(server):
    bytecode = server.http.get("/api/tasks/hello_world/bytecode").json()
    assert bytecode["digest"] == server.http.get("/api/tasks/hello_world").json()["digest"] and bytecode["listing"]
    ran = server.run("hello_world", {"name": "Alice"}).json()["execution_id"]
    events = server.http.get(f"/api/executions/{ran}/events").json()["items"]
    assert [each["data"]["text"] for each in events if each["kind"] == "log_written"] == ["Hello Alice"]
    assert "Hello Alice" in server.http.get(f"/api/executions/{ran}/timeline").json()["text"]


def test_acceptance_07_a_rule_shows_conditions_branches_and_default(server):
    rule = server.http.get("/api/rules/daily_weather_report.weather_rule").json()
    assert [each["condition"] for each in rule["branches"]] == [
        "GT(weather_data.temp, 75)",
        "LT(weather_data.temp, 50)",
    ]
    assert [each["name"] for each in rule["branches"]] == ["hot_weather", "cold_weather"]
    assert "Normal weather!" in rule["default"]["gives"]
    assert server.http.get("/api/rules/daily_weather_report.nothing").status_code == 404


def test_acceptance_08_testing_a_connector_contacts_the_service(tmp_path):
    with stub() as (gauge, port), running(env=serve_file(tmp_path / "catalog", port)) as server:
        server.http.post("/api/secrets", json={"name": "gauge", "value": gauge.token})
        body = {"name": "tank", "service": "gauge", "credential": "vault:gauge"}
        assert server.http.post("/api/connectors", json=body).status_code == 201
        assert gauge.asked == []
        reply = server.http.post("/api/connectors/tank/test").json()
        assert (reply["ok"], reply["state"], gauge.asked) == (True, "connected", ["/level"])
        gauge.token = "another"
        reply = server.http.post("/api/connectors/tank/test").json()
        assert (reply["ok"], reply["state"], len(gauge.asked)) == (False, "failed", 2)
        assert "tok-gauge" not in server.http.get("/api/connectors").text


HOOK = """TASK on_order
  TRIGGER webhook("/orders", unsigned)
  INPUT customer string DEFAULT "nobody"

  ACTION said
    TYPE transform
    VALUE {seen: trigger, customer: input.customer}
    OUTPUT result

  RETURN result
"""


@pytest.mark.parametrize("payload", [{"a": [1, {"b": None}]}, [1, 2], "text", 7, False, None, {}])
def test_acceptance_09_a_webhook_takes_any_json(server, payload):
    if not server.http.get("/api/tasks/on_order").is_success:
        server.deploy(HOOK)
    hook = server.http.get("/api/webhooks?task=on_order").json()["items"][0]
    said = {"content": json.dumps(payload), "headers": {"content-type": "application/json"}}
    reply = server.client(None).post(f"/webhooks/{hook['id']}", **said)
    assert reply.is_success and set(reply.json()) == {"execution_id", "status"}
    seen = _output(server, reply.json()["execution_id"])["seen"]
    assert seen == (payload if isinstance(payload, dict) else {"body": payload})


def test_acceptance_10_the_payload_is_the_tasks_input(server):
    if not server.http.get("/api/tasks/on_order").is_success:
        server.deploy(HOOK)
    reply = server.client(None).post("/hooks/orders", json={"customer": "Ana", "total": 3})
    assert _output(server, reply.json()["execution_id"])["customer"] == "Ana"


def _output(server, execution):
    """The output of a run that was started by somebody else."""
    for _ in range(100):
        body = server.http.get(f"/api/executions/{execution}").json()
        if body["status"] not in ("queued", "running"):
            assert body["status"] == "success", body
            return body["output"]
        time.sleep(0.05)
    raise AssertionError("it does not end")


LEAKY = """TASK leaky
  ACTION read
    TYPE connector_call
    CONNECTOR tank
    FUNCTION level
    PARAMS {}
    OUTPUT seen

  RETURN seen
"""


def test_acceptance_53_no_secret_in_any_answer_log_export_or_figure(tmp_path):
    with stub() as (gauge, port), running(env=serve_file(tmp_path / "catalog", port)) as server:
        gauge.echo = True
        server.http.post("/api/secrets", json={"name": "gauge", "value": gauge.token})
        server.http.post("/api/connectors", json={"name": "tank", "service": "gauge", "credential": "vault:gauge"})
        server.deploy(LEAKY)
        ran = server.run("leaky").json()
        assert ran["status"] == "success" and ran["output"]["level"] == 7
        shown = [
            server.http.get(path).text
            for path in (
                "/api/secrets", "/api/connectors", "/api/connectors/tank", "/api/tasks/leaky", "/api/tasks/leaky/ir",
                "/api/tasks/leaky/bytecode", f"/api/executions/{ran['execution_id']}", "/api/audit/export",
                "/api/audit", "/api/export",
                f"/api/executions/{ran['execution_id']}/events", f"/api/executions/{ran['execution_id']}/timeline",
                "/metrics", "/api/keys", "/api/settings", "/api/proposals?state=approved",
            )
        ]  # fmt: skip
        wrong = server.http.post("/api/secrets", json={"name": "gauge", "value": gauge.token, "more": 1})
        shown += [str(ran), wrong.text, server.log()]
        for secret in (gauge.token, server.key):
            assert not any(secret in text for text in shown)
        assert server.http.post("/api/audit/verify").json()["ok"]
        assert server.http.get("/api/audit?action=secret.read").json()["items"]
    for file in server.folder.rglob("*"):
        assert not file.is_file() or gauge.token.encode() not in file.read_bytes()


def test_acceptance_55_one_command_starts_everything(tmp_path):
    with running(tmp_path / "data") as server:
        assert server.http.get("/healthz").json() == {"status": "alive"}
        assert server.http.get("/readyz").json()["status"] == "ready"
        assert server.key.startswith("ef_live_")
        assert (tmp_path / "data" / "master.key").stat().st_mode & 0o777 == 0o600
        assert server.run("hello_world", {"name": "Dan"}).json()["status"] == "success"
        assert server.stop() == 0
    with running(tmp_path / "data") as again:
        assert again.key == "" and again.said["new_master_key"] is None
        http = again.client(server.key)
        assert (
            http.post("/api/tasks/hello_world/execute", json={"input": {"name": "Eve"}}).json()["status"] == "success"
        )
        assert len(http.get("/api/executions").json()["items"]) == 2


def test_the_default_port_is_3000():
    assert Settings().server.port == 3000 and Settings().server.host == "127.0.0.1"
