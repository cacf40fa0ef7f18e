"""One instrument's positions in arrays: who holds how much of it, sorted by holder.

Sorted, so that a holder's quantity is found by bisection without a table beside it, and memory is read in order.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indexes = NDArray[np.intp]

_ROWS_MIN = 8
_T = TypeVar("_T", bound=np.generic)


class Column:
    """Signed quantities of one instrument; `holders` and `qtys` are views of the rows in use."""

    def __init__(self, holders: Indexes, qtys: Floats) -> None:
        self._count = len(holders)
        self._all_holders, self._all_qtys = holders, qtys
        self._view()

    @classmethod
    def empty(cls) -> Column:
        """Return a column that nobody is in."""
        return cls(np.empty(0, np.intp), np.empty(0))

    def __len__(self) -> int:
        return self._count

    def qty_of(self, holder: int) -> float:
        """Return a holder's quantity, zero where there is none."""
        place = int(self.holders.searchsorted(holder))
        return float(self.qtys[place]) if self._held_at(place, holder) else 0.0

    def put(self, holder: int, qty: float) -> float:
        """Set a holder's quantity and return the one before; at zero the row goes."""
        place = int(self.holders.searchsorted(holder))
        if not self._held_at(place, holder):
            if qty:
                self._insert(place, holder, qty)
            return 0.0
        before = float(self.qtys[place])
        if qty:
            self.qtys[place] = qty
        else:
            self._delete(place)
        return before

    def _held_at(self, place: int, holder: int) -> bool:
        return place < self._count and bool(self.holders[place] == holder)

    def _insert(self, place: int, holder: int, qty: float) -> None:
        if self._count == len(self._all_holders):
            rows = max(_ROWS_MIN, 2 * self._count)
            self._all_holders = longer(self._all_holders, rows, 0)
            self._all_qtys = longer(self._all_qtys, rows, 0.0)
        for rows_of, value in ((self._all_holders, holder), (self._all_qtys, qty)):
            rows_of[place + 1 : self._count + 1] = rows_of[place : self._count]
            rows_of[place] = value
        self._count += 1
        self._view()

    def _delete(self, place: int) -> None:
        for rows_of in (self._all_holders, self._all_qtys):
            rows_of[place : self._count - 1] = rows_of[place + 1 : self._count]
        self._count -= 1
        self._view()

    def _view(self) -> None:
        self.holders = self._all_holders[: self._count]
        self.qtys = self._all_qtys[: self._count]


def longer(array: NDArray[_T], length: int, fill: object) -> NDArray[_T]:
    """Return a copy with more room, filled with a value."""
    grown = np.full(length, fill, array.dtype)
    grown[: len(array)] = array
    return grown
