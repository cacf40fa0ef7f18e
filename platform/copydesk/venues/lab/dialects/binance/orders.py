"""Binance Spot trading endpoints: place, query, cancel and list orders. Changing them is in `changes`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import Any

import orjson

from copydesk.venues.lab.dialects.binance import conditions, errors
from copydesk.venues.lab.dialects.binance.list_shapes import canceled_view
from copydesk.venues.lab.dialects.binance.params import (
    Call,
    client_id_of,
    decimal_of,
    integer_of,
    limit_of,
    required,
)
from copydesk.venues.lab.dialects.binance.routes import Routes, instrument_of, route
from copydesk.venues.lab.dialects.binance.shapes import (
    Shape,
    ack,
    cancel_id_of,
    canceled,
    full,
    list_id_of,
    my_trade,
    order_view,
    result,
)
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.keys import READ, TRADE
from copydesk.venues.lab.model import FOK, GTC, IOC, LIMIT, LIMIT_MAKER, MARKET, NewOrder, Order, Reject, Result

_SHAPES: Mapping[str, Shape] = {"ACK": ack, "RESULT": result, "FULL": full}
_SIDES = {"BUY": "buy", "SELL": "sell"}
_TYPES = {"MARKET": MARKET, "LIMIT": LIMIT, "LIMIT_MAKER": LIMIT_MAKER}
_TIMES = frozenset({GTC, IOC, FOK})
# Per type: the parameters that must be there, and those that must not.
_NEEDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    MARKET: ((), ("price", "timeInForce")),
    LIMIT: (("timeInForce", "quantity", "price"), ("quoteOrderQty",)),
    LIMIT_MAKER: (("quantity", "price"), ("timeInForce", "quoteOrderQty")),
}
_STOP_NEEDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    MARKET: (("quantity",), ("price", "timeInForce", "quoteOrderQty")),
    LIMIT: _NEEDS[LIMIT],
}
_TERMS = ("side", "type", "timeInForce", "quantity", "quoteOrderQty", "price")
ORDER_PARAMS = (
    "symbol side type timeInForce quantity quoteOrderQty price newClientOrderId newOrderRespType "
    "selfTradePreventionMode strategyId strategyType stopPrice trailingDelta"
)


def read_new_order(exchange: Exchange, call: Call) -> NewOrder:
    """Check the parameters of a new order in the exchange's order of complaints."""
    symbol, get = instrument_of(exchange, call).venue_symbol, call.params.get
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
    text = required(params, "type")
    kind, table = _type_of(text), _STOP_NEEDS if text in conditions.TYPES else _NEEDS
    needs, not_wanted = table[kind]
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
    kind = _TYPES.get(text) or conditions.TYPES.get(text, ("", ""))[0]
    if not kind:
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


def shape_of(params: Mapping[str, str], default: str = "") -> Shape:
    """Choose the answer's form; market and limit orders answer FULL when nothing is asked for."""
    usual = default or ("FULL" if params.get("type") in ("MARKET", "LIMIT") else "ACK")
    shape = _SHAPES.get(params.get("newOrderRespType") or usual)
    if shape is None:
        raise errors.ApiError(-1130, "Data sent for parameter 'newOrderRespType' is not valid.")
    return shape


def _place(exchange: Exchange, call: Call) -> bytes:
    new, shape = read_new_order(exchange, call), shape_of(call.params)
    refuse_too_many(call)
    return orjson.dumps(shape(submitted(exchange, call, new)))


def submitted(exchange: Exchange, call: Call, new: NewOrder) -> Order:
    """Place an order, or a conditional for one that waits for its price."""
    kind = call.params["type"]
    if kind in conditions.TYPES:
        return _place_conditional(exchange, call, kind, new)
    for name in ("stopPrice", "trailingDelta"):
        if name in call.params:
            raise errors.not_required(name)
    return _accepted(exchange.submit(new, call.now_ms))


def _place_conditional(exchange: Exchange, call: Call, kind: str, new: NewOrder) -> Order:
    if not new.client_order_id:
        new = new._replace(client_order_id=f"lab-{exchange.spot.order_id + 1}")
    asked = conditions.read(exchange, call.params, kind, new)
    reject = unfit(exchange, new)
    if reject is not None:
        raise errors.rejected(reject)
    outcome = exchange.spot.place_conditional(asked, call.now_ms)
    if outcome.conditional is None:
        assert outcome.reject is not None
        raise errors.rejected(outcome.reject)
    exchange.publish(outcome.events, call.now_ms)
    return conditions.order_of(outcome.conditional)


