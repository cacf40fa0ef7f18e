"""Prices by the minute, cash flows, points of equity, figures, and the order in which fills came in."""

from __future__ import annotations

from alembic import op
from copydesk.db.security import grant, protect_table

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_NUMBER = "numeric(38, 18)"
_TABLES = {
    "cash_flow": "id bigserial NOT NULL, strategy_id bigint, subscription_id bigint, at timestamptz NOT NULL, "
    f"amount {_NUMBER} NOT NULL, kind text NOT NULL, "
    "CONSTRAINT uq_cash_flow_tenant_id_strategy_id_at_kind UNIQUE (tenant_id, strategy_id, at, kind), "
    "CONSTRAINT uq_cash_flow_tenant_id_subscription_id_at_kind UNIQUE (tenant_id, subscription_id, at, kind), "
    "CONSTRAINT pk_cash_flow PRIMARY KEY (tenant_id, id)",
    "strategy_figures": "strategy_id bigint NOT NULL, as_of timestamptz NOT NULL, cursor jsonb NOT NULL, "
    "summary jsonb NOT NULL, figures jsonb NOT NULL, truth jsonb NOT NULL, flags jsonb NOT NULL, "
    f"score {_NUMBER}, score_version text NOT NULL, points jsonb NOT NULL, gates text[] NOT NULL, place int NOT NULL, "
    "adjusted_place int, adjusted_by text, adjusted_reason text, adjusted_at timestamptz, "
    f"return_30 {_NUMBER}, return_90 {_NUMBER}, return_all {_NUMBER}, drawdown_max {_NUMBER}, "
    f"drawdown_now {_NUMBER}, risk smallint, sortino {_NUMBER}, days {_NUMBER} NOT NULL, closed int NOT NULL, "
    f"followers int NOT NULL, follower_return {_NUMBER}, copy_success {_NUMBER}, min_allocation {_NUMBER}, "
    "style text, venue text NOT NULL, symbols text[] NOT NULL, spot boolean NOT NULL, perpetual boolean NOT NULL, "
    f"leverage_max {_NUMBER}, equity {_NUMBER}, too_early boolean NOT NULL, "
    "CONSTRAINT pk_strategy_figures PRIMARY KEY (tenant_id, strategy_id)",
    "subscription_figures": "subscription_id bigint NOT NULL, strategy_id bigint NOT NULL, as_of timestamptz NOT NULL, "
    f"cursor jsonb NOT NULL, summary jsonb NOT NULL, figures jsonb NOT NULL, money_weighted {_NUMBER}, "
    f"net_result {_NUMBER}, tracking_difference {_NUMBER}, equity {_NUMBER}, "
    "CONSTRAINT pk_subscription_figures PRIMARY KEY (tenant_id, subscription_id)",
    "figures_check": "id bigserial NOT NULL, at timestamptz NOT NULL, strategies int NOT NULL, compared int NOT NULL, "
    "differences jsonb NOT NULL, took_ms int NOT NULL, CONSTRAINT pk_figures_check PRIMARY KEY (tenant_id, id)",
}
_REFERENCES = (
    ("cash_flow", "strategy_id", "strategy"),
    ("cash_flow", "subscription_id", "subscription"),
    ("strategy_figures", "strategy_id", "strategy"),
    ("subscription_figures", "subscription_id", "subscription"),
    ("subscription_figures", "strategy_id", "strategy"),
)
_INDEXES = {
    "strategy_figures": ("score", "return_30", "return_90", "return_all", "drawdown_max", "follower_return"),
    "subscription_figures": ("strategy_id",),
}
# Partitions lie in a schema of their own, which the application's role may not even look into: it reaches them by
# their table, whose policy holds for all of them.
_PARTITIONED = f"""
CREATE SCHEMA partitions;
CREATE TABLE mark_minute (
    place text NOT NULL, symbol text NOT NULL, at timestamptz NOT NULL, px {_NUMBER} NOT NULL,
    CONSTRAINT pk_mark_minute PRIMARY KEY (place, symbol, at)
) PARTITION BY RANGE (at);
CREATE TABLE performance_point (
    tenant_id int NOT NULL, owner text NOT NULL, owner_id bigint NOT NULL, grain text NOT NULL,
    at timestamptz NOT NULL, equity {_NUMBER} NOT NULL, flow {_NUMBER} NOT NULL, index_close {_NUMBER} NOT NULL,
    index_low {_NUMBER} NOT NULL, index_high {_NUMBER} NOT NULL,
    CONSTRAINT pk_performance_point PRIMARY KEY (tenant_id, owner, owner_id, grain, at)
) PARTITION BY LIST (grain);
CREATE TABLE partitions.point_minute PARTITION OF performance_point FOR VALUES IN ('minute') PARTITION BY RANGE (at);
CREATE TABLE partitions.point_hour PARTITION OF performance_point FOR VALUES IN ('hour') PARTITION BY RANGE (at);
CREATE TABLE partitions.point_day PARTITION OF performance_point DEFAULT;
"""
# A partition is made beside its table and then attached: that way readers and writers need not stand aside.
_ROOM = """
CREATE FUNCTION performance_room(part text, since timestamptz, until timestamptz) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    parent text := CASE part WHEN 'mark_minute' THEN 'public.mark_minute' WHEN 'point_minute' THEN
                   'partitions.point_minute' WHEN 'point_hour' THEN 'partitions.point_hour' END;
    unit text := CASE part WHEN 'point_minute' THEN 'week' ELSE 'month' END;
    step interval := CASE part WHEN 'point_minute' THEN interval '7 days' ELSE interval '1 month' END;
    named text;
    first timestamp;
    made int := 0;
BEGIN
    IF parent IS NULL OR until > since + interval '30 years' THEN
        RAISE EXCEPTION 'room is made in mark_minute, point_minute and point_hour, for 30 years at most; '
            'found %, % to %', part, since, until;
    END IF;
    FOR first IN SELECT generate_series(date_trunc(unit, since AT TIME ZONE 'UTC'), until AT TIME ZONE 'UTC', step)
    LOOP
        named := part || to_char(first, '_YYYYMMDD');
        CONTINUE WHEN to_regclass('partitions.' || named) IS NOT NULL;
        PERFORM pg_advisory_xact_lock(160016);
        CONTINUE WHEN to_regclass('partitions.' || named) IS NOT NULL;
        EXECUTE format('CREATE TABLE partitions.%I (LIKE %s INCLUDING ALL)', named, parent);
        EXECUTE format('ALTER TABLE %s ATTACH PARTITION partitions.%I FOR VALUES FROM (%L) TO (%L)',
                       parent, named, first AT TIME ZONE 'UTC', (first + step) AT TIME ZONE 'UTC');
        made := made + 1;
    END LOOP;
    RETURN made;
END $$
"""
_DROP = """
CREATE FUNCTION performance_forget(minutes_before timestamptz, hours_before timestamptz) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    old record;
    dropped int := 0;
BEGIN
    IF minutes_before > now() - interval '30 days' OR hours_before > now() - interval '365 days' THEN
        RAISE EXCEPTION 'points younger than 30 days (minutes) and 365 days (hours) are kept, found % and %',
            minutes_before, hours_before;
    END IF;
    FOR old IN
        SELECT c.relname, p.relname AS parent FROM pg_inherits i
        JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
        WHERE p.relnamespace = 'partitions'::regnamespace AND p.relname IN ('point_minute', 'point_hour')
          AND to_date(right(c.relname, 8), 'YYYYMMDD')
              + CASE p.relname WHEN 'point_minute' THEN interval '7 days' ELSE interval '1 month' END
              <= (CASE p.relname WHEN 'point_minute' THEN minutes_before ELSE hours_before END) AT TIME ZONE 'UTC'
    LOOP
        EXECUTE format('DROP TABLE partitions.%I', old.relname);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$
"""


