"""Equity out of raw rows: fills, costs, money paid in or out, and one price a minute. Pure, vectorised.

Equity is cash plus what is open at its newest known price (a minute mark, or a fill that came after it). Cash falls by
what is bought and rises by what is sold, so spot and perpetual, long and short come to the same formula: for a
perpetual the purchase and the position's worth cancel out to profit and loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from copydesk.analytics.record import Floats, Whole
from copydesk.analytics.rows import Costs, Fills, no_amounts, no_times

MINUTE_S, HOUR_S = 60, 3_600


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """Prices of one instrument, one a minute; a price counts from the whole minute at or after `at_s` on."""

    at_s: Whole
    px: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Flows:
    """Money paid in (above zero) or taken out (below), which is no performance."""

    at_s: Whole = field(default_factory=no_times)
    amount: Floats = field(default_factory=no_amounts)


@dataclass(frozen=True, slots=True, eq=False)
class Raw:
    """Rows as they were stored, in any order. Instruments are places in `symbols`, whose order may differ each time.

    Broken rows (no quantity, no price, not a number) count as nothing; a fill given twice counts once.
    """

    fills: Fills
    symbols: tuple[str, ...]
    marks: Mapping[int, Marks] = field(default_factory=dict)
    flows: Flows = field(default_factory=Flows)
    costs: Costs = field(default_factory=Costs)


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Points of equity, oldest first, each whole second once; arrays of one length.

    A point is made at each minute with a new price of what is open or after a fill, and in the second in which all
    became flat, money was paid in or out, or a cost was paid. `flow` is what was paid in that second, `open_count` how
    many instruments are held after it, `exposure` their worth with longs and shorts added up. `index` is that of
    `Record`.
    """

    at_s: Whole
    equity: Floats
    flow: Floats
    open_count: Whole
    exposure: Floats
    index: Floats

    def __len__(self) -> int:
        return len(self.at_s)


@dataclass(frozen=True, slots=True, eq=False)
class Rolled:
    """Points of a coarser grain: `at_s` is where the span begins; a point at its very end still belongs to it."""

    at_s: Whole
    equity: Floats
    flow: Floats
    index_close: Floats
    index_low: Floats
    index_high: Floats


def rolled(series: Series, step_s: int) -> Rolled:
    """Sum points up to spans of `step_s` seconds (60, 3,600 or 86,400); spans without a point are left out."""
    spans = (series.at_s - 1) // step_s
    starts = np.flatnonzero(np.diff(spans, prepend=spans[:1] - 1)) if len(spans) else np.empty(0, np.intp)
    if not len(starts):
        return Rolled(no_times(), *(no_amounts() for _ in range(5)))
    ends = np.append(starts[1:], len(spans)) - 1
    return Rolled(
        at_s=spans[starts] * step_s,
        equity=series.equity[ends],
        flow=np.add.reduceat(series.flow, starts),
        index_close=series.index[ends],
        index_low=np.minimum.reduceat(series.index, starts),
        index_high=np.maximum.reduceat(series.index, starts),
    )
