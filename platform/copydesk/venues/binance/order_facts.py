"""Binance's words for a leader's orders with their terms, of streams and lists, spot and perpetual. Pure.

What a triggered conditional order of USDⓈ-M places is told by the type that it had before (`ot`); the conditional's own
event names it.
Source: binance-spot-api-docs, user-data-stream.md (Order Update) and rest-api.md (Current open orders);
developers.binance.com, USDⓈ-M futures: Order Update, Algo Order Update, Current All (Algo) Open Orders.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from copydesk.kernel import ZERO
from copydesk.trading import OrderStatus, TimeInForce
from copydesk.venues.binance import perpetual_orders as perpetual
from copydesk.venues.binance import spot_orders as spot
from copydesk.venues.client.wire import number
from copydesk.venues.model import UNNAMED, OrderFact

_TIME_IN_FORCE = {"IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK}
_FINISHED = "FINISHED"


# Events name what lists spell out.
_SPOT_NAMES = {
    "o": "type",
    "i": "orderId",
    "S": "side",
    "q": "origQty",
    "z": "executedQty",
    "X": "status",
    "T": "updateTime",
    "p": "price",
    "P": "stopPrice",
    "f": "timeInForce",
}
_PERPETUAL_NAMES = {
    "o": "type",
    "ot": "origType",
    "i": "orderId",
    "S": "side",
    "q": "origQty",
    "z": "executedQty",
    "X": "status",
    "T": "updateTime",
    "p": "price",
    "R": "reduceOnly",
    "ps": "positionSide",
    "f": "timeInForce",
}


def spot_fact_of_report(report: Mapping[str, Any], symbol: str) -> OrderFact | None:
    """Read an `executionReport`; None for a type of order that is not known here."""
    return spot_fact(_spelled_out(report, _SPOT_NAMES), symbol)


def spot_fact(row: Mapping[str, Any], symbol: str) -> OrderFact | None:
    """Read one item of `openOrders`; None for a type of order that is not known here."""
    kind = spot.TYPE.get(row["type"])
    if kind is None:
        return None
    return OrderFact(
        venue_order_id=str(row["orderId"]),
        symbol=symbol,
        side=spot.SIDE[row["side"]],
        type=kind,
        qty=number(row["origQty"]),
        cum_qty=number(row["executedQty"]),
        status=spot.STATUS[row["status"]],
        at_ms=int(row["updateTime"]),
        px=_px(row["price"]),
        trigger_px=_px(row.get("stopPrice") or "0") if kind.conditional else None,
        time_in_force=_TIME_IN_FORCE.get(row["timeInForce"], TimeInForce.GTC),
    )


def perpetual_fact_of_update(update: Mapping[str, Any], symbol: str) -> OrderFact | None:
    """Read the `o` of an `ORDER_TRADE_UPDATE`; None for unknown types. The type was another before a trigger."""
    return perpetual_fact(_spelled_out(update, _PERPETUAL_NAMES), symbol) if update["ot"] else None


def perpetual_fact(row: Mapping[str, Any], symbol: str) -> OrderFact | None:
    """Read one item of `openOrders` of USDⓈ-M; None for unknown types."""
    kind, before = perpetual.TYPE.get(row["type"]), perpetual.TYPE.get(row.get("origType") or row["type"])
    if kind is None or before is None:
        return None
    return OrderFact(
        venue_order_id=str(row["orderId"]),
        symbol=symbol,
        side=perpetual.SIDE[row["side"]],
        type=kind,
        qty=number(row["origQty"]),
        cum_qty=number(row["executedQty"]),
        status=perpetual.STATUS[row["status"]],
        at_ms=int(row["updateTime"]),
        px=_px(row["price"]),
        reduces=bool(row["reduceOnly"]),
        position_side=perpetual.POSITION_SIDE[row["positionSide"]],
        time_in_force=_TIME_IN_FORCE.get(row["timeInForce"], TimeInForce.GTC),
        placed_by=UNNAMED if before.conditional else "",
    )


def algo_fact_of_update(update: Mapping[str, Any], symbol: str, at_ms: int) -> OrderFact | None:
    """Read the `o` of an `ALGO_UPDATE`; None for a type of order that is not known here, as a trailing stop."""
    kind = perpetual.TYPE.get(update["o"])
    if kind is None:
        return None
    return OrderFact(
        venue_order_id=str(update["aid"]),
        symbol=symbol,
        side=perpetual.SIDE[update["S"]],
        type=kind,
        qty=number(update["q"]),
        cum_qty=number(update.get("aq") or "0"),
        status=_ended(update["X"], number(update["q"]), number(update.get("aq") or "0")),
        at_ms=at_ms,
        px=_px(update["p"]),
        trigger_px=_px(update["tp"]),
        reduces=bool(update["R"] or update["cp"]),
        position_side=perpetual.POSITION_SIDE[update["ps"]],
        closes_all=bool(update["cp"]),
        placed_id=str(update.get("ai") or ""),
    )


def algo_fact(row: Mapping[str, Any], symbol: str) -> OrderFact | None:
    """Read one item of `openAlgoOrders`; None for a type of order that is not known here."""
    kind = perpetual.TYPE.get(row["orderType"])
    if kind is None:
        return None
    return OrderFact(
        venue_order_id=str(row["algoId"]),
        symbol=symbol,
        side=perpetual.SIDE[row["side"]],
        type=kind,
        qty=number(row["quantity"]),
        cum_qty=ZERO,
        status=_ended(row["algoStatus"], number(row["quantity"]), ZERO),
        at_ms=int(row["updateTime"]),
        px=_px(row["price"]),
        trigger_px=_px(row["triggerPrice"]),
        reduces=bool(row["reduceOnly"] or row["closePosition"]),
        position_side=perpetual.POSITION_SIDE[row["positionSide"]],
        closes_all=bool(row["closePosition"]),
        placed_id=perpetual.placed_order(row),
    )


def _ended(status: str, qty: Decimal, cum_qty: Decimal) -> OrderStatus:
    """Say how an order ended that triggered: all of it filled, or the rest of it was given up."""
    if status != _FINISHED:
        return perpetual.CONDITIONAL_STATUS[status]
    return OrderStatus.FILLED if cum_qty >= qty else OrderStatus.CANCELED


def _spelled_out(event: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {name: event[letter] for letter, name in names.items()}


def _px(text: str) -> Decimal | None:
    """Read a price; zero stands for none."""
    return number(text) or None
