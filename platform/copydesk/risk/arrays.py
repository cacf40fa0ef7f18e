"""Equity of every subscription and account in arrays, and who may be past a limit: a screen, never a verdict.

A holder is a subscription (base: allocation and cash) or an account (base: `equity.account_base`); its equity is its
base plus quantities times marks. Positions lie by instrument (`columns`), because a tick concerns one instrument and an
opened position then costs one insertion; a sweep adds the columns up, one after the other.

The monitor confirms each suspect in Decimal (`equity`, `equity_rules`). Nothing is allocated while nothing changes, but
for the list of suspects.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from copydesk.risk.columns import Column, Flags, Floats, Indexes
from copydesk.risk.holders import HolderRows, Holders
from copydesk.risk.levels import Levels

# How many times up or down a mark may go on ticks alone before everything is valued anew (see `holders.SLACK`).
_FOLD_MAX = 1000.0
_HOLDERS_MIN = 16
_NONE = np.empty(0, np.intp)


class PositionRows(NamedTuple):
    """Positions to start with, at most one of a holder and instrument; `qty` is signed, in base units."""

    holder: Indexes
    instrument: Indexes
    qty: Floats


class RiskBook:
    """Holders, their positions, and the marks that they were last valued at. Holders and instruments are indexes.

    Indexes of removed holders are given out again. Marks are quote currency for one base unit; NaN is a mark that is
    not known, and whoever holds that instrument is no suspect until it is. Rows to start with are valued by the first
    sweep.
    """

    def __init__(self, holders: HolderRows, positions: PositionRows, instruments: int) -> None:
        count = len(holders.base)
        self._holders = Holders.of(holders, max(_HOLDERS_MIN, count))
        self._free = list(range(self._holders.room - 1, count - 1, -1))
        self._columns = _columns(positions, instruments)
        self._marks = [math.nan] * instruments
        self._swept = [math.nan] * instruments
        self._make_buffers()

    @classmethod
    def empty(cls) -> RiskBook:
        """Return a book without holders and instruments."""
        none = np.empty(0)
        return cls(HolderRows(none, none, none, none, none, none), PositionRows(_NONE, _NONE, none), 0)

    @property
    def positions(self) -> int:
        return sum(map(len, self._columns))

    @property
    def instruments(self) -> int:
        return len(self._columns)

    def add_instrument(self) -> int:
        """Make room for one more instrument, whose mark is not known yet, and return its index."""
        self._columns.append(Column.empty())
        self._marks.append(math.nan)
        self._swept.append(math.nan)
        return len(self._columns) - 1

    def add_holder(
        self, base: Decimal, peak: Decimal, levels: Levels, positions: Iterable[tuple[int, Decimal]] = ()
    ) -> int:
        """Take a holder in with positions of (instrument, signed quantity), and return its index."""
        if not self._free:
            room = self._holders.room
            self._holders.grow(2 * room)
            self._free = list(range(2 * room - 1, room - 1, -1))
            self._make_buffers()
        holder = self._free.pop()
        self._holders.put(holder, base=float(base), peak=float(peak), levels=levels)
        for instrument, qty in positions:
            self.set_qty(holder, instrument, qty)
        return holder

    def remove_holder(self, holder: int) -> None:
        """Forget a holder and all its positions."""
        for column in self._columns:
            column.put(holder, 0.0)
        self._holders.put(holder, base=math.nan, peak=math.nan, levels=Levels())
        self._free.append(holder)

    def set_levels(self, holder: int, levels: Levels, peak: Decimal) -> None:
        """Say from where on a holder is suspected, and which peak its trailing levels follow."""
        self._holders.put_levels(holder, float(peak), levels)

    def set_base(self, holder: int, base: Decimal) -> None:
        """Set what a holder's equity is beside its positions, as after a fill, a fee or funding."""
        rows, value = self._holders, float(base)
        rows.change(holder, value - float(rows.base[holder]))
        rows.base[holder] = value
        rows.draw_line(holder)

    def set_qty(self, holder: int, instrument: int, qty: Decimal) -> None:
        """Set a holder's signed quantity of an instrument; zero ends the position."""
        value, mark = float(qty), self._marks[instrument]
        before = self._columns[instrument].put(holder, value)
        if math.isnan(mark):
            self._holders.unmarked[holder] = self._lacks_mark(holder)
        else:
            self._holders.change(holder, (value - before) * mark)
        self._holders.draw_line(holder)

    def equity(self, holder: int) -> float:
        """Return a holder's equity at the newest marks, as far as they are known; rounded, for showing and sorting."""
        return float(self._holders.equity[holder])

    def exposure(self, holder: int) -> float:
        """Return the gross worth of a holder's positions at the last sweep; rounded, for showing and sorting."""
        return float(self._holders.gross[holder])

    def peak(self, holder: int) -> Decimal:
        """Return how high sweeps have let a holder's peak rise; what is recorded as its peak, to the last digit."""
        return Decimal(float(self._holders.peak[holder]))

    def tick(self, instrument: int, px: float) -> Indexes:
        """Take a mark in and return who of the instrument's holders may be past a level; peaks stay.

        A mark that comes or goes, or is out of all proportion to the last sweep's, costs a whole sweep.
        """
        before, swept = self._marks[instrument], self._swept[instrument]
        self._marks[instrument] = px = px if math.isfinite(px) else math.nan
        if math.isnan(before) or not swept / _FOLD_MAX <= px <= swept * _FOLD_MAX:
            return self._sweep(None)
        column, rows = self._columns[instrument], self._holders
        count, held = len(column), column.holders
        equity, line = self._equity_buffer[:count], self._line_buffer[:count]
        hit, above = self._hit_buffer[:count], self._above_buffer[:count]
        np.multiply(column.qtys, px - before, out=line)
        rows.equity.take(held, out=equity, mode="clip")
        np.add(equity, line, out=equity)
        rows.equity[held] = equity
        rows.low.take(held, out=line, mode="clip")
        np.less(equity, line, out=hit)
        rows.high.take(held, out=line, mode="clip")
        np.greater(equity, line, out=above)
        np.logical_or(hit, above, out=hit)
        return held[hit] if hit.any() else _NONE

    def sweep(
        self,
        marks: Sequence[float] | Floats,
        trusted: Sequence[bool] | Flags | None = None,
        *,
        behind: Sequence[int] = (),
    ) -> Indexes:
        """Value everything anew and return who may be past a level, in ascending order.

        Peaks rise only where `trusted` holds for every instrument of a holder: a wrong price must not leave a peak
        behind that fires later. Nor do those of holders whose prices are `behind`. Without `trusted` no peak moves.
        """
        assert len(marks) == len(self._columns), "a mark for every instrument"
        self._marks[:] = [px if math.isfinite(px) else math.nan for px in map(float, marks)]
        return self._sweep(trusted, behind)

    def _sweep(self, trusted: Sequence[bool] | Flags | None, behind: Sequence[int] = ()) -> Indexes:
        rows = self._holders
        rows.begin_sweep()
        self._swept[:] = self._marks
        for column, px in zip(self._columns, self._marks, strict=True):
            self._value(column, px)
        if trusted is not None:
            rows.unsettled.fill(False)
            for instrument in np.flatnonzero(np.logical_not(trusted)):
                rows.unsettled[self._columns[instrument].holders] = True
            for holder in behind:
                rows.unsettled[holder] = True
            rows.raise_peaks()
        rows.draw_lines()
        return np.flatnonzero(rows.hit) if rows.mark_past() else _NONE

    def _value(self, column: Column, px: float) -> None:
        rows, held = self._holders, column.holders
        if math.isnan(px):
            rows.unmarked[held] = True
            return
        worth = self._equity_buffer[: len(column)]
        np.multiply(column.qtys, px, out=worth)
        np.add.at(rows.equity, held, worth)
        np.abs(worth, out=worth)
        np.add.at(rows.gross, held, worth)

    def _lacks_mark(self, holder: int) -> bool:
        pairs = zip(self._columns, self._marks, strict=True)
        return any(math.isnan(px) and column.qty_of(holder) for column, px in pairs)

    def _make_buffers(self) -> None:
        """Make room for the longest column there can be, one row of each holder."""
        room = self._holders.room
        self._equity_buffer, self._line_buffer = np.empty(room), np.empty(room)
        self._hit_buffer, self._above_buffer = np.empty(room, bool), np.empty(room, bool)


def _columns(positions: PositionRows, instruments: int) -> list[Column]:
    order = np.lexsort((positions.holder, positions.instrument))
    holder = np.asarray(positions.holder, np.intp)[order]
    instrument = np.asarray(positions.instrument, np.intp)[order]
    qty = np.asarray(positions.qty, np.float64)[order]
    twice = (instrument[1:] == instrument[:-1]) & (holder[1:] == holder[:-1])
    assert not twice.any(), "one row of a holder and instrument"
    ends = np.searchsorted(instrument, np.arange(instruments + 1))
    return [Column(holder[start:end].copy(), qty[start:end].copy()) for start, end in pairwise(ends.tolist())]
