"""What accounts hold in each of their wallets, as it was last seen, and what their owners ask for between them."""

from __future__ import annotations

from alembic import op
from copydesk.db.security import protect_table

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE wallet_balance (
    tenant_id int NOT NULL CONSTRAINT fk_wallet_balance_tenant_id_tenant REFERENCES tenant (id),
    account_id bigint NOT NULL, wallet text NOT NULL, currency text NOT NULL,
    free numeric(38, 18) NOT NULL, locked numeric(38, 18) NOT NULL, at timestamptz NOT NULL,
    CONSTRAINT pk_wallet_balance PRIMARY KEY (tenant_id, account_id, wallet, currency),
    CONSTRAINT fk_wallet_balance_account FOREIGN KEY (tenant_id, account_id) REFERENCES account (tenant_id, id)
);
CREATE TABLE wallet_ask (
    tenant_id int NOT NULL CONSTRAINT fk_wallet_ask_tenant_id_tenant REFERENCES tenant (id),
    id bigserial NOT NULL, account_id bigint NOT NULL,
    currency text, amount numeric(38, 18), source text, target text,
    state text NOT NULL DEFAULT 'waiting', reason text NOT NULL DEFAULT '',
    made_at timestamptz NOT NULL, taken_at timestamptz, done_at timestamptz,
    CONSTRAINT pk_wallet_ask PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_wallet_ask_account FOREIGN KEY (tenant_id, account_id) REFERENCES account (tenant_id, id),
    CONSTRAINT ck_wallet_ask_whole CHECK ((amount IS NULL) = (source IS NULL) AND (amount IS NULL) = (target IS NULL)
                                          AND (amount IS NULL) = (currency IS NULL) AND coalesce(amount, 1) > 0)
);
CREATE INDEX ix_wallet_ask_account ON wallet_ask (tenant_id, account_id, id);
CREATE INDEX ix_wallet_ask_open ON wallet_ask (tenant_id, id) WHERE state IN ('waiting', 'sending');
"""
_COUNTED = """
INSERT INTO key_version VALUES ('wallets', 0);
CREATE TRIGGER wallet_asked AFTER INSERT ON wallet_ask FOR EACH ROW EXECUTE FUNCTION key_counted('wallets');
"""


def upgrade() -> None:
    """Add both tables, and count what is asked where the desk looks anyway."""
    op.execute(_TABLES)
    for table in ("wallet_balance", "wallet_ask"):
        protect_table(table)
    op.execute(_COUNTED)


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("wallet_ask")
    op.drop_table("wallet_balance")
    op.execute("DELETE FROM key_version WHERE name = 'wallets'")
