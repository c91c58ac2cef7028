"""The tables of the first version.

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
    op.create_table(
        "api_keys",
        sa.Column("workspace_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("shown", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("principal", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("role", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("practice", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("agent", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("created_by", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("revoked_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("used_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("digest", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("scopes", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name="pk_api_keys"),
        sqlite_with_rowid=True,
    )
    op.create_index("ux_api_keys_digest", "api_keys", ["workspace_id", "digest"], unique=True)
    op.create_table(
        "approvals",
        sa.Column("workspace_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("execution_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("task_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("action", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("iteration", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("attempt", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("role", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("message", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("asked_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("decided_by", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("decided_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("comment", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name="pk_approvals"),
        sqlite_with_rowid=True,
    )
    op.create_index(
        "ix_approvals_state_asked_ms_id", "approvals", ["workspace_id", "state", "asked_ms", "id"], unique=False
    )
    op.create_index(
        "ux_approvals_execution_id_action_iteration_kind_attempt",
        "approvals",
        ["workspace_id", "execution_id", "action", "iteration", "kind", "attempt"],
        unique=True,
    )
    op.create_table(
        "artifacts",
        sa.Column("workspace_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("data", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name="pk_artifacts"),
        sqlite_with_rowid=True,
    )
    op.create_table(
        "audit",
        sa.Column("workspace_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("actor", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("action", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("object", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("detail", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("previous", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
        sqlite_with_rowid=True,
    )
    op.create_index("ix_audit_actor_seq", "audit", ["actor", "seq"], unique=False)
    op.create_index("ix_audit_object_seq", "audit", ["object", "seq"], unique=False)
    op.create_table(
        "connections",
        sa.Column("workspace_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("service", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("credential", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("shared", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("detail", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_by", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tested_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("defaults", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("settings", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("hosts", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "name", name="pk_connections"),
        sqlite_with_rowid=True,
    )
    op.create_table(
        "decisions",
        sa.Column("workspace_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("proposal_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("principal", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("verdict", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("comment", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("decided_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "proposal_id", "principal", name="pk_decisions"),
        sqlite_with_rowid=True,
    )
    op.create_table(
        "deliveries",
        sa.Column("workspace_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("source_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("delivery_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("execution_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("received_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "source_id", "delivery_id", name="pk_deliveries"),
        sqlite_with_rowid=True,
    )
    op.create_index("ix_deliveries_expires_ms", "deliveries", ["workspace_id", "expires_ms"], unique=False)
    op.create_table(
        "executions",
        sa.Column("workspace_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("task_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("task", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("durable", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("origin", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("origin_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("principal", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("parent", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("depth", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("practice", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("owner", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("fence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("wake_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("cancelling", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("error_code", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("error", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("created_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("started_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("finished_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("duration_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("purge_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("key", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("request", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("outcome", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("trail", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name="pk_executions"),
        sqlite_with_rowid=True,
    )
    op.create_index("ix_executions_created_ms_id", "executions", ["workspace_id", "created_ms", "id"], unique=False)
    op.create_index(
        "ix_executions_parent",
        "executions",
        ["workspace_id", "parent"],
        unique=False,
        sqlite_where=sa.text('"parent" IS NOT NULL'),
        postgresql_where=sa.text('"parent" IS NOT NULL'),
    )
    op.create_index(
        "ix_executions_practice_created_ms_id",
        "executions",
        ["workspace_id", "practice", "created_ms", "id"],
        unique=False,
        sqlite_where=sa.text('"practice" = TRUE'),
        postgresql_where=sa.text('"practice" = TRUE'),
    )
    op.create_index(
        "ix_executions_purge_ms",
        "executions",
        ["workspace_id", "purge_ms"],
        unique=False,
        sqlite_where=sa.text('"purge_ms" IS NOT NULL'),
        postgresql_where=sa.text('"purge_ms" IS NOT NULL'),
    )
    op.create_index(
        "ix_executions_status_created_ms_id", "executions", ["workspace_id", "status", "created_ms", "id"], unique=False
    )
    op.create_index(
        "ix_executions_task_id_created_ms_id",
        "executions",
        ["workspace_id", "task_id", "created_ms", "id"],
        unique=False,
    )
    op.create_index(
        "ix_executions_task_id_status_created_ms_id",
        "executions",
        ["workspace_id", "task_id", "status", "created_ms", "id"],
        unique=False,
    )
    op.create_table(
        "idempotency",
        sa.Column("workspace_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("scope", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("execution_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("request", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "scope", "name", name="pk_idempotency"),
        sqlite_with_rowid=True,
    )
    op.create_index("ix_idempotency_expires_ms", "idempotency", ["workspace_id", "expires_ms"], unique=False)
    op.create_table(
        "journal",
        sa.Column("workspace_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("execution_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("events", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "execution_id", "seq", name="pk_journal"),
        sqlite_with_rowid=True,
    )
    op.create_table(
        "leases",
        sa.Column("workspace_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("owner", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("fence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("until_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "name", name="pk_leases"),
        sqlite_with_rowid=True,
    )
    op.create_table(
        "notices",
        sa.Column("workspace_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("incident", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("task_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("execution_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("recipient", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("closed", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("count", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("attempts", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("next_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("error", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sent_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("text", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name="pk_notices"),
        sqlite_with_rowid=True,
    )
    op.create_index("ix_notices_created_ms_id", "notices", ["workspace_id", "created_ms", "id"], unique=False)
    op.create_index("ix_notices_incident", "notices", ["workspace_id", "incident"], unique=False)
    op.create_index("ix_notices_state_created_ms", "notices", ["workspace_id", "state", "created_ms"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("workspace_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("topic", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name="pk_outbox"),
        sqlite_with_rowid=True,
    )
    op.create_index("ix_outbox_created_ms_id", "outbox", ["workspace_id", "created_ms", "id"], unique=False)
    op.create_table(
        "polls",
        sa.Column("workspace_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("task_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("trigger", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("service", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("event", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("connection", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("every_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("next_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("failures", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("error", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("params", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("cursor", sa.LargeBinary(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name="pk_polls"),
        sqlite_with_rowid=True,
    )
    op.create_index("ix_polls_state_next_ms", "polls", ["workspace_id", "state", "next_ms"], unique=False)
    op.create_index("ix_polls_task_id", "polls", ["workspace_id", "task_id"], unique=False)
    op.create_table(
        "processes",
        sa.Column("workspace_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("started_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("until_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name="pk_processes"),
        sqlite_with_rowid=True,
    )
    op.create_table(
        "profiles",
        sa.Column("workspace_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("principal", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("confirmed", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("profile", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "principal", name="pk_profiles"),
        sqlite_with_rowid=True,
    )
    op.create_table(
        "proposals",
        sa.Column("workspace_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("task", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("base_version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("language", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("ir", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("practice", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("task_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("needed", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("policy", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_by", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("decided_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("answers", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("program", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("envelope", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("also", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("review", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name="pk_proposals"),
        sqlite_with_rowid=True,
    )
    op.create_index(
        "ix_proposals_state_created_ms_id", "proposals", ["workspace_id", "state", "created_ms", "id"], unique=False
    )
    op.create_index("ix_proposals_task", "proposals", ["workspace_id", "task"], unique=False)
    op.create_table(
        "schedules",
        sa.Column("workspace_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("task_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("trigger", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("missed", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("overlap", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("next_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("last_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("spec", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name="pk_schedules"),
        sqlite_with_rowid=True,
    )
    op.create_index("ix_schedules_state_next_ms", "schedules", ["workspace_id", "state", "next_ms"], unique=False)
    op.create_index("ix_schedules_task_id", "schedules", ["workspace_id", "task_id"], unique=False)
    op.create_table(
        "secrets",
        sa.Column("workspace_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("kek", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_by", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rotated_ms", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("sealed", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "name", name="pk_secrets"),
        sqlite_with_rowid=True,
    )
    op.create_table(
        "settings",
        sa.Column("workspace_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("value", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "name", name="pk_settings"),
        sqlite_with_rowid=True,
    )
    op.create_table(
        "subscriptions",
        sa.Column("workspace_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("task_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("trigger", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("topic", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name="pk_subscriptions"),
        sqlite_with_rowid=True,
    )
    op.create_index("ix_subscriptions_task_id", "subscriptions", ["workspace_id", "task_id"], unique=False)
    op.create_index("ix_subscriptions_topic", "subscriptions", ["workspace_id", "topic"], unique=False)
    op.create_table(
        "task_versions",
        sa.Column("workspace_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("task_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("artifact", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("language", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("request", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("ir", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("approved_by", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("proposal_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("created_by", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("readback", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("answers", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "task_id", "number", name="pk_task_versions"),
        sqlite_with_rowid=True,
    )
    op.create_table(
        "tasks",
        sa.Column("workspace_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("title", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("alias_of", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("practice", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("retention_days", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("created_by", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name="pk_tasks"),
        sqlite_with_rowid=True,
    )
    op.create_index("ux_tasks_name", "tasks", ["workspace_id", "name"], unique=True)
    op.create_table(
        "ticks",
        sa.Column("workspace_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("schedule_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("instant_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("outcome", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("execution_id", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("created_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "schedule_id", "instant_ms", name="pk_ticks"),
        sqlite_with_rowid=True,
    )
    op.create_index("ix_ticks_created_ms", "ticks", ["workspace_id", "created_ms"], unique=False)
    op.create_table(
        "uses",
        sa.Column("workspace_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("task_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("connection", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("service", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("effect", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("pinned", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "task_id", "connection", "service", name="pk_uses"),
        sqlite_with_rowid=True,
    )
    op.create_index("ix_uses_connection", "uses", ["workspace_id", "connection"], unique=False)
    op.create_index("ix_uses_service", "uses", ["workspace_id", "service"], unique=False)
    op.create_table(
        "webhooks",
        sa.Column("workspace_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("task_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("trigger", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("path", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("method", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("scheme", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("secret", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("answers", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("service", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("event", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("connection", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("state", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_by", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("created_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("fields", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("resolved", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name="pk_webhooks"),
        sqlite_with_rowid=True,
    )
    op.create_index("ix_webhooks_connection", "webhooks", ["workspace_id", "connection"], unique=False)
    op.create_index("ix_webhooks_task_id", "webhooks", ["workspace_id", "task_id"], unique=False)
    op.create_index("ux_webhooks_path_method", "webhooks", ["workspace_id", "path", "method"], unique=True)
    op.create_table(
        "work",
        sa.Column("workspace_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("execution_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("task_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("owner", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("ready_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("attempts", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("lane", sa.Text(), autoincrement=False, nullable=True),
        sa.Column("signal", sa.Boolean(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "execution_id", name="pk_work"),
        sqlite_with_rowid=True,
    )
    op.create_index(
        "ix_work_lane",
        "work",
        ["workspace_id", "lane"],
        unique=False,
        sqlite_where=sa.text('"lane" IS NOT NULL'),
        postgresql_where=sa.text('"lane" IS NOT NULL'),
    )
    op.create_index("ix_work_owner_ready_ms", "work", ["workspace_id", "owner", "ready_ms"], unique=False)
    op.create_index("ix_work_task_id", "work", ["workspace_id", "task_id"], unique=False)
