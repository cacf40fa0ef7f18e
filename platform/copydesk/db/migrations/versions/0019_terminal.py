"""Orders that a trader gives by hand: stored first, then sent."""

from __future__ import annotations

from alembic import op
from copydesk.db.security import grant, protect_table

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_NUMBER = "numeric(38, 18)"
_WHOSE = "id bigserial NOT NULL, user_id bigint NOT NULL, account_id bigint NOT NULL"
_TABLES = {
    "terminal_order": f"{_WHOSE}, strategy_id bigint, ticket text NOT NULL, part text NOT NULL, group_id bigint, "
    "waits boolean NOT NULL DEFAULT false, symbol text NOT NULL, side text NOT NULL, type text NOT NULL, "
    f"qty {_NUMBER} NOT NULL, px {_NUMBER}, stop_px {_NUMBER}, take_profit_px {_NUMBER}, stop_loss_px {_NUMBER}, "
    "reduce_only boolean NOT NULL DEFAULT false, time_in_force text, position_side text NOT NULL DEFAULT 'net', "
    "margin_mode text, client_order_id text, state text NOT NULL DEFAULT 'planned', reason text, "
    f"message text NOT NULL DEFAULT '', venue_order_id text, cum_qty {_NUMBER} NOT NULL DEFAULT 0, avg_px {_NUMBER}, "
    "fills jsonb NOT NULL DEFAULT '[]', checks int NOT NULL DEFAULT 0, "
    "created_at timestamptz NOT NULL DEFAULT now(), sent_at timestamptz, acked_at timestamptz, proof_at timestamptz, "
    "next_check_at timestamptz, done_at timestamptz, CONSTRAINT pk_terminal_order PRIMARY KEY (tenant_id, id)",
    "terminal_act": f"{_WHOSE}, kind text NOT NULL, symbol text NOT NULL DEFAULT '', "
    "facts jsonb NOT NULL DEFAULT '{}', state text NOT NULL DEFAULT 'planned', reason text, "
    "message text NOT NULL DEFAULT '', created_at timestamptz NOT NULL DEFAULT now(), begun_at timestamptz, "
    "done_at timestamptz, CONSTRAINT pk_terminal_act PRIMARY KEY (tenant_id, id)",
    "terminal_view": "account_id bigint NOT NULL, symbol text NOT NULL, wanted_until timestamptz NOT NULL, "
    "read_at timestamptz, trouble text NOT NULL DEFAULT '', seen jsonb, "
    "CONSTRAINT pk_terminal_view PRIMARY KEY (tenant_id, account_id)",
}
_REFERENCES = (
    ("terminal_order", "user_id", "user_account"),
    ("terminal_order", "account_id", "account"),
    ("terminal_order", "strategy_id", "strategy"),
    ("terminal_act", "user_id", "user_account"),
    ("terminal_act", "account_id", "account"),
    ("terminal_view", "account_id", "account"),
)
_INDEXES = (
    "CREATE INDEX ix_terminal_order_account ON terminal_order (tenant_id, account_id, id)",
    "CREATE INDEX ix_terminal_order_open ON terminal_order (tenant_id, id) "
    "WHERE state IN ('planned', 'sending', 'in_flight', 'open')",
    "CREATE UNIQUE INDEX uq_terminal_order_client_order_id ON terminal_order (tenant_id, client_order_id)",
    "CREATE UNIQUE INDEX uq_terminal_order_ticket ON terminal_order (tenant_id, ticket, part)",
    "CREATE INDEX ix_terminal_act_account ON terminal_act (tenant_id, account_id, id)",
    "CREATE INDEX ix_terminal_act_open ON terminal_act (tenant_id, id) WHERE state IN ('planned', 'doing')",
)
# The desk looks at this number alone, and at brands' rows once it has moved; nobody else may count it.
_COUNT = """
CREATE FUNCTION terminal_counted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE terminal_version SET version = version + 1 WHERE name = 'waiting';
    RETURN NULL;
END $$
"""
_COUNTED = (
    ("terminal_order", "INSERT"),
    ("terminal_act", "INSERT"),
    ("terminal_view", "INSERT OR UPDATE OF wanted_until"),
)


def upgrade() -> None:
    """Add the tables, and the number that tells of what is new in them."""
    for table, columns in _TABLES.items():
        op.execute(f"CREATE TABLE {table} (tenant_id int NOT NULL, {columns})")
        op.create_foreign_key(f"fk_{table}_tenant_id_tenant", table, "tenant", ["tenant_id"], ["id"])
        protect_table(table)
    for table, column, parent in _REFERENCES:
        name = f"fk_{table}_tenant_id_{column}_{parent}"
        op.create_foreign_key(name, table, parent, ["tenant_id", column], ["tenant_id", "id"])
    for index in _INDEXES:
        op.execute(index)
    op.execute(
        "CREATE TABLE terminal_version (name text CONSTRAINT pk_terminal_version PRIMARY KEY, version bigint NOT NULL)"
    )
    op.execute("INSERT INTO terminal_version VALUES ('waiting', 0)")
    grant("terminal_version", "SELECT")
    op.execute(_COUNT)
    for table, event in _COUNTED:
        op.execute(
            f"CREATE TRIGGER {table}_counted AFTER {event} ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION terminal_counted()"
        )


def downgrade() -> None:
    """Take it all away again."""
    for table in reversed(_TABLES):
        op.drop_table(table)
    op.execute("DROP FUNCTION terminal_counted()")
    op.drop_table("terminal_version")
