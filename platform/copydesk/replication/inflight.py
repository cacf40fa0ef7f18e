"""Copies whose end is not known: what reconcile reads, and that it ran."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, text

from copydesk.db import TenantSession
from copydesk.kernel import ZERO
from copydesk.replication.margin_modes import PLAIN, told_mode
from copydesk.replication.orders import order_request
from copydesk.trading import MarginMode, OrderRequest, OrderStatus, OrderType, PositionSide, Side


@dataclass(frozen=True, slots=True)
class OpenCopy:
    """A copy whose end is not yet known, with what is needed to ask the exchange or to send it again.

    An open is no longer `wanted` once its book's target is not on its side: the leader has closed meanwhile.
    `venue_order_id`, `cum_qty` and `acked_at` are what the exchange has told of it so far; `key_denial` is why its
    account's key opens nothing any more.
    """

    id: int
    subscription_id: int
    signal_id: int
    account_id: int
    leg: str
    symbol: str
    side: Side
    type: OrderType
    qty: Decimal
    px: Decimal | None
    reduces: bool
    client_order_id: str
    status: OrderStatus
    checks: int
    proof_at: datetime | None
    signal_at: datetime
    planned_at: datetime
    wanted: bool = True
    position_side: PositionSide = PositionSide.NET
    acked_at: datetime | None = None
    venue_order_id: str | None = None
    cum_qty: Decimal = ZERO
    strategy_id: int = 0
    margin_mode: MarginMode = PLAIN
    key_denial: str | None = None

    def request(self) -> OrderRequest:
        """Return the very order that was stored, with the same client order id."""
        return order_request(self.client_order_id, self.symbol, self, self.position_side, self.margin_mode)


# Orders that rest are the mirror's. Without a `symbol` those that are due, with one its acknowledged opens whether due
# or not.
_DUE_CHECKS = text(
    """
    SELECT c.id, c.subscription_id, c.signal_id, c.account_id, c.leg, c.symbol, c.side, c.type, c.qty, c.px,
           c.reduces, c.client_order_id, c.status, c.checks, c.proof_at, s.venue_at AS signal_at,
           c.reduces OR coalesce(b.target_qty, 0) * CASE c.side WHEN 'buy' THEN 1 ELSE -1 END > 0 AS wanted,
           c.position_side, c.planned_at, c.acked_at, c.venue_order_id, c.cum_qty, s.strategy_id, a.key_denial,
           (SELECT p.margin_mode FROM account_setup p WHERE p.tenant_id = c.tenant_id
               AND p.account_id = c.account_id AND p.symbol = c.symbol) AS margin_mode
    FROM copy c
    JOIN signal s ON s.tenant_id = c.tenant_id AND s.id = c.signal_id
    JOIN account a ON a.tenant_id = c.tenant_id AND a.id = c.account_id
    LEFT JOIN book b ON b.tenant_id = c.tenant_id AND b.subscription_id = c.subscription_id
                    AND b.symbol = c.symbol AND b.position_side = c.position_side
    WHERE c.shard = :shard AND c.status IN ('in_flight', 'accepted', 'partially_filled') AND c.leg NOT LIKE 'rest-%'
      AND CASE WHEN CAST(:symbol AS text) IS NULL THEN c.next_check_at IS NULL OR c.next_check_at <= :now
               ELSE c.symbol = :symbol AND c.status <> 'in_flight' AND NOT c.reduces END
    ORDER BY c.reduces DESC, c.id LIMIT 500
    """
)


def due_checks(session: TenantSession, *, shard: str, now: datetime) -> list[OpenCopy]:
    """Return copies whose outcome is unknown and whose next look is due, closes first."""
    return [_open_copy(row) for row in session.execute(_DUE_CHECKS, {"shard": shard, "now": now, "symbol": None})]


def acknowledged_opens(session: TenantSession, *, shard: str, symbol: str) -> list[OpenCopy]:
    """Return opens of one instrument that the exchange has and whose fills are not all told."""
    rows = session.execute(_DUE_CHECKS, {"shard": shard, "now": None, "symbol": symbol})
    return [_open_copy(row) for row in rows]


def _open_copy(row: Row[Any]) -> OpenCopy:
    values = dict(row._mapping)
    values["side"], values["type"] = Side(values["side"]), OrderType(values["type"])
    values["status"], values["position_side"] = OrderStatus(values["status"]), PositionSide(values["position_side"])
    values["margin_mode"] = told_mode(values["margin_mode"])
    return OpenCopy(**values)


_RECORD_RUN = text(
    """
    INSERT INTO reconcile_run (tenant_id, shard, at, resolved, corrected)
    VALUES (:tenant_id, :shard, :at, :resolved, :corrected)
    ON CONFLICT (tenant_id, shard) DO UPDATE
    SET at = excluded.at, resolved = excluded.resolved, corrected = excluded.corrected
    """
)


def record_run(session: TenantSession, *, shard: str, at: datetime, resolved: int, corrected: int) -> None:
    """Note that the shard was reconciled."""
    params = {"tenant_id": session.tenant_id, "shard": shard, "at": at, "resolved": resolved, "corrected": corrected}
    session.execute(_RECORD_RUN, params)
