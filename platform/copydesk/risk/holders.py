"""What is known of each holder, an array for each thing, and from where on it is suspected.

Numbers are float64 and compared with a slack toward suspicion that is far larger than what rounding can be, so that
whoever truly is past a level is among the suspects.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

from copydesk.risk.columns import Flags, Floats, longer
from copydesk.risk.levels import Levels

# Rounding is about 1e-16 of the gross worth for each term and change: this covers hundreds of them while marks have
# moved as far as `arrays` lets them before it sweeps again.
SLACK = 1e-9
_ALL = slice(None)


class HolderRows(NamedTuple):
    """Holders to start with, an array for each field; a level that is not there is NaN (`levels.Levels`)."""

    base: Floats
    peak: Floats
    floor: Floats
    trail_share: Floats
    trail_amount: Floats
    ceiling: Floats


@dataclass(slots=True)
class Holders:
    """The arrays, all of one length. `low` and `high` are levels with slack; NaN is a level that is not there.

    `gross` is the worth of all positions at the last sweep, longs and shorts added up; `churn` is how much was added
    and taken away since. `unmarked` has a position without a mark, `unsettled` one whose mark is not trusted.
    """

    base: Floats
    peak: Floats
    floor: Floats
    trail_share: Floats
    trail_amount: Floats
    ceiling: Floats
    equity: Floats
    gross: Floats
    churn: Floats
    low: Floats
    high: Floats
    work: Floats
    unmarked: Flags
    unsettled: Flags
    hit: Flags
    mask: Flags

    @classmethod
    def of(cls, rows: HolderRows, room: int) -> Holders:
        """Take rows in and make room for more; what is free is NaN and is never suspected."""
        base, peak, floor, share, trail, ceiling = (longer(values, room, np.nan) for values in rows)
        equity, gross, churn, low, high, work = (np.full(room, np.nan) for _ in range(6))
        unmarked, unsettled, hit, mask = (np.zeros(room, bool) for _ in range(4))
        made = cls(
            *(base, peak, floor, share, trail, ceiling),
            *(equity, gross, churn, low, high, work),
            *(unmarked, unsettled, hit, mask),
        )
        made.begin_sweep()
        return made

    @property
    def room(self) -> int:
        return len(self.base)

    def grow(self, room: int) -> None:
        """Make room for more holders."""
        for field in fields(self):
            array = getattr(self, field.name)
            setattr(self, field.name, longer(array, room, False if array.dtype == bool else np.nan))

    def put(self, holder: int, *, base: float, peak: float, levels: Levels) -> None:
        """Begin anew with a holder that has no positions; NaN as base frees its place."""
        for array, value in ((self.base, base), (self.equity, base), (self.gross, 0.0), (self.churn, 0.0)):
            array[holder] = value
        self.unmarked[holder] = False
        self.put_levels(holder, peak, levels)

    def put_levels(self, holder: int, peak: float, levels: Levels) -> None:
        """Set a holder's peak and levels."""
        self.peak[holder] = peak
        for name, level in levels._asdict().items():
            getattr(self, name)[holder] = np.nan if level is None else float(level)
        self.draw_line(holder)

    def change(self, holder: int, amount: float) -> None:
        """Add to a holder's equity. What is added stays in the slack until a sweep values everything anew."""
        self.equity[holder] += amount
        self.churn[holder] += abs(amount)

    def begin_sweep(self) -> None:
        """Go back to equities without positions."""
        np.copyto(self.equity, self.base)
        self.gross.fill(0.0)
        self.churn.fill(0.0)
        self.unmarked.fill(False)

    def raise_peaks(self) -> None:
        """Let peaks follow equities up, but for those that are unsettled or unmarked."""
        np.logical_or(self.unsettled, self.unmarked, out=self.mask)
        np.logical_not(self.mask, out=self.mask)
        np.fmax(self.peak, self.equity, out=self.peak, where=self.mask)

    def draw_line(self, holder: int) -> None:
        """Work one holder's `low` and `high` out."""
        self.draw_lines(slice(holder, holder + 1))

    def draw_lines(self, part: slice = _ALL) -> None:
        """Work `low` and `high` out for everybody, or for some."""
        low, high, work, peak = self.low[part], self.high[part], self.work[part], self.peak[part]
        np.multiply(peak, self.trail_share[part], out=low)
        np.subtract(peak, self.trail_amount[part], out=work)
        np.fmax(low, work, out=low)
        np.fmax(low, self.floor[part], out=low)
        np.abs(self.base[part], out=work)
        np.abs(peak, out=high)
        for size in (high, self.gross[part], self.churn[part]):
            np.add(work, size, out=work)
        np.multiply(work, SLACK, out=work)
        np.add(low, work, out=low)
        np.subtract(self.ceiling[part], work, out=high)
        for line in (low, high):
            np.copyto(line, np.nan, where=self.unmarked[part])

    def mark_past(self) -> bool:
        """Note in `hit` who is past a line, and tell whether anybody is."""
        np.less(self.equity, self.low, out=self.hit)
        np.greater(self.equity, self.high, out=self.mask)
        np.logical_or(self.hit, self.mask, out=self.hit)
        return bool(self.hit.any())
