"""A unified account's words for conditional orders, which v3 calls strategies. Pure.

A trigger waits for the last price to reach it, from whichever side the price is on when it is placed; what closes a
perpetual position is placed as its stop-loss or take-profit. A triggered strategy places another order, with an id of
its own.
Source: Bitget API guide v3: Place strategy order, Get current and Get history strategy orders.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copydesk.kernel import ZERO, decimal_text
from copydesk.trading import Instrument, MarginMode, OrderRequest, OrderStatus, OrderView, PositionSide, Side
from copydesk.venues.bitget.words import MARGIN_TEXT, POSITION_SIDE, SIDE, STOPS, order_type_text
from copydesk.venues.client.wire import moment, number

TRIGGERED = "success"
LAST_PRICE = "market"
_STATUS = {
    "pending": OrderStatus.ACCEPTED,
    "submitting": OrderStatus.ACCEPTED,
    TRIGGERED: OrderStatus.ACCEPTED,
    "cancelled": OrderStatus.CANCELED,
    "failed": OrderStatus.REJECTED,
}


def strategy_params(order: OrderRequest, instrument: Instrument) -> dict[str, str]:
    """Name what a conditional order needs besides what every order has."""
    if instrument.perpetual and order.reduces:
        return _exit(order)
    assert order.trigger_px is not None, "a conditional order has a trigger"
    params = {
        "type": "trigger",
        "triggerBy": LAST_PRICE,
        "triggerPrice": decimal_text(order.trigger_px),
        "triggerOrderType": order_type_text(order),
    }
    if order.px is not None:
        params["triggerOrderPrice"] = decimal_text(order.px)
    if instrument.perpetual:
        params["marginMode"] = MARGIN_TEXT[order.margin_mode or MarginMode.CROSS]
        if order.position_side is not PositionSide.NET:
            params["posSide"] = order.position_side.value
    return params


def _exit(order: OrderRequest) -> dict[str, str]:
    """Close a part of a position; it is named in one-way mode too, by the way it is held."""
    assert order.trigger_px is not None, "a conditional order has a trigger"
    kind, name = ("sl", "stopLoss") if order.type in STOPS else ("tp", "takeProfit")
    held = order.position_side
    if held is PositionSide.NET:
        held = PositionSide.LONG if order.side is Side.SELL else PositionSide.SHORT
    params = {
        "type": "tpsl",
        "tpslMode": "partial",
        "posSide": held.value,
        name: decimal_text(order.trigger_px),
        f"{kind}TriggerBy": LAST_PRICE,
        f"{kind}OrderType": order_type_text(order),
    }
    return params if order.px is None else params | {f"{kind}LimitPrice": decimal_text(order.px)}


def strategy_view(row: Mapping[str, Any], instrument: Instrument, *, hedge: bool) -> OrderView:
    """Read a strategy; one that was triggered is told by the order that it placed.

    Exits name their position in one-way mode too, so the account's mode says whether it is one of two.
    """
    held = POSITION_SIDE.get(row.get("posSide") or "")
    told = row.get("side")
    side = SIDE[told] if told else (Side.SELL if held is PositionSide.LONG else Side.BUY)
    return OrderView(
        client_order_id=row["clientOid"],
        venue_order_id=row["orderId"],
        symbol=instrument.symbol,
        side=side,
        status=_STATUS[row.get("status") or "pending"],
        qty=number(row["qty"] or "0"),
        cum_qty=ZERO,
        avg_px=None,
        at=moment(int(row.get("updatedTime") or row["createdTime"])),
        position_side=held or PositionSide.NET if hedge else PositionSide.NET,
    )
