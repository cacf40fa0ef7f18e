"""The replication engine: what subscriptions, books, orders and receipts store beyond the first version."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from copydesk.db.crowd_triggers import create_crowd_counter, drop_crowd_counter, watch_crowd, watch_crowd_no_more
from copydesk.db.security import grant, protect_table
from sqlalchemy.dialects.postgresql import JSON, JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what each part of the engine stores."""
    _fan_out()
    _lifecycle()
    _sizing()
    _orders()
    _decisions()
    _egress()
    _watch_crowds()


def downgrade() -> None:
    """Take it all away again."""
    _watch_no_crowds()
    _no_egress()
    _no_decisions()
    _no_orders()
    _no_sizing()
    _no_lifecycle()
    _no_fan_out()


# Whoever knows the number of its brand knows who copies and how, and need not read it for every signal.
_CROWD_TABLES = ("subscription", "account", "door")


def _fan_out() -> None:
    """Make the fan-out cheap: intents in one row, and a crowd that is read only when it has changed."""
    op.add_column("delivery", sa.Column("epoch", sa.BigInteger(), nullable=True))
    op.add_column("delivery", sa.Column("intents", JSON(), nullable=True))
    op.add_column("delivery", sa.Column("joined_into", sa.BigInteger(), nullable=True))
    # Compressing a megabyte takes longer than writing it.
    op.execute("ALTER TABLE delivery ALTER COLUMN intents SET STORAGE EXTERNAL")
    op.create_index(
        "ix_delivery_intents", "delivery", ["tenant_id", "shard"], postgresql_where=sa.text("intents IS NOT NULL")
    )
    op.create_table(
        "crowd_version",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_crowd_version_tenant_id_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_crowd_version")),
    )
    protect_table("crowd_version")


def _watch_crowds() -> None:
    create_crowd_counter()
    for table in _CROWD_TABLES:
        watch_crowd(table)


def _watch_no_crowds() -> None:
    for table in _CROWD_TABLES:
        watch_crowd_no_more(table)
    drop_crowd_counter()


def _no_fan_out() -> None:
    op.drop_table("crowd_version")
    op.drop_index("ix_delivery_intents", table_name="delivery")
    op.drop_column("delivery", "joined_into")
    op.drop_column("delivery", "intents")
    op.drop_column("delivery", "epoch")


