"""What is stored about one subscription and one signal, read in one place for its explanation. Read-only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from copydesk.kernel import NotFound
from copydesk.replication.explain import (
    CopyTold,
    Decision,
    Explanation,
    FillTold,
    FollowerTerms,
    Handover,
    LeaderMove,
    absence_of,
    copy_slippage_bps,
    ms_between,
    whole_move,
)
from copydesk.replication.model import Bound, No, SignalFact
from copydesk.trading import Denial, PositionSide

_FOLLOWER = text(
    """
    SELECT s.id AS subscription_id, s.strategy_id, s.account_id, a.label AS account, a.shard, a.venue AS exchange,
           a.environment, s.state, s.state_reason, s.copies, s.sizing_mode, s.sizing_value, s.size_policy,
           s.leverage_max, s.allocation, s.created_at, s.ended_at
    FROM subscription s JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id WHERE s.id = :id
    """
)
# The signal, last, and those that a lane planned together with it.
_TOGETHER = text(
    """
    SELECT s.id AS signal_id, s.strategy_id, t.slug AS strategy_slug, t.name AS strategy_name,
           u.display_name AS trader_name, a.venue AS exchange, s.side, s.qty, s.cum_qty, s.venue_order_id AS order_id,
           s.seen_at, s.stored_at, s.symbol, s.px, s.position_before, s.position_after, s.leader_equity, s.venue_at,
           s.qty = s.cum_qty AS first_of_order, s.position_side, s.leader_leverage
    FROM signal s JOIN strategy t ON t.tenant_id = s.tenant_id AND t.id = s.strategy_id
    JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    JOIN user_account u ON u.tenant_id = t.tenant_id AND u.id = t.trader_id
    WHERE s.id = ANY(ARRAY(SELECT signal_id FROM delivery WHERE joined_into = :id AND shard = :shard)
                     || CAST(:id AS bigint))
    ORDER BY s.id
    """
)
_HANDOVER = text(
    "SELECT drained_at, intents IS NOT NULL AS being_sent, joined_into FROM delivery "
    "WHERE signal_id = :id AND shard = :shard"
)
_COPIES = text(
    """
    SELECT id AS copy_id, leg, side, type, qty, px, reduces, waits, status, reason, reason_facts AS facts,
           client_order_id, venue_order_id AS order_id, cum_qty, avg_px, planned_at, sent_at, acked_at, wanted_qty,
           allocation, book_qty, bound
    FROM copy WHERE signal_id = :id AND subscription_id = :subscription_id ORDER BY id
    """
)
_FILLS = text(
    "SELECT copy_id, trade_id, qty, px, fee, fee_currency, at FROM copy_fill WHERE copy_id = ANY(:ids) "
    "ORDER BY at, length(trade_id), trade_id"
)
_UNPLACED = text(
    """
    SELECT r.reason, r.reason_facts FROM leader_order o
    JOIN resting_order r ON r.tenant_id = o.tenant_id AND r.leader_order_id = o.id
    WHERE o.signal_id = :id AND r.subscription_id = :subscription_id AND r.reason IS NOT NULL
    """
)
_LAST = text("SELECT max(signal_id) FROM copy WHERE subscription_id = :id")
_LAST_SIGNAL = text("SELECT max(id) FROM signal WHERE strategy_id = :strategy_id")

_OF_FACT = frozenset(
    {"symbol", "px", "position_before", "position_after", "leader_equity", "venue_at", "first_of_order"}
    | {"position_side", "leader_leverage"}
)
_OF_DECISION = frozenset({"wanted_qty", "allocation", "book_qty", "bound", "planned_at", "sent_at", "acked_at"})


def explanation_of(session: Session, subscription_id: int, signal_id: int) -> Explanation:
    """Return everything that is stored about one signal for one subscription.

    Raises NotFound where the brand has no such subscription or signal, and where they are of different strategies.
    """
    follower = _follower(session, subscription_id)
    place = {"id": signal_id, "shard": follower.shard}
    together = tuple(_leader_move(dict(row)) for row in session.execute(_TOGETHER, place).mappings())
    if not together:
        raise NotFound(f"There is no signal {signal_id}.")
    move = together[-1]
    if follower.strategy_id != move.strategy_id:
        raise NotFound(
            f"Signal {signal_id} is of the strategy {move.strategy_slug}, which subscription {subscription_id} "
            "does not copy."
        )
    row = session.execute(_HANDOVER, place).first()
    handover = None if row is None else Handover(row.drained_at, row.being_sent, row.joined_into)
    copies = _copies(session, subscription_id, move, whole_move([one.fact for one in together]).px)
    absence = None if copies else absence_of(move, together[0].fact, follower, handover)
    return Explanation(
        move, together, follower, handover, copies, absence, _unplaced(session, subscription_id, signal_id)
    )


def _unplaced(session: Session, subscription_id: int, signal_id: int) -> No | None:
    row = session.execute(_UNPLACED, {"id": signal_id, "subscription_id": subscription_id}).first()
    return None if row is None else (Denial(row.reason), row.reason_facts or {})


def last_signal(session: Session, subscription_id: int) -> int:
    """Return the newest signal that a subscription has a copy of, else its strategy's newest; raises NotFound."""
    follower = _follower(session, subscription_id)
    found = session.execute(_LAST, {"id": subscription_id}).scalar()
    if found is None:
        found = session.execute(_LAST_SIGNAL, {"strategy_id": follower.strategy_id}).scalar()
    if found is None:
        raise NotFound(f"The strategy of subscription {subscription_id} has given no signal yet.")
    return int(found)


