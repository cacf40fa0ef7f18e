"""Classic spot trading: place, cancel, replace, query and list orders and fills.

Source: the reference's "Spot / Trade". A market buy counts its size in quote currency. Lists are newest first.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Any

import orjson

from copydesk.kernel import ZERO
from copydesk.venues.lab.dialects.bitget import errors, trading
from copydesk.venues.lab.dialects.bitget.classic_market import pair_of
from copydesk.venues.lab.dialects.bitget.errors import SPOT_TEXTS
from copydesk.venues.lab.dialects.bitget.figures import Json
from copydesk.venues.lab.dialects.bitget.params import (
    Call,
    amount_of,
    client_id_of,
    limit_of,
    listed,
    objects_of,
    required,
    text_of,
    word_of,
)
from copydesk.venues.lab.dialects.bitget.routes import SPOT_READ, SPOT_WRITE, Routes, private
from copydesk.venues.lab.dialects.bitget.words import (
    MARGIN_COIN,
    ORDER_BASE,
    average,
    fees,
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
    FOK,
    GTC,
    IOC,
    LIMIT,
    LIMIT_MAKER,
    MARKET,
    NEW,
    PARTIALLY_FILLED,
    SPOT,
    Execution,
    NewOrder,
    Order,
)

SIDES = frozenset({"buy", "sell"})
TYPES = frozenset({"limit", "market"})
FORCES = frozenset({"gtc", "post_only", "fok", "ioc"})
TIFS = {"gtc": GTC, "post_only": GTC, "fok": FOK, "ioc": IOC}
STATUSES = {
    NEW: "live",
    PARTIALLY_FILLED: "partially_filled",
    FILLED: "filled",
    CANCELED: "cancelled",
    EXPIRED: "cancelled",
}
BATCH_MAX = 50


@lru_cache(maxsize=16_384)
def _terms(*texts: str) -> tuple[str, str, Decimal | None, Decimal | None, Decimal | None, str]:
    """Read what many accounts ask for in the same words."""
    params: dict[str, Any] = dict(zip(("side", "orderType", "force", "size", "price"), texts, strict=True))
    side, kind = word_of(params, "side", SIDES), word_of(params, "orderType", TYPES)
    force = word_of(params, "force", FORCES, "gtc")
    size = amount_of(params, "size")
    if kind == "market":
        return (side, MARKET, None, size, None, GTC) if side == BUY else (side, MARKET, size, None, None, GTC)
    px = amount_of(params, "price")
    return side, LIMIT_MAKER if force == "post_only" else LIMIT, size, None, px, TIFS[force]


def read_order(call: Call, params: dict[str, Any], symbol: str) -> NewOrder:
    """Read one spot order in the exchange's order of complaints."""
    terms = _terms(*[text_of(params, name) for name in ("side", "orderType", "force", "size", "price")])
    return NewOrder(call.account, client_id_of(params), symbol, *terms)


def _place(call: Call) -> bytes:
    symbol = pair_of(call).venue_symbol
    trading.refuse_late(call, call.params)
    return orjson.dumps(trading.ack(trading.place(call, read_order(call, call.params, symbol), SPOT_TEXTS)))


def _symbol_of(call: Call, row: dict[str, Any]) -> str:
    """Read the pair of one row of a batch: its own in mode `multiple`, else the batch's."""
    many = text_of(call.params, "batchMode") == "multiple"
    return listed(call.exchange.spot.instruments, required(row if many else call.params, "symbol")).venue_symbol


def _place_batch(call: Call) -> bytes:
    rows = objects_of(call.params.get("orderList"), "orderList", BATCH_MAX)

    def place(row: dict[str, Any]) -> Json:
        return trading.ack(trading.place(call, read_order(call, row, _symbol_of(call, row)), SPOT_TEXTS))

    return orjson.dumps(trading.each(rows, place))


def _named(params: dict[str, Any]) -> trading.Named:
    return trading.named(params, ORDER_BASE[SPOT], SPOT_TEXTS)


