"""Trading on the unified account: one set of endpoints for spot and USDT futures, told apart by category.

Source: the reference's "UTA / Trade". Unlike in the classic API, `side` is the order's own direction in hedge mode
too, and `posSide` names the position. A spot market buy counts `qty` in quote currency. Batches are bare lists, and
their rows carry a code each.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

import orjson

from copydesk.kernel import ZERO
from copydesk.venues.lab.dialects.bitget import errors, trading
from copydesk.venues.lab.dialects.bitget.errors import CODE_OK, UNIFIED_TEXTS
from copydesk.venues.lab.dialects.bitget.figures import MARKETS, Json, instruments
from copydesk.venues.lab.dialects.bitget.params import (
    Call,
    amount_of,
    decimal_of,
    limit_of,
    listed,
    objects_of,
    required,
    text_of,
    unified_id_of,
    word_of,
)
from copydesk.venues.lab.dialects.bitget.routes import UNIFIED_READ, UNIFIED_WRITE, Routes, private
from copydesk.venues.lab.dialects.bitget.unified_shapes import fill_view, order_view
from copydesk.venues.lab.dialects.bitget.words import (
    MARGIN_MODES,
    ORDER_BASE,
    id_of,
    number,
    order_id_text,
)
from copydesk.venues.lab.model import (
    BUY,
    FOK,
    GTC,
    INDEX,
    IOC,
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
    SPOT,
    Attached,
    NewOrder,
    Order,
    Reject,
)

SIDES = frozenset({"buy", "sell"})
TYPES = frozenset({"limit", "market"})
POS_SIDES = frozenset({LONG, SHORT})
YES_NO = frozenset({"yes", "no"})
TIFS = {"gtc": GTC, "ioc": IOC, "fok": FOK, "post_only": GTC}
WATCHES = {"market": LAST, "mark": MARK, "index": INDEX}
BATCH_MAX = 20


def market_of(params: dict[str, Any]) -> str:
    """Read the mandatory category of an order; only spot and USDT futures can be traded here."""
    category = required(params, "category").upper()
    if category not in MARKETS:
        raise errors.ApiError("25240", f"{category} does not support this operation")
    return MARKETS[category]


def symbol_of(call: Call, params: dict[str, Any], market: str) -> str:
    """Read the mandatory symbol."""
    symbol = required(params, "symbol")
    try:
        return listed(instruments(call.exchange, market), symbol).venue_symbol
    except errors.ApiError:
        raise errors.ApiError("25100", f"Trading pair {symbol} does not exist") from None


@lru_cache(maxsize=16_384)
def _terms(*texts: str) -> tuple[str, str, Decimal, Decimal | None, str]:
    """Read side, engine type, quantity, limit price and time in force, which many accounts ask for alike."""
    params: dict[str, Any] = dict(zip(("side", "orderType", "timeInForce", "qty", "price"), texts, strict=True))
    side, kind = word_of(params, "side", SIDES), word_of(params, "orderType", TYPES)
    tif = word_of(params, "timeInForce", frozenset(TIFS), "gtc")
    qty = amount_of(params, "qty")
    if kind == "market":
        return side, MARKET, qty, None, GTC
    return side, LIMIT_MAKER if tif == "post_only" else LIMIT, qty, amount_of(params, "price"), TIFS[tif]


def attached_of(params: dict[str, Any], name: str, short: str) -> Attached | None:
    """Read a preset take-profit (`tp…`) or stop-loss (`sl…`)."""
    trigger_px = decimal_of(params, name)
    if not trigger_px:
        return None
    limited = text_of(params, f"{short}OrderType") == "limit"
    watch = WATCHES[word_of(params, f"{short}TriggerBy", frozenset(WATCHES), "market")]
    return Attached(trigger_px, amount_of(params, f"{short}LimitPrice") if limited else None, watch)


def position_of(call: Call, params: dict[str, Any], side: str) -> tuple[str, bool]:
    """Read the position side and whether the order only reduces, by the account's hold mode."""
    asked = text_of(params, "posSide").lower()
    if asked and asked not in POS_SIDES:
        raise errors.ApiError("25200", "posSide validation error")
    if call.exchange.perp.hedge(call.account):
        if not asked:
            raise errors.ApiError(*UNIFIED_TEXTS["POSITION_SIDE"])
        return asked, (side == BUY) != (asked == LONG)
    if asked:
        raise errors.ApiError("25237", "Close orders can only occur in bi-directional mode")
    return NET, word_of(params, "reduceOnly", YES_NO, "no") == "yes"


