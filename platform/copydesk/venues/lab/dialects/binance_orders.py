"""Binance Spot trading endpoints: place, query, cancel, replace and list orders."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

import orjson

from copydesk.venues.lab.dialects import binance_errors as errors
from copydesk.venues.lab.dialects.binance_params import (
    Call,
    client_id_of,
    decimal_of,
    integer_of,
    limit_of,
    required,
)
from copydesk.venues.lab.dialects.binance_routes import Routes, instrument_of, route
from copydesk.venues.lab.dialects.binance_shapes import (
    ack,
    cancel_id_of,
    canceled,
    full,
    my_trade,
    order_view,
    result,
)
from copydesk.venues.lab.exchange import Lab
from copydesk.venues.lab.keys import READ, TRADE
from copydesk.venues.lab.model import FOK, GTC, IOC, LIMIT, LIMIT_MAKER, MARKET, NewOrder, Order, Result

_SHAPES = {"ACK": ack, "RESULT": result, "FULL": full}
_SIDES = {"BUY": "buy", "SELL": "sell"}
_TYPES = {"MARKET": MARKET, "LIMIT": LIMIT, "LIMIT_MAKER": LIMIT_MAKER}
_UNLISTED = {
    "STOP_LOSS": "Stop loss",
    "STOP_LOSS_LIMIT": "Stop loss limit",
    "TAKE_PROFIT": "Take profit",
    "TAKE_PROFIT_LIMIT": "Take profit limit",
}
_TIMES = frozenset({GTC, IOC, FOK})
# Per type: the parameters that must be there, and those that must not.
_NEEDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    MARKET: ((), ("price", "timeInForce")),
    LIMIT: (("timeInForce", "quantity", "price"), ("quoteOrderQty",)),
    LIMIT_MAKER: (("quantity", "price"), ("timeInForce", "quoteOrderQty")),
}
_TERMS = ("side", "type", "timeInForce", "quantity", "quoteOrderQty", "price")
_ORDER_PARAMS = (
    "symbol side type timeInForce quantity quoteOrderQty price newClientOrderId newOrderRespType "
    "selfTradePreventionMode strategyId strategyType"
)


def read_new_order(lab: Lab, call: Call) -> NewOrder:
    """Check the parameters of a new order in the exchange's order of complaints."""
    symbol, get = instrument_of(lab, call).venue_symbol, call.params.get
    terms = _terms_of(get("side"), get("type"), get("timeInForce"), get("quantity"), get("quoteOrderQty"), get("price"))
    client_order_id = client_id_of(call.params, "newClientOrderId") or ""
    return NewOrder(call.account, client_order_id, symbol, *terms)


@lru_cache(maxsize=16_384)
def _terms_of(*texts: str | None) -> tuple[str, str, Decimal | None, Decimal | None, Decimal | None, str]:
    """Read what many accounts ask for in the same words: side, type, quantities, price and time in force."""
    params = {name: text for name, text in zip(_TERMS, texts, strict=True) if text is not None}
    side = _SIDES.get(required(params, "side"))
    if side is None:
        raise errors.ApiError(-1117, "Invalid side.")
    kind = _type_of(required(params, "type"))
    needs, not_wanted = _NEEDS[kind]
    for name in needs:
        required(params, name)
    for name in not_wanted:
        if name in params:
            raise errors.not_required(name)
    tif = params.get("timeInForce", GTC)
    if tif not in _TIMES:
        raise errors.ApiError(-1115, "Invalid timeInForce.")
    qty, quote_qty, px = _amounts(params)
    return side, kind, qty, quote_qty, px, tif


def _type_of(text: str) -> str:
    kind = _TYPES.get(text)
    if kind is None:
        if text in _UNLISTED:
            raise errors.ApiError(-2010, f"{_UNLISTED[text]} orders are not supported for this symbol.")
        raise errors.ApiError(-1116, "Invalid orderType.")
    return kind


