"""Classic futures objects: how orders and fills look on the wire, and the words of hedge and one-way mode.

Source: the reference's "Future / Trade".
"""

from __future__ import annotations

from copydesk.kernel import ZERO
from copydesk.venues.lab.dialects.bitget import trading
from copydesk.venues.lab.dialects.bitget.figures import Json
from copydesk.venues.lab.dialects.bitget.words import (
    HEDGE_MODE,
    MARGIN_COIN,
    MARGIN_WORDS,
    ONE_WAY_MODE,
    average,
    fees,
    number,
    order_id_text,
    trade_id_text,
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
    SELL,
    Execution,
    NewOrder,
    Order,
)

STATUSES = {
    NEW: "live",
    PARTIALLY_FILLED: "partially_filled",
    FILLED: "filled",
    CANCELED: "canceled",
    EXPIRED: "canceled",
}


def position_words(order: Order | Execution | NewOrder, *, reduces: bool) -> tuple[str, str, str, str]:
    """Return `side`, `tradeSide`, `posSide` and `posMode` of an order or fill."""
    side, position_side = order.side, order.position_side
    if position_side == NET:
        return side, f"{side}_single" if not reduces else f"reduce_{side}_single", NET, ONE_WAY_MODE
    opens = (side == BUY) == (position_side == LONG)
    return BUY if position_side == LONG else SELL, "open" if opens else "close", position_side, HEDGE_MODE


def order_view(order: Order, leverage: int, status_name: str = "status") -> Json:
    """Write an order; the query names the status `state`, lists `status`."""
    side, trade_side, pos_side, pos_mode = position_words(order, reduces=order.reduce_only)
    fee = sum((fill.fee for fill in order.fills), ZERO)
    return {
        "symbol": order.symbol,
        "size": number(order.qty),
        "orderId": order_id_text(PERP, order.order_id),
        "clientOid": trading.client_oid(order),
        "baseVolume": number(order.cum_qty),
        "fee": fees(fee),
        "price": "" if order.px is None else number(order.px),
        "priceAvg": average(order.cum_quote, order.cum_qty),
        status_name: STATUSES[order.status],
        "side": side,
        "force": force_of(order),
        "totalProfits": number(order.realized),
        "posSide": pos_side,
        "marginCoin": MARGIN_COIN,
        "quoteVolume": number(order.cum_quote),
        "leverage": str(leverage),
        "marginMode": MARGIN_WORDS.get(order.margin_mode, "crossed"),
        "reduceOnly": "YES" if order.reduce_only else "NO",
        "enterPointSource": "API",
        "tradeSide": trade_side,
        "posMode": pos_mode,
        "orderType": "market" if order.type == MARKET else "limit",
        "orderSource": "market" if order.type == MARKET else "normal",
        "cTime": str(order.created_ms),
        "uTime": str(order.updated_ms),
        "presetStopSurplusPrice": "",
        "presetStopLossPrice": "",
        "presetStopSurplusType": "",
        "presetStopLossType": "",
        "cancelReason": "normal_cancel" if order.status == CANCELED else "",
    }


def force_of(order: Order) -> str:
    return "post_only" if order.type == LIMIT_MAKER else order.tif.lower()


def fill_view(fill: Execution, order: Order) -> Json:
    side, trade_side, _, pos_mode = position_words(fill, reduces=order.reduce_only)
    return {
        "tradeId": trade_id_text(fill.trade_id),
        "symbol": fill.symbol,
        "orderId": order_id_text(PERP, fill.order_id),
        "clientOid": trading.client_oid(order),
        "price": number(fill.px),
        "baseVolume": number(fill.qty),
        "feeDetail": [
            {"deduction": "no", "feeCoin": fill.fee_currency, "totalDeductionFee": "0", "totalFee": fees(fill.fee)}
        ],
        "side": side,
        "quoteVolume": number(fill.px * fill.qty),
        "profit": number(fill.realized),
        "enterPointSource": "api",
        "tradeSide": trade_side,
        "posMode": pos_mode,
        "tradeScope": "maker" if fill.maker else "taker",
        "cTime": str(fill.at_ms),
    }
