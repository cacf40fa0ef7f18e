"""Binance USDⓈ-M's words for orders, plain and conditional: build requests, read answers. Pure.

A plain order's answer (RESULT) tells quantity and average price but not the fills; those are in `userTrades`.
Conditional orders are "algo orders" with ids of their own, and become a plain order when they trigger.
Source: developers.binance.com, USDⓈ-M futures: New Order, Modify Order, New Algo Order, Query Algo Order, Account
Trade List, user data streams (Order Update).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copydesk.kernel import ZERO, decimal_text
from copydesk.trading import (
    Fill,
    Instrument,
    OrderRequest,
    OrderStatus,
    OrderType,
    OrderView,
    PositionSide,
    Side,
    TimeInForce,
)
from copydesk.venues.binance.signing import encoded, id_text
from copydesk.venues.client.wire import moment, number
from copydesk.venues.model import Amendment, LeaderTrade

STATUS = {
    "NEW": OrderStatus.ACCEPTED,
    "PARTIALLY_FILLED": OrderStatus.PARTIALLY_FILLED,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELED,
    "REJECTED": OrderStatus.REJECTED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
    "NEW_INSURANCE": OrderStatus.ACCEPTED,  # Liquidation, taken over by the insurance fund.
    "NEW_ADL": OrderStatus.ACCEPTED,  # Counterparty to an auto-deleveraging.
}
# TRIGGERED and FINISHED say nothing of the order that was placed: it is read by its own id (`placed_order`).
CONDITIONAL_STATUS = {
    "NEW": OrderStatus.ACCEPTED,
    "TRIGGERING": OrderStatus.ACCEPTED,
    "TRIGGERED": OrderStatus.ACCEPTED,
    "FINISHED": OrderStatus.ACCEPTED,
    "CANCELED": OrderStatus.CANCELED,
    "REJECTED": OrderStatus.REJECTED,
    "EXPIRED": OrderStatus.EXPIRED,
}
SIDE = {"BUY": Side.BUY, "SELL": Side.SELL}
_SIDE_TEXT = {side: text for text, side in SIDE.items()}
POSITION_SIDE = {"BOTH": PositionSide.NET, "LONG": PositionSide.LONG, "SHORT": PositionSide.SHORT}
_POSITION_SIDE_TEXT = {
    PositionSide.NET: "",  # One-way mode, whose only side is the default.
    PositionSide.LONG: "&positionSide=LONG",
    PositionSide.SHORT: "&positionSide=SHORT",
}
TYPE = {
    "MARKET": OrderType.MARKET,
    "LIMIT": OrderType.LIMIT,
    "STOP_MARKET": OrderType.STOP_MARKET,
    "STOP": OrderType.STOP_LIMIT,
    "TAKE_PROFIT_MARKET": OrderType.TAKE_PROFIT_MARKET,
    "TAKE_PROFIT": OrderType.TAKE_PROFIT_LIMIT,
}
_TYPE_TEXT = {kind: text for text, kind in TYPE.items()}
_PRICED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT})


def order_form(order: OrderRequest, instrument: Instrument) -> str:
    """Return the unsigned form of a new order without its time stamp.

    In hedge mode a close is an order against its side, and `reduceOnly` is refused.
    """
    kind = order.type
    conditional = kind.conditional
    one_way = order.position_side is PositionSide.NET
    name = id_text(order.client_order_id)
    named = f"algoType=CONDITIONAL&clientAlgoId={name}" if conditional else f"newClientOrderId={name}"
    price = _price(order) if kind in _PRICED else ""
    trigger = ""
    if conditional:
        assert order.trigger_px is not None, "a conditional order has a trigger"
        trigger = f"&triggerPrice={decimal_text(order.trigger_px)}"
    return (
        f"symbol={encoded(instrument.venue_symbol)}&side={_SIDE_TEXT[order.side]}&{named}&newOrderRespType=RESULT"
        f"&type={_TYPE_TEXT[kind]}&quantity={decimal_text(order.qty)}{price}{trigger}"
        f"{_POSITION_SIDE_TEXT[order.position_side]}{'&reduceOnly=true' if order.reduce_only and one_way else ''}"
    )


def _price(order: OrderRequest) -> str:
    assert order.px is not None, "a limit order has a price"
    tif = "GTX" if order.post_only else (order.time_in_force or TimeInForce.GTC).value
    return f"&price={decimal_text(order.px)}&timeInForce={tif}"


def amend_params(change: Amendment, instrument: Instrument) -> dict[str, str]:
    """Name what Modify Order needs: it always sets both quantity and price."""
    return {
        "symbol": instrument.venue_symbol,
        "origClientOrderId": change.client_order_id,
        "side": _SIDE_TEXT[change.side],
        "quantity": decimal_text(change.qty),
        "price": decimal_text(change.px),
    }


def order_view(answer: Mapping[str, Any], symbol: str, fills: tuple[Fill, ...] = ()) -> OrderView:
    """Read an order object of any endpoint. Raises what `client.wire.MISREAD` lists for anything else."""
    cum_qty = number(answer["executedQty"])
    at_ms = answer.get("updateTime") or answer.get("time")
    return OrderView(
        client_order_id=answer["clientOrderId"],
        venue_order_id=str(answer["orderId"]),
        symbol=symbol,
        side=SIDE[answer["side"]],
        status=STATUS[answer["status"]],
        qty=number(answer["origQty"]),
        cum_qty=cum_qty,
        avg_px=number(answer["avgPrice"]) if cum_qty > 0 else None,
        fills=fills,
        at=moment(at_ms) if at_ms else None,
        position_side=POSITION_SIDE[answer["positionSide"]],
    )


def conditional_view(answer: Mapping[str, Any], symbol: str) -> OrderView:
    """Read a conditional order that has placed nothing yet."""
    at_ms = answer.get("updateTime") or answer.get("createTime")
    return OrderView(
        client_order_id=answer["clientAlgoId"],
        venue_order_id=str(answer["algoId"]),
        symbol=symbol,
        side=SIDE[answer["side"]],
        status=CONDITIONAL_STATUS[answer["algoStatus"]],
        qty=number(answer["quantity"]),
        cum_qty=ZERO,
        avg_px=None,
        at=moment(at_ms) if at_ms else None,
        position_side=POSITION_SIDE[answer["positionSide"]],
    )


def placed_order(answer: Mapping[str, Any]) -> str:
    """Return the id of the plain order that a triggered conditional order placed, or nothing."""
    return str(answer.get("actualOrderId") or "")


def leader_trade(trade: Mapping[str, Any], symbol: str) -> LeaderTrade:
    """Read one item of `userTrades`."""
    return LeaderTrade(
        trade_id=str(trade["id"]),
        venue_order_id=str(trade["orderId"]),
        client_order_id="",
        symbol=symbol,
        side=SIDE[trade["side"]],
        order_type=None,
        qty=number(trade["qty"]),
        px=number(trade["price"]),
        fee=number(trade["commission"]),
        fee_currency=trade["commissionAsset"],
        at_ms=int(trade["time"]),
        position_side=POSITION_SIDE[trade["positionSide"]],
    )


def leader_trade_of_update(update: Mapping[str, Any], symbol: str) -> LeaderTrade:
    """Read the `o` of an `ORDER_TRADE_UPDATE` whose `x` is TRADE. `ot` is the type before a conditional triggered."""
    return LeaderTrade(
        trade_id=str(update["t"]),
        venue_order_id=str(update["i"]),
        client_order_id=update["c"],
        symbol=symbol,
        side=SIDE[update["S"]],
        order_type=TYPE.get(update["o"]),
        qty=number(update["l"]),
        px=number(update["L"]),
        fee=number(update.get("n") or "0"),
        fee_currency=update.get("N") or "",
        at_ms=int(update["T"]),
        position_side=POSITION_SIDE[update["ps"]],
    )
