"""Both Python clients do what `conformance.json` says a client does, against real sockets."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from client.scripted import Script, serving
from eyeflow.client import ApiError, AsyncClient, Client, Retries

HELD = json.loads(Path(__file__).with_name("conformance.json").read_text())
CASES = {case["name"]: case for case in HELD["cases"]}
AT_ONCE = Retries(attempts=4, first_s=0.0)


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> dict[str, Any]:
    return CASES[request.param]


def _named(client: Any, path: str) -> Any:
    for part in path.split("."):
        client = getattr(client, part)
    return client


def test_the_waiting_client(case: dict[str, Any]) -> None:
    script = Script(case["exchanges"])
    server = serving(script)
    try:
        with Client(f"http://127.0.0.1:{server.server_port}", HELD["key"], retries=AT_ONCE) as client:
            try:
                found = _named(client, case["call"])(**case["args"])
                if isinstance(found, Iterator):
                    found = list(found)
            except ApiError as error:
                found = error
    finally:
        server.shutdown()
        server.server_close()
    _judge(case, script, found)


async def test_the_awaited_client(case: dict[str, Any]) -> None:
    script = Script(case["exchanges"])
    server = serving(script)
    try:
        async with AsyncClient(f"http://127.0.0.1:{server.server_port}", HELD["key"], retries=AT_ONCE) as client:
            try:
                found = _named(client, case["call"])(**case["args"])
                found = [each async for each in found] if isinstance(found, AsyncIterator) else await found
            except ApiError as error:
                found = error
    finally:
        server.shutdown()
        server.server_close()
    _judge(case, script, found)


def _judge(case: dict[str, Any], script: Script, found: Any) -> None:
    assert not script.unlike
    assert script.left == 0, "not every request was made"
    if "error" in case:
        assert isinstance(found, ApiError), found
        got = {"status": found.status, "code": found.code, "message": found.message, "hint": found.hint}
        assert {name: got[name] for name in case["error"]} == case["error"]
        return
    assert not isinstance(found, ApiError), found
    assert _within(case["result"], msgspec.to_builtins(found)), found


def _within(wanted: Any, got: Any) -> bool:
    """Every field that is wanted is there; lists are whole."""
    if isinstance(wanted, dict):
        return isinstance(got, dict) and all(name in got and _within(wanted[name], got[name]) for name in wanted)
    if isinstance(wanted, list):
        return len(wanted) == len(got) and all(map(_within, wanted, got))
    return bool(wanted == got)


LARGE = [
    {
        "request": {"method": "POST", "path": "/api/backup"},
        "answer": {"status": 200, "headers": {"content-type": "application/octet-stream"}, "text": "x" * 600_000},
    },
    {
        "request": {"method": "GET", "path": "/api/audit/export"},
        "answer": {"status": 403, "body": {"code": "forbidden"}},
    },
]  # fmt: skip


async def test_what_is_large_comes_in_pieces_and_a_refusal_as_an_error() -> None:
    for awaited in (False, True):
        script = Script(LARGE)
        server = serving(script)
        url = f"http://127.0.0.1:{server.server_port}"
        try:
            if awaited:
                async with AsyncClient(url, HELD["key"], retries=AT_ONCE) as client:
                    pieces = [each async for each in client.download("backup")]
                    with pytest.raises(ApiError) as refused:
                        [each async for each in client.download("audit")]
            else:
                with Client(url, HELD["key"], retries=AT_ONCE) as waiting:
                    pieces = list(waiting.download("backup"))
                    with pytest.raises(ApiError) as refused:
                        list(waiting.download("audit"))
        finally:
            server.shutdown()
            server.server_close()
        assert not script.unlike and sum(map(len, pieces)) == 600_000 and len(pieces) > 1
        assert refused.value.code == "forbidden"