def _perp_order(call: Call, params: dict[str, Any], symbol: str, terms: tuple[Any, ...]) -> NewOrder:
    side, kind, qty, px, tif = terms
    position_side, reduces = position_of(call, params, side)
    if reduces:
        left = trading.closable(call.exchange, call.account, symbol, position_side, side)
        if left < qty:
            raise (
                errors.ApiError("25231", "Close quantity cannot exceed the held position quantity")
                if (left)
                else errors.ApiError(*UNIFIED_TEXTS["NO_POSITION"])
            )
    mode = text_of(params, "marginMode")
    return NewOrder(
        call.account,
        unified_id_of(params),
        symbol,
        side,
        kind,
        qty,
        None,
        px,
        tif,
        PERP,
        position_side,
        reduces,
        margin_mode=MARGIN_MODES[word_of(params, "marginMode", frozenset(MARGIN_MODES))] if mode else "",
        take_profit=attached_of(params, "takeProfit", "tp") if "takeProfit" in params else None,
        stop_loss=attached_of(params, "stopLoss", "sl") if "stopLoss" in params else None,
    )


def read_order(call: Call, params: dict[str, Any]) -> NewOrder:
    """Read one order of either category."""
    market = market_of(params)
    symbol = symbol_of(call, params, market)
    terms = _terms(*[text_of(params, name) for name in ("side", "orderType", "timeInForce", "qty", "price")])
    if market == PERP:
        return _perp_order(call, params, symbol, terms)
    side, kind, qty, px, tif = terms
    by_quote = kind == MARKET and side == BUY
    base, quote = (None, qty) if by_quote else (qty, None)
    return NewOrder(call.account, unified_id_of(params), symbol, side, kind, base, quote, px, tif)


def _place(call: Call) -> bytes:
    return orjson.dumps(trading.ack(trading.place(call, read_order(call, call.params), UNIFIED_TEXTS)))


def rows_of(rows: list[dict[str, Any]], act: Callable[[dict[str, Any]], Json]) -> list[Json]:
    """Act on each row of a batch; a row that fails carries its code and text."""
    done = []
    for row in rows:
        try:
            done.append({**act(row), "code": CODE_OK, "msg": "success"})
        except errors.ApiError as error:
            named = {"orderId": text_of(row, "orderId"), "clientOid": text_of(row, "clientOid")}
            done.append({**named, "code": error.code, "msg": error.msg})
    return done


def _place_batch(call: Call) -> bytes:
    rows = objects_of(call.items, "orders", BATCH_MAX)
    return orjson.dumps(
        rows_of(rows, lambda row: trading.ack(trading.place(call, read_order(call, row), UNIFIED_TEXTS)))
    )


def found_order(call: Call, params: dict[str, Any]) -> Order:
    """Find the order that the parameters name, on either market."""
    text, client_id = text_of(params, "orderId"), unified_id_of(params)
    if not text and not client_id:
        raise errors.one_of("orderId or clientOid")
    for market in (PERP, SPOT):
        order_id = id_of(text, ORDER_BASE[market]) if text else None
        if text and order_id is None:
            continue
        order = trading.find(call, market, trading.Named(order_id, client_id or None), None)
        if order is not None:
            return order
    raise errors.refused(UNIFIED_TEXTS, Reject.UNKNOWN_ORDER)


def _canceled(call: Call, params: dict[str, Any]) -> Json:
    order = found_order(call, params)
    name = trading.Named(order.order_id, None)
    return trading.ack(trading.cancel(call, order.market, order.symbol, name, UNIFIED_TEXTS))


def _cancel(call: Call) -> bytes:
    return orjson.dumps(_canceled(call, call.params))


def _cancel_batch(call: Call) -> bytes:
    return orjson.dumps(rows_of(objects_of(call.items, "orders", BATCH_MAX), lambda row: _canceled(call, row)))


def _cancel_symbol(call: Call) -> bytes:
    market, text = market_of(call.params), text_of(call.params, "symbol")
    symbol = symbol_of(call, call.params, market) if text else None
    orders = trading.cancel_all(call, market, symbol)
    return orjson.dumps({"list": [{**trading.ack(order), "code": CODE_OK, "msg": "success"} for order in orders]})


def _modify(call: Call) -> bytes:
    """Change quantity, price or both in place."""
    params, order = call.params, found_order(call, call.params)
    qty, px = decimal_of(params, "qty"), decimal_of(params, "price")
    if qty is None and px is None:
        raise errors.one_of("qty or price")
    engine = call.exchange.engine(order.market)
    result = engine.amend(call.account, order.symbol, order.order_id, qty=qty, px=px, now_ms=call.now_ms)
    if result.reject is not None:
        asked = NewOrder(call.account, "", order.symbol, order.side, order.type, qty or order.qty, None, px or order.px)
        raise errors.rejected(UNIFIED_TEXTS, result.reject, asked, engine.instruments[order.symbol])
    call.exchange.publish(result.events, call.now_ms)
    return orjson.dumps(trading.ack(order))


