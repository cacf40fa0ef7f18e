"""The risk engine: what books are worth, and what limits, acts and switches store."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from copydesk.db.crowd_triggers import watch_crowd
from copydesk.db.security import grant, protect_table

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what each part of the engine stores."""
    _worth()
    _limits()
    _protection()
    _switches()
    _news()
    _measured()
    _brackets()
    _margin_modes()


def downgrade() -> None:
    """Take it all away again."""
    _no_margin_modes()
    op.drop_column("account_setup", "bracketed")
    _no_measured()
    _no_news()
    _no_switches()
    op.drop_table("protective_stop")
    _no_limits()
    _no_worth()


def _worth() -> None:
    """What a book has earned besides what it holds."""
    op.add_column(
        "book", sa.Column("cash", sa.Numeric(precision=38, scale=18), server_default=sa.text("0"), nullable=False)
    )


def _no_worth() -> None:
    op.drop_column("book", "cash")


_AMOUNT = "numeric(38, 18)"
_BRANDS = (
    "CREATE TABLE risk_limit (tenant_id int NOT NULL, id bigserial NOT NULL, scope text NOT NULL, "
    "subject_id bigint NOT NULL DEFAULT '0', line text NOT NULL, author text NOT NULL, "
    "at timestamptz NOT NULL DEFAULT now(), CONSTRAINT pk_risk_limit PRIMARY KEY (tenant_id, id), "
    "CONSTRAINT uq_risk_limit_tenant_id_scope_subject_id_line UNIQUE (tenant_id, scope, subject_id, line))",
    "CREATE TABLE risk_act (tenant_id int NOT NULL, id bigserial NOT NULL, reference text NOT NULL, "
    "scope text NOT NULL, subject_id bigint NOT NULL, subscription_id bigint, line text NOT NULL, "
    "action text NOT NULL, state text NOT NULL, facts jsonb NOT NULL, at timestamptz NOT NULL, sent_at timestamptz, "
    "ended_at timestamptz, stored_at timestamptz NOT NULL DEFAULT clock_timestamp(), "
    "CONSTRAINT pk_risk_act PRIMARY KEY (tenant_id, id), "
    "CONSTRAINT uq_risk_act_tenant_id_reference UNIQUE (tenant_id, reference))",
    "CREATE INDEX ix_risk_act_subscription ON risk_act (tenant_id, subscription_id, id)",
    "CREATE INDEX ix_risk_act_open ON risk_act (tenant_id, state) WHERE state IN ('firing', 'closing', 'flagged')",
    "CREATE TABLE risk_watermark (tenant_id int NOT NULL, scope text NOT NULL, subject_id bigint NOT NULL, "
    f"peak {_AMOUNT} NOT NULL, day_equity {_AMOUNT} NOT NULL, day_realised {_AMOUNT} NOT NULL, "
    f"day_at timestamptz NOT NULL, week_equity {_AMOUNT} NOT NULL, week_realised {_AMOUNT} NOT NULL, "
    f"week_at timestamptz NOT NULL, month_equity {_AMOUNT} NOT NULL, month_realised {_AMOUNT} NOT NULL, "
    "month_at timestamptz NOT NULL, at timestamptz NOT NULL DEFAULT now(), "
    "CONSTRAINT pk_risk_watermark PRIMARY KEY (tenant_id, scope, subject_id))",
    "CREATE TABLE risk_watch (tenant_id int NOT NULL, at timestamptz NOT NULL, copy_id bigint NOT NULL, "
    "holders int NOT NULL, stops int NOT NULL, doubts int NOT NULL, "
    "CONSTRAINT pk_risk_watch PRIMARY KEY (tenant_id))",
    "CREATE TABLE risk_switch (tenant_id int NOT NULL, id bigserial NOT NULL, reach text NOT NULL, "
    "subject text NOT NULL DEFAULT '', stops text NOT NULL, reason text NOT NULL, author text NOT NULL, "
    "confirmed_by text, at timestamptz NOT NULL DEFAULT clock_timestamp(), lifted_at timestamptz, lifted_by text, "
    "CONSTRAINT pk_risk_switch PRIMARY KEY (tenant_id, id))",
    "CREATE INDEX ix_risk_switch_on ON risk_switch (tenant_id) WHERE lifted_at IS NULL",
)
_BRAND_TABLES = ("risk_limit", "risk_act", "risk_watermark", "risk_watch", "risk_switch")


