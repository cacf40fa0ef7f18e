"""Placing, finding, canceling and changing orders for all of Bitget's order endpoints; the words stay with them.

A client order id must be unique among the account's open orders of a market. Who sends none gets one of nineteen
digits back, as on the exchange.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple
from zlib import crc32

from copydesk.kernel import ZERO
from copydesk.venues.lab.conditional import Conditional, NewConditional
from copydesk.venues.lab.dialects.bitget import errors
from copydesk.venues.lab.dialects.bitget.errors import Texts
from copydesk.venues.lab.dialects.bitget.figures import instruments
from copydesk.venues.lab.dialects.bitget.params import Call, client_id_of, integer_of, text_of, within
from copydesk.venues.lab.dialects.bitget.words import ORDER_BASE, PLAN_BASE, id_of, order_id_text, plan_id_text
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.model import BUY, PERP, SHORT, SPOT, Execution, NewOrder, Order, PositionView, Reject

OWN_ORDER_BASE = {SPOT: 1_800_000_000_000_000_000, PERP: 1_900_000_000_000_000_000}
OWN_PLAN_BASE = {SPOT: 2_000_000_000_000_000_000, PERP: 2_100_000_000_000_000_000}


def user_id(account: str) -> str:
    """Make up the number by which Bitget calls an account."""
    return str(7_000_000_000 + crc32(account.encode()))


def place(call: Call, new: NewOrder, texts: Texts) -> Order:
    """Place an order, or raise the exchange's refusal."""
    call.client_order_id = new.client_order_id
    result = call.exchange.submit(new, call.now_ms)
    if result.reject is not None:
        raise errors.rejected(texts, result.reject, new, instruments(call.exchange, new.market)[new.symbol])
    assert result.order is not None, "a result without refusal has an order"
    return result.order


def client_oid(order: Order) -> str:
    """Return the client's name of an order, or the number that stands for it when the client sent none."""
    named = order.client_order_id
    return str(OWN_ORDER_BASE[order.market] + order.order_id) if named == f"lab-{order.order_id}" else named


def plan_client_id(one: Conditional) -> str:
    """Return the client's name of a conditional order, or the number that stands for it."""
    return one.client_id or str(OWN_PLAN_BASE[one.market] + one.conditional_id)


class Named(NamedTuple):
    """Which order is meant: the engine's id, the client's, or both."""

    order_id: int | None
    client_id: str | None


def named(params: dict[str, Any], base: int, texts: Texts, unknown: str = Reject.UNKNOWN_ORDER) -> Named:
    """Read `orderId` and `clientOid`; at least one must be there, and an id of another kind is unknown."""
    text, client_id = text_of(params, "orderId"), client_id_of(params)
    if not text and not client_id:
        raise errors.one_of("orderId or clientOid")
    order_id = id_of(text, base) if text else None
    if text and order_id is None:
        if not text.isdecimal():
            raise errors.ApiError("40402", "orderId or clientOId format error")
        raise errors.ApiError(*texts[unknown])
    return Named(order_id, client_id or None)


def find(call: Call, market: str, name: Named, symbol: str | None) -> Order | None:
    """Find an order of the account; without a symbol, on any."""
    engine, (order_id, client_id) = call.exchange.engine(market), name
    own_id = id_of(client_id or "", OWN_ORDER_BASE[market])
    if own_id is not None:
        order_id, client_id = own_id, None
    if symbol is not None or order_id is not None:
        return engine.order(call.account, symbol, order_id, client_id)
    found = (engine.order(call.account, one, None, client_id) for one in engine.instruments)
    return next((order for order in found if order is not None), None)


def cancel(call: Call, market: str, symbol: str | None, name: Named, texts: Texts) -> Order:
    """Cancel an open order, or raise the refusal."""
    order = find(call, market, name, symbol)
    if order is None:
        raise errors.refused(texts, Reject.UNKNOWN_ORDER)
    result = call.exchange.engine(market).cancel(call.account, order.symbol, order.order_id, now_ms=call.now_ms)
    if result.reject is not None:
        raise errors.refused(texts, result.reject)
    call.exchange.publish(result.events, call.now_ms)
    call.client_order_id = order.client_order_id
    return order


def cancel_all(call: Call, market: str, symbol: str | None) -> list[Order]:
    """Cancel the open orders of a symbol, or of all."""
    orders = []
    for result in call.exchange.engine(market).cancel_all(call.account, symbol, call.now_ms):
        call.exchange.publish(result.events, call.now_ms)
        if result.order is not None:
            orders.append(result.order)
    return orders


def open_orders(call: Call, market: str, symbol: str | None) -> list[Order]:
    """Return open orders, newest first."""
    return call.exchange.engine(market).open_orders(call.account, symbol)[::-1]


def finished_orders(call: Call, market: str, symbol: str | None) -> list[Order]:
    """Return finished orders within the times asked for, newest first."""
    found = call.exchange.engine(market).orders(call.account, symbol)
    return [order for order in reversed(found) if not order.is_open and within(call.params, order.created_ms)]


def executions(call: Call, market: str, symbol: str | None) -> list[tuple[Execution, Order]]:
    """Return executions with their orders within the times asked for, newest first."""
    of_order = id_of(text_of(call.params, "orderId"), ORDER_BASE[market])
    found = [
        (fill, order)
        for order in call.exchange.engine(market).orders(call.account, symbol, forgotten=True)
        if of_order is None or order.order_id == of_order
        for fill in order.fills
        if within(call.params, fill.at_ms)
    ]
    return sorted(found, key=lambda pair: -pair[0].trade_id)


