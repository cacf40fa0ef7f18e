"""Everything that replication stores: what may be copied, who copies, signals, copies and books."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, ForeignKeyConstraint, Index, Integer, SmallInteger, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSON, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from copydesk.db import Amount, Arrival, BigInt, HotTenantRow, Identity, Moment, Table, TenantRow


def reference(table: str, *columns: str) -> ForeignKeyConstraint:
    """Refer to another tenant table by (tenant_id, id), so that a reference never crosses brands."""
    return ForeignKeyConstraint(["tenant_id", *columns], [f"{table}.tenant_id", f"{table}.id"])


class Strategy(TenantRow, Table):
    """What can be copied: one leader account plus its public profile.

    `status`: "live"; "probation" (copied alike, and says so); "paused" (opens nothing, closes are still copied);
    "suspended" (the same, by the guard: see `workers.risk_strategies`); "closed" (the same, until its last follower has
    left); anything else ("pending", "declined": see `studio.model.Status`) is not watched at all.
    `orders_heard_since`: from when on the leader's resting orders are known, None where nobody copies orders.
    """

    __tablename__ = "strategy"
    __table_args__ = (
        reference("user_account", "trader_id"),
        reference("account", "account_id"),
        UniqueConstraint("tenant_id", "slug"),
        UniqueConstraint("tenant_id", "account_id"),
    )

    id: Mapped[Identity]
    trader_id: Mapped[BigInt]
    account_id: Mapped[BigInt]
    slug: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    summary: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, server_default="live")
    orders_heard_since: Mapped[Moment | None]
    created_at: Mapped[Moment] = mapped_column(server_default=func.now())


class Subscription(TenantRow, Table):
    """One follower account copying one strategy. `allocation` is in quote currency.

    `size_policy` is a `SizePolicy`; `leverage_max` the highest leverage that the follower wants, None for no own bound.
    `join_mode` is a `JoinMode`; `copies` a `CopyMode`; `end_mode` an `EndMode` once the follower is leaving.
    """

    __tablename__ = "subscription"
    __table_args__ = (
        reference("strategy", "strategy_id"),
        reference("account", "account_id"),
        Index(
            "uq_subscription_copied",
            "tenant_id",
            "strategy_id",
            "account_id",
            unique=True,
            postgresql_where=text("state <> 'ended'"),
        ),
        Index("ix_subscription_account", "tenant_id", "account_id"),
    )

    id: Mapped[Identity]
    strategy_id: Mapped[BigInt]
    account_id: Mapped[BigInt]
    state: Mapped[str] = mapped_column(Text, server_default="synced")
    state_reason: Mapped[str | None] = mapped_column(Text)
    allocation: Mapped[Amount]
    sizing_mode: Mapped[str] = mapped_column(Text)
    sizing_value: Mapped[Amount | None]
    size_policy: Mapped[str] = mapped_column(Text, server_default="skip")
    leverage_max: Mapped[int | None] = mapped_column(Integer)
    join_mode: Mapped[str] = mapped_column(Text, server_default="ignore")
    copies: Mapped[str] = mapped_column(Text, server_default="fills")
    end_mode: Mapped[str | None] = mapped_column(Text)
    ended_at: Mapped[Moment | None]
    created_at: Mapped[Moment] = mapped_column(server_default=func.now())


class Execution(TenantRow, Table):
    """One trade of a leader account as the exchange reported it; the key makes replays harmless.

    `seq` counts in the order of arrival, which is not always that of time.
    """

    __tablename__ = "execution"
    __table_args__ = (Index("ix_execution_seq", "tenant_id", "account_id", "seq"),)

    account_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    symbol: Mapped[str] = mapped_column(Text, primary_key=True)
    trade_id: Mapped[str] = mapped_column(Text, primary_key=True)
    venue_order_id: Mapped[str] = mapped_column(Text)
    position_side: Mapped[str] = mapped_column(Text, server_default="net")
    side: Mapped[str] = mapped_column(Text)
    qty: Mapped[Amount]
    px: Mapped[Amount]
    fee: Mapped[Amount]
    fee_currency: Mapped[str] = mapped_column(Text)
    at: Mapped[Moment]
    seq: Mapped[Arrival]


class Signal(TenantRow, Table):
    """One de-duplicated fact about a leader account: this order is now filled to `cum_qty`.

    An order that rests, and is copied as an order, is a signal before its first fill: filled to 0, for its whole `qty`.

    `position_before` and `position_after` are the leader's book in base units, net of fees taken in base: signed,
    a short is below zero. `position_side` names the book: the account's only one, or one of hedge mode's two.
    `leader_equity` is in quote currency and `leader_leverage` what the account had set, both at the time of intake.
    """

    __tablename__ = "signal"
    __table_args__ = (
        reference("strategy", "strategy_id"),
        UniqueConstraint("tenant_id", "account_id", "symbol", "venue_order_id", "cum_qty"),
        Index("ix_signal_strategy_recent", "tenant_id", "strategy_id", "id"),
    )

    id: Mapped[Identity]
    strategy_id: Mapped[BigInt]
    account_id: Mapped[BigInt]
    symbol: Mapped[str] = mapped_column(Text)
    position_side: Mapped[str] = mapped_column(Text, server_default="net")
    side: Mapped[str] = mapped_column(Text)
    venue_order_id: Mapped[str] = mapped_column(Text)
    cum_qty: Mapped[Amount]
    qty: Mapped[Amount]
    px: Mapped[Amount]
    position_before: Mapped[Amount]
    position_after: Mapped[Amount]
    leader_equity: Mapped[Amount]
    leader_leverage: Mapped[int | None] = mapped_column(Integer)
    venue_at: Mapped[Moment]
    seen_at: Mapped[Moment]
    stored_at: Mapped[Moment] = mapped_column(server_default=func.clock_timestamp())


class LeaderBook(TenantRow, Table):
    """The leader's position per instrument and position side, in base units: all stored executions in their order.

    A spot book never falls below zero: what a leader sells of earlier holdings is not ours. A perpetual's is signed
    and begins with `base_qty`, what the account held before our first execution. `last_at` is the time of the newest
    execution in it; an older one that arrives later makes the book be counted again.
    """

    __tablename__ = "leader_book"
    __table_args__ = (reference("strategy", "strategy_id"),)

    strategy_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    symbol: Mapped[str] = mapped_column(Text, primary_key=True)
    position_side: Mapped[str] = mapped_column(Text, primary_key=True, server_default="net")
    qty: Mapped[Amount]
    base_qty: Mapped[Amount] = mapped_column(server_default="0")
    last_px: Mapped[Amount]
    last_at: Mapped[Moment | None]


class LeaderSetup(TenantRow, Table):
    """How the leader's account is set up for one perpetual: followers' accounts are prepared for it ahead of a signal.

    `leverage` is None until it was seen: the exchange tells it of open positions only.
    """

    __tablename__ = "leader_setup"
    __table_args__ = (reference("strategy", "strategy_id"),)

    strategy_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    symbol: Mapped[str] = mapped_column(Text, primary_key=True)
    hedge: Mapped[bool] = mapped_column(Boolean)
    leverage: Mapped[int | None] = mapped_column(Integer)
    at: Mapped[Moment] = mapped_column(server_default=func.now())


class Delivery(TenantRow, Table):
    """One (signal, shard) that must be planned: the outbox row that Redis can lose and this table cannot.

    `intents` is what its worker is about to send, from just before the first order until copies are made of the
    answers; `epoch` says under which hold. `stored_at` is when they were committed. A signal that was planned
    together with a newer one is `joined_into` that.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        reference("signal", "signal_id"),
        Index("ix_delivery_due", "tenant_id", "shard", "signal_id", postgresql_where=text("drained_at IS NULL")),
        Index("ix_delivery_intents", "tenant_id", "shard", postgresql_where=text("intents IS NOT NULL")),
        Index("ix_delivery_joined", "tenant_id", "joined_into", postgresql_where=text("joined_into IS NOT NULL")),
    )

    signal_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    shard: Mapped[str] = mapped_column(Text, primary_key=True)
    created_at: Mapped[Moment] = mapped_column(server_default=func.clock_timestamp())
    drained_at: Mapped[Moment | None]
    stored_at: Mapped[Moment | None]
    epoch: Mapped[BigInt | None]
    intents: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    joined_into: Mapped[BigInt | None]


