"""The two tasks as a Python developer writes them by hand: aiohttp on both sides, no record kept.

`python -m bench.web.peers.by_hand PORT STUB_URL`.
"""

from __future__ import annotations

import sys

import aiohttp
import msgspec
import uvloop
from aiohttp import web


class Greet(msgspec.Struct):
    """What W1 is asked."""

    name: str


_greet = msgspec.json.Decoder(Greet)


def made(stub: str) -> web.Application:
    """The application."""
    app = web.Application()

    async def session(app: web.Application) -> None:
        app["services"] = aiohttp.ClientSession(stub, connector=aiohttp.TCPConnector(limit=256))

    async def closed(app: web.Application) -> None:
        await app["services"].close()

    async def greet(request: web.Request) -> web.Response:
        asked = _greet.decode(await request.read())
        return _json({"status": "success", "output": {"greeting": f"Hello {asked.name}"}})

    async def weather(request: web.Request) -> web.Response:
        services: aiohttp.ClientSession = request.app["services"]
        async with services.get("/weather") as answer:
            temp = msgspec.json.decode(await answer.read())["temp"]
        word = "It's hot!" if temp > 75 else "It's cold!" if temp < 50 else "Normal weather!"
        body = msgspec.json.encode({"channel": "#general", "text": f"{word} {temp}F"})
        headers = {"Content-Type": "application/json", "Authorization": "Bearer token"}
        async with services.post("/slack", data=body, headers=headers) as answer:
            return _json({"status": "success", "output": msgspec.json.decode(await answer.read())})

    app.on_startup.append(session)
    app.on_cleanup.append(closed)
    app.router.add_post("/greet", greet)
    app.router.add_post("/weather", weather)
    return app


def _json(body: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), content_type="application/json")


if __name__ == "__main__":
    uvloop.install()
    web.run_app(made(sys.argv[2]), host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None, backlog=2048)
