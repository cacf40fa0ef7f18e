"""What stops closed: executions of the orders that an act of risk sent, for whoever looks after a brand. Read-only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession, array_literal

# Orders of a stop say only that they are a stop's: which one follows from whose they are, and when.
_FILLED = text(
    """
    SELECT act.reference, c.symbol, c.side, sum(c.cum_qty), sum(c.cum_qty * coalesce(c.avg_px, 0))
    FROM risk_act act
    JOIN subscription s ON s.tenant_id = act.tenant_id
         AND act.subject_id = CASE act.scope WHEN 'account' THEN s.account_id ELSE s.id END
    JOIN copy c ON c.tenant_id = s.tenant_id AND c.subscription_id = s.id AND c.leg LIKE 'stop-%'
         AND c.planned_at BETWEEN act.at - interval '5 seconds'
                          AND coalesce(act.ended_at, clock_timestamp()) + interval '5 seconds'
    WHERE act.scope IN ('subscription', 'account') AND act.reference = ANY(CAST(:references AS text[]))
      AND c.cum_qty > 0
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    """
)


class StopFill(NamedTuple):
    """What was closed of one instrument: base quantity, and what it brought or cost, in quote currency."""

    symbol: str
    side: str
    qty: Decimal
    notional: Decimal


def read_stop_fills(session: TenantSession, references: Collection[str]) -> dict[str, tuple[StopFill, ...]]:
    """Return what each of these acts closed; an act that closed nothing is missing."""
    found: defaultdict[str, list[StopFill]] = defaultdict(list)
    if references:
        for reference, *told in session.execute(_FILLED, {"references": array_literal(sorted(references))}):
            found[reference].append(StopFill(*told))
    return {reference: tuple(fills) for reference, fills in found.items()}
