"""Binance USDⓈ-M conditional orders: `/fapi/v1/algoOrder` and its lists.

Source: developers.binance.com, USDⓈ-M futures, "New Algo Order", "Cancel Algo Order", "Query Algo Order". That the
order which a trigger places carries the algo order's client id is from memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

import orjson

from copydesk.venues.lab.conditional import STOP, TAKE_PROFIT, TRAILING, Conditional, NewConditional
from copydesk.venues.lab.dialects.binance.errors import ApiError, missing, no_such_order, not_required, unknown_order
from copydesk.venues.lab.dialects.binance.orders import refuse_too_many
from copydesk.venues.lab.dialects.binance.params import Call, integer_of, limit_of, required
from copydesk.venues.lab.dialects.binance.routes import Routes, route
from copydesk.venues.lab.dialects.binance.um import errors
from copydesk.venues.lab.dialects.binance.um.algo_shapes import ALGO_TYPE, PROTECTED, query_view, view
from copydesk.venues.lab.dialects.binance.um.formats import FORMATS
from copydesk.venues.lab.dialects.binance.um.orders import ORDER_ROUTE, within
from copydesk.venues.lab.dialects.binance.um.shapes import ORIGINAL
from copydesk.venues.lab.dialects.binance.um.terms import (
    CONDITIONAL_TYPES,
    GTX,
    client_id_of,
    good_till_of,
    instrument_of,
    needed_number,
    number_of,
    position_side_of,
    px_of,
    qty_of,
    side_of,
    tif_of,
    truth_of,
)
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.keys import PERP, READ
from copydesk.venues.lab.model import BUY, GTC, GTD, LAST, LIMIT, LIMIT_MAKER, MARK, MARKET, NewOrder, Order

_WATCHES = {"CONTRACT_PRICE": LAST, "MARK_PRICE": MARK}
_LIMITS = frozenset({"STOP", "TAKE_PROFIT"})
_PROFITS = frozenset({"TAKE_PROFIT", "TAKE_PROFIT_MARKET"})
_TRAILING = "TRAILING_STOP_MARKET"
_CLOSERS = frozenset({"STOP_MARKET", "TAKE_PROFIT_MARKET"})
CALLBACK_RATE_MIN, CALLBACK_RATE_MAX = Decimal("0.1"), Decimal(10)


class Trigger(NamedTuple):
    """When a conditional fires."""

    kind: str
    px: Decimal | None
    callback_ratio: Decimal | None = None
    activation_px: Decimal | None = None


def _type_of(params: Mapping[str, str]) -> str:
    kind = required(params, "type")
    if kind in CONDITIONAL_TYPES:
        return kind
    if kind in ("LIMIT", "MARKET"):
        raise ApiError(-4120, "Order type not supported for this endpoint. Please use the Order API endpoints instead.")
    raise ApiError(-1116, "Invalid orderType.")


def _new_order(exchange: Exchange, call: Call, kind: str, client_id: str) -> NewOrder:
    """Read what is placed when it fires."""
    params = call.params
    symbol = instrument_of(exchange, params).venue_symbol
    form, side, position_side = FORMATS[symbol], side_of(params), position_side_of(params)
    reduce_only, closes = truth_of(params, "reduceOnly"), bool(truth_of(params, "closePosition"))
    if reduce_only is not None and position_side != "net":
        raise not_required("reduceonly")
    if closes:
        _refuse_beside_closing(params, kind)
    tif = tif_of(params) if "timeInForce" in params else GTC
    px, placed = None, MARKET
    if kind in _LIMITS:
        px, placed = px_of(params, "price", form), LIMIT_MAKER if tif == GTX else LIMIT
    elif "price" in params:
        raise not_required("price")
    return NewOrder(
        call.account,
        client_id,
        symbol,
        side,
        placed,
        None if closes else qty_of(params, form),
        px=px,
        tif=GTC if tif == GTX or placed == MARKET else tif,
        market="perp",
        position_side=position_side,
        reduce_only=bool(reduce_only),
        expire_ms=good_till_of(params, call.now_ms) if tif == GTD else None,
        close_position=closes,
        tag=ORIGINAL + kind,
    )


def _refuse_beside_closing(params: Mapping[str, str], kind: str) -> None:
    if kind not in _CLOSERS:
        raise ApiError(-4136, f"Target strategy invalid for orderType {kind},closePosition true.")
    if number_of(params, "quantity"):
        raise ApiError(-4137, "Quantity must be zero with closePosition equals true.")
    if "reduceOnly" in params:
        raise not_required("reduceonly")


def _trigger(exchange: Exchange, call: Call, kind: str, new: NewOrder) -> Trigger:
    params, form = call.params, FORMATS[new.symbol]
    if kind != _TRAILING:
        return Trigger(TAKE_PROFIT if kind in _PROFITS else STOP, px_of(params, "triggerPrice", form))
    rate = needed_number(params, "callbackRate", 2)
    if not CALLBACK_RATE_MIN <= rate <= CALLBACK_RATE_MAX:
        raise ApiError(-1130, "Data sent for parameter 'callbackRate' is not valid.")
    name = "activatePrice" if "activatePrice" in params else "activationPrice"
    activation = px_of(params, name, form) if name in params else None
    last = exchange.perp.ticker(new.symbol).last_px
    if activation is not None and (activation > last if new.side == BUY else activation < last):
        raise ApiError(-2021, "Order would immediately trigger.")
    return Trigger(TRAILING, None, rate / 100, activation)


def _read(exchange: Exchange, call: Call) -> NewConditional:
    params = call.params
    if required(params, "algoType") != ALGO_TYPE:
        raise ApiError(-1130, "Data sent for parameter 'algoType' is not valid.")
    client_id = client_id_of(params, "clientAlgoId") or ""
    kind = _type_of(params)
    new = _new_order(exchange, call, kind, client_id)
    trigger = _trigger(exchange, call, kind, new)
    watch = _WATCHES.get(params.get("workingType", "CONTRACT_PRICE"))
    if watch is None:
        raise ApiError(-4031, f"Invalid parameter working type: {params['workingType']}")
    protected = PROTECTED if truth_of(params, "priceProtect") else ""
    return NewConditional(
        new,
        trigger.kind,
        trigger.px,
        watch,
        (new.side == BUY) != (trigger.kind == TAKE_PROFIT),
        client_id,
        trigger.callback_ratio,
        activation_px=trigger.activation_px,
        tag=kind + protected,
    )


def _place(exchange: Exchange, call: Call) -> bytes:
    asked = _read(exchange, call)
    refuse_too_many(call)
    if not asked.client_id:
        name = f"lab-algo-{exchange.perp.order_id + 1}"
        asked = asked._replace(client_id=name, new=asked.new._replace(client_order_id=name))
    outcome = exchange.perp.place_conditional(asked, call.now_ms)
    if outcome.conditional is None:
        assert outcome.reject is not None
        raise errors.rejected(outcome.reject)
    exchange.publish(outcome.events, call.now_ms)
    return orjson.dumps(view(outcome.conditional, None))


def order_of(exchange: Exchange, one: Conditional) -> Order | None:
    """Return the order that a conditional has placed."""
    if one.order_id is None:
        return None
    return exchange.perp.order(one.account, one.symbol, one.order_id)


def _found(exchange: Exchange, call: Call) -> Conditional | None:
    """Find the conditional that is meant; a client id is looked for on all contracts."""
    algo_id, client_id = integer_of(call.params, "algoId"), client_id_of(call.params, "clientAlgoId")
    if algo_id is not None:
        return exchange.perp.conditional(call.account, None, algo_id)
    if client_id is None:
        raise ApiError(-1102, "Param 'clientAlgoId' or 'algoId' must be sent, but both were empty/null!")
    every = exchange.perp.conditionals(call.account, open_only=False)
    return next((one for one in reversed(every) if one.client_id == client_id), None)


def _query(exchange: Exchange, call: Call) -> bytes:
    one = _found(exchange, call)
    if one is None:
        raise no_such_order()
    return orjson.dumps(query_view(one, order_of(exchange, one)))


def _cancel(exchange: Exchange, call: Call) -> bytes:
    one = _found(exchange, call)
    if one is None:
        raise unknown_order()
    outcome = exchange.perp.cancel_conditional(call.account, one.symbol, one.conditional_id, now_ms=call.now_ms)
    if outcome.reject is not None:
        raise unknown_order()
    exchange.publish(outcome.events, call.now_ms)
    told = {"algoId": one.conditional_id, "clientAlgoId": one.client_id, "code": "200", "msg": "success"}
    return orjson.dumps(told)


def _cancel_all(exchange: Exchange, call: Call) -> bytes:
    symbol = instrument_of(exchange, call.params).venue_symbol
    for one in exchange.perp.conditionals(call.account, symbol):
        outcome = exchange.perp.cancel_conditional(call.account, symbol, one.conditional_id, now_ms=call.now_ms)
        exchange.publish(outcome.events, call.now_ms)
    return b'{"code":200,"msg":"The operation of cancel all open order is done."}'


def _open(exchange: Exchange, call: Call) -> bytes:
    symbol = instrument_of(exchange, call.params).venue_symbol if "symbol" in call.params else None
    algo_id = integer_of(call.params, "algoId")
    found = exchange.perp.conditionals(call.account, symbol)
    return orjson.dumps([query_view(one, None) for one in found if algo_id in (None, one.conditional_id)])


def _every(exchange: Exchange, call: Call) -> bytes:
    if "symbol" not in call.params:
        raise missing("symbol")
    symbol, limit = instrument_of(exchange, call.params).venue_symbol, limit_of(call.params, 500, 1000)
    first = integer_of(call.params, "algoId")
    found = [
        one
        for one in exchange.perp.conditionals(call.account, symbol, open_only=False)
        if (first is None or one.conditional_id >= first) and within(call, one.created_ms)
    ]
    cut = found[-limit:] if first is None and "startTime" not in call.params else found[:limit]
    return orjson.dumps([query_view(one, order_of(exchange, one)) for one in cut])


ROUTES: Routes = {
    ("POST", "/fapi/v1/algoOrder"): route(_place, **ORDER_ROUTE),
    ("GET", "/fapi/v1/algoOrder"): route(_query, needs=READ),
    ("DELETE", "/fapi/v1/algoOrder"): route(_cancel, needs=PERP),
    ("DELETE", "/fapi/v1/algoOpenOrders"): route(_cancel_all, needs=PERP),
    ("GET", "/fapi/v1/openAlgoOrders"): route(_open, weight=lambda params: 1 if "symbol" in params else 40, needs=READ),
    ("GET", "/fapi/v1/allAlgoOrders"): route(_every, weight=5, needs=READ),
}
