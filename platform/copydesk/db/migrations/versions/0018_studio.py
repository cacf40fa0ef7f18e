"""What traders publish beside trades: applications, announcements, invitations; and who watches them."""

from __future__ import annotations

from alembic import op
from copydesk.db.security import protect_table

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_NUMBER = "numeric(38, 18)"
_TABLES = {
    "strategy_terms": f"strategy_id bigint NOT NULL, profit_share {_NUMBER} NOT NULL, "
    f"min_allocation {_NUMBER} NOT NULL, followers_max int, private boolean NOT NULL DEFAULT false, "
    "shows jsonb NOT NULL, submitted_at timestamptz NOT NULL, decided_at timestamptz, decided_by bigint, "
    "reason text NOT NULL DEFAULT '', live_at timestamptz, "
    "CONSTRAINT pk_strategy_terms PRIMARY KEY (tenant_id, strategy_id)",
    "announcement": "id bigserial NOT NULL, strategy_id bigint NOT NULL, at timestamptz NOT NULL DEFAULT now(), "
    "body text NOT NULL, CONSTRAINT pk_announcement PRIMARY KEY (tenant_id, id)",
    "strategy_invite": "id bigserial NOT NULL, strategy_id bigint NOT NULL, label text NOT NULL DEFAULT '', "
    "digest bytea NOT NULL, created_at timestamptz NOT NULL DEFAULT now(), expires_at timestamptz NOT NULL, "
    "used_at timestamptz, used_by bigint, revoked_at timestamptz, "
    "CONSTRAINT pk_strategy_invite PRIMARY KEY (tenant_id, id)",
    "watch": "user_id bigint NOT NULL, strategy_id bigint NOT NULL, since timestamptz NOT NULL DEFAULT now(), "
    "CONSTRAINT pk_watch PRIMARY KEY (tenant_id, user_id, strategy_id)",
}
_REFERENCES = (
    ("strategy_terms", "strategy_id", "strategy"),
    ("announcement", "strategy_id", "strategy"),
    ("strategy_invite", "strategy_id", "strategy"),
    ("strategy_invite", "used_by", "user_account"),
    ("watch", "user_id", "user_account"),
    ("watch", "strategy_id", "strategy"),
)
_INDEXES = (
    "CREATE INDEX ix_announcement_strategy ON announcement (tenant_id, strategy_id, id)",
    "CREATE UNIQUE INDEX uq_strategy_invite_digest ON strategy_invite (tenant_id, digest)",
    "CREATE INDEX ix_strategy_invite_strategy ON strategy_invite (tenant_id, strategy_id, id)",
    "CREATE INDEX ix_watch_strategy ON watch (tenant_id, strategy_id)",
)


def upgrade() -> None:
    """Add the four tables; strategies that exist keep the brand's terms until their traders set some."""
    for table, columns in _TABLES.items():
        op.execute(f"CREATE TABLE {table} (tenant_id int NOT NULL, {columns})")
        op.create_foreign_key(f"fk_{table}_tenant_id_tenant", table, "tenant", ["tenant_id"], ["id"])
    for table, column, parent in _REFERENCES:
        name = f"fk_{table}_tenant_id_{column}_{parent}"
        op.create_foreign_key(name, table, parent, ["tenant_id", column], ["tenant_id", "id"])
    for statement in _INDEXES:
        op.execute(statement)
    for table in _TABLES:
        protect_table(table)


def downgrade() -> None:
    """Take them away again."""
    for table in reversed(_TABLES):
        op.drop_table(table)
