"""How faithfully a strategy was copied of late: its last signals, and why copies were left out. Reads only."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from copydesk.performance.model import BoardRow

SIGNALS_JUDGED = 100
_NOTHING_TO_DO = ["nothing_to_reduce", "order_already_copied", "below_one_step", "carried"]

_QUALITY = text("""
SELECT count(*) FILTER (WHERE final AND cum_qty > 0) AS done,
       count(*) FILTER (WHERE final AND coalesce(reason, '') <> ALL (:nothing_to_do)) AS expected,
       round((percentile_cont(0.5) WITHIN GROUP (ORDER BY bps))::numeric, 2) AS slippage_bps_p50,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ack_ms))::bigint AS latency_ms_p50
FROM (
    SELECT copy.cum_qty, reason, status IN ('denied', 'filled', 'canceled', 'rejected', 'expired') AS final,
           extract(epoch FROM acked_at - venue_at) * 1000 AS ack_ms,
           CASE WHEN copy.cum_qty > 0
                THEN (CASE copy.side WHEN 'buy' THEN 1 ELSE -1 END) * (avg_px / recent.px - 1) * 10000 END AS bps
    FROM (SELECT tenant_id, id, px, venue_at FROM signal
          WHERE strategy_id = :id ORDER BY id DESC LIMIT :signals) AS recent
    JOIN copy ON copy.tenant_id = recent.tenant_id AND copy.signal_id = recent.id AND leg IN ('open', 'close')
) AS copied
""")
_REASONS = text("""
SELECT reason, count(*) FROM copy
WHERE signal_id IN (SELECT id FROM signal WHERE strategy_id = :id ORDER BY id DESC LIMIT :signals)
      AND reason IS NOT NULL AND leg IN ('open', 'close')
GROUP BY reason ORDER BY 2 DESC, 1
""")


class Quality(NamedTuple):
    """What became of copies of the last `SIGNALS_JUDGED` signals; `expected` leaves out those with nothing to do."""

    done: int
    expected: int
    slippage_bps_p50: Decimal | None
    latency_ms_p50: int | None


def quality_of(session: Session, strategy_id: int) -> Quality:
    """Judge the copies of a strategy's last signals."""
    bound = {"id": strategy_id, "signals": SIGNALS_JUDGED, "nothing_to_do": _NOTHING_TO_DO}
    return Quality(*session.execute(_QUALITY, bound).one())


def with_quality(row: BoardRow, quality: Quality) -> BoardRow:
    """Return the row with what its copies were like of late instead of when it was last computed."""
    return replace(
        row,
        copies_done=quality.done,
        copies_expected=quality.expected,
        success_ratio=Decimal(quality.done) / quality.expected if quality.expected else None,
        slippage_bps_p50=quality.slippage_bps_p50,
        latency_ms_p50=quality.latency_ms_p50,
    )


def skip_reasons(session: Session, strategy_id: int) -> tuple[tuple[str, int], ...]:
    """Return why copies of the last signals were left out, and how many each, the most frequent first."""
    found = session.execute(_REASONS, {"id": strategy_id, "signals": SIGNALS_JUDGED})
    return tuple((reason, count) for reason, count in found)