def unfit(exchange: Exchange, new: NewOrder) -> Reject | None:
    """Refuse at once what could not be placed now; that a limit price is far away matters only later."""
    reject = exchange.spot.check(new)
    return None if reject in (Reject.PERCENT_PRICE, Reject.NO_LIQUIDITY, Reject.WOULD_TAKE) else reject


def _accepted(outcome: Result) -> Order:
    if outcome.reject is not None:
        raise errors.rejected(outcome.reject)
    assert outcome.order is not None, "a result without refusal has an order"
    return outcome.order


def refuse_too_many(call: Call, many: int = 1) -> None:
    """Count these orders against the account's limits, or refuse them."""
    limit = call.placed.place(call.account, call.now_ms, many)
    if limit is not None:
        raise errors.too_many_orders(limit)


def _test(exchange: Exchange, call: Call) -> bytes:
    new, kind = read_new_order(exchange, call), call.params["type"]
    if kind in conditions.TYPES:
        conditions.read(exchange, call.params, kind, new)
    reject = unfit(exchange, new) if kind in conditions.TYPES else exchange.spot.check(new)
    if reject is not None:
        raise errors.rejected(reject)
    return b"{}"


def named(params: Mapping[str, str], id_name: str, client_id_name: str) -> tuple[int | None, str | None]:
    """Read which order is meant; one of the two names must be there."""
    order_id, client_id = integer_of(params, id_name), client_id_of(params, client_id_name)
    if order_id is None and client_id is None:
        raise errors.ApiError(-1102, f"Param '{client_id_name}' or '{id_name}' must be sent, but both were empty/null!")
    return order_id, client_id


def _query(exchange: Exchange, call: Call) -> bytes:
    symbol = instrument_of(exchange, call).venue_symbol
    names = named(call.params, "orderId", "origClientOrderId")
    order = exchange.spot.order(call.account, symbol, *names)
    if order is not None:
        return orjson.dumps(order_view(order))
    conditional = conditions.find(exchange, call.account, symbol, *names)
    if conditional is None:
        raise errors.no_such_order()
    return orjson.dumps(order_view(conditions.order_of(conditional), working=False))


def canceled_or_list(exchange: Exchange, order: Order, cancel_id: str) -> dict[str, Any]:
    """Describe a canceled order; that of a list has taken the whole list with it, and is told as such."""
    one = None if order.order_list_id is None else exchange.spot.order_lists.table.get(order.order_list_id)
    return canceled(order, cancel_id) if one is None else canceled_view(exchange, one, cancel_id)


def cancel_one(exchange: Exchange, call: Call, symbol: str, order_id: int | None, client_id: str | None) -> Result:
    """Cancel an order, or the conditional of that name, and let everyone know."""
    outcome = exchange.spot.cancel(call.account, symbol, order_id, client_id, now_ms=call.now_ms)
    if outcome.reject is not None:
        gone = exchange.spot.cancel_conditional(call.account, symbol, order_id, client_id, now_ms=call.now_ms)
        if gone.conditional is not None:
            outcome = Result(conditions.order_of(gone.conditional), (), None, gone.events)
    exchange.publish(outcome.events, call.now_ms)
    return outcome


def _cancel(exchange: Exchange, call: Call) -> bytes:
    symbol = instrument_of(exchange, call).venue_symbol
    order_id, client_id = named(call.params, "orderId", "origClientOrderId")
    cancel_id = client_id_of(call.params, "newClientOrderId")
    refuse_restricted(exchange, call, symbol, order_id, client_id)
    order = _accepted(cancel_one(exchange, call, symbol, order_id, client_id))
    return orjson.dumps(canceled_or_list(exchange, order, cancel_id or cancel_id_of(order)))


_RESTRICTIONS = {"ONLY_NEW": "NEW", "ONLY_PARTIALLY_FILLED": "PARTIALLY_FILLED"}


