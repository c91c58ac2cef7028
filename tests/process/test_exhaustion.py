"""More than there is room for: the server says so, keeps its memory, and goes on serving others meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import aiohttp
import httpx
import pytest

from process.counting import Counting, counting, task
from process.served import House, house, rss_mb, until

HOOK = 'TRIGGER webhook("/orders", {order: string}, unsigned)'
DOUBLING = 31
MOST_MB = 250
"""How much more memory than before any of this may take."""

SETTINGS = {
    "EYEFLOW_WORK_MAX_RUNNING": "20", "EYEFLOW_WORK_MAX_QUEUED": "50", "EYEFLOW_MAX_STREAMS": "100",
    "EYEFLOW_REQUEST_TIMEOUT_MS": "3000", "EYEFLOW_LIMITS_WEBHOOK_PER_MINUTE": "0",
}  # fmt: skip


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Counting]]:
    """A server that takes little at a time."""
    folder = tmp_path_factory.mktemp("narrow")
    with counting(folder / "catalog") as (stub, env), house(folder / "data", env={**env, **SETTINGS}) as place:
        place.connect()
        place.deploy(task("hooked", "only", head=HOOK))
        place.deploy("TASK quick\n  ACTION say\n    TYPE transform\n    VALUE 1\n    OUTPUT said\n  RETURN said\n")
        place.deploy("TASK resting\n  ACTION rest\n    TYPE wait\n    FOR 1 hours\n  RETURN 1\n")
        place.run("quick")
        yield place, stub


@contextlib.contextmanager
def bounded(place: House) -> Iterator[None]:
    """Memory is about what it was, and others are served afterwards."""
    before = rss_mb(place.server.process.pid)
    yield
    after = rss_mb(place.server.process.pid)
    assert after - before < MOST_MB, f"{before:.0f} MB before, {after:.0f} MB after"
    assert place.run("quick")["output"] == 1
    assert "Traceback" not in place.log()


async def burst(place: House, count: int, abreast: int) -> list[tuple[int, Any, str]]:
    """So many deliveries, so many of them at a time: status, body, Retry-After."""
    hook = await asyncio.to_thread(place.get, "/api/webhooks")
    url = f"{place.url}/webhooks/{hook['items'][0]['id']}"
    told: list[tuple[int, Any, str]] = []
    numbers = iter(range(count))

    async def sender(http: aiohttp.ClientSession) -> None:
        for number in numbers:
            async with http.post(url, json={"order": f"b{number}"}) as reply:
                told.append((reply.status, await reply.json(content_type=None), reply.headers.get("Retry-After", "")))

    limit = aiohttp.TCPConnector(limit=abreast)
    async with aiohttp.ClientSession(connector=limit, timeout=aiohttp.ClientTimeout(total=300)) as http:
        await asyncio.gather(*(sender(http) for _ in range(abreast)))
    return told


@pytest.mark.parametrize("count", [3_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_a_burst_of_deliveries_meets_back_pressure_and_what_was_taken_is_done(narrow, count):
    place, stub = narrow
    stub.held.set()
    with bounded(place):
        told = asyncio.run(burst(place, count, 100))
        kinds = Counter(status for status, _, _ in told)
        assert len(told) == count and set(kinds) == {202, 503}, kinds
        for status, body, later in told:
            assert status == 202 or (body["code"] == "busy" and later.isdigit()), (body, later)
        taken = {body["execution_id"] for status, body, _ in told if status == 202}
        assert len(taken) == kinds[202]
        assert place.run("quick")["output"] == 1, "another task is not kept out by this one"
        stub.held.clear()
        place.idle()
        assert sum(stub.done.values()) == len(taken) == len(stub.done), "each once"
        assert asyncio.run(burst(place, 1, 1))[0][0] == 202, "and there is room again"
        place.idle()
        stub.done.clear()


def half_open(place: House, sent: bytes, count: int) -> list[socket.socket]:
    made = []
    for _ in range(count):
        line = socket.create_connection(("127.0.0.1", place.server.port), timeout=30)
        line.sendall(sent)
        made.append(line)
    return made


def test_connections_that_never_finish_asking_keep_nobody_out_and_are_closed(narrow):
    place, _ = narrow
    hook = place.get("/api/webhooks")["items"][0]["id"]
    lead = f"POST /webhooks/{hook} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n".encode()
    begun = {
        "nothing at all": b"", "half a head": lead, "a head and no body": lead + b"content-length: 20\r\n\r\n",
        "half a body": lead + b'content-length: 20\r\n\r\n{"order"',
        "chunks that stop": lead + b'transfer-encoding: chunked\r\n\r\n5\r\n{"ord\r\n',
    }  # fmt: skip
    with bounded(place):
        held = {name: half_open(place, sent, 40) for name, sent in begun.items()}
        try:
            for _ in range(30):
                assert place.run("quick")["output"] == 1
            for name, some in held.items():
                for line in some:
                    until(lambda: over(line), f"{name}: it is closed", seconds=40)  # noqa: B023
        finally:
            for some in held.values():
                for line in some:
                    line.close()


def over(line: socket.socket) -> bool:
    """Whether the server has closed this connection, after an answer or without one."""
    line.settimeout(20)
    try:
        while said := line.recv(4096):
            assert said.startswith(b"HTTP/1.1 4") or b"too_slow" in said, said
    except ConnectionResetError:
        return True
    return True


def test_more_streams_than_there_is_room_for(narrow):
    place, _ = narrow
    identity = place.run("resting", wait=False)["execution_id"]

    async def ask(count: int) -> Counter[int]:
        headers = {"Authorization": f"Bearer {place.key}", "Accept": "text/event-stream"}
        seen: Counter[int] = Counter()
        async with contextlib.AsyncExitStack() as held:
            limit = aiohttp.TCPConnector(limit=count)
            http = await held.enter_async_context(aiohttp.ClientSession(connector=limit, headers=headers))
            for _ in range(count):
                reply = await held.enter_async_context(
                    http.get(f"{place.url}/api/executions/{identity}/events", timeout=aiohttp.ClientTimeout(total=60))
                )
                seen[reply.status] += 1
                if reply.status == 503:
                    assert (await reply.json())["code"] == "too_many_streams" and reply.headers["Retry-After"]
            assert (await asyncio.to_thread(place.run, "quick"))["output"] == 1
        return seen

    with bounded(place):
        assert asyncio.run(ask(300)) == {200: 100, 503: 200}
        until(lambda: asyncio.run(ask(100)) == {200: 100}, "their places are free again", pause=0.3)
        place.post(f"/api/executions/{identity}/cancel")


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "in chunks"])
def test_a_huge_body_is_refused_before_it_is_held(narrow, announced):
    place, _ = narrow
    megabyte, sent = b"x" * 1_048_576, 0

    def pieces() -> Iterator[bytes]:
        nonlocal sent
        yield b'{"task": "quick", "input": {"text": "'
        for _ in range(1024):
            sent += len(megabyte)
            yield megabyte

    headers = {"content-type": "application/json"}
    if announced:
        headers["content-length"] = str(1024 * 1_048_576 + 37)
    with bounded(place), place.client(place.key) as http:
        try:
            reply = http.post("/api/tasks/run", content=pieces(), headers=headers)
        except httpx.TransportError:
            pass  # it closed while we were still sending
        else:
            assert reply.status_code == 413 and reply.json()["code"] == "body_too_large", reply.text
        assert sent < 200 * 1_048_576, "it did not wait for the end"


def test_an_answer_without_end_and_a_value_that_doubles_stop_at_their_limits(narrow):
    place, stub = narrow
    place.deploy(
        "TASK flooded\n  DEADLINE 60s\n  ACTION read\n    TYPE connector_call\n    CONNECTOR ledger\n"
        "    FUNCTION flood\n    OUTPUT found\n  RETURN found.text\n"
    )
    steps = [
        f'  ACTION s{n}\n    TYPE transform\n    VALUE "{{v{n - 1}}}{{v{n - 1}}}"\n    OUTPUT v{n}\n'
        for n in range(1, DOUBLING)
    ]
    first = '  ACTION s0\n    TYPE transform\n    VALUE "x{input.seed}"\n    OUTPUT v0\n'
    place.deploy(
        f"TASK doubling\n  DEADLINE 30s\n  INPUT seed string\n{first}{''.join(steps)}  RETURN v{DOUBLING - 1}\n"
    )
    with bounded(place):
        held = place.run("flooded")
        assert held["status"] == "failed" and "larger than" in held["error"], held
        assert stub.flooded < 300 * 1_048_576, "the reader went away long before the end"
        held = place.run("doubling", None, input={"seed": "y"})
        assert held["status"] in ("failed", "partial_failure"), held
        assert held["error_code"] in ("output_limit", "memory_limit"), held


def test_deliveries_beyond_the_rate_of_a_webhook_are_told_to_come_later(tmp_path):
    with house(tmp_path / "data", env={"EYEFLOW_LIMITS_WEBHOOK_PER_MINUTE": "60"}) as place:
        place.deploy(f"TASK hooked\n  {HOOK}\n  ACTION say\n    TYPE transform\n    VALUE 1\n  RETURN 1\n")
        begun = time.monotonic()
        told = asyncio.run(burst(place, 100, 10))
        most = 10 + (time.monotonic() - begun) + 1  # what it may send at once, and one a second
        kinds = Counter(status for status, _, _ in told)
        assert set(kinds) == {202, 429} and kinds[202] <= most, (kinds, most)
        assert all(later.isdigit() for status, _, later in told if status == 429)
