"""Binance USDⓈ-M trading endpoints: place, amend, query, cancel and list orders, and the dead man's switch.

Source: developers.binance.com, USDⓈ-M futures, "Trade"; weights from the docstrings of the vendor's SDK.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from copydesk.venues.lab.dialects.binance.errors import ApiError, missing, no_such_order, unknown_order
from copydesk.venues.lab.dialects.binance.orders import refuse_too_many
from copydesk.venues.lab.dialects.binance.params import Call, integer_of, limit_of
from copydesk.venues.lab.dialects.binance.routes import Routes, route
from copydesk.venues.lab.dialects.binance.um import errors
from copydesk.venues.lab.dialects.binance.um.formats import FORMATS, plain
from copydesk.venues.lab.dialects.binance.um.shapes import LIQUIDATES, ack, order_view, result, user_trade
from copydesk.venues.lab.dialects.binance.um.terms import (
    client_id_of,
    instrument_of,
    px_of,
    qty_of,
    read_new_order,
    side_of,
)
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.keys import PERP, READ
from copydesk.venues.lab.model import LIMIT, LIMIT_MAKER, NewOrder, Order, Reject, Result

Shape = Callable[[Order], dict[str, Any]]
_SHAPES: Mapping[str, Shape] = {"ACK": ack, "RESULT": result}


def shape_of(params: Mapping[str, str]) -> Shape:
    shape = _SHAPES.get(params.get("newOrderRespType", "ACK"))
    if shape is None:
        raise ApiError(-1136, "Invalid newOrderRespType.")
    return shape


def _place(exchange: Exchange, call: Call) -> bytes:
    new, shape = read_new_order(exchange, call.params, call.account, call.now_ms), shape_of(call.params)
    refuse_too_many(call)
    return orjson.dumps(shape(accepted(exchange, exchange.submit(new, call.now_ms), new)))


def accepted(exchange: Exchange, outcome: Result, new: NewOrder) -> Order:
    """Return the order, or raise what the exchange says to its refusal."""
    if outcome.reject is not None:
        raise refusal(exchange, outcome.reject, new)
    assert outcome.order is not None, "a result without refusal has an order"
    return outcome.order


def refusal(exchange: Exchange, reject: Reject, new: NewOrder) -> ApiError:
    """Translate a refusal; some texts tell the limit that was broken."""
    instrument = exchange.perp.instruments[new.symbol]
    if reject is Reject.MIN_NOTIONAL:
        return errors.below_notional(plain(instrument.notional_min))
    if reject is Reject.LOT_SIZE and new.qty is not None:
        if new.qty < instrument.qty_min:
            return ApiError(-4004, "Quantity less than min quantity.")
        if new.qty > instrument.qty_max:
            return ApiError(-4005, "Quantity greater than max quantity.")
    if reject is Reject.PERCENT_PRICE and new.px is not None and new.px < exchange.perp.ticker(new.symbol).last_px:
        return ApiError(-4024, "Price is lower than mark price multiplier floor.")
    return errors.rejected(reject)


def _test(exchange: Exchange, call: Call) -> bytes:
    new, shape = read_new_order(exchange, call.params, call.account, call.now_ms), shape_of(call.params)
    reject = exchange.perp.check(new)
    if reject is not None:
        raise refusal(exchange, reject, new)
    return orjson.dumps(shape(_imagined(new, call.now_ms)))


def _imagined(new: NewOrder, now_ms: int) -> Order:
    """Return the order that a test order would have been, before anything is executed."""
    qty = new.qty
    assert qty is not None, "orders of contracts have a quantity"
    made = Order(
        0,
        new.account,
        new.client_order_id,
        new.symbol,
        new.side,
        new.type,
        qty,
        None,
        new.px,
        new.tif,
        now_ms,
        now_ms,
        qty,
    )
    made.position_side, made.reduce_only, made.expire_ms = new.position_side, new.reduce_only, new.expire_ms
    return made


def named(params: Mapping[str, str]) -> tuple[int | None, str | None]:
    """Read which order is meant; one of the two names must be there, and the number prevails."""
    order_id, client_id = integer_of(params, "orderId"), client_id_of(params, "origClientOrderId")
    if order_id is None and client_id is None:
        raise ApiError(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
    return (order_id, None) if order_id is not None else (None, client_id)


def amend(exchange: Exchange, params: Mapping[str, str], call: Call) -> Order:
    """Change price and quantity of a limit order; a GTX order that would take, or one filled beyond it, is canceled."""
    symbol = instrument_of(exchange, params).venue_symbol
    order_id, client_id = named(params)
    side = side_of(params)
    order = exchange.perp.order(call.account, symbol, order_id, client_id)
    if order is None or not order.is_open or order.side != side:
        raise no_such_order()
    if order.type not in (LIMIT, LIMIT_MAKER):
        raise ApiError(-5025, "Only limit order is supported.")
    qty, px = qty_of(params, FORMATS[symbol]), px_of(params, "price", FORMATS[symbol])
    outcome = exchange.perp.amend(call.account, symbol, order.order_id, None, qty=qty, px=px, now_ms=call.now_ms)
    crosses = outcome.reject is Reject.WOULD_TAKE or (outcome.reject is not None and qty <= order.cum_qty)
    if crosses:
        outcome = exchange.perp.cancel(call.account, symbol, order.order_id, now_ms=call.now_ms)
    if outcome.reject is not None:
        raise refusal(exchange, outcome.reject, NewOrder(call.account, "", symbol, side, order.type, qty, None, px))
    exchange.publish(outcome.events, call.now_ms)
    return order


def _amend(exchange: Exchange, call: Call) -> bytes:
    refuse_too_many(call)
    return orjson.dumps(result(amend(exchange, call.params, call)))


def _query(exchange: Exchange, call: Call) -> bytes:
    symbol = instrument_of(exchange, call.params).venue_symbol
    order = exchange.perp.order(call.account, symbol, *named(call.params))
    if order is None:
        raise no_such_order()
    return orjson.dumps(order_view(order))


def _query_open(exchange: Exchange, call: Call) -> bytes:
    symbol = instrument_of(exchange, call.params).venue_symbol
    order = exchange.perp.order(call.account, symbol, *named(call.params))
    if order is None or not order.is_open:
        raise no_such_order()
    return orjson.dumps(order_view(order))


def cancel(exchange: Exchange, call: Call, symbol: str, order_id: int | None, client_id: str | None) -> Order:
    """Cancel one open order and let everyone know."""
    outcome = exchange.perp.cancel(call.account, symbol, order_id, client_id, now_ms=call.now_ms)
    if outcome.order is None:
        raise unknown_order()
    exchange.publish(outcome.events, call.now_ms)
    return outcome.order


def _cancel(exchange: Exchange, call: Call) -> bytes:
    symbol = instrument_of(exchange, call.params).venue_symbol
    return orjson.dumps(result(cancel(exchange, call, symbol, *named(call.params))))


def _cancel_all(exchange: Exchange, call: Call) -> bytes:
    symbol = instrument_of(exchange, call.params).venue_symbol
    for outcome in exchange.perp.cancel_all(call.account, symbol, call.now_ms):
        exchange.publish(outcome.events, call.now_ms)
    return b'{"code":200,"msg":"The operation of cancel all open order is done."}'


def _cancel_later(exchange: Exchange, call: Call) -> bytes:
    symbol = instrument_of(exchange, call.params).venue_symbol
    countdown_ms = integer_of(call.params, "countdownTime")
    if countdown_ms is None:
        raise missing("countdownTime")
    exchange.perp.kill_after(call.account, symbol, countdown_ms, call.now_ms)
    return b'{"symbol":"%b","countdownTime":"%d"}' % (symbol.encode(), countdown_ms)


def _symbol_or_all(exchange: Exchange, call: Call) -> str | None:
    return instrument_of(exchange, call.params).venue_symbol if "symbol" in call.params else None


def _open_orders(exchange: Exchange, call: Call) -> bytes:
    orders = exchange.perp.open_orders(call.account, _symbol_or_all(exchange, call))
    return orjson.dumps([order_view(order) for order in orders])


def within(call: Call, at_ms: int) -> bool:
    """Tell whether a time lies between `startTime` and `endTime`, as far as they were sent."""
    start, end = integer_of(call.params, "startTime"), integer_of(call.params, "endTime")
    return (start is None or at_ms >= start) and (end is None or at_ms <= end)


def _all_orders(exchange: Exchange, call: Call) -> bytes:
    symbol, limit = instrument_of(exchange, call.params).venue_symbol, limit_of(call.params, 500, 1000)
    first = integer_of(call.params, "orderId")
    chosen = [
        order
        for order in exchange.perp.orders(call.account, symbol)
        if (first is None or order.order_id >= first) and within(call, order.created_ms)
    ]
    cut = chosen[-limit:] if first is None and "startTime" not in call.params else chosen[:limit]
    return orjson.dumps([order_view(order) for order in cut])


def _user_trades(exchange: Exchange, call: Call) -> bytes:
    symbol, limit = instrument_of(exchange, call.params).venue_symbol, limit_of(call.params, 500, 1000)
    of_order, first = integer_of(call.params, "orderId"), integer_of(call.params, "fromId")
    chosen = [
        execution
        for execution in exchange.perp.trades(call.account, symbol)
        if (of_order is None or execution.order_id == of_order)
        and (first is None or execution.trade_id >= first)
        and within(call, execution.at_ms)
    ]
    cut = chosen[-limit:] if first is None and "startTime" not in call.params else chosen[:limit]
    return orjson.dumps([user_trade(execution) for execution in cut])


def _force_orders(exchange: Exchange, call: Call) -> bytes:
    forced = [
        order_view(order)
        for order in exchange.perp.orders(call.account, _symbol_or_all(exchange, call))
        if order.client_order_id.startswith(LIQUIDATES) and within(call, order.created_ms)
    ]
    return orjson.dumps(forced[-limit_of(call.params, 50, 100) :])


ORDER_ROUTE: dict[str, Any] = {"weight": 0, "needs": PERP, "places_orders": True}
ROUTES: Routes = {
    ("POST", "/fapi/v1/order"): route(_place, **ORDER_ROUTE),
    ("PUT", "/fapi/v1/order"): route(_amend, **ORDER_ROUTE),
    ("POST", "/fapi/v1/order/test"): route(_test, weight=1, needs=PERP),
    ("GET", "/fapi/v1/order"): route(_query, needs=READ),
    ("DELETE", "/fapi/v1/order"): route(_cancel, needs=PERP),
    ("GET", "/fapi/v1/openOrder"): route(_query_open, needs=READ),
    ("GET", "/fapi/v1/openOrders"): route(
        _open_orders, weight=lambda params: 1 if "symbol" in params else 40, needs=READ
    ),
    ("DELETE", "/fapi/v1/allOpenOrders"): route(_cancel_all, needs=PERP),
    ("POST", "/fapi/v1/countdownCancelAll"): route(_cancel_later, weight=10, needs=PERP),
    ("GET", "/fapi/v1/allOrders"): route(_all_orders, weight=5, needs=READ),
    ("GET", "/fapi/v1/userTrades"): route(_user_trades, weight=5, needs=READ),
    ("GET", "/fapi/v1/forceOrders"): route(
        _force_orders, weight=lambda params: 20 if "symbol" in params else 50, needs=READ
    ),
}
