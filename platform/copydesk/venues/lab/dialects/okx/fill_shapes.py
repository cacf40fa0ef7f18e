"""How fills look on the wire. Source: okx.com/docs-v5, "GET / Transaction details (last 3 months)"."""

from __future__ import annotations

from typing import Any

from copydesk.kernel import decimal_text
from copydesk.venues.lab.dialects.okx.catalog import order_text
from copydesk.venues.lab.dialects.okx.desk import Desk
from copydesk.venues.lab.dialects.okx.orders import client_text
from copydesk.venues.lab.dialects.okx.shapes import PX_PLACES
from copydesk.venues.lab.dialects.okx.terms import note_of
from copydesk.venues.lab.model import PERP, Execution, Order

# What a fill did ("subType"), by side and position side; spot trades are 1 and 2.
SUB_TYPES = {
    ("buy", "long"): "3",
    ("sell", "short"): "4",
    ("sell", "long"): "5",
    ("buy", "short"): "6",
    ("buy", "net"): "1",
    ("sell", "net"): "2",
}


def bill_id(fill: Execution, market: str) -> str:
    """Number a fill: growing with time, different for both markets."""
    return order_text(fill.trade_id, market)


def fill_view(desk: Desk, order: Order, fill: Execution) -> dict[str, Any]:
    """Write a fill as "GET / Transaction details" tells it."""
    listed, note = desk.catalog.by_id[order.symbol], note_of(order.tag)
    at = str(fill.at_ms)
    exchange = desk.exchange
    ratio = fill.fee / (fill.qty if fill.fee_currency == listed.instrument.base else fill.px * fill.qty)
    return {
        "billId": bill_id(fill, order.market),
        "clOrdId": client_text(order),
        "execType": "M" if fill.maker else "T",
        "fee": decimal_text(-fill.fee),
        "feeCcy": fill.fee_currency,
        "feeRate": decimal_text(-ratio.quantize(PX_PLACES)),
        "fillFwdPx": "",
        "fillIdxPx": decimal_text(exchange.world.index(listed.instrument)),
        "fillMarkPx": "",
        "fillMarkVol": "",
        "fillPnl": decimal_text(fill.realized),
        "fillPx": decimal_text(fill.px),
        "fillPxUsd": "",
        "fillPxVol": "",
        "fillSz": listed.contracts(fill.qty),
        "fillTime": at,
        "instId": order.symbol,
        "instType": listed.inst_type,
        "ordId": order_text(order.order_id, order.market),
        "posSide": order.position_side if order.market == PERP else "",
        "side": order.side,
        "subType": SUB_TYPES[order.side, order.position_side],
        "tag": note.tag,
        "tradeId": str(fill.trade_id),
        "tradeQuoteCcy": "" if order.market == PERP else listed.instrument.quote,
        "ts": at,
    }
