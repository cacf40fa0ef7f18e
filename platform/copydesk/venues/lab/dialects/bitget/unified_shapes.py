"""Objects of the unified account: how orders and fills look on the wire. Source: the reference's "UTA / Trade"."""

from __future__ import annotations

from decimal import Decimal

from copydesk.venues.lab.dialects.bitget import trading
from copydesk.venues.lab.dialects.bitget.figures import Json
from copydesk.venues.lab.dialects.bitget.unified_market import CATEGORIES
from copydesk.venues.lab.dialects.bitget.words import (
    HEDGE_MODE,
    MARGIN_WORDS,
    ONE_WAY_MODE,
    average,
    number,
    order_id_text,
    trade_id_text,
    zero_or,
)
from copydesk.venues.lab.model import (
    BUY,
    CANCELED,
    EXPIRED,
    FILLED,
    LIMIT_MAKER,
    LONG,
    MARKET,
    NET,
    NEW,
    PARTIALLY_FILLED,
    PERP,
    Execution,
    Order,
)

STATUSES = {
    NEW: "live",
    PARTIALLY_FILLED: "partially_filled",
    FILLED: "filled",
    CANCELED: "cancelled",
    EXPIRED: "cancelled",
}


def trade_side(order: Order | Execution, *, reduces: bool) -> str:
    """Say whether an order or fill opens or closes."""
    if order.position_side == NET:
        return "close" if reduces else "open"
    return "open" if (order.side == BUY) == (order.position_side == LONG) else "close"


def fee_rows(order: Order, cum_qty: Decimal) -> list[Json]:
    """Write what an order had paid when it was filled this far, as a positive amount."""
    if not cum_qty:
        return [{"feeCoin": "", "fee": ""}]
    return [{"feeCoin": order.fills[0].fee_currency, "fee": number(trading.fee_until(order, cum_qty))}]


def order_view(order: Order) -> Json:
    perpetual = order.market == PERP
    hedge = order.position_side != NET
    return {
        "orderId": order_id_text(order.market, order.order_id),
        "clientOid": trading.client_oid(order),
        "category": CATEGORIES[order.market],
        "symbol": order.symbol,
        "orderType": "market" if order.type == MARKET else "limit",
        "side": order.side,
        "price": zero_or(order.px),
        "qty": "0" if order.quote_qty is not None else number(order.qty),
        "amount": zero_or(order.quote_qty),
        "cumExecQty": number(order.cum_qty),
        "cumExecValue": number(order.cum_quote),
        "avgPrice": average(order.cum_quote, order.cum_qty) or "0",
        "timeInForce": "post_only" if order.type == LIMIT_MAKER else order.tif.lower(),
        "orderStatus": STATUSES[order.status],
        "posSide": order.position_side if hedge else "",
        "holdMode": (HEDGE_MODE if hedge else ONE_WAY_MODE) if perpetual else "",
        "delegateType": "normal",
        "tradeSide": trade_side(order, reduces=order.reduce_only) if perpetual else "",
        "reduceOnly": "YES" if order.reduce_only else "NO",
        "marginMode": MARGIN_WORDS.get(order.margin_mode, "crossed"),
        "stpMode": "none",
        "takeProfit": "",
        "stopLoss": "",
        "tpTriggerBy": "",
        "slTriggerBy": "",
        "tpOrderType": "",
        "slOrderType": "",
        "tpLimitPrice": "",
        "slLimitPrice": "",
        "feeDetail": fee_rows(order, order.cum_qty),
        "cancelReason": "normal_cancel" if order.status == CANCELED else "",
        "execType": "normal",
        "createdTime": str(order.created_ms),
        "updatedTime": str(order.updated_ms),
    }


def fill_view(fill: Execution, order: Order) -> Json:
    perpetual = order.market == PERP
    return {
        "execId": trade_id_text(fill.trade_id),
        "execLinkId": trade_id_text(fill.trade_id),
        "orderId": order_id_text(order.market, fill.order_id),
        "clientOid": trading.client_oid(order),
        "category": CATEGORIES[order.market],
        "symbol": fill.symbol,
        "orderType": "market" if order.type == MARKET else "limit",
        "side": fill.side,
        "posSide": fill.position_side if fill.position_side != NET else "",
        "execPrice": number(fill.px),
        "execQty": number(fill.qty),
        "execValue": number(fill.px * fill.qty),
        "tradeScope": "maker" if fill.maker else "taker",
        "tradeSide": trade_side(fill, reduces=order.reduce_only) if perpetual else "",
        "feeDetail": [{"feeCoin": fill.fee_currency, "fee": number(fill.fee)}],
        "createdTime": str(fill.at_ms),
        "updatedTime": str(fill.at_ms),
        "execPnl": number(fill.realized),
        "isRPI": "NO",
    }
