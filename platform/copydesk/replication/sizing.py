"""How much a follower wants, in base units, before minima and steps (platform/docs/algorithms/sizing.md).

Everything here is about long positions; the planner shows shorts in a mirror.
"""

from __future__ import annotations

from decimal import Decimal

from copydesk.kernel import ZERO, floor_to_step
from copydesk.replication.model import Follower, SignalFact
from copydesk.trading import Instrument, SizingMode


def wanted_open_qty(signal: SignalFact, follower: Follower) -> Decimal:
    """Return the base quantity that the leader's increase asks of this follower, unrounded.

    By equity ratio the follower takes the same share of the allocation as the leader took of the equity,
    so a follower's leverage never exceeds the leader's. A fixed notional is spent once per leader order,
    on the first fill that opens. Of a leader who turned round, only what lies beyond zero is an increase.
    """
    increase = signal.position_after - max(signal.position_before, ZERO)
    match follower.sizing_mode:
        case SizingMode.EQUITY_RATIO:
            if signal.leader_equity <= 0:
                return ZERO
            return increase * follower.allocation / signal.leader_equity
        case SizingMode.FIXED_RATIO:
            return increase * (follower.sizing_value or ZERO)
        case SizingMode.FIXED_NOTIONAL:
            return (follower.sizing_value or ZERO) / signal.px if _first_to_open(signal) else ZERO


def _first_to_open(signal: SignalFact) -> bool:
    """Tell whether no earlier fill of the leader's order opened: earlier ones may have closed the other side."""
    return signal.first_of_order or (signal.perpetual and signal.position_before <= 0)


def affordable_qty(follower: Follower, px: Decimal) -> Decimal:
    """Return how much more the allocation can take in at `px`."""
    return max(follower.allocation - follower.spent, ZERO) / px


def kept_share(signal: SignalFact, instrument: Instrument) -> Decimal:
    """Return the share of the position that the leader still holds after reducing, between 0 and 1.

    On spot a remainder that the exchange would not let the leader sell counts as flat, so the last close closes all.
    A perpetual can always be closed to the last contract: there flat is zero.
    """
    if signal.position_before <= 0:
        return ZERO
    if not instrument.perpetual:
        sellable = floor_to_step(signal.position_after, instrument.qty_step)
        if sellable < instrument.qty_min or sellable * signal.px < instrument.notional_min:
            return ZERO
    return max(signal.position_after, ZERO) / signal.position_before
