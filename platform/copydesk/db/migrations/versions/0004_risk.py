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
    _switches()


def downgrade() -> None:
    """Take it all away again."""
    _no_switches()
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
