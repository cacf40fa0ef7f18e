"""What another amount would change: for each opening order the amount from which on it is large enough. Pure.

Judged by the exchange's minima alone, so that every amount costs nothing: neither the allocation that is spent already
nor any limit is asked. Only sizing in proportion to the amount has an answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal

from copydesk.kernel import ZERO
from copydesk.replication.minima import smallest_open_qty
from copydesk.replication.model import SignalFact
from copydesk.replication.opening_terms import open_limit_px
from copydesk.replication.sizing import BY_ALLOCATION
from copydesk.trading import Instrument, Side, SizingMode
from copydesk.whatif.model import CopyTerms, Past
from copydesk.whatif.result import AmountShare

ENOUGH_RATIO = 0.95
# Beside the amount itself.
_TIMES = (Decimal("0.5"), Decimal(1), Decimal(2), Decimal(5))


def amounts_needed(past: Past, terms: CopyTerms) -> list[float]:
    """Return for each opening order the least amount that copies it, in rising order; infinite where none does."""
    times = terms.sizing_value if terms.sizing_mode is SizingMode.MULTIPLIER else Decimal(1)
    smallest: dict[tuple[str, Decimal, bool], Decimal] = {}
    needed = [_needed(past, signal, smallest) / float(times or 1) for signal in past.signals if signal.opens]
    return sorted(needed)


def shares_of(needed: Sequence[float], terms: CopyTerms) -> tuple[AmountShare, ...]:
    """Return which share of the orders some amounts around the follower's are enough for."""
    if not needed or terms.sizing_mode not in BY_ALLOCATION:
        return ()
    amounts = [(terms.allocation * times).normalize() for times in _TIMES]
    return tuple(AmountShare(amount, _share(needed, float(amount))) for amount in amounts)


def enough_of(needed: Sequence[float], terms: CopyTerms) -> Decimal | None:
    """Return the amount from which on 95 % of the orders are large enough, rounded up; None if none is."""
    if not needed or terms.sizing_mode not in BY_ALLOCATION:
        return None
    least = needed[math.ceil(len(needed) * ENOUGH_RATIO) - 1]
    return _rounded_up(Decimal(repr(least))) if math.isfinite(least) else None


def _share(needed: Sequence[float], amount: float) -> Decimal:
    return Decimal(sum(1 for least in needed if least <= amount)) / len(needed)


def _rounded_up(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(amount.adjusted() - 1), ROUND_CEILING) if amount else amount


def _needed(past: Past, signal: SignalFact, smallest: dict[tuple[str, Decimal, bool], Decimal]) -> float:
    instrument, limits = past.instruments.get(signal.symbol), past.limits.get(signal.symbol)
    seen = signal.mirrored() if signal.short else signal
    increase = seen.position_after - max(seen.position_before, ZERO)
    if instrument is None or limits is None or not limits.market_allowed or increase <= 0 or signal.px <= 0:
        return math.inf
    key = (signal.symbol, signal.px, signal.short)
    if key not in smallest:
        smallest[key] = _smallest(signal, instrument, limits.slippage_bps_max)
    return float(smallest[key] * max(signal.leader_equity, ZERO) / increase) or math.inf


def _smallest(signal: SignalFact, instrument: Instrument, slippage_bps_max: int) -> Decimal:
    if not instrument.perpetual:
        return smallest_open_qty(signal.px, instrument)
    side = Side.SELL if signal.short else Side.BUY
    limit_px = open_limit_px(signal.px, instrument.px_tick, slippage_bps_max, side)
    floor_px = min(signal.px, limit_px)
    return smallest_open_qty(floor_px, instrument) if floor_px > 0 else Decimal("Infinity")
