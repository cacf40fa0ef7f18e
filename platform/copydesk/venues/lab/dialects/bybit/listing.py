"""Bybit's lists of orders and executions: open and recent ones, history, and what was traded.

Orders and conditional orders are one list; a conditional order that has placed its order is that order.
Source: v5 documentation, "Get Open & Closed Orders", "Get Order History", "Get Trade History".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote, unquote

import orjson

from copydesk.kernel import ZERO
from copydesk.venues.lab.conditional import Conditional
from copydesk.venues.lab.dialects.bybit import errors
from copydesk.venues.lab.dialects.bybit.fills import execution_type, execution_view
from copydesk.venues.lab.dialects.bybit.ids import execution_id, link_number, order_id_number, order_id_text
from copydesk.venues.lab.dialects.bybit.limits import per_second
from copydesk.venues.lab.dialects.bybit.params import (
    CATEGORIES,
    EMPTY_CATEGORIES,
    Call,
    integer_of,
    limit_of,
    market_of,
    text_of,
)
from copydesk.venues.lab.dialects.bybit.routes import ANY, Route, Routes, instrument_at
from copydesk.venues.lab.dialects.bybit.views import (
    conditional_view,
    order_view,
    stop_type_of,
)
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.model import BUY, MARK, PERP, SPOT, Execution, Order

WEEK_MS = 7 * 86_400_000
CLOSED_MAX = 500
T = TypeVar("T")


class Row(NamedTuple):
    """One order or conditional order of an account, with what lists are filtered by."""

    created_ms: int
    number: int
    link: str
    is_open: bool
    filter: str
    what: Order | Conditional

    def view(self, exchange: Exchange) -> dict[str, Any]:
        instrument = instrument_at(exchange, self.what.market, self.what.symbol)
        if isinstance(self.what, Order):
            return order_view(self.what, instrument, placed_by(exchange, self.what))
        return conditional_view(self.what, instrument)


def placed_by(exchange: Exchange, order: Order) -> Conditional | None:
    """Return the conditional order that an order comes from, if one did and is still kept."""
    if order.conditional_id is None:
        return None
    return exchange.engine(order.market).conditional(order.account, order.symbol, order.conditional_id)


def rows_of(exchange: Exchange, account: str, market: str, *, open_only: bool) -> list[Row]:
    """Return the account's orders and conditional orders of a market, newest first.

    What is attached to an order is none of its own before that order is filled.
    """
    engine = exchange.engine(market)
    orders = engine.open_orders(account) if open_only else engine.orders(account)
    rows = [Row(o.created_ms, o.order_id, o.client_order_id, o.is_open, "Order", o) for o in orders]
    known = {row.number for row in rows}
    rows += [
        Row(c.created_ms, c.conditional_id, c.client_id, c.is_open, _filter_of(c), c)
        for c in engine.conditionals(account, open_only=open_only)
        if c.conditional_id not in known and c.order_id is None and c.active
    ]
    rows.sort(key=lambda row: (row.created_ms, row.number), reverse=True)
    return rows


def _filter_of(one: Conditional) -> str:
    return "tpslOrder" if stop_type_of(one) == "tpslOrder" else "StopOrder"


def _meant(exchange: Exchange, call: Call, market: str) -> Callable[[Row], bool]:
    """Tell which rows a request is about: by id, else by client id, else by symbol or coin."""
    params = call.params
    order_id, link = text_of(params, "orderId"), text_of(params, "orderLinkId")
    if order_id:
        number = order_id_number(market, order_id)
        return lambda row: row.number == number
    if link:
        unnamed = link_number(market, link)
        return lambda row: row.link == link or row.number == unnamed
    symbols = _symbols(exchange, call, market)
    wanted = text_of(params, "orderFilter")
    return lambda row: row.what.symbol in symbols and wanted in ("", row.filter)


def _symbols(exchange: Exchange, call: Call, market: str) -> set[str]:
    """Return the symbols meant, also those that were taken off the lists since."""
    params = call.params
    listed = {name: book.instrument for name, book in exchange.engine(market).books.items()}
    symbol = text_of(params, "symbol")
    if symbol:
        if symbol not in listed:
            raise errors.bad_symbol(market)
        return {symbol}
    base, settle = text_of(params, "baseCoin"), text_of(params, "settleCoin")
    return {name for name, i in listed.items() if base in ("", i.base) and (settle in ("", i.settle) or market == SPOT)}


def page_of(params: Mapping[str, Any], items: Sequence[T], name: Callable[[T], str], size: int) -> tuple[list[T], str]:
    """Cut one page out of a list and return the cursor after it; the cursor is the last item's name, URL-encoded."""
    cursor, start = unquote(text_of(params, "cursor")), 0
    if cursor:
        after = cursor.partition(",")[2] or cursor
        start = next((at + 1 for at, item in enumerate(items) if name(item) == after), len(items))
    page = list(items[start : start + size])
    return page, quote(f"{name(page[0])},{name(page[-1])}", safe="") if page else ""


def _answer(market: str, listed: Iterable[Any], cursor: str) -> bytes:
    return orjson.dumps({"list": list(listed), "nextPageCursor": cursor, "category": CATEGORIES[market]})


def _nothing(call: Call) -> bytes | None:
    """Answer for products that this lab does not list."""
    category = text_of(call.params, "category")
    if category in EMPTY_CATEGORIES:
        return orjson.dumps({"list": [], "nextPageCursor": "", "category": category})
    return None