def refuse_restricted(exchange: Exchange, call: Call, symbol: str, order_id: int | None, client_id: str | None) -> None:
    """Let `cancelRestrictions` keep an order of another status alive."""
    text = call.params.get("cancelRestrictions")
    if text is None:
        return
    if text not in _RESTRICTIONS:
        raise errors.ApiError(-1145, "Invalid cancelRestrictions")
    order = exchange.spot.order(call.account, symbol, order_id, client_id)
    if order is not None and order.is_open and order.status != _RESTRICTIONS[text]:
        raise errors.ApiError(-2011, "Order was not canceled due to cancel restrictions.")


def _cancel_all(exchange: Exchange, call: Call) -> bytes:
    symbol = instrument_of(exchange, call).venue_symbol
    waiting = [one.conditional_id for one in exchange.spot.conditionals(call.account, symbol)]
    outcomes = exchange.spot.cancel_all(call.account, symbol, call.now_ms)
    for outcome in outcomes:
        exchange.publish(outcome.events, call.now_ms)
    outcomes += [cancel_one(exchange, call, symbol, order_id, None) for order_id in waiting]
    if not outcomes:
        raise errors.unknown_order()
    rows: dict[tuple[int | None, int], dict[str, Any]] = {}
    for order in (outcome.order for outcome in outcomes if outcome.order is not None):
        key = (order.order_list_id, 0 if order.order_list_id is not None else order.order_id)
        rows[key] = canceled_or_list(exchange, order, cancel_id_of(order))
    return orjson.dumps(list(rows.values()))


def _open_orders(exchange: Exchange, call: Call) -> bytes:
    symbol = instrument_of(exchange, call).venue_symbol if "symbol" in call.params else None
    placed = [order_view(order) for order in exchange.spot.open_orders(call.account, symbol)]
    waiting = [order_view(order, working=False) for order in conditions.open_of(exchange, call.account, symbol)]
    return orjson.dumps(sorted(placed + waiting, key=itemgetter("orderId")) if waiting else placed)


def within(call: Call, at_ms: int) -> bool:
    """Tell whether a time lies between `startTime` and `endTime`."""
    start, end = integer_of(call.params, "startTime"), integer_of(call.params, "endTime")
    return (start is None or at_ms >= start) and (end is None or at_ms <= end)


def _all_orders(exchange: Exchange, call: Call) -> bytes:
    symbol, limit = instrument_of(exchange, call).venue_symbol, limit_of(call.params, 500, 1000)
    first = integer_of(call.params, "orderId")
    chosen = [
        order
        for order in _every_order(exchange, call.account, symbol)
        if (first is None or order.order_id >= first) and within(call, order.created_ms)
    ]
    cut = chosen[-limit:] if first is None and "startTime" not in call.params else chosen[:limit]
    return orjson.dumps([order_view(order) for order in cut])


def _every_order(exchange: Exchange, account: str, symbol: str) -> list[Order]:
    unplaced = conditions.unplaced_of(exchange, account, symbol)
    return sorted([*exchange.spot.orders(account, symbol), *unplaced], key=attrgetter("order_id"))


def _my_trades(exchange: Exchange, call: Call) -> bytes:
    symbol, limit = instrument_of(exchange, call).venue_symbol, limit_of(call.params, 500, 1000)
    of_order, first = integer_of(call.params, "orderId"), integer_of(call.params, "fromId")
    chosen = [
        execution
        for execution in exchange.spot.trades(call.account, symbol)
        if (of_order is None or execution.order_id == of_order)
        and (first is None or execution.trade_id >= first)
        and within(call, execution.at_ms)
    ]
    cut = chosen[-limit:] if first is None and "startTime" not in call.params else chosen[:limit]
    orders = {order.order_id: order for order in exchange.spot.orders(call.account, symbol, forgotten=True)}
    return orjson.dumps([my_trade(execution, list_id_of(orders[execution.order_id])) for execution in cut])


ROUTES: Routes = {
    # A successful order costs no weight, a failed one costs 1 (rest-api.md, "Unfilled order count").
    ("POST", "/api/v3/order"): route(_place, ORDER_PARAMS, weight=0, needs=TRADE, places_orders=True),
    ("POST", "/api/v3/order/test"): route(_test, f"{ORDER_PARAMS} computeCommissionRates", needs=TRADE),
    ("GET", "/api/v3/order"): route(_query, "symbol orderId origClientOrderId", weight=4, needs=READ),
    ("DELETE", "/api/v3/order"): route(
        _cancel, "symbol orderId origClientOrderId newClientOrderId cancelRestrictions", needs=TRADE
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
