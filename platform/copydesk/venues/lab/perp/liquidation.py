"""Who is called for margin and who is liquidated, and how.

Cross positions are liquidated, the one that needs most maintenance first, while the cross equity is at or below
their maintenance margin; an isolated one alone, when its margin and profit are. Open orders are canceled first. The
position is then closed by a market order into the book, down to the price at which the money behind it (at most
its maintenance margin) is used up; the insurance takes the rest at that price, and pays what is missing below zero.
Real exchanges close large positions bracket by bracket; here a position is closed whole.

So that a mark price costs next to nothing, each position has bounds within which its account cannot come near the
margin call: the slack is shared out evenly among the positions. Within its bounds a position is not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from typing import TYPE_CHECKING

from copydesk.kernel import ZERO, round_to_step
from copydesk.venues.lab.model import (
    BUY,
    LIQUIDATION,
    MARKET,
    NEW,
    PERP,
    SELL,
    Event,
    MarginCall,
    Order,
)
from copydesk.venues.lab.perp.margin import Valuation, bracket_at, maint_of, position_view, valuation
from copydesk.venues.lab.perp.positions import Leg, PerpAccount

if TYPE_CHECKING:
    from copydesk.venues.lab.perp.engine import PerpEngine

# The margin call goes out when maintenance reaches four fifths of the equity.
CALL_FACTOR = Decimal("1.25")
# A little less than all of the slack, so that rounding cannot let a bound pass the line.
SLACK_SHARE = Decimal("0.999")


def judge(engine: PerpEngine, account: PerpAccount, now_ms: int) -> list[Event]:
    """Liquidate what must be, cover what is below zero, call for margin, and set the bounds anew."""
    value = valuation(account)
    if _plainly_sound(account, value):
        _set_cross_bounds(account, value)
        return []
    events: list[Event] = []
    for leg in account.positions():
        if leg.qty and leg.isolated:
            events += _judge_isolated(engine, leg, now_ms)
    events += _judge_cross(engine, account, now_ms)
    value = valuation(account)
    events += _call(account, value, now_ms)
    _set_bounds(account, value)
    return events


def _plainly_sound(account: PerpAccount, value: Valuation) -> bool:
    """Tell whether an account has no isolated position and is far from a call, as most are after most orders."""
    if account.warned or value.cross_wallet < ZERO:
        return False
    for leg in account.legs.values():
        if leg.qty and leg.isolated:
            return False
    return value.cross_equity > value.cross_maint * CALL_FACTOR


def _judge_isolated(engine: PerpEngine, leg: Leg, now_ms: int) -> list[Event]:
    maint, equity = _maint(leg), leg.margin + leg.unrealized()
    if equity > maint:
        return []
    money = leg.owner.money
    events = _cancel_orders(engine, leg.owner, leg.symbol, now_ms)
    # What is not behind this position stays as it is.
    apart = money.free - leg.margin
    events += _liquidate(engine, leg, min(max(equity, ZERO), maint), now_ms)
    return events + _pay(engine, leg.owner, apart - money.free, now_ms)


def _judge_cross(engine: PerpEngine, account: PerpAccount, now_ms: int) -> list[Event]:
    events: list[Event] = []
    while True:
        legs = [leg for leg in account.positions() if not leg.isolated]
        value = valuation(account)
        if not legs:
            return events + _pay(engine, account, -value.cross_wallet, now_ms)
        equity = value.cross_equity
        if equity > value.cross_maint:
            return events
        if account.open:
            events += _cancel_orders(engine, account, None, now_ms)
            continue
        leg = max(legs, key=_maint)
        events += _liquidate(engine, leg, min(max(equity, ZERO), _maint(leg)), now_ms)


def _maint(leg: Leg) -> Decimal:
    return maint_of(leg, abs(leg.qty * leg.market.px()))


def _cancel_orders(engine: PerpEngine, account: PerpAccount, symbol: str | None, now_ms: int) -> list[Event]:
    return [event for result in engine.cancel_all(account.name, symbol, now_ms) for event in result.events]


def _liquidate(engine: PerpEngine, leg: Leg, cushion: Decimal, now_ms: int) -> list[Event]:
    """Close the whole position, into the book down to the price at which the cushion is used up."""
    side, rounding = (SELL, ROUND_UP) if leg.qty > ZERO else (BUY, ROUND_DOWN)
    tick = leg.market.instrument.px_tick
    px = max(round_to_step(leg.market.px() - cushion / leg.qty, tick, rounding), tick)
    turn = engine.turn(leg.symbol, now_ms, LIQUIDATION)
    order = _liquidation_order(engine, leg, side, now_ms)
    turn.tell(order, NEW)
    levels = turn.book.opposite(side)
    plan = levels.plan(order.qty, levels.key(px), engine.room(leg))
    engine.clearing.execute(turn, side, plan, leg, order)
    if order.leaves:
        engine.clearing.take_over(turn, side, leg, order, px)
    leg.owner.register(order)
    return engine.settled(turn)


def _liquidation_order(engine: PerpEngine, leg: Leg, side: str, now_ms: int) -> Order:
    engine.order_id += 1
    order_id, qty = engine.order_id, abs(leg.qty)
    return Order(
        order_id,
        leg.owner.name,
        f"autoclose-{order_id}",
        leg.symbol,
        side,
        MARKET,
        qty,
        None,
        None,
        "IOC",
        now_ms,
        now_ms,
        qty,
        market=PERP,
        position_side=leg.position_side,
        reduce_only=True,
        tag=LIQUIDATION,
    )


def _pay(engine: PerpEngine, account: PerpAccount, missing: Decimal, now_ms: int) -> list[Event]:
    """Let the insurance pay what is missing."""
    if missing <= ZERO:
        return []
    engine.clearing.insurance.money.free -= missing
    account.money.free += missing
    told = account.purse.update((engine.settle,), now_ms)
    return [told._replace(change=LIQUIDATION, delta=missing, market=PERP)]


def _call(account: PerpAccount, value: Valuation, now_ms: int) -> list[Event]:
    """Call for margin once, when it gets scarce; again only after it was plentiful."""
    scarce: list[Leg] = []
    legs = [leg for leg in account.positions() if not leg.isolated]
    short = bool(legs) and value.cross_equity <= value.cross_maint * CALL_FACTOR
    if short and not account.warned:
        scarce += legs
    account.warned = short
    for leg in account.positions():
        if leg.isolated:
            short = leg.margin + leg.unrealized() <= _maint(leg) * CALL_FACTOR
            if short and not leg.warned:
                scarce.append(leg)
            leg.warned = short
    if not scarce:
        return []
    return [MarginCall(account.name, tuple(position_view(leg, value) for leg in scarce), now_ms)]


def _set_cross_bounds(account: PerpAccount, value: Valuation) -> None:
    account.checked_free = account.money.free
    legs = [leg for leg in account.legs.values() if leg.qty and not leg.isolated]
    _share_out(legs, value.cross_equity - value.cross_maint * CALL_FACTOR)


def _set_bounds(account: PerpAccount, value: Valuation) -> None:
    _set_cross_bounds(account, value)
    for leg in account.positions():
        if leg.isolated:
            _share_out([leg], leg.margin + leg.unrealized() - _maint(leg) * CALL_FACTOR)


def _share_out(legs: Sequence[Leg], slack: Decimal) -> None:
    """Give each position its part of the slack as room for the mark price; without slack each mark price counts.

    Maintenance may jump where the next bracket begins, so a bound is there too.
    """
    for leg in legs:
        if slack <= ZERO:
            leg.lo = leg.hi = ZERO
            continue
        size, px = abs(leg.qty), leg.market.px()
        bracket = bracket_at(leg, size * px)
        room = slack * SLACK_SHARE / (len(legs) * size * (1 + bracket.maint_ratio * CALL_FACTOR))
        edge = bracket.notional_cap / size
        leg.lo, leg.hi = (px - room, edge) if leg.qty > ZERO else (Decimal(-1), min(px + room, edge))
