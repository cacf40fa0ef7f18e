"""Strategy orders of the unified account: take-profit and stop-loss of a position, and plain trigger orders.

Source: the reference's "UTA / Strategy". A `tpsl` without quantity closes the whole position; one with both prices
is two conditional orders here, of which the first to fire cancels the other, told as one by the take-profit's id.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson

from copydesk.kernel import ZERO
from copydesk.venues.lab.conditional import PLAN, STOP, TAKE_PROFIT, Conditional, NewConditional
from copydesk.venues.lab.dialects.bitget import errors, trading
from copydesk.venues.lab.dialects.bitget.errors import UNIFIED_TEXTS
from copydesk.venues.lab.dialects.bitget.figures import Json
from copydesk.venues.lab.dialects.bitget.params import (
    Call,
    amount_of,
    decimal_of,
    limit_of,
    text_of,
    unified_id_of,
    word_of,
)
from copydesk.venues.lab.dialects.bitget.routes import UNIFIED_READ, UNIFIED_WRITE, Routes, private
from copydesk.venues.lab.dialects.bitget.unified_market import CATEGORIES
from copydesk.venues.lab.dialects.bitget.unified_trade import (
    POS_SIDES,
    SIDES,
    TRADE_PATH,
    TYPES,
    WATCHES,
    market_of,
    markets_of,
    position_of,
    symbol_of,
)
from copydesk.venues.lab.dialects.bitget.words import PLAN_BASE, id_of, number, order_id_text, plan_id_text
from copydesk.venues.lab.model import (
    BUY,
    CANCELED,
    EXPIRED,
    LAST,
    LIMIT,
    LONG,
    MARKET,
    NET,
    NEW,
    PERP,
    REJECTED,
    SELL,
    SHORT,
    SPOT,
    TRIGGERED,
    NewOrder,
    Reject,
)

_TYPES = frozenset({"tpsl", "trigger"})
STATUSES = {
    NEW: "pending",
    TRIGGERED: "success",
    CANCELED: "cancelled",
    EXPIRED: "cancelled",
    REJECTED: "failed",
}
_WATCH_WORDS = {watch: word for word, watch in WATCHES.items()}


def _place(call: Call) -> bytes:
    if word_of(call.params, "type", _TYPES, "tpsl") == "trigger":
        return orjson.dumps(trading.plan_ack(_place_trigger(call)))
    return orjson.dumps(trading.plan_ack(_place_tpsl(call)))


def _place_trigger(call: Call) -> Conditional:
    params, market = call.params, market_of(call.params)
    symbol, side, qty = symbol_of(call, params, market), word_of(params, "side", SIDES), amount_of(params, "qty")
    kind = word_of(params, "triggerOrderType", TYPES, "market")
    px = amount_of(params, "triggerOrderPrice") if kind == "limit" else None
    order_type = LIMIT if kind == "limit" else MARKET
    if market == PERP:
        position_side, reduces = position_of(call, params, side)
        new = NewOrder(
            call.account,
            "",
            symbol,
            side,
            order_type,
            qty,
            px=px,
            market=PERP,
            position_side=position_side,
            reduce_only=reduces,
        )
    else:
        by_quote = side == BUY and px is None
        new = NewOrder(
            call.account, "", symbol, side, order_type, None if by_quote else qty, qty if by_quote else None, px
        )
    watch = WATCHES[word_of(params, "triggerBy", frozenset(WATCHES), "market")]
    trigger = amount_of(params, "triggerPrice")
    asked = NewConditional(
        new, PLAN, trigger, watch if market == PERP else LAST, client_id=unified_id_of(params), tag="trigger"
    )
    return trading.place_plan(call, asked, UNIFIED_TEXTS)


def _place_tpsl(call: Call) -> Conditional:
    params = call.params
    if market_of(params) != PERP:
        raise errors.ApiError("25593", "The current trading type does not support TP/SL settings")
    symbol = symbol_of(call, params, PERP)
    profit, loss = decimal_of(params, "takeProfit"), decimal_of(params, "stopLoss")
    if not profit and not loss:
        raise errors.one_of("takeProfit or stopLoss")
    held, position_side = _held(call, params, symbol)
    placed: list[Conditional] = []
    for kind, short, trigger_px in ((TAKE_PROFIT, "tp", profit), (STOP, "sl", loss)):
        if trigger_px:
            asked = _closing(call, symbol, held, position_side, kind=kind, short=short, trigger_px=trigger_px)
            siblings = tuple(one.conditional_id for one in placed)
            one = trading.place_plan(call, asked._replace(siblings=siblings), UNIFIED_TEXTS)
            for earlier in placed:
                earlier.siblings = (one.conditional_id,)
            placed.append(one)
    return placed[0]


def _held(call: Call, params: dict[str, Any], symbol: str) -> tuple[str, str]:
    """Return the direction of the position that is to be closed, and the engine's side of it."""
    asked = text_of(params, "posSide").lower()
    if asked and asked not in POS_SIDES:
        raise errors.ApiError("25200", "posSide validation error")
    perp = call.exchange.perp
    hedge = perp.hedge(call.account)
    if not hedge:
        qty = perp.position(call.account, symbol, NET).qty
        held = LONG if qty > ZERO else SHORT
        if not qty or asked not in ("", held):
            raise errors.ApiError("25601", "Position does not exist; cannot set TP/SL")
        return held, NET
    side = text_of(params, "side").lower()
    held = asked or (LONG if side == SELL else SHORT)
    if not perp.position(call.account, symbol, held).qty:
        raise errors.ApiError("25601", "Position does not exist; cannot set TP/SL")
    return held, held


