"""What the unified account's streams (v3) push: rows of public topics, and of private ones for events.

Source: the reference's "UTA / WebSocket" pages, whose samples the rows follow field by field.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from copydesk.kernel import ZERO
from copydesk.venues.lab.conditional import Conditional
from copydesk.venues.lab.dialects.bitget.classic_push import Row
from copydesk.venues.lab.dialects.bitget.figures import Json, taker_side
from copydesk.venues.lab.dialects.bitget.unified_account import coin_rows, position_view
from copydesk.venues.lab.dialects.bitget.unified_market import CATEGORIES, ticker_view
from copydesk.venues.lab.dialects.bitget.unified_plans import STATUSES as STRATEGY_STATUSES
from copydesk.venues.lab.dialects.bitget.unified_plans import plan_view
from copydesk.venues.lab.dialects.bitget.unified_shapes import STATUSES, fee_rows, fill_view, order_view, trade_side
from copydesk.venues.lab.dialects.bitget.words import MARGIN_COIN, average, number, trade_id_text
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.market import Candle
from copydesk.venues.lab.model import (
    CANCELED,
    NET,
    NEW,
    PERP,
    AccountEvent,
    BalanceUpdate,
    ConditionalUpdate,
    LabInstrument,
    OrderUpdate,
    PositionUpdate,
    PositionView,
    PublicTrade,
)

ACCOUNT = "uta"


def ticker(exchange: Exchange, market: str, i: LabInstrument, now_ms: int) -> list[Json]:  # noqa: ARG001 - as v2's
    return [ticker_view(exchange, market, i)]


def trade(one: PublicTrade) -> Json:
    return {
        "p": number(one.px),
        "S": taker_side(one),
        "T": str(one.at_ms),
        "v": number(one.qty),
        "i": trade_id_text(one.trade_id),
        "L": trade_id_text(one.trade_id),
        "isRPI": "no",
    }


def candle(one: Candle) -> Json:
    prices = {"open": one.open, "close": one.close, "high": one.high, "low": one.low, "volume": one.volume}
    turnover = number((one.volume * one.close).quantize(Decimal("1E-8")))
    return {"start": str(one.open_ms), **{name: number(px) for name, px in prices.items()}, "turnover": turnover}


def book(asks: list[list[str]], bids: list[list[str]], *, checksum: int, seq: int, before: int, now_ms: int) -> Json:  # noqa: ARG001 - v3 books carry none
    return {"a": asks, "b": bids, "pseq": before, "seq": seq, "ts": str(now_ms)}


def rows(exchange: Exchange, event: AccountEvent) -> Iterator[Row]:
    """Write an event of an account as the private topics tell it."""
    if isinstance(event, OrderUpdate):
        yield Row(ACCOUNT, "order", "", [_order(exchange, event)])
        if event.execution is not None:
            yield Row(ACCOUNT, "fill", "", [_fill(event)])
    elif isinstance(event, BalanceUpdate):
        yield account_row(exchange, event.account)
    elif isinstance(event, PositionUpdate):
        yield Row(ACCOUNT, "position", "", [position_row(exchange, event.position)])
    elif isinstance(event, ConditionalUpdate) and event.conditional.active:
        yield Row(ACCOUNT, "strategy-order", "", [_strategy(exchange, event.conditional)])


def _strategy(exchange: Exchange, one: Conditional) -> Json:
    """Write a strategy as the list does: a take-profit with a stop-loss is one, under the older id."""
    engine = exchange.engine(one.market)
    found = (engine.conditional(one.account, one.symbol, sibling) for sibling in one.siblings)
    pair = sorted((part for part in (one, *found) if part is not None), key=lambda part: part.conditional_id)
    view = plan_view(pair[0], pair[1] if len(pair) > 1 else None)
    return {**view, "category": view["category"].lower(), "status": STRATEGY_STATUSES[one.status]}


def account_row(exchange: Exchange, account: str) -> Row:
    """Write the whole account, as every push of it does."""
    coins, margin = coin_rows(exchange, account), exchange.perp.margin(account)
    worth = sum((Decimal(coin["usdValue"]) for coin in coins), ZERO)
    row = {
        "unrealisedPnL": number(margin.unrealized),
        "totalEquity": number(worth),
        "positionMgnRatio": "0",
        "mmr": number(margin.maint_margin),
        "effEquity": number(worth),
        "imr": number(margin.initial_margin + margin.order_margin),
        "mgnRatio": "0",
        "coin": [_coin(coin) for coin in coins],
    }
    return Row(ACCOUNT, "account", "", [row])


def _coin(view: Json) -> Json:
    row = {**view, "debts": view["debt"], "borrow": "0"}
    del row["debt"]
    return row


def position_row(exchange: Exchange, view: PositionView) -> Json:
    """Write a position; one that is over has size 0 and status `ended`."""
    whole = position_view(exchange, view)
    return {
        "symbol": view.symbol,
        "leverage": whole["leverage"],
        "openFeeTotal": whole["openFeeTotal"],
        "mmr": whole["mmr"],
        "breakEvenPrice": whole["breakEvenPrice"],
        "available": whole["available"],
        "liqPrice": whole["liquidationPrice"],
        "marginMode": whole["marginMode"],
        "unrealisedPnl": whole["unrealisedPnl"],
        "markPrice": whole["markPrice"],
        "createdTime": whole["createdTime"],
        "avgPrice": whole["avgPrice"],
        "totalFundingFee": whole["totalFunding"],
        "updatedTime": whole["updatedTime"],
        "marginCoin": MARGIN_COIN,
        "frozen": whole["frozen"],
        "profitRate": whole["profitRate"],
        "closeFeeTotal": whole["closeFeeTotal"],
        "marginSize": whole["positionBalance"],
        "curRealisedPnl": whole["curRealisedPnl"],
        "size": whole["total"],
        "positionStatus": "normal" if view.qty else "ended",
        "posSide": whole["posSide"],
        "holdMode": whole["holdMode"],
    }


def _order(exchange: Exchange, event: OrderUpdate) -> Json:
    order, whole = event.order, order_view(event.order)
    perpetual = order.market == PERP
    row = {
        "category": CATEGORIES[order.market].lower(),
        "symbol": order.symbol,
        "orderId": whole["orderId"],
        "clientOid": whole["clientOid"],
        "price": "" if order.px is None else number(order.px),
        "qty": whole["qty"],
        "amount": whole["amount"],
        "holdMode": whole["holdMode"],
        "holdSide": whole["posSide"],
        "delegateType": "normal",
        "orderType": whole["orderType"],
        "timeInForce": whole["timeInForce"],
        "side": order.side,
        "marginMode": whole["marginMode"],
        "marginCoin": MARGIN_COIN if perpetual else "",
        "reduceOnly": whole["reduceOnly"].lower(),
        "cumExecQty": number(event.cum_qty),
        "cumExecValue": number(event.cum_quote),
        "avgPrice": average(event.cum_quote, event.cum_qty) or "0",
        "totalProfit": number(order.realized),
        "orderStatus": "new" if event.status == NEW else STATUSES[event.status],
        "cancelReason": "normal_cancel" if event.status == CANCELED else "",
        "leverage": "",
        "feeDetail": fee_rows(order, event.cum_qty) if event.cum_qty else [],
        "createdTime": str(order.created_ms),
        "updatedTime": str(event.at_ms),
        "stpMode": "none",
        "tpTriggerBy": "",
        "slTriggerBy": "",
        "takeprofit": "",
        "stoploss": "",
        "tpOrderType": "market",
        "slOrderType": "market",
        "tpLimitPrice": "",
        "slLimitPrice": "",
        "matchType": "0",
    }
    if perpetual:
        row["tradeSide"] = trade_side(order, reduces=order.reduce_only)
        row["leverage"] = str(exchange.perp.settings(order.account, order.symbol, order.position_side).leverage)
    return row


def _fill(event: OrderUpdate) -> Json:
    fill = event.execution
    assert fill is not None
    whole = fill_view(fill, event.order)
    hold_side = fill.position_side if fill.position_side != NET else ""
    row = {**whole, "category": whole["category"].lower(), "holdSide": hold_side, "isRPI": "no"}
    row["execTime"] = row.pop("createdTime")
    del row["posSide"]
    return row


def open_positions(exchange: Exchange, account: str) -> Row:
    """Write all open positions, as the first push after subscribing does."""
    views = exchange.perp.positions(account)
    return Row(ACCOUNT, "position", "", [position_row(exchange, view) for view in views])
