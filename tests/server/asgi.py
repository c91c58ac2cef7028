"""Requests to a door in this process, without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import msgspec

from eyeflow.server.door import Door
from eyeflow.server.exchange import Request


class Reply:
    """What came back."""

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self.status = status
        self.headers = {name.decode(): value.decode() for name, value in headers}
        self.body = body

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def code(self) -> str:
        """The code of a problem, empty for anything else."""
        if self.headers.get("content-type") != "application/problem+json":
            return ""
        held = self.json
        assert held["status"] == self.status and held["type"] == f"urn:eyeflow:error:{held['code']}"
        return held["code"]


class Messages:
    """A wire that takes messages, and no answer in one piece."""

    def __init__(self, send: Callable[[Any], Awaitable[None]]) -> None:
        self._send = send

    async def send(self, message: Any) -> None:
        await self._send(message)

    def whole(self, status: int, headers: Any, body: bytes) -> bool:
        return False


async def ask(
    door: Door,
    method: str,
    path: str,
    *,
    key: str | None = None,
    json: Any = msgspec.UNSET,
    body: bytes | Iterable[bytes] | None = None,
    headers: Mapping[str, str] | None = None,
    host: str = "127.0.0.1:3000",
) -> Reply:
    """One request; `path` may have a query; `body` may come in pieces."""
    raw, _, query = path.partition("?")
    held = {"host": host, **({"authorization": f"Bearer {key}"} if key is not None else {})}
    if json is not msgspec.UNSET:
        body = msgspec.json.encode(json)
        held["content-type"] = "application/json"
    pieces = [body] if isinstance(body, bytes) else list(body or [b""])
    if isinstance(body, bytes):
        held["content-length"] = str(len(body))
    held |= headers or {}
    said: list[dict[str, Any]] = []
    ended = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if pieces:
            piece = pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(pieces)}
        await ended.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    given = [(name.lower().encode(), value.encode("latin-1")) for name, value in held.items()]
    await door.answer(Request(method, raw.encode(), query.encode(), given, "127.0.0.1", receive), Messages(send))
    ended.set()
    assert said and said[0]["type"] == "http.response.start", "there is an answer"
    body_said = b"".join(each.get("body", b"") for each in said[1:])
    return Reply(said[0]["status"], list(said[0]["headers"]), body_said)
