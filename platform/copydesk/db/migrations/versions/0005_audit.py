"""The record of who did what."""

from __future__ import annotations

from alembic import op
from copydesk.db.security import APP_ROLE, protect_table

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TABLES = {
    "audit_entry": "seq bigint NOT NULL, at timestamptz NOT NULL, actor_kind text NOT NULL, user_id bigint, "
    "session_id bigint, ip text, act text NOT NULL, subject text NOT NULL, before jsonb, after jsonb, "
    "prev text NOT NULL, hash text NOT NULL, CONSTRAINT pk_audit_entry PRIMARY KEY (tenant_id, seq)",
    "audit_checkpoint": "number int NOT NULL, seq bigint NOT NULL, hash text NOT NULL, at timestamptz NOT NULL, "
    "key_id text NOT NULL, signature text NOT NULL, "
    "CONSTRAINT pk_audit_checkpoint PRIMARY KEY (tenant_id, number)",
    "audit_head": "seq bigint NOT NULL, hash text NOT NULL, CONSTRAINT pk_audit_head PRIMARY KEY (tenant_id)",
}
# The application's role may read these and add to them, and neither change nor delete what stands there.
_APPEND_ONLY = ("audit_entry", "audit_checkpoint")


def upgrade() -> None:
    """Add the tables."""
    for table, columns in _TABLES.items():
        op.execute(f"CREATE TABLE {table} (tenant_id int NOT NULL, {columns})")
        op.create_foreign_key(f"fk_{table}_tenant_id_tenant", table, "tenant", ["tenant_id"], ["id"])
        protect_table(table)
    for table in _APPEND_ONLY:
        op.execute(f"REVOKE UPDATE, DELETE ON {table} FROM {APP_ROLE}")
    op.create_index("ix_audit_entry_user", "audit_entry", ["tenant_id", "user_id", "seq"])


def downgrade() -> None:
    """Take them away again."""
    for table in reversed(_TABLES):
        op.drop_table(table)
