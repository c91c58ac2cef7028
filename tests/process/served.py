"""One data folder, and the server process on it: started, killed, started again; nothing outlives its test."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil

from server.running import Running, running

T = TypeVar("T")
PATIENCE_S = 90.0
"""Nothing takes as long as that, not even on a machine that does much else."""


def until(found: Callable[[], T | None], what: str, *, seconds: float = PATIENCE_S, pause: float = 0.05) -> T:
    """What `found` gives once it gives something; a server that does not answer at the moment is asked again."""
    end = time.monotonic() + seconds
    last: object = None
    while time.monotonic() < end:
        try:
            last = found()
        except httpx.TransportError as error:
            last = error
        else:
            if last:
                return last
        time.sleep(pause)
    raise AssertionError(f"{what}: not within {seconds:g} s (at last {last!r})")


class House:
    """`key` is the first key of the folder; `server` the process on it now, `url` where it answers, or did."""

    def __init__(self, data: Path, args: tuple[str, ...], env: Mapping[str, str]) -> None:
        self.data = data
        self.args = args
        self.env = dict(env)
        self.key = ""
        self.url = ""
        self.logs: list[str] = []
        self._held: ExitStack | None = None
        self._server: Running | None = None
        self._http: httpx.Client | None = None

    @property
    def server(self) -> Running:
        assert self._server is not None, "it runs"
        return self._server

    @property
    def http(self) -> httpx.Client:
        """A client with the first key; a request that hangs fails its test."""
        if self._http is None:
            self._http = self.client(self.key)
        return self._http

    def client(self, key: str) -> httpx.Client:
        return httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {key}"}, timeout=60, trust_env=False
        )  # fmt: skip

    def start(self) -> House:
        held = ExitStack()
        self._server = held.enter_context(running(self.data, *self.args, env=self.env))
        self._held = held
        self.url = self._server.url
        self.key = self.key or self._server.key
        return self

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.server.process.pid).children()

    def kill(self) -> None:
        """SIGKILL, to every process at once."""
        for each in self._tree():
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        self._let_go()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Have it end, and give its exit code."""
        self.server.process.send_signal(number)
        try:
            return self.server.process.wait(PATIENCE_S)
        finally:
            self.kill()

    def restart(self) -> House:
        self.kill()
        return self.start()

    def _tree(self) -> list[psutil.Process]:
        if self._server is None:
            return []
        try:
            first = psutil.Process(self._server.process.pid)
            return [*first.children(recursive=True), first]
        except psutil.NoSuchProcess:
            return []

    def _let_go(self) -> None:
        if self._http is not None:
            self._http.close()
        held, self._held, self._http = self._held, None, None
        if self._server is not None:
            self._server.process.wait(20)
            self.logs.append(self._server.log())
        if held is not None:
            held.close()
        self._server = None

    def log(self) -> str:
        """What all its processes so far have logged."""
        return "".join([*self.logs, self._server.log() if self._server is not None else ""])

    # What tests ask of it.

    def get(self, path: str, **more: Any) -> Any:
        reply = self.http.get(path, **more)
        assert reply.status_code == 200, (path, reply.status_code, reply.text)
        return reply.json()

    def post(self, path: str, body: object = None, status: int | tuple[int, ...] = (200, 201, 202)) -> Any:
        reply = self.http.post(path, json=body) if body is not None else self.http.post(path)
        wanted = (status,) if isinstance(status, int) else status
        assert reply.status_code in wanted, (path, reply.status_code, reply.text)
        return reply.json()

    def deploy(self, text: str) -> Any:
        return self.post("/api/tasks", {"text": text, "language": "ir"})["tasks"][0]

    def connect(self, secret: str = "tok-ledger-5e1f") -> None:
        """The account of the counting service."""
        self.post("/api/secrets", {"name": "ledger", "value": secret})
        self.post("/api/connectors", {"name": "ledger", "service": "ledger", "credential": "vault:ledger"})

    def run(self, task: str, order: str | None = None, **more: Any) -> Any:
        return self.post("/api/tasks/run", {"task": task, "input": {} if order is None else {"order": order}, **more})

    def begin(self, task: str, order: str | None = None) -> str:
        """A run nobody waits for."""
        identity: str = self.run(task, order, wait=False)["execution_id"]
        return identity

    def execution(self, identity: str) -> Any:
        return self.get(f"/api/executions/{identity}")

    def ended(self, identity: str, *, seconds: float = PATIENCE_S) -> Any:
        """The execution at its end."""
        over = ("success", "partial_failure", "failed", "cancelled")
        return until(
            lambda: found if (found := self.execution(identity))["status"] in over else None,
            f"{identity} ends", seconds=seconds,
        )  # fmt: skip

    def standing(self, identity: str, status: str) -> Any:
        """The execution once it has this status."""
        return until(
            lambda: found if (found := self.execution(identity))["status"] == status else None, f"{identity} {status}"
        )

    def idle(self) -> None:
        """Return when no run is unfinished."""
        until(lambda: self.get("/api/stats")["unfinished"] == 0, "nothing is unfinished", pause=0.2)

    def approval(self, identity: str) -> Any:
        """The open question of a run."""
        return until(
            lambda: next((a for a in self.get("/api/approvals")["items"] if a["execution_id"] == identity), None),
            f"{identity} asks",
        )

    def audit_holds(self) -> None:
        verdict = self.post("/api/audit/verify")
        assert verdict["ok"] is True, verdict

    def webhook(self, task: str) -> tuple[str, str]:
        """The id of a task's webhook, and its signing secret."""
        identity = self.get("/api/webhooks", params={"task": task})["items"][0]["id"]
        return identity, self.post(f"/api/webhooks/{identity}/secret")["secret"]


