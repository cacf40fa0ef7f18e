"""High waters of a holder: its best equity, and what it was worth when its day, week and month began. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from copydesk.kernel import ZERO
from copydesk.risk.guard import window_start
from copydesk.risk.model import Window

_WINDOWS = (Window.DAY, Window.WEEK, Window.MONTH)


class Water(NamedTuple):
    """Equity and what was realised since the beginning, both in quote currency, as a window began."""

    equity: Decimal
    realised: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class Waters:
    """The best equity so far, and how the present windows began."""

    peak: Decimal
    day: Water
    week: Water
    month: Water

    @classmethod
    def begun(cls, allocation: Decimal, at: datetime) -> Waters:
        """Return those of a holder that has just begun."""
        water = Water(allocation, ZERO, at)
        return cls(allocation, water, water, water)

    @property
    def windows(self) -> tuple[Water, Water, Water]:
        return self.day, self.week, self.month

    def moved(self, amount: Decimal) -> Waters:
        """Return them as if money that came in (or went out, below zero) had been there from the start."""
        day, week, month = (water._replace(equity=water.equity + amount) for water in self.windows)
        return replace(self, peak=self.peak + amount, day=day, week=week, month=month)


def rolled(waters: Waters, zone: str, *, worth: Decimal, realised: Decimal, now: datetime) -> Waters:
    """Begin every window anew that has ended by now, in the brand's time zone; the same object where none has."""
    fresh = [
        Water(worth, realised, now)
        if (start := window_start(window, now, _zone(zone))) is not None and water.at < start
        else water
        for window, water in zip(_WINDOWS, waters.windows, strict=True)
    ]
    return waters if tuple(fresh) == waters.windows else Waters(waters.peak, *fresh)


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
