"""How full the way to a limit is: what a bar shows, and what a warning waits for. Pure."""

from __future__ import annotations

from decimal import Decimal

from copydesk.kernel import ZERO
from copydesk.risk.measures import MEASURES, Judged
from copydesk.risk.model import Basis, Limit, Measure, Unit

_ONE = Decimal(1)


def fullness(limit: Limit, *, now: Decimal, at: Decimal, balance: Decimal) -> Decimal | None:
    """Return how much of the way to a limit is used up, from 0 (none of it) to 1 (at the limit, or past it).

    `now` and `at` as `risk.readings` has them, `balance` that of whom the limit is about. None where no way can be
    told.
    """
    if limit.measure is Measure.MARGIN_DISTANCE:
        return _clamped(at / now) if now > ZERO else _ONE
    if limit.basis is Basis.REALISED or Judged.EQUITY not in MEASURES[limit.measure].judged:
        return _clamped(now / at) if at else None
    way = _way(limit, at, balance)
    left = at - now if limit.measure is Measure.PROFIT else now - at
    return _clamped(_ONE - left / way) if way > ZERO else None


def _way(limit: Limit, at: Decimal, balance: Decimal) -> Decimal:
    """Return how far the limit lay from where its window began, in quote currency; 0 where that is not to be told."""
    if limit.threshold.unit is Unit.MONEY:
        return limit.threshold.value
    share = limit.threshold.value / 100
    if limit.basis is Basis.BALANCE:
        return share * balance
    if limit.measure is Measure.PROFIT:
        return at * share / (_ONE + share)
    return at * share / (_ONE - share) if share < _ONE else ZERO


def _clamped(ratio: Decimal) -> Decimal:
    return min(max(ratio, ZERO), _ONE)
