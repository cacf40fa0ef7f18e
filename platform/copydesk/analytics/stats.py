"""Return and risk of a record of equity: every figure that a strategy is judged by, with its formula. Pure.

Figures that cannot be told are None, never a number that looks like one: no figure here is ever NaN or infinite.
Formulas, sources and what differs from other libraries: platform/docs/algorithms/metrics.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from copydesk.analytics.record import DAY_S, Floats, Record, Whole

# Crypto trades every day of the year.
DAYS_A_YEAR = 365
WINDOWS = (7, 30, 90, 180, 365)
# No headline figure before as many days and closed positions.
DAYS_MIN, CLOSED_MIN = 30, 20
_FLAT = 1e-12


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
    daily = daily_returns(record, now_s=now_s)
    now_days, most_days = under_water(record, now_s=now_s)
    return Risk(
        return_all=return_between(record),
        returns={days: return_over(record, days, now_s=now_s) for days in WINDOWS},
        drawdown_now=float(fallen[-1]) if len(fallen) else None,
        drawdown_max=float(fallen.max()) if len(fallen) else None,
        under_water_days=now_days,
        under_water_days_max=most_days,
        volatility=volatility(daily),
        sharpe=sharpe(daily),
        sortino=sortino(daily),
        calmar=calmar(daily),
    )


def too_early(record_days: float, closed: int) -> bool:
    """Tell whether a record is too short to be judged by."""
    return record_days < DAYS_MIN or closed < CLOSED_MIN


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
    at_peak = np.flatnonzero(record.index >= peak)
    moments = np.append(record.at_s[at_peak], now_s)
    below = np.append(np.diff(at_peak) > 1, record.index[-1] < peak[-1])
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


def volatility(daily: Floats) -> float | None:
    """Return the standard deviation of daily returns (sample, n − 1), by the year."""
    return float(np.std(daily, ddof=1)) * math.sqrt(DAYS_A_YEAR) if len(daily) > 1 else None


def sharpe(daily: Floats) -> float | None:
    """Return mean over standard deviation of daily returns, by the year, without a risk-free rate (Sharpe, 1994)."""
    spread = float(np.std(daily, ddof=1)) if len(daily) > 1 else 0.0
    return None if spread < _FLAT else float(daily.mean()) / spread * math.sqrt(DAYS_A_YEAR)


def sortino(daily: Floats) -> float | None:
    """Return mean over downside deviation (root of the mean square of losses, over all days), by the year."""
    if len(daily) < 2:
        return None
    downside = math.sqrt(float(np.mean(np.minimum(daily, 0.0) ** 2)))
    return None if downside < _FLAT else float(daily.mean()) / downside * math.sqrt(DAYS_A_YEAR)


def annual_return(daily: Floats) -> float | None:
    """Return the compound growth by the year that gives the same end."""
    if not len(daily):
        return None
    end = float(np.prod(1.0 + daily))
    grown = math.log(end) * DAYS_A_YEAR / len(daily) if end > 0 else -math.inf
    return None if grown > _LOG_MAX else math.exp(grown) - 1.0


_LOG_MAX = 700.0


def calmar(daily: Floats) -> float | None:
    """Return the annual return over the greatest drawdown, both of daily closes (Young, 1991)."""
    grown = annual_return(daily)
    fallen = drawdowns(np.cumprod(np.concatenate([[1.0], 1.0 + daily])))
    deepest = float(fallen.max())
    return None if grown is None or deepest < _FLAT else grown / deepest


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
