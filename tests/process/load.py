"""Load on a server that comes and goes: many callers, each with its own way of asking, and what each was promised.

A caller that got no answer does not know whether its run was taken. With an idempotency key, or a delivery's id, it
asks again until it is told; without one it leaves it, and its order may be done once or not at all.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from typing import Any

import aiohttp
import msgspec

from process.served import signed

KINDS = ("sync", "queued", "keyed", "webhook", "record", "plain", "hello")


class Promise(msgspec.Struct, frozen=True):
    """What the server said of an order: the run's id, and how far it was (`status`)."""

    kind: str
    order: str
    execution_id: str
    status: str


class Load:
    """Callers against `where()`, an address that may change. `asked` counts requests, `lost` those without answer."""

    def __init__(self, where: Callable[[], str], key: str, hook: tuple[str, str], seed: int) -> None:
        self._where = where
        self._headers = {"Authorization": f"Bearer {key}"}
        self._hook = hook
        self._seed = seed
        self._ending = asyncio.Event()
        self.promises: list[Promise] = []
        self.lost: list[str] = []
        self.problems: list[tuple[str, int, str]] = []
        self.asked = 0
        self._callers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Load:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.end()

    def begin(self, callers: int) -> None:
        for number in range(callers):
            self._callers.append(asyncio.create_task(self._caller(number)))

    async def end(self) -> None:
        """Let every caller finish what it has asked for."""
        self._ending.set()
        await asyncio.gather(*self._callers)
        self._callers = []

    async def _caller(self, number: int) -> None:
        chance, count = random.Random(self._seed * 1000 + number), 0
        timeout = aiohttp.ClientTimeout(total=40)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as http:
            while not self._ending.is_set():
                count += 1
                await self._ask(http, chance.choice(KINDS), f"o{self._seed}-{number}-{count}")
                await asyncio.sleep(chance.uniform(0, 0.02))

    async def _ask(self, http: aiohttp.ClientSession, kind: str, order: str) -> None:
        """One request; repeated until it is answered when it can be."""
        while True:
            self.asked += 1
            try:
                status, body = await self._once(http, kind, order)
            except (aiohttp.ClientError, TimeoutError, OSError):
                if kind in ("keyed", "webhook"):
                    await asyncio.sleep(0.1)
                    continue
                self.lost.append(order)
                return
            if status in (200, 202):
                self.promises.append(Promise(kind, order, body["execution_id"], body["status"]))
                return
            if status in (429, 503):
                await asyncio.sleep(0.1)
                continue  # nothing ran
            self.problems.append((kind, status, json.dumps(body)[:300]))
            return

    async def _once(self, http: aiohttp.ClientSession, kind: str, order: str) -> tuple[int, Any]:
        url, headers = self._where(), dict(self._headers)
        if kind == "webhook":
            body = json.dumps({"order": order}).encode()
            identity, secret = self._hook
            async with http.post(f"{url}/webhooks/{identity}", data=body, headers=signed(secret, order, body)) as reply:
                return reply.status, await reply.json(content_type=None)
        task = {"sync": "booking", "queued": "booking", "keyed": "booking", "record": "recorded", "plain": "plain",
                "hello": "hello"}[kind]  # fmt: skip
        asked: dict[str, Any] = {"task": task, "input": {"order": order}}
        if kind in ("queued", "plain"):
            asked["wait"] = False
        if kind == "keyed":
            headers["Idempotency-Key"] = f"key-{order}"
        async with http.post(f"{url}/api/tasks/run", json=asked, headers=headers) as reply:
            return reply.status, await reply.json(content_type=None)
