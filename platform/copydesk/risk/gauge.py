"""How full the way to a limit is: what a bar shows, and what a warning waits for. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from copydesk.kernel import ZERO
from copydesk.risk.limits import Holding, subject_of
from copydesk.risk.measures import MEASURES, Judged, Subject
from copydesk.risk.model import Basis, Limit, Measure, Unit
from copydesk.risk.readings import Reading

_ONE = Decimal(1)


class Distance(NamedTuple):
    """One limit that holds, and how far it is; `reading` is None where that cannot be told now.

    `balance` is that of whom it is about, the subscription or the account, in quote currency.
    """

    holding: Holding
    reading: Reading | None
    balance: Decimal

    @property
    def of_account(self) -> bool:
        return subject_of(self.holding.scoped) is Subject.ACCOUNT

    @property
    def left(self) -> Decimal | None:
        return None if self.reading is None else self.reading.left

    @property
    def full(self) -> Decimal | None:
        """Return how much of the way to it is used up, as `fullness` tells it."""
        if self.reading is None or self.reading.now is None:
            return None
        limit = self.holding.scoped.limit
        return fullness(limit, now=self.reading.now, at=self.reading.at, balance=self.balance)


def nearest_first(distances: Iterable[Distance]) -> list[Distance]:
    """Put the limits first that are nearest to break; those of which no way can be told come last."""
    return sorted(distances, key=lambda one: -_ONE if (full := one.full) is None else full, reverse=True)


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