def upgrade() -> None:
    """Add the tables; number executions and fills of copies in the order in which they came in."""
    for table, columns in _TABLES.items():
        op.execute(f"CREATE TABLE {table} (tenant_id int NOT NULL, {columns})")
        op.create_foreign_key(f"fk_{table}_tenant_id_tenant", table, "tenant", ["tenant_id"], ["id"])
    for table, column, parent in _REFERENCES:
        name = f"fk_{table}_tenant_id_{column}_{parent}"
        op.create_foreign_key(name, table, parent, ["tenant_id", column], ["tenant_id", "id"])
    for table, indexed in _INDEXES.items():
        for column in indexed:
            op.create_index(f"ix_{table}_{column}", table, ["tenant_id", column, _key(table)])
    op.execute(_PARTITIONED)
    for table in (*_TABLES, "performance_point"):
        protect_table(table)
    grant("mark_minute", "SELECT, INSERT")
    op.execute(_ROOM)
    op.execute(_DROP)
    # A fill can come in late: what is new is told by its number, not by its time.
    for table, column in (("execution", "account_id"), ("copy_fill", "subscription_id")):
        op.execute(f"ALTER TABLE {table} ADD COLUMN seq bigint GENERATED BY DEFAULT AS IDENTITY NOT NULL")
        op.create_index(f"ix_{table}_seq", table, ["tenant_id", column, "seq"])
        grant(table, "SELECT")


def _key(table: str) -> str:
    return "strategy_id" if table == "strategy_figures" else "subscription_id"


def downgrade() -> None:
    """Take them away again."""
    for table in ("execution", "copy_fill"):
        op.drop_index(f"ix_{table}_seq", table_name=table)
        op.drop_column(table, "seq")
    op.execute("DROP FUNCTION performance_forget(timestamptz, timestamptz)")
    op.execute("DROP FUNCTION performance_room(text, timestamptz, timestamptz)")
    for table in ("performance_point", "mark_minute", *reversed(_TABLES)):
        op.drop_table(table)
    op.execute("DROP SCHEMA partitions")
