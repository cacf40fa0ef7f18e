"""initial."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from copydesk.db.security import ensure_app_role, grant, protect_table
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


TENANT_TABLES = (
    "account_setup",
    "book",
    "copy",
    "copy_fill",
    "data_key",
    "execution",
    "reconcile_run",
    "shard_lease",
    "user_account",
    "account",
    "strategy",
    "equity_point",
    "leader_book",
    "signal",
    "subscription",
    "delivery",
)


def upgrade() -> None:
    op.create_table(
        "account_setup",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("hedge", sa.Boolean(), nullable=False),
        sa.Column("leverage", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "account_id", "symbol", name=op.f("pk_account_setup")),
    )
    op.create_table(
        "book",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("subscription_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("position_side", sa.Text(), server_default="net", nullable=False),
        sa.Column("qty", sa.Numeric(precision=38, scale=18), server_default="0", nullable=False),
        sa.Column("target_qty", sa.Numeric(precision=38, scale=18), server_default="0", nullable=False),
        sa.Column("cost", sa.Numeric(precision=38, scale=18), server_default="0", nullable=False),
        sa.Column("last_signal_id", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "subscription_id", "symbol", "position_side", name=op.f("pk_book")),
    )
    op.create_table(
        "copy",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("subscription_id", sa.BigInteger(), nullable=False),
        sa.Column("signal_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("shard", sa.Text(), nullable=False),
        sa.Column("leg", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("position_side", sa.Text(), server_default="net", nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("qty", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("px", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("reduces", sa.Boolean(), nullable=False),
        sa.Column("waits", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("client_order_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("reason_facts", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("venue_order_id", sa.Text(), nullable=True),
        sa.Column("cum_qty", sa.Numeric(precision=38, scale=18), server_default="0", nullable=False),
        sa.Column("avg_px", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checks", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("next_check_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("proof_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_copy")),
        sa.UniqueConstraint(
            "tenant_id",
            "signal_id",
            "subscription_id",
            "leg",
            name=op.f("uq_copy_tenant_id_signal_id_subscription_id_leg"),
        ),
    )
    op.create_index(
        "ix_copy_open",
        "copy",
        ["tenant_id", "shard"],
        unique=False,
        postgresql_where=sa.text("status IN ('planned', 'in_flight', 'accepted', 'partially_filled')"),
    )
    op.create_table(
        "copy_fill",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("copy_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("trade_id", sa.Text(), nullable=False),
        sa.Column("subscription_id", sa.BigInteger(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("position_side", sa.Text(), server_default="net", nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("qty", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("px", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("fee", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("fee_currency", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "copy_id", "trade_id", name=op.f("pk_copy_fill")),
    )
    op.create_table(
        "tenant",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant")),
        sa.UniqueConstraint("slug", name=op.f("uq_tenant_slug")),
    )
    op.create_table(
        "data_key",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_data_key_tenant_id_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "version", name=op.f("pk_data_key")),
    )
    op.create_table(
        "execution",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("trade_id", sa.Text(), nullable=False),
        sa.Column("venue_order_id", sa.Text(), nullable=False),
        sa.Column("position_side", sa.Text(), server_default="net", nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("qty", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("px", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("fee", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("fee_currency", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_execution_tenant_id_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "account_id", "symbol", "trade_id", name=op.f("pk_execution")),
    )
    op.create_table(
        "reconcile_run",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("shard", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved", sa.Integer(), nullable=False),
        sa.Column("corrected", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_reconcile_run_tenant_id_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "shard", name=op.f("pk_reconcile_run")),
    )
    op.create_table(
        "shard_lease",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("shard", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_shard_lease_tenant_id_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "shard", name=op.f("pk_shard_lease")),
    )
    op.create_table(
        "user_account",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_user_account_tenant_id_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("tenant_id", "email", name=op.f("uq_user_account_tenant_id_email")),
    )
    op.create_table(
        "account",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("venue", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("shard", sa.Text(), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_passphrase", sa.LargeBinary(), nullable=True),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["user_account.tenant_id", "user_account.id"],
            name=op.f("fk_account_tenant_id_user_id_user_account"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_account_tenant_id_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_account")),
    )
    op.create_table(
        "strategy",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("trader_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="live", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["account.tenant_id", "account.id"],
            name=op.f("fk_strategy_tenant_id_account_id_account"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "trader_id"],
            ["user_account.tenant_id", "user_account.id"],
            name=op.f("fk_strategy_tenant_id_trader_id_user_account"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_strategy_tenant_id_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_strategy")),
        sa.UniqueConstraint("tenant_id", "slug", name=op.f("uq_strategy_tenant_id_slug")),
        sa.UniqueConstraint("tenant_id", "account_id", name=op.f("uq_strategy_tenant_id_account_id")),
    )
    op.create_table(
        "equity_point",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("strategy_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("equity", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "strategy_id"],
            ["strategy.tenant_id", "strategy.id"],
            name=op.f("fk_equity_point_tenant_id_strategy_id_strategy"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_equity_point_tenant_id_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "strategy_id", "at", name=op.f("pk_equity_point")),
    )
    op.create_table(
        "leader_book",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("strategy_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("position_side", sa.Text(), server_default="net", nullable=False),
        sa.Column("qty", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("base_qty", sa.Numeric(precision=38, scale=18), server_default="0", nullable=False),
        sa.Column("last_px", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "strategy_id"],
            ["strategy.tenant_id", "strategy.id"],
            name=op.f("fk_leader_book_tenant_id_strategy_id_strategy"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_leader_book_tenant_id_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "strategy_id", "symbol", "position_side", name=op.f("pk_leader_book")),
    )
    op.create_table(
        "signal",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("strategy_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("position_side", sa.Text(), server_default="net", nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("venue_order_id", sa.Text(), nullable=False),
        sa.Column("cum_qty", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("qty", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("px", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("position_before", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("position_after", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("leader_equity", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("leader_leverage", sa.Integer(), nullable=True),
        sa.Column("venue_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "strategy_id"],
            ["strategy.tenant_id", "strategy.id"],
            name=op.f("fk_signal_tenant_id_strategy_id_strategy"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_signal_tenant_id_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_signal")),
        sa.UniqueConstraint(
            "tenant_id",
            "account_id",
            "symbol",
            "venue_order_id",
            "cum_qty",
            name=op.f("uq_signal_tenant_id_account_id_symbol_venue_order_id_cum_qty"),
        ),
    )
    op.create_index("ix_signal_strategy_recent", "signal", ["tenant_id", "strategy_id", "id"], unique=False)
    op.create_table(
        "subscription",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("strategy_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default="synced", nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=True),
        sa.Column("allocation", sa.Numeric(precision=38, scale=18), nullable=False),
        sa.Column("sizing_mode", sa.Text(), nullable=False),
        sa.Column("sizing_value", sa.Numeric(precision=38, scale=18), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["account.tenant_id", "account.id"],
            name=op.f("fk_subscription_tenant_id_account_id_account"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "strategy_id"],
            ["strategy.tenant_id", "strategy.id"],
            name=op.f("fk_subscription_tenant_id_strategy_id_strategy"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_subscription_tenant_id_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_subscription")),
        sa.UniqueConstraint(
            "tenant_id", "strategy_id", "account_id", name=op.f("uq_subscription_tenant_id_strategy_id_account_id")
        ),
    )
    op.create_table(
        "delivery",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("signal_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("shard", sa.Text(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("drained_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "signal_id"],
            ["signal.tenant_id", "signal.id"],
            name=op.f("fk_delivery_tenant_id_signal_id_signal"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_delivery_tenant_id_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "signal_id", "shard", name=op.f("pk_delivery")),
    )
    op.create_index(
        "ix_delivery_due",
        "delivery",
        ["tenant_id", "shard", "signal_id"],
        unique=False,
        postgresql_where=sa.text("drained_at IS NULL"),
    )
    ensure_app_role()
    grant("tenant", "SELECT, INSERT")
    grant("alembic_version", "SELECT")
    for table in TENANT_TABLES:
        protect_table(table)


def downgrade() -> None:
    op.drop_index("ix_delivery_due", table_name="delivery", postgresql_where=sa.text("drained_at IS NULL"))
    op.drop_table("delivery")
    op.drop_table("subscription")
    op.drop_index("ix_signal_strategy_recent", table_name="signal")
    op.drop_table("signal")
    op.drop_table("leader_book")
    op.drop_table("equity_point")
    op.drop_table("strategy")
    op.drop_table("account")
    op.drop_table("user_account")
    op.drop_table("shard_lease")
    op.drop_table("reconcile_run")
    op.drop_table("execution")
    op.drop_table("data_key")
    op.drop_table("tenant")
    op.drop_table("copy_fill")
    op.drop_index(
        "ix_copy_open",
        table_name="copy",
        postgresql_where=sa.text("status IN ('planned', 'in_flight', 'accepted', 'partially_filled')"),
    )
    op.drop_table("copy")
    op.drop_table("book")
    op.drop_table("account_setup")
