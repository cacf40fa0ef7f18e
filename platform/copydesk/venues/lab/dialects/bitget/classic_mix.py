"""Classic futures trading: place, change, cancel, close, query and list orders and fills of USDT contracts.

Source: the reference's "Future / Trade". In hedge mode `side` is the direction of the position and `tradeSide` says
whether it is opened or closed, so closing a long is side buy, tradeSide close. In one-way mode an order with
`tradeSide` is answered 40774, in hedge mode one without it 400172 "side mismatch". An order that would close more
than there is left to close is answered 40757 (notes of October 2023).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson

from copydesk.kernel import ZERO
from copydesk.venues.lab.dialects.bitget import errors, trading
from copydesk.venues.lab.dialects.bitget.classic_market import contract_of, product_of
from copydesk.venues.lab.dialects.bitget.classic_spot import BATCH_MAX, FORCES, SIDES, TIFS, TYPES
from copydesk.venues.lab.dialects.bitget.errors import MIX_TEXTS
from copydesk.venues.lab.dialects.bitget.figures import Json
from copydesk.venues.lab.dialects.bitget.mix_shapes import fill_view, order_view
from copydesk.venues.lab.dialects.bitget.params import (
    Call,
    amount_of,
    client_id_of,
    decimal_of,
    limit_of,
    listed,
    objects_of,
    text_of,
    word_of,
)
from copydesk.venues.lab.dialects.bitget.routes import ORDER_READ, ORDER_WRITE, Routes, private
from copydesk.venues.lab.dialects.bitget.words import (
    MARGIN_COIN,
    MARGIN_MODES,
    ORDER_BASE,
    USDT_FUTURES,
    number,
    order_id_text,
    trade_id_text,
)
from copydesk.venues.lab.memo import remembered
from copydesk.venues.lab.model import (
    BUY,
    GTC,
    LAST,
    LIMIT,
    LIMIT_MAKER,
    LONG,
    MARK,
    MARKET,
    NET,
    PERP,
    SELL,
    SHORT,
    Attached,
    NewOrder,
    Order,
    Reject,
)

TRADE_SIDES = frozenset({"open", "close"})
REDUCE_WORDS = frozenset({"yes", "no"})
_QUERY_TEXTS = {
    **MIX_TEXTS,
    Reject.UNKNOWN_ORDER: ("40109", "The data of the order cannot be found, please confirm the order number"),
}
WATCHES = {"fill_price": LAST, "mark_price": MARK}
_OPPOSITE = {BUY: SELL, SELL: BUY}
_TERMS = ("orderType", "force", "size", "price")
_DIRECTION = ("side", "tradeSide", "reduceOnly")
_MODE_WORDS = frozenset(MARGIN_MODES)


@remembered
def _terms(*values: Any) -> tuple[str, Decimal, Decimal | None, str]:
    """Read engine type, quantity, limit price and time in force, which many accounts ask for in the same words."""
    params: dict[str, Any] = dict(zip(_TERMS, values, strict=True))
    kind, force = word_of(params, "orderType", TYPES), word_of(params, "force", FORCES, "gtc")
    size = amount_of(params, "size")
    if kind == "market":
        return MARKET, size, None, GTC
    return LIMIT_MAKER if force == "post_only" else LIMIT, size, amount_of(params, "price"), TIFS[force]


def direction_of(call: Call, params: dict[str, Any]) -> tuple[str, str, bool]:
    """Read the engine's side, position side and whether the order only reduces."""
    return _direction(call.exchange.perp.hedge(call.account), *map(params.get, _DIRECTION))


@remembered
def _direction(hedge: bool, *values: Any) -> tuple[str, str, bool]:
    params: dict[str, Any] = dict(zip(_DIRECTION, values, strict=True))
    side, trade_side = word_of(params, "side", SIDES), text_of(params, "tradeSide").lower()
    if hedge:
        if not trade_side:
            raise errors.ApiError("400172", "side mismatch")
        if trade_side not in TRADE_SIDES:
            raise errors.invalid("tradeSide")
        closes = trade_side == "close"
        return _OPPOSITE[side] if closes else side, LONG if side == BUY else SHORT, closes
    if trade_side in TRADE_SIDES:
        raise errors.ApiError(*MIX_TEXTS["POSITION_SIDE"])
    return side, NET, word_of(params, "reduceOnly", REDUCE_WORDS, "no") == "yes"


def refuse_overclose(call: Call, symbol: str, position_side: str, side: str, size: Decimal) -> None:
    """Refuse an order that would close more than is left."""
    left = trading.closable(call.exchange, call.account, symbol, position_side, side)
    if left < size:
        raise (
            errors.ApiError("40757", "Not enough position is available.")
            if left
            else errors.ApiError(*MIX_TEXTS["NO_POSITION"])
        )


def attached_of(params: dict[str, Any], trigger: str, execute: str) -> Attached | None:
    """Read a preset take-profit or stop-loss; they watch the last price."""
    trigger_px = decimal_of(params, trigger)
    return None if not trigger_px else Attached(trigger_px, decimal_of(params, execute) or None, LAST)