def _realtime(exchange: Exchange, call: Call) -> bytes:
    empty = _nothing(call)
    if empty is not None:
        return empty
    market, params = market_of(call.params), call.params
    named = bool(text_of(params, "orderId") or text_of(params, "orderLinkId"))
    if market == PERP and not named and not any(params.get(n) for n in ("symbol", "baseCoin", "settleCoin")):
        raise errors.bad_params("symbol, baseCoin or settleCoin is required")
    closed_only = text_of(params, "openOnly") == "1" and not named
    meant = _meant(exchange, call, market)
    rows = rows_of(exchange, call.account, market, open_only=not named and not closed_only)
    chosen = [row for row in rows if meant(row) and (named or row.is_open != closed_only)][:CLOSED_MAX]
    page, cursor = page_of(params, chosen, lambda row: order_id_text(market, row.number), limit_of(params, 20, 50))
    return _answer(market, (row.view(exchange) for row in page), cursor)


def span_of(params: Mapping[str, Any], now_ms: int) -> tuple[int, int]:
    """Read `startTime` and `endTime`: at most seven days, the last seven by default."""
    start, end = integer_of(params, "startTime"), integer_of(params, "endTime")
    if start is None:
        end = now_ms + 1000 if end is None else end
        return end - WEEK_MS, end
    if end is None:
        return start, start + WEEK_MS
    if end - start > WEEK_MS:
        raise errors.request_error("The time range between startTime and endTime cannot exceed 7 days")
    return start, end


def _history(exchange: Exchange, call: Call) -> bytes:
    empty = _nothing(call)
    if empty is not None:
        return empty
    market, params = market_of(call.params), call.params
    meant, (start, end) = _meant(exchange, call, market), span_of(params, call.now_ms)
    status = text_of(params, "orderStatus")
    rows = [
        row
        for row in rows_of(exchange, call.account, market, open_only=False)
        if not row.is_open and start <= row.created_ms <= end and meant(row)
    ]
    if status:
        rows = [row for row in rows if row.view(exchange)["orderStatus"] == status]
    page, cursor = page_of(params, rows, lambda row: order_id_text(market, row.number), limit_of(params, 20, 50))
    return _answer(market, (row.view(exchange) for row in page), cursor)


class Fill(NamedTuple):
    """An execution with its order, what the order had left after it, and how much position it closed."""

    execution: Execution
    order: Order
    leaves: Decimal
    closed: Decimal


def fills_of(exchange: Exchange, account: str, market: str, symbols: set[str]) -> list[Fill]:
    """Return the executions kept, newest first.

    Positions change by executions alone, so walking back from the present position tells what each one closed.
    """
    found: list[tuple[Execution, Order, Decimal]] = []
    for order in exchange.engine(market).orders(account, forgotten=True):
        if order.symbol not in symbols:
            continue
        leaves = order.qty
        for execution in order.fills:
            leaves -= execution.qty
            found.append((execution, order, max(ZERO, leaves)))
    found.sort(key=lambda one: (one[0].at_ms, one[0].trade_id), reverse=True)
    if market == SPOT:
        return [Fill(*one, ZERO) for one in found]
    held = {(p.symbol, p.position_side): p.qty for p in exchange.perp.positions(account)}
    fills = []
    for execution, order, leaves in found:
        key = execution.symbol, execution.position_side
        after = held.get(key, ZERO)
        held[key] = before = after - (execution.qty if execution.side == BUY else -execution.qty)
        fills.append(Fill(execution, order, leaves, closed_by(before, after, execution.qty)))
    return fills


def closed_by(before: Decimal, after: Decimal, qty: Decimal) -> Decimal:
    """Return how much of a position an execution of `qty` closed, taking it from `before` to `after`."""
    return min(abs(before), qty) if abs(after - before) and (after - before) * before < 0 else ZERO


def _executions(exchange: Exchange, call: Call) -> bytes:
    empty = _nothing(call)
    if empty is not None:
        return empty
    market, params = market_of(call.params), call.params
    order_id, link = text_of(params, "orderId"), text_of(params, "orderLinkId")
    if order_id or link:
        number = order_id_number(market, order_id) if order_id else link_number(market, link)
        fills = fills_of(exchange, call.account, market, set(exchange.engine(market).books))
        fills = [f for f in fills if f.order.order_id == number or (not order_id and f.order.client_order_id == link)]
    else:
        start, end = span_of(params, call.now_ms)
        fills = fills_of(exchange, call.account, market, _symbols(exchange, call, market))
        fills = [f for f in fills if start <= f.execution.at_ms <= end]
    wanted = text_of(params, "execType")
    if wanted:
        fills = [f for f in fills if execution_type(f.order) == wanted]
    page, cursor = page_of(params, fills, lambda f: execution_id(market, f.execution), limit_of(params, 50, 100))
    return _answer(market, (_execution(exchange, f) for f in page), cursor)


def _execution(exchange: Exchange, fill: Fill) -> dict[str, Any]:
    return execution_view(
        fill.order,
        fill.execution,
        instrument_at(exchange, fill.order.market, fill.order.symbol),
        placed_by(exchange, fill.order),
        leaves=fill.leaves,
        closed=fill.closed,
        mark_px=mark_px_of(exchange, fill.order),
    )


def mark_px_of(exchange: Exchange, order: Order) -> Decimal:
    """Return the mark price that an execution is told with; spot has none."""
    return exchange.perp.watched_px(order.symbol, MARK) if order.market == PERP else ZERO


ROUTES: Routes = {
    ("GET", "/v5/order/realtime"): Route(_realtime, ANY, per_second(50)),
    ("GET", "/v5/order/history"): Route(_history, ANY, per_second(50)),
    ("GET", "/v5/execution/list"): Route(_executions, ANY, per_second(50)),
}
