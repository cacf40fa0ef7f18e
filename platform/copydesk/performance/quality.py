"""How faithfully a strategy was copied of late: its last signals, and why copies were left out. Reads only."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from copydesk.replication.counted import counted

SIGNALS_JUDGED = 100
_NOTHING_TO_DO = ["nothing_to_reduce", "order_already_copied", "below_one_step", "carried"]

# Copies are asked for signal by signal: together PostgreSQL would rather read every copy that there is.
_QUALITY = text(f"""
SELECT count(*) FILTER (WHERE final AND cum_qty > 0) AS done,
       count(*) FILTER (WHERE final AND coalesce(reason, '') <> ALL (:nothing_to_do)) AS expected,
       round((percentile_cont(0.5) WITHIN GROUP (ORDER BY bps))::numeric, 2) AS slippage_bps_p50,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ack_ms))::bigint AS latency_ms_p50,
       array_agg(reason) FILTER (WHERE reason IS NOT NULL) AS reasons
FROM (
    SELECT copied.* FROM (
        SELECT tenant_id, id, CAST(px AS float8) AS leader_px, venue_at FROM signal
        WHERE strategy_id = :id ORDER BY id DESC LIMIT :signals
    ) AS recent
    CROSS JOIN LATERAL (
        SELECT copy.cum_qty, reason, status IN ('denied', 'filled', 'canceled', 'rejected', 'expired') AS final,
               date_part('epoch', acked_at - venue_at) * 1000 AS ack_ms,
               CASE WHEN copy.cum_qty > 0 THEN (CASE copy.side WHEN 'buy' THEN 1 ELSE -1 END)
                                               * (CAST(avg_px AS float8) / leader_px - 1) * 10000 END AS bps
        FROM copy WHERE copy.tenant_id = recent.tenant_id AND copy.signal_id = recent.id AND leg IN ('open', 'close')
              AND {counted("copy")}
        OFFSET 0
    ) AS copied
) AS judged
""")  # noqa: S608 - a condition of ours


class Quality(NamedTuple):
    """What became of copies of the last `SIGNALS_JUDGED` signals; `expected` leaves out those with nothing to do.

    `reasons` are why copies were left out, and how many each, the most frequent first.
    """

    done: int
    expected: int
    slippage_bps_p50: Decimal | None
    latency_ms_p50: int | None
    reasons: tuple[tuple[str, int], ...] = ()


def quality_of(session: Session, strategy_id: int) -> Quality:
    """Judge the copies of a strategy's last signals."""
    bound = {"id": strategy_id, "signals": SIGNALS_JUDGED, "nothing_to_do": _NOTHING_TO_DO}
    row = session.execute(_QUALITY, bound).one()
    reasons = sorted(Counter(row.reasons or ()).items(), key=lambda one: (-one[1], one[0]))
    return Quality(row.done, row.expected, row.slippage_bps_p50, row.latency_ms_p50, tuple(reasons))
