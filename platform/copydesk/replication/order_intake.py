"""Turn what an exchange tells of a leader's orders into stored orders and deliveries, each change exactly once.

Only for strategies of which somebody copies orders. What never rests is left to its fills: market orders, and those
that are immediate or nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.replication.intake import Leader, LeaderState
from copydesk.trading import TERMINAL, OrderStatus, OrderType, TimeInForce
from copydesk.venues import UNNAMED, OrderFact

_WANTED = text(
    "SELECT EXISTS (SELECT 1 FROM subscription WHERE strategy_id = :strategy_id AND copies = 'orders' "
    "AND state <> 'ended')"
)

_HEARD = text(
    """
    UPDATE strategy SET orders_heard_since = CASE WHEN :heard THEN clock_timestamp() END
    WHERE id = :strategy_id AND (orders_heard_since IS NOT NULL) <> :heard
    """
)

# What a conditional order placed is told under an id of its own; where the exchange does not say which one placed it,
# it is one that waits with the same terms.
_KNOWN = text(
    """
    SELECT id, version, qty, cum_qty, status, px, trigger_px, placed_id, venue_at FROM leader_order
    WHERE account_id = :account_id AND symbol = :symbol
      AND (venue_order_id = :order_id OR placed_id = :placed_id OR (:unnamed AND placed_id = '' AND side = :side
           AND type NOT IN ('limit', 'market') AND qty = :qty AND px IS NOT DISTINCT FROM CAST(:px AS numeric)
           AND status = 'accepted'))
    ORDER BY venue_order_id = :order_id DESC, placed_id = :placed_id DESC, id LIMIT 1 FOR UPDATE
    """
)
_CHANGE = text(
    """
    UPDATE leader_order SET qty = :qty, cum_qty = :cum_qty, status = :status, px = :px, trigger_px = :trigger_px,
        placed_id = :placed_id, venue_at = :venue_at, seen_at = :seen_at, version = version + :changed
    WHERE id = :id RETURNING version
    """
)

# The signal of the order's placing: the leader's book is where it was, and the order is filled to 0.
_LOCK_BOOK = text(
    """
    INSERT INTO leader_book (tenant_id, strategy_id, symbol, position_side, qty, last_px)
    VALUES (:tenant_id, :strategy_id, :symbol, :position_side, 0, :mark)
    ON CONFLICT (tenant_id, strategy_id, symbol, position_side) DO UPDATE SET qty = leader_book.qty RETURNING qty
    """
)
_SIGNAL = text(
    """
    INSERT INTO signal (tenant_id, strategy_id, account_id, symbol, position_side, side, venue_order_id, cum_qty, qty,
                        px, position_before, position_after, leader_equity, leader_leverage, venue_at, seen_at)
    VALUES (:tenant_id, :strategy_id, :account_id, :symbol, :position_side, :side, :order_id, 0, :qty, :mark, :held,
            :held, :equity, :leverage, :venue_at, :seen_at)
    ON CONFLICT (tenant_id, account_id, symbol, venue_order_id, cum_qty) DO NOTHING RETURNING id
    """
)
_PLACE = text(
    """
    INSERT INTO leader_order (tenant_id, strategy_id, account_id, signal_id, symbol, position_side, venue_order_id,
                              placed_id, side, type, status, qty, cum_qty, px, trigger_px, reduces, closes_all,
                              placed_at, venue_at, seen_at)
    VALUES (:tenant_id, :strategy_id, :account_id, :signal_id, :symbol, :position_side, :order_id, :placed_id, :side,
            :type, :status, :qty, :cum_qty, :px, :trigger_px, :reduces, :closes_all, :venue_at, :venue_at, :seen_at)
    RETURNING id
    """
)
_DELIVER = text(
    """
    INSERT INTO order_delivery (tenant_id, leader_order_id, shard, version)
    SELECT DISTINCT s.tenant_id, CAST(:id AS bigint), a.shard, CAST(:version AS integer)
    FROM subscription s JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    WHERE s.strategy_id = :strategy_id AND s.copies = 'orders'
    ON CONFLICT (tenant_id, leader_order_id, shard) DO UPDATE
    SET version = excluded.version, due_at = least(order_delivery.due_at, excluded.due_at)
    RETURNING shard
    """
)
_STILL_OPEN = text(
    """
    SELECT id, version, qty, cum_qty, status, px, trigger_px, placed_id, venue_at, venue_order_id, (
        SELECT coalesce(sum(e.qty), 0) FROM execution e
        WHERE e.tenant_id = o.tenant_id AND e.account_id = o.account_id AND e.symbol = o.symbol
          AND e.venue_order_id IN (o.venue_order_id, o.placed_id)) AS executed
    FROM leader_order o
    WHERE account_id = :account_id AND symbol = :symbol AND seen_at < :as_of
      AND status IN ('accepted', 'partially_filled') FOR UPDATE
    """
)


@dataclass(frozen=True)
class OrderState:
    """What may change of a leader's order."""

    qty: Decimal
    cum_qty: Decimal
    status: OrderStatus
    px: Decimal | None
    trigger_px: Decimal | None
    placed_id: str
    venue_at: datetime

    @property
    def over(self) -> bool:
        return self.status in TERMINAL


@dataclass(frozen=True)
class StoredOrder:
    """A version of a leader's order that this call stored, with the shards that must be woken for it."""

    id: int
    version: int
    shards: tuple[str, ...]


def orders_are_copied(session: TenantSession, leader: Leader) -> bool:
    """Tell whether anybody copies this leader's orders; else they are none of our business."""
    return bool(session.execute(_WANTED, {"strategy_id": leader.strategy_id}).scalar())