def _follower(session: Session, subscription_id: int) -> FollowerTerms:
    row = session.execute(_FOLLOWER, {"id": subscription_id}).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no subscription {subscription_id}.")
    return FollowerTerms(**row)


def _leader_move(row: Mapping[str, Any]) -> LeaderMove:
    fact = SignalFact(
        row["signal_id"],
        row["symbol"],
        row["px"],
        row["position_before"],
        row["position_after"],
        row["leader_equity"],
        row["venue_at"],
        row["first_of_order"],
        PositionSide(row["position_side"]),
        row["leader_leverage"],
    )
    return LeaderMove(fact=fact, **{name: value for name, value in row.items() if name not in _OF_FACT})


def _copies(session: Session, subscription_id: int, move: LeaderMove, leader_px: Decimal) -> tuple[CopyTold, ...]:
    keys = {"id": move.signal_id, "subscription_id": subscription_id}
    rows = [dict(row) for row in session.execute(_COPIES, keys).mappings()]
    fills: defaultdict[int, list[FillTold]] = defaultdict(list)
    for copy_id, *fill in session.execute(_FILLS, {"ids": [row["copy_id"] for row in rows]}):
        fills[copy_id].append(FillTold(*fill))
    return tuple(_copy(row, move, leader_px, fills[row["copy_id"]]) for row in rows)


def _copy(row: Mapping[str, Any], move: LeaderMove, leader_px: Decimal, fills: Sequence[FillTold]) -> CopyTold:
    def ms(name: str) -> int | None:
        return None if row[name] is None else ms_between(move.fact.venue_at, row[name])

    return CopyTold(
        **{name: value for name, value in row.items() if name not in _OF_DECISION},
        planned_ms=ms_between(move.fact.venue_at, row["planned_at"]),
        sent_ms=ms("sent_at"),
        acked_ms=ms("acked_at"),
        slippage_bps=copy_slippage_bps(row["side"], leader_px, row["avg_px"], row["cum_qty"]),
        decision=decision_of(row),
        fills=tuple(fills),
    )


def decision_of(row: Mapping[str, Any]) -> Decision | None:
    """Return the decision behind a copy as stored: its `wanted_qty`, `allocation`, `book_qty`, `bound`, `qty`, `px`.

    None where none was stored, as with corrective orders, or where nothing was sized since the copy was denied before.
    """
    if not row["wanted_qty"] or row["bound"] is None:
        return None
    return Decision(row["wanted_qty"], row["qty"], row["allocation"], row["book_qty"], Bound(row["bound"]), row["px"])