def _amounts(params: Mapping[str, str]) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
    qty, quote_qty, px = (decimal_of(params, name) for name in ("quantity", "quoteOrderQty", "price"))
    if qty is None and quote_qty is None:
        raise errors.missing("quantity")
    if qty is not None and quote_qty is not None:
        raise errors.not_required("quoteOrderQty")
    if qty == 0:
        raise errors.ApiError(-1013, "Invalid quantity.")
    if quote_qty == 0:
        raise errors.ApiError(-1013, "Invalid quote order quantity.")
    if px == 0:
        raise errors.ApiError(-1013, "Invalid price.")
    return qty, quote_qty, px


def _shape_of(params: Mapping[str, str]) -> Any:
    """Choose the answer's form; market and limit orders answer FULL when nothing is asked for."""
    asked = params.get("newOrderRespType") or ("ACK" if params.get("type") == "LIMIT_MAKER" else "FULL")
    shape = _SHAPES.get(asked)
    if shape is None:
        raise errors.ApiError(-1130, "Data sent for parameter 'newOrderRespType' is not valid.")
    return shape


def _place(lab: Lab, call: Call) -> bytes:
    new, shape = read_new_order(lab, call), _shape_of(call.params)
    refuse_too_many(lab, call)
    return orjson.dumps(shape(_accepted(lab.submit(new, call.now_ms))))


def _accepted(outcome: Result) -> Order:
    if outcome.reject is not None:
        raise errors.rejected(outcome.reject)
    assert outcome.order is not None, "a result without refusal has an order"
    return outcome.order


def refuse_too_many(lab: Lab, call: Call) -> None:
    """Count this order against the account's limits, or refuse it."""
    limit = lab.placed.place(call.account, call.now_ms)
    if limit is not None:
        raise errors.too_many_orders(limit)


def _test(lab: Lab, call: Call) -> bytes:
    reject = lab.engine.check(read_new_order(lab, call))
    if reject is not None:
        raise errors.rejected(reject)
    return b"{}"


def _named(params: Mapping[str, str], id_name: str, client_id_name: str) -> tuple[int | None, str | None]:
    """Read which order is meant; one of the two names must be there."""
    order_id, client_id = integer_of(params, id_name), client_id_of(params, client_id_name)
    if order_id is None and client_id is None:
        raise errors.ApiError(-1102, f"Param '{client_id_name}' or '{id_name}' must be sent, but both were empty/null!")
    return order_id, client_id


def _query(lab: Lab, call: Call) -> bytes:
    symbol = instrument_of(lab, call).venue_symbol
    order = lab.engine.order(call.account, symbol, *_named(call.params, "orderId", "origClientOrderId"))
    if order is None:
        raise errors.no_such_order()
    return orjson.dumps(order_view(order))


def _cancel(lab: Lab, call: Call) -> bytes:
    symbol = instrument_of(lab, call).venue_symbol
    order_id, client_id = _named(call.params, "orderId", "origClientOrderId")
    cancel_id = client_id_of(call.params, "newClientOrderId")
    outcome = lab.engine.cancel(call.account, symbol, order_id, client_id, now_ms=call.now_ms)
    order = _accepted(outcome)
    lab.publish(outcome.events, call.now_ms)
    return orjson.dumps(canceled(order, cancel_id or cancel_id_of(order)))


def _cancel_all(lab: Lab, call: Call) -> bytes:
    outcomes = lab.engine.cancel_all(call.account, instrument_of(lab, call).venue_symbol, call.now_ms)
    if not outcomes:
        raise errors.unknown_order()
    for outcome in outcomes:
        lab.publish(outcome.events, call.now_ms)
    orders = [outcome.order for outcome in outcomes if outcome.order is not None]
    return orjson.dumps([canceled(order, cancel_id_of(order)) for order in orders])


def _replace(lab: Lab, call: Call) -> bytes:
    """Cancel, then place. Three outcomes: all done, 409 when only one part was, 400 when none was."""
    params = call.params
    mode = required(params, "cancelReplaceMode")
    if mode not in ("STOP_ON_FAILURE", "ALLOW_FAILURE"):
        raise errors.ApiError(-1130, "Data sent for parameter 'cancelReplaceMode' is not valid.")
    new, shape = read_new_order(lab, call), _shape_of(params)
    order_id, client_id = _named(params, "cancelOrderId", "cancelOrigClientOrderId")
    cancel_id = client_id_of(params, "cancelNewClientOrderId")
    refuse_too_many(lab, call)
    first = lab.engine.cancel(call.account, new.symbol, order_id, client_id, now_ms=call.now_ms)
    lab.publish(first.events, call.now_ms)
    stopped = first.reject is not None and mode == "STOP_ON_FAILURE"
    second = None if stopped else lab.submit(new, call.now_ms)
    return _replaced(first, second, shape, cancel_id)