def note_hearing(session: TenantSession, leader: Leader) -> bool:
    """Tell whether anybody copies this leader's orders, and note from when on, or that they are heard no longer."""
    heard = orders_are_copied(session, leader)
    session.execute(_HEARD, {"strategy_id": leader.strategy_id, "heard": heard})
    return heard


def store_orders(
    session: TenantSession, leader: Leader, facts: Iterable[OrderFact], *, state: LeaderState, seen_at: datetime
) -> list[StoredOrder]:
    """Store what is new among the facts; a known or older fact changes nothing, so replays are harmless."""
    stored = (_store(session, leader, fact, state, seen_at) for fact in facts)
    return [order for order in stored if order is not None]


def end_missing(
    session: TenantSession,
    leader: Leader,
    symbol: str,
    listed: Collection[OrderFact],
    *,
    as_of: datetime,
) -> list[StoredOrder]:
    """End the leader's orders of one instrument that the exchange does not list any more; executions say how.

    Only those that were last heard of before the list was asked for (`as_of`).
    """
    names = {fact.venue_order_id for fact in listed}
    keys = {"account_id": leader.account_id, "symbol": symbol, "as_of": as_of}
    ended = []
    for row in session.execute(_STILL_OPEN, keys).mappings().all():
        if names & {row["venue_order_id"], row["placed_id"]}:
            continue
        known = _state(row)
        cum_qty = max(known.cum_qty, min(row["executed"], known.qty))
        status = OrderStatus.FILLED if cum_qty >= known.qty > 0 else OrderStatus.CANCELED
        now = replace(known, cum_qty=cum_qty, status=status)
        ended.append(_change(session, leader, row["id"], known, now, as_of))
    return [order for order in ended if order is not None]


def merged(known: OrderState, fact: OrderFact) -> OrderState:
    """Return what is known after a fact that may be older, a repeat, or tell of the order that this one placed. Pure.

    What is over stays over, and fills only grow; else the exchange's time decides, and a fill is newer than none.
    """
    at = _moment(fact.at_ms)
    placed = fact.venue_order_id if fact.placed_by else fact.placed_id
    cum_qty = max(known.cum_qty, fact.cum_qty)
    found = replace(known, cum_qty=cum_qty, placed_id=placed or known.placed_id, venue_at=max(known.venue_at, at))
    newer = at >= known.venue_at or fact.cum_qty > known.cum_qty or fact.status in TERMINAL
    if known.over or not newer:
        return found
    if fact.placed_by or at < known.venue_at:
        return replace(found, status=fact.status)
    return replace(
        found,
        status=fact.status,
        qty=fact.qty,
        px=fact.px,
        trigger_px=fact.trigger_px or known.trigger_px,
    )


def rests(fact: OrderFact) -> bool:
    """Tell whether an order waits at the exchange, for a price or for its trigger. Pure."""
    if fact.status in TERMINAL or fact.placed_by:
        return False
    return fact.type.conditional or (fact.type is OrderType.LIMIT and fact.time_in_force is TimeInForce.GTC)


def _store(
    session: TenantSession, leader: Leader, fact: OrderFact, state: LeaderState, seen_at: datetime
) -> StoredOrder | None:
    keys = {
        "account_id": leader.account_id,
        "symbol": fact.symbol,
        "order_id": fact.placed_by or fact.venue_order_id,
        "placed_id": fact.venue_order_id,
        "unnamed": fact.placed_by == UNNAMED,
        "side": str(fact.side),
        "qty": fact.qty,
        "px": fact.px,
    }
    row = session.execute(_KNOWN, keys).mappings().one_or_none()
    if row is not None:
        known = _state(row)
        return _change(session, leader, row["id"], known, merged(known, fact), seen_at)
    begins = rests(fact) and orders_are_copied(session, leader)
    return _place(session, leader, fact, state, seen_at) if begins else None


def _change(
    session: TenantSession, leader: Leader, order_id: int, known: OrderState, now: OrderState, seen_at: datetime
) -> StoredOrder | None:
    changed = replace(now, venue_at=known.venue_at) != known
    params = vars(now) | {"status": str(now.status), "id": order_id, "seen_at": seen_at, "changed": int(changed)}
    version = session.execute(_CHANGE, params).scalar_one()
    return _deliver(session, leader, order_id, version) if changed else None


def _place(
    session: TenantSession, leader: Leader, fact: OrderFact, state: LeaderState, seen_at: datetime
) -> StoredOrder | None:
    params: dict[str, Any] = fact._asdict() | {
        "tenant_id": leader.tenant_id,
        "strategy_id": leader.strategy_id,
        "account_id": leader.account_id,
        "order_id": fact.venue_order_id,
        "position_side": str(fact.position_side),
        "side": str(fact.side),
        "type": str(fact.type),
        "status": str(fact.status),
        "mark": fact.px or fact.trigger_px,
        "equity": state.equity,
        "leverage": state.leverage.get(fact.symbol),
        "venue_at": _moment(fact.at_ms),
        "seen_at": seen_at,
    }
    params["held"] = session.execute(_LOCK_BOOK, params).scalar_one()
    params["signal_id"] = session.execute(_SIGNAL, params).scalar()
    if params["signal_id"] is None:
        return None
    return _deliver(session, leader, session.execute(_PLACE, params).scalar_one(), 1)


def _deliver(session: TenantSession, leader: Leader, order_id: int, version: int) -> StoredOrder:
    keys = {"id": order_id, "version": version, "strategy_id": leader.strategy_id}
    return StoredOrder(order_id, version, tuple(session.execute(_DELIVER, keys).scalars()))


def _state(row: Any) -> OrderState:
    values = {name: row[name] for name in OrderState.__dataclass_fields__}
    return OrderState(**(values | {"status": OrderStatus(row["status"])}))


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
