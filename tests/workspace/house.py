"""A workspace for tests, with everything real but the engine; and the people in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from eyeflow.catalog.model import Catalog
from eyeflow.connectors.port import Credential
from eyeflow.connectors.registry import factories
from eyeflow.connectors.transport import HttpTransport
from eyeflow.engine.model import Principal
from eyeflow.errors import CallError
from eyeflow.ir.seal import SigningKey
from eyeflow.ports import CountingIds, FixedClock
from eyeflow.store.port import Store
from eyeflow.triggers.registration import Registrar
from eyeflow.workspace.offers import ProposalView
from eyeflow.workspace.ports import EngineView, QuietEngine
from eyeflow.workspace.reviewing import ProposeRequest
from eyeflow.workspace.workspace import Surroundings, Workspace

ANA = Principal(id="ana", role="owner")
EVE = Principal(id="eve", role="editor")
BO = Principal(id="bo", role="approver")
CY = Principal(id="cy", role="approver")
VIC = Principal(id="vic", role="viewer")
RUN = Principal(id="run", role="runner")
AUD = Principal(id="aud", role="auditor")
BOT = Principal(id="bot", role="owner", agent=True)
TRIAL = Principal(id="trial", role="editor", practice=True)

HELLO = """TASK hello
  INPUT name string
  TRIGGER manual()

  ACTION greet
    TYPE log
    MESSAGE "Hello {input.name}"
"""
GOODBYE = HELLO.replace("Hello", "Goodbye")


class Keeper:
    """A vault for signing secrets that is a dict."""

    def __init__(self) -> None:
        self.held: dict[str, str] = {}

    async def known(self, name: str) -> bool:
        return name in self.held

    async def keep(self, name: str, value: str) -> None:
        self.held[name] = value


class House:
    """A workspace and what it was made of."""

    def __init__(self, store: Store, catalog: Catalog, engine: EngineView | None = None) -> None:
        self.store = store
        self.clock = FixedClock(datetime(2026, 11, 23, 8, tzinfo=UTC))
        self.engine = QuietEngine()
        self.keeper = Keeper()
        self.ids = CountingIds()
        self.key = SigningKey(b"k" * 32)
        self.catalog = catalog
        self.secrets: dict[str, Credential] = {}
        self.transport: HttpTransport | None = None
        self.drivers: dict[str, Callable[[], Any]] = {}
        self.workspace = Workspace(
            Surroundings(
                store=store, engine=engine or self.engine, catalog=lambda: self.catalog, key=self.key, clock=self.clock,
                ids=self.ids, connectors=self._connectors, credentials=self._resolve,
                registrar=Registrar(store, ids=self.ids, keeper=self.keeper, lookup=self._lookup),
            )
        )  # fmt: skip

    def _connectors(self, catalog: Catalog) -> dict[str, Callable[[], Any]]:
        transport = self.transport
        opened = None if transport is None else lambda _: transport
        return {**factories(catalog, open_transport=opened), **self.drivers}

    async def _lookup(self, connection: str, capability: str, params: Any, *, practice: bool = False) -> Any:
        raise CallError("permanent", "not_found", "nothing is looked up here")

    async def _resolve(self, reference: str) -> Credential:
        if reference not in self.secrets:
            raise CallError("denied", "no_credential", f"there is no {reference}")
        return self.secrets[reference]

    async def deploy(self, text: str = HELLO, who: Principal = ANA, **more: Any) -> ProposalView:
        return await self.workspace.proposals.deploy(who, ProposeRequest(text=text, **more))

    async def propose(self, text: str = HELLO, who: Principal = EVE, **more: Any) -> ProposalView:
        return await self.workspace.proposals.propose(who, ProposeRequest(text=text, **more))