def page(rows: list[Order], call: Call, base: int, limit: int) -> list[Order]:
    """Cut a list, newest first, to those before `idLessThan` or `cursor`."""
    text = text_of(call.params, "idLessThan") or text_of(call.params, "cursor")
    before = id_of(text, base)
    if text and before is None:
        integer_of({"idLessThan": text}, "idLessThan")
    return [order for order in rows if before is None or order.order_id < before][:limit]


def refuse_late(call: Call, params: dict[str, Any]) -> None:
    """Refuse an order whose own window (`requestTime`, `receiveWindow` in ms) is over."""
    if "requestTime" not in params and "receiveWindow" not in params:
        return
    since, window = integer_of(params, "requestTime"), integer_of(params, "receiveWindow")
    if since is None or window is None:
        return
    if window > 60_000:
        raise errors.ApiError("40079", "receiveWindow timestamp must be less than 60s")
    if call.now_ms > since + window:
        raise errors.ApiError("40078", "Timestamp for this request is outside of the ME receiveWindow.")


def closable(exchange: Exchange, account: str, symbol: str, position_side: str, side: str) -> Decimal:
    """Return how much of a position an order of this side may still close, in base units; 0 without a position."""
    held = exchange.perp.position(account, symbol, position_side).qty
    if not held or (held > ZERO) == (side == BUY):
        return ZERO
    waiting = (
        order.leaves
        for order in exchange.perp.open_orders(account, symbol)
        if order.reduce_only and order.position_side == position_side and order.side == side
    )
    return max(ZERO, abs(held) - sum(waiting, ZERO))


def hold_side(view: PositionView) -> str:
    """Name the direction of a position: in one-way mode its sign tells."""
    if view.position_side != "net":
        return view.position_side
    return SHORT if view.qty < ZERO else "long"


def place_plan(call: Call, new: NewConditional, texts: Texts) -> Conditional:
    """Place a conditional order, or raise the refusal."""
    call.client_order_id = new.client_id
    result = call.exchange.engine(new.new.market).place_conditional(new, call.now_ms)
    if result.reject is not None:
        raise errors.rejected(texts, result.reject, new.new, instruments(call.exchange, new.new.market)[new.new.symbol])
    call.exchange.publish(result.events, call.now_ms)
    assert result.conditional is not None, "a result without refusal has a conditional"
    return result.conditional


def find_plan(call: Call, market: str, name: Named) -> Conditional | None:
    """Find a conditional order of the account on any symbol."""
    engine, (conditional_id, client_id) = call.exchange.engine(market), name
    own_id = id_of(client_id or "", OWN_PLAN_BASE[market])
    if conditional_id is not None or own_id is not None:
        return engine.conditional(call.account, None, own_id if conditional_id is None else conditional_id)
    found = (engine.conditional(call.account, one, None, client_id) for one in engine.instruments)
    return next((one for one in found if one is not None), None)


def open_plan(call: Call, market: str, texts: Texts, params: dict[str, Any] | None = None) -> Conditional:
    """Find the open conditional order that the parameters name, or raise the refusal."""
    name = named(call.params if params is None else params, PLAN_BASE[market], texts, Reject.UNKNOWN_CONDITIONAL)
    one = find_plan(call, market, name)
    if one is None or not one.is_open:
        raise errors.refused(texts, Reject.UNKNOWN_CONDITIONAL)
    return one


def cancel_plan(call: Call, one: Conditional, texts: Texts) -> None:
    """Cancel an open conditional order."""
    engine = call.exchange.engine(one.market)
    result = engine.cancel_conditional(call.account, one.symbol, one.conditional_id, now_ms=call.now_ms)
    if result.reject is not None:
        raise errors.refused(texts, result.reject)
    call.exchange.publish(result.events, call.now_ms)


def amend_plan(
    call: Call,
    one: Conditional,
    texts: Texts,
    *,
    trigger_px: Decimal | None,
    px: Decimal | None,
    qty: Decimal | None,
) -> None:
    """Change an open conditional order; None leaves a term as it is."""
    engine = call.exchange.engine(one.market)
    result = engine.amend_conditional(
        call.account, one.symbol, one.conditional_id, trigger_px=trigger_px, px=px, qty=qty, now_ms=call.now_ms
    )
    if result.reject is not None:
        raise errors.rejected(texts, result.reject, one.new, instruments(call.exchange, one.market)[one.symbol])
    call.exchange.publish(result.events, call.now_ms)


def plans(call: Call, market: str, symbol: str | None, *, open_only: bool) -> list[Conditional]:
    """Return open or finished conditional orders, newest first; presets are none before their order has traded."""
    found = call.exchange.engine(market).conditionals(call.account, symbol, open_only=open_only)
    chosen = [one for one in found if one.active and one.is_open == open_only and within(call.params, one.created_ms)]
    return sorted(chosen, key=lambda one: -one.conditional_id)


def fee_until(order: Order, cum_qty: Decimal) -> Decimal:
    """Return what an order had paid when it was filled this far."""
    paid = filled = ZERO
    for fill in order.fills:
        if filled >= cum_qty:
            break
        filled += fill.qty
        paid += fill.fee
    return paid


def ack(order: Order) -> dict[str, Any]:
    return {"orderId": order_id_text(order.market, order.order_id), "clientOid": client_oid(order)}


def plan_ack(one: Conditional) -> dict[str, Any]:
    return {"orderId": plan_id_text(one.market, one.conditional_id), "clientOid": plan_client_id(one)}


def each(rows: list[dict[str, Any]], act: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """Act on each row of a classic batch; answer what succeeded and what did not."""
    done, failed = [], []
    for row in rows:
        try:
            done.append(act(row))
        except errors.ApiError as error:
            failed.append(
                {
                    "orderId": text_of(row, "orderId"),
                    "clientOid": text_of(row, "clientOid"),
                    "errorMsg": error.msg,
                    "errorCode": error.code,
                }
            )
    return {"successList": done, "failureList": failed}
