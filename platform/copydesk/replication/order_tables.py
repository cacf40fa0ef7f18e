"""What is stored of resting orders: the leader's, to whom they are delivered, and the followers' that mirror them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Index, Integer, SmallInteger, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from copydesk.db import Amount, BigInt, Identity, Moment, Table, TenantRow
from copydesk.replication.tables import reference


class LeaderOrder(TenantRow, Table):
    """One resting order of a leader account in its newest state; `version` grows with each change.

    `placed_id` is the order that a conditional one placed when it triggered; its executions bear that id. `signal_id`
    is the signal of the order's placing. `venue_at` is the exchange's time of the newest change, `seen_at` ours.
    """

    __tablename__ = "leader_order"
    __table_args__ = (
        reference("strategy", "strategy_id"),
        UniqueConstraint("tenant_id", "account_id", "symbol", "venue_order_id", name="uq_leader_order_venue"),
        Index("ix_leader_order_placed", "tenant_id", "account_id", "placed_id"),
    )

    id: Mapped[Identity]
    strategy_id: Mapped[BigInt]
    account_id: Mapped[BigInt]
    signal_id: Mapped[BigInt]
    symbol: Mapped[str] = mapped_column(Text)
    position_side: Mapped[str] = mapped_column(Text)
    venue_order_id: Mapped[str] = mapped_column(Text)
    placed_id: Mapped[str] = mapped_column(Text)
    side: Mapped[str] = mapped_column(Text)
    type: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    qty: Mapped[Amount]
    cum_qty: Mapped[Amount]
    px: Mapped[Amount | None]
    trigger_px: Mapped[Amount | None]
    reduces: Mapped[bool] = mapped_column(Boolean)
    closes_all: Mapped[bool] = mapped_column(Boolean)
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    placed_at: Mapped[Moment]
    venue_at: Mapped[Moment]
    seen_at: Mapped[Moment]


class OrderDelivery(TenantRow, Table):
    """A version of a leader's order that a shard has yet to look at; gone when it has."""

    __tablename__ = "order_delivery"
    __table_args__ = (
        reference("leader_order", "leader_order_id"),
        Index("ix_order_delivery_due", "tenant_id", "shard", "due_at"),
    )

    leader_order_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    shard: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    due_at: Mapped[Moment] = mapped_column(server_default=func.now())


class RestingOrder(TenantRow, Table):
    """A follower's order that mirrors a leader's; `state` is a `RestState`.

    `revision` counts the orders that it took, `copy_id` is the newest of them; `qty`, `px` and `trigger_px` are what
    that one says at the exchange, `next_*` what it is being amended to. What the leader's fills ask for so far is
    `base_qty`, and `ratio` for each unit that the leader filled beyond `from_qty`.
    """

    __tablename__ = "resting_order"
    __table_args__ = (
        reference("subscription", "subscription_id"),
        Index("ix_resting_order_live", "tenant_id", "shard", postgresql_where=text("state <> 'done'")),
    )

    subscription_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    leader_order_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    account_id: Mapped[BigInt]
    shard: Mapped[str] = mapped_column(Text)
    symbol: Mapped[str] = mapped_column(Text)
    position_side: Mapped[str] = mapped_column(Text)
    side: Mapped[str] = mapped_column(Text)
    type: Mapped[str] = mapped_column(Text)
    reduces: Mapped[bool] = mapped_column(Boolean)
    state: Mapped[str] = mapped_column(Text)
    revision: Mapped[int] = mapped_column(Integer)
    ratio: Mapped[Amount]
    from_qty: Mapped[Amount]
    base_qty: Mapped[Amount]
    qty: Mapped[Amount]
    px: Mapped[Amount | None]
    trigger_px: Mapped[Amount | None]
    next_qty: Mapped[Amount | None]
    next_px: Mapped[Amount | None]
    copy_id: Mapped[BigInt | None]
    client_order_id: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    reason_facts: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    looks: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    look_at: Mapped[Moment | None]
    looked_at: Mapped[Moment | None]
    proof_at: Mapped[Moment | None]
    at: Mapped[Moment] = mapped_column(server_default=func.now())
