"""The first migration, made from the records: src/eyeflow/store/migrations/versions/0001_first.py.

`python -m tools.first_migration` writes it. Until a version is released the first migration follows the records; after
that it stands, and each change is a migration of its own (a test says when tables and migrations differ).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext

from eyeflow.store.schema import metadata

PATH: Final = Path(__file__).parents[1] / "src/eyeflow/store/migrations/versions/0001_first.py"

_HEAD: Final = '''"""The tables of the first version.

Made by `python -m tools.first_migration` until that version is released; unchanged ever after.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:  # noqa: PLR0915 - one statement a table and an index
    """From nothing."""
'''


def text() -> str:
    """The module."""
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"render_as_batch": False, "user_module_prefix": None})
        upgrades = produce_migrations(context, metadata).upgrade_ops
    assert upgrades is not None
    body = render_python_code(upgrades, migration_context=context)
    lines = [line for line in body.splitlines() if not line.strip().startswith("# ###")]
    return _HEAD + "\n".join(f"    {line}".rstrip() if line.strip() else "" for line in _dedented(lines)) + "\n"


def _dedented(lines: list[str]) -> list[str]:
    return [line.removeprefix("    ") for line in lines]


if __name__ == "__main__":
    PATH.write_text(text(), "utf-8")