def _limits() -> None:
    """Limits, acts, high waters and switches of brands."""
    for statement in _BRANDS:
        op.execute(statement)
    for table in _BRAND_TABLES:
        op.create_foreign_key(f"fk_{table}_tenant_id_tenant", table, "tenant", ["tenant_id"], ["id"])
        protect_table(table)
    # Lanes keep what their followers' limits say for as long as the crowd's version stands.
    watch_crowd("risk_limit")


_PROTECTION = (
    "CREATE TABLE protective_stop (tenant_id int NOT NULL, id bigserial NOT NULL, subscription_id bigint NOT NULL, "
    "account_id bigint NOT NULL, shard text NOT NULL, symbol text NOT NULL, position_side text NOT NULL, "
    f"revision int NOT NULL, side text NOT NULL, qty {_AMOUNT} NOT NULL, trigger_px {_AMOUNT} NOT NULL, "
    "client_order_id text NOT NULL, state text NOT NULL, reason text, looks int NOT NULL DEFAULT '0', "
    "look_at timestamptz, proof_at timestamptz, verified_at timestamptz, "
    "at timestamptz NOT NULL DEFAULT clock_timestamp(), CONSTRAINT pk_protective_stop PRIMARY KEY (tenant_id, id), "
    "CONSTRAINT uq_protective_stop_revision "
    "UNIQUE (tenant_id, subscription_id, symbol, position_side, revision))",
    "CREATE INDEX ix_protective_stop_open ON protective_stop (tenant_id, subscription_id) "
    "WHERE state IN ('placing', 'resting', 'canceling')",
)


def _protection() -> None:
    """Stops that rest at the exchange."""
    for statement in _PROTECTION:
        op.execute(statement)
    op.create_foreign_key("fk_protective_stop_tenant_id_tenant", "protective_stop", "tenant", ["tenant_id"], ["id"])
    protect_table("protective_stop")


def _no_limits() -> None:
    for table in _BRAND_TABLES:
        op.drop_table(table)


# Every change of a switch counts the version up, by whomever it was made; each process looks at that one number.
_COUNT = """
CREATE FUNCTION switch_thrown() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    UPDATE switch_version SET version = version + 1;
    RETURN NULL;
END $$
"""


def _switches() -> None:
    """Switches of the whole platform, and the one number that says whether any switch has changed."""
    op.execute(
        "CREATE TABLE installation_switch (id bigserial CONSTRAINT pk_installation_switch PRIMARY KEY, "
        "reach text NOT NULL, subject text NOT NULL DEFAULT '', stops text NOT NULL, reason text NOT NULL, "
        "author text NOT NULL, confirmed_by text, at timestamptz NOT NULL DEFAULT clock_timestamp(), "
        "lifted_at timestamptz, lifted_by text)"
    )
    grant("installation_switch", "SELECT, INSERT, UPDATE")
    op.execute("CREATE TABLE switch_version (id int CONSTRAINT pk_switch_version PRIMARY KEY, version bigint NOT NULL)")
    op.execute("INSERT INTO switch_version VALUES (1, 0)")
    grant("switch_version", "SELECT")
    op.execute(_COUNT)
    for table in ("risk_switch", "installation_switch"):
        op.execute(
            f"CREATE TRIGGER switch_thrown AFTER INSERT OR UPDATE OR DELETE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION switch_thrown()"
        )


def _no_switches() -> None:
    for table in ("risk_switch", "installation_switch"):
        op.execute(f"DROP TRIGGER switch_thrown ON {table}")
    op.execute("DROP FUNCTION switch_thrown()")
    op.drop_table("switch_version")
    op.drop_table("installation_switch")


