"""What a brand used in a span of time, and how many of its copies went out in time: for statements and error budgets.

Both read the copies that were planned within the span, which an index by time finds.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.trading import Denial

# The quote currency of "BTC/USDT" and of "BTC/USDT:USDT" stands behind the slash.
_USED = text(
    """
    SELECT split_part(split_part(c.symbol, '/', 2), ':', 1) AS currency, count(*) AS copies,
           coalesce(sum(c.cum_qty * c.avg_px), 0) AS notional,
           array_agg(DISTINCT a.user_id) AS people, array_agg(DISTINCT s.strategy_id) AS strategies
    FROM copy c
    JOIN subscription s ON s.tenant_id = c.tenant_id AND s.id = c.subscription_id
    JOIN account a ON a.tenant_id = c.tenant_id AND a.id = c.account_id
    WHERE c.planned_at >= :begins AND c.planned_at < :ends AND c.sent_at IS NOT NULL AND NOT a.demo
    GROUP BY 1
    """
)
# What we refused for a reason of the follower's, the brand's or the trader's was not due. A copy that waited until its
# signal was too old was, and so was one of the last minute that is still to be sent.
_DUE = text(
    """
    SELECT count(*), count(*) FILTER (
        WHERE c.sent_at IS NULL OR c.sent_at - s.stored_at > make_interval(secs => :ms_max / 1000.0))
    FROM copy c JOIN signal s ON s.tenant_id = c.tenant_id AND s.id = c.signal_id
    WHERE c.planned_at >= :begins AND c.planned_at < :ends AND c.leg IN ('open', 'close') AND NOT c.waits
      AND (c.sent_at IS NOT NULL OR c.reason = :too_old)
    """
)
_NOW = text(
    """
    SELECT (SELECT count(DISTINCT a.user_id) FROM subscription s
            JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
            WHERE s.state <> 'ended' AND NOT a.demo) AS followers,
           (SELECT count(*) FROM strategy WHERE status NOT IN ('closed', 'declined')) AS strategies,
           (SELECT count(*) FROM delivery WHERE drained_at IS NULL) AS waiting
    """
)


class Traded(NamedTuple):
    """What was used in a span: people, strategies, orders sent, and what these bought and sold by quote currency."""

    followers: int
    strategies: int
    copies: int
    notional: Mapping[str, Decimal]


class Crowd(NamedTuple):
    """How many copy at present, how many strategies there are to copy, and how many deliveries wait."""

    followers: int
    strategies: int
    waiting: int


def traded_between(session: TenantSession, begins: datetime, ends: datetime) -> Traded:
    """Return what the brand used from `begins` until just before `ends`."""
    rows = session.execute(_USED, {"begins": begins, "ends": ends}).all()
    people = {one for row in rows for one in row.people}
    strategies = {one for row in rows for one in row.strategies}
    notional = {str(row.currency): Decimal(row.notional) for row in rows}
    return Traded(len(people), len(strategies), sum(int(row.copies) for row in rows), notional)


def sent_in_time(session: TenantSession, begins: datetime, ends: datetime, *, ms_max: int) -> tuple[int, int]:
    """Return how many copies were due in a span, and how many of those went out later than `ms_max`, or never."""
    span = {"begins": begins, "ends": ends, "ms_max": ms_max, "too_old": Denial.SIGNAL_TOO_OLD.value}
    due, late = session.execute(_DUE, span).one()
    return int(due), int(late)


def crowd_now(session: TenantSession) -> Crowd:
    """Count who copies and what can be copied at present."""
    return Crowd(*map(int, session.execute(_NOW).one()))
