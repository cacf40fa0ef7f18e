"""Binance Spot objects: how orders, executions and balances look on the wire.

Source: developers.binance.com, binance-spot-api-docs `rest-api.md`, `user-data-stream.md`.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from copydesk.kernel import ZERO
from copydesk.venues.lab.dialects.binance.conditions import condition_of, order_of
from copydesk.venues.lab.model import (
    AMENDED,
    BUY,
    CANCELED,
    EXPIRED,
    NEW,
    SPOT,
    TRIGGERED,
    AccountEvent,
    BalanceUpdate,
    ConditionalUpdate,
    Execution,
    Order,
    OrderListUpdate,
    OrderUpdate,
    PublicTrade,
)

Shape = Callable[[Order], dict[str, Any]]
TYPES = {"market": "MARKET", "limit": "LIMIT", "limit_maker": "LIMIT_MAKER"}
SIDES = {"buy": "BUY", "sell": "SELL"}
ZERO_TEXT = "0.00000000"


@lru_cache(maxsize=4096)
def eight(value: Decimal) -> str:
    """Write a decimal with the exchange's eight places."""
    return f"{value:.8f}"


def type_of(order: Order) -> str:
    return condition_of(order.tag).type if order.tag else TYPES[order.type]


def list_id_of(order: Order) -> int:
    """Return the number of the order's list, -1 for a single order."""
    return -1 if order.order_list_id is None else order.order_list_id


def _px(order: Order) -> str:
    return ZERO_TEXT if order.px is None else eight(order.px)


def _quote_qty(order: Order) -> str:
    return ZERO_TEXT if order.quote_qty is None else eight(order.quote_qty)


def ack(order: Order) -> dict[str, Any]:
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": list_id_of(order),
        "clientOrderId": order.client_order_id,
        "transactTime": order.updated_ms,
    }


def result(order: Order) -> dict[str, Any]:
    px, quote_qty = order.px, order.quote_qty
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": list_id_of(order),
        "clientOrderId": order.client_order_id,
        "transactTime": order.updated_ms,
        "price": ZERO_TEXT if px is None else eight(px),
        "origQty": eight(order.qty),
        "executedQty": eight(order.cum_qty),
        "origQuoteOrderQty": ZERO_TEXT if quote_qty is None else eight(quote_qty),
        "cummulativeQuoteQty": eight(order.cum_quote),
        "status": order.status,
        "timeInForce": order.tif,
        "type": type_of(order),
        "side": SIDES[order.side],
        "workingTime": order.created_ms,
        "selfTradePreventionMode": "NONE",
        **(_condition(order) if order.tag else {}),
        **({} if order.order_list_id is None else _expiry(order, "expiryReason")),
    }


def _condition(order: Order) -> dict[str, Any]:
    """Return the fields that only stop, take-profit and trailing orders have."""
    condition = condition_of(order.tag)
    if condition.trailing_delta:
        return {"stopPrice": condition.stop_px, "trailingDelta": condition.trailing_delta, "trailingTime": -1}
    return {"stopPrice": condition.stop_px}


def _expiry(order: Order, name: str) -> dict[str, str]:
    """Say why a leg of a list expired when the other leg was the cause; other reasons are not told."""
    return {name: "OCO_TRIGGER"} if order.status == EXPIRED and order.reason is None else {}


def full(order: Order) -> dict[str, Any]:
    """The answer of `newOrderRespType=FULL`: the order with its fills so far."""
    answer = result(order)
    answer["fills"] = [
        {
            "price": eight(fill.px),
            "qty": eight(fill.qty),
            "commission": eight(fill.fee),
            "commissionAsset": fill.fee_currency,
            "tradeId": fill.trade_id,
        }
        for fill in order.fills
    ]
    return answer


def canceled(order: Order, cancel_id: str) -> dict[str, Any]:
    answer = result(order)
    del answer["workingTime"]
    return {**answer, "origClientOrderId": order.client_order_id, "clientOrderId": cancel_id}


def order_view(order: Order, *, working: bool = True) -> dict[str, Any]:
    """The answer of queries and lists. A stop that has not fired is not working."""
    answer = result(order)
    del answer["transactTime"]
    answer.setdefault("stopPrice", ZERO_TEXT)
    answer["icebergQty"] = ZERO_TEXT
    answer["time"] = order.created_ms
    answer["updateTime"] = order.updated_ms
    answer["isWorking"] = working
    if not working:
        answer["workingTime"] = -1
    return answer


def amended(order: Order, before: str, execution_id: int) -> dict[str, Any]:
    """The answer to an amendment that keeps the order's place."""
    return {
        "transactTime": order.updated_ms,
        "executionId": execution_id,
        "amendedOrder": {
            "symbol": order.symbol,
            "orderId": order.order_id,
            "orderListId": list_id_of(order),
            "origClientOrderId": before,
            "clientOrderId": order.client_order_id,
            "price": _px(order),
            "qty": eight(order.qty),
            "executedQty": eight(order.cum_qty),
            "preventedQty": ZERO_TEXT,
            "quoteOrderQty": ZERO_TEXT,
            "cumulativeQuoteQty": eight(order.cum_quote),
            "status": order.status,
            "timeInForce": order.tif,
            "type": type_of(order),
            "side": SIDES[order.side],
            "workingTime": order.created_ms,
            "selfTradePreventionMode": "NONE",
        },
    }