def margin_mode_of(params: dict[str, Any]) -> str:
    """Read the mandatory margin mode in the engine's word."""
    return MARGIN_MODES[word_of(params, "marginMode", _MODE_WORDS)]


def read_order(call: Call, params: dict[str, Any], symbol: str, shared: dict[str, Any]) -> NewOrder:
    """Read one futures order; `shared` holds what a batch says once for all its rows."""
    new = asked_order(call, params, symbol, shared)
    if new.reduce_only and new.qty is not None:
        refuse_overclose(call, symbol, new.position_side, new.side, new.qty)
    return new


def asked_order(call: Call, params: dict[str, Any], symbol: str, shared: dict[str, Any]) -> NewOrder:
    """Read one futures order, whatever there is to close."""
    kind, size, px, tif = _terms(*map(params.get, _TERMS))
    side, position_side, reduces = direction_of(call, params)
    profit = loss = None
    if "presetStopSurplusPrice" in params or "presetStopLossPrice" in params:
        profit = attached_of(params, "presetStopSurplusPrice", "presetStopSurplusExecutePrice")
        loss = attached_of(params, "presetStopLossPrice", "presetStopLossExecutePrice")
    return NewOrder(
        call.account,
        client_id_of(params),
        symbol,
        side,
        kind,
        size,
        None,
        px,
        tif,
        PERP,
        position_side,
        reduces,
        margin_mode=margin_mode_of(params if "marginMode" in params else shared),
        take_profit=profit,
        stop_loss=loss,
    )


def margin_coin_of(params: dict[str, Any]) -> str:
    """Read the margin coin, which USDT contracts allow one of."""
    coin = text_of(params, "marginCoin").upper()
    if not coin:
        raise errors.empty("marginCoin")
    if coin != MARGIN_COIN:
        raise errors.ApiError("45025", "The currency pair does not support the currency as a margin")
    return coin


def _place(call: Call) -> bytes:
    params, symbol = call.params, contract_of(call).venue_symbol
    margin_coin_of(params)
    trading.refuse_late(call, params)
    return orjson.dumps(trading.ack(trading.place(call, read_order(call, params, symbol, params), MIX_TEXTS)))


def _place_batch(call: Call) -> bytes:
    symbol = contract_of(call).venue_symbol
    margin_coin_of(call.params)
    rows = objects_of(call.params.get("orderList"), "orderList", BATCH_MAX)

    def place(row: dict[str, Any]) -> Json:
        return trading.ack(trading.place(call, read_order(call, row, symbol, call.params), MIX_TEXTS))

    return orjson.dumps(trading.each(rows, place))


def _named(params: dict[str, Any]) -> trading.Named:
    return trading.named(params, ORDER_BASE[PERP], MIX_TEXTS)


def _modify(call: Call) -> bytes:
    """Change price and size together, under a new client id as the exchange asks for."""
    params, symbol, engine = call.params, contract_of(call).venue_symbol, call.exchange.perp
    name, renamed = _named(params), client_id_of(params, "newClientOid")
    qty, px = decimal_of(params, "newSize"), decimal_of(params, "newPrice")
    if (qty is None) != (px is None):
        raise errors.ApiError("40925", "price or size must be passed in together")
    if qty is not None and not renamed:
        raise errors.ApiError("22003", "modify price and size, please pass in newClientOid")
    order = trading.find(call, PERP, name, symbol)
    if order is None or not order.is_open:
        raise errors.refused(MIX_TEXTS, Reject.UNKNOWN_ORDER)
    result = engine.amend(
        call.account, symbol, order.order_id, qty=qty, px=px, new_client_order_id=renamed or None, now_ms=call.now_ms
    )
    if result.reject is not None:
        asked = NewOrder(call.account, renamed, symbol, order.side, order.type, qty or order.qty, None, px or order.px)
        raise errors.rejected(MIX_TEXTS, result.reject, asked, engine.instruments[symbol])
    call.exchange.publish(result.events, call.now_ms)
    assert result.order is not None
    return orjson.dumps(trading.ack(result.order))


def _cancel(call: Call) -> bytes:
    order = trading.cancel(call, PERP, contract_of(call).venue_symbol, _named(call.params), MIX_TEXTS)
    return orjson.dumps(trading.ack(order))


def _maybe_symbol(call: Call) -> str | None:
    """Read an optional contract; the product type must be there."""
    text = text_of(call.params, "symbol")
    if product_of(call) != USDT_FUTURES:
        raise errors.not_listed(text or "symbol")
    return listed(call.exchange.perp.instruments, text).venue_symbol if text else None


def _cancel_batch(call: Call) -> bytes:
    """Cancel the orders listed, or without a list all of the symbol, or of the product."""
    symbol, ids = _maybe_symbol(call), call.params.get("orderIdList")
    if not ids:
        done = [trading.ack(order) for order in trading.cancel_all(call, PERP, symbol)]
        return orjson.dumps({"successList": done, "failureList": []})

    def cancel(row: dict[str, Any]) -> Json:
        name = _named(row)
        order = trading.find(call, PERP, name, symbol)
        if order is None:
            raise errors.refused(MIX_TEXTS, Reject.UNKNOWN_ORDER)
        return trading.ack(trading.cancel(call, PERP, order.symbol, name, MIX_TEXTS))

    return orjson.dumps(trading.each(objects_of(ids, "orderIdList", BATCH_MAX), cancel))