class CrowdVersion(TenantRow, Table):
    """Counts changes of who copies and how, by triggers; a worker that knows the number knows its crowd (`crowd`)."""

    __tablename__ = "crowd_version"

    version: Mapped[BigInt]


class ShardLease(TenantRow, Table):
    """Who may plan and send for a shard; `epoch` grows with each new holder and fences the old one.

    "<shard>/prepare" is who prepares its accounts.
    """

    __tablename__ = "shard_lease"

    shard: Mapped[str] = mapped_column(Text, primary_key=True)
    holder: Mapped[str] = mapped_column(Text)
    epoch: Mapped[BigInt]
    expires_at: Mapped[Moment]


class Copy(HotTenantRow, Table):
    """One intended follower order. Stored as `planned` before anything is sent.

    `leg` is "open", "close" or "fix-N" (reconcile). `reason` is a `Denial` value; `reason_facts` holds the
    numbers its sentence needs. `next_check_at` is set while the outcome is unknown; from `proof_at` on,
    "no such order" is proof that it never arrived. An open that `waits` is the second leg of a reversal: planned,
    and not sent before the position on the other side is known to be closed. `wanted_qty` (before any limit),
    `allocation`, `book_qty` (before) and `bound` (a `Bound`) are why it is as large as it is.
    """

    __tablename__ = "copy"
    __table_args__ = (
        UniqueConstraint("tenant_id", "signal_id", "subscription_id", "leg"),
        Index(
            "ix_copy_open",
            "tenant_id",
            "shard",
            postgresql_where=text("status IN ('planned', 'in_flight', 'accepted', 'partially_filled')"),
        ),
        Index(
            "ix_copy_short",
            "tenant_id",
            "shard",
            "planned_at",
            postgresql_where=text(
                "status IN ('canceled', 'rejected', 'expired') AND leg IN ('open', 'close') "
                "AND reason IN ('price_moved', 'insufficient_balance', 'nothing_to_reduce')"
            ),
        ),
        Index("ix_copy_planned_at", "planned_at", postgresql_using="brin"),
    )

    id: Mapped[Identity]
    subscription_id: Mapped[BigInt]
    signal_id: Mapped[BigInt]
    account_id: Mapped[BigInt]
    shard: Mapped[str] = mapped_column(Text)
    leg: Mapped[str] = mapped_column(Text)
    symbol: Mapped[str] = mapped_column(Text)
    position_side: Mapped[str] = mapped_column(Text, server_default="net")
    side: Mapped[str] = mapped_column(Text)
    type: Mapped[str] = mapped_column(Text)
    qty: Mapped[Amount]
    px: Mapped[Amount | None]
    reduces: Mapped[bool] = mapped_column(Boolean)
    waits: Mapped[bool] = mapped_column(Boolean, server_default="false")
    client_order_id: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    reason_facts: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    epoch: Mapped[BigInt]
    venue_order_id: Mapped[str | None] = mapped_column(Text)
    cum_qty: Mapped[Amount] = mapped_column(server_default="0")
    avg_px: Mapped[Amount | None]
    planned_at: Mapped[Moment]
    sent_at: Mapped[Moment | None]
    acked_at: Mapped[Moment | None]
    checks: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    next_check_at: Mapped[Moment | None]
    proof_at: Mapped[Moment | None]
    wanted_qty: Mapped[Amount | None]
    allocation: Mapped[Amount | None]
    book_qty: Mapped[Amount | None]
    bound: Mapped[str | None] = mapped_column(Text)


