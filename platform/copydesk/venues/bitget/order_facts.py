"""Bitget's words for a leader's orders with their terms, for both kinds of account: plain ones, and triggered exits.

Pure. Which order a triggered plan has placed is told too late to recognize its fills, so a plan that would open is not
told at all: it is copied by its fills. For the same reason one that has triggered is over.
Source: Bitget API guide v2: Order channel, Get Current Orders, Get Pending Orders, Get Current Plan Orders, Plan order
channels of spot and futures; v3: Order channel, Get Open Orders, Get Open Strategy Orders, Strategy order channel.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from copydesk.kernel import ZERO
from copydesk.trading import Instrument, OrderStatus, OrderType, PositionSide, Side, TimeInForce
from copydesk.venues.bitget import classic_sides, unified_orders
from copydesk.venues.bitget.words import POSITION_SIDE, SIDE, STATUS, TYPE
from copydesk.venues.client.wire import number
from copydesk.venues.model import OrderFact

_TIME_IN_FORCE = {"ioc": TimeInForce.IOC, "fok": TimeInForce.FOK}
# Which exits are stops, in the words of lists and in those of the channel.
_STOPS = {"loss_plan": True, "pos_loss": True, "profit_plan": False, "pos_profit": False} | {
    "sl": True,
    "psl": True,
    "tp": False,
    "ptp": False,
}
# What the lists, which hold only what waits, need not say. Plans, then strategies.
_WAITS = "live"
_STATES = {
    _WAITS: OrderStatus.ACCEPTED,
    "not_trigger": OrderStatus.ACCEPTED,
    "executing": OrderStatus.CANCELED,
    "executed": OrderStatus.CANCELED,
    "cancelled": OrderStatus.CANCELED,
    "fail_trigger": OrderStatus.REJECTED,
    "fail_execute": OrderStatus.REJECTED,
    "pending": OrderStatus.ACCEPTED,
    "submitting": OrderStatus.ACCEPTED,
    "success": OrderStatus.CANCELED,
    "failed": OrderStatus.REJECTED,
}


def classic_fact(row: Mapping[str, Any], instrument: Instrument) -> OrderFact | None:
    """Read a plain order of a classic account, of the channel or a list; None for a purchase at market on spot."""
    kind = TYPE.get(row["orderType"])
    if kind is None or (kind is OrderType.MARKET and not instrument.perpetual):
        return None
    return OrderFact(
        venue_order_id=row["orderId"],
        symbol=instrument.symbol,
        side=classic_sides.side_of(row),
        type=kind,
        qty=number(row["size"]),
        cum_qty=number(row.get("accBaseVolume") or row.get("baseVolume") or "0"),
        status=STATUS[row.get("status") or row["state"]],
        at_ms=int(row.get("uTime") or row["cTime"]),
        px=None if kind is OrderType.MARKET else _px(row, "price", "priceAvg"),
        reduces=(row.get("reduceOnly") or "").lower() == "yes",
        position_side=classic_sides.position_side_of(row),
        time_in_force=_TIME_IN_FORCE.get((row.get("force") or "").lower(), TimeInForce.GTC),
    )


def unified_fact(row: Mapping[str, Any], instrument: Instrument) -> OrderFact | None:
    """Read a plain order of a unified account, of the topic or the list; None for one without a quantity."""
    kind = TYPE.get(row["orderType"])
    if kind is None or not number(row["qty"] or "0"):
        return None
    return OrderFact(
        venue_order_id=row["orderId"],
        symbol=instrument.symbol,
        side=SIDE[row["side"]],
        type=kind,
        qty=number(row["qty"]),
        cum_qty=number(row["cumExecQty"] or "0"),
        status=STATUS[row["orderStatus"]],
        at_ms=int(row["updatedTime"]),
        px=None if kind is OrderType.MARKET else number(row["price"]),
        reduces=(row.get("reduceOnly") or "").lower() == "yes",
        position_side=unified_orders.position_side_of(row),
        time_in_force=_TIME_IN_FORCE.get((row.get("timeInForce") or "").lower(), TimeInForce.GTC),
    )


def classic_plan_fact(row: Mapping[str, Any], instrument: Instrument) -> OrderFact | None:
    """Read a plan of the channel or a list; None for one that would open, and for a trailing one.

    The channel repeats the trigger as the price of a plan at market, so the kind of order decides.
    """
    side = classic_sides.side_of(row)
    spot_stop = True if side is Side.SELL else None
    stop = _STOPS.get(row["planType"]) if instrument.perpetual else spot_stop
    if stop is None:
        return None
    return _exit(
        row["orderId"],
        instrument,
        side,
        stop=stop,
        qty=number(row["size"] or "0"),
        px=None if row.get("orderType") == "market" else _px(row, "executePrice", "price"),
        trigger_px=number(row["triggerPrice"]),
        at_ms=int(row.get("uTime") or row["cTime"]),
        position_side=classic_sides.position_side_of(row) if instrument.perpetual else PositionSide.NET,
        status=_STATES[row.get("planStatus") or row.get("status") or _WAITS],
    )


def strategy_facts(row: Mapping[str, Any], instrument: Instrument, *, hedge: bool) -> list[OrderFact]:
    """Read a strategy that is to close: its stop-loss, its take-profit, or both; none of what would open."""
    held = POSITION_SIDE.get(row.get("posSide") or "")
    side = SIDE[row["side"]] if row.get("side") else Side.SELL if held is PositionSide.LONG else Side.BUY
    if row.get("type") == "trigger":
        closes = not instrument.perpetual and side is Side.SELL
        legs = [("triggerPrice", "triggerOrderPrice", True)] if closes else []
    else:
        both = (("stopLoss", "slLimitPrice", True), ("takeProfit", "tpLimitPrice", False))
        legs = [leg for leg in both if row.get(leg[0])]
    return [
        _exit(
            row["orderId"] + (f":{trigger}" if len(legs) > 1 else ""),
            instrument,
            side,
            stop=stop,
            qty=number(row["qty"] or "0"),
            px=_px(row, px),
            trigger_px=number(row[trigger]),
            at_ms=int(row.get("updatedTime") or row["createdTime"]),
            position_side=held or PositionSide.NET if hedge else PositionSide.NET,
            status=_STATES[row.get("status") or _WAITS],
        )
        for trigger, px, stop in legs
    ]


def _exit(
    order_id: str,
    instrument: Instrument,
    side: Side,
    *,
    stop: bool,
    qty: Decimal,
    px: Decimal | None,
    trigger_px: Decimal,
    at_ms: int,
    position_side: PositionSide,
    status: OrderStatus,
) -> OrderFact:
    limit = OrderType.STOP_LIMIT if stop else OrderType.TAKE_PROFIT_LIMIT
    market = OrderType.STOP_MARKET if stop else OrderType.TAKE_PROFIT_MARKET
    return OrderFact(
        venue_order_id=order_id,
        symbol=instrument.symbol,
        side=side,
        type=market if px is None else limit,
        qty=qty,
        cum_qty=ZERO,
        status=status,
        at_ms=at_ms,
        px=px,
        trigger_px=trigger_px,
        reduces=True,
        position_side=position_side,
        closes_all=qty == ZERO,
    )


def _px(row: Mapping[str, Any], *names: str) -> Decimal | None:
    """Return the first price that is told; zero stands for none."""
    return next((px for name in names if (px := number(row.get(name) or "0"))), None)
