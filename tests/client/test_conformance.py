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
