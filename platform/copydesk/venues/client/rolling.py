"""A limit that an exchange counts over the last seconds, whenever they began: nothing is forgotten at a border. Pure.

Use is kept in slices of the period, and a slice counts until the period after its end is over. Leases are lent by
fixed windows as ever (see `windows`): a process that used one in the last window goes on saying that it holds as much
until its use is a period old.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from copydesk.venues.client.windows import Bounds, Statement, Window

SLICES = 10


class _Slice(NamedTuple):
    """What was used, and told, in one slice of time."""

    number: int
    used: int
    told: int


class RollingWindow(Window):
    """Count one limit over the last `period_s` seconds, and a slice more."""

    __slots__ = ("_now_slice", "_past", "_slice_s", "_told_before", "_used_before")

    def __init__(self, bounds: Bounds) -> None:
        super().__init__(bounds)
        self._slice_s = bounds.period_s / SLICES
        self._past: deque[_Slice] = deque()
        self._now_slice = 0
        self._used_before = self._told_before = 0

    def statement(self, now: float) -> Statement:
        """Say that nothing of what is held is spent: whoever opens the next window must count it as on its way.

        What was told is not passed on: told again by others it would never grow old.
        """
        return super().statement(now)._replace(spent=0, told=0)

    def _left_s(self, now: float) -> float:
        oldest = self._past[0].number if self._past else self._now_slice
        return max((oldest + 1 + SLICES) * self._slice_s - now, self._slice_s)

    def _turn(self, now: float) -> None:
        if self._from <= now < self._until:
            return
        used, told = self._used - self._used_before, self._told - self._told_before
        if used or told:
            self._past.append(_Slice(self._now_slice, used, told))
        number = self._now_slice = int(now // self._slice_s)
        while self._past and self._past[0].number + 1 + SLICES <= number:
            self._past.popleft()
        # A clock that was set back a little forgets nothing.
        self._from, self._until = (number - SLICES) * self._slice_s, (number + 1) * self._slice_s
        self._used = self._used_before = sum(past.used for past in self._past)
        self._told = self._told_before = sum(past.told for past in self._past)
        index = number // SLICES
        if index != self._index:
            self._index = index
            self._end_leases()
