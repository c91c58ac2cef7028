"""An OpenAI-compatible endpoint on the loopback that says what it is told to, and how badly it is told to."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeAlias

from aiohttp import web

from eyeflow.catalog.model import CompileContext, Profile
from eyeflow.frontend.engines import Judged, consult
from eyeflow.frontend.engines.endpoint import Endpoint
from eyeflow.frontend.engines.llm import LlmEngine
from frontend.told import shipped

Reply: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
Call: TypeAlias = dict[str, Any]


def context(**profile: Any) -> CompileContext:
    """The shipped services on a Monday in UTC."""
    now = datetime(2026, 11, 23, 8, tzinfo=UTC)
    return CompileContext(catalog=shipped(), now=now, zone_assumed=False, profile=Profile(**profile))


def call(ident: str, function: str, **params: Any) -> Call:
    """One call of an answer."""
    service, _, name = function.partition(".")
    return {"id": ident, "service": service, "function": name, "params": params}


def draft(*actions: Call, trigger: Any = None, **more: Any) -> str:
    """An answer in the form that is asked for."""
    return json.dumps({"trigger": trigger, "actions": list(actions), **more})


def says(content: str | None, *, finish: str = "stop", usage: Any = None) -> Reply:
    """A completion with this content."""
    counted = {"prompt_tokens": 900, "completion_tokens": 60} if usage is None else usage
    body = {"choices": [{"message": {"content": content}, "finish_reason": finish}], "usage": counted}
    return raw(json.dumps(body).encode())


def raw(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    """An HTTP answer as it is."""

    async def reply(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=status, headers=headers, content_type="application/json")

    return reply


def endless(chunk: bytes) -> Reply:
    """A body that does not end while somebody reads."""

    async def reply(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(chunk)

    return reply


def silent() -> Reply:
    """No answer for as long as anybody waits."""

    async def reply(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets the event")

    return reply


class Scripted:
    """The server's side: `replies` in order, the last one again and again; `asked` has the bodies received."""

    def __init__(self, replies: tuple[Reply, ...]) -> None:
        self.replies = replies
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.json())
        self.headers.append(dict(request.headers))
        reply = self.replies[min(len(self.asked), len(self.replies)) - 1]
        try:
            return await reply(request)
        except (ConnectionResetError, ConnectionError):
            return web.Response(status=499)

    def engine(self, **settings: Any) -> LlmEngine:
        """The `llm` engine with this server behind it."""
        held = {"timeout_s": 10.0, **{k: v for k, v in settings.items() if k in ("timeout_s", "key", "max_tokens")}}
        rest = {k: v for k, v in settings.items() if k not in held}
        return LlmEngine(Endpoint(url=self.url, model="scripted", **held), "scripted", **rest)

    def consult(self, text: str, ctx: CompileContext | None = None, **settings: Any) -> Judged:
        """What becomes of a request with this server as the model."""
        answers = settings.pop("answers", None)
        return consult(self.engine(**settings), text, ctx or context(), answers)


@contextmanager
def serving(*replies: Reply) -> Iterator[Scripted]:
    """A server with these replies, on a port of the loopback."""
    held = Scripted(replies)
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    runner: list[web.AppRunner] = []

    async def start() -> None:
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_post("/v1/chat/completions", held.answer)
        made = web.AppRunner(app, shutdown_timeout=0.1)
        await made.setup()
        site = web.TCPSite(made, "127.0.0.1", 0)
        await site.start()
        assert site._server is not None and site._server.sockets
        held.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/v1"
        runner.append(made)

    def work() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(start())
        loop.call_soon(ready.set)
        loop.run_forever()
        loop.run_until_complete(runner[0].cleanup())
        loop.close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield held
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
