"""What a visitor sees of replication: each signal with its outcome, and each follower's copy receipt.

Read-only. Followers are numbered within their strategy and never named. A `*_ms` figure counts from the
exchange time of the leader's execution (`venue_at`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from copydesk.kernel import NotFound
from copydesk.replication.stats import slippage_bps
from copydesk.trading import Side

COPIES_MAX = 200


@dataclass(frozen=True)
class SignalReceipt:
    """One signal and what became of its copies.

    `done` copies hold a fill and are final; `partial` of them got less than planned. `missed` were accepted but
    found nothing within the price bound. Repairs by reconcile (legs "fix-N") are not counted.
    """

    signal_id: int
    strategy_slug: str
    strategy_name: str
    trader_name: str
    symbol: str
    side: str
    qty: Decimal
    px: Decimal
    notional: Decimal
    venue_at: datetime
    seen_ms: int
    stored_ms: int
    copies: int
    done: int
    partial: int
    missed: int
    denied: int
    rejected: int
    in_flight: int
    top_reason: str | None
    top_reason_facts: dict[str, Any] | None
    latency_ms_p50: int | None
    last_ack_ms: int | None
    slippage_bps_p50: Decimal | None


@dataclass(frozen=True)
class CopyReceipt:
    """What happened for one follower. `slippage_bps` above zero is worse for the follower than the leader's price."""

    copy_id: int
    follower_no: int
    leg: str
    sizing_mode: str
    sizing_value: Decimal | None
    allocation: Decimal
    side: str
    qty: Decimal
    cum_qty: Decimal
    avg_px: Decimal | None
    px_limit: Decimal | None
    notional: Decimal | None
    status: str
    reason: str | None
    facts: dict[str, Any] | None
    slippage_bps: Decimal | None
    planned_ms: int
    sent_ms: int | None
    acked_ms: int | None

    @property
    def follower(self) -> str:
        """Return the English label; templates translate with `follower_no`."""
        return f"Follower {self.follower_no}"


@dataclass(frozen=True)
class SignalDetail:
    """One signal with up to `COPIES_MAX` copies; `receipt.copies` says how many there are."""

    receipt: SignalReceipt
    copies: list[CopyReceipt]


# The lateral subqueries read only the copies of the chosen signals, through ix_copy_signal.
_RECEIPTS = """
WITH chosen AS (
    SELECT signal.*, strategy.slug AS strategy_slug, strategy.name AS strategy_name,
           user_account.display_name AS trader_name
    FROM signal
    JOIN strategy ON strategy.tenant_id = signal.tenant_id AND strategy.id = signal.strategy_id
    JOIN user_account ON user_account.tenant_id = strategy.tenant_id AND user_account.id = strategy.trader_id
    WHERE strategy.status IN ('live', 'paused', 'closed') AND {condition}
    ORDER BY signal.id DESC LIMIT :limit
)
SELECT chosen.id AS signal_id, strategy_slug, strategy_name, trader_name, symbol, side, qty, px, qty * px AS notional,
       venue_at, {seen_ms} AS seen_ms, {stored_ms} AS stored_ms, tally.*,
       top.reason AS top_reason, top.facts AS top_reason_facts
FROM chosen
CROSS JOIN LATERAL (
    SELECT count(*) AS copies,
           count(*) FILTER (WHERE final AND cum_qty > 0) AS done,
           count(*) FILTER (WHERE final AND cum_qty > 0 AND cum_qty < copied.qty) AS partial,
           count(*) FILTER (WHERE status IN ('canceled', 'expired') AND cum_qty = 0) AS missed,
           count(*) FILTER (WHERE status = 'denied') AS denied,
           count(*) FILTER (WHERE status = 'rejected') AS rejected,
           count(*) FILTER (WHERE NOT final) AS in_flight,
           round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ack_ms))::int AS latency_ms_p50,
           round(max(ack_ms))::int AS last_ack_ms,
           round((percentile_cont(0.5) WITHIN GROUP (ORDER BY bps))::numeric, 2) AS slippage_bps_p50
    FROM (
        SELECT status, cum_qty, copy.qty,
               status IN ('denied', 'filled', 'canceled', 'rejected', 'expired') AS final,
               extract(epoch FROM acked_at - chosen.venue_at) * 1000 AS ack_ms,
               CASE WHEN cum_qty > 0
                    THEN (CASE copy.side WHEN 'buy' THEN 1 ELSE -1 END) * (avg_px / chosen.px - 1) * 10000 END AS bps
        FROM copy
        WHERE copy.tenant_id = chosen.tenant_id AND copy.signal_id = chosen.id AND leg IN ('open', 'close')
    ) AS copied
) AS tally
LEFT JOIN LATERAL (
    SELECT reason, (array_agg(reason_facts ORDER BY copy.id))[1] AS facts
    FROM copy
    WHERE copy.tenant_id = chosen.tenant_id AND copy.signal_id = chosen.id AND leg IN ('open', 'close')
          AND reason IS NOT NULL
    GROUP BY reason ORDER BY count(*) DESC, reason LIMIT 1
) AS top ON true
ORDER BY chosen.id DESC
"""

