"""The days of a past as a brand counts them: where on the grid each begins, and what begins with it. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from copydesk.whatif.model import Floats, Past
from copydesk.whatif.prices import Prices


class Days:
    """The moments of a grid at which days begin, the first moment not among them."""

    def __init__(self, past: Past, prices: Prices, zone: ZoneInfo) -> None:
        self._day = past.since.astimezone(zone).date()
        self._begins: dict[int, date] = {}
        day = self._day + timedelta(days=1)
        while (begins := datetime(day.year, day.month, day.day, tzinfo=zone)) <= past.until:
            self._begins[_first_not_before(prices, begins)] = day
            day += timedelta(days=1)
        self._moments = list(self._begins)

    def pieces(self, first: int, end: int) -> Iterable[tuple[int, int]]:
        """Cut a stretch of moments where days begin."""
        within = self._moments[bisect_right(self._moments, first) : bisect_left(self._moments, end)]
        return pairwise((first, *within, end))

    def begins_within(self, first: int, end: int) -> bool:
        """Tell whether a day begins from one moment to before another."""
        place = bisect_left(self._moments, first)
        return place < len(self._moments) and self._moments[place] < end

    def begun(self, moment: int) -> tuple[str, ...]:
        """Name what begins at a moment: a day, and perhaps a week and a month."""
        day = self._begins.get(moment)
        if day is None:
            return ()
        week = ("week",) if day.weekday() == 0 else ()
        return ("day", *week, *(("month",) if day.day == 1 else ()))

    def changes(self, equity: Floats) -> Iterator[tuple[date, float]]:
        """Return by how much equity changed on each day, from its beginning to the next day's."""
        last, day = float(equity[0]), self._day
        for moment, following in self._begins.items():
            if moment >= len(equity):
                return
            yield day, float(equity[moment]) - last
            last, day = float(equity[moment]), following
        yield day, float(equity[-1]) - last


def _first_not_before(prices: Prices, at: datetime) -> int:
    moment = prices.moment(at)
    return moment if prices.at(moment) >= at else min(moment + 1, prices.moments - 1)
