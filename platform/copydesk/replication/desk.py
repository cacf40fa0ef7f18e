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
from copydesk.replication.counted import counted
from copydesk.replication.evidence import decision_of
from copydesk.replication.explain import Decision, copy_slippage_bps
from copydesk.replication.moves import Direction, Move, direction_of, move_between

COPIES_MAX = 50


@dataclass(frozen=True)
class SignalReceipt:
    """One signal and what became of its copies.

    `done` copies hold a fill and are final; `partial` of them got less than planned. `missed` were accepted but
    found nothing within the price bound. Repairs by reconcile (legs "fix-N") are not counted. `exchange` is the
    trader's, by its venue name; positions are signed, a short is below zero; `leverage` is None where it is not known.
    A signal of a burst was copied together with the later one that it was `joined_into`.
    """

    signal_id: int
    strategy_slug: str
    strategy_name: str
    trader_name: str
    exchange: str
    symbol: str
    side: str
    position_before: Decimal
    position_after: Decimal
    leverage: int | None
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
    joined_into: int | None = None

    @property
    def perpetual(self) -> bool:
        """Tell a perpetual by its ccxt symbol, which names the settlement currency ("BTC/USDT:USDT")."""
        return ":" in self.symbol

    @property
    def move(self) -> Move | None:
        """Tell what a trade on a perpetual did to the trader's position; None on spot."""
        return move_between(self.position_before, self.position_after) if self.perpetual else None

    @property
    def turns(self) -> bool:
        """Tell whether the trader went through zero to the other side, which takes a follower two orders."""
        return self.move in (Move.TURNS_LONG, Move.TURNS_SHORT)


@dataclass(frozen=True)
class CopyReceipt:
    """What happened for one follower. `slippage_bps` above zero is worse for the follower than the leader's price.

    `exchange` is the follower's, by its venue name. `direction` is the side of a perpetual that the order opens or
    closes, None on spot; `leverage` what the account was set to when the order was sent, None where that is not known.
    `decision` says why it is as large as it is, None where nothing was sized.
    """

    copy_id: int
    follower_no: int
    exchange: str
    leg: str
    direction: Direction | None
    reduces: bool
    leverage: int | None
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
    decision: Decision | None = None

    @property
    def follower(self) -> str:
        """Return the English label; templates translate with `follower_no`."""
        return f"Follower {self.follower_no}"


@dataclass(frozen=True)
class SignalDetail:
    """One signal with up to `COPIES_MAX` copies; `receipt.copies` says how many there are.

    `joined` earlier signals of a burst were copied together with it.
    """

    receipt: SignalReceipt
    copies: list[CopyReceipt]
    joined: int = 0


