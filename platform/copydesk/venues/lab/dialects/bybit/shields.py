"""Bybit's `trading-stop`: take-profit, stop-loss and trailing stop of a position.

In Full mode each protects the whole position and exists once; in Partial mode each call adds one of its own size. A
partial one outlives its position here until it triggers and is refused. Source: v5 documentation, "Set Trading Stop".
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any

from copydesk.venues.lab.conditional import STOP, TAKE_PROFIT, TRAILING, Conditional, NewConditional
from copydesk.venues.lab.dialects.bybit import errors
from copydesk.venues.lab.dialects.bybit.attached import BY, FULL, WATCHES, check_sides, mode_of, one_of
from copydesk.venues.lab.dialects.bybit.limits import per_second
from copydesk.venues.lab.dialects.bybit.params import LINEAR, Call, decimal_of, text_of
from copydesk.venues.lab.dialects.bybit.positions import shield_name, side_of
from copydesk.venues.lab.dialects.bybit.routes import Route, Routes, instrument_of
from copydesk.venues.lab.dialects.bybit.tags import Tag, px_places_of, tag_of
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.keys import PERP as PERP_RIGHT
from copydesk.venues.lab.model import (
    BUY,
    LAST,
    LIMIT,
    MARKET,
    PERP,
    SELL,
    Attached,
    NewOrder,
    Order,
    PositionView,
    Reject,
)

_LEGS = (("tp", "takeProfit", TAKE_PROFIT, "TakeProfit"), ("sl", "stopLoss", STOP, "StopLoss"))


def _trading_stop(exchange: Exchange, call: Call) -> bytes:
    if text_of(call.params, "category") != LINEAR:
        raise errors.bad_category()
    symbol = instrument_of(exchange, call, PERP).venue_symbol
    position = exchange.perp.position(call.account, symbol, side_of(exchange, call, symbol))
    if not position.qty:
        raise errors.request_error("can not set tp/sl/ts for zero position")
    mode, params = mode_of(call.params), call.params
    legs = {kind: one_of(params, short, long) for short, long, kind, _ in _LEGS}
    check_sides(position.qty > 0, legs[TAKE_PROFIT], legs[STOP], exchange.perp.books[symbol].last_px)
    changed = [
        _set_leg(exchange, position, kind, legs[kind], (mode, name, text_of(params, f"{short}Size")), call.now_ms)
        for short, long, kind, name in _LEGS
        if text_of(params, long)
    ]
    if text_of(params, "trailingStop"):
        changed.append(_set_trailing(exchange, call, position))
    if not any(changed):
        raise errors.not_modified()
    return b"{}"


def _standing(exchange: Exchange, position: PositionView, kind: str) -> Conditional | None:
    """Return what stands for the whole position, if there is one of this kind."""
    for one in exchange.perp.conditionals(position.account, position.symbol):
        if one.kind == kind and one.new.position_side == position.position_side and shield_name(one):
            return one
    return None


def protect(exchange: Exchange, order: Order, now_ms: int) -> None:
    """Give a position the take-profit and stop-loss of a Full-mode order that has just opened or grown it.

    A level that the price has run past meanwhile is left out; production closes at once there.
    """
    tag = tag_of(order.tag)
    if tag.tpsl_mode != FULL or order.reduce_only:
        return
    position = exchange.perp.position(order.account, order.symbol, order.position_side)
    if not position.qty or (position.qty > 0) != (order.side == BUY):
        return
    asked = ((TAKE_PROFIT, "TakeProfit", tag.take_profit, tag.tp_by), (STOP, "StopLoss", tag.stop_loss, tag.sl_by))
    for kind, name, px, by in asked:
        if px:
            with suppress(errors.ApiError):
                leg = Attached(Decimal(px), None, WATCHES[by])
                _set_leg(exchange, position, kind, leg, (FULL, name, ""), now_ms)


def _set_leg(
    exchange: Exchange,
    position: PositionView,
    kind: str,
    leg: Attached | None,
    terms: tuple[str, str, str],
    now_ms: int,
) -> bool:
    """Place, replace or ("0") take away one; tell whether that changed anything."""
    mode, name, size = terms
    standing = _standing(exchange, position, kind) if mode == FULL else None
    if leg is None:
        return _cancel(exchange, standing, now_ms)
    if standing is not None and (standing.trigger_px, standing.watch) == (leg.trigger_px, leg.watch):
        return False
    qty = None if mode == FULL else _size_of(exchange, position, size)
    closing = _closing(position, qty, leg.px)
    tag = Tag(
        stop_type=name if mode == FULL else f"Partial{name}", tpsl_mode=mode, base_px=_last_px(exchange, position)
    )
    rises = (kind == TAKE_PROFIT) == (position.qty > 0)
    packed = tag.pack()
    asked = NewConditional(closing._replace(tag=packed), kind, leg.trigger_px, leg.watch, rises, tag=packed)
    _place(exchange, asked, now_ms)
    _cancel(exchange, standing, now_ms)
    return True


def _set_trailing(exchange: Exchange, call: Call, position: PositionView) -> bool:
    now_ms = call.now_ms
    distance, active_px = decimal_of(call.params, "trailingStop"), decimal_of(call.params, "activePrice")
    standing = _standing(exchange, position, TRAILING)
    if not distance:
        return _cancel(exchange, standing, now_ms)
    if distance < 0:
        raise errors.bad_params("trailingStop invalid")
    if standing is not None and (standing.callback_px, standing.activation_px) == (distance, active_px):
        return False
    tag = Tag(stop_type="TrailingStop", tpsl_mode=FULL, base_px=_last_px(exchange, position)).pack()
    asked = NewConditional(
        _closing(position, None, None)._replace(tag=tag),
        TRAILING,
        watch=LAST,
        rises=position.qty < 0,
        callback_px=distance,
        activation_px=active_px or None,
        tag=tag,
    )
    _place(exchange, asked, now_ms)
    _cancel(exchange, standing, now_ms)
    return True


def _closing(position: PositionView, qty: Decimal | None, px: Decimal | None) -> NewOrder:
    """Return the order that closes the position, wholly without a quantity."""
    return NewOrder(
        position.account,
        "",
        position.symbol,
        SELL if position.qty > 0 else BUY,
        MARKET if px is None else LIMIT,
        qty,
        px=px,
        market=PERP,
        position_side=position.position_side,
        reduce_only=True,
        close_position=qty is None,
    )


def _size_of(exchange: Exchange, position: PositionView, size: str) -> Decimal:
    params: Mapping[str, Any] = {"size": size}
    qty, step = decimal_of(params, "size"), exchange.perp.instruments[position.symbol].qty_step
    if not qty or qty < 0 or qty % step:
        raise errors.request_error("Qty invalid")
    if qty > abs(position.qty):
        raise errors.ApiError(
            110058, "You can't set take profit and stop loss due to insufficient size of remaining position size."
        )
    return qty


def _last_px(exchange: Exchange, position: PositionView) -> str:
    tick = exchange.perp.instruments[position.symbol].px_tick
    return f"{exchange.perp.books[position.symbol].last_px:.{px_places_of(tick)}f}"


def _place(exchange: Exchange, asked: NewConditional, now_ms: int) -> None:
    outcome = exchange.perp.place_conditional(asked, now_ms)
    if outcome.reject is Reject.WOULD_TRIGGER:
        assert asked.trigger_px is not None
        px = exchange.perp.watched_px(asked.new.symbol, asked.watch)
        raise errors.wrong_direction(asked.rises is True, asked.trigger_px, px, BY[asked.watch])
    if outcome.reject is not None:
        raise errors.rejected(PERP, outcome.reject)
    exchange.publish(outcome.events, now_ms)


def _cancel(exchange: Exchange, one: Conditional | None, now_ms: int) -> bool:
    if one is None:
        return False
    outcome = exchange.perp.cancel_conditional(one.account, one.symbol, one.conditional_id, now_ms=now_ms)
    exchange.publish(outcome.events, now_ms)
    return True


ROUTES: Routes = {("POST", "/v5/position/trading-stop"): Route(_trading_stop, PERP_RIGHT, per_second(10))}
