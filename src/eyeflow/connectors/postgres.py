"""The `postgres` driver, for an installation with the extra `eyeflow[postgres]`.

Knows: asyncpg's pool and errors. In: the operations of the catalog's `postgres` service. Out: rows as objects.
Never: puts a value into SQL text, connects to an address the guard has not judged, sends a password in the clear.

Settings of the connection: `host`, `port` (5432), `database`, `schema` (public), `tls` (`require`: encrypted and the
certificate verified; `disable`: only for a host an operator opened by name). `query` runs in a read-only transaction.
"""

from __future__ import annotations

import asyncio
import csv
import io
import ssl
from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Final

import msgspec

from eyeflow.connectors import sql
from eyeflow.connectors.credentials import no_credential
from eyeflow.connectors.guard import Guard, Rules
from eyeflow.connectors.pg_values import received, sent
from eyeflow.connectors.port import ConnectorConfig
from eyeflow.connectors.redact import Redactor
from eyeflow.connectors.signature import defaults_filled
from eyeflow.connectors.templates import text_of
from eyeflow.connectors.transport import unanswered, unsent
from eyeflow.errors import CallError, EgressDenied
from eyeflow.values import Value

if TYPE_CHECKING:
    import asyncpg

_CONNECT_S: Final = 5.0
_AGAIN: Final = frozenset({"40001", "40P01", "55P03", "57P03"})


class _NamedTls(ssl.SSLContext):
    """Checks the certificate for the host the connection names while the socket goes to the judged address."""

    verified_name = ""

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        return super().wrap_bio(incoming, outgoing, server_side, self.verified_name, session)


class PostgresConnector:
    """One database account with a pool of the size the plan asks for."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._config: ConnectorConfig | None = None
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._redactor: Redactor | None = None

    async def initialize(self, config: ConnectorConfig) -> None:
        """Judge the host and open one connection. Raises: CallError: `driver_missing` without the extra, denied or
        transient otherwise."""
        driver = _driver()
        self._config = config
        settings = dict(config.connection.settings)
        host, database = settings.get("host"), settings.get("database")
        port = settings.get("port", "5432")
        if not host or not database or not port.isascii() or not port.isdecimal():
            raise CallError(
                "permanent",
                "missing_setting",
                "the connection needs host and database, and a port that is a number",
                hint="add host and database to the connection's settings",
            )
        target = self._guard.judge_host(
            "postgres", host, int(port), Rules(config.service.id, config.connection.hosts or (host,))
        )
        address, real_port = await self._guard.dial(target)
        if not self._guard.admits(address, real_port):
            raise EgressDenied(f"the socket would reach {address}:{real_port}")
        username, password = await self._account(config)
        try:
            self._pool = await driver.create_pool(
                host=address,
                port=real_port,
                user=username,
                password=password,
                database=database,
                ssl=self._tls(host, settings.get("tls", "require")),
                min_size=1,
                max_size=max(1, config.pool),
                timeout=_CONNECT_S,
                server_settings={"search_path": sql.quoted(settings.get("schema", "public"))},
            )
        except (OSError, TimeoutError, driver.PostgresError, driver.InterfaceError) as error:
            raise self._classified(error, safe=True, asked=False) from None

    async def call(self, method: str, params: Mapping[str, Value], *, key: str | None = None) -> Value:
        """Run one operation. Raises: CallError; `uncertain` when the connection was lost after a change was sent."""
        assert self._config is not None, "a connector is initialised before it is called"
        driver = _driver()
        capability = self._config.service.capability(method)
        if capability is None:
            raise CallError("permanent", "unknown_capability", f"{self._config.service.id} has no {method[:60]!a}")
        filled = defaults_filled(capability, params)
        try:
            return await self._run(method, filled)
        except (OSError, TimeoutError, driver.PostgresError, driver.InterfaceError) as error:
            raise self._classified(error, safe=capability.effect in ("pure", "read"), asked=True) from None

    async def cleanup(self) -> None:
        """Close the pool."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.terminate()

    async def _run(self, method: str, params: dict[str, Value]) -> Value:
        table, where = params.get("table"), params.get("where")
        match method:
            case "query":
                rows = await self._rows(_raw(params), read_only=True)
                return {"rows": rows, "count": len(rows)}
            case "execute":
                return {"affected": await self._changed(_raw(params))}
            case "find_rows":
                rows = await self._rows(sql.find_rows(table, where, params.get("order_by"), params.get("limit", 100)))
                return {"rows": rows, "count": len(rows)}
            case "count_rows":
                return (await self._rows(sql.count_rows(table, where)))[0]
            case "insert_row":
                rows = await self._rows(sql.insert_row(table, params.get("values")))
                return {"row": rows[0]}
            case "update_rows":
                return {"updated": await self._changed(sql.update_rows(table, params.get("set"), where))}
            case "delete_rows":
                return {"deleted": await self._changed(sql.delete_rows(table, where))}
            case "export_table":
                rows = await self._rows(sql.all_rows(table))
                return _file(text_of(table), rows, text_of(params.get("format", "csv")))
            case _:
                raise CallError("permanent", "unknown_capability", f"the driver has no operation {method[:60]!a}")

    async def _rows(self, statement: sql.Statement, *, read_only: bool = False) -> list[Value]:
        assert self._pool is not None
        async with self._pool.acquire() as connection, connection.transaction(readonly=read_only):
            prepared = await connection.prepare(statement.text)
            kinds = [column.type.name for column in prepared.get_attributes()]
            found: list[Value] = []
            async for row in prepared.cursor(*_bound(prepared, statement)):
                if len(found) >= sql.MAX_ROWS:
                    raise CallError(
                        "permanent", "too_many_rows", f"more than {sql.MAX_ROWS} rows", hint="ask for fewer"
                    )
                found.append({name: received(row[name], kind) for name, kind in zip(row.keys(), kinds, strict=True)})
            return found

    async def _changed(self, statement: sql.Statement) -> int:
        assert self._pool is not None
        async with self._pool.acquire() as connection:
            prepared = await connection.prepare(statement.text)
            await prepared.fetch(*_bound(prepared, statement))
            words = prepared.get_statusmsg().split()
            return int(words[-1]) if words and words[-1].isdecimal() else 0

    async def _account(self, config: ConnectorConfig) -> tuple[str, str]:
        if config.credential is None:
            raise no_credential("a database needs an account", hint="give the connection a credential reference")
        credential = await config.credential()
        self._redactor = Redactor(credential)
        username, password = credential.part("username"), credential.part("password")
        if username is None or password is None:
            raise no_credential("the credential lacks username and password")
        return username, password

    def _tls(self, host: str, mode: str) -> ssl.SSLContext | bool:
        if mode == "disable" and self._guard.opened(host):
            return False
        if mode != "require":
            raise EgressDenied(
                f"tls {mode[:20]!a} would send a password in the clear", hint="use require, or open the host by name"
            )
        context = _NamedTls(ssl.PROTOCOL_TLS_CLIENT)
        context.verified_name = host
        context.load_default_certs()
        return context

    def _classified(self, error: Exception, *, safe: bool, asked: bool) -> CallError:
        state = getattr(error, "sqlstate", None)
        said = " ".join(str(error).split())[:300]
        message = self._redactor.text(said) if self._redactor is not None else "the database refused"
        if isinstance(error, OSError | TimeoutError | asyncio.IncompleteReadError) or state is None:
            if asked:
                return unanswered("connection_lost", "the database did not say whether it was done", safe=safe)
            return unsent("connection_refused", "the database does not accept a connection")
        if state in _AGAIN or state.startswith("53"):
            return CallError("transient", "unavailable", message)
        if state.startswith("28") or state == "42501":
            return CallError("denied", "unauthorized", message)
        if state.startswith(("08", "57")):
            return unanswered("connection_lost", message, safe=safe) if asked else unsent("unavailable", message)
        return CallError("permanent", "rejected", message)


