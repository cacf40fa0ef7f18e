"""Several curves on one ground, each 100 where it begins: coordinates for a drawing, from values alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from copydesk.performance.page import EquityCurve

WIDTH, HEIGHT = 800, 300
_TICKS = 5
_HUNDRED = 100.0
_LEAST_SPAN = 0.02


@dataclass(frozen=True)
class Line:
    """One curve: its number from 1 on, whose it is, its corners as SVG writes them, and where it ends."""

    number: int
    name: str
    points: str
    end: Decimal | None


@dataclass(frozen=True)
class Lines:
    """All curves on one ground; `ticks` are the values of the grid from the top down, `ground` the height of 100."""

    lines: tuple[Line, ...]
    ticks: tuple[Decimal, ...]
    ground: float
    begins_at: datetime
    ends_at: datetime


def lines_of(curves: Sequence[tuple[str, EquityCurve]]) -> Lines | None:
    """Lay curves over each other, by their own moments; None while none has two points.

    A curve keeps its place and number where it has too little to be drawn.
    """
    grown = [(name, curve.at, _growth(curve.index)) for name, curve in curves]
    drawn = [(at, values) for _, at, values in grown if len(values) > 1]
    if not drawn:
        return None
    begins, ends = min(at[0] for at, _ in drawn), max(at[-1] for at, _ in drawn)
    low, high = _bounds([value for _, values in drawn for value in values])
    span_s = max((ends - begins).total_seconds(), 1.0)

    def corners(at: Sequence[datetime], values: Sequence[float]) -> str:
        return " ".join(
            f"{(moment - begins).total_seconds() / span_s * WIDTH:.1f},{_y(value, low, high):.1f}"
            for moment, value in zip(at, values, strict=True)
        )

    return Lines(
        lines=tuple(
            Line(number, name, corners(at, values) if len(values) > 1 else "", _end(values))
            for number, (name, at, values) in enumerate(grown, 1)
        ),
        ticks=tuple(_exact(high - (high - low) * step / (_TICKS - 1)) for step in range(_TICKS)),
        ground=_y(_HUNDRED, low, high),
        begins_at=begins,
        ends_at=ends,
    )


def _growth(index: Sequence[Decimal]) -> list[float]:
    """Return what 100 became; nothing where the record begins with nothing."""
    if not index or not index[0]:
        return []
    return [float(value / index[0]) * _HUNDRED for value in index]


def _bounds(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(*values, _HUNDRED), max(*values, _HUNDRED)
    room = max((high - low) * 0.05, high * _LEAST_SPAN)
    return max(low - room, 0.0), high + room


def _y(value: float, low: float, high: float) -> float:
    return HEIGHT - (value - low) / (high - low) * HEIGHT


def _end(values: Sequence[float]) -> Decimal | None:
    return _exact(values[-1] / _HUNDRED - 1) if len(values) > 1 else None


def _exact(value: float) -> Decimal:
    return Decimal(str(round(value, 6)))
