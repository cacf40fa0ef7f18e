"""Where a record's index stands: its newest point, its peak, the deepest fall and the time under water. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from copydesk.analytics.record import DUST, Floats, Whole, chained, is_below


@dataclass(frozen=True, slots=True)
class Curve:
    """The index up to its newest point.

    `began` is false until the account has money: what lies before is no record. `equity_max` is the most ever held,
    `peak_s` when the highest index was reached last, `under_s_max` the longest time between two such moments with
    something lower in between, the time now under water left out.
    """

    began: bool
    point_s: int
    equity: float
    equity_max: float
    index: float = 1.0
    peak: float = 1.0
    peak_s: int = 0
    deepest: float = 0.0
    under_s_max: int = 0

    @classmethod
    def start(cls, at_s: int, equity: float) -> Curve:
        return cls(equity >= DUST, at_s, equity, equity, peak_s=at_s)

    def at(self, equity: float) -> float:
        """Return the index if the account were worth `equity` now, with nothing paid in since the newest point."""
        if not self.began:
            return 1.0
        grown = chained(
            np.array([equity]), np.zeros(1), equity_before=self.equity, equity_max=self.equity_max, index=self.index
        )
        return float(grown[1])


def extended(curve: Curve, at_s: Whole, equity: Floats, flow: Floats) -> tuple[Curve, Floats]:
    """Take a curve that began on by points after its newest; return it with the index at each."""
    if not len(at_s):
        return curve, np.empty(0)
    index = chained(equity, flow, equity_before=curve.equity, equity_max=curve.equity_max, index=curve.index)[1:]
    peak = np.maximum(np.maximum.accumulate(index), curve.peak)
    at_peak = np.flatnonzero(~is_below(index, peak))
    # The old peak stands before the first point, one place further off if the curve fell from it already.
    places = np.concatenate([[-1 - is_below(curve.index, curve.peak)], at_peak])
    moments = np.concatenate([[curve.peak_s], at_s[at_peak]])
    under_s = np.where(np.diff(places) > 1, np.diff(moments), 0)
    taken = Curve(
        began=True,
        point_s=int(at_s[-1]),
        equity=float(equity[-1]),
        equity_max=max(float(equity.max()), curve.equity_max),
        index=float(index[-1]),
        peak=float(peak[-1]),
        peak_s=int(moments[-1]),
        deepest=max(float((1.0 - index / peak).max()), curve.deepest),
        under_s_max=max(int(under_s.max(initial=0)), curve.under_s_max),
    )
    return taken, index