def _driver() -> ModuleType:
    try:
        import asyncpg  # noqa: PLC0415 - an extra, asked for when a database is used
    except ImportError:
        raise CallError(
            "permanent",
            "driver_missing",
            "this installation has no PostgreSQL driver",
            hint="pip install 'eyeflow[postgres]'",
        ) from None
    module: ModuleType = asyncpg
    return module


def _raw(params: dict[str, Value]) -> sql.Statement:
    values = params.get("values")
    return sql.Statement(text_of(params.get("sql")), tuple(values) if isinstance(values, list | tuple) else ())


def _bound(prepared: asyncpg.prepared_stmt.PreparedStatement[asyncpg.Record], statement: sql.Statement) -> list[object]:
    kinds = [kind.name for kind in prepared.get_parameters()]
    if len(kinds) != len(statement.values):
        raise CallError(
            "permanent", "bad_value", f"the statement has {len(kinds)} places and {len(statement.values)} values"
        )
    pairs = zip(statement.values, kinds, strict=True)
    return [sent(value, kind, at) for at, (value, kind) in enumerate(pairs, start=1)]


def _file(table: str, rows: list[Value], kind: str) -> Value:
    if kind == "json":
        text = msgspec.json.encode(rows).decode()
    else:
        out = io.StringIO()
        writer = csv.writer(out)
        records = [row for row in rows if isinstance(row, dict)]
        if records:
            writer.writerow(records[0])
        writer.writerows([text_of(value) for value in record.values()] for record in records)
        text = out.getvalue()
    return {"file": text, "name": f"{table}.{kind}", "rows": len(rows), "size": len(text.encode())}
