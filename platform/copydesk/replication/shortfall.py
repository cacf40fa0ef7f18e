"""What is done, once, about a copy that ended short: a top-up, a smaller open, or a resized close. Pure.

Never is the same order sent again: a second try is another leg of the same signal, smaller than the first, under an id
of its own (platform/docs/algorithms/sizing.md, "Second tries").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

from copydesk.kernel import ZERO, floor_to_step
from copydesk.replication.minima import close_denial, smallest_open_qty
from copydesk.replication.model import Bound, Planned
from copydesk.replication.sizing import payable_qty
from copydesk.trading import Denial, Instrument, OrderStatus, OrderType, PositionSide, Side

TOP_UP = "top-up"
SMALLER = "smaller"
RESIZED = "resized"

# What a leg that ended so may be tried again as. Spot knows no reduce-only: there a sale of more than is owned lacks
# balance.
_SECOND: Mapping[tuple[bool, str], str] = MappingProxyType(
    {
        (False, Denial.PRICE_MOVED): TOP_UP,
        (False, Denial.INSUFFICIENT_BALANCE): SMALLER,
        (True, Denial.NOTHING_TO_REDUCE): RESIZED,
        (True, Denial.INSUFFICIENT_BALANCE): RESIZED,
    }
)
# Where the account seems to have enough for the order that was refused, less is tried all the same.
_LESS = Decimal("0.95")


def second_leg(*, reduces: bool, status: OrderStatus, reason: str | None, cum_qty: Decimal) -> str | None:
    """Name the leg by which a copy that ended so may be tried again, or return None.

    An open is topped up only where a part of it was filled: then the market was within its bound a moment ago.
    """
    leg = _SECOND.get((reduces, reason or ""))
    if leg == TOP_UP:
        return leg if cum_qty > 0 and status in {OrderStatus.EXPIRED, OrderStatus.CANCELED} else None
    return leg if status is OrderStatus.REJECTED else None


def may_be_tried_again(status: OrderStatus, reason: str, cum_qty: Decimal) -> bool:
    """Tell whether a copy that ended so has a second leg, an open or a close."""
    return any(second_leg(reduces=reduces, status=status, reason=reason, cum_qty=cum_qty) for reduces in (False, True))


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A copy that ended short and was not tried again, with its book as it is now.

    `left` is what of the allocation is free, `signal_px` the leader's price, `leverage` what the account is set to.
    """

    subscription_id: int
    account_id: int
    signal_id: int
    symbol: str
    position_side: PositionSide
    side: Side
    qty: Decimal
    px: Decimal | None
    reduces: bool
    cum_qty: Decimal
    status: OrderStatus
    reason: str
    signal_px: Decimal
    signal_at: datetime
    book_qty: Decimal
    target_qty: Decimal
    allocation: Decimal
    left: Decimal
    leverage: int
    strategy_id: int = 0

    @property
    def leg(self) -> str | None:
        """Name the second leg, None where there is to be none."""
        return second_leg(reduces=self.reduces, status=self.status, reason=self.reason, cum_qty=self.cum_qty)


def second_try(
    short: Shortfall, instrument: Instrument, available: Decimal | None, *, slippage_bps_max: int
) -> Planned | None:
    """Plan the second try, or return None where nothing is left that the exchange takes.

    `available` is what the account has now: free money for a smaller open, and for a resized close what is held of the
    position. A top-up needs it not. It has the price bound of the first order: of the leader's price, not of today's.
    """
    leg = short.leg
    if leg is None:
        return None
    rest = short.qty - short.cum_qty
    if leg == RESIZED:
        return _resized(short, instrument, min(rest, available or ZERO))
    if leg == SMALLER:
        rest = _payable(short, instrument, available or ZERO, slippage_bps_max)
    px = short.px or short.signal_px
    # A sale is filled at its limit or better, and better is dearer: it is counted at the bound's other end.
    worst = px if short.side is Side.BUY else short.signal_px * (1 + slippage_bps_max / Decimal(10_000))
    free = max(short.left, ZERO) / worst
    qty = floor_to_step(min(rest, free), instrument.qty_step)
    if qty < smallest_open_qty(min(px, short.signal_px) if instrument.perpetual else short.signal_px, instrument):
        return None
    signed = qty if short.side is Side.BUY else -qty
    return _planned(short, leg, qty, short.target_qty + signed, _bound(leg, qty, rest, free))


def _bound(leg: str, qty: Decimal, rest: Decimal, free: Decimal) -> Bound:
    if leg == SMALLER:
        return Bound.BALANCE
    if free < rest:
        return Bound.ALLOCATION
    return Bound.NONE if qty == rest else Bound.STEP


def _payable(short: Shortfall, instrument: Instrument, free: Decimal, slippage_bps_max: int) -> Decimal:
    """Return what the account can pay of an order that it could not pay in whole."""
    payable = payable_qty(
        free,
        max(short.px or short.signal_px, short.signal_px),
        leverage=short.leverage,
        slippage_bps_max=slippage_bps_max,
        perpetual=instrument.perpetual,
    )
    return min(payable, short.qty * _LESS)


def _resized(short: Shortfall, instrument: Instrument, held: Decimal) -> Planned | None:
    """Close what is really there; what the exchange refused for another reason is left to reconcile."""
    qty = floor_to_step(held, instrument.qty_step)
    if qty >= short.qty or close_denial(held=held, qty=qty, px=short.signal_px, instrument=instrument):
        return None
    return _planned(short, RESIZED, qty, short.target_qty, Bound.BALANCE)


def _planned(short: Shortfall, leg: str, qty: Decimal, target: Decimal, bound: Bound) -> Planned:
    return Planned(
        short.subscription_id,
        short.account_id,
        leg,
        short.side,
        OrderType.MARKET if short.reduces else OrderType.LIMIT,
        qty,
        short.px,
        short.reduces,
        target,
        leverage=short.leverage,
        wanted_qty=short.qty - short.cum_qty,
        allocation=short.allocation,
        book_qty=short.book_qty,
        bound=bound,
    )
