"""A classic account's words for orders: build requests, read answers. Pure.

Fees are negative when paid. The answer to an order acknowledges acceptance only; what was filled is
told by the order and its fills.
Source: Bitget API guide v2, Spot and Future: Place order, Get order info, Get order detail, Get fills, Order channel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from copydesk.kernel import ZERO, decimal_text
from copydesk.trading import Fill, Instrument, MarginMode, OrderRequest, OrderType, OrderView
from copydesk.venues.bitget.classic_plans import plan_endpoint, plan_params
from copydesk.venues.bitget.classic_sides import direction, position_side_of, side_of
from copydesk.venues.bitget.endpoints import CLASSIC
from copydesk.venues.bitget.words import (
    MARGIN_TEXT,
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

_SPOT, _PERPETUAL = CLASSIC.endpoints["submit_spot"], CLASSIC.endpoints["submit_perpetual"]
_FILLED = frozenset({"filled", "partially_filled"})


class ClassicWords:
    """See `wire.OrderWords`."""

    def endpoint(self, order: OrderRequest) -> Endpoint:
        """Name the request; a settle currency in the symbol tells a perpetual."""
        if order.type.conditional:
            return plan_endpoint(order)
        return _PERPETUAL if ":" in order.symbol else _SPOT

    def params(self, order: OrderRequest, instrument: Instrument) -> dict[str, Any]:
        check_expressible(order, instrument)
        if order.type.conditional:
            return plan_params(order, instrument)
        return _perpetual(order, instrument) if instrument.perpetual else _spot(order, instrument)


def _spot(order: OrderRequest, instrument: Instrument) -> dict[str, Any]:
    return {
        "symbol": instrument.venue_symbol,
        "side": order.side.value,
        "size": decimal_text(order.qty),
        "clientOid": order.client_order_id,
        **_kind(order),
    }


def _perpetual(order: OrderRequest, instrument: Instrument) -> dict[str, Any]:
    params: dict[str, Any] = {
        "symbol": instrument.venue_symbol,
        "productType": USDT_FUTURES,
        "marginMode": MARGIN_TEXT[order.margin_mode or MarginMode.CROSS],
        "marginCoin": instrument.settle,
        "size": decimal_text(order.qty),
        "clientOid": order.client_order_id,
        **direction(order),
        **_kind(order),
    }
    for name, px in (("presetStopLossPrice", order.stop_loss_px), ("presetStopSurplusPrice", order.take_profit_px)):
        if px is not None:
            params[name] = decimal_text(px)
    return params


def _kind(order: OrderRequest) -> dict[str, str]:
    kind = {"orderType": order_type_text(order)}
    if order.type is OrderType.MARKET:
        return kind | {"force": "gtc"}
    assert order.px is not None, "a limit order has a price"
    return kind | {"force": time_in_force_text(order), "price": decimal_text(order.px)}


def order_view(row: Mapping[str, Any], instrument: Instrument) -> OrderView:
    """Read an order object. Raises what `client.wire.MISREAD` lists for anything else."""
    cum_qty = number(row.get("baseVolume") or "0")
    spent = not instrument.perpetual and row["orderType"] == "market" and row["side"] == "buy"
    return OrderView(
        client_order_id=row["clientOid"],
        venue_order_id=row["orderId"],
        symbol=instrument.symbol,
        side=side_of(row),
        status=STATUS[row.get("status") or row["state"]],
        qty=cum_qty if spent else number(row["size"]),  # The size of such an order is what it may spend.
        cum_qty=cum_qty,
        avg_px=_avg_px(row, cum_qty) if cum_qty > 0 else None,
        at=moment(int(row.get("uTime") or row["cTime"])),
        position_side=position_side_of(row),
    )


def _avg_px(row: Mapping[str, Any], cum_qty: Decimal) -> Decimal:
    """Return the average; the list of open spot orders has it as `basePrice`, and the limit as `priceAvg`."""
    told = number(row.get("basePrice") or row.get("priceAvg") or "0")
    return told if told > 0 else number(row["quoteVolume"]) / cum_qty


def fills_of(rows: Iterable[Mapping[str, Any]], cum_qty: Decimal) -> tuple[Fill, ...]:
    """Read the fills that make up `cum_qty`, oldest first; their sum is smaller while the list lags behind."""
    fills: list[Fill] = []
    total = ZERO
    for row in sorted(rows, key=lambda r: (int(r["cTime"]), int(r["tradeId"]))):
        if total >= cum_qty:
            break
        fee, currency = _fee(row)
        qty, px = _size(row)
        fills.append(Fill(row["tradeId"], qty, px, fee, currency, moment(int(row["cTime"]))))
        total += qty
    return tuple(fills)


def leader_trade(row: Mapping[str, Any], instrument: Instrument) -> LeaderTrade:
    """Read one item of the lists of fills, which do not name our order id."""
    fee, currency = _fee(row)
    qty, px = _size(row)
    return LeaderTrade(
        trade_id=row["tradeId"],
        venue_order_id=row["orderId"],
        client_order_id="",
        symbol=instrument.symbol,
        side=side_of(row),
        order_type=TYPE.get(row.get("orderType") or ""),
        qty=qty,
        px=px,
        fee=fee,
        fee_currency=currency,
        at_ms=int(row["cTime"]),
        position_side=position_side_of(row),
    )


def leader_trade_of_push(row: Mapping[str, Any], instrument: Instrument) -> LeaderTrade | None:
    """Read one item of the `orders` channel; None when it tells of no execution."""
    if not row.get("tradeId") or row["status"] not in _FILLED:
        return None
    return LeaderTrade(
        trade_id=row["tradeId"],
        venue_order_id=row["orderId"],
        client_order_id=row["clientOid"],
        symbol=instrument.symbol,
        side=side_of(row),
        order_type=TYPE.get(row["orderType"]),
        qty=number(row["baseVolume"]),
        px=number(row["fillPrice"]),
        fee=-number(row["fillFee"] or "0"),
        fee_currency=row["fillFeeCoin"],
        at_ms=int(row["fillTime"]),
        position_side=position_side_of(row),
    )


def _size(row: Mapping[str, Any]) -> tuple[Decimal, Decimal]:
    """Return quantity and price, which spot and futures call differently."""
    if "baseVolume" in row:
        return number(row["baseVolume"]), number(row["price"])
    return number(row["size"]), number(row["priceAvg"])


def _fee(row: Mapping[str, Any]) -> tuple[Decimal, str]:
    detail = row["feeDetail"]
    first = detail[0] if isinstance(detail, list) else detail
    return -number(first["totalFee"] or "0"), first["feeCoin"]
