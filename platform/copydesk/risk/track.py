"""What the guard of a strategy has to remember of its equity: a handful of points, however many there were. Pure.

Equity points tell nothing of payments. What the account gained or lost between two points close to each other, without
a trade and far beyond what prices can do to what it holds, is taken for one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from zoneinfo import ZoneInfo

from copydesk.kernel import ZERO
from copydesk.risk.guard import EquityPoint, Worth, next_worth, window_start
from copydesk.risk.model import Window

# A payment is told from a loss only between points that are no further apart, ...
FLOW_WITHIN = timedelta(minutes=10)
# ... and where prices would have had to move by more than this.
MOVE_MAX = Decimal("0.25")
_WINDOWS = (Window.DAY, Window.WEEK, Window.MONTH)
_HEIGHTS: Mapping[str, Callable[[Worth], Decimal]] = MappingProxyType(
    {"unit": lambda worth: worth.unit, "earned": lambda worth: worth.earned}
)


def flow_between(before: EquityPoint, at: datetime, equity: Decimal, *, traded: bool, exposure: Decimal) -> Decimal:
    """Return what was paid in between two points (below zero: taken out), as far as that is beyond doubt; else zero.

    `exposure` is what the account's positions were worth. The whole equity may be in coins that move as well.
    """
    moved = equity - before.equity
    if traded or at - before.at > FLOW_WITHIN:
        return ZERO
    return moved if abs(moved) > MOVE_MAX * max(exposure, before.equity) else ZERO


class Track:
    """The points of one strategy that limits are judged by: the first, the highest, where windows begin, the newest.

    Points are seen in the order of time, and trades before the points that come after them.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._point: EquityPoint | None = None
        self._worth: Worth | None = None
        self._kept: dict[str, Worth] = {}
        self._starts: Mapping[Window, datetime | None] = MappingProxyType({})
        self._positions: dict[tuple[str, str], Decimal] = {}
        self._traded = False

    @property
    def last(self) -> EquityPoint | None:
        """Return the newest point, None before the first."""
        return self._point

    @property
    def unit(self) -> Decimal | None:
        """Return the value of one unit now, which began at one; None before the first point."""
        return None if self._worth is None else self._worth.unit

    @property
    def worths(self) -> tuple[Worth, ...]:
        """Return the points to judge by, in the order of time."""
        kept = {*self._kept.values(), *(() if self._worth is None else (self._worth,))}
        return tuple(sorted(kept))

    def trade(self, symbol: str, position_side: str, value: Decimal) -> None:
        """Note a trade that left a position worth `value`, without a sign, in quote currency."""
        self._positions[symbol, position_side] = value
        self._traded = True

    def see(self, at: datetime, equity: Decimal) -> None:
        """Take in the next point; one that is not newer says nothing."""
        before, worth = self._point, self._worth
        if before is None or worth is None:
            self._point, self._worth = EquityPoint(at, equity), Worth(at, Decimal(1), equity)
            self._kept["first"] = self._worth
        elif at > before.at:
            exposure = sum(self._positions.values(), ZERO)
            flow = flow_between(before, at, equity, traded=self._traded, exposure=exposure)
            self._point = EquityPoint(at, equity, flow)
            self._worth = next_worth(worth, before.equity, self._point)
        else:
            return
        self._traded = False
        self._keep(worth, self._worth)

    def _keep(self, before: Worth | None, worth: Worth) -> None:
        starts = {window: window_start(window, worth.at, self._zone) for window in _WINDOWS}
        for window, start in starts.items():
            if start != self._starts.get(window):
                # What stood when the window began: the point at that very moment, else the last one before it.
                self._kept[window] = worth if before is None or worth.at == start else before
        self._starts = starts
        for name, height in _HEIGHTS.items():
            known = self._kept.get(name)
            if known is None or height(worth) >= height(known):
                self._kept[name] = worth
