"""Light mode: an order is filled whole at the last price, against the house, with no book, no filters, no margin check.

For measuring clients that send more than a matching engine takes. Money, fees, positions, order records, journal and
streams stay true: spot orders that cannot be paid are refused, orders that only reduce are cut to the position, and
positions are marked, funded and liquidated as always. Limits, post-only, time in force and attached orders do not
count: whatever is asked for trades now.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING

from copydesk.kernel import ZERO, floor_to_step
from copydesk.venues.lab.clearing import FEE_PLACES
from copydesk.venues.lab.engine import Engine
from copydesk.venues.lab.model import (
    BUY,
    FILLED,
    NEW,
    SPOT,
    TRADE,
    Event,
    Execution,
    NewOrder,
    Order,
    OrderUpdate,
    Reject,
    Result,
)
from copydesk.venues.lab.perp.admission import fit
from copydesk.venues.lab.perp.positions import Leg

if TYPE_CHECKING:
    from copydesk.venues.lab.exchange import Exchange
    from copydesk.venues.lab.perp import PerpEngine


def fill(exchange: Exchange, new: NewOrder, now_ms: int) -> Result:
    """Fill an order, or refuse it: unknown or halted market, no quantity, no money, nothing to reduce."""
    spot = new.market == SPOT
    engine = exchange.spot if spot else exchange.perp
    book = engine.books.get(new.symbol)
    if book is None or new.symbol not in engine.instruments:
        return _no(Reject.UNKNOWN_SYMBOL)
    if book.halted or not book.last_px:
        return _no(Reject.MARKET_HALTED)
    if new.account not in engine.registries:
        return _no(Reject.UNKNOWN_ACCOUNT)
    if spot:
        return _fill_spot(exchange.spot, new, book.last_px, now_ms)
    return fill_perp(exchange.perp, new, book.last_px, now_ms)


def _no(reject: Reject) -> Result:
    return Result(None, (), reject, [])


def _fill_spot(engine: Engine, new: NewOrder, px: Decimal, now_ms: int) -> Result:
    instrument, account, clearing = engine.instruments[new.symbol], engine.account_table[new.account], engine.clearing
    qty = new.qty
    if qty is None:
        qty = floor_to_step((new.quote_qty or ZERO) / px, instrument.qty_step)
    if qty <= ZERO:
        return _no(Reject.LOT_SIZE)
    base, quote, cost = instrument.base, instrument.quote, px * qty
    pays, pay_qty, gets, get_qty = (quote, cost, base, qty) if new.side == BUY else (base, qty, quote, cost)
    if account.available(pays) < pay_qty:
        return _no(Reject.INSUFFICIENT_BALANCE)
    fee = (get_qty * clearing.taker_fee).quantize(FEE_PLACES, ROUND_DOWN)
    account.balances[pays].free -= pay_qty
    account.balances[gets].free += get_qty - fee
    house = clearing.house_maker.balances
    house[pays].free += pay_qty
    house[gets].free -= get_qty
    clearing.house_fees.balances[gets].free += fee
    order, execution, events = _filled(engine, new, qty, (px, cost, fee, gets, ZERO), now_ms)
    if engine.heard is None or new.account in engine.heard:
        events.append(account.update((base, quote), now_ms))
    return Result(order, (execution,), None, events)


def fill_perp(engine: PerpEngine, new: NewOrder, px: Decimal, now_ms: int) -> Result:
    """Fill an order on perpetuals at a price, against the house's maker; one that only reduces is cut to fit."""
    leg = engine.leg(new.account, new.symbol, new.position_side)
    fitted = fit(new, leg)
    if isinstance(fitted, Reject):
        return _no(fitted)
    qty = fitted.qty
    if qty is None or qty <= ZERO:
        return _no(Reject.LOT_SIZE)
    clearing, owner, cost = engine.clearing, leg.owner, px * qty
    signed = qty if fitted.side == BUY else -qty
    house = clearing.makers[new.symbol]
    realized = leg.trade(signed, px, now_ms)
    house.owner.money.free += house.trade(-signed, px, now_ms)
    fee = (cost * clearing.taker_fee).quantize(FEE_PLACES, ROUND_DOWN)
    owner.money.free += realized - fee
    owner.checked_free = None
    clearing.fees.free += fee
    clearing.suspects[owner.name] = owner
    order, execution, events = _filled(engine, fitted, qty, (px, cost, fee, engine.settle, realized), now_ms)
    if engine.heard is None or new.account in engine.heard:
        events += _told(engine, leg, now_ms)
    return Result(order, (execution,), None, events)


def _told(engine: PerpEngine, leg: Leg, now_ms: int) -> list[Event]:
    """Tell a listening account of its money and position."""
    turn = engine.turn(leg.symbol, now_ms)
    turn.note(leg)
    return turn.close(None)


def _filled(
    engine: Engine | PerpEngine,
    new: NewOrder,
    qty: Decimal,
    money: tuple[Decimal, Decimal, Decimal, str, Decimal],
    now_ms: int,
) -> tuple[Order, Execution, list[Event]]:
    """Write the order down as filled in one execution; `money` is price, cost, fee, its asset, realized profit."""
    px, cost, fee, asset, realized = money
    engine.order_id += 1
    engine.clearing.trade_id += 1
    order_id = engine.order_id
    order = Order(
        order_id,
        new.account,
        new.client_order_id or f"lab-{order_id}",
        new.symbol,
        new.side,
        new.type,
        qty,
        new.quote_qty,
        new.px,
        new.tif,
        now_ms,
        now_ms,
        ZERO,
        FILLED,
        qty,
        cost,
    )
    if new.market != SPOT:
        order.market, order.position_side, order.reduce_only = new.market, new.position_side, new.reduce_only
        order.margin_mode, order.realized = new.margin_mode, realized
    order.tag = new.tag
    execution = Execution(
        engine.clearing.trade_id,
        order_id,
        new.account,
        new.symbol,
        new.side,
        px,
        qty,
        fee,
        asset,
        False,
        now_ms,
        realized,
        new.position_side,
    )
    order.fills.append(execution)
    engine.registries[new.account].register(order)
    if engine.heard is not None and new.account not in engine.heard:
        return order, execution, [OrderUpdate(new.account, order, FILLED, FILLED, qty, cost, execution, now_ms)]
    told = OrderUpdate(new.account, order, NEW, NEW, ZERO, ZERO, None, now_ms)
    return order, execution, [told, OrderUpdate(new.account, order, TRADE, FILLED, qty, cost, execution, now_ms)]
