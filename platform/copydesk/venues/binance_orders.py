"""Binance spot's words for orders: build and sign requests, read answers. Pure: time and secrets come in.

Built here rather than by ccxt because it is the order path: ccxt needs 35 µs to build and sign and 73 µs to read
a filled order. The contract tests hold the parameters equal to unmodified ccxt's.
Source: binance-spot-api-docs, rest-api.md.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from copydesk.kernel import ZERO, VenueRefused, decimal_text
from copydesk.trading import (
    Credentials,
    Denial,
    Fill,
    OrderRequest,
    OrderStatus,
    OrderType,
    OrderView,
    Side,
    TimeInForce,
)
from copydesk.venues.model import LeaderTrade

_STATUS = {
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
_SIDE = {"BUY": Side.BUY, "SELL": Side.SELL}
_SIDE_TEXT = {side: text for text, side in _SIDE.items()}
_TYPE = {"MARKET": OrderType.MARKET, "LIMIT": OrderType.LIMIT, "LIMIT_MAKER": OrderType.LIMIT}
_KEY_TEXT = re.compile(r"[!-~]{1,256}")
_encode = lru_cache(maxsize=8192)(lambda text: quote(text, safe=""))


def check_credentials(credentials: Credentials) -> None:
    """Refuse a key that cannot stand in a header line; the exchange would reject it as well."""
    if not _KEY_TEXT.fullmatch(credentials.api_key) or not credentials.secret.isascii():
        raise VenueRefused(
            "API key: expected printable ASCII without spaces", code=Denial.KEY_REJECTED.value, venue_code="-2014"
        )


def sign(payload: str, secret: str) -> str:
    """Return the payload with its HMAC-SHA256 signature appended."""
    signature = hmac.digest(secret.encode("ascii"), payload.encode("ascii"), "sha256").hex()
    return f"{payload}&signature={signature}"


def order_form(order: OrderRequest, *, timestamp_ms: int, recv_window_ms: int) -> str:
    """Return the unsigned form body of a new order; FULL asks for the fills in the answer."""
    if order.type is OrderType.MARKET:
        detail = f"MARKET&quantity={decimal_text(order.qty)}"
    else:
        assert order.px is not None, "a limit order has a price"
        tif = order.time_in_force or TimeInForce.GTC
        detail = f"LIMIT&quantity={decimal_text(order.qty)}&price={decimal_text(order.px)}&timeInForce={tif.value}"
    return (
        f"symbol={_encode(order.venue_symbol)}&side={_SIDE_TEXT[order.side]}"
        f"&newClientOrderId={quote(order.client_order_id, safe='')}&newOrderRespType=FULL&type={detail}"
        f"&timestamp={timestamp_ms}&recvWindow={recv_window_ms}"
    )


def query_text(parameters: Mapping[str, str | int]) -> str:
    """Join parameters to an unsigned query."""
    return "&".join(f"{key}={quote(str(value), safe='')}" for key, value in parameters.items())


def order_view(answer: Mapping[str, Any], fills: tuple[Fill, ...] | None = None) -> OrderView:
    """Read an order object of any endpoint; a cancel answer names the order by `origClientOrderId`.

    Raises what `binance_calls.MISREAD` lists for anything else.
    """
    cum_qty = number(answer["executedQty"])
    at_ms = answer.get("transactTime") or answer.get("updateTime") or answer.get("time")
    at = moment(at_ms) if at_ms else None
    return OrderView(
        client_order_id=answer.get("origClientOrderId") or answer["clientOrderId"],
        venue_order_id=str(answer["orderId"]),
        venue_symbol=answer["symbol"],
        side=_SIDE[answer["side"]],
        status=_STATUS[answer["status"]],
        qty=number(answer["origQty"]),
        cum_qty=cum_qty,
        avg_px=_avg_px(cum_qty, number(answer["cummulativeQuoteQty"])),
        fills=_answer_fills(answer.get("fills", ()), at) if fills is None else fills,
        at=at,
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


def leader_trade(trade: Mapping[str, Any]) -> LeaderTrade:
    """Read one item of `myTrades`."""
    return LeaderTrade(
        trade_id=str(trade["id"]),
        venue_order_id=str(trade["orderId"]),
        client_order_id="",
        venue_symbol=trade["symbol"],
        side=Side.BUY if trade["isBuyer"] else Side.SELL,
        order_type=None,
        qty=number(trade["qty"]),
        px=number(trade["price"]),
        fee=number(trade["commission"]),
        fee_currency=trade["commissionAsset"],
        at_ms=int(trade["time"]),
    )


def leader_trade_of_report(report: Mapping[str, Any]) -> LeaderTrade | None:
    """Read an `executionReport` of the user data stream; None when it reports no trade."""
    if report.get("x") != "TRADE":
        return None
    return LeaderTrade(
        trade_id=str(report["t"]),
        venue_order_id=str(report["i"]),
        client_order_id=report["c"],
        venue_symbol=report["s"],
        side=_SIDE[report["S"]],
        order_type=_TYPE.get(report["o"]),
        qty=number(report["l"]),
        px=number(report["L"]),
        fee=number(report["n"] or "0"),
        fee_currency=report["N"] or "",
        at_ms=int(report["T"]),
    )


def number(text: str) -> Decimal:
    """Read an amount; `ValueError` for NaN and infinity, which would poison every sum they enter."""
    value = Decimal(text)
    if not value.is_finite():
        raise ValueError(f"not a number: {text}")
    return value


def moment(at_ms: int) -> datetime:
    """Turn the exchange's milliseconds into an aware time."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def _avg_px(cum_qty: Decimal, cum_quote: Decimal) -> Decimal | None:
    """Very old orders have a negative quote sum: unknown."""
    return cum_quote / cum_qty if cum_qty > 0 and cum_quote >= 0 else None


def _answer_fills(fills: Iterable[Mapping[str, Any]], at: datetime | None) -> tuple[Fill, ...]:
    if not fills:
        return ()
    if at is None:
        raise ValueError("fills without a time")
    return tuple([_fill(fill, fill["tradeId"], at) for fill in fills])


def _fill(raw: Mapping[str, Any], trade_id: object, at: datetime) -> Fill:
    return Fill(
        trade_id=str(trade_id),
        qty=number(raw["qty"]),
        px=number(raw["price"]),
        fee=number(raw["commission"]),
        fee_currency=raw["commissionAsset"],
        at=at,
    )
