"""How alike two strategies go: the correlation of their daily returns. Pure.

Pearson's coefficient of the days that both have had, of the last 90, from 20 on: fewer tell nothing. A strategy that
stood still all the time is like none.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import NamedTuple

from copydesk.kernel import ZERO

DAYS = 90
DAYS_MIN = 20
_PLACES = Decimal("0.0001")
_FINE = Context(prec=40)

# The value of one unit of a strategy at the end of each day that it was seen on.
UnitsByDay = Mapping[date, Decimal]


class Likeness(NamedTuple):
    """The correlation of two strategies (-1 to 1), None where that cannot be told, and of how many common days."""

    correlation: Decimal | None
    days: int


def daily_returns(units: UnitsByDay, *, today: date, days: int = DAYS) -> dict[date, Decimal]:
    """Return what each of the last whole days brought, as a plain ratio; of days whose day before is known."""
    first = today - timedelta(days=days)
    found: dict[date, Decimal] = {}
    for day, unit in units.items():
        before = units.get(day - timedelta(days=1))
        if first <= day < today and before is not None and before > 0:
            found[day] = _FINE.divide(unit, before) - 1
    return found


def likeness(one: Mapping[date, Decimal], other: Mapping[date, Decimal], *, days_min: int = DAYS_MIN) -> Likeness:
    """Compare two strategies' daily returns on their common days."""
    common = sorted(one.keys() & other.keys())
    count = len(common)
    if count < days_min:
        return Likeness(None, count)
    left, right = [one[day] for day in common], [other[day] for day in common]
    off_left, off_right = _off_mean(left), _off_mean(right)
    spread = _dot(off_left, off_left) * _dot(off_right, off_right)
    if spread <= 0:
        return Likeness(ZERO, count)
    found = _FINE.divide(_dot(off_left, off_right), _FINE.sqrt(spread))
    return Likeness(max(min(found, Decimal(1)), Decimal(-1)).quantize(_PLACES, ROUND_HALF_EVEN), count)


def _off_mean(values: list[Decimal]) -> list[Decimal]:
    mean = _FINE.divide(sum(values, ZERO), Decimal(len(values)))
    return [value - mean for value in values]


def _dot(left: list[Decimal], right: list[Decimal]) -> Decimal:
    return sum((a * b for a, b in zip(left, right, strict=True)), ZERO)
