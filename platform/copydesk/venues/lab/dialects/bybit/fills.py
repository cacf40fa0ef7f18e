"""How executions look on Bybit's wire, over REST and in streams.

Source: v5 documentation, "Get Trade History", stream "Execution".
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from copydesk.kernel import decimal_text
from copydesk.venues.lab.conditional import Conditional
from copydesk.venues.lab.dialects.bybit.ids import execution_id, order_name
from copydesk.venues.lab.dialects.bybit.views import CREATED_BY, order_tag, px_text, qty_text, shown_px
from copydesk.venues.lab.model import BUY, LIQUIDATION, MARKET, SPOT, Execution, LabInstrument, Order


def execution_type(order: Order) -> str:
    """Name the kind of an order's executions (`execType`); funding is told apart in the stream."""
    return "BustTrade" if order.tag == LIQUIDATION else "Trade"


def execution_view(
    order: Order,
    execution: Execution,
    instrument: LabInstrument,
    placed_by: Conditional | None = None,
    *,
    leaves: Decimal,
    closed: Decimal,
    mark_px: Decimal,
) -> dict[str, Any]:
    """Write one execution. `leaves` is what the order had left after it, `closed` how much position it closed."""
    spot = order.market == SPOT
    tag = order_tag(order, placed_by)
    order_id, link = order_name(order)
    value = execution.px * execution.qty
    fee_base = execution.qty if spot and execution.side == BUY else value
    view: dict[str, Any] = {
        "symbol": execution.symbol,
        "orderId": order_id,
        "orderLinkId": link,
        "side": "Buy" if execution.side == BUY else "Sell",
        "orderPrice": shown_px(order, tag, instrument),
        "orderQty": qty_text(order.qty, instrument),
        "leavesQty": qty_text(leaves, instrument),
        "orderType": "Market" if order.type == MARKET or tag.order_type == "Market" else "Limit",
        "stopOrderType": tag.stop_type or "UNKNOWN",
        "execFee": decimal_text(execution.fee),
        "execFeeV2": "",
        "execId": execution_id(order.market, execution),
        "execPrice": px_text(execution.px, instrument),
        "execQty": qty_text(execution.qty, instrument),
        "execType": execution_type(order),
        "execValue": decimal_text(value),
        "execTime": str(execution.at_ms),
        "feeCurrency": execution.fee_currency if spot else "",
        "isMaker": execution.maker,
        "feeRate": decimal_text(round(execution.fee / fee_base, 8)) if fee_base else "0",
        "tradeIv": "",
        "markIv": "",
        "markPrice": px_text(mark_px, instrument) if mark_px else "",
        "indexPrice": "",
        "underlyingPrice": "",
        "blockTradeId": "",
        "closedSize": qty_text(closed, instrument) if closed else "",
        "seq": execution.trade_id,
        "extraFees": "",
    }
    if not spot:
        view["createType"] = CREATED_BY.get(tag.stop_type, "CreateByUser")
    if order.tag == LIQUIDATION:
        view.update(createType="CreateByTakeOver_PassThrough", orderLinkId="")
    return view