def _closing(
    call: Call, symbol: str, held: str, position_side: str, *, kind: str, short: str, trigger_px: Decimal
) -> NewConditional:
    params = call.params
    qty = decimal_of(params, "qty") if text_of(params, "tpslMode").lower() != "full" else None
    limited = text_of(params, f"{short}OrderType") == "limit"
    px = amount_of(params, f"{short}LimitPrice") if limited else None
    new = NewOrder(
        call.account,
        "",
        symbol,
        SELL if held == LONG else BUY,
        MARKET if px is None else LIMIT,
        qty,
        px=px,
        market=PERP,
        position_side=position_side,
        reduce_only=True,
        close_position=qty is None,
    )
    watch = WATCHES[word_of(params, f"{short}TriggerBy", frozenset(WATCHES), "market")]
    rises = (held == LONG) == (kind == TAKE_PROFIT)
    client_id = unified_id_of(params) if kind == TAKE_PROFIT or not decimal_of(params, "takeProfit") else ""
    return NewConditional(new, kind, trigger_px, watch, rises, client_id, tag="tpsl")


def _found(call: Call) -> Conditional:
    """Find the open strategy order that the parameters name, on either market."""
    text, client_id = text_of(call.params, "orderId"), unified_id_of(call.params)
    if not text and not client_id:
        raise errors.one_of("orderId or clientOid")
    for market in (PERP, SPOT):
        plan_id = id_of(text, PLAN_BASE[market]) if text else None
        if text and plan_id is None:
            continue
        one = trading.find_plan(call, market, trading.Named(plan_id, client_id or None))
        if one is not None and one.is_open:
            return one
    raise errors.refused(UNIFIED_TEXTS, Reject.UNKNOWN_CONDITIONAL)


def _family(call: Call, one: Conditional) -> list[Conditional]:
    """Return a strategy order with its sibling, if that is still open."""
    found = (call.exchange.engine(one.market).conditional(call.account, one.symbol, key) for key in one.siblings)
    return [one, *(other for other in found if other is not None and other.is_open)]


def _modify(call: Call) -> bytes:
    params, one = call.params, _found(call)
    names = {TAKE_PROFIT: ("takeProfit", "tpLimitPrice"), STOP: ("stopLoss", "slLimitPrice")}
    for member in _family(call, one):
        trigger, px = names.get(member.kind, ("triggerPrice", "triggerOrderPrice"))
        if decimal_of(params, trigger) or decimal_of(params, px) or member is one:
            trading.amend_plan(
                call,
                member,
                UNIFIED_TEXTS,
                trigger_px=decimal_of(params, trigger),
                px=decimal_of(params, px) or None,
                qty=None if member.new.close_position else decimal_of(params, "qty"),
            )
    return orjson.dumps(trading.plan_ack(one))


def _cancel(call: Call) -> bytes:
    for member in _family(call, _found(call)):
        trading.cancel_plan(call, member, UNIFIED_TEXTS)
    return b"null"


