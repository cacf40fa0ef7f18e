"""Bybit's words for orders: build requests, read answers. Pure.

Conditional orders are orders like others, with a trigger and one id for life. The answer to an order acknowledges
acceptance only; what was filled is in `order/realtime` and `execution/list`.
Source: Bybit v5 API: Place Order, Amend Order, Get Open & Closed Orders, Get Trade History, Execution stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
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
from copydesk.venues.client.wire import moment, number
from copydesk.venues.model import Amendment, LeaderTrade

UNTRIGGERED = "Untriggered"
STATUS = {
    "New": OrderStatus.ACCEPTED,
    "PartiallyFilled": OrderStatus.PARTIALLY_FILLED,
    UNTRIGGERED: OrderStatus.ACCEPTED,
    "Triggered": OrderStatus.ACCEPTED,
    "Filled": OrderStatus.FILLED,
    "Cancelled": OrderStatus.CANCELED,
    "PartiallyFilledCanceled": OrderStatus.CANCELED,
    "Deactivated": OrderStatus.CANCELED,
    "Rejected": OrderStatus.REJECTED,
}
SIDE = {"Buy": Side.BUY, "Sell": Side.SELL}
_SIDE_TEXT = {side: text for text, side in SIDE.items()}
POSITION_SIDE = {0: PositionSide.NET, 1: PositionSide.LONG, 2: PositionSide.SHORT}
_POSITION_INDEX = {side: index for index, side in POSITION_SIDE.items()}
_TYPE = {"Market": OrderType.MARKET, "Limit": OrderType.LIMIT}
_MARKETS = frozenset({OrderType.MARKET, OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET})
_RISES, _FALLS = 1, 2
# A stop follows the price of its side, a take-profit waits for the other.
_DIRECTION = {
    (True, Side.BUY): _RISES,
    (True, Side.SELL): _FALLS,
    (False, Side.BUY): _FALLS,
    (False, Side.SELL): _RISES,
}
_STOPS = frozenset({OrderType.STOP_MARKET, OrderType.STOP_LIMIT})
# What moves no position.
_NO_TRADE = frozenset({"Funding", "SessionSettlePnL", "Settle"})


def category_of(instrument: Instrument) -> str:
    return "linear" if instrument.perpetual else "spot"


def order_params(order: OrderRequest, instrument: Instrument) -> dict[str, Any]:
    """Name what Place Order needs; market orders of spot in base units."""
    at_market = order.type in _MARKETS
    params: dict[str, Any] = {
        "category": category_of(instrument),
        "symbol": instrument.venue_symbol,
        "side": _SIDE_TEXT[order.side],
        "orderType": "Market" if at_market else "Limit",
        "qty": decimal_text(order.qty),
        "orderLinkId": order.client_order_id,
    }
    if not at_market:
        assert order.px is not None, "a limit order has a price"
        params["price"] = decimal_text(order.px)
        params["timeInForce"] = "PostOnly" if order.post_only else (order.time_in_force or TimeInForce.GTC).value
    elif not instrument.perpetual:
        params["marketUnit"] = "baseCoin"
    if instrument.perpetual:
        params["positionIdx"] = _POSITION_INDEX[order.position_side]
        if order.reduce_only:
            params["reduceOnly"] = True
    if order.type.conditional:
        params |= _trigger(order, instrument)
    return params | _exits(order)


def _trigger(order: OrderRequest, instrument: Instrument) -> dict[str, Any]:
    assert order.trigger_px is not None, "a conditional order has a trigger"
    params: dict[str, Any] = {"triggerPrice": decimal_text(order.trigger_px)}
    if not instrument.perpetual:
        return params | {"orderFilter": "StopOrder"}
    return params | {"triggerDirection": _DIRECTION[order.type in _STOPS, order.side]}


def _exits(order: OrderRequest) -> dict[str, str]:
    exits: dict[str, str] = {}
    for name, kind, px in (
        ("stopLoss", "slOrderType", order.stop_loss_px),
        ("takeProfit", "tpOrderType", order.take_profit_px),
    ):
        if px is not None:
            exits |= {name: decimal_text(px), kind: "Market"}
    return exits


def amend_params(change: Amendment, instrument: Instrument) -> dict[str, str]:
    """Name what Amend Order needs: the whole new quantity, and the price."""
    return {
        "category": category_of(instrument),
        "symbol": instrument.venue_symbol,
        "orderLinkId": change.client_order_id,
        "qty": decimal_text(change.qty),
        "price": decimal_text(change.px),
    }


def accepted(result: Mapping[str, Any], order: OrderRequest) -> OrderView:
    """Read the acknowledgment of an order: nothing is known of its fills yet."""
    return OrderView(
        client_order_id=result["orderLinkId"],
        venue_order_id=result["orderId"],
        symbol=order.symbol,
        side=order.side,
        status=OrderStatus.ACCEPTED,
        qty=order.qty,
        cum_qty=ZERO,
        avg_px=None,
        position_side=order.position_side,
    )


def order_view(row: Mapping[str, Any], instrument: Instrument, fills: tuple[Fill, ...] = ()) -> OrderView:
    """Read an order object. Raises what `client.wire.MISREAD` lists for anything else."""
    cum_qty = number(row["cumExecQty"] or "0")
    return OrderView(
        client_order_id=row["orderLinkId"],
        venue_order_id=row["orderId"],
        symbol=instrument.symbol,
        side=SIDE[row["side"]],
        status=STATUS[row["orderStatus"]],
        qty=number(row["qty"]),
        cum_qty=cum_qty,
        avg_px=number(row["avgPrice"]) if cum_qty > 0 else None,
        fills=fills,
        at=moment(int(row["updatedTime"])),
        position_side=POSITION_SIDE[int(row.get("positionIdx") or 0)],
    )


def fills_of(rows: Iterable[Mapping[str, Any]], instrument: Instrument, cum_qty: Decimal) -> tuple[Fill, ...]:
    """Read the fills that make up `cum_qty`, oldest first; their sum is smaller while the list lags behind."""
    fills: list[Fill] = []
    total = ZERO
    for row in in_order(rows):
        if total >= cum_qty or row["execType"] in _NO_TRADE:
            continue
        fee, currency = _fee(row, instrument)
        at = moment(int(row["execTime"]))
        fills.append(Fill(row["execId"], number(row["execQty"]), number(row["execPrice"]), fee, currency, at))
        total += fills[-1].qty
    return tuple(fills)


def in_order(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Put executions in the order in which they happened; ids are random, and one moment may have several."""
    return sorted(rows, key=lambda row: (int(row["execTime"]), int(row.get("seq") or 0)))


