"""What the guard of strategies reads: who may be copied now, how their equity went, and what they traded meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession

_LIVE = text("SELECT id, slug FROM strategy WHERE status IN ('live', 'probation') ORDER BY id")
# Years of points are no more than hints of the past: of what lies behind, each minute's last is enough.
_HISTORY = text(
    """
    SELECT DISTINCT ON (date_trunc('minute', at)) strategy_id, at, equity FROM equity_point
    WHERE strategy_id = :strategy_id AND at > :after AND at <= :until ORDER BY date_trunc('minute', at), at DESC
    """
)
_NEW = text(
    """
    SELECT p.strategy_id, p.at, p.equity
    FROM unnest(CAST(:ids AS bigint[]), CAST(:afters AS timestamptz[])) AS wanted (id, after)
    CROSS JOIN LATERAL (
        SELECT strategy_id, at, equity FROM equity_point
        WHERE strategy_id = wanted.id AND at > wanted.after AND at <= :until ORDER BY at LIMIT 10000) AS p
    ORDER BY p.at
    """
)
_TRADES = text(
    """
    SELECT t.*
    FROM unnest(CAST(:ids AS bigint[]), CAST(:afters AS bigint[])) AS wanted (strategy_id, after)
    CROSS JOIN LATERAL (
        SELECT id, strategy_id, venue_at, symbol, position_side, abs(position_after * px) FROM signal
        WHERE strategy_id = wanted.strategy_id AND id > wanted.after AND cum_qty > 0) AS t
    ORDER BY t.venue_at, t.id
    """
)


class LiveStrategy(NamedTuple):
    id: int
    slug: str


class EquitySeen(NamedTuple):
    """A strategy's equity at a time, in quote currency."""

    strategy_id: int
    at: datetime
    equity: Decimal


class TradeSeen(NamedTuple):
    """A trade of a strategy's leader, and what it left of the position, in quote currency without a sign."""

    id: int
    strategy_id: int
    at: datetime
    symbol: str
    position_side: str
    value: Decimal


def live_strategies(session: TenantSession) -> list[LiveStrategy]:
    """Return the strategies of this brand that open positions."""
    return [LiveStrategy(*row) for row in session.execute(_LIVE)]


def equity_history(session: TenantSession, strategy_id: int, *, after: datetime, until: datetime) -> list[EquitySeen]:
    """Return how a strategy's equity went, oldest first, one point a minute."""
    params = {"strategy_id": strategy_id, "after": after, "until": until}
    return [EquitySeen(*row) for row in session.execute(_HISTORY, params)]


def equity_since(session: TenantSession, after: Mapping[int, datetime], *, until: datetime) -> list[EquitySeen]:
    """Return every point that strategies have had since, each since a time of its own, oldest first."""
    params = {"ids": list(after), "afters": list(after.values()), "until": until}
    return [EquitySeen(*row) for row in session.execute(_NEW, params)]


def leader_trades_since(session: TenantSession, after: Mapping[int, int]) -> list[TradeSeen]:
    """Return what strategies' leaders have traded, each since a signal of its own, oldest first."""
    return [TradeSeen(*row) for row in session.execute(_TRADES, {"ids": list(after), "afters": list(after.values())})]
