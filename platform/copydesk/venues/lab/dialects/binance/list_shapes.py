"""Binance Spot order lists on the wire: the answers of their endpoints and `listStatus` of the user data stream.

Source: binance-spot-api-docs `rest-api.md`, "Order lists"; `user-data-stream.md`, "Order Update"; `enums.md`.
"""

from __future__ import annotations

from typing import Any

from copydesk.venues.lab.dialects.binance import conditions
from copydesk.venues.lab.dialects.binance.shapes import Shape, canceled
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.model import CANCELED, Order
from copydesk.venues.lab.order_lists import OrderList


def list_view(one: OrderList) -> dict[str, Any]:
    """The answer of queries."""
    return {
        "orderListId": one.list_id,
        "contingencyType": "OCO",
        "listStatusType": "EXEC_STARTED" if one.is_open else "ALL_DONE",
        "listOrderStatus": "EXECUTING" if one.is_open else "ALL_DONE",
        "listClientOrderId": one.client_id,
        "transactionTime": one.updated_ms,
        "symbol": one.symbol,
        "orders": [{"symbol": one.symbol, "orderId": leg.order_id, "clientOrderId": leg.client_id} for leg in one.legs],
    }


def amended_view(one: OrderList) -> dict[str, Any]:
    """What an amended leg's answer says of its list."""
    whole = list_view(one)
    return {name: value for name, value in whole.items() if name not in ("listStatusType", "transactionTime")}


def placed_view(exchange: Exchange, one: OrderList, shape: Shape) -> dict[str, Any]:
    """The answer to placing a list. A leg that waits for its price has no working time."""
    reports = []
    for order, waits in _legs(exchange, one):
        report = shape(order)
        if waits and "workingTime" in report:
            report["workingTime"] = -1
        reports.append(report)
    return {**list_view(one), "orderReports": reports}


def canceled_view(exchange: Exchange, one: OrderList, cancel_id: str) -> dict[str, Any]:
    """The answer to canceling a list or a leg: what was canceled is reported, under the one id of the cancel."""
    orders = [order for order, _ in _legs(exchange, one) if order.status == CANCELED]
    return {**list_view(one), "orderReports": [canceled(order, cancel_id) for order in orders]}


def _legs(exchange: Exchange, one: OrderList) -> list[tuple[Order, bool]]:
    """Find the legs as orders; tell of each whether it has not been on the book yet."""
    found: list[tuple[Order, bool]] = []
    for leg in one.legs:
        order = exchange.spot.order(one.account, one.symbol, leg.order_id)
        conditional = conditions.find(exchange, one.account, one.symbol, leg.order_id, None)
        if order is not None:
            found.append((order, False))
        elif conditional is not None:
            found.append((conditions.order_of(conditional), True))
    return found
