"""What another amount would change: for each opening order the amount from which on it is large enough. Pure.

Judged by the exchange's minima alone, so that every amount costs nothing: neither the allocation that is spent already
nor any limit is asked. Only sizing in proportion to the amount has an answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, Decimal

from copydesk.kernel import ZERO
from copydesk.replication.opening_terms import Opening
from copydesk.replication.plan import Case
from copydesk.replication.sizing import BY_ALLOCATION
from copydesk.trading import SizingMode
from copydesk.whatif.model import CopyTerms
from copydesk.whatif.result import AmountShare

ENOUGH_RATIO = 0.95
# Beside the amount itself.
_TIMES = (Decimal("0.5"), Decimal(1), Decimal(2), Decimal(5))


def least_amounts(opens: Iterable[Case | None]) -> tuple[float, ...]:
    """Return for each opening order the least amount that copies it in proportion, in rising order.

    Infinite where no amount does.
    """
    return tuple(sorted(_least(case) if isinstance(case, Opening) else math.inf for case in opens))


def amounts_needed(least: Sequence[float], terms: CopyTerms) -> list[float]:
    """Return the same for a follower who copies a multiple of that."""
    times = terms.sizing_value if terms.sizing_mode is SizingMode.MULTIPLIER else Decimal(1)
    return [amount / float(times or 1) for amount in least]


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


def _least(case: Opening) -> float:
    signal = case.signal
    increase = signal.position_after - max(signal.position_before, ZERO)
    if not case.limits.market_allowed or increase <= 0 or signal.px <= 0:
        return math.inf
    return float(case.smallest_qty * max(signal.leader_equity, ZERO) / increase) or math.inf
