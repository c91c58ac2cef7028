"""A service on this machine that counts what is done to it, and remembers every key it was given.

`book` knows idempotency keys: the same key again is answered as before and does nothing. `post` knows none: whatever
arrives is done. So `done[order]` is how often an order took effect, and `keys[order]` under which keys it came.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from aiohttp import web

SERVICE = """
service: ledger
title: Ledger
type: Data
connector: http
auth: {{type: bearer, setup: [{{say: "Copy the token", paste: token}}]}}
hosts: ["127.0.0.1:{port}"]
{constraints}
http: {{base_url: "http://127.0.0.1:{port}", auth_header: "Bearer {{token}}"}}
capabilities:
  level:
    summary: The level of the ledger
    effect: read
    timeout_ms: 60000
    returns: {{type: object, properties: {{level: {{type: integer}}, said: {{type: string, required: false}}}}}}
    http: {{method: GET, path: /level, error: "{{body.error}}", result: {{level: body.level, said: body.said}}}}
  book:
    summary: Book an order once
    effect: write
    idempotency: {{header: Idempotency-Key}}
    timeout_ms: 60000
    params: {{order: {{type: string, required: true}}}}
    returns: {{type: object, properties: {{order: {{type: string}}}}}}
    http: {{method: POST, path: /book, body: {{order: "{{order}}"}}, error: "{{body.error}}",
           result: {{order: body.order}}}}
  post:
    summary: Post an order
    effect: write
    timeout_ms: 60000
    params: {{order: {{type: string, required: true}}}}
    returns: {{type: object, properties: {{order: {{type: string}}}}}}
    http: {{method: POST, path: /post, body: {{order: "{{order}}"}}, error: "{{body.error}}",
           result: {{order: body.order}}}}
  flood:
    summary: More than anybody can take
    effect: read
    timeout_ms: 60000
    returns: {{type: object, properties: {{text: {{type: string}}}}}}
    http: {{method: GET, path: /flood, result: {{text: body.text}}}}
"""

Echo = Callable[[web.Request], web.StreamResponse]


class Counting:
    """What was done. `slow_s` bounds how long an answer takes; while `held` is set, writes wait before they answer
    (they have been counted by then)."""

    def __init__(self, seed: int = 0) -> None:
        self.done: Counter[str] = Counter()
        self.keys: dict[str, list[str]] = {}
        self.arrived: list[tuple[float, str]] = []
        self.slow_s = (0.0, 0.0)
        self.held = threading.Event()
        self.echo: Echo | None = None
        self.flooded = 0
        self._known: dict[str, str] = {}
        self._random = random.Random(seed)

    async def level(self, request: web.Request) -> web.StreamResponse:
        await self._rest()
        if self.echo is not None:
            return self.echo(request)
        return web.json_response({"level": 7})

    async def book(self, request: web.Request) -> web.StreamResponse:
        order, key = (await request.json())["order"], request.headers.get("Idempotency-Key", "")
        assert key, "a keyed write has a key"
        self._note(order, key)
        if key not in self._known:
            self._known[key] = order
            self.done[order] += 1
        assert self._known[key] == order, "one key, one order"
        return await self._answer(request, order)

    async def post(self, request: web.Request) -> web.StreamResponse:
        order = (await request.json())["order"]
        self._note(order, request.headers.get("Idempotency-Key", ""))
        self.done[order] += 1
        return await self._answer(request, order)

    async def flood(self, request: web.Request) -> web.StreamResponse:
        """A gigabyte, unless the reader goes away."""
        answer = web.StreamResponse(headers={"content-type": "application/json"})
        await answer.prepare(request)
        await answer.write(b'{"text": "')
        piece = b"x" * 1_048_576
        for _ in range(1024):
            await answer.write(piece)
            self.flooded += len(piece)
        await answer.write(b'"}')
        return answer

    def _note(self, order: str, key: str) -> None:
        self.keys.setdefault(order, []).append(key)
        self.arrived.append((time.monotonic(), order))

    async def _answer(self, request: web.Request, order: str) -> web.StreamResponse:
        await self._rest()
        while self.held.is_set():
            await asyncio.sleep(0.01)
        return web.json_response({"order": order}) if self.echo is None else self.echo(request)

    async def _rest(self) -> None:
        low, high = self.slow_s
        if high:
            await asyncio.sleep(self._random.uniform(low, high))


@contextmanager
def counting(folder: Path, *, seed: int = 0, constraints: str = "") -> Iterator[tuple[Counting, dict[str, str]]]:
    """A running service, and the settings with which a server knows it."""
    held, port = Counting(seed), 0
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(_app(held), access_log=None, shutdown_timeout=0.1)

    async def start() -> int:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
        await site.start()
        port: int = runner.addresses[0][1]
        return port

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        port = asyncio.run_coroutine_threadsafe(start(), loop).result(20)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "ledger.yaml").write_text(SERVICE.format(port=port, constraints=constraints), "utf-8")
        yield held, {"EYEFLOW_CATALOG_FURTHER": str(folder), "EYEFLOW_EGRESS_ALLOW": "127.0.0.1=127.0.0.0/8"}
    finally:
        held.held.clear()
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()


def _app(held: Counting) -> web.Application:
    app = web.Application()
    app.add_routes([
        web.get("/level", held.level), web.post("/book", held.book), web.post("/post", held.post),
        web.get("/flood", held.flood),
    ])  # fmt: skip
    return app


def task(name: str, *steps: str, durable: str = "journal", head: str = "", more: str = "", call: str = "book") -> str:
    """LLM-IR of a task that sends `{order}-{step}` for each step, one after the other."""
    lines = [f"TASK {name}", "  DEADLINE 60s", f"  DURABLE {durable}", *(["  INPUT order string"] if not head else [])]
    lines += [f"  {head}"] if head else []
    source = "trigger.order" if "webhook" in head else "input.order"
    previous = ""
    for step in steps:
        lines += [
            "", f"  ACTION {step}", "    TYPE connector_call", *([f"    AFTER {previous}"] if previous else []),
            "    CONNECTOR ledger", f"    FUNCTION {call}", "    PARAMS {", f'      order: "{{{source}}}-{step}"',
            "    }",
        ]  # fmt: skip
        lines += [f"    {more}"] if more else []
        lines.append(f"    OUTPUT {step}_done")
        previous = step
    return "\n".join([*lines, "", f"  RETURN {previous}_done.order", ""])