def _lifecycle() -> None:
    """Joining late, detaching, leaving, liquidation, loops."""
    op.add_column("subscription", sa.Column("join_mode", sa.Text(), server_default="ignore", nullable=False))
    op.add_column("subscription", sa.Column("end_mode", sa.Text(), nullable=True))
    op.add_column("subscription", sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_constraint("uq_subscription_tenant_id_strategy_id_account_id", "subscription", type_="unique")
    op.create_index(
        "uq_subscription_copied",
        "subscription",
        ["tenant_id", "strategy_id", "account_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'ended'"),
    )
    op.add_column("account", sa.Column("uid_hash", sa.Text(), nullable=True))
    _lifecycle_tables()
    _fingerprints()


def _no_lifecycle() -> None:
    for table in ("follow_edge", "installation_key", *_LIFECYCLE_TABLES):
        op.drop_table(table)
    op.drop_column("account", "uid_hash")
    op.drop_index("uq_subscription_copied", table_name="subscription")
    op.create_unique_constraint(
        "uq_subscription_tenant_id_strategy_id_account_id", "subscription", ["tenant_id", "strategy_id", "account_id"]
    )
    for column in ("ended_at", "end_mode", "join_mode"):
        op.drop_column("subscription", column)


_LIFECYCLE_TABLES = (
    "door",
    "late_join",
    "errand",
    "book_adjustment",
    "funding_payment",
    "leader_event",
    "account_position",
)


_AMOUNT = "numeric(38, 18)"
# Every table of the theme: its columns besides the brand, its key, what it refers to, and its index.
_LIFE = (
    "CREATE TABLE door (tenant_id int NOT NULL, subscription_id bigint NOT NULL, symbol text NOT NULL, "
    "position_side text NOT NULL, strategy_id bigint NOT NULL, reason text NOT NULL, since_signal_id bigint NOT NULL, "
    "at timestamptz NOT NULL DEFAULT now(), "
    "CONSTRAINT pk_door PRIMARY KEY (tenant_id, subscription_id, symbol, position_side))",
    "CREATE INDEX ix_door_instrument ON door (tenant_id, strategy_id, symbol, position_side)",
    "CREATE TABLE late_join (tenant_id int NOT NULL, subscription_id bigint NOT NULL, symbol text NOT NULL, "
    f"position_side text NOT NULL, mode text NOT NULL, leader_qty {_AMOUNT} NOT NULL, entry_px {_AMOUNT}, "
    "since_signal_id bigint NOT NULL, state text NOT NULL DEFAULT 'waiting', tries smallint NOT NULL DEFAULT '0', "
    "copy_id bigint, reason text, reason_facts jsonb, at timestamptz NOT NULL DEFAULT now(), "
    "CONSTRAINT pk_late_join PRIMARY KEY (tenant_id, subscription_id, symbol, position_side))",
    "CREATE TABLE errand (tenant_id int NOT NULL, subscription_id bigint NOT NULL, shard text NOT NULL, "
    "due_at timestamptz NOT NULL DEFAULT now(), CONSTRAINT pk_errand PRIMARY KEY (tenant_id, subscription_id))",
    "CREATE INDEX ix_errand_due ON errand (tenant_id, due_at)",
    "CREATE TABLE book_adjustment (tenant_id int NOT NULL, id bigserial NOT NULL, subscription_id bigint NOT NULL, "
    f"symbol text NOT NULL, position_side text NOT NULL, qty {_AMOUNT} NOT NULL, px {_AMOUNT}, reason text NOT NULL, "
    "at timestamptz NOT NULL DEFAULT clock_timestamp(), CONSTRAINT pk_book_adjustment PRIMARY KEY (tenant_id, id))",
    "CREATE INDEX ix_book_adjustment_book ON book_adjustment (tenant_id, subscription_id)",
    "CREATE TABLE funding_payment (tenant_id int NOT NULL, account_id bigint NOT NULL, payment_id text NOT NULL, "
    f"subscription_id bigint NOT NULL, symbol text NOT NULL, amount {_AMOUNT} NOT NULL, currency text NOT NULL, "
    "at timestamptz NOT NULL, "
    "CONSTRAINT pk_funding_payment PRIMARY KEY (tenant_id, account_id, payment_id, subscription_id))",
    "CREATE INDEX ix_funding_payment_subscription ON funding_payment (tenant_id, subscription_id, at)",
    "CREATE TABLE leader_event (tenant_id int NOT NULL, id bigserial NOT NULL, strategy_id bigint NOT NULL, "
    "symbol text NOT NULL, position_side text NOT NULL, kind text NOT NULL, leverage_before int, leverage int, "
    f"mark_px {_AMOUNT} NOT NULL, liquidation_px_before {_AMOUNT}, liquidation_px {_AMOUNT}, "
    "at timestamptz NOT NULL DEFAULT now(), CONSTRAINT pk_leader_event PRIMARY KEY (tenant_id, id))",
    "CREATE INDEX ix_leader_event_strategy ON leader_event (tenant_id, strategy_id, id)",
    "CREATE TABLE account_position (tenant_id int NOT NULL, account_id bigint NOT NULL, symbol text NOT NULL, "
    f"position_side text NOT NULL, qty {_AMOUNT} NOT NULL, mark_px {_AMOUNT} NOT NULL, liquidation_px {_AMOUNT}, "
    "at timestamptz NOT NULL DEFAULT now(), "
    "CONSTRAINT pk_account_position PRIMARY KEY (tenant_id, account_id, symbol, position_side))",
)
_LIFE_OF = {
    "door": "subscription",
    "late_join": "subscription",
    "errand": "subscription",
    "book_adjustment": "subscription",
    "funding_payment": "account",
    "leader_event": "strategy",
}


def _lifecycle_tables() -> None:
    for statement in _LIFE:
        op.execute(statement)
    for table, parent in _LIFE_OF.items():
        for columns, of, keys in (
            (["tenant_id", f"{parent}_id"], parent, ["tenant_id", "id"]),
            (["tenant_id"], "tenant", ["id"]),
        ):
            op.create_foreign_key(f"fk_{table}_{'_'.join(columns)}_{of}", table, of, columns, keys)
    for table in _LIFECYCLE_TABLES:
        protect_table(table)


def _fingerprints() -> None:
    """Tables of the whole installation: they hold no brand, no account and no number of one, only fingerprints."""
    op.execute(
        "CREATE TABLE installation_key (name text CONSTRAINT pk_installation_key PRIMARY KEY, wrapped bytea NOT NULL)"
    )
    grant("installation_key", "SELECT, INSERT")
    op.execute(
        "CREATE TABLE follow_edge (edge text CONSTRAINT pk_follow_edge PRIMARY KEY, follower text NOT NULL, "
        "leader text NOT NULL)"
    )
    op.create_index("ix_follow_edge_follower", "follow_edge", ["follower"])
    grant("follow_edge", "SELECT, INSERT, UPDATE, DELETE")


def _number(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Numeric(precision=38, scale=18), nullable=nullable)


def _words(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _moment(name: str, default: str | None = "now()") -> sa.Column[Any]:
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=sa.text(default) if default else None, nullable=False
    )


def _key(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), autoincrement=False, nullable=False)


def _tenant() -> sa.Column[Any]:
    return sa.Column("tenant_id", sa.Integer(), nullable=False)


