"""The exchange's minima: what is worth opening, what can be closed, and the numbers of each "no". Pure.

Everything here is about long positions; the planner shows shorts in a mirror.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from copydesk.kernel import ZERO, decimal_text, floor_to_step, round_to_step
from copydesk.replication.model import Bound, No
from copydesk.trading import Denial, Instrument

_CENT = Decimal("0.01")

# What a fee taken in base and a falling price may eat of a spot position before the follower wants to close again.
_FEE_ALLOWANCE = Decimal("0.002")
_FALL_ALLOWANCE = Decimal("1.02")


def can_be_opened(qty: Decimal, px: Decimal, instrument: Instrument) -> bool:
    """Tell whether the exchange takes an open of this size, and lets it be closed again."""
    if instrument.perpetual:
        return qty >= instrument.qty_min and qty * px >= instrument.notional_min
    return can_be_closed(qty, px, instrument)


def can_be_closed(qty: Decimal, px: Decimal, instrument: Instrument) -> bool:
    """Tell whether what is left of an open after its fee could be closed again: no open may end as stuck dust.

    On perpetuals fees are paid in the settlement currency and reduce-only orders know no smallest notional
    (Binance USDⓈ-M "Place Order": -4164 except for reduceOnly), so only the smallest quantity counts.
    """
    if instrument.perpetual:
        return floor_to_step(qty, instrument.qty_step) >= instrument.qty_min
    left = floor_to_step(qty * (1 - _FEE_ALLOWANCE), instrument.qty_step)
    return left >= instrument.qty_min and left * px >= instrument.notional_min * _FALL_ALLOWANCE


def smallest_open_qty(floor_px: Decimal, instrument: Instrument) -> Decimal:
    """Return the smallest multiple of the step for which `can_be_opened` holds at `floor_px`."""
    step = instrument.qty_step
    if instrument.perpetual:
        return round_to_step(max(instrument.qty_min, instrument.notional_min / floor_px), step, ROUND_CEILING)
    left = max(instrument.qty_min, instrument.notional_min * _FALL_ALLOWANCE / floor_px)
    return round_to_step(round_to_step(left, step, ROUND_CEILING) / (1 - _FEE_ALLOWANCE), step, ROUND_CEILING)


def smallest_open(px: Decimal, instrument: Instrument, *, floor_px: Decimal | None = None) -> Decimal:
    """Return the smallest notional worth opening at `px`, in quote currency, rounded up to the cent.

    `floor_px` is the price at which the exchange may value the order. On spot one step on top pays for both
    roundings down: of the order, and of what its fee leaves.
    """
    margin = Decimal(1) if instrument.perpetual else _FALL_ALLOWANCE
    by_notional = instrument.notional_min * margin / (floor_px or px)
    smallest = max(instrument.qty_min, round_to_step(by_notional, instrument.qty_step, ROUND_CEILING))
    if instrument.perpetual:
        smallest = round_to_step(smallest, instrument.qty_step, ROUND_CEILING)
    else:
        smallest = (smallest + instrument.qty_step) / (1 - _FEE_ALLOWANCE)
    return (smallest * px).quantize(_CENT, ROUND_CEILING)


def size_facts(qty: Decimal, px: Decimal, minimum: Decimal, instrument: Instrument) -> dict[str, str]:
    """Return the numbers of a sentence about an order that is too small.

    A perpetual's smallest order differs between exchanges by its contract size, so the exchange is named.
    """
    facts = {
        "notional": decimal_text((qty * px).quantize(_CENT, ROUND_FLOOR)),
        "minimum": decimal_text(minimum),
        "currency": instrument.quote,
    }
    return facts | ({"exchange": instrument.venue} if instrument.perpetual else {})


def closing_bound(qty: Decimal, wanted: Decimal, instrument: Instrument) -> Bound:
    """Name what made a close smaller than was wanted: the exchange's largest order, or its step."""
    if qty < wanted and qty == instrument.qty_max:
        return Bound.QTY_MAX
    return Bound.NONE if qty == wanted else Bound.STEP


def close_denial(*, held: Decimal, qty: Decimal, px: Decimal, instrument: Instrument) -> No | None:
    """Name why there is nothing to close; only the exchange's own minima can keep a close back."""
    if held < instrument.qty_step:
        return Denial.NOTHING_TO_REDUCE, {}
    if qty == ZERO:
        return Denial.BELOW_ONE_STEP, {}
    if instrument.perpetual:
        if qty >= instrument.qty_min:
            return None
        return Denial.BELOW_QTY_MIN, size_facts(qty, px, instrument.qty_min * px, instrument)
    # Whether a price that is not one is enough, the exchange decides.
    if qty < instrument.qty_min or (px > 0 and qty * px < instrument.notional_min):
        return Denial.BELOW_NOTIONAL_MIN, size_facts(qty, px, instrument.notional_min, instrument)
    return None
