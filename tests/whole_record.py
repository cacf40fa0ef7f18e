"""A whole record of equity at once, and what it risked for what it returned: what a fold in parts is compared with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from copydesk.analytics.record import DAY_S, DUST, Floats, Whole, chained, is_below
from copydesk.analytics.stats import WINDOWS, Moments, calmar, more, sharpe, sortino, volatility


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What an account was worth, and what was paid in or taken out; arrays of one length, oldest first.

    `at_s` are whole seconds since 1970, each once. `equity` is money after the `flow` of its moment (above zero: paid
    in). `index` is 1.0 at the first point, and what one unit of money would have become at each; it is 0 from the
    moment on when all was lost, whatever is paid in later.
    """

    at_s: Whole
    equity: Floats
    flow: Floats
    index: Floats

    @property
    def days(self) -> float:
        """Return how long the record is, in days."""
        return float(self.at_s[-1] - self.at_s[0]) / DAY_S if len(self.at_s) else 0.0


def record_of(at_s: Whole, equity: Floats, flow: Floats | None = None) -> Record:
    """Build a record from points as they come: in any order, some twice, some broken.

    Points without a finite equity are left out, and their flow is carried to the next one. Of several at one second
    the last given counts, with the flows of all. What lies before the account's first money is no record.
    """
    at_s, equity, flow = _in_order(np.asarray(at_s, np.int64), np.asarray(equity, float), flow)
    held = np.flatnonzero(equity >= DUST)
    first = int(held[0]) if len(held) else len(equity)
    at_s, equity, flow = at_s[first:], equity[first:], flow[first:]
    return Record(at_s, equity, flow, _index(equity, flow))


def _in_order(at_s: Whole, equity: Floats, flow: Floats | None) -> tuple[Whole, Floats, Floats]:
    flow = np.zeros(len(at_s)) if flow is None else np.nan_to_num(np.asarray(flow, float), posinf=0.0, neginf=0.0)
    order = np.argsort(at_s, kind="stable")
    at_s, equity, flow = at_s[order], equity[order], flow[order]
    whole = np.isfinite(equity)
    # The last sound point of a second stands for that second; flows that went before it are its own.
    stands = whole.copy()
    sound = np.flatnonzero(whole)
    stands[sound[:-1][at_s[sound[1:]] == at_s[sound[:-1]]]] = False
    paid = np.cumsum(flow)[stands]
    return at_s[stands], equity[stands], np.diff(paid, prepend=0.0)


def _index(equity: Floats, flow: Floats) -> Floats:
    if not len(equity):
        return np.empty(0)
    return chained(equity[1:], flow[1:], equity_before=float(equity[0]), equity_max=float(equity[0]), index=1.0)


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


def moments_of(daily: Floats) -> Moments:
    """Sum daily returns up."""
    return more(Moments(), np.cumprod(1.0 + daily, dtype=np.float64))


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
