"""From a planned copy to the exchange's order: ids and requests. Pure."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Protocol

from copydesk.kernel import derived_ids
from copydesk.trading import MarginMode, OrderRequest, OrderType, PositionSide, Side, TimeInForce

_DIGEST_LENGTH = 32

# Asking an enum for a member costs as much as making an order.
_LIMIT, _IOC, _NET, _CROSS = OrderType.LIMIT, TimeInForce.IOC, PositionSide.NET, MarginMode.CROSS


class Sendable(Protocol):
    """Anything that carries the terms of an order: a planned copy or one read back from the table."""

    @property
    def side(self) -> Side: ...
    @property
    def type(self) -> OrderType: ...
    @property
    def qty(self) -> Decimal: ...
    @property
    def px(self) -> Decimal | None: ...
    @property
    def reduces(self) -> bool: ...


def copy_digest(tenant_id: int, subscription_id: int, signal_id: int, leg: str) -> str:
    """Derive the text that makes a copy's client order id; the same copy always has the same."""
    return copy_digests(tenant_id, signal_id, leg)(subscription_id)


def copy_digests(tenant_id: int, signal_id: int, leg: str) -> Callable[[int], str]:
    """Return `copy_digest` for the copies of one signal and leg, by subscription."""
    derived = derived_ids(str(tenant_id), str(signal_id), leg, length=_DIGEST_LENGTH)
    return lambda subscription_id: derived(str(subscription_id))


def order_request(
    client_order_id: str,
    symbol: str,
    order: Sendable,
    position_side: PositionSide = PositionSide.NET,
    margin_mode: MarginMode = _CROSS,
) -> OrderRequest:
    """Build the order, by ccxt symbol: opens are immediate-or-cancel limits at the bound, closes go to market.

    `margin_mode` is that of the position, which a perpetual's order names at some exchanges.
    """
    time_in_force = _IOC if order.type is _LIMIT else None
    perpetual = ":" in symbol
    return OrderRequest(
        client_order_id,
        symbol,
        order.side,
        order.type,
        order.qty,
        order.px,
        time_in_force,
        order.reduces,
        position_side=position_side if perpetual else _NET,
        margin_mode=margin_mode if perpetual else None,
    )
