"""The PostgreSQL driver against a real server, where one is installed; without the extra, a typed error."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from eyeflow.catalog.load import load_catalog
from eyeflow.catalog.model import Connection, Service
from eyeflow.connectors.guard import Guard, PrivateRange
from eyeflow.connectors.port import ConnectorConfig, Credential
from eyeflow.connectors.postgres import PostgresConnector
from eyeflow.errors import CallError, EgressDenied

HERE = PrivateRange("this machine", ("127.0.0.1",), ("127.0.0.0/8",))
SECRET = "db-passw0rd"


def service() -> Service:
    catalog, found = load_catalog()
    assert catalog is not None, found.errors
    found_service = catalog.service("postgres")
    assert found_service is not None
    return found_service


async def account() -> Credential:
    return Credential((("username", "flow"), ("password", SECRET)))


def config(port: int, **more: str) -> ConnectorConfig:
    settings = {"host": "127.0.0.1", "port": str(port), "database": "postgres", "tls": "disable", **more}
    connection = Connection(
        name="db", service="postgres", settings=tuple(settings.items()), hosts=(f"127.0.0.1:{port}",)
    )
    return ConnectorConfig(service=service(), connection=connection, credential=account, pool=2)


async def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(CallError) as caught:
        await PostgresConnector(Guard()).initialize(config(5432))
    assert caught.value.code == "driver_missing" and "eyeflow[postgres]" in caught.value.hint


async def test_a_private_database_needs_the_operator_and_a_plain_one_too() -> None:
    pytest.importorskip("asyncpg")
    with pytest.raises(EgressDenied):
        await PostgresConnector(Guard()).initialize(config(5432))
    for tls in ("prefer", "", "off"):
        with pytest.raises(EgressDenied):
            await PostgresConnector(Guard(allow=(HERE,))).initialize(config(5432, tls=tls))


async def test_nobody_listening_is_transient() -> None:
    pytest.importorskip("asyncpg")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(CallError) as caught:
            await PostgresConnector(Guard(allow=(HERE,))).initialize(config(taken.getsockname()[1]))
    assert (caught.value.kind, caught.value.code) == ("transient", "connection_refused")
    assert SECRET not in str(caught.value)


@pytest.fixture(scope="module")
def database() -> Iterator[int]:
    """A throw-away server; skipped where PostgreSQL is not installed. It refuses to run as root, so root lends it
    the account its package made."""
    pytest.importorskip("asyncpg")
    found = shutil.which("initdb") or next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), None)
    as_root = os.geteuid() == 0
    if found is None or (as_root and not any(entry.pw_name == "postgres" for entry in pwd.getpwall())):
        pytest.skip("PostgreSQL is not installed, or there is no account to run it")
    programs = Path(found).resolve().parent
    user = "postgres" if as_root else None
    with tempfile.TemporaryDirectory() as name, socket.socket() as free:
        folder = Path(name)
        (folder / "pw").write_text(SECRET)
        if as_root:
            for path in (folder, folder / "pw"):
                shutil.chown(path, "postgres")
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
        free.close()

        def run(*command: object) -> None:
            subprocess.run(command, check=True, capture_output=True, user=user, cwd=folder)  # type: ignore[call-overload]

        account = ("-U", "flow", "--pwfile", folder / "pw", "-A", "scram-sha-256")
        run(programs / "initdb", "-D", folder / "data", *account, "--no-sync")
        control = (programs / "pg_ctl", "-D", folder / "data", "-w")
        options = f"-p {port} -h 127.0.0.1 -k {folder} -F"
        run(*control, "-o", options, "-l", folder / "log", "start")
        yield port
        run(*control, "-m", "immediate", "stop")


@pytest.fixture
async def connector(database: int) -> AsyncIterator[PostgresConnector]:
    made = PostgresConnector(Guard(allow=(HERE,)))
    await made.initialize(config(database))
    await made.call("execute", {"sql": "DROP TABLE IF EXISTS deals"})
    await made.call(
        "execute",
        {"sql": "CREATE TABLE deals (id serial primary key, name text, amount numeric, tags jsonb, at timestamptz)"},
    )
    yield made
    await made.cleanup()


async def test_rows_go_in_and_come_out(connector: PostgresConnector) -> None:
    row = {"name": "A'; DROP TABLE deals; --", "amount": "12.5", "tags": ["x"], "at": "2026-11-23T09:00:00Z"}
    stored = await connector.call("insert_row", {"table": "deals", "values": row})
    assert isinstance(stored, dict) and isinstance(stored["row"], dict)
    assert stored["row"]["name"] == row["name"] and stored["row"]["amount"] == 12.5 and stored["row"]["tags"] == ["x"]
    await connector.call("insert_row", {"table": "public.deals", "values": {"name": "B", "amount": 3}})
    found = await connector.call("find_rows", {"table": "deals", "order_by": "id desc", "limit": 1})
    assert isinstance(found, dict) and isinstance(found["rows"], list) and isinstance(found["rows"][0], dict)
    assert found["rows"][0]["name"] == "B"
    assert await connector.call("count_rows", {"table": "deals"}) == {"count": 2}
    assert await connector.call("update_rows", {"table": "deals", "set": {"amount": 4}, "where": {"name": "B"}}) == {
        "updated": 1
    }
    assert await connector.call("delete_rows", {"table": "deals", "where": {"name": "B"}}) == {"deleted": 1}
    file = await connector.call("export_table", {"table": "deals"})
    assert isinstance(file, dict) and file["rows"] == 1 and str(file["file"]).startswith("id,name,")


async def test_a_query_cannot_write(connector: PostgresConnector) -> None:
    with pytest.raises(CallError) as caught:
        await connector.call("query", {"sql": "DELETE FROM deals"})
    assert caught.value.kind == "permanent" and "read-only" in caught.value.message
    with pytest.raises(CallError):
        await connector.call("query", {"sql": "SELECT 1; DELETE FROM deals"})
    assert await connector.call("query", {"sql": "SELECT $1::int AS n", "values": ["7"]}) == {
        "rows": [{"n": 7}],
        "count": 1,
    }
    with pytest.raises(CallError):
        await connector.call("query", {"sql": "SELECT $1::int", "values": []})


async def test_a_wrong_password_is_denied_and_not_shown(database: int) -> None:
    async def wrong() -> Credential:
        return Credential((("username", "flow"), ("password", "wr0ng-" + SECRET)))

    made = config(database)
    with pytest.raises(CallError) as caught:
        await PostgresConnector(Guard(allow=(HERE,))).initialize(
            ConnectorConfig(service=made.service, connection=made.connection, credential=wrong)
        )
    assert caught.value.kind == "denied" and SECRET not in str(caught.value)


async def test_calls_run_side_by_side_within_the_pool(connector: PostgresConnector) -> None:
    calls = [connector.call("query", {"sql": "SELECT $1::text AS x", "values": [str(n)]}) for n in range(10)]
    assert [answer["rows"][0]["x"] for answer in await asyncio.gather(*calls)] == [str(n) for n in range(10)]  # type: ignore[index,call-overload]
