"""Accounts: configured uses of services. The seed and the REST routes call them connectors.

Knows: who may see and change which, when one may not be taken away. In: a `Principal` and a connection. Out:
`ConnectionView`, `TestView`. Never: sees a credential (references only); tells one person that another one's private
account exists, but for the name being taken; lets an account that approved programs use become another one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from eyeflow.catalog.model import Catalog, Connection
from eyeflow.catalog.settings import read_connection
from eyeflow.catalog.words import normalise
from eyeflow.connectors.registry import Factory
from eyeflow.engine.model import Principal
from eyeflow.engine.telling import CONNECTED_TOPIC, told
from eyeflow.frontend.intent import JsonValue
from eyeflow.ports import Clock, Ids
from eyeflow.secrets.access import Access, on_behalf_of
from eyeflow.store.port import Conflict, Delete, Insert, Op, Require, Store, Update, Where
from eyeflow.store.records import ConnectionRecord, SecretRecord, TaskRecord, UseRecord
from eyeflow.svm.host import Credentials
from eyeflow.workspace.context import connection_of, visible
from eyeflow.workspace.errors import Clash, Forbidden, Invalid, Missing
from eyeflow.workspace.names import require_connection_name
from eyeflow.workspace.permissions import require
from eyeflow.workspace.ports import CatalogSource, EngineView
from eyeflow.workspace.probing import State, probe
from eyeflow.workspace.writing import audited, generation, now_ms

MAX_BYTES: Final = 100_000


class NewConnection(msgspec.Struct, frozen=True, kw_only=True):
    """An account to be added. `credential` is a reference (`vault:NAME`, `env:NAME`), never the secret. `defaults`
    fill parameters, `settings` the places that the service leaves open, `hosts` narrow where it may reach. A private
    one (`shared` false) is its creator's alone.

    `{"name": "slack_daily", "service": "slack", "credential": "vault:slack_daily",
    "defaults": {"channel": "#general"}}`
    """

    name: str
    service: str
    credential: str | None = None
    defaults: dict[str, JsonValue] = {}
    settings: dict[str, str] = {}
    hosts: tuple[str, ...] = ()
    shared: bool = True


class ConnectionView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An account. `state` is `untested`, `connected`, `reached` or `failed`; `detail` says what the last test found;
    `tasks` are those whose running version uses it."""

    name: str
    service: str
    title: str
    credential: str | None = None
    defaults: dict[str, JsonValue] = {}
    settings: dict[str, str] = {}
    hosts: tuple[str, ...] = ()
    shared: bool = True
    state: str = "untested"
    detail: str = ""
    tasks: tuple[str, ...] = ()
    created_by: str
    created_ms: int
    tested_ms: int | None = None


