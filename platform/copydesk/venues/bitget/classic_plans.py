"""A classic account's words for conditional orders, which Bitget calls plans. Pure.

A plan waits for the last price to reach its trigger, from whichever side the price is on when it is placed; what
closes a perpetual position is placed as its stop-loss or take-profit, which the exchange refuses when the trigger is
already behind the market. A triggered plan places another order, with an id of its own.
Source: Bitget API guide v2: Spot, Place plan order; Future, Place plan order, Place TP/SL plan order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copydesk.kernel import ZERO, decimal_text
from copydesk.trading import (
    Instrument,
    MarginMode,
    OrderRequest,
    OrderStatus,
    OrderView,
    PositionSide,
)
from copydesk.venues.bitget.classic_sides import direction, position_side_of, side_of
from copydesk.venues.bitget.endpoints import CLASSIC
from copydesk.venues.bitget.words import (
    MARGIN_TEXT,
    OTHER_SIDE,
    STOPS,
    USDT_FUTURES,
    order_type_text,
)
from copydesk.venues.client.wire import moment, number
from copydesk.venues.traits import Endpoint

# The two lists in which a perpetual's plans are kept; exits are the more common.
PERPETUAL_LISTS = ("profit_loss", "normal_plan")
TRIGGERED = frozenset({"executed", "executing"})
_SPOT, _PERPETUAL, _EXIT = (
    CLASSIC.endpoints[name] for name in ("submit_spot_plan", "submit_perpetual_plan", "submit_perpetual_exit")
)
_STATUS = {
    "live": OrderStatus.ACCEPTED,
    "not_trigger": OrderStatus.ACCEPTED,
    "executing": OrderStatus.ACCEPTED,
    "executed": OrderStatus.ACCEPTED,
    "cancelled": OrderStatus.CANCELED,
    "fail_trigger": OrderStatus.REJECTED,
    "fail_execute": OrderStatus.REJECTED,
}


def plan_endpoint(order: OrderRequest) -> Endpoint:
    if ":" not in order.symbol:
        return _SPOT
    return _EXIT if order.reduces else _PERPETUAL


def plan_params(order: OrderRequest, instrument: Instrument) -> dict[str, Any]:
    """Name what a conditional order needs; sizes are base units also where spot is bought at market."""
    assert order.trigger_px is not None, "a conditional order has a trigger"
    params: dict[str, Any] = {
        "symbol": instrument.venue_symbol,
        "size": decimal_text(order.qty),
        "triggerPrice": decimal_text(order.trigger_px),
        "triggerType": "fill_price",
        "clientOid": order.client_order_id,
    }
    if not instrument.perpetual:
        params |= {"side": order.side.value, "orderType": order_type_text(order), "planType": "amount"}
        return params if order.px is None else params | {"executePrice": decimal_text(order.px)}
    params |= {"productType": USDT_FUTURES, "marginCoin": instrument.settle}
    return params | (_exit(order) if order.reduces else _entry(order))


def _exit(order: OrderRequest) -> dict[str, str]:
    """Say which position is closed: in one-way mode by the side that opened it."""
    kind = "loss_plan" if order.type in STOPS else "profit_plan"
    held = OTHER_SIDE[order.side] if order.position_side is PositionSide.NET else order.position_side
    params = {"planType": kind, "holdSide": held.value}
    return params if order.px is None else params | {"executePrice": decimal_text(order.px)}


def _entry(order: OrderRequest) -> dict[str, str]:
    params = {
        "planType": "normal_plan",
        "marginMode": MARGIN_TEXT[order.margin_mode or MarginMode.CROSS],
        "orderType": order_type_text(order),
        **direction(order),
    }
    return params if order.px is None else params | {"price": decimal_text(order.px)}


def plan_view(row: Mapping[str, Any], instrument: Instrument) -> OrderView:
    """Read a plan; one that was triggered is told by the order that it placed."""
    return OrderView(
        client_order_id=row["clientOid"],
        venue_order_id=row["orderId"],
        symbol=instrument.symbol,
        side=side_of(row),
        status=_STATUS[plan_status(row)],
        qty=number(row["size"] or "0"),
        cum_qty=ZERO,
        avg_px=None,
        at=moment(int(row.get("uTime") or row["cTime"])),
        position_side=position_side_of(row),
    )


def plan_status(row: Mapping[str, Any]) -> str:
    """Return the state, which futures call `planStatus`."""
    return str(row.get("planStatus") or row["status"])