def my_trade(execution: Execution, list_id: int = -1) -> dict[str, Any]:
    return {
        "symbol": execution.symbol,
        "id": execution.trade_id,
        "orderId": execution.order_id,
        "orderListId": list_id,
        "price": eight(execution.px),
        "qty": eight(execution.qty),
        "quoteQty": eight(execution.px * execution.qty),
        "commission": eight(execution.fee),
        "commissionAsset": execution.fee_currency,
        "time": execution.at_ms,
        "isBuyer": execution.side == BUY,
        "isMaker": execution.maker,
        "isBestMatch": True,
    }


def public_trade(trade: PublicTrade) -> dict[str, Any]:
    return {
        "id": trade.trade_id,
        "price": eight(trade.px),
        "qty": eight(trade.qty),
        "quoteQty": eight(trade.px * trade.qty),
        "time": trade.at_ms,
        "isBuyerMaker": trade.buyer_is_maker,
        "isBestMatch": True,
    }


def aggregate_trade(trade: PublicTrade) -> dict[str, Any]:
    """Every trade is its own aggregate."""
    return {
        "a": trade.trade_id,
        "p": eight(trade.px),
        "q": eight(trade.qty),
        "f": trade.trade_id,
        "l": trade.trade_id,
        "T": trade.at_ms,
        "m": trade.buyer_is_maker,
        "M": True,
    }


def cancel_id_of(order: Order) -> str:
    """Name a cancel that the client did not name."""
    return f"cancel-{order.order_id}"


def user_event(event: AccountEvent) -> dict[str, Any] | None:
    """Write an engine event as the user data stream tells it; None for those of futures."""
    if isinstance(event, OrderUpdate):
        return _execution_report(event) if event.order.market == SPOT else None
    if isinstance(event, BalanceUpdate):
        return _balance_event(event) if event.market == SPOT else None
    if isinstance(event, OrderListUpdate):
        return _list_status(event)
    if isinstance(event, ConditionalUpdate) and event.conditional.market == SPOT and event.change != TRIGGERED:
        shown = order_of(event.conditional)
        change = NEW if shown.status == NEW else shown.status
        told = OrderUpdate(event.account, shown, change, shown.status, ZERO, ZERO, None, event.at_ms)
        return {**_execution_report(told), "w": False, "W": -1}
    return None


def _list_status(event: OrderListUpdate) -> dict[str, Any]:
    one = event.order_list
    kind = "UPDATED" if event.change == AMENDED else "EXEC_STARTED" if one.is_open else "ALL_DONE"
    return {
        "e": "listStatus",
        "E": event.at_ms,
        "s": one.symbol,
        "g": one.list_id,
        "c": "OCO",
        "l": kind,
        "L": "EXECUTING" if one.is_open else "ALL_DONE",
        "r": "NONE",
        "C": one.client_id,
        "T": event.at_ms,
        "O": [{"s": one.symbol, "i": leg.order_id, "c": leg.client_id} for leg in one.legs],
    }


def _balance_event(event: BalanceUpdate) -> dict[str, Any]:
    if event.change == "DEPOSIT":
        asset = event.balances[0][0]
        return {"e": "balanceUpdate", "E": event.at_ms, "a": asset, "d": eight(event.delta), "T": event.at_ms}
    return {
        "e": "outboundAccountPosition",
        "E": event.at_ms,
        "u": event.at_ms,
        "B": [{"a": asset, "f": eight(free), "l": eight(locked)} for asset, free, locked in event.balances],
    }


# An order amended in place is reported as replaced.
_CHANGES = {"AMENDED": "REPLACED"}


def _execution_report(event: OrderUpdate) -> dict[str, Any]:
    order, execution = event.order, event.execution
    was_canceled = event.change == CANCELED
    last_px, last_qty = (execution.px, execution.qty) if execution else (ZERO, ZERO)
    return {
        "e": "executionReport",
        "E": event.at_ms,
        "s": order.symbol,
        "c": cancel_id_of(order) if was_canceled else order.client_order_id,
        "S": SIDES[order.side],
        "o": type_of(order),
        "f": order.tif,
        "q": eight(order.qty),
        "p": _px(order),
        "P": condition_of(order.tag).stop_px if order.tag else ZERO_TEXT,
        "F": ZERO_TEXT,
        "g": list_id_of(order),
        "C": order.client_order_id if was_canceled else "",
        "x": _CHANGES.get(event.change, event.change),
        "X": event.status,
        "r": "NONE",
        "i": order.order_id,
        "l": eight(last_qty),
        "z": eight(event.cum_qty),
        "L": eight(last_px),
        "n": eight(execution.fee) if execution else "0",
        "N": execution.fee_currency if execution else None,
        "T": event.at_ms,
        "t": execution.trade_id if execution else -1,
        "I": order.order_id * 1000 + len(order.fills),
        "w": event.status in ("NEW", "PARTIALLY_FILLED"),
        "m": execution.maker if execution else False,
        "M": False,
        "O": order.created_ms,
        "Z": eight(event.cum_quote),
        "Y": eight(last_px * last_qty),
        "Q": _quote_qty(order),
        "W": order.created_ms,
        "V": "NONE",
        **({} if order.order_list_id is None else _expiry(order, "eR")),
    }
