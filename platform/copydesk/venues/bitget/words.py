"""What both kinds of Bitget account say alike: sides, states, modes, and refusals of what cannot be expressed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from copydesk.kernel import ZERO, VenueRefused
from copydesk.trading import (
    Denial,
    Instrument,
    MarginMode,
    OrderRequest,
    OrderStatus,
    OrderType,
    OrderView,
    PositionSide,
    Side,
    TimeInForce,
)
from copydesk.venues.bitget.traits import BITGET
from copydesk.venues.client.wire import number
from copydesk.venues.traits import Feature

USDT_FUTURES = "USDT-FUTURES"
SIDE = {"buy": Side.BUY, "sell": Side.SELL}
OTHER_SIDE = {Side.BUY: Side.SELL, Side.SELL: Side.BUY}
POSITION_SIDE = {"long": PositionSide.LONG, "short": PositionSide.SHORT}
MARGIN_MODE = {"crossed": MarginMode.CROSS, "cross": MarginMode.CROSS, "isolated": MarginMode.ISOLATED}
MARGIN_TEXT = {MarginMode.CROSS: "crossed", MarginMode.ISOLATED: "isolated"}
HEDGE = "hedge_mode"
TYPE = {"market": OrderType.MARKET, "limit": OrderType.LIMIT}
STATUS = {
    "init": OrderStatus.ACCEPTED,
    "new": OrderStatus.ACCEPTED,
    "live": OrderStatus.ACCEPTED,
    "partially_filled": OrderStatus.PARTIALLY_FILLED,
    "filled": OrderStatus.FILLED,
    "cancelled": OrderStatus.CANCELED,
    "canceled": OrderStatus.CANCELED,
    "reject": OrderStatus.REJECTED,
    "rejected": OrderStatus.REJECTED,
}
STOPS = frozenset({OrderType.STOP_MARKET, OrderType.STOP_LIMIT})


def order_type_text(order: OrderRequest) -> str:
    """Say what is placed, at once or when triggered."""
    return "market" if order.px is None else "limit"


def time_in_force_text(order: OrderRequest) -> str:
    return "post_only" if order.post_only else (order.time_in_force or TimeInForce.GTC).value.lower()


def check_expressible(order: OrderRequest, instrument: Instrument) -> None:
    """Refuse by name what neither kind of account can be asked for."""
    if instrument.perpetual:
        return
    if order.stop_loss_px is not None or order.take_profit_px is not None:
        raise unsupported(Feature.SPOT_ATTACHED_EXITS)
    if order.type is OrderType.MARKET and order.side is Side.BUY:
        raise unsupported(Feature.SPOT_MARKET_BUY)


def unsupported(feature: Feature) -> VenueRefused:
    """Make the refusal of what the traits say is not supported."""
    return VenueRefused(f"Bitget: {BITGET.unsupported[feature]}", code=Denial.VENUE_REFUSED.value)


def own_margin(mode: str, amount: str) -> Decimal | None:
    """Read the margin of a position; what a cross position is told to have is not its own."""
    return number(amount or "0") or None if MARGIN_MODE.get(mode) is MarginMode.ISOLATED else None


def accepted(answer: Mapping[str, Any], order: OrderRequest) -> OrderView:
    """Read the acknowledgment of an order: nothing is known of its fills yet."""
    data = answer["data"]
    return OrderView(
        client_order_id=data["clientOid"],
        venue_order_id=data["orderId"],
        symbol=order.symbol,
        side=order.side,
        status=OrderStatus.ACCEPTED,
        qty=order.qty,
        cum_qty=ZERO,
        avg_px=None,
        position_side=order.position_side,
    )
