"""Brings tables to the newest revision, from inside the program.

Knows: the migrations that ship in `migrations/versions`. In: a database. Out: the same, with current tables.
Never: a configuration file, a line on standard output, a step back.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory

from eyeflow.store.port import StoreError

_FOLDER: Final = Path(__file__).parent / "migrations"


def migrate_sqlite(path: Path, found: str | None, *, wait_ms: int) -> None:
    """Run what is missing since `found`, in one transaction. Raises: StoreError `store_newer`."""
    engine = sa.create_engine("sqlite://", creator=lambda: _connect(path, wait_ms), poolclass=sa.NullPool)
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            migrate(connection, found)
    finally:
        engine.dispose()


def migrate(connection: sa.Connection, found: str | None) -> None:
    """The same over a connection whose transaction the caller ends."""
    scripts = revisions()
    if found is not None and found not in {script.revision for script in scripts.walk_revisions()}:
        known = scripts.get_current_head()
        raise StoreError(
            "store_newer",
            f"the database was made by a newer version of eyeflow: its tables are at {found[:40]!a}, this version's at"
            f" {known!a}",
            hint="install that version or a newer one; a backup made before the upgrade fits this one",
        )
    context = MigrationContext.configure(
        connection, opts={"fn": lambda current, _: scripts._upgrade_revs("head", current)}
    )
    with Operations.context(context):
        context.run_migrations()


def revisions() -> ScriptDirectory:
    """The migrations, oldest last."""
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return ScriptDirectory.from_config(config)


def _connect(path: Path, wait_ms: int) -> object:
    from eyeflow.store.sqlite.connection import connect_writer  # noqa: PLC0415 - only where SQLite is used

    return connect_writer(path, wait_ms=wait_ms)
