"""The tables that migrations make are those the records need."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from eyeflow.store.layout import HEAD_REVISION
from eyeflow.store.migrating import migrate_sqlite, revisions
from eyeflow.store.records import RECORDS, SettingRecord
from eyeflow.store.schema import metadata
from eyeflow.store.sqlite import SqliteStore
from eyeflow.store.sqlite.connection import APPLICATION_ID, create

OPENED = """
import asyncio, sys
from eyeflow.store.records import SettingRecord
from eyeflow.store.sqlite import SqliteStore

async def main(path):
    store = SqliteStore(path)
    await store.open()
    await store.find(SettingRecord)
    await store.close()

asyncio.run(main(sys.argv[1]))
print([name for name in sys.modules if name.partition(".")[0] in ("sqlalchemy", "alembic")])
"""


def tables(path: Path) -> set[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as hand:
        found = hand.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name <> 'alembic_version'")
        plain = {name: " ".join(sql.replace('"', "").split()) for name, sql in found}
        return {(name, sql.replace("( ", "(").replace(" )", ")")) for name, sql in plain.items()}


async def test_a_migrated_database_has_the_tables_of_the_records_and_a_new_one_too(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "new.db")
    await store.open()
    await store.close()
    create(tmp_path / "migrated.db")
    migrate_sqlite(tmp_path / "migrated.db", None, wait_ms=0)
    assert tables(tmp_path / "new.db") == tables(tmp_path / "migrated.db")
    made = sa.create_engine(f"sqlite:///{tmp_path}/made.db")
    metadata.create_all(made)
    made.dispose()
    how = "after a change of records, before the first release: python -m tools.first_migration; then a migration"
    assert tables(tmp_path / "migrated.db") == tables(tmp_path / "made.db"), how
    engine = sa.create_engine(f"sqlite:///{tmp_path}/migrated.db")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_the_newest_migration_is_the_one_this_version_reads() -> None:
    assert revisions().get_heads() == [HEAD_REVISION]


def test_every_table_belongs_to_a_workspace_and_no_index_says_less() -> None:
    assert len(metadata.tables) == len(RECORDS)
    for table in metadata.tables.values():
        assert "workspace_id" in table.c
        if table.name != "audit":
            assert next(iter(table.primary_key.columns)).name == "workspace_id"
            assert all(next(iter(index.columns)).name == "workspace_id" for index in table.indexes)


async def test_migrating_says_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    store = SqliteStore(tmp_path / "eyeflow.db")
    await store.open()
    await store.close()
    assert capfd.readouterr() == ("", "")
    assert [record.levelname for record in caplog.records if record.levelno >= 30] == []


async def test_a_file_left_without_tables_by_an_older_version_is_migrated(tmp_path: Path) -> None:
    path = tmp_path / "eyeflow.db"
    with closing(sqlite3.connect(path)) as hand:
        hand.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    store = SqliteStore(path)
    await store.open()
    assert await store.count(SettingRecord) == 0
    await store.close()


def test_neither_a_new_file_nor_a_current_one_loads_what_migrates(tmp_path: Path) -> None:
    for _ in range(2):
        done = subprocess.run(
            (sys.executable, "-c", OPENED, str(tmp_path / "eyeflow.db")), check=False, capture_output=True, text=True
        )
        assert (done.stdout, done.stderr) == ("[]\n", "")
