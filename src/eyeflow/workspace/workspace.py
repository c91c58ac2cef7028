"""`Workspace`: everything that people and programs may do to one workspace, in parts.

Knows: how the parts are put together. In: the store, the engine, the vault, the catalog, the signing key. Out: the
parts, whose methods take a `Principal` first and enforce `permissions.py`. Never: a rule of its own.

    workspace.proposals   compile, propose, decide, deploy
    workspace.tasks       what is deployed: pause, resume, delete, roll back
    workspace.rules, .graphs, .explaining      what a task decides, looks like, does
    workspace.connections, .signing_in, .secrets, .hooks, .profiles, .settings, .keys
    workspace.folder      apply and export
    workspace.notices     who is told what
    workspace.tidying     what is done once in a while
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from eyeflow.catalog.model import Catalog
from eyeflow.connectors.oauth import TokenEndpoint
from eyeflow.connectors.registry import Factory, factories
from eyeflow.ir.seal import SigningKey
from eyeflow.ports import Clock, Ids, RandomIds, SystemClock
from eyeflow.secrets.vault import Vault
from eyeflow.store.port import Store
from eyeflow.svm.host import Credentials
from eyeflow.workspace.compiling import Compiler, ThreadCompiler
from eyeflow.workspace.connections import Connections
from eyeflow.workspace.context import Contexts
from eyeflow.workspace.deployment import Deployment
from eyeflow.workspace.explaining import Explaining
from eyeflow.workspace.folder import Folder
from eyeflow.workspace.graph import Graphs
from eyeflow.workspace.hooks import Hooks
from eyeflow.workspace.keys import Keys
from eyeflow.workspace.notices.delivering import Delivering
from eyeflow.workspace.notices.incidents import Incidents
from eyeflow.workspace.notices.keeper import Notices
from eyeflow.workspace.notices.raising import Raising
from eyeflow.workspace.ports import CatalogSource, EngineView, Practised, Registrar
from eyeflow.workspace.profiles import Profiles
from eyeflow.workspace.proposals import Proposals
from eyeflow.workspace.rules import Rules
from eyeflow.workspace.settings import Settings
from eyeflow.workspace.shipped import first_start
from eyeflow.workspace.signing_in import SigningIn
from eyeflow.workspace.tasks import Tasks
from eyeflow.workspace.tidying import Job, Tidying
from eyeflow.workspace.vaulting import SecretsKept

EXPIRE_SECONDS: Final = 60.0


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a workspace works with. `catalog` gives the services that hold now; `connectors` makes live connectors of
    a catalog; `credentials` resolves references; `practised` gives the accounts that practice programs are compiled
    with, the very ones that the engine runs them with; `seconds` never goes back; `public_url` is where people look at
    things, for links in notices; `tokens` speaks to services when accounts sign in."""

    store: Store
    engine: EngineView
    registrar: Registrar
    catalog: CatalogSource
    key: SigningKey
    vault: Vault | None = None
    compiler: Compiler | None = None
    credentials: Credentials | None = None
    connectors: Callable[[Catalog], Mapping[str, Factory]] = factories
    clock: Clock = SystemClock()
    ids: Ids = RandomIds()
    seconds: Callable[[], float] = time.monotonic
    public_url: str = ""
    practised: Practised | None = None
    tokens: TokenEndpoint | None = None


class Workspace:
    """The parts of one workspace, made of its surroundings."""

    def __init__(self, around: Surroundings) -> None:
        store, clock, ids, engine = around.store, around.clock, around.ids, around.engine
        self._store, self._clock = store, clock
        self.compiler: Compiler = around.compiler or ThreadCompiler()
        self.settings = Settings(store, clock, around.catalog)
        self.contexts = Contexts(store, around.catalog, self.settings, clock)
        self.deployment = Deployment(
            store, catalog=around.catalog, contexts=self.contexts, settings=self.settings, key=around.key,
            registrar=around.registrar, ids=ids,
        )  # fmt: skip
        self.proposals = Proposals(
            store, compiler=self.compiler, contexts=self.contexts, deployment=self.deployment, settings=self.settings,
            engine=engine, clock=clock, ids=ids, practised=around.practised,
        )  # fmt: skip
        self.tasks = Tasks(store, self.deployment, engine, clock, ids)
        self.rules = Rules(self.tasks)
        self.graphs = Graphs(self.tasks)
        self.explaining = Explaining(store, self.tasks)
        self.connections = Connections(
            store, catalog=around.catalog, engine=engine, clock=clock, ids=ids, connectors=around.connectors,
            credentials=around.credentials, seconds=around.seconds,
        )  # fmt: skip
        self.signing_in = None if around.vault is None or around.tokens is None else SigningIn(
            store, around.vault, around.tokens, connections=self.connections, catalog=around.catalog, engine=engine,
            clock=clock, ids=ids,
        )  # fmt: skip
        self.folder = Folder(
            store, contexts=self.contexts, proposals=self.proposals, deployment=self.deployment, tasks=self.tasks,
            connections=self.connections, settings=self.settings, catalog=around.catalog, engine=engine, clock=clock,
            ids=ids,
        )  # fmt: skip
        self.profiles = Profiles(store, self.contexts, clock)
        self.keys = Keys(store, clock, ids, around.seconds)
        self.notices = Notices(
            store, clock, raising=Raising(store, engine, clock, around.catalog),
            incidents=Incidents(store, self.settings, clock, around.public_url, around.catalog),
            delivering=Delivering(
                store, settings=self.settings, catalog=around.catalog, clock=clock, connectors=around.connectors,
                credentials=around.credentials,
            ),
            seconds=around.seconds,
        )  # fmt: skip
        signing_in = self.signing_in
        jobs = () if signing_in is None else (Job("unfinished sign-ins", EXPIRE_SECONDS, signing_in.expire),)
        self.tidying = Tidying(store, clock, jobs, around.seconds)
        self.secrets = SecretsKept(store, around.vault) if around.vault is not None else None
        self.hooks = None if around.vault is None else Hooks(
            store, around.vault, tasks=self.tasks, engine=engine, clock=clock, ids=ids
        )  # fmt: skip

    async def first_start(self) -> tuple[str, ...]:
        """Deploy the examples into a workspace that never had them; the names of those that were deployed."""
        return await first_start(self._store, self._clock, self.proposals, self.tasks, self.connections)

    async def close(self) -> None:
        """Let go of what compiles."""
        await self.compiler.close()
