"""Changing conditional orders, and the take-profit and stop-loss attached to an open order.

Source: v5 documentation, "Amend Order".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copydesk.venues.lab.conditional import STOP, TAKE_PROFIT, Conditional, NewConditional
from copydesk.venues.lab.dialects.bybit import errors
from copydesk.venues.lab.dialects.bybit.attached import FULL, check_sides, mode_of, one_of, shown
from copydesk.venues.lab.dialects.bybit.params import decimal_of, text_of
from copydesk.venues.lab.dialects.bybit.tags import tag_of
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.model import BUY, LIMIT, MARKET, PERP, SELL, Attached, NewOrder, Order, Reject

_LEGS = (("tp", "takeProfit", TAKE_PROFIT), ("sl", "stopLoss", STOP))


def amend_conditional(exchange: Exchange, one: Conditional, params: Mapping[str, Any], now_ms: int) -> None:
    """Change trigger price, price or quantity of an open conditional order."""
    engine = exchange.engine(one.market)
    trigger_px = decimal_of(params, "triggerPrice")
    if trigger_px is not None and trigger_px % engine.instruments[one.symbol].px_tick:
        raise errors.bad_params("triggerPrice invalid")
    outcome = engine.amend_conditional(
        one.account,
        one.symbol,
        one.conditional_id,
        trigger_px=trigger_px or None,
        px=decimal_of(params, "price"),
        qty=decimal_of(params, "qty"),
        now_ms=now_ms,
    )
    if outcome.reject is Reject.WOULD_TRIGGER and one.market == PERP:
        last_px = engine.books[one.symbol].last_px
        raise errors.wrong_direction(one.rises, trigger_px or one.trigger_px, last_px, "LastPrice")
    if outcome.reject is not None:
        raise errors.rejected(one.market, outcome.reject)
    exchange.publish(outcome.events, now_ms)


def amend_attached(exchange: Exchange, order: Order, params: Mapping[str, Any], now_ms: int) -> bool:
    """Change, add or ("0") take away what closes the order's position; tell whether anything was asked for."""
    asked = [leg for leg in _LEGS if text_of(params, leg[1])]
    if not asked:
        return False
    if order.cum_qty:
        raise errors.ApiError(110059, "Not allowed to modify the TP/SL of a partially filled open order")
    legs = {kind: one_of(params, short, long) for short, long, kind in asked}
    assert order.px is not None, "only limit orders rest"
    check_sides(order.side == BUY, legs.get(TAKE_PROFIT), legs.get(STOP), order.px)
    mode = tag_of(order.tag).tpsl_mode or (mode_of(params) if order.market == PERP else "")
    if mode != FULL:
        _replace(exchange, order, legs, now_ms)
    _note(order, params, legs, mode)
    return True


def _replace(exchange: Exchange, order: Order, legs: Mapping[str, Attached | None], now_ms: int) -> None:
    """Put other legs in the place of those that wait with the order."""
    engine = exchange.engine(order.market)
    attached = {
        one.kind: one
        for one in engine.conditionals(order.account, order.symbol)
        if one.parent_order_id == order.order_id
    }
    for kind, leg in legs.items():
        if kind in attached:
            outcome = engine.cancel_conditional(
                order.account, order.symbol, attached.pop(kind).conditional_id, now_ms=now_ms
            )
            exchange.publish(outcome.events, now_ms)
        if leg is not None:
            _attach(exchange, order, kind, leg, tuple(one.conditional_id for one in attached.values()), now_ms)


def _attach(exchange: Exchange, order: Order, kind: str, leg: Attached, siblings: tuple[int, ...], now_ms: int) -> None:
    side = SELL if order.side == BUY else BUY
    closing = NewOrder(
        order.account,
        "",
        order.symbol,
        side,
        MARKET if leg.px is None else LIMIT,
        order.qty,
        px=leg.px,
        market=order.market,
        position_side=order.position_side,
        reduce_only=order.market == PERP,
    )
    rises = (kind == TAKE_PROFIT) == (order.side == BUY)
    asked = NewConditional(
        closing,
        kind,
        leg.trigger_px,
        leg.watch,
        rises,
        parent_order_id=order.order_id,
        siblings=siblings,
        tag=order.tag,
    )
    outcome = exchange.engine(order.market).place_conditional(asked, now_ms)
    if outcome.reject is not None:
        raise errors.rejected(order.market, outcome.reject)
    exchange.publish(outcome.events, now_ms)


def _note(order: Order, params: Mapping[str, Any], legs: Mapping[str, Attached | None], mode: str) -> None:
    """Let the order show its new take-profit and stop-loss."""
    tag = shown(tag_of(order.tag)._replace(tpsl_mode=mode), params, legs.get(TAKE_PROFIT), legs.get(STOP))
    if TAKE_PROFIT in legs and legs[TAKE_PROFIT] is None:
        tag = tag._replace(take_profit="", tp_by="", tp_limit="")
    if STOP in legs and legs[STOP] is None:
        tag = tag._replace(stop_loss="", sl_by="", sl_limit="")
    order.tag = tag.pack()
