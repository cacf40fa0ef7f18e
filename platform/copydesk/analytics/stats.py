"""What daily returns sum up to, and the ratios that a strategy is judged by, with their formulas. Pure.

Figures that cannot be told are None, never a number that looks like one: no figure here is ever NaN or infinite.
Formulas, sources and what differs from other libraries: platform/docs/algorithms/metrics.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from copydesk.analytics.record import Floats

# Crypto trades every day of the year.
DAYS_A_YEAR = 365
WINDOWS = (7, 30, 90, 180, 365)
# What varies or falls by less than this does not.
_FLAT = 1e-12
# Growth beyond e to the power of this is not told.
_LOG_MAX = 230.0


@dataclass(frozen=True, slots=True)
class Moments:
    """What daily returns sum up to: enough for every ratio, and small enough to be stored.

    `mean`, and `spread` the sum of squared distances from it; `downside` the sum of squared losses; `end` is the index
    after the last day, `peak` and `deepest` its highest close and its deepest fall from one.
    """

    count: int = 0
    mean: float = 0.0
    spread: float = 0.0
    downside: float = 0.0
    end: float = 1.0
    peak: float = 1.0
    deepest: float = 0.0


def more(moments: Moments, closes: Floats) -> Moments:
    """Add days by the index at their ends. What was lost for good ends the series: nothing can be earned after it.

    Means and spreads of both parts are joined without their days (Chan, Golub and LeVeque, 1979).
    """
    lost = np.flatnonzero(closes <= 0)
    closes = closes[: int(lost[0]) + 1] if len(lost) else closes
    if moments.end <= 0 or not len(closes):
        return moments
    daily = closes / np.concatenate([[moments.end], closes[:-1]]) - 1.0
    mean, count = float(daily.mean()), moments.count + len(daily)
    apart = mean - moments.mean
    peak = np.maximum(np.maximum.accumulate(closes), moments.peak)
    return Moments(
        count=count,
        mean=moments.mean + apart * len(daily) / count,
        spread=moments.spread + float(((daily - mean) ** 2).sum()) + apart**2 * moments.count * len(daily) / count,
        downside=moments.downside + float((np.minimum(daily, 0.0) ** 2).sum()),
        end=float(closes[-1]),
        peak=float(peak[-1]),
        deepest=max(float((1.0 - closes / peak).max()), moments.deepest),
    )


def volatility(moments: Moments) -> float | None:
    """Return the standard deviation of daily returns (sample, n − 1), by the year."""
    return _deviation(moments) * math.sqrt(DAYS_A_YEAR) if moments.count > 1 else None


def sharpe(moments: Moments) -> float | None:
    """Return mean over standard deviation of daily returns, by the year, without a risk-free rate (Sharpe, 1994)."""
    spread = _deviation(moments) if moments.count > 1 else 0.0
    return None if spread < _FLAT else moments.mean / spread * math.sqrt(DAYS_A_YEAR)


def sortino(moments: Moments) -> float | None:
    """Return mean over downside deviation (root of the mean square of losses, over all days), by the year."""
    downside = math.sqrt(moments.downside / moments.count) if moments.count > 1 else 0.0
    return None if downside < _FLAT else moments.mean / downside * math.sqrt(DAYS_A_YEAR)


def annual_return(moments: Moments) -> float | None:
    """Return the compound growth by the year that gives the same end."""
    if not moments.count:
        return None
    grown = math.log(moments.end) * DAYS_A_YEAR / moments.count if moments.end > 0 else -math.inf
    return None if grown > _LOG_MAX else math.exp(grown) - 1.0


def calmar(moments: Moments) -> float | None:
    """Return the annual return over the greatest drawdown, both of daily closes (Young, 1991)."""
    grown = annual_return(moments)
    return None if grown is None or moments.deepest < _FLAT else grown / moments.deepest


def _deviation(moments: Moments) -> float:
    return math.sqrt(moments.spread / (moments.count - 1))
