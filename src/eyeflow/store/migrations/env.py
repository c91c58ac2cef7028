"""What Alembic's own command line runs, for whoever writes the next migration; the program uses `migrating`.

Knows: the tables as the records say. In: a connection in the configuration's attributes. Out: nothing.
Never: run by EyeFlow itself.
"""

from __future__ import annotations

from alembic import context

from eyeflow.store.schema import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
