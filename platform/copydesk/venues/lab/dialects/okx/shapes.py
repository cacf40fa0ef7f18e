"""How orders and fills look on the wire; quantities of swaps in contracts, fees negative when paid.

Source: okx.com/docs-v5, "GET / Order details", "GET / Transaction details" and "WS / Order channel".
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from copydesk.kernel import ZERO, decimal_text
from copydesk.venues.lab.conditional import PLAN, TRAILING
from copydesk.venues.lab.dialects.okx.catalog import Listed, algo_text, order_text
from copydesk.venues.lab.dialects.okx.desk import Desk
from copydesk.venues.lab.dialects.okx.orders import client_text
from copydesk.venues.lab.dialects.okx.terms import Note, note_of
from copydesk.venues.lab.model import (
    BUY,
    CANCELED,
    EXPIRED,
    FILLED,
    FOK,
    IOC,
    LIQUIDATION,
    MARKET,
    NEW,
    PARTIALLY_FILLED,
    PERP,
    REJECTED,
    Execution,
    Order,
    OrderUpdate,
    Reject,
)

STATES = {
    NEW: "live",
    PARTIALLY_FILLED: "partially_filled",
    FILLED: "filled",
    CANCELED: "canceled",
    EXPIRED: "canceled",
    REJECTED: "canceled",
}
# Why an order was canceled ("cancelSource"): by its owner, and by the exchange for these reasons.
BY_USER = "1"
_SOURCES = {Reject.WOULD_TAKE: "31", Reject.NO_LIQUIDITY_FOK: "13", Reject.REDUCE_ONLY: "17", Reject.NO_POSITION: "17"}
_REASONS = {
    "1": "Order canceled by user",
    "13": "Order canceled: FOK order was canceled due to incompletely filled",
    "14": "Order canceled: IOC order was partially canceled due to incompletely filled",
    "17": "Close order was canceled due to the position was already closed",
    "31": "The post-only order will take liquidity in taker orders",
}
PX_PLACES = Decimal("1E-10")
# What placed an order ("source"), by the kind of the conditional that did.
_PLACERS = {PLAN: "6", TRAILING: "25"}
BY_PROTECTION = "7"


def average_px(order: Order, cum_qty: Decimal, cum_quote: Decimal) -> str:
    """Write the average price of what is filled, "" before the first fill."""
    if not cum_qty:
        return ""
    if len(order.fills) == 1:
        return decimal_text(order.fills[0].px)
    return decimal_text((cum_quote / cum_qty).quantize(PX_PLACES))


def cancel_source(order: Order, status: str) -> str:
    """Return the code that says why an order was canceled, "" for one that was not."""
    if STATES[status] != "canceled":
        return ""
    if order.reason is None:
        return BY_USER
    if order.tif == IOC or (order.type == MARKET and order.reason is Reject.NO_LIQUIDITY):
        return "14"
    return "13" if order.tif == FOK else _SOURCES.get(order.reason, "0")


def size_text(listed: Listed, note: Note, order: Order) -> str:
    """Write the quantity in the unit in which it was asked for."""
    if order.quote_qty is not None and note.target == "quote_ccy":
        return decimal_text(order.quote_qty)
    return listed.contracts(order.qty)


def fee_currency(order: Order, listed: Listed) -> str:
    if order.market == PERP:
        return listed.instrument.settle
    return listed.instrument.base if order.side == BUY else listed.instrument.quote


def order_type(order: Order, note: Note) -> str:
    """Name an order's type; what an algo order places has one of its own."""
    if order.conditional_id is None:
        return note.order_type
    return "market" if order.type == MARKET else "limit"


def source_of(desk: Desk, order: Order) -> str:
    """Name what placed an order: "" its owner, else a trigger order, a trailing stop, a take-profit or stop-loss."""
    if order.conditional_id is None:
        return ""
    engine = desk.exchange.engine(order.market)
    placer = engine.conditional(order.account, order.symbol, order.conditional_id)
    return _PLACERS.get(placer.kind, BY_PROTECTION) if placer is not None else BY_PROTECTION


def order_base(desk: Desk, order: Order, status: str, cum_qty: Decimal, cum_quote: Decimal) -> dict[str, Any]:
    """Write what REST and the order channel tell alike, as of a moment of the order's life."""
    listed, note = desk.catalog.by_id[order.symbol], note_of(order.tag)
    perp = order.market == PERP
    return {
        "accFillSz": listed.contracts(cum_qty),
        "algoClOrdId": "",
        "algoId": "" if order.conditional_id is None else algo_text(order.conditional_id, order.market),
        "attachAlgoClOrdId": "",
        "attachAlgoOrds": attached_rows(desk, order, note),
        "avgPx": average_px(order, cum_qty, cum_quote),
        "cTime": str(order.created_ms),
        "cancelSource": cancel_source(order, status),
        "category": "full_liquidation" if order.tag == LIQUIDATION else "normal",
        "ccy": "",
        "clOrdId": client_text(order),
        "feeCcy": fee_currency(order, listed),
        "instId": order.symbol,
        "instType": listed.inst_type,
        "isTpLimit": "false",
        "lever": leverage_text(desk, listed, order.account),
        "linkedAlgoOrd": {"algoId": ""},
        "ordId": order_text(order.order_id, order.market),
        "ordType": order_type(order, note),
        "posSide": order.position_side if perp else "",
        "px": "" if order.px is None else decimal_text(order.px),
        "pxType": "",
        "pxUsd": "",
        "pxVol": "",
        "quickMgnType": "",
        "rebate": "0",
        "rebateCcy": listed.instrument.quote,
        "reduceOnly": "true" if order.reduce_only else "false",
        "side": order.side,
        "slOrdPx": "",
        "slTriggerPx": "",
        "slTriggerPxType": "",
        "source": source_of(desk, order),
        "state": STATES[status],
        "stpId": "",
        "stpMode": "cancel_maker",
        "sz": size_text(listed, note, order),
        "tag": note.tag,
        "tdMode": note.mode,
        "tgtCcy": note.target,
        "tpOrdPx": "",
        "tpTriggerPx": "",
        "tpTriggerPxType": "",
        "tradeQuoteCcy": listed.instrument.quote if not perp else "",
        "uTime": str(order.updated_ms),
    }


