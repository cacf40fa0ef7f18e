"""What private streams tell of one account's events: rows by topic, in the order in which they are sent.

Orders come first, then executions, the wallet and positions. An order that is filled at once is told once, as it
ends. Source: v5 documentation, "WebSocket Stream", "Private".
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from copydesk.kernel import ZERO, decimal_text
from copydesk.venues.lab.dialects.bybit.fills import execution_view
from copydesk.venues.lab.dialects.bybit.ids import trade_id_text
from copydesk.venues.lab.dialects.bybit.listing import closed_by, mark_px_of, placed_by
from copydesk.venues.lab.dialects.bybit.params import CATEGORIES, LINEAR
from copydesk.venues.lab.dialects.bybit.positions import position_rows
from copydesk.venues.lab.dialects.bybit.routes import instrument_at
from copydesk.venues.lab.dialects.bybit.views import conditional_view, order_view, px_text, qty_text
from copydesk.venues.lab.dialects.bybit.wallet import wallet_view
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.model import (
    BUY,
    FUNDING_FEE,
    MARK,
    NEW,
    PERP,
    TRADE,
    AccountEvent,
    BalanceUpdate,
    ConditionalUpdate,
    Execution,
    OrderUpdate,
    PositionUpdate,
)

FAST = (
    "category",
    "symbol",
    "execId",
    "execPrice",
    "execQty",
    "orderId",
    "isMaker",
    "orderLinkId",
    "side",
    "execTime",
    "seq",
)


class Told(NamedTuple):
    """One message: its topic without category, the category ("" for the wallet), and its rows."""

    topic: str
    category: str
    rows: list[dict[str, Any]]


def messages_of(exchange: Exchange, account: str, events: Sequence[AccountEvent]) -> list[Told]:
    """Write what has happened to an account since its streams last heard."""
    told: list[Told] = []
    for market, category in CATEGORIES.items():
        rows = _order_rows(exchange, events, market)
        if rows:
            told.append(Told("order", category, rows))
    told += _executions(exchange, account, events)
    coins = [asset for e in events if isinstance(e, BalanceUpdate) for asset, _, _ in e.balances]
    if coins:
        told.append(Told("wallet", "", [wallet_view(exchange, account, dict.fromkeys(coins))]))
    rows = _position_rows(exchange, account, events)
    if rows:
        told.append(Told("position", LINEAR, rows))
    return told


def _order_rows(exchange: Exchange, events: Sequence[AccountEvent], market: str) -> list[dict[str, Any]]:
    """Write what became of orders; of the fills of one order only the last counts, as it says everything."""
    final = {id(e.order): e for e in events if isinstance(e, OrderUpdate)}
    rows = []
    for event in events:
        if isinstance(event, OrderUpdate) and event.order.market == market:
            if event.change in (NEW, TRADE) and final[id(event.order)] is not event:
                continue
            rows.append(_order_row(exchange, event))
        # What waits for its order to be filled is no order yet.
        elif isinstance(event, ConditionalUpdate) and event.conditional.market == market and event.conditional.active:
            instrument = instrument_at(exchange, market, event.conditional.symbol)
            row = conditional_view(event.conditional, instrument)
            rows.append({**row, "category": CATEGORIES[market], "closedPnl": "0", "feeCurrency": ""})
    return rows


def _order_row(exchange: Exchange, event: OrderUpdate) -> dict[str, Any]:
    order = event.order
    instrument = instrument_at(exchange, order.market, order.symbol)
    row = order_view(order, instrument, placed_by(exchange, order), event.status, (event.cum_qty, event.cum_quote))
    row["category"] = CATEGORIES[order.market]
    row["closedPnl"] = decimal_text(order.realized)
    row["feeCurrency"] = next(iter(row["cumFeeDetail"]), "")
    return row


def _executions(exchange: Exchange, account: str, events: Sequence[AccountEvent]) -> list[Told]:
    """Write fills by symbol, oldest first, and funding as Bybit does: as an execution of its own kind."""
    fills = [(e, e.execution) for e in events if isinstance(e, OrderUpdate) and e.execution is not None]
    closed = _closed(exchange, account, [execution for e, execution in fills if e.order.market == PERP])
    grouped: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for event, execution in fills:
        order = event.order
        row = execution_view(
            order,
            execution,
            instrument_at(exchange, order.market, order.symbol),
            placed_by(exchange, order),
            leaves=max(ZERO, order.qty - event.cum_qty),
            closed=closed.get(id(execution), ZERO),
            mark_px=mark_px_of(exchange, order),
        )
        category = CATEGORIES[order.market]
        extra = {
            "category": category,
            "isLeverage": "0",
            "marketUnit": "",
            "execPnl": decimal_text(execution.realized),
            "extraFees": [],
        }
        grouped.setdefault((category, order.symbol), []).append({**row, **extra})
    for paid in events:
        if isinstance(paid, BalanceUpdate) and paid.change == FUNDING_FEE and paid.symbol:
            grouped.setdefault((LINEAR, paid.symbol), []).append(_funding_row(exchange, account, paid))
    return [Told("execution", category, rows) for (category, _), rows in grouped.items()]


def _closed(exchange: Exchange, account: str, fills: Sequence[Execution]) -> dict[int, Decimal]:
    """Walk back from the present positions: how much of its position did each fill close?"""
    held: dict[tuple[str, str], Decimal] = {}
    closed: dict[int, Decimal] = {}
    for fill in reversed(fills):
        key = fill.symbol, fill.position_side
        after = held[key] if key in held else exchange.perp.position(account, *key).qty
        held[key] = before = after - (fill.qty if fill.side == BUY else -fill.qty)
        closed[id(fill)] = closed_by(before, after, fill.qty)
    return closed


def _funding_row(exchange: Exchange, account: str, event: BalanceUpdate) -> dict[str, Any]:
    """Write a funding payment; `execFee` is what was paid."""
    perp = exchange.perp
    instrument, position = (
        instrument_at(exchange, PERP, event.symbol),
        perp.position(account, event.symbol, event.position_side),
    )
    mark_px = perp.watched_px(event.symbol, MARK)
    size = abs(position.qty)
    value, name = size * mark_px, trade_id_text(PERP, event.at_ms)
    return {
        "category": LINEAR,
        "symbol": event.symbol,
        "closedSize": "0",
        "execFee": decimal_text(-event.delta),
        "execId": name,
        "execPrice": px_text(mark_px, instrument),
        "execQty": qty_text(size, instrument),
        "execType": "Funding",
        "execValue": decimal_text(value),
        "feeRate": decimal_text(round(-event.delta / value, 8)) if value else "0",
        "tradeIv": "",
        "markIv": "",
        "blockTradeId": "",
        "markPrice": px_text(mark_px, instrument),
        "indexPrice": "",
        "underlyingPrice": "",
        "leavesQty": "0",
        "orderId": name,
        "orderLinkId": "",
        "orderPrice": "0",
        "orderQty": "0",
        "orderType": "UNKNOWN",
        "stopOrderType": "UNKNOWN",
        "side": "Buy" if position.qty > 0 else "Sell",
        "execTime": str(event.at_ms),
        "isLeverage": "0",
        "isMaker": False,
        "seq": perp.books[event.symbol].last_trade_id,
        "marketUnit": "",
        "execPnl": "0",
        "createType": "",
        "extraFees": [],
        "feeCurrency": "",
    }


def _position_rows(exchange: Exchange, account: str, events: Sequence[AccountEvent]) -> list[dict[str, Any]]:
    """Write the positions that changed, or on which an order was placed, changed or ended."""
    touched: dict[tuple[str, str], None] = {}
    for event in events:
        if isinstance(event, PositionUpdate):
            touched[event.position.symbol, event.position.position_side] = None
        elif isinstance(event, OrderUpdate) and event.order.market == PERP:
            touched[event.order.symbol, event.order.position_side] = None
    views = [exchange.perp.position(account, symbol, side) for symbol, side in touched]
    rows = position_rows(exchange, account, views)
    for row in rows:
        row["entryPrice"] = row.pop("avgPrice")
        row["category"] = LINEAR
    return rows