def signed(secret: str, identity: str, body: bytes) -> dict[str, str]:
    """Headers of a delivery as Standard Webhooks wants them."""
    stamp = str(int(time.time()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{identity}.{stamp}.".encode() + body, hashlib.sha256)
    return {
        "webhook-id": identity, "webhook-timestamp": stamp, "content-type": "application/json",
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }  # fmt: skip


class Line:
    """One connection to one process: `worker` is who took it, and answers everything that is asked on it."""

    def __init__(self, place: House) -> None:
        self._key = place.key
        self._http = http.client.HTTPConnection("127.0.0.1", place.server.port, timeout=60)
        self.ask("GET", "/healthz")
        local = self._http.sock.getsockname()[1]
        self.worker = next(
            each for each in place.workers()
            if any(line.raddr and line.raddr.port == local for line in each.net_connections("tcp"))
        )  # fmt: skip

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any, dict[str, str]]:
        """Status, body, headers."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else json.dumps(body)
        if data is not None:
            named["content-type"] = "application/json"
        self._http.request(method, path, data, {"Authorization": f"Bearer {self._key}", **named})
        reply = self._http.getresponse()
        held = reply.read()
        return reply.status, json.loads(held) if held else None, {k.lower(): v for k, v in reply.getheaders()}

    def close(self) -> None:
        self._http.close()


@contextmanager
def lines(place: House) -> Iterator[list[Line]]:
    """One line to each worker."""
    made: list[Line] = []
    found: dict[int, Line] = {}
    wanted = len(place.workers())
    try:
        for _ in range(200):
            made.append(Line(place))
            found.setdefault(made[-1].worker.pid, made[-1])
            if len(found) == wanted:
                break
        assert len(found) == wanted, "every worker is reached"
        yield list(found.values())
    finally:
        for each in made:
            each.close()


@contextmanager
def house(data: Path, *args: str, env: Mapping[str, str] | None = None) -> Iterator[House]:
    """A server on `data`; whatever runs on it at the end is killed."""
    made = House(data, args, env or {})
    try:
        yield made.start()
    finally:
        made.kill()


def rss_mb(pid: int) -> float:
    """Memory of a process and its children, in megabytes."""
    first = psutil.Process(pid)
    return sum(each.memory_info().rss for each in (first, *first.children(recursive=True))) / 1_048_576


def is_root() -> bool:
    return os.geteuid() == 0
