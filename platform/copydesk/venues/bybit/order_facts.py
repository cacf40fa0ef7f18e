"""Bybit's words for a leader's orders with their terms, the same in the stream and in lists. Pure.

A conditional order keeps its id for life. Spot names no direction of a trigger: it is told by the price when it was
placed.
Source: Bybit v5 API: Order stream, Get Open & Closed Orders, Enum Definitions (stopOrderType, triggerDirection).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copydesk.kernel import ZERO
from copydesk.trading import Instrument, OrderType, Side, TimeInForce
from copydesk.venues.bybit.orders import POSITION_SIDE, SIDE, STATUS
from copydesk.venues.client.wire import number
from copydesk.venues.model import OrderFact

_TIME_IN_FORCE = {"IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK}
_PROFITS = frozenset({"TakeProfit", "PartialTakeProfit"})
_LOSSES = frozenset({"StopLoss", "PartialStopLoss"})
_UNKNOWN = frozenset({"TrailingStop", "MmRateClose", "BidirectionalTpslOrder", "OcoOrder"})
_RISES = 1


def order_fact(row: Mapping[str, Any], instrument: Instrument) -> OrderFact | None:
    """Read an order; None for kinds that are not mirrored, as a trailing stop."""
    stop_type = row.get("stopOrderType") or ""
    if stop_type in _UNKNOWN:
        return None
    trigger_px = number(row.get("triggerPrice") or "0") or None
    at_market = row["orderType"] == "Market"
    kind = OrderType.MARKET if at_market else OrderType.LIMIT
    if trigger_px is not None:
        kind = _conditional(row, at_market=at_market)
    qty, reduces = number(row["qty"] or "0"), bool(row.get("reduceOnly") or row.get("closeOnTrigger"))
    return OrderFact(
        venue_order_id=row["orderId"],
        symbol=instrument.symbol,
        side=SIDE[row["side"]],
        type=kind,
        qty=qty,
        cum_qty=number(row["cumExecQty"] or "0"),
        status=STATUS[row["orderStatus"]],
        at_ms=int(row["updatedTime"]),
        px=None if at_market else number(row["price"]) or None,
        trigger_px=trigger_px,
        reduces=reduces,
        position_side=POSITION_SIDE[int(row.get("positionIdx") or 0)],
        # What is triggered is sent as a market order, which Bybit calls immediate; it waits all the same.
        time_in_force=TimeInForce.GTC if trigger_px else _TIME_IN_FORCE.get(row["timeInForce"], TimeInForce.GTC),
        closes_all=reduces and qty == ZERO,
    )


def _conditional(row: Mapping[str, Any], *, at_market: bool) -> OrderType:
    """Tell a stop from a take-profit: by its name, else by whether the price has to go against the order's side."""
    stop_type = row.get("stopOrderType") or ""
    if stop_type in _PROFITS or stop_type in _LOSSES:
        stop = stop_type in _LOSSES
    else:
        direction = int(row.get("triggerDirection") or 0)
        before = number(row.get("lastPriceOnCreated") or "0")
        rises = direction == _RISES if direction else number(row["triggerPrice"]) >= before
        stop = rises is (SIDE[row["side"]] is Side.BUY)
    if at_market:
        return OrderType.STOP_MARKET if stop else OrderType.TAKE_PROFIT_MARKET
    return OrderType.STOP_LIMIT if stop else OrderType.TAKE_PROFIT_LIMIT
