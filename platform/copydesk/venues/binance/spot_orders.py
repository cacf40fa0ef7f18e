"""Binance spot's words for orders: build requests, read answers. Pure.

Source: binance-spot-api-docs, rest-api.md (New order, Query order, Account trade list), user-data-stream.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from copydesk.kernel import ZERO, decimal_text
from copydesk.trading import Fill, Instrument, OrderRequest, OrderStatus, OrderType, OrderView, Side, TimeInForce
from copydesk.venues.binance.signing import encoded, id_text
from copydesk.venues.client.wire import moment, number
from copydesk.venues.model import LeaderTrade

STATUS = {
    "NEW": OrderStatus.ACCEPTED,
    "PENDING_NEW": OrderStatus.ACCEPTED,
    "PARTIALLY_FILLED": OrderStatus.PARTIALLY_FILLED,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELED,
    "PENDING_CANCEL": OrderStatus.ACCEPTED,
    "REJECTED": OrderStatus.REJECTED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
}
SIDE = {"BUY": Side.BUY, "SELL": Side.SELL}
SIDE_TEXT = {side: text for text, side in SIDE.items()}
TYPE = {
    "MARKET": OrderType.MARKET,
    "LIMIT": OrderType.LIMIT,
    "LIMIT_MAKER": OrderType.LIMIT,
    "STOP_LOSS": OrderType.STOP_MARKET,
    "STOP_LOSS_LIMIT": OrderType.STOP_LIMIT,
    "TAKE_PROFIT": OrderType.TAKE_PROFIT_MARKET,
    "TAKE_PROFIT_LIMIT": OrderType.TAKE_PROFIT_LIMIT,
}
_TYPE_TEXT = {
    OrderType.MARKET: "MARKET",
    OrderType.LIMIT: "LIMIT",
    OrderType.STOP_MARKET: "STOP_LOSS",
    OrderType.STOP_LIMIT: "STOP_LOSS_LIMIT",
    OrderType.TAKE_PROFIT_MARKET: "TAKE_PROFIT",
    OrderType.TAKE_PROFIT_LIMIT: "TAKE_PROFIT_LIMIT",
}


def order_form(order: OrderRequest, instrument: Instrument) -> str:
    """Return the unsigned form of a new order without its time stamp; FULL asks for the fills in the answer."""
    shape = _shape(
        instrument.venue_symbol,
        order.side,
        order.type,
        order.px,
        order.time_in_force,
        order.trigger_px,
        order.post_only,
    )
    return f"{shape}&quantity={decimal_text(order.qty)}&newClientOrderId={id_text(order.client_order_id)}"


@lru_cache(maxsize=1024)
def _shape(
    venue_symbol: str,
    side: Side,
    kind: OrderType,
    px: Decimal | None,
    time_in_force: TimeInForce | None,
    trigger_px: Decimal | None,
    post_only: bool,
) -> str:
    """Return what the orders of one fan-out have in common: all but the quantity and the name."""
    form = f"symbol={encoded(venue_symbol)}&side={SIDE_TEXT[side]}&newOrderRespType=FULL&type="
    if kind is OrderType.MARKET:
        return f"{form}MARKET"
    form += "LIMIT_MAKER" if post_only else _TYPE_TEXT[kind]
    if kind.conditional:
        assert trigger_px is not None, "a conditional order has a trigger"
        assert not post_only, "a conditional order cannot be post-only"
        form += f"&stopPrice={decimal_text(trigger_px)}"
        if kind in (OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET):
            return form
    assert px is not None, "a limit order has a price"
    tif = "" if post_only else f"&timeInForce={(time_in_force or TimeInForce.GTC).value}"
    return f"{form}&price={decimal_text(px)}{tif}"


def order_view(answer: Mapping[str, Any], symbol: str, fills: tuple[Fill, ...] | None = None) -> OrderView:
    """Read an order object of any endpoint; a cancel answer names the order by `origClientOrderId`.

    Raises what `client.wire.MISREAD` lists for anything else.
    """
    qty_text, cum_text = answer["origQty"], answer["executedQty"]
    qty = number(qty_text)
    cum_qty = qty if cum_text == qty_text else number(cum_text)
    at_ms = answer.get("transactTime") or answer.get("updateTime") or answer.get("time")
    at = moment(at_ms) if at_ms else None
    return OrderView(  # By position, which costs half as much.
        answer.get("origClientOrderId") or answer["clientOrderId"],
        str(answer["orderId"]),
        symbol,
        SIDE[answer["side"]],
        STATUS[answer["status"]],
        qty,
        cum_qty,
        _avg_px(cum_qty, number(answer["cummulativeQuoteQty"])),
        _answer_fills(answer.get("fills", ()), at) if fills is None else fills,
        at,
    )


def fills_of(trades: Iterable[Mapping[str, Any]], cum_qty: Decimal) -> tuple[Fill, ...]:
    """Read the fills that make up `cum_qty`, oldest first.

    The trades are read after the order and may hold more. They may also lag behind: then their sum is smaller.
    """
    fills: list[Fill] = []
    total = ZERO
    for trade in sorted(trades, key=lambda t: int(t["id"])):
        if total >= cum_qty:
            break
        fill = _fill(trade, trade["id"], moment(trade["time"]))
        fills.append(fill)
        total += fill.qty
    return tuple(fills)


def leader_trade(trade: Mapping[str, Any], symbol: str) -> LeaderTrade:
    """Read one item of `myTrades`."""
    return LeaderTrade(
        trade_id=str(trade["id"]),
        venue_order_id=str(trade["orderId"]),
        client_order_id="",
        symbol=symbol,
        side=Side.BUY if trade["isBuyer"] else Side.SELL,
        order_type=None,
        qty=number(trade["qty"]),
        px=number(trade["price"]),
        fee=number(trade["commission"]),
        fee_currency=trade["commissionAsset"],
        at_ms=int(trade["time"]),
    )


def fill_of(trade: LeaderTrade) -> Fill:
    """Return an execution of an account as the fill of its order."""
    return Fill(trade.trade_id, trade.qty, trade.px, trade.fee, trade.fee_currency, moment(trade.at_ms))


def leader_trade_of_report(report: Mapping[str, Any], symbol: str) -> LeaderTrade:
    """Read an `executionReport` of the user data stream whose `x` is TRADE."""
    return LeaderTrade(
        trade_id=str(report["t"]),
        venue_order_id=str(report["i"]),
        client_order_id=report["c"],
        symbol=symbol,
        side=SIDE[report["S"]],
        order_type=TYPE.get(report["o"]),
        qty=number(report["l"]),
        px=number(report["L"]),
        fee=number(report["n"] or "0"),
        fee_currency=report["N"] or "",
        at_ms=int(report["T"]),
    )


def _avg_px(cum_qty: Decimal, cum_quote: Decimal) -> Decimal | None:
    """Very old orders have a negative quote sum: unknown."""
    return cum_quote / cum_qty if cum_qty > 0 and cum_quote >= 0 else None


def _answer_fills(fills: Iterable[Mapping[str, Any]], at: datetime | None) -> tuple[Fill, ...]:
    if not fills:
        return ()
    if at is None:
        raise ValueError("fills without a time")
    return tuple([_fill(fill, fill["tradeId"], at) for fill in fills])


_px = lru_cache(maxsize=1024)(number)  # The fills of one fan-out have few prices.


def _fill(raw: Mapping[str, Any], trade_id: object, at: datetime) -> Fill:
    qty, px, fee = number(raw["qty"]), _px(raw["price"]), number(raw["commission"])
    return Fill(str(trade_id), qty, px, fee, raw["commissionAsset"], at)