def _cancel(call: Call) -> bytes:
    order = trading.cancel(call, SPOT, pair_of(call).venue_symbol, _named(call.params), SPOT_TEXTS)
    return orjson.dumps(trading.ack(order))


def _cancel_batch(call: Call) -> bytes:
    rows = objects_of(call.params.get("orderList"), "orderList", BATCH_MAX)

    def cancel(row: dict[str, Any]) -> Json:
        return trading.ack(trading.cancel(call, SPOT, _symbol_of(call, row), _named(row), SPOT_TEXTS))

    return orjson.dumps(trading.each(rows, cancel))


def _cancel_symbol(call: Call) -> bytes:
    symbol = pair_of(call).venue_symbol
    trading.cancel_all(call, SPOT, symbol)
    return orjson.dumps({"symbol": symbol})


def _replace(call: Call) -> bytes:
    """Cancel a limit order and place it again with another price and size; a failure tells why, with HTTP 200."""
    params, symbol = call.params, pair_of(call).venue_symbol
    px, size = amount_of(params, "price"), amount_of(params, "size")
    name = _named(params)
    old = trading.find(call, SPOT, name, symbol)
    try:
        if old is None or not old.is_open or old.px is None:
            raise errors.ApiError(*SPOT_TEXTS["UNKNOWN_ORDER"])
        new = NewOrder(
            call.account, client_id_of(params, "newClientOid"), symbol, old.side, old.type, size, None, px, old.tif
        )
        trading.cancel(call, SPOT, symbol, name, SPOT_TEXTS)
        return orjson.dumps({**trading.ack(trading.place(call, new, SPOT_TEXTS)), "success": "success", "msg": None})
    except errors.ApiError as error:
        row = {"orderId": text_of(params, "orderId") or None, "clientOid": text_of(params, "clientOid") or None}
        return orjson.dumps({**row, "success": "failure", "msg": error.msg})


def size_of(order: Order) -> str:
    """Write an order's size in the units in which it was asked for."""
    return number(order.quote_qty if order.quote_qty is not None else order.qty)


def _fee_detail(order: Order) -> str:
    """Write the fees so far as the JSON text that Bitget puts there, "" before the first fill."""
    if not order.fills:
        return ""
    # JSON numbers, as on the wire; the exact fees are in the fills.
    total = -float(sum((fill.fee for fill in order.fills), ZERO))
    coin = order.fills[0].fee_currency
    detail = {
        "newFees": {"c": 0, "d": 0, "deduction": False, "r": total, "t": total, "totalDeductionFee": 0},
        coin: {"deduction": False, "feeCoinCode": coin, "totalDeductionFee": 0, "totalFee": total},
    }
    return orjson.dumps(detail).decode()


def order_view(order: Order) -> Json:
    """Write an order as the query and the history do."""
    return {
        "userId": trading.user_id(order.account),
        "symbol": order.symbol,
        "orderId": order_id_text(SPOT, order.order_id),
        "clientOid": trading.client_oid(order),
        "price": zero_or(order.px),
        "size": size_of(order),
        "orderType": "market" if order.type == MARKET else "limit",
        "side": order.side,
        "status": STATUSES[order.status],
        "priceAvg": average(order.cum_quote, order.cum_qty) or "0",
        "baseVolume": number(order.cum_qty),
        "quoteVolume": number(order.cum_quote),
        "enterPointSource": "API",
        "feeDetail": _fee_detail(order),
        "orderSource": "market" if order.type == MARKET else "normal",
        "tpslType": "normal",
        "triggerPrice": None,
        "quoteCoin": MARGIN_COIN,
        "baseCoin": order.symbol.removesuffix(MARGIN_COIN),
        "cancelReason": "normal_cancel" if order.status == CANCELED else "",
        "cTime": str(order.created_ms),
        "uTime": str(order.updated_ms),
    }


