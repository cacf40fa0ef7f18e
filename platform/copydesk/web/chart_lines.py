"""Corners of lines as SVG writes them: hundreds of them on one page, which templates would take long to spell. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

Values = Sequence[float] | Sequence[Decimal]


def chart_points(values: Values, width: float, top: float, height: float) -> str:
    """Spread values over a width, the lowest at the bottom of the height; all alike lie in its middle."""
    low, high = float(min(values)), float(max(values))
    step, span = width / max(len(values) - 1, 1), high - low
    heights = ((float(value) - low) / span * height if span else height / 2 for value in values)
    return " ".join(f"{place * step:.1f},{top + height - tall:.1f}" for place, tall in enumerate(heights))


def chart_depths(falls: Values, width: float, top: float, height: float) -> str:
    """Let falls hang down from a line: shares from 0 to 1, the deepest as deep as the height."""
    worst, step = float(max(falls)), width / max(len(falls) - 1, 1)
    deep = (float(fall) / worst * height if worst else 0.0 for fall in falls)
    return " ".join(f"{place * step:.1f},{top + depth:.1f}" for place, depth in enumerate(deep))
