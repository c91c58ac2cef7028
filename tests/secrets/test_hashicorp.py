"""The master key in HashiCorp Vault, against a local server that speaks its key-value engine, version 2."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from eyeflow.ports import FixedClock
from eyeflow.secrets import AuditChain, MasterKey, SecretError, unlock
from eyeflow.secrets.external import HashicorpKeys
from eyeflow.store.memory import MemoryStore

TOKEN = "hvs.test-token"
CLOCK = FixedClock(datetime(2026, 3, 1, tzinfo=UTC))


class Engine(ThreadingHTTPServer):
    """One secret with its versions; `mood` is what goes wrong."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.data: dict[str, str] = {}
        self.version = 0
        self.mood = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """The two requests that are made."""

    server: Engine

    def do_GET(self) -> None:
        if self._refused():
            return
        if self.server.version == 0:
            self._answer(404, {"errors": []})
        else:
            self._answer(200, {"data": {"data": self.server.data, "metadata": {"version": self.server.version}}})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self._refused():
            return
        if body["options"]["cas"] != self.server.version:
            self._answer(400, {"errors": ["check-and-set parameter did not match the current version"]})
            return
        self.server.data, self.server.version = body["data"], self.server.version + 1
        self._answer(200, {"data": {"version": self.server.version}})

    do_PUT = do_POST  # noqa: N815 - the server's own names

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""

    def _refused(self) -> bool:
        assert self.path.startswith("/v1/kv/data/eyeflow/prod"), self.path
        if self.headers["X-Vault-Token"] != TOKEN:
            self._answer(403, {"errors": ["permission denied"]})
        elif self.server.mood == "sealed":
            self._answer(503, {"errors": ["Vault is sealed"]})
        elif self.server.mood == "nonsense":
            self._answer(200, {"data": ["what"]})
        elif self.server.mood == "html":
            self._answer(200, b"<html>hello</html>")
        else:
            return False
        return True

    def _answer(self, status: int, body: object) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def engine() -> Iterator[Engine]:
    server = Engine()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def source(engine: Engine, token: str = TOKEN) -> HashicorpKeys:
    return HashicorpKeys(engine.url, token, mount="kv", path="eyeflow/prod")


async def test_the_key_is_made_kept_and_rotated_there(engine: Engine) -> None:
    chain = AuditChain()
    store = MemoryStore(chain)
    first = await unlock(store, chain, source(engine), CLOCK)
    assert first.made == "the secret kv/eyeflow/prod of HashiCorp Vault"
    await first.vault.put("s", "value")
    before = dict(engine.data)
    await first.vault.rotate_master()
    assert engine.data != before and len(source(engine).load()) == 1
    again = await unlock(store, chain, source(engine), CLOCK)
    assert again.made is None and (await again.vault.get("s")).single == "value"


def test_two_that_start_at_once_agree(engine: Engine) -> None:
    one, other = MasterKey.new(), MasterKey.new()
    source(engine).add(one, first=True)
    source(engine).add(other, first=True)
    assert source(engine).load() == (one,)


@pytest.mark.parametrize("mood", ["sealed", "nonsense", "html", "token"])
def test_what_goes_wrong_there_is_said_without_the_token(engine: Engine, mood: str) -> None:
    source(engine).add(MasterKey.new(), first=True)
    engine.mood = mood
    with pytest.raises(SecretError) as caught:
        source(engine, "hvs.wrong" if mood == "token" else TOKEN).load()
    assert caught.value.code == "master_key_unavailable" and caught.value.hint
    assert "hvs." not in str(caught.value)


def test_nobody_there_is_said() -> None:
    with pytest.raises(SecretError, match="master_key_unavailable"):
        HashicorpKeys("http://127.0.0.1:9", TOKEN).load()
