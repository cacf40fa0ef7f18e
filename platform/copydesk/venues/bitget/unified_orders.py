"""A unified account's words for orders: build requests, read answers. Pure.

`side` says which way an order trades, in hedge mode as well, where `posSide` names the position. Fees are positive
when paid. The answer to an order acknowledges acceptance only; what was filled is told by the order and its fills.
Source: Bitget API guide v3: Place order, Get order details, Get fill history, Fill channel, Order channel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from copydesk.kernel import ZERO, decimal_text
from copydesk.trading import Fill, Instrument, MarginMode, OrderRequest, OrderType, OrderView, PositionSide, Side
from copydesk.venues.bitget.endpoints import UNIFIED
from copydesk.venues.bitget.unified_strategies import strategy_params
from copydesk.venues.bitget.words import (
    HEDGE,
    MARGIN_TEXT,
    POSITION_SIDE,
    SIDE,
    STATUS,
    TYPE,
    USDT_FUTURES,
    check_expressible,
    order_type_text,
    time_in_force_text,
)
from copydesk.venues.client.wire import moment, number
from copydesk.venues.model import LeaderTrade
from copydesk.venues.traits import Endpoint

SPOT = "SPOT"
_ORDER, _STRATEGY = UNIFIED.endpoints["submit"], UNIFIED.endpoints["submit_strategy"]


class UnifiedWords:
    """See `wire.OrderWords`."""

    def endpoint(self, order: OrderRequest) -> Endpoint:
        return _STRATEGY if order.type.conditional else _ORDER

    def params(self, order: OrderRequest, instrument: Instrument) -> dict[str, Any]:
        check_expressible(order, instrument)
        params: dict[str, Any] = {
            "category": category_of(instrument),
            "symbol": instrument.venue_symbol,
            "qty": decimal_text(order.qty),
            "side": order.side.value,
            "clientOid": order.client_order_id,
        }
        if order.type.conditional:
            return params | strategy_params(order, instrument)
        params["orderType"] = order_type_text(order)
        if order.type is not OrderType.MARKET:
            assert order.px is not None, "a limit order has a price"
            params |= {"price": decimal_text(order.px), "timeInForce": time_in_force_text(order)}
        return params | _contract(order) if instrument.perpetual else params


def category_of(instrument: Instrument) -> str:
    return USDT_FUTURES if instrument.perpetual else SPOT


def _contract(order: OrderRequest) -> dict[str, str]:
    """Name what only perpetuals have; `reduceOnly` is for one-way mode alone."""
    params = {"marginMode": MARGIN_TEXT[order.margin_mode or MarginMode.CROSS]}
    if order.position_side is not PositionSide.NET:
        params["posSide"] = order.position_side.value
    elif order.reduce_only:
        params["reduceOnly"] = "yes"
    for name, kind, px in (
        ("stopLoss", "slOrderType", order.stop_loss_px),
        ("takeProfit", "tpOrderType", order.take_profit_px),
    ):
        if px is not None:
            params |= {name: decimal_text(px), kind: "market"}
    return params


def position_side_of(row: Mapping[str, Any]) -> PositionSide:
    """Return an order's position: streams call it `holdSide`, answers `posSide`."""
    if row.get("holdMode") != HEDGE:
        return PositionSide.NET
    return POSITION_SIDE[row.get("posSide") or row["holdSide"]]


def hedged_side(row: Mapping[str, Any]) -> PositionSide:
    """Return the position that an execution in hedge mode changed, by what it did: forced closes name it."""
    did = (row.get("tradeSide") or "close").lower()
    forced = POSITION_SIDE.get(did.rpartition("_")[2])
    if forced is not None:
        return forced
    return PositionSide.LONG if (SIDE[row["side"]] is Side.BUY) is (did == "open") else PositionSide.SHORT


def order_view(row: Mapping[str, Any], instrument: Instrument) -> OrderView:
    """Read an order object. Raises what `client.wire.MISREAD` lists for anything else."""
    cum_qty = number(row["cumExecQty"] or "0")
    qty = number(row["qty"] or "0")
    return OrderView(
        client_order_id=row["clientOid"],
        venue_order_id=row["orderId"],
        symbol=instrument.symbol,
        side=SIDE[row["side"]],
        status=STATUS[row["orderStatus"]],
        qty=qty or cum_qty,  # A market buy on spot has an amount to spend instead.
        cum_qty=cum_qty,
        avg_px=number(row["avgPrice"]) if cum_qty > 0 else None,
        at=moment(int(row["updatedTime"])),
        position_side=position_side_of(row),
    )


def fills_of(rows: Iterable[Mapping[str, Any]], cum_qty: Decimal) -> tuple[Fill, ...]:
    """Read the fills that make up `cum_qty`, oldest first; their sum is smaller while the list lags behind."""
    fills: list[Fill] = []
    total = ZERO
    for row in sorted(rows, key=lambda r: (int(r["createdTime"]), int(r["execId"]))):
        if total >= cum_qty:
            break
        fee, currency = _fee(row)
        qty, at = number(row["execQty"]), moment(int(row["createdTime"]))
        fills.append(Fill(row["execId"], qty, number(row["execPrice"]), fee, currency, at))
        total += qty
    return tuple(fills)


def leader_trade(row: Mapping[str, Any], instrument: Instrument) -> LeaderTrade:
    """Read one execution, of the list or of the stream.

    It does not say for sure which position it belongs to: `position_side` is NET until its order has told.
    """
    fee, currency = _fee(row)
    return LeaderTrade(
        trade_id=row["execId"],
        venue_order_id=row["orderId"],
        client_order_id=row.get("clientOid") or "",
        symbol=instrument.symbol,
        side=SIDE[row["side"]],
        order_type=TYPE.get(row.get("orderType") or ""),
        qty=number(row["execQty"]),
        px=number(row["execPrice"]),
        fee=fee,
        fee_currency=currency,
        at_ms=int(row.get("execTime") or row["createdTime"]),
    )


def _fee(row: Mapping[str, Any]) -> tuple[Decimal, str]:
    first = row["feeDetail"][0]
    return number(first["fee"] or "0"), first["feeCoin"] or ""
