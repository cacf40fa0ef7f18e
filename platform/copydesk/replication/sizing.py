"""How much a follower wants, in base units, before minima and steps (platform/docs/algorithms/sizing.md).

Everything here is about long positions; the planner shows shorts in a mirror.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from copydesk.kernel import ZERO, floor_to_step
from copydesk.replication.model import SignalFact
from copydesk.trading import Instrument, SizingMode

# From a follower's allocation and sizing value to the quantity that one signal asks of it.
Size = Callable[[Decimal, Decimal | None], Decimal]

# Modes that place one amount for each of the leader's orders, however many fills it has.
ONCE_PER_ORDER = frozenset({SizingMode.FIXED_NOTIONAL, SizingMode.FIXED_QTY})
# Modes in which twice the allocation wants twice the quantity.
BY_ALLOCATION = frozenset({SizingMode.EQUITY_RATIO, SizingMode.MULTIPLIER})


def sizes_of(signal: SignalFact) -> Mapping[SizingMode, Size]:
    """Return for each sizing mode what the leader's increase asks of a follower, unrounded.

    By equity ratio the follower takes the same share of the allocation as the leader took of the equity, so a
    follower's leverage never exceeds the leader's; a multiplier takes that many times as much. A fixed notional or
    quantity is placed once per leader order, on the first fill that opens. Of a leader who turned round, only what
    lies beyond zero is an increase.
    """
    increase = signal.position_after - max(signal.position_before, ZERO)
    equity, px = signal.leader_equity, signal.px
    orders = signal.orders if _first_to_open(signal) else 0
    if equity <= 0:
        return _fixed(increase, px, orders) | dict.fromkeys(BY_ALLOCATION, lambda _, __: ZERO)
    return _fixed(increase, px, orders) | {
        SizingMode.EQUITY_RATIO: lambda allocation, _: increase * allocation / equity,
        SizingMode.MULTIPLIER: lambda allocation, value: increase * allocation * (value or ZERO) / equity,
    }


def _fixed(increase: Decimal, px: Decimal, orders: int) -> dict[SizingMode, Size]:
    return {
        SizingMode.FIXED_RATIO: lambda _, value: increase * (value or ZERO),
        SizingMode.FIXED_NOTIONAL: lambda _, value: orders * (value or ZERO) / px,
        SizingMode.FIXED_QTY: lambda _, value: orders * (value or ZERO),
    }


def _first_to_open(signal: SignalFact) -> bool:
    """Tell whether no earlier fill of the leader's order opened: earlier ones may have closed the other side."""
    return signal.first_of_order or (signal.perpetual and signal.position_before <= 0)


def capped(leverage: int | None, *, brand_max: int, instrument_max: int, follower_max: int | None = None) -> int:
    """Follow the leader's leverage as far as the brand, the instrument and the follower allow.

    One that is not known counts as one: more margin than needed, but never more risk than the leader's.
    """
    allowed = min(leverage or 1, brand_max, instrument_max)
    return max(allowed if follower_max is None else min(allowed, follower_max), 1)


def payable_qty(free: Decimal, px: Decimal, *, leverage: int, slippage_bps_max: int, perpetual: bool) -> Decimal:
    """Return how much an account can open with so much free, when `px` is the worst price of the order.

    A perpetual's order takes its margin, px / leverage for each unit, and what it would lose at once if it were filled
    at its bound while the mark stands at the leader's price. A fiftieth stays free for fees and for a mark that moves
    (Binance, "Copy Trading Rules": (1 - S) / (1 - S + L x S) x 0.98 of what is available).
    """
    worst = px * (1 + leverage * Decimal(slippage_bps_max) / 10_000) / leverage if perpetual else px
    return max(free, ZERO) * _KEPT_FREE / worst


_KEPT_FREE = Decimal("0.98")


def kept_share(signal: SignalFact, instrument: Instrument) -> Decimal:
    """Return the share of the position that the leader still holds after reducing, between 0 and 1.

    On spot a remainder that the exchange would not let the leader sell counts as flat, so the last close closes all.
    A perpetual can always be closed to the last contract: there flat is zero.
    """
    if signal.position_before <= 0:
        return ZERO
    if not instrument.perpetual:
        sellable = floor_to_step(signal.position_after, instrument.qty_step)
        # A price that is not one tells nothing of what the rest is worth.
        if sellable < instrument.qty_min or (signal.px > 0 and sellable * signal.px < instrument.notional_min):
            return ZERO
    return max(signal.position_after, ZERO) / signal.position_before
