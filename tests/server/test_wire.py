"""HTTP/1.1 on one connection: keeping it, several requests at once, bodies in pieces, answers in their order."""

from __future__ import annotations

import json
import socket
import time
from http import HTTPStatus

import pytest

from server.running import running

HELLO = (
    "TASK hello\n  INPUT name string\n  ACTION greet\n    TYPE transform\n"
    '    VALUE "Hello {input.name}"\n    OUTPUT said\n  RETURN said\n'
)
SLOW = "TASK slow\n  DEADLINE 20s\n  ACTION pause\n    TYPE wait\n    FOR 300ms\n    OUTPUT nothing\n  RETURN 1\n"


@pytest.fixture(scope="module")
def server():
    with running(env={"EYEFLOW_MAX_BODY_BYTES": "300000"}) as made:
        made.deploy(HELLO)
        made.deploy(SLOW)
        yield made


class Line:
    """A bare connection, read answer by answer."""

    def __init__(self, server) -> None:
        self._held = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        self._read = self._held.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._read.close()
        self._held.close()

    def send(self, data: bytes) -> None:
        self._held.sendall(data)

    def answer(self, *, body: bool = True):
        """Status, headers and body of the next answer; None at the end of the connection."""
        first = self._read.readline()
        if not first:
            return None
        headers = {}
        while (line := self._read.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode().partition(": ")
            headers[name] = value.strip()
        size = int(headers.get("content-length", 0)) if body else 0
        return int(first.split()[1]), headers, self._read.read(size)


def run(server, name: str, *, task: str = "hello", more: str = "", version: str = "1.1", pad: int = 0) -> bytes:
    body = json.dumps({"task": task, "input": {"name": name} if task == "hello" else {}}).encode() + b" " * pad
    head = (
        f"POST /api/tasks/run HTTP/{version}\r\nhost: localhost\r\nauthorization: Bearer {server.key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n{more}\r\n"
    )
    return head.encode() + body


def output(answer) -> object:
    assert answer is not None and answer[0] == 200, answer
    return json.loads(answer[2])["output"]


def test_a_connection_is_kept_for_many_requests(server):
    with Line(server) as line:
        for number in range(20):
            line.send(run(server, str(number)))
            assert output(line.answer()) == f"Hello {number}"


def test_requests_sent_together_are_answered_in_order(server):
    with Line(server) as line:
        line.send(run(server, "", task="slow") + b"".join(run(server, str(n)) for n in range(200)))
        assert output(line.answer()) == 1
        assert [output(line.answer()) for _ in range(200)] == [f"Hello {n}" for n in range(200)]
        line.send(run(server, "still"))
        assert output(line.answer()) == "Hello still"


def test_refusals_sent_together_are_as_many_answers(server):
    refused = b"POST /api/tasks/run HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n"
    with Line(server) as line:
        line.send(refused * 1500 + run(server, "last"))
        assert {line.answer()[0] for _ in range(1500)} == {401}
        assert output(line.answer()) == "Hello last"


@pytest.mark.parametrize("pieces", [1, 7, 50])
def test_a_request_in_pieces_is_one_request(server, pieces):
    data = run(server, "Ana", pad=40)
    with Line(server) as line:
        for start in range(0, len(data), len(data) // pieces + 1):
            line.send(data[start : start + len(data) // pieces + 1])
            time.sleep(0.002)
        assert output(line.answer()) == "Hello Ana"


def test_large_and_chunked_bodies_arrive_whole(server):
    with Line(server) as line:
        line.send(run(server, "big", pad=250_000))
        assert output(line.answer()) == "Hello big"
        body = run(server, "chunked", pad=100_000).partition(b"\r\n\r\n")[2]
        head = run(server, "chunked").partition(b"content-length")[0] + b"transfer-encoding: chunked\r\n\r\n"
        halves = body[:70_000], body[70_000:]
        line.send(head + b"".join(b"%x\r\n%b\r\n" % (len(half), half) for half in halves) + b"0\r\n\r\n")
        assert output(line.answer()) == "Hello chunked"


def test_a_body_is_asked_for_when_its_sender_waits_for_that(server):
    head, _, body = run(server, "patient", more="expect: 100-continue\r\n").partition(b"\r\n\r\n")
    with Line(server) as line:
        line.send(head + b"\r\n\r\n")
        assert line.answer()[0] == 100
        line.send(body)
        assert output(line.answer()) == "Hello patient"


def test_who_may_not_send_a_body_is_told_before_it_is_sent_and_the_connection_lives(server):
    head = b"POST /api/tasks/run HTTP/1.1\r\nhost: localhost\r\ncontent-length: 200000\r\n\r\n"
    with Line(server) as line:
        line.send(head)
        assert line.answer()[0] == 401
        line.send(b" " * 200_000 + run(server, "next"))
        assert output(line.answer()) == "Hello next"


@pytest.mark.parametrize(("more", "version"), [("connection: close\r\n", "1.1"), ("", "1.0")])
def test_after_the_last_request_the_connection_ends_and_nothing_more_is_done(server, more, version):
    with Line(server) as line:
        line.send(run(server, "last", more=more, version=version) + run(server, "never") + b"\x00garbage")
        answer = line.answer()
        assert output(answer) == "Hello last" and answer[1]["connection"] == "close"
        assert line.answer() is None


def test_another_protocol_is_not_taken_up(server):
    with Line(server) as line:
        asks = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"
        line.send(asks + run(server, "never"))
        assert line.answer()[0] == 200
        assert line.answer() is None


@pytest.mark.parametrize(
    ("head", "status", "code", "hint"),
    [
        (b"FOO /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n", 400, "bad_http", "GET, HEAD, POST"),
        (b"GET /healthz HTTP/1.1\r\nhost : localhost\r\n\r\n", 400, "bad_http", "HTTP/1.1"),
        (b"GET /healthz HTTP/1.1\r\nx: " + b"x" * 70_000 + b"\r\n\r\n", 431, "head_too_large", "fewer"),
    ],
)
def test_what_is_turned_away_has_a_problem_like_all_others(server, head, status, code, hint):
    with Line(server) as line:
        line.send(head)
        found, headers, body = line.answer()
        problem = json.loads(body)
        assert (found, problem["status"], problem["code"]) == (status, status, code)
        assert problem["title"] == HTTPStatus(status).phrase and hint in problem["hint"]
        assert problem["request_id"] == headers["x-request-id"] and "date" in headers
        assert headers["connection"] == "close" and line.answer() is None


def test_an_answer_to_head_has_no_body(server):
    with Line(server) as line:
        for _ in range(2):
            line.send(b"HEAD /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
            status, headers, _ = line.answer(body=False)
            assert status == 200 and int(headers["content-length"]) > 0
        line.send(run(server, "after"))
        assert output(line.answer()) == "Hello after"


def test_garbage_behind_a_request_that_runs_is_not_answered_into_it(server):
    with Line(server) as line:
        line.send(run(server, "", task="slow"))
        time.sleep(0.05)
        line.send(b"\x00\x01\r\n\r\n")
        answer = line.answer()
        assert answer is None or answer[0] == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"task":"hello","task":"slow","input":{"name":"a"}}', 400),
        (b'{"task":"hello","input":{"name":"a","name":"b"}}', 400),
        (b'{"task":"hello","input":{"name":"a: b"}}', 200),
        (b'{"task":"hello","input":{"name":"a"},"wait":true}', 200),
        (b'{"task":"hello","input":{"name":"a"},"wait_ms":null,"wait":true}', 200),
        (b'{"task":"hello","input":{"name":"a"},"role":"owner"}', 422),
        (b'{"task":"hello","input":{"name":1}}', 422),
        (b'{"task":"hello","input":{"other":"a"}}', 422),
        (b'{"task":"nobody","input":{}}', 404),
        (b'{"task":"hello","input":' + b"[" * 70 + b"]" * 70 + b"}", 400),
        (b"", 400),
    ],
)
def test_a_body_is_read_as_strictly_on_the_quick_way(server, body, status):
    head = (
        f"POST /api/tasks/run HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {server.key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode()
    with Line(server) as line:
        for _ in range(3):  # the first of them may have to ask who this is
            line.send(head + body)
            assert line.answer()[0] == status


def test_a_key_that_is_revoked_stops_working_while_it_is_in_use(server):
    made = server.http.post("/api/keys", json={"name": "short", "role": "runner", "principal": "sam"}).json()
    data = run(server, "x").replace(server.key.encode(), made["token"].encode())
    with Line(server) as line:
        for _ in range(50):
            line.send(data)
            assert line.answer()[0] == 200
        server.http.delete(f"/api/keys/{made['key']['id']}")
        until = time.monotonic() + 5
        while line.send(data) or line.answer()[0] == 200:
            assert time.monotonic() < until
        line.send(data)
        assert line.answer()[0] == 401