_COPIES = """
WITH numbered AS (
    SELECT id, row_number() OVER (ORDER BY id) AS follower_no, sizing_mode, sizing_value, allocation
    FROM subscription
    WHERE strategy_id = (SELECT strategy_id FROM signal WHERE id = :signal_id)
)
SELECT copy.id AS copy_id, follower_no, leg, sizing_mode, sizing_value, allocation, copy.side, copy.qty, copy.cum_qty,
       avg_px, copy.px AS px_limit, copy.cum_qty * avg_px AS notional, status, reason, reason_facts AS facts,
       signal.px AS leader_px, {planned_ms} AS planned_ms, {sent_ms} AS sent_ms, {acked_ms} AS acked_ms
FROM copy
JOIN signal ON signal.tenant_id = copy.tenant_id AND signal.id = copy.signal_id
JOIN numbered ON numbered.id = copy.subscription_id
WHERE copy.signal_id = :signal_id
ORDER BY follower_no, copy.id LIMIT :limit
"""


def _ms(column: str, since: str) -> str:
    return f"round(extract(epoch FROM {column} - {since}) * 1000)::int"


def _receipts_query(condition: str) -> str:
    return _RECEIPTS.format(
        condition=condition, seen_ms=_ms("seen_at", "venue_at"), stored_ms=_ms("stored_at", "venue_at")
    )


_RECENT = text(_receipts_query("true"))
_OF_STRATEGY = text(_receipts_query("strategy.id = :strategy_id"))
_ONE = text(_receipts_query("signal.id = :signal_id"))
_COPIES_OF = text(
    _COPIES.format(
        planned_ms=_ms("planned_at", "signal.venue_at"),
        sent_ms=_ms("sent_at", "signal.venue_at"),
        acked_ms=_ms("acked_at", "signal.venue_at"),
    )
)


def recent_signals(session: Session, *, limit: int, strategy_id: int | None = None) -> list[SignalReceipt]:
    """Return the newest signals first, of one strategy or of all that a visitor may see."""
    query = _RECENT if strategy_id is None else _OF_STRATEGY
    facts = {"limit": limit} | ({} if strategy_id is None else {"strategy_id": strategy_id})
    return [SignalReceipt(**row) for row in session.execute(query, facts).mappings()]


def signal_receipt(session: Session, signal_id: int) -> SignalReceipt | None:
    """Return one signal, or None where this brand has none such that a visitor may see."""
    row = session.execute(_ONE, {"limit": 1, "signal_id": signal_id}).mappings().one_or_none()
    return None if row is None else SignalReceipt(**row)


def signal_detail(session: Session, signal_id: int, *, limit: int = COPIES_MAX) -> SignalDetail:
    """Return one signal with its copies in follower order; raises NotFound."""
    receipt = signal_receipt(session, signal_id)
    if receipt is None:
        raise NotFound("There is no such signal.")
    rows = session.execute(_COPIES_OF, {"signal_id": signal_id, "limit": limit}).mappings()
    return SignalDetail(receipt, [_copy_receipt(dict(row)) for row in rows])


def _copy_receipt(row: dict[str, Any]) -> CopyReceipt:
    leader_px = row.pop("leader_px")
    filled = row["avg_px"] is not None and row["cum_qty"] > 0
    slippage = slippage_bps(side=Side(row["side"]), leader_px=leader_px, avg_px=row["avg_px"]) if filled else None
    return CopyReceipt(**row, slippage_bps=slippage)
