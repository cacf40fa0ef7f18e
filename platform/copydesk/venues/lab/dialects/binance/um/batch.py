"""Binance USDⓈ-M batches: up to five orders placed or amended at once, up to ten canceled; each answers for itself.

A batch costs 5 of the weight, each order of it one of the count in ten seconds, and the whole one of that in a minute
(docstrings of the vendor's SDK). ccxt sends the lists of a cancel in lower-case names, so both forms are read.
Querying many orders at once is in older editions of the documents only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from copydesk.venues.lab.dialects.binance.errors import ApiError, illegal, missing, no_such_order
from copydesk.venues.lab.dialects.binance.orders import refuse_too_many
from copydesk.venues.lab.dialects.binance.params import Call, required
from copydesk.venues.lab.dialects.binance.routes import Routes, route
from copydesk.venues.lab.dialects.binance.um.orders import accepted, amend, cancel, shape_of
from copydesk.venues.lab.dialects.binance.um.shapes import order_view, result
from copydesk.venues.lab.dialects.binance.um.terms import instrument_of, read_new_order
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.keys import PERP, READ

PLACED_MAX = 5
NAMED_MAX = 10


def _list_of(text: str, name: str) -> list[Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, list) or not found:
        raise illegal(name, "a JSON list")
    return found


def _texts(order: Any) -> dict[str, str]:
    """Read one order of a batch; its values may be JSON of any kind."""
    if not isinstance(order, dict):
        raise ApiError(-4083, "Fail to place batch orders.")
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in order.items()}


def _orders_of(call: Call) -> list[dict[str, str]]:
    orders = [_texts(order) for order in _list_of(required(call.params, "batchOrders"), "batchOrders")]
    if len(orders) > PLACED_MAX:
        raise ApiError(-4082, f"Invalid number of batch place orders: {len(orders)}")
    return orders


def _each(many: list[Any], act: Callable[[Any], dict[str, Any]]) -> bytes:
    """Answer for every one of a list; a failure is told in its place and stops nothing."""
    answers: list[dict[str, Any]] = []
    for one in many:
        try:
            answers.append(act(one))
        except ApiError as error:
            answers.append(error.body())
    return orjson.dumps(answers)


def _place(exchange: Exchange, call: Call) -> bytes:
    orders = _orders_of(call)
    refuse_too_many(call, len(orders))

    def place(params: dict[str, str]) -> dict[str, Any]:
        new, shape = read_new_order(exchange, params, call.account, call.now_ms), shape_of(params)
        return shape(accepted(exchange, exchange.submit(new, call.now_ms), new))

    return _each(orders, place)


def _amend(exchange: Exchange, call: Call) -> bytes:
    orders = _orders_of(call)
    refuse_too_many(call, len(orders))
    return _each(orders, lambda params: result(amend(exchange, params, call)))


def _cancel(exchange: Exchange, call: Call) -> bytes:
    symbol = instrument_of(exchange, call.params).venue_symbol
    return _each(_named(call), lambda one: result(cancel(exchange, call, symbol, *one)))


def _query(exchange: Exchange, call: Call) -> bytes:
    symbol = instrument_of(exchange, call.params).venue_symbol

    def query(one: tuple[int | None, str | None]) -> dict[str, Any]:
        order = exchange.perp.order(call.account, symbol, *one)
        if order is None:
            raise no_such_order()
        return order_view(order)

    return _each(_named(call), query)


def _named(call: Call) -> list[tuple[int | None, str | None]]:
    """Read which orders are meant, by number or by client id."""
    params = call.params
    ids = params.get("orderIdList") or params.get("orderidlist")
    client_ids = params.get("origClientOrderIdList") or params.get("origclientorderidlist")
    if not ids and not client_ids:
        raise missing("orderIdList")
    name = "orderIdList" if ids else "origClientOrderIdList"
    listed = [str(one) for one in _list_of(ids or client_ids or "", name)]
    if len(listed) > NAMED_MAX:
        raise ApiError(-4032, "Exceed maximum cancel order size.")
    if not ids:
        return [(None, one) for one in listed]
    if not all(one.isdecimal() for one in listed):
        raise illegal(name, r"^[0-9]{1,20}$")
    return [(int(one), None) for one in listed]


ROUTES: Routes = {
    ("POST", "/fapi/v1/batchOrders"): route(_place, weight=5, needs=PERP, places_orders=True),
    ("PUT", "/fapi/v1/batchOrders"): route(_amend, weight=5, needs=PERP, places_orders=True),
    ("GET", "/fapi/v1/batchOrders"): route(_query, weight=5, needs=READ),
    ("DELETE", "/fapi/v1/batchOrders"): route(_cancel, needs=PERP),
}
