"""The machines that run programs, and their programs as executables.

Knows: how connection records make a machine, which executables it has loaded, who still runs on one that was replaced.
In: the catalog, trust, connectors; `ConnectionRecord`s. Out: a `LiveMachine` for live and for practice programs.
Never: decides which program runs.

When connections or the catalog change, a new machine takes the place of the old one. Runs end on the machine they began
on; its connectors are cleaned up when the last of them has ended.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from eyeflow.catalog.model import Catalog, Connection, Policy, Service
from eyeflow.connectors.registry import Factory
from eyeflow.engine.common import Common
from eyeflow.engine.model import EngineError
from eyeflow.ir.seal import SignerKey
from eyeflow.store.records import ConnectionRecord
from eyeflow.svm.executable import Executable
from eyeflow.svm.host import Credentials
from eyeflow.svm.machine import Machine
from eyeflow.svm.ports import Ports
from eyeflow.svm.rates import Rates, SlidingWindows
from eyeflow.values import Literal


class World(msgspec.Struct, frozen=True, kw_only=True):
    """What programs of a workspace may use. `connectors` serve live programs, `practice` practice ones; without any,
    practice programs are refused. `credentials` resolves references at call time."""

    catalog: Catalog = Catalog()
    trust: tuple[SignerKey, ...] = ()
    revoked: frozenset[str] = frozenset()
    policy: Policy = Policy()
    connectors: Mapping[str, Factory] = {}
    practice: Mapping[str, Factory] | None = None
    credentials: Credentials | None = None
    practice_credentials: Credentials | None = None


class LiveMachine:
    """A machine, the executables it has loaded (the last used are kept), and how many runs are on it."""

    def __init__(self, machine: Machine, kept: int) -> None:
        self.machine = machine
        self.users = 0
        self.retired = False
        self.drained: asyncio.Future[None] | None = None
        self._kept = kept
        self._executables: OrderedDict[str, Executable] = OrderedDict()
        self._loading: dict[str, asyncio.Future[Executable]] = {}

    def known(self, artifact_id: str) -> Executable | None:
        """The executable, if it is loaded."""
        executable = self._executables.get(artifact_id)
        if executable is not None:
            self._executables.move_to_end(artifact_id)
        return executable

    async def load(self, artifact_id: str, data: bytes) -> Executable:
        """The executable of an artifact; callers at one time share one load. Raises: LoadError."""
        loading = self._loading.get(artifact_id)
        if loading is None:
            loading = asyncio.ensure_future(self.machine.load(data))
            self._loading[artifact_id] = loading
            loading.add_done_callback(lambda done: self._loaded(artifact_id, done))
        return await asyncio.shield(loading)

    def _loaded(self, artifact_id: str, done: asyncio.Future[Executable]) -> None:
        del self._loading[artifact_id]
        if done.cancelled() or done.exception() is not None:
            return
        self._executables[artifact_id] = done.result()
        while len(self._executables) > self._kept:
            self._executables.popitem(last=False)

    def leave(self) -> None:
        """One run less; the last one on a replaced machine has it cleaned up."""
        self.users -= 1
        if self.retired and self.users == 0:
            self._drain()

    def retire(self) -> None:
        """No run begins here any more."""
        self.retired = True
        if self.users == 0:
            self._drain()

    def _drain(self) -> None:
        if self.drained is None or self.drained.done():
            self.drained = asyncio.ensure_future(self.machine.drain())


class Machines:
    """The machines in use now."""

    def __init__(
        self,
        common: Common,
        world: World,
        *,
        ports: Ports,
        connected: Callable[[Connection], None],
        rates: Rates | None = None,
    ) -> None:
        self._common = common
        self._world = world
        self._ports = ports
        self._connected = connected
        self._rates: Rates = rates or SlidingWindows()
        self._connections: tuple[Connection, ...] | None = None
        self._live: LiveMachine | None = None
        self._practice: LiveMachine | None = None
        self._retired: list[LiveMachine] = []

    async def use(self, world: World) -> None:
        """Let programs that start from now on use `world`."""
        self._world = world
        self._replace()

    async def refresh(self) -> bool:
        """Look at the connections again; True when they are other ones. Raises: StoreError."""
        rows = await self._common.store.find(ConnectionRecord, order=("name",))
        connections = tuple(connection_of(row) for row in rows)
        if connections == self._connections:
            return False
        self._connections = connections
        self._replace()
        return True

    async def machine(self, *, practice: bool) -> LiveMachine:
        """The machine for programs that start now. Raises: StoreError."""
        if self._connections is None:
            await self.refresh()
        if practice and self._world.practice is not None:
            if self._practice is None:
                self._practice = self._made(practice=True)
            return self._practice
        if self._live is None:
            self._live = self._made(practice=False)
        return self._live

    @property
    def rates(self) -> Rates:
        """What counts the calls of every connection, whoever makes them."""
        return self._rates

    def account(self, name: str) -> tuple[Connection, Service]:
        """The connection of this name, or the implicit one of the service of this name, and its service.

        Raises: EngineError `unknown_connection`.
        """
        known = next((each for each in self._connections or () if each.name == name), None)
        service = self._world.catalog.service(name if known is None else known.service)
        if service is None:
            raise EngineError("unknown_connection", f"there is no connection {name[:80]!a}", hint="connect it first")
        return known or Connection(name=name, service=name, implicit=True), service

    def _made(self, *, practice: bool) -> LiveMachine:
        world = self._world
        machine = Machine(
            trust=world.trust, catalog=world.catalog, connections=self._connections or (),
            connectors=(world.practice or {}) if practice else world.connectors,
            credentials=world.practice_credentials if practice else world.credentials,
            clock=self._common.clock, ids=self._common.ids, ports=self._ports,
            rates=SlidingWindows() if practice else self._rates, policy=world.policy, practice=practice,
            revoked=world.revoked, connected=self._connected,
        )  # fmt: skip
        return LiveMachine(machine, self._common.limits.executables)

    def _replace(self) -> None:
        for old in (self._live, self._practice):
            if old is not None:
                old.retire()
                self._retired.append(old)
        self._retired = [each for each in self._retired if each.drained is None or not each.drained.done()]
        self._live = self._practice = None

    async def drain(self) -> None:
        """Clean up every connector of machines nobody runs on."""
        self._replace()
        ended = [each.drained for each in self._retired if each.drained is not None]
        await asyncio.gather(*ended, return_exceptions=True)


_defaults: Final = msgspec.json.Decoder(tuple[tuple[str, Literal], ...])
_settings: Final = msgspec.json.Decoder(tuple[tuple[str, str], ...])
_hosts: Final = msgspec.json.Decoder(tuple[str, ...])


def connection_record(connection: Connection, *, created_by: str, created_ms: int) -> ConnectionRecord:
    """The record of a connection, which `connection_of` reads back."""
    return ConnectionRecord(
        name=connection.name, service=connection.service, credential=connection.credential,
        defaults=msgspec.json.encode(connection.defaults), settings=msgspec.json.encode(connection.settings),
        hosts=msgspec.json.encode(connection.hosts), created_by=created_by, created_ms=created_ms,
    )  # fmt: skip


def connection_of(row: ConnectionRecord) -> Connection:
    """The connection that a record describes."""
    return Connection(
        name=row.name, service=row.service, credential=row.credential, defaults=_defaults.decode(row.defaults),
        settings=_settings.decode(row.settings), hosts=_hosts.decode(row.hosts),
    )  # fmt: skip
