"""The two tasks as DBOS workflows, each step in its log (SQLite), behind aiohttp.

`python -m bench.web.peers.dbos_app PORT STUB_URL FOLDER`. Needs the package `dbos`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiohttp import web
from dbos import DBOS, DBOSConfig


def made(stub: str, folder: Path) -> web.Application:
    """The application."""
    config: DBOSConfig = {
        "name": "bench",
        "system_database_url": f"sqlite:///{folder / 'dbos.sqlite'}",
        "log_level": "ERROR",
    }
    DBOS(config=config)
    held: dict[str, aiohttp.ClientSession] = {}

    @DBOS.workflow()
    async def greet(name: str) -> dict[str, str]:
        return {"greeting": f"Hello {name}"}

    @DBOS.step()
    async def fetch() -> float:
        async with held["services"].get("/weather") as answer:
            return float(msgspec.json.decode(await answer.read())["temp"])

    @DBOS.step()
    async def post(text: str) -> Any:
        body = msgspec.json.encode({"channel": "#general", "text": text})
        headers = {"Content-Type": "application/json", "Authorization": "Bearer token"}
        async with held["services"].post("/slack", data=body, headers=headers) as answer:
            return msgspec.json.decode(await answer.read())

    @DBOS.workflow()
    async def weather() -> Any:
        temp = await fetch()
        word = "It's hot!" if temp > 75 else "It's cold!" if temp < 50 else "Normal weather!"
        return await post(f"{word} {temp:g}F")

    async def start(app: web.Application) -> None:
        held["services"] = aiohttp.ClientSession(stub, connector=aiohttp.TCPConnector(limit=256))
        DBOS.launch()

    async def stop(app: web.Application) -> None:
        DBOS.destroy()
        await held["services"].close()

    async def greeted(request: web.Request) -> web.Response:
        return _json(await greet(msgspec.json.decode(await request.read())["name"]))

    async def weathered(request: web.Request) -> web.Response:
        return _json(await weather())

    app = web.Application()
    app.on_startup.append(start)
    app.on_cleanup.append(stop)
    app.router.add_post("/greet", greeted)
    app.router.add_post("/weather", weathered)
    return app


def _json(output: object) -> web.Response:
    body = msgspec.json.encode({"status": "success", "output": output})
    return web.Response(body=body, content_type="application/json")


if __name__ == "__main__":
    web.run_app(
        made(sys.argv[2], Path(sys.argv[3])), host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None
    )
