"""Return and risk of a record of equity: every figure that a strategy is judged by, with its formula. Pure.

Figures that cannot be told are None, never a number that looks like one: no figure here is ever NaN or infinite.
Formulas, sources and what differs from other libraries: platform/docs/algorithms/metrics.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from copydesk.analytics.record import DAY_S, Floats, Record, Whole, is_below

# Crypto trades every day of the year.
DAYS_A_YEAR = 365
WINDOWS = (7, 30, 90, 180, 365)
# What varies or falls by less than this does not.
_FLAT = 1e-12
# Growth beyond e to the power of this is not told.
_LOG_MAX = 230.0


@dataclass(frozen=True, slots=True)
class Risk:
    """What a record risked for what it returned. Ratios are fractions (0.12 is 12 %).

    `drawdown_*` are falls of the index from its highest point so far, floating losses included, 0 to 1.
    `under_water_days` is how long the highest point has not been reached again, now and at the longest.
    `volatility` and what is built on it are of daily returns, by the year.
    """

    return_all: float | None
    returns: dict[int, float | None]
    drawdown_now: float | None
    drawdown_max: float | None
    under_water_days: float | None
    under_water_days_max: float | None
    volatility: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None


def risk_of(record: Record, *, now_s: int) -> Risk:
    """Return every figure of a record as it stands at `now_s`."""
    fallen = drawdowns(record.index)
    days = moments_of(daily_returns(record, now_s=now_s))
    now_days, most_days = under_water(record, now_s=now_s)
    return Risk(
        return_all=return_between(record),
        returns={days: return_over(record, days, now_s=now_s) for days in WINDOWS},
        drawdown_now=float(fallen[-1]) if len(fallen) else None,
        drawdown_max=float(fallen.max()) if len(fallen) else None,
        under_water_days=now_days,
        under_water_days_max=most_days,
        volatility=volatility(days),
        sharpe=sharpe(days),
        sortino=sortino(days),
        calmar=calmar(days),
    )


def return_between(record: Record, from_s: int | None = None, to_s: int | None = None) -> float | None:
    """Return what the record earned between two moments: the index then over the index before, less one.

    Each moment counts with the last point at or before it. None where the record had not begun, or all was lost.
    """
    if not len(record.index):
        return None
    first = 0 if from_s is None else int(np.searchsorted(record.at_s, from_s, "right")) - 1
    last = len(record.index) - 1 if to_s is None else int(np.searchsorted(record.at_s, to_s, "right")) - 1
    if first < 0 or last < first or record.index[first] <= 0:
        return None
    return float(record.index[last] / record.index[first]) - 1


def return_over(record: Record, days: int, *, now_s: int) -> float | None:
    """Return what was earned in the last days; None while the record is shorter than that."""
    return return_between(record, now_s - days * DAY_S, now_s)


def drawdowns(index: Floats) -> Floats:
    """Return, for each point, how far it lies below the highest point so far: 0 at a peak, 1 when all is lost."""
    return 1.0 - index / np.maximum.accumulate(index) if len(index) else index


def under_water(record: Record, *, now_s: int) -> tuple[float | None, float | None]:
    """Return for how many days the highest point has not been reached again: until now, and the longest such time."""
    if not len(record.index):
        return None, None
    peak = np.maximum.accumulate(record.index)
    at_peak = np.flatnonzero(~is_below(record.index, peak))
    moments = np.append(record.at_s[at_peak], now_s)
    below = np.append(np.diff(at_peak) > 1, is_below(float(record.index[-1]), float(peak[-1])))
    spans = np.where(below, np.diff(moments), 0) / DAY_S
    return max(float(spans[-1]), 0.0), max(float(spans.max()), 0.0)


def daily_returns(record: Record, *, now_s: int) -> Floats:
    """Return what each whole UTC day of the record earned, oldest first.

    A day without points earned nothing. What was lost for good ends the series: after it nothing can be earned.
    """
    closes = index_at(record, day_ends(record, now_s=now_s))
    lost = np.flatnonzero(closes <= 0)
    if len(lost):
        closes = closes[: int(lost[0]) + 1]
    return closes[1:] / closes[:-1] - 1 if len(closes) > 1 else np.empty(0)


def day_ends(record: Record, *, now_s: int) -> Whole:
    """Return the midnights (UTC) from the record's first on to the last that has passed; the first point before them.

    The first day is a part of one and begins with the record.
    """
    if not len(record.at_s):
        return np.empty(0, np.int64)
    begin = int(record.at_s[0])
    midnights = np.arange((begin // DAY_S + 1) * DAY_S, now_s + 1, DAY_S, dtype=np.int64)
    return np.concatenate([record.at_s[:1], midnights])


def index_at(record: Record, moments: Whole) -> Floats:
    """Return the index as it stood at each moment, none of which may be before the record."""
    return record.index[np.searchsorted(record.at_s, moments, "right") - 1]


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


def moments_of(daily: Floats) -> Moments:
    """Sum daily returns up."""
    return more(Moments(), np.cumprod(1.0 + daily, dtype=np.float64))


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


def money_weighted(record: Record) -> float | None:
    """Return what the owner's money earned: gain over the money that was there on average (modified Dietz).

    A flow counts for the part of the time that it was there. None where on average no money was there.
    Source: GIPS 2020, glossary "modified Dietz method".
    """
    if len(record.at_s) < 2:
        return None
    span = float(record.at_s[-1] - record.at_s[0])
    flow, at_s = record.flow[1:], record.at_s[1:]
    gain = float(record.equity[-1] - record.equity[0] - flow.sum())
    weighted = float(np.sum(flow * (record.at_s[-1] - at_s))) / span
    mean = float(record.equity[0]) + weighted
    return gain / mean if mean > 0 else None
