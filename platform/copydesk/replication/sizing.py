"""How much a follower wants, in base units, before minima and steps (platform/docs/algorithms/sizing.md)."""

from __future__ import annotations

from decimal import Decimal

from copydesk.kernel import ZERO, floor_to_step
from copydesk.replication.model import Follower, SignalFact
from copydesk.trading import Instrument, SizingMode


def wanted_open_qty(signal: SignalFact, follower: Follower) -> Decimal:
    """Return the base quantity that the leader's increase asks of this follower, unrounded.

    By equity ratio the follower takes the same share of the allocation as the leader took of the equity,
    so a follower's leverage never exceeds the leader's. A fixed notional is spent once per leader order,
    on its first fill.
    """
    increase = signal.position_after - signal.position_before
    match follower.sizing_mode:
        case SizingMode.EQUITY_RATIO:
            if signal.leader_equity <= 0:
                return ZERO
            return increase * follower.allocation / signal.leader_equity
        case SizingMode.FIXED_RATIO:
            return increase * (follower.sizing_value or ZERO)
        case SizingMode.FIXED_NOTIONAL:
            return (follower.sizing_value or ZERO) / signal.px if signal.first_of_order else ZERO


def affordable_qty(follower: Follower, px: Decimal) -> Decimal:
    """Return how much more the allocation can buy at `px`."""
    return max(follower.allocation - follower.spent, ZERO) / px


def kept_share(signal: SignalFact, instrument: Instrument) -> Decimal:
    """Return the share of the position that the leader still holds after reducing, between 0 and 1.

    A remainder that the exchange would not let the leader sell counts as flat, so the last close closes all.
    """
    sellable = floor_to_step(signal.position_after, instrument.qty_step)
    too_small = sellable < instrument.qty_min or sellable * signal.px < instrument.notional_min
    if signal.position_before <= 0 or too_small:
        return ZERO
    return signal.position_after / signal.position_before
