"""Holds an opening order against the limits: allow it, shrink it, or name a denial. Pure.

An order is described by what it would add, so that a close cannot even be asked about: closes are never limited.
Each limit judges what was wanted, not what another limit left of it; the smallest answer counts. So a set with one
limit more, or with a tighter one, never allows more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import NamedTuple

from copydesk.kernel import ZERO
from copydesk.risk.limits import LimitSet, subject_of
from copydesk.risk.measures import EXACT, MEASURES, Judged, Subject
from copydesk.risk.model import Action, Basis, Measure, Scoped, Unit
from copydesk.trading import Denial

_M, _D = Measure, Denial


class Opening(NamedTuple):
    """What an opening order would add: its notional in quote currency, where, and with what leverage (spot: 1)."""

    notional: Decimal
    symbol: str
    leverage: int = 1


class Sums(NamedTuple):
    """Totals of a subscription or of an account, in quote currency, all before the order.

    `balance` leaves unrealised gains out: of a subscription its allocation and what it realised, of an account its
    wallet. `exposure` adds the notional of all positions, long and short. `positions` counts instruments that are held,
    `orders` the opening orders of the last minute.
    """

    equity: Decimal
    balance: Decimal
    exposure: Decimal = ZERO
    positions: int = 0
    orders: int = 0


class Purse(NamedTuple):
    """What an account owned, in quote currency, when it was last seen: `balance` leaves unrealised gains out."""

    balance: Decimal
    equity: Decimal


class OrderState(NamedTuple):
    """What an opening order is held against; notionals are absolute, in quote currency, and without the order.

    `position` is the subscription's in the order's instrument, `instrument` that of all books of the account,
    `overlap` what other strategies of the account hold of it on the order's side. `depth` is offered within 1 % of the
    price on the side that the order takes from, `volume` was traded in 24 hours; None is not known, and then nothing
    is allowed that they would limit. `correlation` is the highest with another strategy of the account (-1 to 1),
    `margin_distance` the smallest of a position of the account (0.05: liquidated 5 % from here); None: there is none.
    `purse` is what allocations are shares of; None has never been seen, and then a limit on such a share blocks.
    """

    own: Sums
    account: Sums
    position: Decimal = ZERO
    instrument: Decimal = ZERO
    allocation: Decimal = ZERO
    allocation_total: Decimal = ZERO
    overlap: Decimal = ZERO
    depth: Decimal | None = None
    volume: Decimal | None = None
    correlation: Decimal | None = None
    margin_distance: Decimal | None = None
    purse: Purse | None = None


class OrderBound(NamedTuple):
    """One limit, made ready for judging: `value` is an amount, or a plain ratio of `basis` (0.05, not five percent)."""

    room: Room
    value: Decimal
    of_account: bool
    basis: Basis
    action: Action
    denial: Denial
    scoped: Scoped


OrderBounds = tuple[OrderBound, ...]
# The notional that a limit leaves, below zero too; None where it does not stand in the way at all.
Room = Callable[[OrderBound, Opening, OrderState], Decimal | None]
_NOTHING = Decimal(-1)
_LIQUIDITY_UNKNOWN = Decimal(-2)
_PURSE_UNKNOWN = Decimal(-3)
_WARN, _SHRINK, _LEVERAGE_MAX = Action.WARN, Action.SHRINK, Denial.RISK_LEVERAGE_MAX


class Verdict(NamedTuple):
    """What may be opened: never more than was wanted. `bit` is the limit that made it less, or lowered the leverage.

    A denial goes with a notional of zero. `warned` are the limits that only wanted to be told.
    """

    notional: Decimal
    leverage: int
    bit: Scoped | None = None
    denial: Denial | None = None
    warned: tuple[Scoped, ...] = ()


DENIALS: Mapping[Measure, Denial] = {
    _M.LOSS: _D.RISK_LOSS_MAX,
    _M.PROFIT: _D.RISK_PROFIT_REACHED,
    _M.DRAWDOWN: _D.RISK_DRAWDOWN_MAX,
    _M.ALLOCATION: _D.RISK_ALLOCATION_MAX,
    _M.ALLOCATION_TOTAL: _D.RISK_ALLOCATION_TOTAL_MAX,
    _M.ORDER: _D.RISK_ORDER_MAX,
    _M.POSITION: _D.RISK_POSITION_MAX,
    _M.INSTRUMENT: _D.RISK_INSTRUMENT_MAX,
    _M.EXPOSURE: _D.RISK_EXPOSURE_MAX,
    _M.POSITIONS: _D.RISK_POSITIONS_MAX,
    _M.LEVERAGE: _D.RISK_LEVERAGE_MAX,
    _M.ORDERS: _D.RISK_ORDERS_MAX,
    _M.DEPTH_SHARE: _D.RISK_DEPTH_SHARE_MAX,
    _M.VOLUME: _D.RISK_VOLUME_MIN,
    _M.OVERLAP: _D.RISK_OVERLAP_MAX,
    _M.CORRELATION: _D.RISK_CORRELATION_MAX,
    _M.MARGIN_DISTANCE: _D.RISK_MARGIN_DISTANCE_MIN,
    _M.INSTRUMENTS: _D.RISK_INSTRUMENT_NOT_ALLOWED,
}


def order_bounds(limits: LimitSet, *, currency: str) -> OrderBounds:
    """Make ready what a set says about orders quoted in `currency`; empty where it says nothing.

    Amounts in another currency are left out: they speak of orders in theirs.
    """
    return tuple(
        _compiled(scoped)
        for scoped in limits
        if Judged.ORDER in MEASURES[scoped.limit.measure].judged
        and not scoped.limit.action.closes
        and scoped.limit.threshold.currency in ("", currency)
    )


def judge_opening(bounds: OrderBounds, wanted: Opening, state: OrderState) -> Verdict:
    """Say how much of an opening order the limits allow; only for orders that add to a position."""
    notional, _, leverage = wanted
    bit: Scoped | None = None
    warned: tuple[Scoped, ...] = ()
    for bound in bounds:
        room = bound.room(bound, wanted, state)
        if room is None or room >= wanted.notional:
            continue
        action = bound.action
        if action is _WARN:
            warned += (bound.scoped,)
        elif action is _SHRINK and bound.denial is _LEVERAGE_MAX:
            leverage, bit = min(leverage, int(bound.value)), bit or bound.scoped
        elif action is _SHRINK and room > ZERO:
            if room < notional:
                notional, bit = room, bound.scoped
        else:
            return Verdict(ZERO, wanted.leverage, bound.scoped, _denial(bound, room), warned)
    return Verdict(notional, leverage, bit, None, warned)


def _compiled(scoped: Scoped) -> OrderBound:
    limit = scoped.limit
    value = limit.threshold.value
    return OrderBound(
        room=_ROOMS[limit.measure],
        value=EXACT.scaleb(value, -2) if limit.threshold.unit is Unit.PERCENT else value,
        of_account=subject_of(scoped) is Subject.ACCOUNT,
        basis=limit.basis,
        action=limit.action,
        denial=DENIALS[limit.measure],
        scoped=scoped,
    )


def _denial(bound: OrderBound, room: Decimal) -> Denial:
    if room is _LIQUIDITY_UNKNOWN:
        return Denial.RISK_LIQUIDITY_UNKNOWN
    return Denial.RISK_PURSE_UNKNOWN if room is _PURSE_UNKNOWN else bound.denial


def _sums(bound: OrderBound, state: OrderState) -> Sums:
    return state.account if bound.of_account else state.own


def _most(bound: OrderBound, state: OrderState) -> Decimal:
    """Return the limit in quote currency."""
    if bound.basis is Basis.NOTIONAL:
        return bound.value
    sums = state.account if bound.of_account else state.own
    return bound.value * (sums.equity if bound.basis is Basis.EQUITY else sums.balance)


def _held(bound: OrderBound, state: OrderState) -> Decimal:
    return state.instrument if bound.of_account else state.position


def _all_or_nothing(holds: bool) -> Decimal | None:
    return None if holds else _NOTHING


def _order(bound: OrderBound, _: Opening, state: OrderState) -> Decimal | None:
    return _most(bound, state)


def _position(bound: OrderBound, _: Opening, state: OrderState) -> Decimal | None:
    return _most(bound, state) - _held(bound, state)


def _exposure(bound: OrderBound, _: Opening, state: OrderState) -> Decimal | None:
    return _most(bound, state) - _sums(bound, state).exposure


def _overlap(bound: OrderBound, _: Opening, state: OrderState) -> Decimal | None:
    """What two hold is the lesser of both, so that what the others hold may already be little enough."""
    most = _most(bound, state)
    return None if state.overlap <= most else most - state.position


def allocation_most(bound: OrderBound, purse: Purse | None) -> Decimal | None:
    """Return how much a limit allows to be allocated; None where it is a share of a purse that was never seen."""
    if bound.basis is Basis.NOTIONAL:
        return bound.value
    if purse is None:
        return None
    return bound.value * (purse.equity if bound.basis is Basis.EQUITY else purse.balance)


def _allocated(bound: OrderBound, purse: Purse | None, allocated: Decimal) -> Decimal | None:
    most = allocation_most(bound, purse)
    if most is None:
        # What is not known cannot be told of; what it would block is kept back until it is.
        return None if bound.action is _WARN else _PURSE_UNKNOWN
    return _all_or_nothing(allocated <= most)


def _allocation(bound: OrderBound, _: Opening, state: OrderState) -> Decimal | None:
    return _allocated(bound, state.purse, state.allocation)


def _allocation_total(bound: OrderBound, _: Opening, state: OrderState) -> Decimal | None:
    return _allocated(bound, state.purse, state.allocation_total)


def _positions(bound: OrderBound, _: Opening, state: OrderState) -> Decimal | None:
    return _all_or_nothing(_held(bound, state) > ZERO or _sums(bound, state).positions < bound.value)


def _orders(bound: OrderBound, _: Opening, state: OrderState) -> Decimal | None:
    return _all_or_nothing(_sums(bound, state).orders < bound.value)


def _leverage(bound: OrderBound, wanted: Opening, _: OrderState) -> Decimal | None:
    return _all_or_nothing(wanted.leverage <= bound.value)


def _depth_share(bound: OrderBound, _: Opening, state: OrderState) -> Decimal | None:
    return _LIQUIDITY_UNKNOWN if state.depth is None else bound.value * state.depth


def _volume(bound: OrderBound, _: Opening, state: OrderState) -> Decimal | None:
    return _LIQUIDITY_UNKNOWN if state.volume is None else _all_or_nothing(state.volume >= bound.value)


def _correlation(bound: OrderBound, _: Opening, state: OrderState) -> Decimal | None:
    return _all_or_nothing(state.correlation is None or state.correlation <= bound.value)


def _margin_distance(bound: OrderBound, _: Opening, state: OrderState) -> Decimal | None:
    return _all_or_nothing(state.margin_distance is None or state.margin_distance >= bound.value)


def _instruments(bound: OrderBound, wanted: Opening, _: OrderState) -> Decimal | None:
    return _all_or_nothing(wanted.symbol in bound.scoped.limit.threshold.names)


_ROOMS: Mapping[Measure, Room] = {
    _M.ALLOCATION: _allocation,
    _M.ALLOCATION_TOTAL: _allocation_total,
    _M.ORDER: _order,
    _M.POSITION: _position,
    _M.INSTRUMENT: _position,
    _M.EXPOSURE: _exposure,
    _M.POSITIONS: _positions,
    _M.LEVERAGE: _leverage,
    _M.ORDERS: _orders,
    _M.DEPTH_SHARE: _depth_share,
    _M.VOLUME: _volume,
    _M.OVERLAP: _overlap,
    _M.CORRELATION: _correlation,
    _M.MARGIN_DISTANCE: _margin_distance,
    _M.INSTRUMENTS: _instruments,
}
