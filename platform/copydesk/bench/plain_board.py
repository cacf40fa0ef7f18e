"""The leaderboard the plain way: every strategy's samples are read for each page, and every card computed from them.

This is how it was done before figures were kept. Slices are thinned in the database, as they were; copies are not
judged here, which is kind to this way.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.orm import Session

WINDOW_DAYS, SLICES = 90, 60
_ZERO = Decimal(0)
_CARDS = text(
    "SELECT strategy.id, slug, name, summary, strategy.status, display_name, account.venue FROM strategy "
    "JOIN user_account ON user_account.tenant_id = strategy.tenant_id AND user_account.id = strategy.trader_id "
    "JOIN account ON account.tenant_id = strategy.tenant_id AND account.id = strategy.account_id "
    "WHERE strategy.status IN ('probation', 'live', 'paused', 'suspended') ORDER BY strategy.id"
)
_POINTS = text(
    """
    SELECT wanted.id, low, high, opened, closed
    FROM unnest(CAST(:ids AS bigint[])) AS wanted (id)
    CROSS JOIN LATERAL (
        SELECT CAST(extract(epoch FROM min(at)) AS float8) AS first,
               CAST(extract(epoch FROM max(at)) + 1 AS float8) AS last
        FROM equity_point WHERE strategy_id = wanted.id AND at >= :since
    ) AS span
    CROSS JOIN LATERAL (
        SELECT slice, min(ARRAY[equity, epoch]) AS low, max(ARRAY[equity, epoch]) AS high,
               min(ARRAY[epoch, equity]) AS opened, max(ARRAY[epoch, equity]) AS closed
        FROM (
            SELECT equity, epoch, width_bucket(CAST(epoch AS float8), first, last, :slices) AS slice
            FROM (SELECT equity, extract(epoch FROM at) AS epoch FROM equity_point
                  WHERE strategy_id = wanted.id AND at >= :since) AS point
        ) AS placed
        GROUP BY slice
    ) AS slices
    ORDER BY wanted.id, slice
    """
)


def plain_leaderboard(session: Session, *, now: datetime, limit: int) -> list[int]:
    """Return the strategies with the highest return, as ids, after computing all of them."""
    ids = [row.id for row in session.execute(_CARDS)]
    points: defaultdict[int, set[tuple[Decimal, Decimal]]] = defaultdict(set)
    since = now - timedelta(days=WINDOW_DAYS)
    for number, low, high, opened, closed in session.execute(_POINTS, {"ids": ids, "since": since, "slices": SLICES}):
        points[number] |= {(low[1], low[0]), (high[1], high[0]), tuple(opened), tuple(closed)}
    cards = [(_figures([equity for _, equity in sorted(points[number])]), number) for number in ids]
    cards.sort(key=lambda card: (-card[0][0], card[1]))
    return [number for _, number in cards[:limit]]


def _figures(equities: list[Decimal]) -> tuple[Decimal, Decimal]:
    """Return a card's return and deepest fall."""
    if len(equities) < 2 or equities[0] <= 0:
        return Decimal(-1), _ZERO
    peak = deepest = _ZERO
    for equity in equities:
        peak = max(peak, equity)
        deepest = max(deepest, (peak - equity) / peak)
    return equities[-1] / equities[0] - 1, deepest
