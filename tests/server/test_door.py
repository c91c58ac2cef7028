"""The one way every request goes, on a small table of routes."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from eyeflow.engine.model import Principal
from eyeflow.errors import EyeFlowError
from eyeflow.server.auth import Auth
from eyeflow.server.door import Door
from eyeflow.server.exchange import Request
from eyeflow.server.routes import Router, Routes
from eyeflow.server.settings import Limits, Server, Settings
from eyeflow.workspace.keys import Unauthenticated
from server.asgi import Messages, ask

KEY = "ef_live_" + "k" * 40
VIEWER = "ef_live_" + "v" * 40


class Sum(msgspec.Struct, forbid_unknown_fields=True):
    a: int
    b: int = 0


class Page(msgspec.Struct, forbid_unknown_fields=True):
    limit: int = 10


class Total(msgspec.Struct):
    total: int


ROUTES = Routes("Sums")


@ROUTES.add("POST", "/api/sums", "tasks.run")
async def add(service: object, request: Request, body: Sum) -> Total:
    """Add."""
    return Total(body.a + body.b)


@ROUTES.add("GET", "/api/sums/{name}", "tasks.read")
async def show(service: object, request: Request, name: str, query: Page) -> Total:
    """Show."""
    if name == "bug":
        raise RuntimeError("secret detail /some/path")
    if name == "lost":
        raise EyeFlowError("unknown_task", "there is no such sum", hint="make one")
    return Total(query.limit)


@ROUTES.add("GET", "/up", "open")
async def up(service: object, request: Request) -> Total:
    """Up."""
    return Total(1)


@ROUTES.add("POST", "/hooks/{path...}", "signed", status=202)
async def hook(service: object, request: Request, path: str) -> Total:
    """Taken."""
    return Total(1)


class Keys:
    def remembered(self, token: str) -> Principal | None:
        return None

    async def authenticate(self, token: str) -> Principal:
        roles = {KEY: "owner", VIEWER: "viewer"}
        if token not in roles:
            raise Unauthenticated("bad_api_key", "no")
        return Principal(id=roles[token], role=roles[token])


def made(server: Server | None = None, limits: Limits | None = None) -> Door:
    server, limits = server or Server(), limits or Limits()
    auth = Auth(Keys(), per_minute=limits.key_per_minute, failures_per_minute=limits.failures_per_minute)
    return Door(None, Router(ROUTES.rows), auth, Settings(server=server, limits=limits))


@pytest.fixture
def door() -> Door:
    return made()


async def test_a_request_reaches_its_handler_and_carries_its_rate(door):
    reply = await ask(door, "POST", "/api/sums", key=KEY, json={"a": 2, "b": 3})
    assert (reply.status, reply.json) == (200, {"total": 5})
    assert int(reply.headers["x-ratelimit-remaining"]) < int(reply.headers["x-ratelimit-limit"])
    assert reply.headers["x-content-type-options"] == "nosniff"


async def test_the_versioned_address_is_the_same_route(door):
    assert (await ask(door, "POST", "/api/v1/sums", key=KEY, json={"a": 2})).json == {"total": 2}


@pytest.mark.parametrize(
    "path",
    [
        "/", "//", "/api", "/api/sums/", "/api//sums", "/API/sums", "/api/Sums", "/api/sums;x", "/api/sums/a/b", "/up/",
        "/up//", "/up;v=1", "/up/.", "/up/..", "/api/../up", "/api/sums/%2e%2e", "/api/sums/..%2fup", "/%75p", "/up%00",
        "/up%2f", "/api/sums/a%5cb", "/api/sums/%ff", "/api/sums/%0a", "/api/sums/ü", "/api/v1", "/v1/sums",
        "/api/v1/v1/sums", "/api/sums/%zz", "/api/sums/\\..\\up", "/up\t", "/api/sums/a%E2%80%AEb",
    ],
)  # fmt: skip
async def test_every_other_spelling_of_an_address_is_nothing(door, path):
    for method in ("GET", "POST"):
        reply = await ask(door, method, path, key=KEY, json={"a": 1})
        assert (reply.status, reply.code) == (404, "no_such_address")


async def test_a_name_may_hold_reserved_characters_percent_encoded(door):
    assert (await ask(door, "GET", "/api/sums/a%20b%23", key=KEY)).json == {"total": 10}


async def test_a_wrong_method_names_the_right_ones(door):
    reply = await ask(door, "DELETE", "/api/sums", key=KEY)
    assert (reply.status, reply.code, reply.headers["allow"]) == (405, "wrong_method", "POST")
    reply = await ask(door, "OPTIONS", "/up")
    assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD") and reply.json["hint"]
    override = {"x-http-method-override": "POST", "x-original-url": "/up"}
    assert (await ask(door, "GET", "/api/sums", key=KEY, headers=override)).status == 405


async def test_head_is_get_without_a_body_to_send(door):
    assert (await ask(door, "HEAD", "/up")).status == 200


@pytest.mark.parametrize(
    "key", [None, "", "undefined", "null", "ef_live_", "x" * 30, KEY[:-1], KEY + "x", f"{KEY} {KEY}"]
)
async def test_without_a_right_key_nothing_is_shown(door, key):
    reply = await ask(door, "POST", "/api/sums", key=key, json={"a": 1})
    assert reply.status == 401 and reply.code in ("no_key", "bad_api_key")
    assert reply.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Basic abc", KEY, f"Token {KEY}", f"Bearer  {KEY}", f"Bearer {KEY}\t"]
)
async def test_only_bearer_is_a_way_in(door, header):
    reply = await ask(door, "POST", "/api/sums", headers={"authorization": header}, json={"a": 1})
    assert reply.status == 401


async def test_two_keys_in_one_request_are_refused(door):
    two_keys = [
        (b"host", b"127.0.0.1"),
        (b"authorization", b"Bearer a"),
        (b"authorization", f"Bearer {KEY}".encode()),
    ]
    said = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        said.append(message)

    await door.answer(Request("GET", b"/api/sums/a", b"", two_keys, "127.0.0.1", receive), Messages(send))
    assert said[0]["status"] == 400


async def test_a_role_that_may_not_is_told_who_may(door):
    reply = await ask(door, "POST", "/api/sums", key=VIEWER, json={"a": 1})
    assert (reply.status, reply.code) == (403, "forbidden")
    assert "runner" in reply.json["hint"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "bad_json"),
        (b"{", 400, "bad_json"),
        (b'{"a":1} x', 400, "bad_json"),
        (b'{"a":1,"a":2}', 400, "bad_json"),
        (b'{"a":NaN}', 400, "bad_json"),
        (b'{"a":1e400}', 400, "bad_json"),
        (b'{"a":1,"b":"\\ud800"}', 400, "bad_json"),
        (b'{"a":1,"b":"\\udc00x"}', 400, "bad_json"),
        (b'{"a":1,"b":"\xff"}', 400, "bad_json"),
        (b'\xef\xbb\xbf{"a":1}', 400, "bad_json"),
        (b'{"a":' + b"[" * 100 + b"]" * 100 + b"}", 400, "bad_json"),
        (b"[" * 100_000, 400, "bad_json"),
        (b"[" * 100_000 + b"]" * 100_000, 400, "bad_json"),
        (b'{"a":' + b"9" * 10_000 + b"}", 400, "bad_json"),
        (b"{'a':1}", 400, "bad_json"),
        (b"[1]", 422, "bad_request"),
        (b"null", 422, "bad_request"),
        (b'{"b":1}', 422, "bad_request"),
        (b'{"a":"1"}', 422, "bad_request"),
        (b'{"a":1,"__proto__":{}}', 422, "bad_request"),
        (b'{"a":1,"role":"owner"}', 422, "bad_request"),
        (b'{"a":1,"files":[{"filepath":"/etc/passwd"}]}', 422, "bad_request"),
        (b"[" + b'{"":0},' * 110_000 + b"0]", 400, "bad_json"),
    ],
)
async def test_bodies_are_strict(door, body, status, code):
    reply = await ask(door, "POST", "/api/sums", key=KEY, body=body, headers={"content-type": "application/json"})
    assert (reply.status, reply.code) == (status, code)


async def test_a_body_that_begins_with_a_mark_is_told_what_is_too_much(door):
    """It cannot be seen in an editor."""
    headers = {"content-type": "application/json"}
    reply = await ask(door, "POST", "/api/sums", key=KEY, body=b'\xef\xbb\xbf{"a":1}', headers=headers)
    assert "byte order mark" in reply.json["detail"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"a":1,"b":"\\ud800"}', "half of a surrogate pair is no character (byte 12)"),
        (b'{"a":1,"b":"\\\\\\uDBFFx"}', "half of a surrogate pair is no character (byte 14)"),
        (b'{"a":1,"b":"\\ud83d\\ude00\\udc00"}', "half of a surrogate pair is no character (byte 24)"),
        (b'{"a":"\\\\ud800"', "the body ends before its JSON does"),
    ],
)
async def test_a_body_that_is_not_read_is_told_why_and_what_to_do(door, body, said):
    headers = {"content-type": "application/json"}
    reply = await ask(door, "POST", "/api/sums", key=KEY, body=body, headers=headers)
    assert (reply.code, reply.json["detail"]) == ("bad_json", said) and reply.json["hint"]


@pytest.mark.parametrize(
    "kind",
    [
        "", "text/plain", "application/x-www-form-urlencoded", "application/jsonx", "multipart/form-data",
        "application/json; charset=utf-16",
    ],
)  # fmt: skip
async def test_only_json_is_taken(door, kind):
    reply = await ask(door, "POST", "/api/sums", key=KEY, body=b'{"a":1}', headers={"content-type": kind})
    assert (reply.status, reply.code) == (415, "not_json")


async def test_compressed_bodies_are_not_taken(door):
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    assert (await ask(door, "POST", "/api/sums", key=KEY, body=b"\x1f\x8b", headers=headers)).status == 415


async def test_a_large_body_is_refused_by_its_length_and_by_its_size():
    door = made(Server(max_body_bytes=1024))
    headers = {"content-type": "application/json"}
    read = []

    def pieces():
        for _ in range(100):
            read.append(1)
            yield b" " * 512

    said = await ask(door, "POST", "/api/sums", key=KEY, body=b" " * 2000, headers=headers)
    assert (said.status, said.code) == (413, "body_too_large")
    chunked = await ask(door, "POST", "/api/sums", key=KEY, body=pieces(), headers=headers)
    assert (chunked.status, chunked.code) == (413, "body_too_large")
    lying = await ask(door, "POST", "/api/sums", key=KEY, body=b" " * 2000, headers={**headers, "content-length": "1"})
    assert lying.status == 413


async def test_a_body_in_pieces_is_one_body(door):
    headers = {"content-type": "application/json"}
    reply = await ask(door, "POST", "/api/sums", key=KEY, body=[b'{"a"', b":", b"7}"], headers=headers)
    assert reply.json == {"total": 7}


@pytest.mark.parametrize(
    "query", ["limit=x", "limit=1&limit=2", "other=1", "limit", "limit=%ff", "&".join(["a=1"] * 60)]
)
async def test_parameters_are_strict(door, query):
    reply = await ask(door, "GET", f"/api/sums/a?{query}", key=KEY)
    assert (reply.status, reply.code) == (400, "bad_query")


async def test_a_route_without_parameters_takes_none(door):
    assert (await ask(door, "POST", "/api/sums?admin=1", key=KEY, json={"a": 1})).code == "bad_query"


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil", "", "a:b", "localhost:x", "[::1", "\x00"]
)
async def test_names_that_are_not_this_servers_are_refused(door, host):
    reply = await ask(door, "GET", "/up", host=host)
    assert (reply.status, reply.code) in ((421, "unknown_host"), (400, "no_host")) or host == "[::1"


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:3000", "127.0.0.1", "10.1.2.3:80", "[::1]:3000", "localhost."]
)
async def test_addresses_and_localhost_are_taken(door, host):
    assert (await ask(door, "GET", "/up", host=host)).status == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:4000", "http://localhost:3000"])
async def test_pages_of_other_sites_may_not_change_anything(door, origin):
    reply = await ask(door, "POST", "/api/sums", key=KEY, json={"a": 1}, headers={"origin": origin})
    assert (reply.status, reply.code) == (403, "foreign_origin")


async def test_own_and_allowed_pages_may():
    door = made(Server(allowed_origins=("https://desk.example",), public_url="https://flows.example"))
    for origin, host in [
        ("http://127.0.0.1:3000", "127.0.0.1:3000"), ("https://desk.example", "127.0.0.1:3000"),
        ("https://flows.example", "flows.example"),
    ]:  # fmt: skip
        reply = await ask(door, "POST", "/api/sums", key=KEY, json={"a": 1}, headers={"origin": origin}, host=host)
        assert reply.status == 200


async def test_a_bug_says_nothing_of_the_inside(door, caplog):
    reply = await ask(door, "GET", "/api/sums/bug", key=KEY)
    assert (reply.status, reply.code) == (500, "internal")
    assert b"secret" not in reply.body and b"/some" not in reply.body and b"Runtime" not in reply.body
    assert reply.json["request_id"] == reply.headers["x-request-id"]


async def test_an_error_of_the_tree_keeps_its_code_and_hint(door):
    reply = await ask(door, "GET", "/api/sums/lost", key=KEY)
    assert (reply.status, reply.code, reply.json["hint"]) == (404, "unknown_task", "make one")


async def test_a_rate_ends_in_429_with_the_time_to_wait():
    door = made(limits=Limits(key_per_minute=12))
    replies = [await ask(door, "GET", "/api/sums/a", key=KEY) for _ in range(4)]
    assert [each.status for each in replies] == [200, 200, 429, 429]
    assert 1 <= int(replies[-1].headers["retry-after"]) <= 10
    assert (await ask(door, "GET", "/api/sums/a", key=VIEWER)).status == 200


async def test_each_webhook_has_its_own_rate_of_deliveries():
    door = made(limits=Limits(webhook_per_minute=12))
    replies = [await ask(door, "POST", "/hooks/orders/new", json={}) for _ in range(4)]
    assert [each.status for each in replies] == [202, 202, 429, 429]
    assert replies[-1].code == "too_many_requests" and 1 <= int(replies[-1].headers["retry-after"]) <= 10
    assert (await ask(door, "POST", "/hooks/orders/old", json={})).status == 202, "another webhook, another count"


async def test_wrong_keys_are_slowed_down_and_a_right_one_is_not(monkeypatch):
    monkeypatch.setattr("eyeflow.server.auth.DELAY_S", 0.0)
    door = made(limits=Limits(failures_per_minute=6))
    wrong = [await ask(door, "GET", "/api/sums/a", key="ef_live_" + str(n) * 30) for n in range(5)]
    assert wrong[0].status == 401 and wrong[-1].code == "too_many_failures"
    assert (await ask(door, "GET", "/api/sums/a", key=KEY)).status == 200


async def test_more_requests_than_fit_are_told_to_come_again():
    door = made(Server(max_requests=1))
    first_in, go = asyncio.Event(), asyncio.Event()

    def pieces():
        yield b'{"a":'
        yield b"1}"

    async def slow_body():
        first_in.set()
        await go.wait()
        return {"type": "http.request", "body": b'{"a":1}', "more_body": False}

    headers = [
        (b"host", b"127.0.0.1"), (b"authorization", f"Bearer {KEY}".encode()), (b"content-type", b"application/json")
    ]  # fmt: skip
    said = []

    async def send(message):
        said.append(message)

    request = Request("POST", b"/api/sums", b"", headers, "127.0.0.1", slow_body)
    held = asyncio.create_task(door.answer(request, Messages(send)))
    await first_in.wait()
    busy = await ask(door, "POST", "/api/sums", key=KEY, json={"a": 1})
    assert (busy.status, busy.code, busy.headers["retry-after"]) == (503, "busy", "1")
    assert (await ask(door, "GET", "/up")).status == 200
    go.set()
    await held
    assert said[0]["status"] == 200


async def test_figures_name_routes_by_their_template(door):
    await ask(door, "GET", "/api/sums/somebody", key=KEY)
    await ask(door, "GET", "/nowhere/somebody", key=KEY)
    text = door.metrics.text().decode()
    assert 'route="/api/sums/{name}",status="200"' in text
    assert "somebody" not in text
