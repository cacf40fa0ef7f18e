"""Binance USDⓈ-M objects of REST: orders and executions.

Source: developers.binance.com, USDⓈ-M futures, "Trade"; field lists as in the vendor's SDK.
"""

from __future__ import annotations

from typing import Any

from copydesk.venues.lab.dialects.binance.um.formats import FORMATS, average, eight, fixed
from copydesk.venues.lab.model import AMENDED, BUY, GTD, LIMIT_MAKER, Execution, Order, OrderUpdate

TYPES = {"market": "MARKET", "limit": "LIMIT", "limit_maker": "LIMIT"}
SIDES = {"buy": "BUY", "sell": "SELL"}
POSITION_SIDES = {"net": "BOTH", "long": "LONG", "short": "SHORT"}
# An order that a conditional has placed tells its conditional's type as its original one.
ORIGINAL = "orig:"


def tif_of(order: Order) -> str:
    """Post-only is a time in force here."""
    return "GTX" if order.type == LIMIT_MAKER else order.tif


def original_type(order: Order) -> str:
    tag = order.tag
    return tag[len(ORIGINAL) :] if tag and tag.startswith(ORIGINAL) else TYPES[order.type]


def good_till(order: Order) -> int:
    return order.expire_ms if order.tif == GTD and order.expire_ms is not None else 0


def result(order: Order) -> dict[str, Any]:
    """The answer to placing with `newOrderRespType=RESULT`: the order as it is now."""
    px_spec, qty_spec, avg_spec, quote_spec, _, _ = FORMATS[order.symbol]
    done = fixed(order.cum_qty, qty_spec)
    return {
        "orderId": order.order_id,
        "symbol": order.symbol,
        "status": order.status,
        "clientOrderId": order.client_order_id,
        "price": "0.00" if order.px is None else fixed(order.px, px_spec),
        "avgPrice": average(order.cum_quote, order.cum_qty, avg_spec),
        "origQty": fixed(order.qty, qty_spec),
        "executedQty": done,
        "cumQty": done,
        "cumQuote": fixed(order.cum_quote, quote_spec),
        "timeInForce": tif_of(order),
        "type": TYPES[order.type],
        "reduceOnly": order.reduce_only,
        "closePosition": False,
        "side": SIDES[order.side],
        "positionSide": POSITION_SIDES[order.position_side],
        "stopPrice": "0.00",
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "origType": original_type(order),
        "priceMatch": "NONE",
        "selfTradePreventionMode": "NONE",
        "goodTillDate": good_till(order),
        "updateTime": order.updated_ms,
    }


def ack(order: Order) -> dict[str, Any]:
    """The answer of `newOrderRespType=ACK`: the order as accepted, before anything was executed."""
    _, qty_spec, avg_spec, quote_spec, _, _ = FORMATS[order.symbol]
    nothing = format(0, qty_spec)
    return {
        **result(order),
        "status": "NEW",
        "executedQty": nothing,
        "cumQty": nothing,
        "avgPrice": format(0, avg_spec),
        "cumQuote": format(0, quote_spec),
    }


def order_view(order: Order) -> dict[str, Any]:
    """The answer of queries and lists."""
    answer = result(order)
    del answer["cumQty"]
    answer["time"] = order.created_ms
    return answer


def user_trade(execution: Execution) -> dict[str, Any]:
    px_spec, qty_spec, _, quote_spec, _, _ = FORMATS[execution.symbol]
    return {
        "symbol": execution.symbol,
        "id": execution.trade_id,
        "orderId": execution.order_id,
        "side": SIDES[execution.side],
        "price": format(execution.px, px_spec),
        "qty": format(execution.qty, qty_spec),
        "realizedPnl": eight(execution.realized),
        "quoteQty": format(execution.px * execution.qty, quote_spec),
        "commission": eight(execution.fee),
        "commissionAsset": execution.fee_currency,
        "time": execution.at_ms,
        "positionSide": POSITION_SIDES[execution.position_side],
        "buyer": execution.side == BUY,
        "maker": execution.maker,
    }


def order_trade_update(event: OrderUpdate) -> dict[str, Any]:
    """The event ORDER_TRADE_UPDATE. Commission is told with executions only."""
    order, execution = event.order, event.execution
    px_spec, qty_spec, avg_spec, _, _, _ = FORMATS[order.symbol]
    told: dict[str, Any] = {
        "s": order.symbol,
        "c": order.client_order_id,
        "S": SIDES[order.side],
        "o": TYPES[order.type],
        "f": tif_of(order),
        "q": format(order.qty, qty_spec),
        "p": "0" if order.px is None else format(order.px, px_spec),
        "ap": average(event.cum_quote, event.cum_qty, avg_spec) if event.cum_qty else "0",
        "sp": "0",
        "x": _change(event),
        "X": event.status,
        "i": order.order_id,
        "l": format(execution.qty, qty_spec) if execution else "0",
        "z": format(event.cum_qty, qty_spec),
        "L": format(execution.px, px_spec) if execution else "0",
        "T": event.at_ms,
        "t": execution.trade_id if execution else 0,
        "b": "0",
        "a": "0",
        "m": execution.maker if execution else False,
        "R": order.reduce_only,
        "wt": "CONTRACT_PRICE",
        "ot": original_type(order),
        "ps": POSITION_SIDES[order.position_side],
        "cp": False,
        "rp": eight(execution.realized) if execution else "0",
        "pP": False,
        "si": 0,
        "ss": 0,
        "V": "NONE",
        "pm": "NONE",
        "gtd": good_till(order),
    }
    if execution is not None:
        told["n"], told["N"] = eight(execution.fee), execution.fee_currency
    return {"e": "ORDER_TRADE_UPDATE", "T": event.at_ms, "E": event.at_ms, "o": told}


# Orders of this name are the exchange's own, to liquidate.
LIQUIDATES = "autoclose-"


def _change(event: OrderUpdate) -> str:
    """Return the execution type; the execution of a liquidation has one of its own."""
    if event.execution is not None and event.order.client_order_id.startswith(LIQUIDATES):
        return "CALCULATED"
    return "AMENDMENT" if event.change == AMENDED else event.change


def trade_lite(event: OrderUpdate) -> dict[str, Any]:
    """The event TRADE_LITE: the short and early form of an execution."""
    order, execution = event.order, event.execution
    assert execution is not None
    px_spec, qty_spec, _, _, _, _ = FORMATS[order.symbol]
    return {
        "e": "TRADE_LITE",
        "E": event.at_ms,
        "T": event.at_ms,
        "s": order.symbol,
        "q": format(order.qty, qty_spec),
        "p": "0.00" if order.px is None else format(order.px, px_spec),
        "m": execution.maker,
        "c": order.client_order_id,
        "S": SIDES[order.side],
        "L": format(execution.px, px_spec),
        "l": format(execution.qty, qty_spec),
        "t": execution.trade_id,
        "i": order.order_id,
    }
