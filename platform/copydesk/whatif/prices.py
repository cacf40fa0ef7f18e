"""Prices of a past on a grid of moments, so that what is held can be valued many moments at a time. Pure.

Between two known prices of an instrument the earlier one holds; before its first, the first.
"""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np

from copydesk.whatif.model import Floats, MarkLine, Past, Whole

MINUTE_S = 60
# So many prices are looked at, at most: a long past of many instruments is followed by every second minute, or third.
_PRICES_MAX = 100_000


def grid_step_s(since: datetime, until: datetime, instruments: int) -> int:
    """Return how far the moments of a grid lie apart: a minute, or a whole number of minutes."""
    minutes = max(int((until - since).total_seconds()), 0) // MINUTE_S + 1
    return MINUTE_S * math.ceil(minutes * max(instruments, 1) / _PRICES_MAX)


class Prices:
    """What every instrument of a past was worth at each moment of the grid."""

    def __init__(self, past: Past) -> None:
        self._told = _told(past)
        self._start_s = int(past.since.timestamp())
        span_s = max(int(past.until.timestamp()) - self._start_s, 0)
        self.step_s = grid_step_s(past.since, past.until, len(self._told))
        self.moments = span_s // self.step_s + 1
        self._at_s: Whole = self._start_s + self.step_s * np.arange(self.moments, dtype=np.int64)
        self._lines: dict[str, Floats] = {}
        self._spans: dict[tuple[str, int, int], tuple[float, float]] = {}

    def moment(self, at: datetime) -> int:
        """Return the newest moment of the grid that is not after a time."""
        return min(max((int(at.timestamp()) - self._start_s) // self.step_s, 0), self.moments - 1)

    def at(self, moment: int) -> datetime:
        """Return the time of a moment."""
        return datetime.fromtimestamp(int(self._at_s[moment]), UTC)

    def line(self, symbol: str) -> Floats:
        """Return an instrument's price at every moment."""
        line = self._lines.get(symbol)
        if line is None:
            told = self._told[symbol]
            newest = np.searchsorted(told.at_s, self._at_s, side="right") - 1
            line = self._lines[symbol] = told.px[np.maximum(newest, 0)]
        return line

    def span(self, symbol: str, first: int, end: int) -> tuple[float, float]:
        """Return an instrument's lowest and highest price at the moments from `first` to before `end`."""
        span = self._spans.get((symbol, first, end))
        if span is None:
            part = self.line(symbol)[first:end]
            span = self._spans[symbol, first, end] = float(part.min()), float(part.max())
        return span

    def last(self, symbol: str) -> Decimal:
        """Return the newest price of an instrument that is known at all."""
        return exact(self._told[symbol].px[-1])


def exact(value: float) -> Decimal:
    """Return a price or an amount as a decimal, as it would be written."""
    return Decimal(repr(float(value)))


def _told(past: Past) -> dict[str, MarkLine]:
    """Return the prices of every instrument that was traded: the marks, and what the leader traded at."""
    traded: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for signal in past.signals:
        if signal.px > 0:
            traded[signal.symbol].append((int(signal.venue_at.timestamp()), float(signal.px)))
    return {symbol: _joined(past.marks.get(symbol), own) for symbol, own in traded.items()}


def _joined(marks: MarkLine | None, traded: list[tuple[int, float]]) -> MarkLine:
    at_s = np.array([at for at, _ in traded], dtype=np.int64)
    px = np.array([price for _, price in traded], dtype=np.float64)
    if marks is not None:
        usable = np.isfinite(marks.px) & (marks.px > 0)
        at_s, px = np.concatenate([marks.at_s[usable], at_s]), np.concatenate([marks.px[usable], px])
    order = np.argsort(at_s, kind="stable")
    return MarkLine(at_s[order], px[order])
