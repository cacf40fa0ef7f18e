"""Light mode: an order is filled whole at the last price, against the house, with no book and no margin check.

For measuring clients that send more than a matching engine takes. Money, fees, positions, order records, journal and
streams stay true: quantities obey step and minimum, an open order's client id is not given twice, spot orders that
cannot be paid are refused, orders that only reduce are cut to the position, and positions are marked, funded and
liquidated as always. Limits, post-only, time in force and attached orders do not count: whatever is asked for trades
now. Plain orders take the express lane (see light_lane.py), which settles them by the same functions.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING, NamedTuple

from copydesk.kernel import ZERO, floor_to_step
from copydesk.venues.lab.accounts import Account
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
    LabInstrument,
    NewOrder,
    Order,
    OrderUpdate,
    Reject,
    Result,
)
from copydesk.venues.lab.orders import OrderRegistry
from copydesk.venues.lab.perp.admission import fit
from copydesk.venues.lab.perp.positions import Leg

if TYPE_CHECKING:
    from copydesk.venues.lab.exchange import Exchange
    from copydesk.venues.lab.perp import PerpEngine


# Costs and fees of larger amounts have more digits than are reckoned with.
AMOUNT_MAX = Decimal(10) ** 12


class Deal(NamedTuple):
    """What so much costs at this price, the same for everyone who asks for it: `fee` is in `asset`."""

    px: Decimal
    qty: Decimal
    cost: Decimal
    fee: Decimal
    asset: str


def fill(exchange: Exchange, new: NewOrder, now_ms: int) -> Result:
    """Fill an order, or refuse it: unknown or halted market, wrong quantity, no money, nothing to reduce."""
    spot = new.market == SPOT
    engine = exchange.spot if spot else exchange.perp
    book = engine.books.get(new.symbol)
    if book is None or new.symbol not in engine.instruments:
        return _no(Reject.UNKNOWN_SYMBOL)
    if book.halted or not book.last_px:
        return _no(Reject.MARKET_HALTED)
    registry = engine.registries.get(new.account)
    if registry is None:
        return _no(Reject.UNKNOWN_ACCOUNT)
    namesake = registry.by_client_id.get((new.symbol, new.client_order_id))
    if namesake is not None and namesake.is_open:
        return _no(Reject.DUPLICATE_CLIENT_ORDER_ID)
    if spot:
        return _fill_spot(exchange.spot, new, book.last_px, now_ms)
    refused = qty_refusal(new, book.instrument, book.last_px)
    return _no(refused) if refused is not None else fill_perp(exchange.perp, new, book.last_px, now_ms)


def _no(reject: Reject) -> Result:
    return Result(None, (), reject, [])


def qty_refusal(new: NewOrder, instrument: LabInstrument, px: Decimal) -> Reject | None:
    """Refuse a quantity off its step or below a minimum at this price; what only reduces may be small in money."""
    qty = new.qty
    if (qty or new.quote_qty or ZERO) > AMOUNT_MAX:
        return Reject.LOT_SIZE
    if qty is None:
        if new.quote_qty is None:
            return None
        return Reject.MIN_NOTIONAL if new.quote_qty < instrument.notional_min else None
    if qty < instrument.qty_min or qty <= ZERO or qty % instrument.qty_step:
        return Reject.LOT_SIZE
    return Reject.MIN_NOTIONAL if qty * px < instrument.notional_min and not new.reduce_only else None


def spot_deal(engine: Engine, new: NewOrder, instrument: LabInstrument, px: Decimal) -> Deal | Reject:
    """Reckon what a spot order gets, pays and is charged; buyers pay their fee in base currency."""
    refused = qty_refusal(new, instrument, px)
    if refused is not None:
        return refused
    qty = new.qty
    if qty is None:
        qty = floor_to_step((new.quote_qty or ZERO) / px, instrument.qty_step)
    if qty <= ZERO:
        return Reject.LOT_SIZE
    cost = px * qty
    gets, asset = (qty, instrument.base) if new.side == BUY else (cost, instrument.quote)
    fee = (gets * engine.clearing.taker_fee).quantize(FEE_PLACES, ROUND_DOWN)
    return Deal(px, qty, cost, fee, asset)


def perp_deal(engine: PerpEngine, qty: Decimal, px: Decimal) -> Deal:
    """Reckon what a perpetual order comes to and is charged."""
    cost = px * qty
    return Deal(px, qty, cost, (cost * engine.clearing.taker_fee).quantize(FEE_PLACES, ROUND_DOWN), engine.settle)


def payable(account: Account, instrument: LabInstrument, side: str, deal: Deal) -> bool:
    """Tell whether an account has what a spot order takes."""
    if side == BUY:
        return account.available(instrument.quote) >= deal.cost
    return account.available(instrument.base) >= deal.qty


def settle_spot(engine: Engine, account: Account, instrument: LabInstrument, side: str, deal: Deal) -> None:
    """Move the money of a payable spot order between an account and the house."""
    _, qty, cost, fee, gets = deal
    pays, pay_qty, get_qty = (instrument.quote, cost, qty) if side == BUY else (instrument.base, qty, cost)
    mine, clearing = account.balances, engine.clearing
    mine[pays].free -= pay_qty
    mine[gets].free += get_qty - fee
    house = clearing.house_maker.balances
    house[pays].free += pay_qty
    house[gets].free -= get_qty
    clearing.house_fees.balances[gets].free += fee


def settle_perp(engine: PerpEngine, leg: Leg, side: str, deal: Deal, now_ms: int) -> Decimal:
    """Move position and money of a perpetual order between an account and the house; return the profit realized."""
    px, qty, _, fee, _ = deal
    signed = qty if side == BUY else -qty
    clearing, owner = engine.clearing, leg.owner
    house = clearing.makers[leg.symbol]
    realized = leg.trade(signed, px, now_ms)
    house.owner.money.free += house.trade(-signed, px, now_ms)
    owner.money.free += realized - fee
    owner.checked_free = None
    clearing.fees.free += fee
    clearing.suspects[owner.name] = owner
    return realized


def written(
    engine: Engine | PerpEngine,
    registry: OrderRegistry,
    who: tuple[str, str],
    new: NewOrder,
    deal: Deal,
    realized: Decimal,
    now_ms: int,
) -> tuple[Order, Execution]:
    """Write an order down as filled in one execution; `who` is the account, and its name for the order."""
    px, qty, cost, fee, asset = deal
    account, client_order_id = who
    engine.order_id += 1
    engine.clearing.trade_id += 1
    order_id, trade_id = engine.order_id, engine.clearing.trade_id
    # The fields of an execution in their order; asking the class by name takes three times as long.
    own = trade_id, order_id, account, new.symbol, new.side, px, qty, fee, asset, False, now_ms, realized
    execution = tuple.__new__(Execution, (*own, new.position_side))
    order = Order(
        order_id,
        account,
        client_order_id or f"lab-{order_id}",
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
        None,
        [execution],
        new.market,
        new.position_side,
        new.reduce_only,
        None,
        new.margin_mode,
        new.tag,
        realized,
    )
    registry.add_filled(order)
    return order, execution


def _fill_spot(engine: Engine, new: NewOrder, px: Decimal, now_ms: int) -> Result:
    instrument, account = engine.instruments[new.symbol], engine.account_table[new.account]
    deal = spot_deal(engine, new, instrument, px)
    if isinstance(deal, Reject):
        return _no(deal)
    if not payable(account, instrument, new.side, deal):
        return _no(Reject.INSUFFICIENT_BALANCE)
    settle_spot(engine, account, instrument, new.side, deal)
    order, execution = written(engine, account, (new.account, new.client_order_id), new, deal, ZERO, now_ms)
    events = _told_of(engine, order, execution)
    if engine.heard is None or new.account in engine.heard:
        events.append(account.update((instrument.base, instrument.quote), now_ms))
    return Result(order, (execution,), None, events)


def fill_perp(engine: PerpEngine, new: NewOrder, px: Decimal, now_ms: int) -> Result:
    """Fill an order on perpetuals at a price, against the house's maker; one that only reduces is cut to fit."""
    leg = engine.leg(new.account, new.symbol, new.position_side)
    fitted = fit(new, leg)
    if isinstance(fitted, Reject):
        return _no(fitted)
    if fitted.qty is None or fitted.qty <= ZERO:
        return _no(Reject.LOT_SIZE)
    deal = perp_deal(engine, fitted.qty, px)
    realized = settle_perp(engine, leg, fitted.side, deal, now_ms)
    who = new.account, new.client_order_id
    order, execution = written(engine, leg.owner, who, fitted, deal, realized, now_ms)
    events = _told_of(engine, order, execution)
    if engine.heard is None or new.account in engine.heard:
        events += _told(engine, leg, now_ms)
    return Result(order, (execution,), None, events)


def _told(engine: PerpEngine, leg: Leg, now_ms: int) -> list[Event]:
    """Tell a listening account of its money and position."""
    turn = engine.turn(leg.symbol, now_ms)
    turn.note(leg)
    return turn.close(None)


def _told_of(engine: Engine | PerpEngine, order: Order, execution: Execution) -> list[Event]:
    """Tell of acceptance and trade; of an order that nobody listens to, of both at once."""
    qty, cost, now_ms, account = order.qty, order.cum_quote, order.created_ms, order.account
    if engine.heard is not None and account not in engine.heard:
        return [OrderUpdate(account, order, FILLED, FILLED, qty, cost, execution, now_ms)]
    return [
        OrderUpdate(account, order, NEW, NEW, ZERO, ZERO, None, now_ms),
        OrderUpdate(account, order, TRADE, FILLED, qty, cost, execution, now_ms),
    ]