def hedged_side(row: Mapping[str, Any]) -> PositionSide:
    """Return the position that an execution in hedge mode changed: it opens one side's or closes the other's."""
    closes = number(row.get("closedSize") or "0") > 0
    return PositionSide.LONG if (row["side"] == "Buy") is not closes else PositionSide.SHORT


def leader_trade(row: Mapping[str, Any], instrument: Instrument) -> LeaderTrade | None:
    """Read one execution, of `execution/list` or of the stream; None for what moves no position.

    Executions do not name their position: `position_side` is NET until the order has told.
    """
    if row["execType"] in _NO_TRADE:
        return None
    fee, currency = _fee(row, instrument)
    return LeaderTrade(
        trade_id=row["execId"],
        venue_order_id=row["orderId"],
        client_order_id=row["orderLinkId"],
        symbol=instrument.symbol,
        side=SIDE[row["side"]],
        order_type=_TYPE.get(row["orderType"]),
        qty=number(row["execQty"]),
        px=number(row["execPrice"]),
        fee=fee,
        fee_currency=currency,
        at_ms=int(row["execTime"]),
    )


def _fee(row: Mapping[str, Any], instrument: Instrument) -> tuple[Decimal, str]:
    """Read the fee; where its currency is not told it is what the side receives, or the margin currency."""
    told = row.get("feeCurrency")
    received = instrument.base if row["side"] == "Buy" else instrument.quote
    return number(row["execFee"] or "0"), told or instrument.settle or received
