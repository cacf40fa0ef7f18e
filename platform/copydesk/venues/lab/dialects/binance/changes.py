"""Binance Spot endpoints that change an order: cancel and replace it, or shrink it where it stands.

Source: binance-spot-api-docs `rest-api.md`, "Cancel an existing order and send a new order" and "Order Amend Keep
Priority".
"""

from __future__ import annotations

from typing import Any

import orjson

from copydesk.venues.lab.dialects.binance import errors
from copydesk.venues.lab.dialects.binance.list_shapes import amended_view
from copydesk.venues.lab.dialects.binance.orders import (
    ORDER_PARAMS,
    cancel_one,
    named,
    read_new_order,
    refuse_restricted,
    refuse_too_many,
    shape_of,
    submitted,
)
from copydesk.venues.lab.dialects.binance.params import Call, client_id_of, decimal_of, required
from copydesk.venues.lab.dialects.binance.routes import Routes, instrument_of, route
from copydesk.venues.lab.dialects.binance.shapes import amended, cancel_id_of, canceled
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.keys import TRADE
from copydesk.venues.lab.model import Order, Result


def _amend(exchange: Exchange, call: Call) -> bytes:
    """Shrink an order that keeps its place in the queue."""
    symbol, params = instrument_of(exchange, call).venue_symbol, call.params
    order_id, client_id = named(params, "orderId", "origClientOrderId")
    required(params, "newQty")
    qty, fresh_id = decimal_of(params, "newQty"), client_id_of(params, "newClientOrderId")
    order = exchange.spot.order(call.account, symbol, order_id, client_id)
    if order is None or not order.is_open or not qty:
        raise errors.ApiError(-2038, "Unknown order sent.")
    if qty >= order.qty:
        same = qty == order.qty
        text = (
            "The requested action would change no state; rejecting."
            if same
            else ("Order amend (quantity increase) is not supported.")
        )
        raise errors.ApiError(-2038, text)
    before = order.client_order_id
    outcome = exchange.spot.amend(
        call.account, symbol, order.order_id, qty=qty, new_client_order_id=fresh_id, now_ms=call.now_ms
    )
    if outcome.reject is not None:
        raise errors.rejected(outcome.reject)
    exchange.publish(outcome.events, call.now_ms)
    answer = amended(order, before, call.now_ms)
    if order.order_list_id is not None:
        answer["listStatus"] = amended_view(exchange.spot.order_lists.table[order.order_list_id])
    return orjson.dumps(answer)


def _replace(exchange: Exchange, call: Call) -> bytes:
    """Cancel, then place. Three outcomes: all done, 409 when only one part was, 400 when none was."""
    params = call.params
    mode = required(params, "cancelReplaceMode")
    if mode not in ("STOP_ON_FAILURE", "ALLOW_FAILURE"):
        raise errors.ApiError(-1130, "Data sent for parameter 'cancelReplaceMode' is not valid.")
    new, shape = read_new_order(exchange, call), shape_of(params)
    order_id, client_id = named(params, "cancelOrderId", "cancelOrigClientOrderId")
    cancel_id = client_id_of(params, "cancelNewClientOrderId")
    refuse_too_many(call)
    refuse_restricted(exchange, call, new.symbol, order_id, client_id)
    first = cancel_one(exchange, call, new.symbol, order_id, client_id)
    if first.reject is not None and mode == "STOP_ON_FAILURE":
        return _replaced(first, None, shape, cancel_id)
    try:
        second: Order | errors.ApiError = submitted(exchange, call, new)
    except errors.ApiError as refusal:
        second = refusal
    return _replaced(first, second, shape, cancel_id)


def _replaced(first: Result, second: Order | errors.ApiError | None, shape: Any, cancel_id: str | None) -> bytes:
    cancel_answer = (
        canceled(first.order, cancel_id or cancel_id_of(first.order))
        if first.order is not None
        else errors.unknown_order().body()
    )
    new_answer = second.body() if isinstance(second, errors.ApiError) else None if second is None else shape(second)
    placed = isinstance(second, Order)
    data = {
        "cancelResult": "SUCCESS" if first.reject is None else "FAILURE",
        "newOrderResult": "SUCCESS" if placed else "NOT_ATTEMPTED" if second is None else "FAILURE",
        "cancelResponse": cancel_answer,
        "newOrderResponse": new_answer,
    }
    if first.reject is None and placed:
        return orjson.dumps(data)
    if first.reject is None or placed:
        raise errors.ApiError(-2021, "Order cancel-replace partially failed.", status=409, data=data)
    raise errors.ApiError(-2022, "Order cancel-replace failed.", data=data)


ROUTES: Routes = {
    ("PUT", "/api/v3/order/amend/keepPriority"): route(
        _amend, "symbol orderId origClientOrderId newClientOrderId newQty", weight=4, needs=TRADE
    ),
    ("POST", "/api/v3/order/cancelReplace"): route(
        _replace,
        f"{ORDER_PARAMS} cancelReplaceMode cancelNewClientOrderId cancelOrigClientOrderId cancelOrderId "
        "cancelRestrictions orderRateLimitExceededMode",
        needs=TRADE,
        places_orders=True,
    ),
}
