"""What is kept of performance: prices by the minute, cash flows, points of equity, and the figures made of them.

All but prices and cash flows can be made again from raw rows (`rebuild`).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, ForeignKeyConstraint, Index, Integer, SmallInteger, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from copydesk.db import Amount, BigInt, HotTenantRow, Identity, Moment, Table, TenantRow

# By what a leaderboard is sorted.
SORTED = ("score", "return_30", "return_90", "return_all", "drawdown_max", "follower_return")
Json = dict[str, Any]


def _of(table: str, column: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant_id", column], [f"{table}.tenant_id", f"{table}.id"])


class MarkMinute(Table):
    """What an instrument was worth when a minute began, of all that somebody held. Public: no brand's."""

    __tablename__ = "mark_minute"
    __table_args__ = ({"postgresql_partition_by": "RANGE (at)"},)

    place: Mapped[str] = mapped_column(Text, primary_key=True)
    symbol: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[Moment] = mapped_column(primary_key=True)
    px: Mapped[Amount]


class CashFlow(TenantRow, Table):
    """Money that came into a strategy's account or a subscription (below zero: went out); one of both is named.

    `kind`: "opening" (what there was at the beginning), "observed" (an account's equity jumped without a trade),
    "allocation" (a follower gave more or less).
    """

    __tablename__ = "cash_flow"
    __table_args__ = (
        _of("strategy", "strategy_id"),
        _of("subscription", "subscription_id"),
        UniqueConstraint("tenant_id", "strategy_id", "at", "kind", name="uq_cash_flow_tenant_id_strategy_id_at_kind"),
        UniqueConstraint(
            "tenant_id", "subscription_id", "at", "kind", name="uq_cash_flow_tenant_id_subscription_id_at_kind"
        ),
    )

    id: Mapped[Identity]
    strategy_id: Mapped[BigInt | None]
    subscription_id: Mapped[BigInt | None]
    at: Mapped[Moment]
    amount: Mapped[Amount]
    kind: Mapped[str] = mapped_column(Text)


class PerformancePoint(HotTenantRow, Table):
    """What a strategy or a subscription was worth at the end of a minute, an hour or a day.

    `flow` is what was paid in meanwhile; the index is 1 where the record begins and neutral to flows.
    """

    __tablename__ = "performance_point"
    __table_args__ = ({"postgresql_partition_by": "LIST (grain)"},)

    owner: Mapped[str] = mapped_column(Text, primary_key=True)
    owner_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    grain: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[Moment] = mapped_column(primary_key=True)
    equity: Mapped[Amount]
    flow: Mapped[Amount]
    index_close: Mapped[Amount]
    index_low: Mapped[Amount]
    index_high: Mapped[Amount]


class StrategyFigures(TenantRow, Table):
    """All that is shown of a strategy, as of a moment. `cursor` is how far raw rows were read, `summary` the fold's.

    `figures` holds every figure by its name, `truth` what followers had of it, `points` the score's parts. The plain
    columns are what leaderboards filter and sort by; they say the same. `adjusted_*` is what staff changed by hand
    (without a place: taken out of the ranking), which no recomputation touches. `place` 0 is behind a gate.
    """

    __tablename__ = "strategy_figures"
    __table_args__ = (
        _of("strategy", "strategy_id"),
        *(Index(f"ix_strategy_figures_{name}", "tenant_id", name, "strategy_id") for name in SORTED),
    )

    strategy_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    as_of: Mapped[Moment]
    cursor: Mapped[Json] = mapped_column(JSONB)
    summary: Mapped[Json] = mapped_column(JSONB)
    figures: Mapped[Json] = mapped_column(JSONB)
    truth: Mapped[Json] = mapped_column(JSONB)
    flags: Mapped[Json] = mapped_column(JSONB)
    score: Mapped[Amount | None]
    score_version: Mapped[str] = mapped_column(Text)
    points: Mapped[Json] = mapped_column(JSONB)
    gates: Mapped[list[str]] = mapped_column(ARRAY(Text))
    place: Mapped[int] = mapped_column(Integer)
    adjusted_place: Mapped[int | None] = mapped_column(Integer)
    adjusted_by: Mapped[str | None] = mapped_column(Text)
    adjusted_reason: Mapped[str | None] = mapped_column(Text)
    adjusted_at: Mapped[Moment | None]
    return_30: Mapped[Amount | None]
    return_90: Mapped[Amount | None]
    return_all: Mapped[Amount | None]
    drawdown_max: Mapped[Amount | None]
    drawdown_now: Mapped[Amount | None]
    risk: Mapped[int | None] = mapped_column(SmallInteger)
    sortino: Mapped[Amount | None]
    days: Mapped[Amount]
    closed: Mapped[int] = mapped_column(Integer)
    followers: Mapped[int] = mapped_column(Integer)
    follower_return: Mapped[Amount | None]
    copy_success: Mapped[Amount | None]
    min_allocation: Mapped[Amount | None]
    style: Mapped[str | None] = mapped_column(Text)
    venue: Mapped[str] = mapped_column(Text)
    symbols: Mapped[list[str]] = mapped_column(ARRAY(Text))
    spot: Mapped[bool] = mapped_column(Boolean)
    perpetual: Mapped[bool] = mapped_column(Boolean)
    leverage_max: Mapped[Amount | None]
    equity: Mapped[Amount | None]
    too_early: Mapped[bool] = mapped_column(Boolean)


class SubscriptionFigures(TenantRow, Table):
    """What a follower had of a subscription, as of a moment; money is in quote currency, ratios are fractions."""

    __tablename__ = "subscription_figures"
    __table_args__ = (
        _of("subscription", "subscription_id"),
        _of("strategy", "strategy_id"),
        Index("ix_subscription_figures_strategy_id", "tenant_id", "strategy_id", "subscription_id"),
    )

    subscription_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    strategy_id: Mapped[BigInt]
    as_of: Mapped[Moment]
    cursor: Mapped[Json] = mapped_column(JSONB)
    summary: Mapped[Json] = mapped_column(JSONB)
    figures: Mapped[Json] = mapped_column(JSONB)
    money_weighted: Mapped[Amount | None]
    net_result: Mapped[Amount | None]
    tracking_difference: Mapped[Amount | None]
    equity: Mapped[Amount | None]


class FiguresCheck(TenantRow, Table):
    """One nightly recomputation of a brand: how much was compared, and what was not the same."""

    __tablename__ = "figures_check"

    id: Mapped[Identity]
    at: Mapped[Moment]
    strategies: Mapped[int] = mapped_column(Integer)
    compared: Mapped[int] = mapped_column(Integer)
    differences: Mapped[list[Json]] = mapped_column(JSONB)
    took_ms: Mapped[int] = mapped_column(Integer)
