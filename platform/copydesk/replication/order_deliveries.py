"""Versions of leader orders that a lane has yet to look at, and which of them have come too early."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.trading import TERMINAL, OrderStatus, OrderType, PositionSide, Side

# How long after an exit was placed the fill that it belongs to may still be told.
ENTRY_TOLD_WITHIN = timedelta(seconds=10)

_DELIVERED = text(
    """
    SELECT o.id, y.version, o.strategy_id, o.symbol, o.position_side, o.side, o.type, o.status, o.qty, o.px,
           o.trigger_px, o.reduces, o.closes_all, o.placed_at, g.leader_equity, g.leader_leverage,
           coalesce(l.qty, 0) AS position, t.status IN ('live', 'probation') AS strategy_live,
           t.status = 'suspended' AS strategy_suspended,
           coalesce((SELECT max(f.cum_qty) FROM signal f
                     JOIN delivery d ON d.tenant_id = f.tenant_id AND d.signal_id = f.id AND d.shard = y.shard
                     WHERE f.tenant_id = o.tenant_id AND f.account_id = o.account_id AND f.symbol = o.symbol
                       AND f.venue_order_id IN (o.venue_order_id, o.placed_id) AND d.drained_at IS NOT NULL), 0)
               AS drained,
           EXISTS (SELECT 1 FROM delivery d JOIN signal f ON f.tenant_id = d.tenant_id AND f.id = d.signal_id
                   WHERE d.tenant_id = y.tenant_id AND d.shard = y.shard AND d.drained_at IS NULL
                     AND f.strategy_id = o.strategy_id AND f.symbol = o.symbol) AS unplanned
    FROM order_delivery y
    JOIN leader_order o ON o.tenant_id = y.tenant_id AND o.id = y.leader_order_id
    JOIN strategy t ON t.tenant_id = o.tenant_id AND t.id = o.strategy_id
    JOIN signal g ON g.tenant_id = o.tenant_id AND g.id = o.signal_id
    LEFT JOIN leader_book l ON l.tenant_id = o.tenant_id AND l.strategy_id = o.strategy_id AND l.symbol = o.symbol
         AND l.position_side = o.position_side
    WHERE y.shard = :shard ORDER BY o.id LIMIT 200
    """
)


@dataclass(frozen=True, slots=True)
class DeliveredOrder:
    """A version of a leader's order that a lane has yet to look at; `position` is the leader's, signed.

    `unplanned` tells whether the lane has yet to plan fills of the leader's in this instrument.
    """

    id: int
    version: int
    strategy_id: int
    symbol: str
    position_side: PositionSide
    side: Side
    type: OrderType
    status: OrderStatus
    qty: Decimal
    px: Decimal | None
    trigger_px: Decimal | None
    reduces: bool
    closes_all: bool
    placed_at: datetime
    leader_equity: Decimal
    leader_leverage: int | None
    position: Decimal
    strategy_live: bool
    drained: Decimal
    unplanned: bool = False
    strategy_suspended: bool = False

    def premature(self, now: datetime) -> bool:
        """Tell whether an exit has come before what it is to close: it is looked at again when that is planned.

        Exits attached to an entry are told with its fill, in the same moment or a little before.
        """
        if not self.closes:
            return False
        leaves = self.position * (1 if self.side is Side.SELL else -1) > 0
        young = now - self.placed_at < ENTRY_TOLD_WITHIN
        exit_only = self.reduces or self.closes_all or self.position_side is not PositionSide.NET
        return self.unplanned or (exit_only and young and not leaves)

    @property
    def mark(self) -> Decimal:
        """Return the price that the order is about."""
        px = self.px or self.trigger_px
        assert px is not None, "an order that rests has a price"
        return px

    @property
    def closes(self) -> bool | None:
        """Tell whether the order can only close; None for one that would take the leader to the other side."""
        if ":" not in self.symbol:
            return self.side is Side.SELL
        if self.position_side is not PositionSide.NET:
            return (self.side is Side.SELL) is (self.position_side is PositionSide.LONG)
        if self.reduces or self.closes_all:
            return True
        if self.position * (1 if self.side is Side.SELL else -1) <= 0:
            return False
        return True if self.qty <= abs(self.position) else None


def delivered_orders(session: TenantSession, shard: str) -> list[DeliveredOrder]:
    """Return the leader orders that a lane has yet to look at."""
    return [_delivered(row) for row in session.execute(_DELIVERED, {"shard": shard}).mappings()]


def over(order: DeliveredOrder) -> bool:
    """Tell whether the leader's order rests no more."""
    return order.status in TERMINAL


def _delivered(row: Any) -> DeliveredOrder:
    kinds = {
        "position_side": PositionSide(row["position_side"]),
        "side": Side(row["side"]),
        "type": OrderType(row["type"]),
        "status": OrderStatus(row["status"]),
    }
    return DeliveredOrder(**(dict(row) | kinds))