# The lateral subquery reads only the copies of the chosen signals, each of them once, and works out once what several
# of the figures ask of it (OFFSET 0).
_RECEIPTS = """
WITH chosen AS (
    SELECT signal.*, CAST(signal.px AS float8) AS leader_px, strategy.slug AS strategy_slug,
           strategy.name AS strategy_name, user_account.display_name AS trader_name, account.venue AS exchange
    FROM signal
    JOIN account ON account.tenant_id = signal.tenant_id AND account.id = signal.account_id
    JOIN strategy ON strategy.tenant_id = signal.tenant_id AND strategy.id = signal.strategy_id
    JOIN user_account ON user_account.tenant_id = strategy.tenant_id AND user_account.id = strategy.trader_id
    WHERE strategy.status IN ('probation', 'live', 'paused', 'suspended', 'closed') AND {condition}
    ORDER BY signal.id DESC LIMIT :limit
)
SELECT chosen.id AS signal_id, strategy_slug, strategy_name, trader_name, exchange, symbol, side, position_before,
       position_after, leader_leverage AS leverage, qty, px, qty * px AS notional, venue_at,
       {seen_ms} AS seen_ms, {stored_ms} AS stored_ms, copies, done, partial, missed, denied, rejected, in_flight,
       latency_ms_p50, last_ack_ms, slippage_bps_p50,
       (SELECT max(joined_into) FROM delivery WHERE tenant_id = chosen.tenant_id AND signal_id = chosen.id)
           AS joined_into,
       top.reason AS top_reason, (SELECT reason_facts FROM copy WHERE tenant_id = chosen.tenant_id AND id = top.copy_id)
           AS top_reason_facts
FROM chosen
CROSS JOIN LATERAL (
    SELECT count(*) AS copies,
           count(*) FILTER (WHERE final AND cum_qty > 0) AS done,
           count(*) FILTER (WHERE final AND cum_qty > 0 AND cum_qty < copied.qty) AS partial,
           count(*) FILTER (WHERE status IN ('canceled', 'expired') AND cum_qty = 0) AS missed,
           count(*) FILTER (WHERE status = 'denied') AS denied,
           count(*) FILTER (WHERE status = 'rejected') AS rejected,
           count(*) FILTER (WHERE NOT final) AS in_flight,
           round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ack_ms))::bigint AS latency_ms_p50,
           round(max(ack_ms))::bigint AS last_ack_ms,
           round((percentile_cont(0.5) WITHIN GROUP (ORDER BY bps))::numeric, 2) AS slippage_bps_p50,
           array_agg(reason) FILTER (WHERE reason IS NOT NULL) AS reasons,
           array_agg(copied.id) FILTER (WHERE reason IS NOT NULL) AS reason_ids
    FROM (
        SELECT copy.id, status, cum_qty, copy.qty, reason,
               status IN ('denied', 'filled', 'canceled', 'rejected', 'expired') AS final,
               date_part('epoch', acked_at - chosen.venue_at) * 1000 AS ack_ms,
               CASE WHEN cum_qty > 0
                    THEN (CASE copy.side WHEN 'buy' THEN 1 ELSE -1 END)
                         * (CAST(avg_px AS float8) / coalesce(burst.px, leader_px) - 1) * 10000 END AS bps
        FROM copy {burst}
        WHERE copy.tenant_id = chosen.tenant_id AND copy.signal_id = chosen.id AND leg IN ('open', 'close')
              AND {counted}
        OFFSET 0
    ) AS copied
) AS tally
LEFT JOIN LATERAL (
    SELECT reason, min(copy_id) AS copy_id FROM unnest(reasons, reason_ids) AS left_out (reason, copy_id)
    GROUP BY reason ORDER BY count(*) DESC, reason LIMIT 1
) AS top ON true
ORDER BY chosen.id DESC
"""

# What a lane planned together was copied at the leader's average price of it all (`burst.joined`).
_BURST = """
LEFT JOIN LATERAL (
    SELECT delivery.shard, (sum(earlier.px * abs(earlier.position_after - earlier.position_before))
                            + {signal}.px * abs({signal}.position_after - {signal}.position_before))
                           / (sum(abs(earlier.position_after - earlier.position_before))
                              + abs({signal}.position_after - {signal}.position_before)) AS px
    FROM delivery JOIN signal AS earlier
         ON earlier.tenant_id = delivery.tenant_id AND earlier.id = delivery.signal_id
    WHERE delivery.tenant_id = {signal}.tenant_id AND delivery.joined_into = {signal}.id
    GROUP BY delivery.shard
) AS burst ON burst.shard = copy.shard
"""
_JOINED = text("SELECT count(DISTINCT signal_id) FROM delivery WHERE joined_into = :signal_id")