def _placed(call: Call) -> bytes:
    """Name the order that a strategy has placed; of a pair, the one of the half that fired."""
    text = text_of(call.params, "orderId")
    named = ((market, id_of(text, PLAN_BASE[market])) for market in (PERP, SPOT))
    found = (trading.find_plan(call, market, trading.Named(key, None)) for market, key in named if key is not None)
    one = next((one for one in found if one is not None), None)
    if one is None:
        raise errors.refused(UNIFIED_TEXTS, Reject.UNKNOWN_CONDITIONAL)
    engine = call.exchange.engine(one.market)
    family = [one, *(engine.conditional(call.account, one.symbol, key) for key in one.siblings)]
    rows = [
        {
            "subOrderId": order_id_text(one.market, part.order_id),
            "orderId": text,
            "clientOid": trading.plan_client_id(one),
            "category": CATEGORIES[one.market],
            "symbol": one.symbol,
        }
        for part in family
        if part is not None and part.order_id is not None
    ]
    return orjson.dumps({"list": rows, "cursor": rows[-1]["subOrderId"] if rows else None})


def plan_view(one: Conditional, sibling: Conditional | None) -> Json:
    """Write a strategy order; `sibling` is the other half of a take-profit with stop-loss."""
    parts = {part.kind: part for part in (one, sibling) if part is not None}
    profit, loss = parts.get(TAKE_PROFIT), parts.get(STOP)
    new, plain = one.new, one if one.kind == PLAN else None
    return {
        "orderId": plan_id_text(one.market, one.conditional_id),
        "clientOid": trading.plan_client_id(one),
        "category": CATEGORIES[one.market],
        "symbol": one.symbol,
        "qty": number(new.qty if new.quote_qty is None else new.quote_qty) or "0",
        "side": new.side,
        "posSide": new.position_side if new.position_side != NET else "",
        "reduceOnly": "yes" if new.reduce_only else "no",
        "type": one.tag or "tpsl",
        "tpslMode": "full" if new.close_position else "partial",
        "status": STATUSES[one.status],
        "triggerType": "" if plain else "takeProfit" if one.kind == TAKE_PROFIT else "stopLoss",
        **_half("tp", "takeProfit", profit),
        **_half("sl", "stopLoss", loss),
        "triggerBy": "" if plain is None else _WATCH_WORDS[plain.watch],
        "triggerPrice": "" if plain is None else number(plain.trigger_px),
        "triggerOrderType": "" if plain is None else ("market" if new.type == MARKET else "limit"),
        "triggerOrderPrice": "" if plain is None else number(new.px),
        "createdTime": str(one.created_ms),
        "updatedTime": str(one.updated_ms),
    }


def _half(short: str, name: str, one: Conditional | None) -> Json:
    if one is None:
        return {f"{short}TriggerBy": "", name: "", f"{short}OrderType": "market", f"{short}LimitPrice": ""}
    return {
        f"{short}TriggerBy": _WATCH_WORDS[one.watch],
        name: number(one.trigger_px),
        f"{short}OrderType": "market" if one.new.type == MARKET else "limit",
        f"{short}LimitPrice": number(one.new.px),
    }


def _views(call: Call, *, open_only: bool) -> list[Json]:
    """List strategy orders, newest first; of a pair one row, under the older id."""
    wanted, symbol = text_of(call.params, "type"), text_of(call.params, "symbol").upper() or None
    rows = []
    for market in markets_of(call):
        found = {one.conditional_id: one for one in trading.plans(call, market, symbol, open_only=open_only)}
        for one in found.values():
            sibling = next((found[key] for key in one.siblings if key in found), None)
            if wanted not in ("", one.tag or "tpsl") or (
                sibling is not None and sibling.conditional_id < one.conditional_id
            ):
                continue
            rows.append(plan_view(one, sibling))
    return rows


def _unfilled(call: Call) -> bytes:
    return orjson.dumps(_views(call, open_only=True))


def _history(call: Call) -> bytes:
    rows, cursor = _views(call, open_only=False), text_of(call.params, "cursor")
    ids = [row["orderId"] for row in rows]
    start = ids.index(cursor) + 1 if cursor in ids else 0
    cut = rows[start : start + limit_of(call.params, 100, 100)]
    return orjson.dumps({"list": cut, "cursor": cut[-1]["orderId"] if cut else None})


ROUTES: Routes = {
    ("POST", TRADE_PATH + "place-strategy-order"): private(_place, UNIFIED_WRITE),
    ("POST", TRADE_PATH + "modify-strategy-order"): private(_modify, UNIFIED_WRITE),
    ("POST", TRADE_PATH + "cancel-strategy-order"): private(_cancel, UNIFIED_WRITE),
    ("GET", TRADE_PATH + "unfilled-strategy-orders"): private(_unfilled, UNIFIED_READ, 20),
    ("GET", TRADE_PATH + "history-strategy-orders"): private(_history, UNIFIED_READ, 20),
    ("GET", TRADE_PATH + "strategy-sub-orders"): private(_placed, UNIFIED_READ, 20),
}