class TestView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a test found, and how long it took.

    `{"name": "slack_daily", "ok": true, "state": "connected", "detail": "Slack answered: team Acme, user eyeflow",
    "duration_ms": 84}`
    """

    __test__ = False

    name: str
    ok: bool
    state: State
    detail: str
    code: str = ""
    duration_ms: int


class Connections:
    """The operations on accounts. `connectors` makes the live connectors of the catalog that holds now; `seconds` is
    a clock that never goes back."""

    def __init__(
        self, store: Store, *, catalog: CatalogSource, engine: EngineView, clock: Clock, ids: Ids,
        connectors: Callable[[Catalog], Mapping[str, Factory]], credentials: Credentials | None,
        seconds: Callable[[], float],
    ) -> None:  # fmt: skip
        self._store = store
        self._catalog = catalog
        self._engine = engine
        self._clock = clock
        self._ids = ids
        self._connectors = connectors
        self._credentials = credentials
        self._seconds = seconds

    async def add(self, principal: Principal, wanted: NewConnection) -> ConnectionView:
        """A new account. Raises: Forbidden, Invalid (`bad_name`, `bad_request`), Clash (`name_taken`)."""
        require(principal, "connections.write")
        connection = self.checked(wanted)
        await self.may_refer(principal, connection)
        at = now_ms(self._clock)
        ops = self.add_ops(principal, connection, at, shared=wanted.shared)
        try:
            await self._store.write(*ops, generation(at))
        except Conflict:
            raise Clash("name_taken", f"the name {connection.name} is taken", hint="choose another name") from None
        await self._engine.changed()
        return await self._view(await self._read(principal, connection.name))

    async def replace(self, principal: Principal, name: str, wanted: NewConnection) -> ConnectionView:
        """Change an account. One that tasks use keeps its service, credential, settings and hosts: what was approved
        is not turned into something else; to change them, add another account and deploy again.

        Raises: Forbidden, Missing, Invalid, Clash (`in_use`).
        """
        require(principal, "connections.write")
        row = await self._mine(principal, name)
        if wanted.name != row.name:
            raise Invalid("bad_name", "an account keeps its name", hint="add another one")
        after, at = self.checked(wanted), now_ms(self._clock)
        before = connection_of(row)
        moved = (before.service, before.credential, before.settings, before.hosts) != (
            after.service, after.credential, after.settings, after.hosts,
        )  # fmt: skip
        if row.shared and not wanted.shared and row.created_by != principal.id:
            raise Forbidden("forbidden", "only its creator can make an account private")
        if moved:
            await self.may_refer(principal, after)
        ops = self.replace_ops(principal, row, after, at, shared=wanted.shared)
        unused = [Require(UseRecord, (Where("connection", "=", name),), absent=True)] if moved else []
        try:
            await self._store.write(*unused, *ops, generation(at))
        except Conflict:
            raise await self._in_use(name) from None
        await self._engine.changed()
        return await self._view(await self._read(principal, name))

    async def remove(self, principal: Principal, name: str) -> None:
        """Take an account away. Raises: Forbidden, Missing, Clash (`in_use`, with the tasks)."""
        require(principal, "connections.write")
        row, at = await self._mine(principal, name), now_ms(self._clock)
        try:
            await self._store.write(*self.remove_ops(principal, row, at), generation(at))
        except Conflict:
            raise await self._in_use(name) from None
        await self._engine.changed()

    async def get(self, principal: Principal, name: str) -> ConnectionView:
        """One account. Raises: Forbidden, Missing."""
        require(principal, "connections.read")
        return await self._view(await self._read(principal, name))

    async def record(self, principal: Principal, name: str) -> ConnectionRecord:
        """The row of an account that `principal` may see. Raises: Missing."""
        return await self._read(principal, name)

    async def page(
        self, principal: Principal, *, service: str | None = None, after: str = "", limit: int = 200
    ) -> tuple[ConnectionView, ...]:
        """The accounts that `principal` may see, by name. Raises: Forbidden."""
        require(principal, "connections.read")
        where = [] if service is None else [Where("service", "=", service[:200])]
        rows = await self._store.find(ConnectionRecord, *where, order=("name",), after=(after,) if after else ())
        seen = [row for row in rows if visible(row, principal)][: max(1, min(limit, 1000))]
        return tuple([await self._view(row) for row in seen])

    async def test(self, principal: Principal, name: str) -> TestView:
        """Contact the service, and keep what was found. Raises: Forbidden, Missing."""
        require(principal, "connections.test")
        row = await self._read(principal, name)
        catalog = self._catalog()
        service = catalog.service(row.service)
        if service is None:
            raise Missing("unknown_service", f"the catalog has no service {row.service}", hint="bring its file back")
        begun = self._seconds()
        with on_behalf_of(Access(actor=principal.id, purpose=f"test of {name}")):
            found = await probe(service, connection_of(row), self._connectors(catalog), self._credentials)
        took = round((self._seconds() - begun) * 1000)
        at = now_ms(self._clock)
        said = audited(principal, "connection.tested", f"connection:{name}", at, state=found.state, code=found.code)
        where = (Where("name", "=", name), Where("created_ms", "=", row.created_ms))
        values = (("state", found.state), ("detail", found.detail), ("tested_ms", at))
        await self._store.write(Update(ConnectionRecord, values, where), said)
        if found.state != "failed":
            await self._tell(row, found.state, at)
        return TestView(
            name=name, ok=found.state != "failed", state=found.state, detail=found.detail, code=found.code,
            duration_ms=took,
        )  # fmt: skip

    async def _tell(self, row: ConnectionRecord, state: State, at_ms: int) -> None:
        """The event of a new connection: once when it comes to work, and again when it works after it did not."""
        if row.state == state:
            return
        said = {"connection": row.name, "service": row.service, "state": state}
        event = told(
            self._ids.new("evt"), CONNECTED_TOPIC, dict(said), source=f"/connections/{row.name}", subject=None,
            at_ms=at_ms,
        )  # fmt: skip
        await self._store.write(Insert(event))

    async def may_refer(self, principal: Principal, connection: Connection) -> None:
        """Return when `principal` may have this service use this credential: a secret goes where its owner sends it.

        An editor may name secrets it has put into the vault; variables of the server are for owners, and those of
        EyeFlow itself for nobody. A secret that one service uses is not sent to another.
        Raises: Invalid (`bad_request`), Missing (`unknown_secret`), Forbidden.
        """
        kind, _, name = (connection.credential or "").partition(":")
        if kind == "env" and "EYEFLOW" in name.upper():
            raise Invalid("bad_request", "a credential cannot be one of EyeFlow's own variables")
        if kind == "env" and principal.role != "owner":
            raise Forbidden("forbidden", "only an owner may use variables of the server", hint="use `vault:NAME`")
        if kind == "vault":
            row = await self._store.get(SecretRecord, name)
            if principal.role != "owner" and (row is None or row.created_by != principal.id):
                raise Missing("unknown_secret", f"there is no secret {name[:80]!a} of yours", hint="put it in first")
        if not kind:
            return
        same = await self._store.find(ConnectionRecord, Where("credential", "=", connection.credential))
        if any(each.service != connection.service for each in same):
            said = "this credential belongs to another service, and is not sent to a second one"
            raise Invalid("bad_request", said, hint="store it again under another name if that is meant")

    # --- operations for units ----------------------------------------------------------------------------------

    def checked(self, wanted: NewConnection) -> Connection:
        """The connection that is meant. Raises: Invalid."""
        require_connection_name(wanted.name)
        data = {
            "service": wanted.service, "credential": wanted.credential, "defaults": wanted.defaults,
            "settings": wanted.settings, "hosts": list(wanted.hosts),
        }  # fmt: skip
        given = {name: value for name, value in data.items() if value not in (None, {}, [])}
        try:
            size = len(msgspec.json.encode(given))
        except (TypeError, ValueError, RecursionError) as error:
            raise Invalid("bad_request", "the account is not plain data") from error
        if size > MAX_BYTES:
            raise Invalid("too_large", f"an account is described in at most {MAX_BYTES:,} bytes")
        catalog = self._catalog()
        connection, found = read_connection(wanted.name, given, catalog)
        if connection is None:
            first = found.errors[0]
            raise Invalid("bad_request", first.message, hint=first.hint, report=found)
        self.may_be_called(connection, shared=wanted.shared)
        return connection

    def may_be_called(self, connection: Connection, *, shared: bool) -> None:
        """Return when an account may have its name. Raises: Invalid (`bad_name`)."""
        _own_name(connection, self._catalog(), shared=shared)

    def add_ops(self, principal: Principal, connection: Connection, at_ms: int, *, shared: bool) -> list[Op]:
        """What adds an account, to be written with a generation."""
        row = _record(connection, principal.id, at_ms, shared=shared)
        said = audited(
            principal, "connection.added", f"connection:{row.name}", at_ms, service=row.service,
            credential=row.credential, shared=shared,
        )  # fmt: skip
        unused = Require(UseRecord, (Where("connection", "=", row.name),), absent=True)
        return [unused, Insert(row), said]

    def replace_ops(
        self, principal: Principal, row: ConnectionRecord, after: Connection, at_ms: int, *, shared: bool
    ) -> list[Op]:
        """What changes an account, to be written with a generation."""
        again = msgspec.structs.replace(
            _record(after, row.created_by, row.created_ms, shared=shared), state="untested", detail=""
        )
        said = audited(
            principal, "connection.changed", f"connection:{row.name}", at_ms, service=after.service,
            credential=after.credential, shared=shared,
        )  # fmt: skip
        there = Require(ConnectionRecord, (Where("name", "=", row.name), Where("created_ms", "=", row.created_ms)))
        return [there, Insert(again, "replace"), said]

    def remove_ops(self, principal: Principal, row: ConnectionRecord, at_ms: int) -> list[Op]:
        """What takes an account away, unless a task uses it; to be written with a generation."""
        return [
            Require(UseRecord, (Where("connection", "=", row.name),), absent=True),
            Delete(ConnectionRecord, (Where("name", "=", row.name), Where("created_ms", "=", row.created_ms))),
            audited(principal, "connection.removed", f"connection:{row.name}", at_ms, service=row.service),
        ]

    # --- inside ------------------------------------------------------------------------------------------------

    async def _read(self, principal: Principal, name: str) -> ConnectionRecord:
        plain = len(name) <= 200 and name.isprintable()
        row = await self._store.get(ConnectionRecord, name) if plain else None
        if row is None or not visible(row, principal):
            raise Missing("unknown_connection", f"there is no account {name[:80]!a}", hint="`eyeflow connectors list`")
        return row

    async def _mine(self, principal: Principal, name: str) -> ConnectionRecord:
        return await self._read(principal, name)

    async def _in_use(self, name: str) -> Clash:
        names = await self._tasks(name)
        if not names:
            return Clash("changed_meanwhile", f"somebody else changed {name} at the same time", hint="look again")
        return Clash(
            "in_use", f"{name} is used by {', '.join(names[:10])}", hint="delete or redeploy these tasks first"
        )

    async def _tasks(self, connection: str) -> Sequence[str]:
        uses = await self._store.find(UseRecord, Where("connection", "=", connection))
        ids = tuple(dict.fromkeys(use.task_id for use in uses))
        rows = await self._store.find(TaskRecord, Where("id", "in", ids), order=("name",)) if ids else []
        return [row.name for row in rows]

    async def _view(self, row: ConnectionRecord) -> ConnectionView:
        connection, service = connection_of(row), self._catalog().service(row.service)
        return ConnectionView(
            name=row.name, service=row.service, title=service.title if service is not None else row.service,
            credential=row.credential, defaults={name: value.value for name, value in connection.defaults},
            settings=dict(connection.settings), hosts=connection.hosts, shared=row.shared, state=row.state,
            detail=row.detail, tasks=tuple(await self._tasks(row.name)), created_by=row.created_by,
            created_ms=row.created_ms, tested_ms=row.tested_ms,
        )  # fmt: skip


def _own_name(connection: Connection, catalog: Catalog, *, shared: bool) -> None:
    """A name that means a service means that service, and then for everybody: programs name services too."""
    word = normalise(connection.name)
    for service in catalog.services:
        if word in {normalise(each) for each in (service.id, service.title, *service.aliases)}:
            if service.id != connection.service:
                said = f"{connection.name} is what people call {service.title}"
                raise Invalid("bad_name", said, hint="choose another name")
            if not shared:
                said = f"an account called {connection.name} is everybody's {service.title}, and cannot be private"
                raise Invalid("bad_name", said, hint="choose another name")


def _record(connection: Connection, created_by: str, created_ms: int, *, shared: bool) -> ConnectionRecord:
    return ConnectionRecord(
        name=connection.name, service=connection.service, credential=connection.credential,
        defaults=msgspec.json.encode(connection.defaults), settings=msgspec.json.encode(connection.settings),
        hosts=msgspec.json.encode(connection.hosts), shared=shared, created_by=created_by, created_ms=created_ms,
    )  # fmt: skip
