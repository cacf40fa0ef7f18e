"""Classic spot plan orders: trigger orders that place a market or limit order once the last price comes to them.

Source: the reference's "Spot / Trigger". Spot has no mark price, so its plans watch the last price whatever they
name. A market buy counts its size in quote currency unless its plan type is `amount`.
"""

from __future__ import annotations

from typing import Any

import orjson

from copydesk.venues.lab.conditional import PLAN, Conditional, NewConditional
from copydesk.venues.lab.dialects.bitget import errors, trading
from copydesk.venues.lab.dialects.bitget.classic_market import pair_of
from copydesk.venues.lab.dialects.bitget.classic_mix import WATCHES
from copydesk.venues.lab.dialects.bitget.classic_spot import SIDES, TRADE_PATH, TYPES
from copydesk.venues.lab.dialects.bitget.errors import SPOT_TEXTS
from copydesk.venues.lab.dialects.bitget.figures import Json
from copydesk.venues.lab.dialects.bitget.params import (
    Call,
    amount_of,
    client_id_of,
    decimal_of,
    limit_of,
    listed,
    text_of,
    word_of,
)
from copydesk.venues.lab.dialects.bitget.routes import SPOT_READ, SPOT_WRITE, Routes, private
from copydesk.venues.lab.dialects.bitget.words import PLAN_BASE, id_of, number, order_id_text, plan_id_text
from copydesk.venues.lab.model import (
    BUY,
    CANCELED,
    EXPIRED,
    LAST,
    LIMIT,
    MARK,
    MARKET,
    NEW,
    REJECTED,
    SPOT,
    TRIGGERED,
    NewOrder,
    Reject,
)

TRIGGER_WORDS = {LAST: "fill_price", MARK: "mark_price"}
STATUSES = {
    NEW: "live",
    TRIGGERED: "executed",
    CANCELED: "cancelled",
    EXPIRED: "cancelled",
    REJECTED: "fail_execute",
}


def _spot_order(call: Call, params: dict[str, Any], symbol: str) -> NewOrder:
    side, kind = word_of(params, "side", SIDES), word_of(params, "orderType", TYPES)
    size = amount_of(params, "size")
    if kind == "limit":
        return NewOrder(call.account, "", symbol, side, LIMIT, size, None, amount_of(params, "executePrice"))
    if side == BUY and text_of(params, "planType") != "amount":
        return NewOrder(call.account, "", symbol, side, MARKET, None, size)
    return NewOrder(call.account, "", symbol, side, MARKET, size)


def _place_spot(call: Call) -> bytes:
    params, symbol = call.params, pair_of(call).venue_symbol
    word_of(params, "triggerType", frozenset(WATCHES))
    asked = NewConditional(
        _spot_order(call, params, symbol),
        PLAN,
        amount_of(params, "triggerPrice"),
        LAST,
        client_id=client_id_of(params),
        tag=text_of(params, "planType") or "amount",
    )
    return orjson.dumps(trading.plan_ack(trading.place_plan(call, asked, SPOT_TEXTS)))


def _modify_spot(call: Call) -> bytes:
    one, params = trading.open_plan(call, SPOT, SPOT_TEXTS), call.params
    px, size = decimal_of(params, "executePrice"), decimal_of(params, "size")
    trading.amend_plan(call, one, SPOT_TEXTS, trigger_px=decimal_of(params, "triggerPrice"), px=px, qty=size)
    return orjson.dumps(trading.plan_ack(one))


def _cancel_spot(call: Call) -> bytes:
    trading.cancel_plan(call, trading.open_plan(call, SPOT, SPOT_TEXTS), SPOT_TEXTS)
    return b'{"result":"success"}'


def _cancel_spot_batch(call: Call) -> bytes:
    """Cancel the plans of the symbols listed, or without a list all of them."""
    names = call.params.get("symbolList") or list(call.exchange.spot.instruments)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise errors.invalid("symbolList")
    done = []
    for name in names:
        for one in trading.plans(call, SPOT, listed(call.exchange.spot.instruments, name).venue_symbol, open_only=True):
            trading.cancel_plan(call, one, SPOT_TEXTS)
            done.append(trading.plan_ack(one))
    return orjson.dumps({"successList": done, "failureList": []})


def spot_plan_view(one: Conditional) -> Json:
    """Write a spot plan order."""
    new = one.new
    return {
        "orderId": plan_id_text(SPOT, one.conditional_id),
        "clientOid": trading.plan_client_id(one),
        "symbol": one.symbol,
        "size": number(new.qty if new.quote_qty is None else new.quote_qty),
        "executePrice": number(new.px),
        "triggerPrice": number(one.trigger_px),
        "status": STATUSES[one.status],
        "orderType": "market" if new.type == MARKET else "limit",
        "side": new.side,
        "planType": one.tag,
        "triggerType": TRIGGER_WORDS[one.watch],
        "enterPointSource": "API",
        "uTime": str(one.updated_ms),
        "cTime": str(one.created_ms),
    }


def _list_spot(call: Call, *, open_only: bool) -> bytes:
    text = text_of(call.params, "symbol")
    symbol = listed(call.exchange.spot.instruments, text).venue_symbol if text else None
    limit = limit_of(call.params, 20, 100)
    rows = before(trading.plans(call, SPOT, symbol, open_only=open_only), call, SPOT)
    cut = rows[:limit]
    return orjson.dumps(
        {
            "nextFlag": len(rows) > limit,
            "idLessThan": plan_id_text(SPOT, cut[-1].conditional_id) if cut else "",
            "orderList": [spot_plan_view(one) for one in cut],
        }
    )


def _placed(call: Call) -> bytes:
    """Name the order that a plan has placed."""
    plan_id = id_of(text_of(call.params, "planOrderId"), PLAN_BASE[SPOT])
    one = None if plan_id is None else trading.find_plan(call, SPOT, trading.Named(plan_id, None))
    if one is None:
        raise errors.refused(SPOT_TEXTS, Reject.UNKNOWN_CONDITIONAL)
    if one.order_id is None:
        return b"[]"
    kind = "market" if one.new.type == MARKET else "limit"
    placed = order_id_text(SPOT, one.order_id)
    return orjson.dumps([{"orderId": placed, "price": number(one.new.px), "type": kind, "status": "success"}])


def before(rows: list[Conditional], call: Call, market: str) -> list[Conditional]:
    text = text_of(call.params, "idLessThan")
    if not text:
        return rows
    return [one for one in rows if PLAN_BASE[market] + one.conditional_id < int(text if text.isdecimal() else 0)]


ROUTES: Routes = {
    ("POST", TRADE_PATH + "place-plan-order"): private(_place_spot, SPOT_WRITE, 20),
    ("POST", TRADE_PATH + "modify-plan-order"): private(_modify_spot, SPOT_WRITE, 20),
    ("POST", TRADE_PATH + "cancel-plan-order"): private(_cancel_spot, SPOT_WRITE, 20),
    ("POST", TRADE_PATH + "batch-cancel-plan-order"): private(_cancel_spot_batch, SPOT_WRITE),
    ("GET", TRADE_PATH + "current-plan-order"): private(lambda call: _list_spot(call, open_only=True), SPOT_READ, 20),
    ("GET", TRADE_PATH + "history-plan-order"): private(lambda call: _list_spot(call, open_only=False), SPOT_READ, 20),
    ("GET", TRADE_PATH + "plan-sub-order"): private(_placed, SPOT_READ, 20),
}
