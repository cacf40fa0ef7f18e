"""Curves in one line of text each. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

_BARS = "▁▂▃▄▅▆▇█"


class Point(NamedTuple):
    """A value and since when it held."""

    at: datetime
    value: Decimal


def sampled(points: Sequence[Point], *, begin: datetime, end: datetime, first: Decimal, count: int) -> list[Decimal]:
    """Return a curve at `count` times, evenly from begin to end; before its first point it is `first`.

    Points are in the order of time, and each holds until the next.
    """
    times = [point.at for point in points]
    step = (end - begin) / max(count - 1, 1)
    places = [bisect_right(times, end if number == count - 1 else begin + step * number) for number in range(count)]
    return [points[place - 1].value if place else first for place in places]


def bars(values: Sequence[Decimal], *, low: Decimal, high: Decimal) -> str:
    """Draw values between low and high, one character each; what does not move lies at the bottom."""
    room = high - low
    tops = len(_BARS) - 1
    return "".join(_BARS[int((value - low) / room * tops) if room else 0] for value in values)
