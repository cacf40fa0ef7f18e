"""What is stored of a subscription's life: joining late, detaching, leaving, funding, and who copies whom."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index, Integer, SmallInteger, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from copydesk.db import Amount, BigInt, HotTenantRow, Identity, Moment, Table, TenantRow
from copydesk.replication.tables import reference


class Door(TenantRow, Table):
    """An instrument that a subscription does not open, until the leader was flat: `reason` is a `Denial`.

    It closed after the signal `since_signal_id`; a later one that starts from flat opens it.
    """

    __tablename__ = "door"
    __table_args__ = (
        reference("subscription", "subscription_id"),
        Index("ix_door_instrument", "tenant_id", "strategy_id", "symbol", "position_side"),
    )

    subscription_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    symbol: Mapped[str] = mapped_column(Text, primary_key=True)
    position_side: Mapped[str] = mapped_column(Text, primary_key=True)
    strategy_id: Mapped[BigInt]
    reason: Mapped[str] = mapped_column(Text)
    since_signal_id: Mapped[BigInt]
    at: Mapped[Moment] = mapped_column(server_default=func.now())


class LateJoin(TenantRow, Table):
    """A position that a subscription takes over, which the leader held when it began; each at most once.

    `leader_qty` is what the leader held after the signal `since_signal_id`, `entry_px` at what average price, where
    that is known. `state`: "waiting", "sent" (`copy_id`), "done", "skipped" (`reason`, a `Denial`).
    """

    __tablename__ = "late_join"
    __table_args__ = (reference("subscription", "subscription_id"),)

    subscription_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    symbol: Mapped[str] = mapped_column(Text, primary_key=True)
    position_side: Mapped[str] = mapped_column(Text, primary_key=True)
    mode: Mapped[str] = mapped_column(Text)
    leader_qty: Mapped[Amount]
    entry_px: Mapped[Amount | None]
    since_signal_id: Mapped[BigInt]
    state: Mapped[str] = mapped_column(Text, server_default="waiting")
    tries: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    copy_id: Mapped[BigInt | None]
    reason: Mapped[str | None] = mapped_column(Text)
    reason_facts: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    at: Mapped[Moment] = mapped_column(server_default=func.now())


class Errand(TenantRow, Table):
    """A subscription that its lane must look after at `due_at`: it joins late, or it is ending."""

    __tablename__ = "errand"
    __table_args__ = (reference("subscription", "subscription_id"), Index("ix_errand_due", "tenant_id", "due_at"))

    subscription_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    shard: Mapped[str] = mapped_column(Text)
    due_at: Mapped[Moment] = mapped_column(server_default=func.now())


class BookAdjustment(TenantRow, Table):
    """A change of a book that no fill of ours made; a book is the sum of its fills and of these.

    `reason`: "detached" (its owner closed it), "liquidated", "handed_over" (its owner keeps it), "dust" (too small to
    be closed, its owner keeps it), "crossed" (another book of the account had too much of it on the other side).
    `px` is the price at which it was closed, None where its owner took it over at cost.
    """

    __tablename__ = "book_adjustment"
    __table_args__ = (
        reference("subscription", "subscription_id"),
        Index("ix_book_adjustment_book", "tenant_id", "subscription_id"),
    )

    id: Mapped[Identity]
    subscription_id: Mapped[BigInt]
    symbol: Mapped[str] = mapped_column(Text)
    position_side: Mapped[str] = mapped_column(Text)
    qty: Mapped[Amount]
    px: Mapped[Amount | None]
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[Moment] = mapped_column(server_default=func.clock_timestamp())


class FundingPaymentShare(TenantRow, Table):
    """One subscription's share of a funding payment of its account; below zero was paid, above received.

    The shares of a payment add up to it exactly; `subscription_id` 0 is what falls on the owner's own position.
    """

    __tablename__ = "funding_payment"
    __table_args__ = (
        reference("account", "account_id"),
        Index("ix_funding_payment_subscription", "tenant_id", "subscription_id", "at"),
    )

    account_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    payment_id: Mapped[str] = mapped_column(Text, primary_key=True)
    subscription_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    symbol: Mapped[str] = mapped_column(Text)
    amount: Mapped[Amount]
    currency: Mapped[str] = mapped_column(Text)
    at: Mapped[Moment]


class StrategyNews(TenantRow, Table):
    """Something that happened to a strategy besides trading; `kind` is a `strategy_news.NewsKind`.

    `symbol` is None where it concerns all of the strategy.
    """

    __tablename__ = "strategy_news"
    __table_args__ = (
        reference("strategy", "strategy_id"),
        Index("ix_strategy_news_strategy", "tenant_id", "strategy_id", "id"),
    )

    id: Mapped[Identity]
    strategy_id: Mapped[BigInt]
    kind: Mapped[str] = mapped_column(Text)
    symbol: Mapped[str | None] = mapped_column(Text)
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[Moment]


class LeaderPosition(HotTenantRow, Table):
    """A leader's position in a perpetual as it was last seen: what the next reading is compared with.

    `margin` is the money behind an isolated one; `liquidation_px` is None where nothing liquidates it.
    """

    __tablename__ = "leader_position"

    strategy_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    symbol: Mapped[str] = mapped_column(Text, primary_key=True)
    position_side: Mapped[str] = mapped_column(Text, primary_key=True)
    qty: Mapped[Amount]
    entry_px: Mapped[Amount]
    mark_px: Mapped[Amount]
    leverage: Mapped[int | None] = mapped_column(Integer)
    margin_mode: Mapped[str | None] = mapped_column(Text)
    margin: Mapped[Amount | None]
    liquidation_px: Mapped[Amount | None]
    at: Mapped[Moment]


class AccountPosition(HotTenantRow, Table):
    """A follower account's position in a perpetual as it was last seen, with the price that would liquidate it."""

    __tablename__ = "account_position"

    account_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    symbol: Mapped[str] = mapped_column(Text, primary_key=True)
    position_side: Mapped[str] = mapped_column(Text, primary_key=True)
    qty: Mapped[Amount]
    mark_px: Mapped[Amount]
    liquidation_px: Mapped[Amount | None]
    at: Mapped[Moment] = mapped_column(server_default=func.now())


class FollowEdge(Table):
    """Who copies whom across all brands of the installation, by fingerprints of exchange accounts alone.

    `edge` is the fingerprint of a subscription; nothing here tells whose it is.
    """

    __tablename__ = "follow_edge"
    __table_args__ = (Index("ix_follow_edge_follower", "follower"),)

    edge: Mapped[str] = mapped_column(Text, primary_key=True)
    follower: Mapped[str] = mapped_column(Text)
    leader: Mapped[str] = mapped_column(Text)