def _replaced(first: Result, second: Result | None, shape: Any, cancel_id: str | None) -> bytes:
    cancel_answer = (
        canceled(first.order, cancel_id or cancel_id_of(first.order))
        if first.order is not None
        else errors.unknown_order().body()
    )
    new_answer = None
    if second is not None:
        new_answer = shape(second.order) if second.reject is None else errors.rejected(second.reject).body()
    placed = second is not None and second.reject is None
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


def _open_orders(lab: Lab, call: Call) -> bytes:
    symbol = instrument_of(lab, call).venue_symbol if "symbol" in call.params else None
    return orjson.dumps([order_view(order) for order in lab.engine.open_orders(call.account, symbol)])


def _within(call: Call, at_ms: int) -> bool:
    start, end = integer_of(call.params, "startTime"), integer_of(call.params, "endTime")
    return (start is None or at_ms >= start) and (end is None or at_ms <= end)


def _all_orders(lab: Lab, call: Call) -> bytes:
    symbol, limit = instrument_of(lab, call).venue_symbol, limit_of(call.params, 500, 1000)
    first = integer_of(call.params, "orderId")
    chosen = [
        order
        for order in lab.engine.orders(call.account, symbol)
        if (first is None or order.order_id >= first) and _within(call, order.created_ms)
    ]
    cut = chosen[-limit:] if first is None and "startTime" not in call.params else chosen[:limit]
    return orjson.dumps([order_view(order) for order in cut])


def _my_trades(lab: Lab, call: Call) -> bytes:
    symbol, limit = instrument_of(lab, call).venue_symbol, limit_of(call.params, 500, 1000)
    of_order, first = integer_of(call.params, "orderId"), integer_of(call.params, "fromId")
    chosen = [
        execution
        for execution in lab.engine.trades(call.account, symbol)
        if (of_order is None or execution.order_id == of_order)
        and (first is None or execution.trade_id >= first)
        and _within(call, execution.at_ms)
    ]
    cut = chosen[-limit:] if first is None and "startTime" not in call.params else chosen[:limit]
    return orjson.dumps([my_trade(execution) for execution in cut])


ROUTES: Routes = {
    # A successful order costs no weight, a failed one costs 1 (rest-api.md, "Unfilled order count").
    ("POST", "/api/v3/order"): route(_place, _ORDER_PARAMS, weight=0, needs=TRADE, places_orders=True),
    ("POST", "/api/v3/order/test"): route(_test, f"{_ORDER_PARAMS} computeCommissionRates", needs=TRADE),
    ("GET", "/api/v3/order"): route(_query, "symbol orderId origClientOrderId", weight=4, needs=READ),
    ("DELETE", "/api/v3/order"): route(
        _cancel, "symbol orderId origClientOrderId newClientOrderId cancelRestrictions", needs=TRADE
    ),
    ("POST", "/api/v3/order/cancelReplace"): route(
        _replace,
        f"{_ORDER_PARAMS} cancelReplaceMode cancelNewClientOrderId cancelOrigClientOrderId cancelOrderId "
        "cancelRestrictions orderRateLimitExceededMode",
        needs=TRADE,
        places_orders=True,
    ),
    ("GET", "/api/v3/openOrders"): route(
        _open_orders, "symbol", weight=lambda params: 6 if "symbol" in params else 80, needs=READ
    ),
    ("DELETE", "/api/v3/openOrders"): route(_cancel_all, "symbol", needs=TRADE),
    ("GET", "/api/v3/allOrders"): route(_all_orders, "symbol orderId startTime endTime limit", weight=20, needs=READ),
    ("GET", "/api/v3/myTrades"): route(
        _my_trades,
        "symbol orderId startTime endTime fromId limit",
        weight=lambda params: 5 if "orderId" in params else 20,
        needs=READ,
    ),
}
