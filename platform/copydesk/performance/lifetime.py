"""A trader's lifetime record: every strategy that they ever had here, closed and lost ones too. Reads only."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.orm import Session

from copydesk.performance.model import PastStrategy

_DAY_S = 86_400
# All that is gone, to a millionth: what is left of an account that was liquidated.
_LOST = Decimal("0.999999")

_RECORD = text("""
SELECT slug, name, status, coalesce(watched.first_at, created_at) AS started_at,
       CASE WHEN status = 'closed' THEN coalesce(watched.last_at, created_at) END AS ended_at,
       return_all, drawdown_max, coalesce(closed, 0) AS closed
FROM strategy
CROSS JOIN LATERAL (
    SELECT min(at) AS first_at, max(at) AS last_at FROM equity_point
    WHERE equity_point.tenant_id = strategy.tenant_id AND equity_point.strategy_id = strategy.id
) AS watched
LEFT JOIN strategy_figures AS kept ON kept.tenant_id = strategy.tenant_id AND kept.strategy_id = strategy.id
WHERE trader_id = (SELECT trader_id FROM strategy WHERE id = :id) AND status = ANY (:statuses)
      AND (strategy.id = :id OR NOT EXISTS (
          SELECT FROM strategy_terms AS terms WHERE terms.tenant_id = strategy.tenant_id
                 AND terms.strategy_id = strategy.id AND terms.private))
ORDER BY started_at DESC, strategy.id DESC
""")
# What was public once stays so; what waits for approval was not, and what is private is on its own page alone.
_PUBLIC = ["probation", "live", "paused", "suspended", "closed"]


def lifetime(session: Session, strategy_id: int, *, now: datetime) -> tuple[PastStrategy, ...]:
    """Return every public strategy of this one's trader, itself among them, the newest first."""
    rows = session.execute(_RECORD, {"id": strategy_id, "statuses": _PUBLIC})
    return tuple(
        PastStrategy(
            slug=row.slug,
            name=row.name,
            status=row.status,
            started_at=row.started_at,
            ended_at=row.ended_at,
            days=max(int(((row.ended_at or now) - row.started_at).total_seconds()) // _DAY_S, 0),
            return_ratio=row.return_all,
            drawdown_max_ratio=row.drawdown_max,
            closed=row.closed,
            lost=row.drawdown_max is not None and row.drawdown_max >= _LOST,
        )
        for row in rows
    )
