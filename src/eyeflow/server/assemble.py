"""A `Service` from settings: every part made and put together, nothing started.

Knows: what each part needs of the others. In: `Settings`. Out: `Assembled`. Never: listens, prints; used by
`eyeflow up` and by tests alike.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

import msgspec

from eyeflow.catalog.model import Catalog
from eyeflow.connectors.credentials import Credentials, EnvCredentials
from eyeflow.connectors.oauth import TokenEndpoint
from eyeflow.engine.engine import Engine
from eyeflow.engine.machines import World
from eyeflow.engine.rates import KeptRates, StoredRates
from eyeflow.events.bus import InProcessBus
from eyeflow.ir.seal import SigningKey, local_key
from eyeflow.ports import Clock, Ids, RandomIds, SystemClock
from eyeflow.secrets.access import Access
from eyeflow.secrets.audit import AuditChain
from eyeflow.secrets.unlocking import Secrets, unlock
from eyeflow.secrets.vault import Vault
from eyeflow.server.auth import Auth
from eyeflow.server.bridges import ForWorkspace
from eyeflow.server.compilers import Compilers
from eyeflow.server.counting import figures
from eyeflow.server.door import Door
from eyeflow.server.metrics import Metrics
from eyeflow.server.openapi import described
from eyeflow.server.outside import engine_limits, key_source, live_connectors, load_services, plain_transport
from eyeflow.server.practising import Practising
from eyeflow.server.routes import Router
from eyeflow.server.service import Documents, Part, Service
from eyeflow.server.settings import ANCHOR, DATABASE, Settings
from eyeflow.server.sharing import Share
from eyeflow.server.signers import remember_signer
from eyeflow.server.table import TABLE
from eyeflow.server.traces import tracer
from eyeflow.store.port import Store, Where
from eyeflow.store.records import SecretRecord
from eyeflow.store.sqlite import SqliteStore
from eyeflow.triggers.poller import Poller
from eyeflow.triggers.registration import Registrar
from eyeflow.triggers.scheduler import Scheduler
from eyeflow.triggers.topics import Topics
from eyeflow.triggers.webhooks import Webhooks
from eyeflow.workspace.renewing import RenewingCredentials
from eyeflow.workspace.workspace import Surroundings, Workspace

Close: TypeAlias = Callable[[], Awaitable[object]]


class Assembled(msgspec.Struct, frozen=True):
    """What was made. `new_master_key` says where a master key was made just now."""

    service: Service
    door: Door
    compilers: Compilers
    new_master_key: str | None
    closers: tuple[Close, ...]

    async def close(self) -> None:
        """Let go of everything, the last made first; the service has been stopped."""
        for close in reversed(self.closers):
            await close()


async def assemble(
    settings: Settings, *, share: Share | None = None, clock: Clock | None = None, ids: Ids | None = None
) -> Assembled:
    """Everything one process needs; the store is open and its keys are unlocked. `share` is what several processes of
    the same data have in common. Raises: EyeFlowError, after letting go of what was made."""
    closers: list[Close] = []
    try:
        catalog, signing = load_services(settings), local_key(settings.folder)
        kept = await _kept(settings, clock or SystemClock(), catalog, closers, shared=share is not None)
        await remember_signer(kept.store, signing.signer.key_id, kept.clock)
        return _assembled(settings, kept, catalog, signing, ids or RandomIds(), closers, share)
    except BaseException:
        for close in reversed(closers):
            await close()
        raise


class _Kept(msgspec.Struct, frozen=True):
    """What is kept in the data folder, opened."""

    store: SqliteStore
    chain: AuditChain
    secrets: Secrets
    credentials: Credentials
    tokens: TokenEndpoint
    clock: Clock


async def _kept(settings: Settings, clock: Clock, catalog: Catalog, closers: list[Close], *, shared: bool) -> _Kept:
    chain = AuditChain(settings.folder / ANCHOR)
    store = SqliteStore(settings.folder / DATABASE, chain=chain, shared=shared, window_ms=settings.store.window_ms)
    await store.open(migrate=settings.store.migrate)
    closers.append(store.close)
    secrets = await unlock(store, chain, key_source(settings), clock)
    transport = plain_transport(settings)
    closers.append(transport.close)
    tokens = TokenEndpoint(transport)
    kept = RenewingCredentials(
        secrets.vault, store, tokens=tokens, catalog=lambda: catalog, clock=clock, owner=process_name()
    )
    return _Kept(store, chain, secrets, Credentials({"env": EnvCredentials(), "vault": kept}), tokens, clock)


def process_name(pid: int | None = None) -> str:
    """What a process of this machine is called in the store: this one, or the one with `pid`."""
    return f"{socket.gethostname()}:{os.getpid() if pid is None else pid}"


def _assembled(  # noqa: PLR0917 - what was made, handed on
    settings: Settings, kept: _Kept, catalog: Catalog, signing: SigningKey, ids: Ids, closers: list[Close],
    share: Share | None,
) -> Assembled:  # fmt: skip
    store, clock, bus = kept.store, kept.clock, InProcessBus()
    connectors = partial(live_connectors, settings)
    name = process_name()
    practising = Practising(catalog)
    closers.append(practising.close)
    world = World(
        catalog=catalog, trust=(signing.signer,), connectors=connectors(catalog), credentials=kept.credentials.resolve,
        practice=practising.factories(), practice_credentials=practising.credentials,
    )  # fmt: skip
    rates = StoredRates(store, clock) if settings.server.workers > 1 else KeptRates(store, clock)
    if isinstance(rates, KeptRates):
        closers.append(rates.close)
    engine = Engine(
        store, world=world, clock=clock, ids=ids, cipher=kept.secrets.cipher, bus=bus, limits=engine_limits(settings),
        name=name, rates=rates,
    )  # fmt: skip
    compilers, bridge = Compilers(), ForWorkspace(engine)
    registrar = Registrar(
        store, ids=ids, keeper=_Keeper(store, kept.secrets.vault), lookup=engine.ask,
        public_url=settings.server.public_url or None,
    )  # fmt: skip
    workspace = Workspace(Surroundings(
        store=store, engine=bridge, registrar=registrar, catalog=lambda: catalog, key=signing,
        vault=kept.secrets.vault, credentials=kept.credentials, connectors=connectors, clock=clock, ids=ids,
        public_url=settings.base_url, compiler=compilers, tokens=kept.tokens,
    ))  # fmt: skip
    closers.append(workspace.close)
    webhooks = Webhooks(
        store, engine, catalog=lambda: catalog, secrets=kept.credentials.resolve, clock=clock, ids=ids,
        public_url=settings.server.public_url or None,
    )  # fmt: skip
    metrics = Metrics(share)
    metrics.source(lambda: figures(engine.metrics))
    service = Service(
        settings=settings, store=store, engine=engine, workspace=workspace, webhooks=webhooks, keys=kept.secrets.keys,
        vault=kept.secrets.vault, chain=kept.chain, catalog=lambda: catalog, clock=clock, metrics=metrics,
        documents=Documents(lambda: described(TABLE)),
        parts=(
            *_parts(kept, engine, workspace, bridge, bus, catalog, ids, name),
            Part(name="figures", start=metrics.start, stop=_at_once(metrics.stop), alive=lambda: metrics.alive),
        ),
    )  # fmt: skip
    bridge.told.append(webhooks.changed)
    return Assembled(service, _door(service, closers, share), compilers, kept.secrets.made, tuple(closers))


def _parts(  # noqa: PLR0917 - what was made, handed on
    kept: _Kept, engine: Engine, workspace: Workspace, bridge: ForWorkspace, bus: InProcessBus, catalog: Catalog,
    ids: Ids, name: str,
) -> tuple[Part, ...]:  # fmt: skip
    """What runs beside requests, in the order of starting."""
    store, clock, notices, tidying = kept.store, kept.clock, workspace.notices, workspace.tidying
    told = notices.raising.did_not_run
    for topic in notices.raising.topics:
        bus.subscribe(topic, notices.raising.handle)
    topics = Topics(store, engine, bus, clock=clock, ids=ids, told=told)
    scheduler = Scheduler(store, engine, clock=clock, ids=ids, owner=name, told=told)
    poller = Poller(store, engine, catalog=lambda: catalog, clock=clock, ids=ids, owner=name, told=told)
    bridge.told.append(scheduler.changed)

    async def begin() -> None:
        await notices.start(name)

    async def tidy() -> None:
        await tidying.start(name)

    return (
        Part(name="engine", start=engine.start, stop=engine.drain, alive=lambda: engine.sure),
        Part(name="topics", start=topics.start, stop=_at_once(topics.drain)),
        Part(name="scheduler", start=scheduler.start, stop=_at_once(scheduler.drain), alive=lambda: scheduler.alive),
        Part(name="poller", start=poller.start, stop=_at_once(poller.drain), alive=lambda: poller.alive),
        Part(name="notices", start=begin, stop=_at_once(notices.drain), alive=lambda: notices.alive),
        Part(name="tidying", start=tidy, stop=_at_once(tidying.drain), alive=lambda: tidying.alive),
    )


def _at_once(drain: Close) -> Callable[[float], Awaitable[object]]:
    """For parts that end when their round does, however long they may take."""
    return lambda _: drain()


def _door(service: Service, closers: list[Close], share: Share | None) -> Door:
    settings = service.settings
    traced = tracer(settings.telemetry)
    if traced is not None:
        closers.append(partial(asyncio.to_thread, traced.close))
    cells = None if share is None else share.cells
    auth = Auth(
        service.workspace.keys, per_minute=settings.limits.key_per_minute,
        failures_per_minute=settings.limits.failures_per_minute, cells=cells,
    )  # fmt: skip
    return Door(service, Router(TABLE), auth, settings, metrics=service.metrics, tracer=traced, cells=cells)


class _Keeper:
    """Signing secrets of webhooks, in the vault."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault

    async def known(self, name: str) -> bool:
        return await self._store.count(SecretRecord, Where("name", "=", name), limit=1) > 0

    async def keep(self, name: str, value: str) -> None:
        await self._vault.put(name, value, Access(purpose="signing secret of a webhook"))