def _of(table: str, parent: str, column: str) -> list[sa.ForeignKeyConstraint]:
    """Refer to a row of the same brand, and to the brand."""
    return [
        sa.ForeignKeyConstraint(
            ["tenant_id", column],
            [f"{parent}.tenant_id", f"{parent}.id"],
            name=op.f(f"fk_{table}_tenant_id_{column}_{parent}"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f(f"fk_{table}_tenant_id_tenant")),
    ]


def _sizing() -> None:
    """Smallest sizes, carried remainders, shared accounts."""
    op.add_column("subscription", sa.Column("size_policy", sa.Text(), server_default="skip", nullable=False))
    op.add_column("subscription", sa.Column("leverage_max", sa.Integer(), nullable=True))
    op.add_column(
        "book", sa.Column("carried_qty", sa.Numeric(precision=38, scale=18), server_default="0", nullable=False)
    )
    op.add_column("book", sa.Column("carried_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_copy_short", "copy", ["tenant_id", "shard", "planned_at"], postgresql_where=sa.text(_SHORT))


# Copies that may be tried a second time.
_SHORT = (
    "status IN ('canceled', 'rejected', 'expired') AND leg IN ('open', 'close') "
    "AND reason IN ('price_moved', 'insufficient_balance', 'nothing_to_reduce')"
)


def _no_sizing() -> None:
    op.drop_index("ix_copy_short", table_name="copy")
    for table, column in (
        ("book", "carried_at"),
        ("book", "carried_qty"),
        ("subscription", "leverage_max"),
        ("subscription", "size_policy"),
    ):
        op.drop_column(table, column)


_ORDER_TABLES = ("resting_order", "order_delivery", "leader_order")


def _orders() -> None:
    """Resting orders copied as orders."""
    op.add_column("subscription", sa.Column("copies", sa.Text(), server_default="fills", nullable=False))
    op.create_table(
        "leader_order",
        _tenant(),
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        _key("strategy_id"),
        _key("account_id"),
        _key("signal_id"),
        *_words("symbol", "position_side", "venue_order_id", "placed_id", "side", "type", "status"),
        *(_number(name) for name in ("qty", "cum_qty")),
        *(_number(name, nullable=True) for name in ("px", "trigger_px")),
        *(sa.Column(name, sa.Boolean(), nullable=False) for name in ("reduces", "closes_all")),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        _moment("placed_at", None),
        _moment("venue_at", None),
        _moment("seen_at", None),
        *_of("leader_order", "strategy", "strategy_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_leader_order")),
        sa.UniqueConstraint("tenant_id", "account_id", "symbol", "venue_order_id", name=op.f("uq_leader_order_venue")),
    )
    op.create_index("ix_leader_order_placed", "leader_order", ["tenant_id", "account_id", "placed_id"])
    op.create_table(
        "order_delivery",
        _tenant(),
        _key("leader_order_id"),
        *_words("shard"),
        sa.Column("version", sa.Integer(), nullable=False),
        _moment("due_at"),
        *_of("order_delivery", "leader_order", "leader_order_id"),
        sa.PrimaryKeyConstraint("tenant_id", "leader_order_id", "shard", name=op.f("pk_order_delivery")),
    )
    op.create_index("ix_order_delivery_due", "order_delivery", ["tenant_id", "shard", "due_at"])
    op.create_table(
        "resting_order",
        _tenant(),
        _key("subscription_id"),
        _key("leader_order_id"),
        _key("account_id"),
        *_words("shard", "symbol", "position_side", "side", "type"),
        sa.Column("reduces", sa.Boolean(), nullable=False),
        *_words("state"),
        sa.Column("revision", sa.Integer(), nullable=False),
        *(_number(name) for name in ("ratio", "from_qty", "base_qty", "qty")),
        *(_number(name, nullable=True) for name in ("px", "trigger_px", "next_qty", "next_px")),
        sa.Column("copy_id", sa.BigInteger(), nullable=True),
        sa.Column("client_order_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("reason_facts", JSONB(), nullable=True),
        sa.Column("looks", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("look_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("proof_at", sa.DateTime(timezone=True), nullable=True),
        _moment("at"),
        *_of("resting_order", "subscription", "subscription_id"),
        sa.PrimaryKeyConstraint("tenant_id", "subscription_id", "leader_order_id", name=op.f("pk_resting_order")),
    )
    op.create_index(
        "ix_resting_order_live", "resting_order", ["tenant_id", "shard"], postgresql_where=sa.text("state <> 'done'")
    )
    for table in _ORDER_TABLES:
        protect_table(table)


def _no_orders() -> None:
    for table in _ORDER_TABLES:
        op.drop_table(table)
    op.drop_column("subscription", "copies")


def _decisions() -> None:
    """Why a copy is as large as it is."""
    for name in ("wanted_qty", "allocation", "book_qty"):
        op.add_column("copy", sa.Column(name, sa.Numeric(precision=38, scale=18), nullable=True))
    op.add_column("copy", sa.Column("bound", sa.Text(), nullable=True))
    op.create_index(
        "ix_delivery_joined",
        "delivery",
        ["tenant_id", "joined_into"],
        postgresql_where=sa.text("joined_into IS NOT NULL"),
    )


def _no_decisions() -> None:
    op.drop_index("ix_delivery_joined", table_name="delivery")
    for name in ("bound", "book_qty", "allocation", "wanted_qty"):
        op.drop_column("copy", name)


def _egress() -> None:
    """Outgoing addresses that keys are bound to."""
    op.add_column("account", sa.Column("egress", sa.Text(), nullable=True))


def _no_egress() -> None:
    op.drop_column("account", "egress")
