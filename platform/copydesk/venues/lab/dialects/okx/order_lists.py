"""OKX endpoints that read orders and fills.

Source: okx.com/docs-v5, "Order Book Trading", "Trade". Lists begin with the newest; `after` and `before` are ids and
ask for older and newer rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from copydesk.venues.lab.dialects.okx import errors
from copydesk.venues.lab.dialects.okx.catalog import order_text
from copydesk.venues.lab.dialects.okx.desk import Desk
from copydesk.venues.lab.dialects.okx.fill_shapes import bill_id, fill_view
from copydesk.venues.lab.dialects.okx.orders import named_order
from copydesk.venues.lab.dialects.okx.params import Call, Params, integer_of, limit_of, text_of
from copydesk.venues.lab.dialects.okx.routes import Routes, private
from copydesk.venues.lab.dialects.okx.shapes import STATES, order_view
from copydesk.venues.lab.dialects.okx.terms import note_of
from copydesk.venues.lab.model import PERP, SPOT, Execution, Order


def _order(desk: Desk, call: Call) -> list[dict[str, Any]]:
    listed, order_id, client_id = named_order(desk, call.params)
    order = desk.exchange.engine(listed.market).order(call.account, listed.inst_id, order_id, client_id)
    if order is None:
        raise errors.no_such_order()
    return [order_view(desk, order)]


def _open_orders(desk: Desk, account: str) -> list[Order]:
    return [order for market in (SPOT, PERP) for order in desk.exchange.engine(market).open_orders(account)]


def _pending(desk: Desk, call: Call) -> list[dict[str, Any]]:
    return _rows(desk, call.params, _open_orders(desk, call.account), type_needed=False)


def _history(desk: Desk, call: Call) -> list[dict[str, Any]]:
    """List finished orders; as on the exchange, those canceled without a fill are among them for two hours."""
    orders = [order for order in all_orders(desk, call.account) if not order.is_open]
    return _rows(desk, call.params, orders, type_needed=True)


def all_orders(desk: Desk, account: str, *, forgotten: bool = False) -> list[Order]:
    """Return every order that the exchange still knows of, of both markets, or also those that it has forgotten."""
    return [
        order
        for listed in desk.catalog.known
        for order in desk.exchange.engine(listed.market).orders(account, listed.inst_id, forgotten=forgotten)
    ]


def _rows(desk: Desk, params: Params, orders: Iterable[Order], *, type_needed: bool) -> list[dict[str, Any]]:
    names = {one.inst_id for one in desk.catalog.chosen(params, type_needed=type_needed, past=True)}
    kinds = set(filter(None, text_of(params, "ordType").split(",")))
    state = text_of(params, "state")
    chosen = [
        order
        for order in orders
        if order.symbol in names
        and (not kinds or note_of(order.tag).order_type in kinds)
        and state in ("", STATES[order.status])
        and within(params, order.created_ms)
    ]
    chosen.sort(key=lambda order: (order.created_ms, order.order_id), reverse=True)
    page = page_of(params, [(order_text(order.order_id, order.market), order) for order in chosen])
    return [order_view(desk, order) for order in page]


def within(params: Params, at_ms: int) -> bool:
    """Tell whether a time lies between `begin` and `end`."""
    begin, end = integer_of(params, "begin"), integer_of(params, "end")
    return (begin is None or at_ms >= begin) and (end is None or at_ms <= end)


def page_of(params: Params, rows: list[tuple[str, Any]]) -> list[Any]:
    """Cut one page out of rows that begin with the newest: `after` an id are older ones, `before` it newer ones."""
    after, before, ids = text_of(params, "after"), text_of(params, "before"), [name for name, _ in rows]
    first = ids.index(after) + 1 if after in ids else 0
    last = ids.index(before) if before in ids else len(ids)
    cut = [row for _, row in rows[first:last]]
    limit = limit_of(params)
    # `before` alone means the newest rows down to that id.
    return cut[:limit]


def _fills(desk: Desk, call: Call) -> list[dict[str, Any]]:
    return _fill_rows(desk, call, type_needed=False)


def _fills_history(desk: Desk, call: Call) -> list[dict[str, Any]]:
    return _fill_rows(desk, call, type_needed=True)


def _fill_rows(desk: Desk, call: Call, *, type_needed: bool) -> list[dict[str, Any]]:
    params = call.params
    names = {one.inst_id for one in desk.catalog.chosen(params, type_needed=type_needed, past=True)}
    of_order = text_of(params, "ordId")
    pairs: list[tuple[Order, Execution]] = [
        (order, fill)
        for order in all_orders(desk, call.account, forgotten=True)
        if order.fills and order.symbol in names and of_order in ("", order_text(order.order_id, order.market))
        for fill in order.fills
        if within(params, fill.at_ms)
    ]
    pairs.sort(key=lambda pair: (pair[1].at_ms, pair[1].trade_id), reverse=True)
    page = page_of(params, [(bill_id(fill, order.market), (order, fill)) for order, fill in pairs])
    return [fill_view(desk, order, fill) for order, fill in page]


ROUTES: Routes = {
    ("GET", "/trade/order"): private(_order, 60, per="instId"),
    ("GET", "/trade/orders-pending"): private(_pending, 60),
    ("GET", "/trade/orders-history"): private(_history, 40),
    ("GET", "/trade/orders-history-archive"): private(_history, 20),
    ("GET", "/trade/fills"): private(_fills, 60),
    ("GET", "/trade/fills-history"): private(_fills_history, 10),
}