# What an account was set to after the order was sent says nothing about the order.
_COPIES = """
WITH numbered AS (
    SELECT id, row_number() OVER (ORDER BY id) AS follower_no, sizing_mode, sizing_value, allocation
    FROM subscription
    WHERE strategy_id = (SELECT strategy_id FROM signal WHERE id = :signal_id) AND {counted}
)
SELECT copy.id AS copy_id, follower_no, account.venue AS exchange, leg, copy.symbol, copy.position_side, reduces,
       nullif(account_setup.leverage, 0) AS leverage, sizing_mode, sizing_value,
       coalesce(copy.allocation, numbered.allocation) AS allocation,
       copy.side, copy.qty, copy.cum_qty, avg_px, copy.px AS px_limit, copy.cum_qty * avg_px AS notional, copy.status,
       reason, reason_facts AS facts, coalesce(burst.px, signal.px) AS leader_px, {planned_ms} AS planned_ms,
       {sent_ms} AS sent_ms, {acked_ms} AS acked_ms, wanted_qty, book_qty, bound
FROM copy
JOIN signal ON signal.tenant_id = copy.tenant_id AND signal.id = copy.signal_id
JOIN numbered ON numbered.id = copy.subscription_id
JOIN account ON account.tenant_id = copy.tenant_id AND account.id = copy.account_id
LEFT JOIN account_setup ON account_setup.tenant_id = copy.tenant_id AND account_setup.account_id = copy.account_id
     AND account_setup.symbol = copy.symbol AND account_setup.at <= copy.sent_at
{burst}
WHERE copy.signal_id = :signal_id
ORDER BY follower_no, copy.id LIMIT :limit
"""


def _ms(column: str, since: str) -> str:
    return f"round(extract(epoch FROM {column} - {since}) * 1000)::bigint"


def _receipts_query(condition: str) -> str:
    return _RECEIPTS.format(
        condition=condition,
        seen_ms=_ms("seen_at", "venue_at"),
        stored_ms=_ms("stored_at", "venue_at"),
        burst=_BURST.format(signal="chosen"),
        counted=counted("copy"),
    )


# What a trader shows to the invited alone, or later than now, is not for every visitor (`studio.terms`).
_SHOWN_TO_ALL = """NOT EXISTS (
    SELECT FROM strategy_terms AS terms WHERE terms.tenant_id = strategy.tenant_id AND terms.strategy_id = strategy.id
           AND (terms.private OR terms.shows ->> 'positions' <> 'now'))"""
# An order that was placed and has no fill yet is no trade.
_RECENT = text(_receipts_query(f"signal.cum_qty > 0 AND {_SHOWN_TO_ALL}"))
_OF_STRATEGY = text(
    _receipts_query(
        "strategy.id = :strategy_id AND signal.cum_qty > 0 "
        "AND (CAST(:until AS timestamptz) IS NULL OR signal.venue_at <= :until)"
    )
)
_ONE = text(_receipts_query(f"signal.id = :signal_id AND {_SHOWN_TO_ALL}"))
_COPIES_OF = text(
    _COPIES.format(
        planned_ms=_ms("planned_at", "signal.venue_at"),
        sent_ms=_ms("sent_at", "signal.venue_at"),
        acked_ms=_ms("acked_at", "signal.venue_at"),
        burst=_BURST.format(signal="signal"),
        counted=counted("subscription"),
    )
)


def recent_signals(
    session: Session, *, limit: int, strategy_id: int | None = None, until: datetime | None = None
) -> list[SignalReceipt]:
    """Return the newest signals first, of all that a visitor may see, or of one strategy up to a moment."""
    query = _RECENT if strategy_id is None else _OF_STRATEGY
    facts = {"limit": limit} | ({} if strategy_id is None else {"strategy_id": strategy_id, "until": until})
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
    joined = session.execute(_JOINED, {"signal_id": signal_id}).scalar_one()
    return SignalDetail(receipt, [_copy_receipt(dict(row)) for row in rows], joined)


def _copy_receipt(row: dict[str, Any]) -> CopyReceipt:
    leader_px, symbol, position_side = row.pop("leader_px"), row.pop("symbol"), row.pop("position_side")
    direction = direction_of(symbol, position_side, row["side"], reduces=row["reduces"])
    slippage = copy_slippage_bps(row["side"], leader_px, row["avg_px"], row["cum_qty"])
    decision = decision_of(row | {"px": row["px_limit"]})
    for name in ("wanted_qty", "book_qty", "bound"):
        del row[name]
    return CopyReceipt(**row, direction=direction, slippage_bps=slippage, decision=decision)
