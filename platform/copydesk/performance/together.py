"""All subscriptions of one person as one line: how far below its highest it stands. Reads.

Payments are no performance: a day's growth is its end over its beginning and what was paid in that day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from copydesk.kernel import ZERO
from copydesk.performance.model import Point

# Over how many days the line of all is drawn.
LINE_DAYS = 30

_RUNNING = text(
    """
    SELECT '{' || string_agg(CAST(s.id AS text), ',') || '}' AS ids, min(s.created_at) AS since
    FROM account a JOIN subscription s ON s.tenant_id = a.tenant_id AND s.account_id = a.id
    WHERE a.user_id = :user_id AND s.state <> 'ended'
    """
)
# By numbers that are told, not by a join: without fresh statistics PostgreSQL would read all points for each.
_LINE = text(
    """
    SELECT at + interval '1 day' AS at, sum(equity) AS equity FROM performance_point
    WHERE owner = 'subscription' AND owner_id = ANY(CAST(:ids AS bigint[])) AND grain = 'day'
      AND at >= CAST(:since AS timestamptz) AND at < date_trunc('day', CAST(:now AS timestamptz), 'UTC')
    GROUP BY 1 ORDER BY 1
    """
)
# What a subscription began with is known before it is recorded as a payment.
_PAID = text(
    """
    SELECT date_trunc('day', at, 'UTC') + interval '1 day' AS at, sum(amount) AS amount FROM (
        SELECT at, amount FROM cash_flow WHERE subscription_id = ANY(CAST(:ids AS bigint[]))
        UNION ALL SELECT created_at, allocation FROM subscription s
        WHERE id = ANY(CAST(:ids AS bigint[])) AND NOT EXISTS (
            SELECT FROM cash_flow f WHERE f.tenant_id = s.tenant_id AND f.subscription_id = s.id)
    ) AS paid GROUP BY 1
    """
)
# One that nobody has watched yet was worth its allocation.
_BEGUN = text(
    """
    SELECT sum(coalesce(w.day_equity, s.allocation)) FROM subscription s
    LEFT JOIN risk_watermark w ON w.tenant_id = s.tenant_id AND w.scope = 'subscription' AND w.subject_id = s.id
    WHERE s.id = ANY(CAST(:ids AS bigint[]))
    """
)


class Running(NamedTuple):
    """Subscriptions that have not ended: their numbers, as an array literal, and when the first of them began."""

    ids: str
    since: datetime


def running(session: Session, user_id: int) -> Running | None:
    """Return what a person copies at present; None where that is nothing."""
    ids, since = session.execute(_RUNNING, {"user_id": user_id}).one()
    return None if ids is None else Running(ids, since)


def day_begun(session: Session, mine: Running) -> Decimal:
    """Return what subscriptions were worth when the brand's day began, later payments counted as if made before."""
    return session.execute(_BEGUN, {"ids": mine.ids}).scalar() or ZERO


def drawdown_together(session: Session, mine: Running, *, equity: Decimal, now: datetime) -> Decimal | None:
    """Return how far subscriptions together stand below their highest of the last days, 0 to 1.

    `equity` is what they are worth now. None where nothing is known of the days before.
    """
    told = {"ids": mine.ids, "since": now - timedelta(days=LINE_DAYS), "now": now}
    points = [(row.at, row.equity) for row in session.execute(_LINE, told)]
    paid = {row.at: row.amount for row in session.execute(_PAID, {"ids": mine.ids})}
    first = points[0][0] if points else _day_end(now)
    if _day_end(mine.since) < first:
        if not points:
            return None
        # What there was when the first day began is not known: the line begins at that day's end.
        paid[first] = points[0][1]
    return fallen(points, paid, equity=equity, now=now)


def fallen(points: Sequence[Point], paid: Mapping[datetime, Decimal], *, equity: Decimal, now: datetime) -> Decimal:
    """Return how far a line stands below its highest, payments left out. Pure.

    `points` are ends of days, `paid` what came in during the day that ends at a moment, what there was at first too.
    """
    line = [*points, (_day_end(now), equity)]
    index = peak = Decimal(1)
    before: Decimal | None = None
    for at, worth in line:
        base = (before or ZERO) + paid.get(at, ZERO)
        if base > 0:
            index *= max(worth, ZERO) / base
        peak, before = max(peak, index), worth
    return 1 - index / peak


def _day_end(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
