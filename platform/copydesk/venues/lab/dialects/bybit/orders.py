"""Bybit trading endpoints for single orders: create, amend, cancel and cancel all.

The answer only acknowledges: what became of the order, the streams and the queries tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson

from copydesk.venues.lab.conditional import NewConditional
from copydesk.venues.lab.dialects.bybit import errors
from copydesk.venues.lab.dialects.bybit.amending import amend_attached, amend_conditional
from copydesk.venues.lab.dialects.bybit.attached import BY
from copydesk.venues.lab.dialects.bybit.entry import read_order
from copydesk.venues.lab.dialects.bybit.ids import link_number, link_text, order_id_number, order_id_text
from copydesk.venues.lab.dialects.bybit.limits import trading
from copydesk.venues.lab.dialects.bybit.params import Call, decimal_of, market_of, text_of
from copydesk.venues.lab.dialects.bybit.routes import ORDERS, Route, Routes, instrument_of
from copydesk.venues.lab.dialects.bybit.views import stop_type_of
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.model import PERP, SPOT, NewOrder, Order, Reject

ACTIVE_MAX = 500
CONDITIONALS_MAX = {SPOT: 30, PERP: 10}


class Named:
    """Which order a request means: by `orderId`, else by `orderLinkId`."""

    __slots__ = ("link", "number", "text")

    def __init__(self, market: str, params: Mapping[str, Any]) -> None:
        self.text, self.link = text_of(params, "orderId"), text_of(params, "orderLinkId")
        if not self.text and not self.link:
            raise errors.request_error("orderId or orderLinkId is required")
        self.number = order_id_number(market, self.text) if self.text else link_number(market, self.link)

    def id_or_none(self) -> tuple[int | None, str | None]:
        """Return how an engine finds it; an id that is none of ours finds nothing."""
        if self.number is not None:
            return self.number, None
        return (-1, None) if self.text else (None, self.link)


def place(exchange: Exchange, account: str, market: str, params: Mapping[str, Any], now_ms: int) -> tuple[str, str]:
    """Place one order or conditional order; return its `orderId` and `orderLinkId`."""
    asked = read_order(exchange, account, market, params)
    if isinstance(asked, NewConditional):
        return _place_conditional(exchange, asked, now_ms)
    refuse_taken_name(exchange, asked)
    result = exchange.submit(asked, now_ms)
    if result.reject is not None:
        raise refused(exchange, asked, result.reject)
    assert result.order is not None, "a result without refusal has an order"
    order_id = result.order.order_id
    return order_id_text(market, order_id), link_text(market, order_id, asked.client_order_id)


def refuse_taken_name(exchange: Exchange, new: NewOrder) -> None:
    """Refuse an `orderLinkId` that was used before, and an order beyond the allowed number of open ones."""
    engine = exchange.engine(new.market)
    if new.client_order_id and (
        engine.order(new.account, new.symbol, None, new.client_order_id) is not None
        or engine.conditional(new.account, new.symbol, None, new.client_order_id) is not None
    ):
        raise errors.duplicate_link(new.market)
    registry = engine.registries.get(new.account)
    if registry is None or len(registry.open) < ACTIVE_MAX:
        return
    if new.market == SPOT:
        raise errors.ApiError(170810, "Cannot exceed maximum of 500 conditional, TP/SL and active orders.")
    if len(engine.open_orders(new.account, new.symbol)) >= ACTIVE_MAX:
        raise errors.ApiError(110020, "Not allowed to have more than 500 active orders.")


def refused(exchange: Exchange, new: NewOrder, reject: Reject) -> errors.ApiError:
    """Put an engine's "no" to a new order into the exchange's words."""
    engine = exchange.engine(new.market)
    instrument = engine.instruments[new.symbol]
    if reject is Reject.REDUCE_ONLY:
        held = exchange.perp.position(new.account, new.symbol, new.position_side).qty
        if held:
            return errors.ApiError(110017, "reduce-only order has same side with current position")
    return errors.order_rejected(reject, new, instrument, engine.books[new.symbol].last_px)


def _place_conditional(exchange: Exchange, asked: NewConditional, now_ms: int) -> tuple[str, str]:
    new = asked.new
    refuse_taken_name(exchange, new)
    engine = exchange.engine(new.market)
    if len(engine.conditionals(new.account, new.symbol)) >= CONDITIONALS_MAX[new.market]:
        raise errors.rejected(new.market, Reject.TOO_MANY_CONDITIONALS)
    outcome = engine.place_conditional(asked, now_ms)
    if outcome.reject is Reject.WOULD_TRIGGER and new.market == PERP:
        raise _would_trigger(exchange, asked)
    if outcome.reject is not None:
        raise refused(exchange, new, outcome.reject)
    exchange.publish(outcome.events, now_ms)
    assert outcome.conditional is not None, "a result without refusal has a conditional order"
    number = outcome.conditional.conditional_id
    return order_id_text(new.market, number), link_text(new.market, number, new.client_order_id)


def _would_trigger(exchange: Exchange, asked: NewConditional) -> errors.ApiError:
    assert asked.trigger_px is not None, "only trailing stops have no trigger price"
    px = exchange.perp.watched_px(asked.new.symbol, asked.watch)
    return errors.wrong_direction(asked.rises is True, asked.trigger_px, px, BY[asked.watch])


def _create(exchange: Exchange, call: Call) -> bytes:
    market = market_of(call.params)
    order_id, link = place(exchange, call.account, market, call.params, call.now_ms)
    return created(order_id, link)


def created(order_id: str, link: str) -> bytes:
    """Acknowledge a new order."""
    return b'{"orderId":"%b","orderLinkId":"%b"}' % (order_id.encode(), link.encode())


def cancel(exchange: Exchange, account: str, market: str, params: Mapping[str, Any], now_ms: int) -> tuple[str, str]:
    """Cancel one open order or conditional order; on spot, `orderFilter` says which kind is meant."""
    named = Named(market, params)
    engine = exchange.engine(market)
    symbol = text_of(params, "symbol")
    if symbol not in engine.instruments:
        raise errors.bad_symbol(market)
    wanted = text_of(params, "orderFilter") or ("Order" if market == SPOT else "")
    number, link = named.id_or_none()
    if wanted in ("", "Order"):
        result = engine.cancel(account, symbol, number, link, now_ms=now_ms)
        if result.reject is None:
            assert result.order is not None
            exchange.publish(result.events, now_ms)
            return _names(market, result.order)
    if wanted != "Order":
        outcome = engine.cancel_conditional(account, symbol, number, link, now_ms=now_ms)
        if outcome.reject is None:
            assert outcome.conditional is not None
            exchange.publish(outcome.events, now_ms)
            one = outcome.conditional
            return order_id_text(market, one.conditional_id), link_text(market, one.conditional_id, one.client_id)
    raise errors.no_such_order(market)


def _names(market: str, order: Order) -> tuple[str, str]:
    return order_id_text(market, order.order_id), link_text(market, order.order_id, order.client_order_id)


def _cancel(exchange: Exchange, call: Call) -> bytes:
    market = market_of(call.params)
    order_id, link = cancel(exchange, call.account, market, call.params, call.now_ms)
    return orjson.dumps({"orderId": order_id, "orderLinkId": link})


def amend(exchange: Exchange, account: str, market: str, params: Mapping[str, Any], now_ms: int) -> tuple[str, str]:
    """Change price or quantity of an open order, or the trigger of a conditional one, or what is attached."""
    named = Named(market, params)
    engine = exchange.engine(market)
    symbol = text_of(params, "symbol")
    if symbol not in engine.instruments:
        raise errors.bad_symbol(market)
    number, link = named.id_or_none()
    order = engine.order(account, symbol, number, link)
    if order is None or not order.is_open:
        one = engine.conditional(account, symbol, number, link)
        if one is None or not one.is_open:
            raise errors.no_such_order(market, "replace")
        amend_conditional(exchange, one, params, now_ms)
        return order_id_text(market, one.conditional_id), link_text(market, one.conditional_id, one.client_id)
    changed = amend_attached(exchange, order, params, now_ms)
    qty, px = decimal_of(params, "qty"), decimal_of(params, "price")
    result = engine.amend(account, symbol, order.order_id, qty=qty, px=px, now_ms=now_ms)
    if result.reject is None:
        exchange.publish(result.events, now_ms)
    elif result.reject is not Reject.NOT_MODIFIED or not changed:
        raise _amend_refusal(exchange, order, result.reject, qty, px)
    return _names(market, order)


def _amend_refusal(
    exchange: Exchange, order: Order, reject: Reject, qty: Decimal | None, px: Decimal | None
) -> errors.ApiError:
    engine = exchange.engine(order.market)
    instrument = engine.instruments[order.symbol]
    if reject is Reject.INVALID_PARAMETERS and qty is not None and qty <= order.cum_qty:
        text = "The modified contract quantity cannot be less than or equal to the filled quantity."
        return errors.ApiError(170313 if order.market == SPOT else 110064, text)
    asked = NewOrder(
        order.account,
        "",
        order.symbol,
        order.side,
        order.type,
        qty or order.qty,
        px=px or order.px,
        market=order.market,
    )
    return errors.order_rejected(reject, asked, instrument, engine.books[order.symbol].last_px)


def _amend(exchange: Exchange, call: Call) -> bytes:
    market = market_of(call.params)
    order_id, link = amend(exchange, call.account, market, call.params, call.now_ms)
    return orjson.dumps({"orderId": order_id, "orderLinkId": link})


def _symbols_meant(exchange: Exchange, call: Call, market: str) -> list[str]:
    """Return the symbols that a `cancel-all` is about: `symbol` before `baseCoin` before `settleCoin`."""
    instruments = exchange.engine(market).instruments
    if call.params.get("symbol"):
        return [instrument_of(exchange, call, market).venue_symbol]
    base, settle = text_of(call.params, "baseCoin"), text_of(call.params, "settleCoin")
    if base:
        return [symbol for symbol, i in instruments.items() if i.base == base]
    if settle and market == PERP:
        return [symbol for symbol, i in instruments.items() if i.settle == settle]
    if market == PERP:
        raise errors.bad_params("symbol, baseCoin or settleCoin is required")
    return list(instruments)


def _cancel_all(exchange: Exchange, call: Call) -> bytes:
    market = market_of(call.params)
    symbols, account, engine = set(_symbols_meant(exchange, call, market)), call.account, exchange.engine(market)
    wanted = text_of(call.params, "orderFilter") or ("Order" if market == SPOT else "")
    gone: list[tuple[str, str]] = []
    if wanted in ("", "Order"):
        for order in engine.open_orders(account):
            if order.symbol in symbols:
                result = engine.cancel(account, order.symbol, order.order_id, now_ms=call.now_ms)
                exchange.publish(result.events, call.now_ms)
                gone.append(_names(market, order))
    if wanted != "Order":
        gone += _cancel_conditionals(exchange, call, market, symbols, wanted)
    listed = [{"orderId": order_id, "orderLinkId": link} for order_id, link in gone]
    return orjson.dumps({"list": listed, "success": "1"})


def _cancel_conditionals(
    exchange: Exchange, call: Call, market: str, symbols: set[str], wanted: str
) -> list[tuple[str, str]]:
    engine, gone = exchange.engine(market), []
    only = text_of(call.params, "stopOrderType") if market == PERP else {"StopOrder": "Stop"}.get(wanted, wanted)
    for one in engine.conditionals(call.account):
        if one.symbol not in symbols or (only and stop_type_of(one) != only):
            continue
        outcome = engine.cancel_conditional(call.account, one.symbol, one.conditional_id, now_ms=call.now_ms)
        if outcome.reject is None:
            exchange.publish(outcome.events, call.now_ms)
            gone.append(
                (order_id_text(market, one.conditional_id), link_text(market, one.conditional_id, one.client_id))
            )
    return gone


ROUTES: Routes = {
    ("POST", "/v5/order/create"): Route(_create, needs=ORDERS, quota=trading(10, 20)),
    ("POST", "/v5/order/amend"): Route(_amend, needs=ORDERS, quota=trading(10, 10)),
    ("POST", "/v5/order/cancel"): Route(_cancel, needs=ORDERS, quota=trading(10, 20)),
    ("POST", "/v5/order/cancel-all"): Route(_cancel_all, needs=ORDERS, quota=trading(10, 20)),
}