class CopyFill(HotTenantRow, Table):
    """One execution of a follower's copy; a book is the sum of these. `seq` counts in the order of arrival."""

    __tablename__ = "copy_fill"
    __table_args__ = (Index("ix_copy_fill_seq", "tenant_id", "subscription_id", "seq"),)

    copy_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    trade_id: Mapped[str] = mapped_column(Text, primary_key=True)
    subscription_id: Mapped[BigInt]
    symbol: Mapped[str] = mapped_column(Text)
    position_side: Mapped[str] = mapped_column(Text, server_default="net")
    side: Mapped[str] = mapped_column(Text)
    qty: Mapped[Amount]
    px: Mapped[Amount]
    fee: Mapped[Amount]
    fee_currency: Mapped[str] = mapped_column(Text)
    at: Mapped[Moment]
    seq: Mapped[Arrival]


class Book(HotTenantRow, Table):
    """A subscription's virtual position per instrument and position side, in base units, net of fees taken in base.

    Signed: a short is below zero. `target_qty` is what the trader's position asks for; `last_signal_id` the newest
    signal planned into it; `cost` the value at entry of what is held, long or short, in quote currency. `carried_qty`
    is what the trader's increases since `carried_at` ask for and no order could be made of: it is not in the target.
    `cash` is all that came in less all that went out in quote currency, fees and funding included: with what is held at
    the market's price it is what the book has earned.
    """

    __tablename__ = "book"

    subscription_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    symbol: Mapped[str] = mapped_column(Text, primary_key=True)
    position_side: Mapped[str] = mapped_column(Text, primary_key=True, server_default="net")
    qty: Mapped[Amount] = mapped_column(server_default="0")
    target_qty: Mapped[Amount] = mapped_column(server_default="0")
    cost: Mapped[Amount] = mapped_column(server_default="0")
    cash: Mapped[Amount] = mapped_column(server_default="0")
    carried_qty: Mapped[Amount] = mapped_column(server_default="0")
    carried_at: Mapped[Moment | None]
    last_signal_id: Mapped[BigInt] = mapped_column(server_default="0")
    updated_at: Mapped[Moment] = mapped_column(server_default=func.now())


