"""Everything one server process has, in one place: what handlers are given.

Knows: the parts and the order in which they start and stop. In: parts that `assemble` has made. Out: `Service`.
Never: makes a part, knows how a request looks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from eyeflow.errors import EyeFlowError
from eyeflow.server.beside import Beside
from eyeflow.server.logs import event
from eyeflow.server.metrics import Metrics
from eyeflow.server.settings import Settings
from eyeflow.server.streams import Streams
from eyeflow.store.port import Insert, Store
from eyeflow.store.records import SettingRecord

if TYPE_CHECKING:
    from eyeflow.catalog.model import Catalog
    from eyeflow.engine.engine import Engine
    from eyeflow.ports import Clock
    from eyeflow.secrets.audit import AuditChain
    from eyeflow.secrets.keys import Keys
    from eyeflow.secrets.vault import Vault
    from eyeflow.triggers.webhooks import Webhooks
    from eyeflow.workspace.hooks import Hooks
    from eyeflow.workspace.signing_in import SigningIn
    from eyeflow.workspace.vaulting import SecretsKept
    from eyeflow.workspace.workspace import Workspace

_PROBE: Final = "probe"
_PROBE_S: Final = 2.0
_PROBE_EVERY_S: Final = 1.0


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Something that runs beside requests: the engine, a scheduler. Parts start in order and stop in reverse;
    `stop` is told how many seconds work in hand may take, `alive` says whether it still does its work."""

    name: str
    start: Callable[[], Awaitable[object]]
    stop: Callable[[float], Awaitable[object]]
    alive: Callable[[], bool] = lambda: True


class Documents:
    """The description of the API, made when somebody first asks for it."""

    def __init__(self, make: Callable[[], tuple[bytes, bytes]]) -> None:
        self._make = make
        self._made: tuple[bytes, bytes] | None = None

    def _both(self) -> tuple[bytes, bytes]:
        if self._made is None:
            self._made = self._make()
        return self._made

    @property
    def json(self) -> bytes:
        """OpenAPI 3.1."""
        return self._both()[0]

    @property
    def page(self) -> bytes:
        """HTML."""
        return self._both()[1]


class Service:
    """One server process without its sockets."""

    def __init__(
        self,
        *,
        settings: Settings,
        store: Store,
        engine: Engine,
        workspace: Workspace,
        webhooks: Webhooks,
        keys: Keys,
        vault: Vault,
        chain: AuditChain,
        catalog: Callable[[], Catalog],
        documents: Documents,
        clock: Clock,
        parts: Sequence[Part],
        metrics: Metrics,
    ) -> None:
        self.settings = settings
        self.store = store
        self.engine = engine
        self.workspace = workspace
        self.webhooks = webhooks
        self.keys = keys
        self.vault = vault
        self.chain = chain
        self.catalog = catalog
        self.documents = documents
        self.clock = clock
        self.metrics = metrics
        self.streams = Streams(settings.server.max_streams)
        self.beside = Beside()
        self.draining = False
        self.started = False
        self._parts = tuple(parts)
        self._running: list[Part] = []
        self._probed_s = 0.0
        self._probe_said = "not looked at yet"

    @property
    def secrets(self) -> SecretsKept:
        """The workspace's secrets."""
        assert self.workspace.secrets is not None, "a server has a vault"
        return self.workspace.secrets

    @property
    def hooks(self) -> Hooks:
        """The workspace's webhooks."""
        assert self.workspace.hooks is not None, "a server has a vault"
        return self.workspace.hooks

    @property
    def signing_in(self) -> SigningIn:
        """How accounts sign in."""
        assert self.workspace.signing_in is not None, "a server has a vault, and reaches services"
        return self.workspace.signing_in

    @property
    def base_url(self) -> str:
        """How others reach this server."""
        return self.settings.base_url

    async def start(self) -> None:
        """Start every part. Raises: EyeFlowError of the one that cannot; those before it are stopped again."""
        try:
            for part in self._parts:
                await part.start()
                self._running.append(part)
        except BaseException:
            await self.stop(0.0)
            raise
        self.started = True

    async def stop(self, seconds: float) -> None:
        """Stop every part, the last started first; work in hand may take `seconds` in all."""
        self.draining = True
        self.started = False
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while self._running:
            part = self._running.pop()
            try:
                await part.stop(max(0.0, until - loop.time()))
            except asyncio.CancelledError:
                self._running.append(part)  # not stopped yet: whoever hurries stops again
                raise
            except EyeFlowError as error:
                event("a part did not stop well", part=part.name, code=error.code, detail=error.message)

    async def readiness(self) -> dict[str, str]:
        """Each part `ok` or what is wrong with it. The store is written to, once a second at the most."""
        checks = {part.name: "ok" if self.started and part.alive() else "not running" for part in self._parts}
        checks["accepting"] = "draining" if self.draining else "ok"
        now = asyncio.get_running_loop().time()
        if now - self._probed_s >= _PROBE_EVERY_S:
            self._probe_said = await self._probe()
            self._probed_s = now
        return {"store": self._probe_said, **checks}

    async def _probe(self) -> str:
        now_ms = int(self.clock.now().timestamp() * 1000)
        row = SettingRecord(name=_PROBE, value=msgspec.json.encode(now_ms), updated_ms=now_ms)
        try:
            async with asyncio.timeout(_PROBE_S):
                await self.store.write(Insert(row, taken="replace"))
        except TimeoutError:
            return f"did not write in {_PROBE_S:g} s"
        except EyeFlowError as error:
            return error.code
        return "ok"
