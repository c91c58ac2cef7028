"""What arrives on the wire that is not as it should be: slow, endless, ambiguous, not HTTP at all; and live streams."""

from __future__ import annotations

import json
import socket
import time
from contextlib import ExitStack

import pytest

from server.running import running

SHORT = {
    "EYEFLOW_REQUEST_TIMEOUT_MS": "1000", "EYEFLOW_MAX_CONNECTIONS": "40", "EYEFLOW_MAX_STREAMS": "2",
    "EYEFLOW_MAX_BODY_BYTES": "4096",
}  # fmt: skip
SLOW = "TASK slow\n  DEADLINE 20s\n  ACTION pause\n    TYPE wait\n    FOR 1500ms\n    OUTPUT nothing\n  RETURN 1\n"


@pytest.fixture(scope="module")
def server():
    with running(env=SHORT) as made:
        made.deploy(SLOW)
        yield made


def said(server, data: bytes, *, wait_s: float = 10.0) -> bytes:
    """Everything the server says to `data` until it closes the connection."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=wait_s) as held:
        held.sendall(data)
        parts = []
        try:
            while piece := held.recv(65536):
                parts.append(piece)
        except (TimeoutError, ConnectionResetError):
            parts.append(b"<still open>" if not parts else b"")
        return b"".join(parts)


HEAD = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n"
POST = b"POST /api/tasks/run HTTP/1.1\r\nhost: localhost\r\n"


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02\x03\r\n\r\n", b"GARBAGE\r\n\r\n", b"GET /healthz HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\n: x\r\n\r\n",
        POST + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello", POST + b"content-length: -1\r\n\r\n",
        POST + b"transfer-encoding: chunked\r\n\r\nzz\r\n",
        b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx y: z\r\n\r\n", HEAD + b"x: a\x00b\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)  # fmt: skip
def test_what_is_no_http_is_refused_and_the_connection_ends(server, data):
    answer = said(server, data)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400"), answer
    assert b"Traceback" not in answer


@pytest.mark.parametrize("target", [b"http://evil.example/healthz", b"*", b"//evil.example/healthz", b"healthz"])
def test_other_forms_of_a_target_reach_nothing_of_others(server, target):
    answer = said(server, b"GET " + target + b" HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
    assert answer.split(b" ")[1] in (b"200", b"400", b"404")
    assert b"evil" not in answer


def test_connect_and_upgrades_are_not_taken(server):
    assert said(server, b"CONNECT localhost:22 HTTP/1.1\r\nhost: localhost\r\n\r\n").split(b" ")[1] in (
        b"400",
        b"404",
        b"405",
    )
    upgrade = (
        HEAD
        + b"connection: upgrade, close\r\nupgrade: websocket\r\nsec-websocket-key: eA==\r\n"
        + b"sec-websocket-version: 13\r\n\r\n"
    )
    assert b"101" not in said(server, upgrade).split(b"\r\n")[0]


def test_headers_that_never_end_are_cut_off(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as held:
        held.sendall(HEAD)
        try:
            for _ in range(200):
                held.sendall(b"x-filler: " + b"a" * 4000 + b"\r\n")
            answer = held.recv(4096)
        except (BrokenPipeError, ConnectionResetError):
            answer = b"HTTP/1.1 431"
    assert answer.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))


def test_too_many_headers_are_refused(server):
    lines = b"".join(b"x-%d: 1\r\n" % number for number in range(150))
    assert said(server, HEAD + b"connection: close\r\n" + lines + b"\r\n").startswith(b"HTTP/1.1 431")


@pytest.mark.parametrize("sent", [b"", b"GET /he", HEAD, HEAD + b"x: "])
def test_a_head_that_does_not_arrive_ends_the_connection(server, sent):
    begun = time.monotonic()
    assert said(server, sent, wait_s=8) == b""
    assert time.monotonic() - begun < 6


def test_a_body_that_does_not_arrive_ends_the_request(server):
    head = (
        f"POST /api/tasks/run HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {server.key}\r\n"
        "connection: close\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"
    )
    assert said(server, head.encode()).startswith(b"HTTP/1.1 408")


def test_a_large_body_is_refused_before_it_is_read(server):
    head = (
        f"POST /api/tasks/run HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {server.key}\r\n"
        "content-type: application/json\r\ncontent-length: 1000000000\r\n\r\n{"
    )
    assert said(server, head.encode()).startswith(b"HTTP/1.1 413")


def test_pipelined_requests_are_answered_in_order(server):
    two = HEAD + b"\r\n" + HEAD.replace(b"healthz", b"nothing") + b"connection: close\r\n\r\n"
    answer = said(server, two)
    assert answer.index(b"HTTP/1.1 200") < answer.index(b"HTTP/1.1 404")


def test_more_connections_than_fit_are_told_so_and_the_others_live(server):
    with ExitStack() as stack:
        for _ in range(45):
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=10))
        refused = said(server, HEAD + b"\r\n", wait_s=3)
        assert refused.startswith(b"HTTP/1.1 503") or refused == b""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            if server.client(None).get("/healthz").status_code == 200:
                return
        except OSError:
            pass
        except Exception:
            time.sleep(0.1)
    raise AssertionError("it does not answer any more")


def events(server, execution: str, last: str | None = None):
    """The events of a stream, up to its end."""
    headers = {"accept": "text/event-stream", **({"last-event-id": last} if last else {})}
    with server.http.stream("GET", f"/api/executions/{execution}/events", headers=headers) as stream:
        assert stream.status_code == 200 and stream.headers["content-type"].startswith("text/event-stream")
        text = "".join(stream.iter_text())
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":"))
        if "data" in fields:
            found.append((fields["event"], fields.get("id"), json.loads(fields["data"])))
    return found


def test_a_run_is_watched_live_to_its_end_and_taken_up_where_it_broke(server):
    ran = server.run("slow", wait=False)
    assert ran.status_code == 202
    execution = ran.json()["execution_id"]
    begun = time.monotonic()
    seen = events(server, execution)
    assert time.monotonic() - begun > 0.5
    assert seen[0][0] == "run_started" and seen[-1][0] == "result"
    assert seen[-1][2]["status"] == "success" and seen[-1][2]["output"] == 1
    numbers = [int(number) for kind, number, _ in seen if kind != "result"]
    assert numbers == list(range(1, len(numbers) + 1))
    rest = events(server, execution, last="2")
    assert [each[1] for each in rest] == [each[1] for each in seen[2:]]
    wrong = server.http.get(
        f"/api/executions/{execution}/events", headers={"accept": "text/event-stream", "last-event-id": "x"}
    )
    assert wrong.status_code == 400


def test_there_are_only_so_many_streams(server):
    execution = server.run("slow", wait=False).json()["execution_id"]
    path, headers = f"/api/executions/{execution}/events", {"accept": "text/event-stream"}
    with ExitStack() as stack:
        for _ in range(2):
            stream = stack.enter_context(server.client(server.key).stream("GET", path, headers=headers))
            assert stream.status_code == 200
        third = server.client(server.key).get(path, headers=headers)
        assert third.status_code == 503 and third.json()["code"] == "too_many_streams"
    time.sleep(0.3)
    assert events(server, execution)[-1][0] == "result"


def test_a_stream_ends_when_its_key_is_revoked(server):
    made = server.http.post("/api/keys", json={"name": "watcher", "role": "viewer"}).json()
    execution = server.run("slow", wait=False).json()["execution_id"]
    path, headers = f"/api/executions/{execution}/events", {"accept": "text/event-stream"}
    with server.client(made["token"]).stream("GET", path, headers=headers) as stream:
        assert stream.status_code == 200
        assert server.http.delete(f"/api/keys/{made['key']['id']}").status_code == 200
        text = "".join(stream.iter_text())
    assert "event: problem" in text and '"title":"Unauthorized","status":401,"code":"key_revoked"' in text
    assert f'"request_id":"{stream.headers["x-request-id"]}"' in text
    assert "event: result" not in text and "run_finished" not in text
    assert events(server, execution)[-1][0] == "result", "others hear how it ended"


def test_a_compile_tells_its_stages(server):
    body = {"text": "TASK two\n  RETURN 2\n"}
    with server.http.stream("POST", "/api/compile", json=body, headers={"accept": "text/event-stream"}) as stream:
        text = "".join(stream.iter_text())
    assert text.index("event: stage") < text.index("event: result")
    assert '"outcome":"program"' in text
    plain = server.http.post("/api/compile", json=body)
    assert plain.json()["outcome"] == "program"


@pytest.mark.parametrize(
    ("body", "stages"),
    [
        ({"text": "Send the weather to Slack every morning"}, [("understand", "2 questions")]),
        ({"text": "Mow the lawn every morning"}, [("understand", "1 refusal")]),
        ({"ir": "TASK two\n  RETURN nothing\n"}, [("parse", "task two"), ("check", "1 error")]),
        ({"ir": "TASK\n"}, [("parse", "1 error")]),
    ],
)
def test_a_compile_that_ends_early_tells_the_stage_it_ended_in(server, body, stages):
    headers = {"accept": "text/event-stream"}
    with server.http.stream("POST", "/api/compile", json=body, headers=headers) as stream:
        lines = list(stream.iter_lines())
    kinds = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    told = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    assert kinds == ["stage"] * len(stages) + ["result"]
    assert all(
        (said["stage"], part in said["detail"]) == (stage, True)
        for said, (stage, part) in zip(told, stages, strict=False)
    ), told


def test_a_stream_does_not_hold_up_the_end():
    with running() as server:
        server.deploy(SLOW.replace("1500ms", "15s"))
        execution = server.run("slow", wait=False).json()["execution_id"]
        with server.http.stream(
            "GET", f"/api/executions/{execution}/events", headers={"accept": "text/event-stream"}
        ) as stream:
            lines = stream.iter_lines()
            assert next(lines).startswith("retry")
            begun = time.monotonic()
            server.process.terminate()
            try:
                for _ in lines:
                    pass
            except Exception:
                pass
        assert server.process.wait(40) == 0
        assert time.monotonic() - begun < 35
