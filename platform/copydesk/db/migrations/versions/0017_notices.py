"""What people are told: notices, how each wants to hear of what, and what became of each telling."""

from __future__ import annotations

from alembic import op
from copydesk.db.security import protect_table

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_ID = "id bigserial NOT NULL, user_id bigint NOT NULL"
# Rows that come thousands at a time are made of what was read in the same transaction: no keys are checked for them.
_HOT = {
    "notice": f"{_ID}, kind text NOT NULL, at timestamptz NOT NULL, facts jsonb NOT NULL, key text NOT NULL, "
    "told_at timestamptz, read_at timestamptz, CONSTRAINT pk_notice PRIMARY KEY (tenant_id, id)",
    "notice_delivery": "id bigserial NOT NULL, notice_id bigint NOT NULL, user_id bigint NOT NULL, "
    "channel text NOT NULL, state text NOT NULL DEFAULT 'waiting', reason text, answer smallint, "
    "made_at timestamptz NOT NULL, due_at timestamptz NOT NULL, tries smallint NOT NULL DEFAULT 0, "
    "sent_at timestamptz, CONSTRAINT pk_notice_delivery PRIMARY KEY (tenant_id, id)",
    "notice_cursor": "source text NOT NULL, position bigint NOT NULL, known jsonb NOT NULL DEFAULT '{}', "
    "CONSTRAINT pk_notice_cursor PRIMARY KEY (tenant_id, source)",
    "notice_open_copy": "copy_id bigint NOT NULL, CONSTRAINT pk_notice_open_copy PRIMARY KEY (tenant_id, copy_id)",
}
_OF_PEOPLE = {
    "notice_wish": "user_id bigint NOT NULL, kind text NOT NULL, channel text NOT NULL, wanted boolean NOT NULL, "
    "CONSTRAINT pk_notice_wish PRIMARY KEY (tenant_id, user_id, kind, channel)",
    "notice_habit": "user_id bigint NOT NULL, digest text NOT NULL DEFAULT 'none', quiet_from time, quiet_until time, "
    "CONSTRAINT pk_notice_habit PRIMARY KEY (tenant_id, user_id)",
    "push_device": f"{_ID}, endpoint_hash bytea NOT NULL, keys bytea, name text NOT NULL, "
    "made_at timestamptz NOT NULL, gone_at timestamptz, CONSTRAINT pk_push_device PRIMARY KEY (tenant_id, id)",
    "notice_address": f"{_ID}, channel text NOT NULL, address bytea, secret bytea, code_hash bytea, "
    "code_until timestamptz, made_at timestamptz NOT NULL, confirmed_at timestamptz, failing_since timestamptz, "
    "CONSTRAINT pk_notice_address PRIMARY KEY (tenant_id, id)",
}
_INDEXES = (
    "CREATE UNIQUE INDEX uq_notice_user_key ON notice (tenant_id, user_id, key)",
    "CREATE INDEX ix_notice_user ON notice (tenant_id, user_id, id)",
    "CREATE INDEX ix_notice_unread ON notice (tenant_id, user_id) WHERE read_at IS NULL",
    "CREATE INDEX ix_notice_untold ON notice (tenant_id, id) WHERE told_at IS NULL",
    "CREATE INDEX ix_notice_at ON notice USING brin (at)",
    "CREATE UNIQUE INDEX uq_push_device_endpoint ON push_device (tenant_id, user_id, endpoint_hash)",
    "CREATE UNIQUE INDEX uq_notice_address_user ON notice_address (tenant_id, user_id, channel)",
    "CREATE INDEX ix_notice_address_code ON notice_address (tenant_id, code_hash) WHERE code_hash IS NOT NULL",
    "CREATE INDEX ix_notice_delivery_due ON notice_delivery (tenant_id, due_at) WHERE state = 'waiting'",
    "CREATE UNIQUE INDEX uq_notice_delivery_notice ON notice_delivery (tenant_id, notice_id, channel) "
    "WHERE notice_id > 0",
    "CREATE INDEX ix_notice_delivery_user ON notice_delivery (tenant_id, user_id, id)",
)


def upgrade() -> None:
    """Add the tables."""
    for table, columns in (_HOT | _OF_PEOPLE).items():
        op.execute(f"CREATE TABLE {table} (tenant_id int NOT NULL, {columns})")
    for table in _OF_PEOPLE:
        op.create_foreign_key(f"fk_{table}_tenant_id_tenant", table, "tenant", ["tenant_id"], ["id"])
        name = f"fk_{table}_tenant_id_user_id_user_account"
        op.create_foreign_key(name, table, "user_account", ["tenant_id", "user_id"], ["tenant_id", "id"])
    for index in _INDEXES:
        op.execute(index)
    for table in _HOT | _OF_PEOPLE:
        protect_table(table)


def downgrade() -> None:
    """Take them away again."""
    for table in reversed(_HOT | _OF_PEOPLE):
        op.drop_table(table)