def leverage_text(desk: Desk, listed: Listed, account: str) -> str:
    """Write an account's leverage for an instrument, "" where there is none."""
    if listed.market != PERP or not desk.catalog.trades(listed):
        return ""
    return str(desk.exchange.perp.settings(account, listed.inst_id).leverage)


def attached_rows(desk: Desk, order: Order, note: Note) -> list[dict[str, Any]]:
    """Repeat the take-profit and stop-loss that came with an order."""
    if order.conditional_id is not None or not note.attached:
        return []
    conditionals = desk.exchange.engine(order.market).conditionals(order.account, order.symbol, open_only=False)
    ids = [one.conditional_id for one in conditionals if one.parent_order_id == order.order_id]
    return [
        {
            **row,
            "attachAlgoId": algo_text(ids[0], order.market) if ids else "",
            "amendPxOnTriggerType": "0",
            "failCode": "",
            "failReason": "",
            "sz": "",
        }
        for row in note.attached
    ]


def order_view(desk: Desk, order: Order) -> dict[str, Any]:
    """Write an order as queries and lists tell it."""
    view = order_base(desk, order, order.status, order.cum_qty, order.cum_quote)
    last = order.fills[-1] if order.fills else None
    listed = desk.catalog.by_id[order.symbol]
    source = view["cancelSource"]
    view["cancelSourceReason"] = _REASONS.get(source, "")
    view["fee"] = decimal_text(-sum((fill.fee for fill in order.fills), ZERO))
    view["pnl"] = decimal_text(order.realized)
    view["fillPx"] = "" if last is None else decimal_text(last.px)
    view["fillSz"] = "0" if last is None else listed.contracts(last.qty)
    view["fillTime"] = "" if last is None else str(last.at_ms)
    view["tradeId"] = "" if last is None else str(last.trade_id)
    return view


def order_event(desk: Desk, event: OrderUpdate) -> dict[str, Any]:
    """Write an order as its channel tells it, as of this event; the fill fields are those of this very fill."""
    order, execution = event.order, event.execution
    view = order_base(desk, order, event.status, event.cum_qty, event.cum_quote)
    listed = desk.catalog.by_id[order.symbol]
    last_px = desk.catalog.last_px(listed)
    view["uTime"] = str(event.at_ms)
    view["fee"] = decimal_text(-_fees_until(order, event.cum_qty))
    view["pnl"] = decimal_text(sum((f.realized for f in _fills_until(order, event.cum_qty)), ZERO))
    view |= _fill_fields(listed, execution)
    view |= {
        "amendResult": "0" if event.change == "AMENDED" else "",
        "amendSource": "1" if event.change == "AMENDED" else "",
        "code": "0",
        "lastPx": decimal_text(last_px),
        "msg": "",
        "notionalUsd": decimal_text((order.qty * (order.px or last_px)).quantize(PX_PLACES)),
        "reqId": desk.request_ids.get((order.market, order.order_id), ""),
    }
    return view


def _fills_until(order: Order, cum_qty: Decimal) -> list[Execution]:
    """Return the fills up to a moment of the order's life, told by the quantity filled then."""
    fills, left = [], cum_qty
    for fill in order.fills:
        if left <= ZERO:
            break
        fills.append(fill)
        left -= fill.qty
    return fills


def _fees_until(order: Order, cum_qty: Decimal) -> Decimal:
    return sum((fill.fee for fill in _fills_until(order, cum_qty)), ZERO)


_NO_FILL = {
    "execType": "",
    "fillFee": "0",
    "fillFeeCcy": "",
    "fillFwdPx": "",
    "fillIdxPx": "",
    "fillMarkPx": "",
    "fillMarkVol": "",
    "fillNotionalUsd": "",
    "fillPnl": "0",
    "fillPx": "",
    "fillPxUsd": "",
    "fillPxVol": "",
    "fillSz": "0",
    "fillTime": "",
    "tradeId": "",
}


def _fill_fields(listed: Listed, fill: Execution | None) -> dict[str, str]:
    if fill is None:
        return _NO_FILL
    return {
        **_NO_FILL,
        "execType": "M" if fill.maker else "T",
        "fillFee": decimal_text(-fill.fee),
        "fillFeeCcy": fill.fee_currency,
        "fillNotionalUsd": decimal_text(fill.px * fill.qty),
        "fillPnl": decimal_text(fill.realized),
        "fillPx": decimal_text(fill.px),
        "fillSz": listed.contracts(fill.qty),
        "fillTime": str(fill.at_ms),
        "tradeId": str(fill.trade_id),
    }