def _close_positions(call: Call) -> bytes:
    """Close positions at market: those of the symbol and side asked for, else all of the category."""
    params = call.params
    if market_of(params) != PERP:
        raise errors.ApiError("25240", "SPOT does not support this operation")
    symbol = symbol_of(call, params, PERP) if text_of(params, "symbol") else None
    wanted = text_of(params, "posSide").lower()
    views = call.exchange.perp.positions(call.account, symbol)
    chosen = [view for view in views if wanted in ("", trading.hold_side(view))]
    if not chosen:
        raise errors.refused(UNIFIED_TEXTS, Reject.NO_POSITION)
    rows = []
    for view in chosen:
        side = SELL if view.qty > ZERO else BUY
        new = NewOrder(
            call.account,
            "",
            view.symbol,
            side,
            MARKET,
            abs(view.qty),
            market=PERP,
            position_side=view.position_side,
            reduce_only=True,
        )
        rows += rows_of([{}], lambda _row, new=new: trading.ack(trading.place(call, new, UNIFIED_TEXTS)))  # type: ignore[misc]
    return orjson.dumps({"list": rows})


def _with_presets(call: Call, order: Order, view: Json) -> Json:
    """Add the preset take-profit and stop-loss of an order, while they live."""
    if order.market == PERP:
        for one in call.exchange.perp.conditionals(call.account, order.symbol):
            if one.parent_order_id == order.order_id:
                view["takeProfit" if one.kind == "take_profit" else "stopLoss"] = number(one.trigger_px)
    return view


def _query(call: Call) -> bytes:
    order = found_order(call, call.params)
    return orjson.dumps(_with_presets(call, order, order_view(order)))


def markets_of(call: Call) -> list[str]:
    """Read the optional category: the markets that it names, or both."""
    text = text_of(call.params, "category").upper()
    if not text:
        return [SPOT, PERP]
    return [MARKETS[text]] if text in MARKETS else []


def _page(call: Call, orders: list[Order]) -> bytes:
    """Answer a page of orders, newest first by time, with the cursor of the next one."""
    text = text_of(call.params, "cursor")
    rows = sorted(orders, key=lambda order: (-order.created_ms, -order.order_id))
    ids = [order_id_text(order.market, order.order_id) for order in rows]
    start = ids.index(text) + 1 if text in ids else 0
    limit = limit_of(call.params, 100, 100)
    cut = rows[start : start + limit]
    views = [_with_presets(call, order, order_view(order)) for order in cut]
    return orjson.dumps({"list": views, "cursor": views[-1]["orderId"] if views else None})


def _maybe_symbol(call: Call) -> str | None:
    return text_of(call.params, "symbol").upper() or None


def _unfilled(call: Call) -> bytes:
    symbol = _maybe_symbol(call)
    return _page(call, [o for market in markets_of(call) for o in trading.open_orders(call, market, symbol)])


def _history(call: Call) -> bytes:
    symbol = _maybe_symbol(call)
    return _page(call, [o for market in markets_of(call) for o in trading.finished_orders(call, market, symbol)])


def _fills(call: Call) -> bytes:
    found = [pair for market in markets_of(call) for pair in trading.executions(call, market, None)]
    of_order, cursor = text_of(call.params, "orderId"), text_of(call.params, "cursor")
    views = [fill_view(*pair) for pair in sorted(found, key=lambda pair: (-pair[0].at_ms, -pair[0].trade_id))]
    if of_order:
        views = [view for view in views if view["orderId"] == of_order]
    ids = [view["execId"] for view in views]
    start = ids.index(cursor) + 1 if cursor in ids else 0
    cut = views[start : start + limit_of(call.params, 100, 100)]
    return orjson.dumps({"list": cut, "cursor": cut[-1]["execId"] if cut else None})


TRADE_PATH = "/api/v3/trade/"
ROUTES: Routes = {
    ("POST", TRADE_PATH + "place-order"): private(_place, UNIFIED_WRITE),
    ("POST", TRADE_PATH + "place-batch"): private(_place_batch, UNIFIED_WRITE, 5),
    ("POST", TRADE_PATH + "modify-order"): private(_modify, UNIFIED_WRITE),
    ("POST", TRADE_PATH + "cancel-order"): private(_cancel, UNIFIED_WRITE),
    ("POST", TRADE_PATH + "cancel-batch"): private(_cancel_batch, UNIFIED_WRITE, 5),
    ("POST", TRADE_PATH + "cancel-symbol-order"): private(_cancel_symbol, UNIFIED_WRITE, 5),
    ("POST", TRADE_PATH + "close-positions"): private(_close_positions, UNIFIED_WRITE, 5),
    ("GET", TRADE_PATH + "order-info"): private(_query, UNIFIED_READ, 20),
    ("GET", TRADE_PATH + "unfilled-orders"): private(_unfilled, UNIFIED_READ, 20),
    ("GET", TRADE_PATH + "history-orders"): private(_history, UNIFIED_READ, 20),
    ("GET", TRADE_PATH + "fills"): private(_fills, UNIFIED_READ, 20),
}