def _close_positions(call: Call) -> bytes:
    """Close positions at market: those of the symbol and side asked for, else all; other orders stay."""
    symbol, wanted = _maybe_symbol(call), text_of(call.params, "holdSide")
    rows = []
    for view in call.exchange.perp.positions(call.account, symbol):
        if wanted in ("", trading.hold_side(view)):
            rows.append({"symbol": view.symbol, "side": view.position_side, "qty": view.qty})
    if not rows:
        raise errors.ApiError(*MIX_TEXTS["NO_POSITION"])

    def close(row: dict[str, Any]) -> Json:
        side, size = SELL if row["qty"] > ZERO else BUY, abs(row["qty"])
        new = NewOrder(
            call.account, "", row["symbol"], side, MARKET, size, None, None, GTC, PERP, row["side"], reduce_only=True
        )
        return {**trading.ack(trading.place(call, new, MIX_TEXTS)), "symbol": row["symbol"]}

    return orjson.dumps(trading.each(rows, close))


def _with_presets(call: Call, order: Order, view: Json) -> Json:
    """Add the preset take-profit and stop-loss of an order, while they live."""
    attached = [
        c for c in call.exchange.perp.conditionals(call.account, order.symbol) if c.parent_order_id == order.order_id
    ]
    for one in attached:
        view["presetStopSurplusPrice" if one.kind == "take_profit" else "presetStopLossPrice"] = number(one.trigger_px)
    return view


def _view(call: Call, order: Order, status_name: str = "status") -> Json:
    leverage = call.exchange.perp.settings(call.account, order.symbol).leverage
    return _with_presets(call, order, order_view(order, leverage, status_name))


def _query(call: Call) -> bytes:
    symbol = contract_of(call).venue_symbol
    order = trading.find(call, PERP, trading.named(call.params, ORDER_BASE[PERP], _QUERY_TEXTS), symbol)
    if order is None:
        raise errors.refused(_QUERY_TEXTS, Reject.UNKNOWN_ORDER)
    view = _view(call, order, "state")
    return orjson.dumps(
        {**view, "presetStopSurplusExecutePrice": "", "presetStopLossExecutePrice": "", "newTradeSide": None}
    )


def _listing(call: Call, rows: list[Order]) -> bytes:
    """Answer a page of orders with the last one's id, by which the next page is asked for."""
    wanted = client_id_of(call.params)
    chosen = [order for order in rows if wanted in ("", trading.client_oid(order))]
    cut = trading.page(chosen, call, ORDER_BASE[PERP], limit_of(call.params, 100, 100))
    return orjson.dumps(
        {
            "entrustedList": [_view(call, order) for order in cut] or None,
            "endId": order_id_text(PERP, cut[-1].order_id) if cut else None,
        }
    )


def _pending(call: Call) -> bytes:
    return _listing(call, trading.open_orders(call, PERP, _maybe_symbol(call)))


def _history(call: Call) -> bytes:
    return _listing(call, trading.finished_orders(call, PERP, _maybe_symbol(call)))


def _fills(call: Call) -> bytes:
    rows = trading.executions(call, PERP, _maybe_symbol(call))[: limit_of(call.params, 100, 100)]
    return orjson.dumps(
        {
            "fillList": [fill_view(fill, order) for fill, order in rows],
            "endId": trade_id_text(rows[-1][0].trade_id) if rows else None,
        }
    )


ORDER_PATH = "/api/v2/mix/order/"
ROUTES: Routes = {
    ("POST", ORDER_PATH + "place-order"): private(_place, ORDER_WRITE),
    ("POST", ORDER_PATH + "batch-place-order"): private(_place_batch, ORDER_WRITE, 5),
    ("POST", ORDER_PATH + "modify-order"): private(_modify, ORDER_WRITE),
    ("POST", ORDER_PATH + "cancel-order"): private(_cancel, ORDER_WRITE),
    ("POST", ORDER_PATH + "batch-cancel-orders"): private(_cancel_batch, ORDER_WRITE),
    ("POST", ORDER_PATH + "cancel-all-orders"): private(_cancel_batch, ORDER_WRITE),
    ("POST", ORDER_PATH + "close-positions"): private(_close_positions, ORDER_WRITE, 1),
    ("GET", ORDER_PATH + "detail"): private(_query, ORDER_READ),
    ("GET", ORDER_PATH + "orders-pending"): private(_pending, ORDER_READ),
    ("GET", ORDER_PATH + "orders-history"): private(_history, ORDER_READ),
    ("GET", ORDER_PATH + "fills"): private(_fills, ORDER_READ),
    ("GET", ORDER_PATH + "fill-history"): private(_fills, ORDER_READ),
}
