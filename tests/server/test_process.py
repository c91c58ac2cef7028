"""The server as a process: its start, its end, its port and folder, several workers."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import time

import httpx
import psutil
import pytest

from server.running import command, environment, running


def start(*args: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
    """`eyeflow up` that is expected to give up by itself."""
    return subprocess.run(
        command("up", *args),
        env=environment(env),
        capture_output=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_well_on_a_signal(number):
    with running() as server:
        server.http.get("/healthz")
        assert server.stop(number) == 0
        assert "Traceback" not in server.log()


def test_a_port_in_use_is_said_with_the_way_out(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = start("--port", port, "--data", str(tmp_path / "data"), "--workers", "2")
        assert ended.returncode == 1
        assert f"something listens on 127.0.0.1 port {port} already" in ended.stderr.decode()
        assert b"--port" in ended.stderr and b"Traceback" not in ended.stderr


def test_a_second_server_on_the_same_data_is_refused_and_the_first_goes_on():
    with running() as server:
        ended = start("--port", "0", "--data", str(server.folder))
        assert ended.returncode == 1
        assert server.url in ended.stderr.decode() and "already" in ended.stderr.decode()
        assert server.http.get("/readyz").status_code == 200


def test_a_server_that_was_killed_leaves_nothing_in_the_way(tmp_path):
    with running(tmp_path / "data") as server:
        server.example("hello_world")
        key = server.key
        server.stop(signal.SIGKILL)
    with running(tmp_path / "data") as server:
        assert server.client(key).get("/api/tasks/hello_world").status_code == 200


def test_serve_makes_nothing(tmp_path):
    ended = subprocess.run(
        command("serve", "--data", str(tmp_path / "none")),
        env=environment(),
        stderr=subprocess.PIPE,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 1 and b"eyeflow up" in ended.stderr
    assert not (tmp_path / "none").exists()


def test_serve_runs_what_up_has_made(tmp_path):
    with running(tmp_path / "data") as server:
        key = server.key
        server.stop()
    with running(tmp_path / "data", verb="serve") as server:
        assert server.key == "" and server.client(key).get("/api/tasks").status_code == 200


def test_a_setting_that_cannot_be_is_an_error_at_the_start(tmp_path):
    ended = start("--data", str(tmp_path / "data"), env={"EYEFLOW_PORT": "seventy"})
    assert ended.returncode == 2 and b"EYEFLOW_PORT" in ended.stderr and b"Traceback" not in ended.stderr
    assert not (tmp_path / "data").exists()


def test_a_request_in_hand_is_answered_before_the_end():
    with running() as server:
        text = "TASK slow\n  DEADLINE 10s\n  ACTION pause\n    TYPE wait\n    FOR 1s\n  RETURN 1\n"
        server.deploy(text)
        with socket.create_connection(("127.0.0.1", server.port)) as held:
            body = b'{"task":"slow"}'
            held.sendall(
                b"POST /api/tasks/run HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
                b"authorization: Bearer %s\r\ncontent-length: %d\r\n\r\n%s" % (server.key.encode(), len(body), body)
            )
            time.sleep(0.3)
            server.process.send_signal(signal.SIGTERM)
            answer = held.recv(65536)
            assert answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 202")), answer
        with pytest.raises(httpx.ConnectError):
            httpx.get(server.url + "/healthz", trust_env=False)
        assert server.process.wait(20) == 0


def test_several_workers_answer_one_address_and_a_dead_one_is_replaced(tmp_path):
    with running(tmp_path / "data", "--workers", "2") as server:
        workers = psutil.Process(server.process.pid).children()
        assert len(workers) == 2
        server.example("hello_world")
        seen = {
            httpx.get(server.url + "/healthz", trust_env=False).headers["x-request-id"].split("-")[0] for _ in range(40)
        }
        assert len(seen) == 2
        workers[0].kill()
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            now = psutil.Process(server.process.pid).children()
            if len(now) == 2 and workers[0] not in now:
                break
            time.sleep(0.05)
        for _ in range(20):
            with httpx.Client(base_url=server.url, trust_env=False, timeout=20) as fresh:
                headers = {"authorization": f"Bearer {server.key}"}
                reply = fresh.post(
                    "/api/tasks/run", json={"task": "hello_world", "input": {"name": "x"}}, headers=headers
                )
                assert reply.status_code == 200
        children = psutil.Process(server.process.pid).children()
        assert server.stop() == 0
        assert not any(each.is_running() for each in children)
        assert "worker replaced" in server.log()


def test_workers_end_when_their_supervisor_is_killed(tmp_path):
    with running(tmp_path / "data", "--workers", "2") as server:
        workers = psutil.Process(server.process.pid).children()
        os.kill(server.process.pid, signal.SIGKILL)
        gone, alive = psutil.wait_procs(workers, timeout=20)
        for each in alive:
            each.kill()
        assert len(gone) == 2


def test_logs_are_json_lines_without_keys(tmp_path):
    with running(env={"EYEFLOW_LOGS_REQUESTS": "true"}) as server:
        server.http.get("/api/tasks")
        server.http.get("/no/such\\x1b[31m?x=%0a")
        server.stop()
        lines = [json.loads(line) for line in server.log().splitlines()]
        asked = [line for line in lines if line["event"] == "request"]
        assert {line["route"] for line in asked} == {"/api/tasks", "-"}
        assert server.key not in server.log()


def test_a_worker_runs_what_is_due_and_listens_nowhere(tmp_path):
    folder = tmp_path / "data"
    with running(folder) as server:
        server.deploy("TASK rests\n  DURABLE journal\n\n  ACTION rest\n    TYPE wait\n    FOR 2s\n")
        run = server.run("rests", wait=False).json()["execution_id"]
        key, port = server.key, server.port
        assert server.stop() == 0
    worker = subprocess.Popen(
        command("worker", "--data", str(folder), "--json"), env=environment(), stdout=subprocess.PIPE
    )
    try:
        assert worker.stdout is not None
        assert json.loads(worker.stdout.readline())["url"] == ""
        assert not psutil.Process(worker.pid).net_connections("inet")
        with socket.socket() as line:
            assert line.connect_ex(("127.0.0.1", port)) != 0
        second = subprocess.run(
            command("worker", "--data", str(folder)), env=environment(), capture_output=True, timeout=30, check=False
        )
        assert second.returncode == 1 and b"already" in second.stderr
        time.sleep(3)
    finally:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0
        worker.stdout.close()
    with running(folder) as server:
        held = server.client(key).get(f"/api/executions/{run}").json()
        assert held["status"] == "success"
        assert held["finished_ms"] < server.started_ms, "the worker has ended it"


def test_a_database_is_looked_at_and_migrated_without_a_server(tmp_path):
    folder = tmp_path / "data"

    def migrate(*args):
        return subprocess.run(
            command("migrate", "--data", str(folder), *args), env=environment(), capture_output=True, timeout=60,
            check=False,
        )  # fmt: skip

    assert migrate().returncode == 1 and not folder.exists()
    with running(folder):
        busy = migrate("--check")
        assert busy.returncode == 1 and b"already" in busy.stderr
    with sqlite3.connect(folder / "eyeflow.db") as made:
        made.execute("DELETE FROM alembic_version")  # as if its first migration had not ended
    made.close()
    before = migrate("--check", "--json")
    assert (before.returncode, json.loads(before.stdout)["state"]) == (5, "older"), before.stderr
