"""Binance USDⓈ-M conditional ("algo") orders as objects and events, and their life as the exchange names it.

Source: developers.binance.com, USDⓈ-M futures, "New Algo Order", "Event Algo Order Update"; fields as in
the vendor's SDK.
"""

from __future__ import annotations

from typing import Any

from copydesk.kernel import ZERO
from copydesk.venues.lab.conditional import TRAILING, Conditional
from copydesk.venues.lab.dialects.binance.um.errors import rejected
from copydesk.venues.lab.dialects.binance.um.formats import FORMATS, average, plain
from copydesk.venues.lab.dialects.binance.um.shapes import POSITION_SIDES, SIDES
from copydesk.venues.lab.model import GTD, LAST, LIMIT_MAKER, TRIGGERED, Order

ALGO_TYPE = "CONDITIONAL"
PROTECTED = "|protected"
FINISHED = "FINISHED"


def type_of(one: Conditional) -> str:
    """Return the order type; it was put into the tag."""
    return one.tag.removesuffix(PROTECTED)


def working_type(one: Conditional) -> str:
    return "CONTRACT_PRICE" if one.watch == LAST else "MARK_PRICE"


def status_of(one: Conditional, order: Order | None) -> str:
    """A triggered one is finished once the order that it placed is."""
    if one.status == TRIGGERED and order is not None and not order.is_open:
        return FINISHED
    return one.status


def _tif(one: Conditional) -> str:
    return "GTX" if one.new.type == LIMIT_MAKER else one.new.tif


def _qty(one: Conditional) -> str:
    return format(one.new.qty or ZERO, FORMATS[one.symbol].qty)


def _trigger(one: Conditional) -> str:
    return format(one.trigger_px, FORMATS[one.symbol].px)


def _px(one: Conditional) -> str:
    return format(one.new.px or ZERO, FORMATS[one.symbol].px)


def view(one: Conditional, order: Order | None) -> dict[str, Any]:
    """The answer to placing; queries add what the placed order became."""
    told: dict[str, Any] = {
        "algoId": one.conditional_id,
        "clientAlgoId": one.client_id,
        "algoType": ALGO_TYPE,
        "orderType": type_of(one),
        "symbol": one.symbol,
        "side": SIDES[one.new.side],
        "positionSide": POSITION_SIDES[one.new.position_side],
        "timeInForce": _tif(one),
        "quantity": _qty(one),
        "algoStatus": status_of(one, order),
        "triggerPrice": _trigger(one),
        "price": _px(one),
        "icebergQuantity": None,
        "selfTradePreventionMode": "NONE",
        "workingType": working_type(one),
        "priceMatch": "NONE",
        "closePosition": one.new.close_position,
        "priceProtect": one.tag.endswith(PROTECTED),
        "reduceOnly": one.new.reduce_only,
        "createTime": one.created_ms,
        "updateTime": one.updated_ms,
        "triggerTime": one.updated_ms if one.status == TRIGGERED else 0,
        "goodTillDate": one.new.expire_ms or 0 if one.new.tif == GTD else 0,
    }
    if one.kind == TRAILING:
        told["activatePrice"] = "" if one.activation_px is None else plain(one.activation_px)
        told["callbackRate"] = _rate(one)
    return told


def _rate(one: Conditional) -> str:
    assert one.callback_ratio is not None, "a trailing stop of this exchange has a rate"
    return plain(one.callback_ratio * 100)


def query_view(one: Conditional, order: Order | None) -> dict[str, Any]:
    """The answer of queries and lists."""
    told = view(one, order)
    told["actualOrderId"] = "" if one.order_id is None else str(one.order_id)
    told["actualPrice"] = "0.00000"
    if order is not None:
        form = FORMATS[one.symbol]
        told["actualPrice"] = average(order.cum_quote, order.cum_qty, form.avg)
        told["actualType"] = "MARKET" if order.px is None else "LIMIT"
        told["actualQty"] = format(order.cum_qty, form.qty)
    told["tpOrderType"] = ""
    return told


def algo_update(one: Conditional, order: Order | None, status: str, at_ms: int) -> dict[str, Any]:
    """The event ALGO_UPDATE."""
    form = FORMATS[one.symbol]
    told: dict[str, Any] = {
        "caid": one.client_id,
        "aid": one.conditional_id,
        "at": ALGO_TYPE,
        "o": type_of(one),
        "s": one.symbol,
        "S": SIDES[one.new.side],
        "ps": POSITION_SIDES[one.new.position_side],
        "f": _tif(one),
        "q": _qty(one),
        "X": status,
        "ai": "" if one.order_id is None else str(one.order_id),
        "ap": average(order.cum_quote, order.cum_qty, form.avg) if order is not None else "0.00000",
        "aq": format(order.cum_qty, form.qty) if order is not None else "0.00000",
        "act": "0" if order is None else "MARKET" if order.px is None else "LIMIT",
        "tp": _trigger(one),
        "p": _px(one),
        "V": "NONE",
        "wt": working_type(one),
        "pm": "NONE",
        "cp": one.new.close_position,
        "pP": one.tag.endswith(PROTECTED),
        "R": one.new.reduce_only,
        "tt": at_ms if one.order_id is not None else 0,
        "gtd": one.new.expire_ms or 0,
    }
    if one.reason is not None:
        told["rm"] = rejected(one.reason).msg
    return {"e": "ALGO_UPDATE", "T": at_ms, "E": at_ms, "o": told}
