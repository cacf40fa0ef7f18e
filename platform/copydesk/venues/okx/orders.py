"""OKX's words for orders, plain and conditional: build requests, read answers. Pure.

Perpetual quantities are contracts on the wire. The answer to an order acknowledges acceptance only; what was filled
is in `trade/order` and `trade/fills`. Fees are negative when paid.
Source: OKX API guide v5, Order Book Trading (Place order, Order details, Fills, Algo trading).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from copydesk.kernel import ZERO, VenueRefused, decimal_text
from copydesk.trading import (
    Denial,
    Fill,
    Instrument,
    MarginMode,
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
from copydesk.venues.symbols import base_of, contracts_of

STATUS = {
    "live": OrderStatus.ACCEPTED,
    "partially_filled": OrderStatus.PARTIALLY_FILLED,
    "filled": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELED,
    "mmp_canceled": OrderStatus.CANCELED,
}
# `effective` says nothing of the order that was placed: it is read by its own id (`placed_order`).
CONDITIONAL_STATUS = {
    "live": OrderStatus.ACCEPTED,
    "pause": OrderStatus.ACCEPTED,
    "partially_effective": OrderStatus.ACCEPTED,
    "effective": OrderStatus.ACCEPTED,
    "canceled": OrderStatus.CANCELED,
    "order_failed": OrderStatus.REJECTED,
    "partially_failed": OrderStatus.REJECTED,
}
SIDE = {"buy": Side.BUY, "sell": Side.SELL}
POSITION_SIDE = {"net": PositionSide.NET, "long": PositionSide.LONG, "short": PositionSide.SHORT, "": PositionSide.NET}
MARGIN_MODE = {"cross": MarginMode.CROSS, "isolated": MarginMode.ISOLATED}
TYPE = {
    "market": OrderType.MARKET,
    "limit": OrderType.LIMIT,
    "post_only": OrderType.LIMIT,
    "ioc": OrderType.LIMIT,
    "fok": OrderType.LIMIT,
}
# The kinds of instrument that we know; a margin order of a pair is of neither.
PERPETUAL_OF = {"SPOT": False, "SWAP": True}
INST_TYPE = {perpetual: text for text, perpetual in PERPETUAL_OF.items()}
_LIMIT_TEXT = {TimeInForce.GTC: "limit", TimeInForce.IOC: "ioc", TimeInForce.FOK: "fok"}
_STOPS = frozenset({OrderType.STOP_MARKET, OrderType.STOP_LIMIT})
_AT_MARKET = "-1"


def order_params(order: OrderRequest, instrument: Instrument, broker_id: str) -> dict[str, Any]:
    """Name what Place order, or for a conditional type Place algo order, needs.

    In hedge mode a close is told by side and position side, and `reduceOnly` is not used.
    """
    params: dict[str, Any] = {
        "instId": instrument.venue_symbol,
        "tdMode": _trade_mode(order, instrument),
        "side": order.side.value,
        "sz": _size(order.qty, instrument),
    }
    if order.position_side is not PositionSide.NET:
        params["posSide"] = order.position_side.value
    elif order.reduce_only and instrument.perpetual:
        params["reduceOnly"] = True
    if broker_id:
        params["tag"] = broker_id
    if not instrument.perpetual and (order.px is None or order.type.conditional):
        params["tgtCcy"] = "base_ccy"  # Otherwise what a purchase names would be what it spends.
    if order.type.conditional:
        return params | _conditional(order)
    params["clOrdId"] = order.client_order_id
    if order.type is OrderType.MARKET:
        params["ordType"] = "market"
    else:
        assert order.px is not None, "a limit order has a price"
        params["ordType"] = "post_only" if order.post_only else _LIMIT_TEXT[order.time_in_force or TimeInForce.GTC]
        params["px"] = decimal_text(order.px)
    exits = _exits(order)
    return params | {"attachAlgoOrds": [exits]} if exits else params


def _size(qty: Decimal, instrument: Instrument) -> str:
    """Return what OKX counts. Its steps may have changed since the quantity was planned: that is no bug of ours."""
    if qty % instrument.qty_step:
        said = f"{qty} is not a whole number of steps of {instrument.symbol}, which are {instrument.qty_step} now"
        raise VenueRefused(said, code=Denial.BELOW_QTY_MIN.value)
    return decimal_text(contracts_of(qty, instrument))


def _trade_mode(order: OrderRequest, instrument: Instrument) -> str:
    """OKX has no setting of the account: each order names its margin mode, and cross is ours where none is asked."""
    if not instrument.perpetual:
        return "cash"
    return (order.margin_mode or MarginMode.CROSS).value


def _conditional(order: OrderRequest) -> dict[str, str]:
    assert order.trigger_px is not None, "a conditional order has a trigger"
    kind = "sl" if order.type in _STOPS else "tp"
    return {
        "ordType": "conditional",
        "algoClOrdId": order.client_order_id,
        f"{kind}TriggerPx": decimal_text(order.trigger_px),
        f"{kind}OrdPx": _AT_MARKET if order.px is None else decimal_text(order.px),
    }


def _exits(order: OrderRequest) -> dict[str, str]:
    exits: dict[str, str] = {}
    for kind, px in (("sl", order.stop_loss_px), ("tp", order.take_profit_px)):
        if px is not None:
            exits |= {f"{kind}TriggerPx": decimal_text(px), f"{kind}OrdPx": _AT_MARKET}
    return exits


def amend_params(change: Amendment, instrument: Instrument) -> dict[str, str]:
    """Name what Amend order needs: the whole new quantity, and the price."""
    return {
        "instId": instrument.venue_symbol,
        "clOrdId": change.client_order_id,
        "newSz": _size(change.qty, instrument),
        "newPx": decimal_text(change.px),
    }


def accepted(item: Mapping[str, Any], order: OrderRequest, id_name: str) -> OrderView:
    """Read the acknowledgment of an order: nothing is known of its fills yet."""
    return OrderView(
        client_order_id=item["algoClOrdId" if order.type.conditional else "clOrdId"],
        venue_order_id=str(item[id_name]),
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
    cum_qty = base_of(number(row["accFillSz"] or "0"), instrument)
    return OrderView(
        client_order_id=row["clOrdId"],
        venue_order_id=row["ordId"],
        symbol=instrument.symbol,
        side=SIDE[row["side"]],
        status=STATUS[row["state"]],
        qty=base_of(number(row["sz"]), instrument),
        cum_qty=cum_qty,
        avg_px=number(row["avgPx"]) if cum_qty > 0 else None,
        fills=fills,
        at=moment(int(row["uTime"])),
        position_side=POSITION_SIDE[row["posSide"]],
    )


def conditional_view(row: Mapping[str, Any], instrument: Instrument) -> OrderView:
    """Read a conditional order that has placed nothing yet."""
    return OrderView(
        client_order_id=row["algoClOrdId"],
        venue_order_id=row["algoId"],
        symbol=instrument.symbol,
        side=SIDE[row["side"]],
        status=CONDITIONAL_STATUS[row["state"]],
        qty=base_of(number(row["sz"] or "0"), instrument),
        cum_qty=ZERO,
        avg_px=None,
        at=moment(int(row.get("uTime") or row["cTime"])),
        position_side=POSITION_SIDE[row["posSide"]],
    )


def placed_order(row: Mapping[str, Any]) -> str:
    """Return the id of the plain order that a triggered conditional order placed, or nothing."""
    placed = row.get("ordIdList") or [row.get("ordId")]
    return str(placed[0] or "")


def fills_of(rows: Iterable[Mapping[str, Any]], instrument: Instrument, cum_qty: Decimal) -> tuple[Fill, ...]:
    """Read the fills that make up `cum_qty`, oldest first; their sum is smaller while the list lags behind."""
    fills: list[Fill] = []
    total = ZERO
    for row in sorted(rows, key=lambda r: int(r["tradeId"])):
        if total >= cum_qty:
            break
        qty = base_of(number(row["fillSz"]), instrument)
        fee = -number(row["fee"] or "0")
        at = moment(int(row["ts"]))
        fills.append(Fill(row["tradeId"], qty, number(row["fillPx"]), fee, row["feeCcy"], at))
        total += qty
    return tuple(fills)


def leader_trade(row: Mapping[str, Any], instrument: Instrument) -> LeaderTrade:
    """Read one item of `trade/fills`."""
    return LeaderTrade(
        trade_id=row["tradeId"],
        venue_order_id=row["ordId"],
        client_order_id=row["clOrdId"],
        symbol=instrument.symbol,
        side=SIDE[row["side"]],
        order_type=None,
        qty=base_of(number(row["fillSz"]), instrument),
        px=number(row["fillPx"]),
        fee=-number(row["fee"] or "0"),
        fee_currency=row["feeCcy"],
        at_ms=int(row.get("fillTime") or row["ts"]),
        position_side=POSITION_SIDE[row["posSide"]],
    )


def leader_trade_of_push(row: Mapping[str, Any], instrument: Instrument) -> LeaderTrade | None:
    """Read one item of the `orders` channel; None when it tells of no execution.

    What an amendment or a cancellation says of the last execution is no new one.
    """
    if not row.get("tradeId") or not number(row["fillSz"] or "0"):
        return None
    return LeaderTrade(
        trade_id=row["tradeId"],
        venue_order_id=row["ordId"],
        client_order_id=row["clOrdId"],
        symbol=instrument.symbol,
        side=SIDE[row["side"]],
        order_type=TYPE.get(row["ordType"]),
        qty=base_of(number(row["fillSz"]), instrument),
        px=number(row["fillPx"]),
        fee=-number(row["fillFee"] or "0"),
        fee_currency=row["fillFeeCcy"],
        at_ms=int(row["fillTime"]),
        position_side=POSITION_SIDE[row["posSide"]],
    )
