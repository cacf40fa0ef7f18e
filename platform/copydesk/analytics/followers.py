"""What followers really got out of a strategy: their results, how near they came to it, and how well copying worked.

Pure. One number a follower comes in, for the whole strategy go out; what nobody can tell yet is None.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from copydesk.analytics.judgment import FOLLOWERS_MIN
from copydesk.analytics.record import Floats

# The bounds of the histogram's bars; the first and the last bar are open outwards.
EDGES = (-0.5, -0.3, -0.2, -0.1, -0.05, 0.0, 0.05, 0.1, 0.2, 0.3, 0.5)


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many followers had what result: `counts[0]` below `edges[0]`, `counts[n]` from `edges[n - 1]` on."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Truth:
    """What copying a strategy was worth. Ratios are fractions; every name but `histogram` is a key of `FIGURES`.

    Of fewer than `FOLLOWERS_MIN` results nothing is told but how many there are.
    """

    followers: int
    follower_return: float | None
    follower_return_low: float | None
    follower_return_high: float | None
    followers_in_profit: float | None
    tracking_difference: float | None
    copy_success: float | None
    slippage_bps: float | None
    latency_ms: float | None
    histogram: Histogram

    def to_json(self) -> dict[str, float | int | None]:
        """Return the figures by their names, without the histogram."""
        return {name: getattr(self, name) for name in self.__slots__ if name != "histogram"}


def truth_of(
    *,
    results: Iterable[float | None],
    differences: Iterable[float | None] = (),
    copies_done: int = 0,
    copies_due: int = 0,
    slippage_bps: Iterable[float | None] = (),
    latency_ms: Iterable[float | None] = (),
) -> Truth:
    """Sum up followers' money-weighted `results` and tracking `differences`, one each, and the copies' quality.

    `copies_due` leaves out copies that had nothing to do. None and what is no number are left out.
    """
    counted = _known(results)
    known = _of_enough(counted)
    low, middle, high = np.percentile(known, [25, 50, 75]).tolist() if len(known) else (None, None, None)
    bars = np.bincount(np.searchsorted(EDGES, known, "right"), minlength=len(EDGES) + 1)
    return Truth(
        followers=len(counted),
        follower_return=middle,
        follower_return_low=low,
        follower_return_high=high,
        followers_in_profit=float((known > 0).mean()) if len(known) else None,
        tracking_difference=_median(_of_enough(_known(differences))),
        copy_success=min(copies_done / copies_due, 1.0) if copies_due > 0 else None,
        slippage_bps=_median(slippage_bps),
        latency_ms=_median(latency_ms),
        histogram=Histogram(EDGES, tuple(bars.tolist())),
    )


def tracking_difference(follower: float | None, strategy: float | None) -> float | None:
    """Return by how much a follower's time-weighted return differs from the strategy's over the same time."""
    return None if follower is None or strategy is None else follower - strategy


def _median(values: Iterable[float | None]) -> float | None:
    known = _known(values)
    return float(np.median(known)) if len(known) else None


def _of_enough(results: Floats) -> Floats:
    """Return results of one follower each, none at all where they are too few to be told."""
    return results if len(results) >= FOLLOWERS_MIN else results[:0]


def _known(values: Iterable[float | None]) -> Floats:
    told = np.array([value for value in values if value is not None], float)
    known: Floats = told[np.isfinite(told)]
    return known