# What news of strategies take the place of: a leader's changes of leverage and margin alone.
_LEADER_EVENT = (
    "CREATE TABLE leader_event (tenant_id int NOT NULL, id bigserial NOT NULL, strategy_id bigint NOT NULL, "
    "symbol text NOT NULL, position_side text NOT NULL, kind text NOT NULL, leverage_before int, leverage int, "
    f"mark_px {_AMOUNT} NOT NULL, liquidation_px_before {_AMOUNT}, liquidation_px {_AMOUNT}, "
    "at timestamptz NOT NULL DEFAULT now(), CONSTRAINT pk_leader_event PRIMARY KEY (tenant_id, id))"
)
_STRATEGY_NEWS = (
    "CREATE TABLE strategy_news (tenant_id int NOT NULL, id bigserial NOT NULL, strategy_id bigint NOT NULL, "
    "kind text NOT NULL, symbol text, facts jsonb NOT NULL, at timestamptz NOT NULL, "
    "CONSTRAINT pk_strategy_news PRIMARY KEY (tenant_id, id))"
)
_LEADER_POSITION = (
    "CREATE TABLE leader_position (tenant_id int NOT NULL, strategy_id bigint NOT NULL, symbol text NOT NULL, "
    f"position_side text NOT NULL, qty {_AMOUNT} NOT NULL, entry_px {_AMOUNT} NOT NULL, mark_px {_AMOUNT} NOT NULL, "
    f"leverage int, margin_mode text, margin {_AMOUNT}, liquidation_px {_AMOUNT}, at timestamptz NOT NULL, "
    "CONSTRAINT pk_leader_position PRIMARY KEY (tenant_id, strategy_id, symbol, position_side))"
)


def _news() -> None:
    """What happened to strategies besides trading, and what leaders held when they were last looked at."""
    op.drop_table("leader_event")
    _strategy_table("strategy_news", _STRATEGY_NEWS)
    op.execute(_LEADER_POSITION)
    protect_table("leader_position")


def _no_news() -> None:
    op.drop_table("leader_position")
    op.drop_table("strategy_news")
    _strategy_table("leader_event", _LEADER_EVENT)


def _strategy_table(table: str, statement: str) -> None:
    """Create a brand's table whose rows belong to strategies and are read by them."""
    op.execute(statement)
    op.create_foreign_key(f"fk_{table}_tenant_id_tenant", table, "tenant", ["tenant_id"], ["id"])
    columns = ["tenant_id", "strategy_id"]
    op.create_foreign_key(f"fk_{table}_{'_'.join(columns)}_strategy", table, "strategy", columns, ["tenant_id", "id"])
    op.create_index(f"ix_{table}_strategy", table, ["tenant_id", "strategy_id", "id"])
    protect_table(table)


_MEASURED = {
    "account_purse": "account_id bigint NOT NULL, currency text NOT NULL, "
    f"balance {_AMOUNT} NOT NULL, equity {_AMOUNT} NOT NULL, at timestamptz NOT NULL, "
    "CONSTRAINT pk_account_purse PRIMARY KEY (tenant_id, account_id, currency)",
    "strategy_likeness": "strategy_id bigint NOT NULL, other_id bigint NOT NULL, "
    f"correlation {_AMOUNT}, days int NOT NULL, at timestamptz NOT NULL, "
    "CONSTRAINT pk_strategy_likeness PRIMARY KEY (tenant_id, strategy_id, other_id)",
}


def _measured() -> None:
    """What limits and behavior are measured by besides books: purses, how alike strategies went, orders heard."""
    op.add_column("strategy", sa.Column("orders_heard_since", sa.DateTime(timezone=True), nullable=True))
    for table, columns in _MEASURED.items():
        op.execute(f"CREATE TABLE {table} (tenant_id int NOT NULL, {columns})")
        protect_table(table)


def _no_measured() -> None:
    op.drop_column("strategy", "orders_heard_since")
    for table in _MEASURED:
        op.drop_table(table)


def _brackets() -> None:
    """Whether an account's leverage is lower because of the size of its position."""
    op.add_column(
        "account_setup", sa.Column("bracketed", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )


def _margin_modes() -> None:
    """What stands behind the positions of a perpetual that an account opens."""
    op.add_column("account_setup", sa.Column("margin_mode", sa.Text(), server_default="cross", nullable=False))
    op.create_index("ix_account_setup_margin_mode", "account_setup", ["tenant_id", "symbol", "margin_mode"])


def _no_margin_modes() -> None:
    op.drop_index("ix_account_setup_margin_mode", table_name="account_setup")
    op.drop_column("account_setup", "margin_mode")
