"""Staff roles, allowed addresses, known places."""

from __future__ import annotations

from alembic import op
from copydesk.db.security import protect_table

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TABLES = {
    "staff_role": "id bigserial NOT NULL, name text NOT NULL, permissions jsonb NOT NULL, author_id bigint, "
    "at timestamptz NOT NULL, CONSTRAINT uq_staff_role_tenant_id_name UNIQUE (tenant_id, name)",
    "staff_grant": "id bigserial NOT NULL, user_id bigint NOT NULL, role text NOT NULL, author_id bigint, "
    "at timestamptz NOT NULL, CONSTRAINT uq_staff_grant_tenant_id_user_id_role UNIQUE (tenant_id, user_id, role)",
    "ip_allow": "id bigserial NOT NULL, user_id bigint, network text NOT NULL, note text NOT NULL DEFAULT '', "
    "author_id bigint, at timestamptz NOT NULL",
    "known_place": "id bigserial NOT NULL, user_id bigint NOT NULL, network text NOT NULL, agent text NOT NULL, "
    "ip text NOT NULL, first_at timestamptz NOT NULL, seen_at timestamptz NOT NULL, confirmed_at timestamptz, "
    "token_hash bytea, token_until timestamptz, "
    "CONSTRAINT uq_known_place_tenant_id_user_id_network_agent UNIQUE (tenant_id, user_id, network, agent)",
    "access_hold": "id bigserial NOT NULL, user_id bigint NOT NULL, reason text NOT NULL, place_id bigint, "
    "since timestamptz NOT NULL, until timestamptz NOT NULL, lifted_at timestamptz",
}
_OF_USERS = ("staff_grant", "ip_allow", "known_place", "access_hold")
_INDEXES = (
    "CREATE INDEX ix_ip_allow_user ON ip_allow (tenant_id, user_id)",
    "CREATE INDEX ix_known_place_token ON known_place (tenant_id, token_hash) WHERE token_hash IS NOT NULL",
    "CREATE INDEX ix_access_hold_user ON access_hold (tenant_id, user_id, until)",
)


def upgrade() -> None:
    """Add the tables."""
    for table, columns in _TABLES.items():
        key = f"CONSTRAINT pk_{table} PRIMARY KEY (tenant_id, id)"
        op.execute(f"CREATE TABLE {table} (tenant_id int NOT NULL, {columns}, {key})")
        op.create_foreign_key(f"fk_{table}_tenant_id_tenant", table, "tenant", ["tenant_id"], ["id"])
        protect_table(table)
    for table in _OF_USERS:
        name = f"fk_{table}_tenant_id_user_id_user_account"
        op.create_foreign_key(name, table, "user_account", ["tenant_id", "user_id"], ["tenant_id", "id"])
    for statement in _INDEXES:
        op.execute(statement)


def downgrade() -> None:
    """Take them away again."""
    for table in reversed(_TABLES):
        op.drop_table(table)
