"""Returns and falls of a period, out of stored points. Pure.

A point stands for a day: its moment is the day's beginning, its values are those at the day's end, low and high the
extremes in between. The index is 1 where the record begins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from copydesk.kernel import ZERO
from copydesk.statements.period import Period, months_between
from copydesk.statements.raw import PointSeen

BEGINNING = Decimal(1)


def last_before(points: Sequence[PointSeen], moment: datetime) -> PointSeen | None:
    """Return the newest point before a moment; None where there is none."""
    return next((point for point in reversed(points) if point.at < moment), None)


def ratio_in(points: Sequence[PointSeen], period: Period) -> Decimal | None:
    """Return the time-weighted return of the period; of a record that began within it, since its beginning."""
    last, before = last_before(points, period.until), last_before(points, period.since)
    first = before.reached if before else BEGINNING
    if last is None or last.at < period.since or first <= 0:
        return None
    return last.reached / first - 1


def fall_in(points: Sequence[PointSeen], period: Period) -> Decimal | None:
    """Return the deepest fall from a high of the period, 0 to 1; what it began with counts as its first high.

    Within one day it is not known whether its low or its high came first: its low counts below the highs before the
    day, its end below its high.
    """
    start = last_before(points, period.since)
    inside = [point for point in points if period.holds(point.at)]
    if not inside:
        return None
    peak = start.reached if start else BEGINNING
    deepest = ZERO
    for point in inside:
        if peak > 0:
            deepest = max(deepest, 1 - point.index_low / peak)
        peak = max(peak, point.index_high)
        if peak > 0:
            deepest = max(deepest, 1 - point.reached / peak)
    return min(max(deepest, ZERO), Decimal(1))


def months_of(points: Sequence[PointSeen], period: Period) -> Iterator[tuple[int, int, Decimal]]:
    """Give each month of the period that has a return, oldest first: year, month, ratio."""
    if not points:
        return
    for month in reversed(list(months_between(period.since, period.last_moment))):
        inside = Period(month.name, month.kind, max(month.since, period.since), min(month.until, period.until))
        ratio = ratio_in(points, inside)
        if ratio is not None:
            yield month.since.year, month.since.month, ratio