def _open_view(order: Order) -> Json:
    """Write an open order as the list of unfilled ones does: there `priceAvg` is the order's price (sic)."""
    view = order_view(order)
    for name in ("price", "feeDetail", "cancelReason", "quoteCoin", "baseCoin"):
        del view[name]
    return {
        **view,
        "priceAvg": zero_or(order.px),
        "basePrice": average(order.cum_quote, order.cum_qty) or "0",
        "presetTakeProfitPrice": "",
        "executeTakeProfitPrice": "",
        "presetStopLossPrice": "",
        "executeStopLossPrice": "",
    }


def fill_view(fill: Execution, order: Order) -> Json:
    return {
        "userId": trading.user_id(fill.account),
        "symbol": fill.symbol,
        "orderId": order_id_text(SPOT, fill.order_id),
        "tradeId": trade_id_text(fill.trade_id),
        "orderType": "market" if order.type == MARKET else "limit",
        "side": fill.side,
        "priceAvg": number(fill.px),
        "size": number(fill.qty),
        "amount": number(fill.px * fill.qty),
        "feeDetail": {
            "deduction": "no",
            "feeCoin": fill.fee_currency,
            "totalDeductionFee": "",
            "totalFee": fees(fill.fee),
        },
        "tradeScope": "maker" if fill.maker else "taker",
        "cTime": str(fill.at_ms),
        "uTime": str(fill.at_ms),
    }


def _query(call: Call) -> bytes:
    """Answer a list of the one order, empty when there is none."""
    text = text_of(call.params, "orderId")
    name = _named(call.params) if text.isdecimal() or not text else None
    order = None if name is None else trading.find(call, SPOT, name, None)
    return orjson.dumps([] if order is None else [order_view(order)])


def _maybe_symbol(call: Call) -> str | None:
    text = text_of(call.params, "symbol")
    return listed(call.exchange.spot.instruments, text).venue_symbol if text else None


def _unfilled(call: Call) -> bytes:
    rows = trading.page(
        trading.open_orders(call, SPOT, _maybe_symbol(call)), call, ORDER_BASE[SPOT], limit_of(call.params, 100, 100)
    )
    return orjson.dumps([_open_view(order) for order in rows])


def _history(call: Call) -> bytes:
    rows = trading.page(
        trading.finished_orders(call, SPOT, _maybe_symbol(call)),
        call,
        ORDER_BASE[SPOT],
        limit_of(call.params, 100, 100),
    )
    return orjson.dumps([order_view(order) for order in rows])


def _fills(call: Call) -> bytes:
    rows = trading.executions(call, SPOT, pair_of(call).venue_symbol)[: limit_of(call.params, 100, 100)]
    return orjson.dumps([fill_view(fill, order) for fill, order in rows])


TRADE_PATH = "/api/v2/spot/trade/"
ROUTES: Routes = {
    ("POST", TRADE_PATH + "place-order"): private(_place, SPOT_WRITE),
    ("POST", TRADE_PATH + "batch-orders"): private(_place_batch, SPOT_WRITE, 5),
    ("POST", TRADE_PATH + "cancel-order"): private(_cancel, SPOT_WRITE),
    ("POST", TRADE_PATH + "batch-cancel-order"): private(_cancel_batch, SPOT_WRITE),
    ("POST", TRADE_PATH + "cancel-symbol-order"): private(_cancel_symbol, SPOT_WRITE, 5),
    ("POST", TRADE_PATH + "cancel-replace-order"): private(_replace, SPOT_WRITE),
    ("GET", TRADE_PATH + "orderInfo"): private(_query, SPOT_READ, 20),
    ("GET", TRADE_PATH + "unfilled-orders"): private(_unfilled, SPOT_READ, 20),
    ("GET", TRADE_PATH + "history-orders"): private(_history, SPOT_READ, 20),
    ("GET", TRADE_PATH + "fills"): private(_fills, SPOT_READ),
}