class AccountSetup(HotTenantRow, Table):
    """What a follower's account was set to for one perpetual, so that it costs no call per order.

    `bracketed` says that the exchange allowed no more leverage for the size of the position. A leverage of 0 says that
    it is to be set up anew; `margin_mode` is that of its position all the same.
    """

    __tablename__ = "account_setup"
    __table_args__ = (Index("ix_account_setup_margin_mode", "tenant_id", "symbol", "margin_mode"),)

    account_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    symbol: Mapped[str] = mapped_column(Text, primary_key=True)
    hedge: Mapped[bool] = mapped_column(Boolean)
    leverage: Mapped[int] = mapped_column(Integer)
    at: Mapped[Moment] = mapped_column(server_default=func.now())
    bracketed: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    margin_mode: Mapped[str] = mapped_column(Text, server_default="cross")


class EquityPoint(TenantRow, Table):
    """A strategy's equity at a time, in quote currency; return and drawdown are computed from these."""

    __tablename__ = "equity_point"
    __table_args__ = (reference("strategy", "strategy_id"),)

    strategy_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[Moment] = mapped_column(primary_key=True)
    equity: Mapped[Amount]


class ReconcileRun(TenantRow, Table):
    """When each shard was last reconciled and what was found; shown to operators."""

    __tablename__ = "reconcile_run"

    shard: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[Moment]
    resolved: Mapped[int] = mapped_column(Integer)
    corrected: Mapped[int] = mapped_column(Integer)
