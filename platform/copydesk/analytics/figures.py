"""Every figure that a record is judged by, read out of its summary; `meanings` tells what each is. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Any

from copydesk.analytics.exposure import WEEK_DAYS
from copydesk.analytics.flags import Conduct
from copydesk.analytics.judgment import risk_score
from copydesk.analytics.record import DAY_S, DUST, DUST_RATIO, is_below
from copydesk.analytics.rows import Fills
from copydesk.analytics.series import Raw
from copydesk.analytics.stats import WINDOWS, calmar, sharpe, sortino, volatility
from copydesk.analytics.summary import Summary, fold


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures of one record. Ratios are fractions, money is in quote currency; None is what cannot be told."""

    return_7: float | None
    return_30: float | None
    return_90: float | None
    return_180: float | None
    return_365: float | None
    return_all: float | None
    money_weighted: float | None
    net_result: float | None
    own_stake: float
    days: float
    unexplained: float | None
    drawdown_now: float | None
    drawdown_max: float | None
    under_water_days: float | None
    under_water_days_max: float | None
    risk: int | None
    volatility: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    leverage_now: float | None
    leverage_max: float
    leverage_mean: float | None
    exposure_now: float
    exposure_max: float
    floating: float
    concentration: float | None
    time_in_market: float | None
    closed: int
    open: int
    win_ratio: float | None
    win_mean: float | None
    loss_mean: float | None
    profit_factor: float | None
    expectancy: float | None
    held_s_mean: float | None
    trades_a_day: float | None
    turnover: float
    costs: float

    def to_json(self) -> dict[str, float | int | None]:
        """Return every figure by its name."""
        return {name: getattr(self, name) for name in self.__slots__}


def figures_of(summary: Summary, *, now_s: int, unexplained: float | None = None) -> Figures:
    """Return every figure as it stands at `now_s`, which is not before the summary.

    `unexplained` is what the account was worth more than computed when the exchange told it last.
    """
    summary, _ = fold(summary, Raw(Fills(), ()), until_s=now_s)
    days = (summary.at_s - summary.began_s) / DAY_S if summary.curve.began else 0.0
    index = summary.index_now
    return Figures(
        **_returns(summary, index),
        **_results(summary, index),
        **_falls(summary, index),
        **_ratios(summary),
        **_stake(summary),
        **_trading(summary, days),
        days=days,
        unexplained=unexplained,
    )


def _results(summary: Summary, index: float) -> dict[str, Any]:
    equity, span_s = summary.equity_now, summary.at_s - summary.began_s
    gain = equity - summary.opening - summary.paid
    held = summary.opening + (summary.paid - summary.paid_moment / span_s if span_s else 0.0)
    began = summary.curve.began
    return {
        "return_all": index - 1.0 if began else None,
        "money_weighted": gain / held if began and held >= DUST else None,
        "net_result": gain if began else None,
        "own_stake": equity,
    }


def _returns(summary: Summary, index: float) -> dict[str, Any]:
    return {f"return_{window}": _return_over(summary, index, window) for window in WINDOWS}


def _return_over(summary: Summary, index: float, days: int) -> float | None:
    if not summary.curve.began or summary.at_s - summary.began_s < days * DAY_S:
        return None
    day = summary.at_s // DAY_S - days
    before = 1.0 if day * DAY_S <= summary.began_s else summary.days.close_of(day)
    return index / before - 1.0 if before else None


def _falls(summary: Summary, index: float) -> dict[str, Any]:
    curve = summary.curve
    if not curve.began:
        return dict.fromkeys(("drawdown_now", "drawdown_max", "under_water_days", "under_water_days_max"))
    fallen = max(1.0 - index / curve.peak, 0.0)
    below_s = summary.at_s - curve.peak_s
    under_s = below_s if is_below(index, curve.peak) else 0
    # What reaches the peak just now was under water until now.
    ended_s = below_s if is_below(curve.index, curve.peak) else 0
    return {
        "drawdown_now": fallen,
        "drawdown_max": max(fallen, curve.deepest),
        "under_water_days": under_s / DAY_S,
        "under_water_days_max": max(under_s, ended_s, curve.under_s_max) / DAY_S,
    }


def _ratios(summary: Summary) -> dict[str, Any]:
    moments, deepest = summary.days.moments, summary.curve.deepest
    varied = volatility(moments)
    return {
        "volatility": varied,
        "sharpe": sharpe(moments),
        "sortino": sortino(moments),
        "calmar": calmar(moments),
        "risk": risk_score(varied, deepest) if varied is not None else None,
    }


def _stake(summary: Summary) -> dict[str, Any]:
    state, equity, span_s = summary.exposure, summary.equity_now, summary.at_s - summary.began_s
    exposure = sum(abs(book.qty * book.px) for book in summary.books.values())
    total = sum(summary.turnover.values())
    return {
        "leverage_now": exposure / equity if equity > state.equity_max * DUST_RATIO else None,
        "leverage_max": state.leverage_max,
        "leverage_mean": state.levered / state.levered_s if state.levered_s else None,
        "exposure_now": exposure,
        "exposure_max": state.exposure_max,
        "floating": _floating(summary),
        "concentration": max(summary.turnover.values()) / total if total > 0 else None,
        "time_in_market": min(state.market_s / span_s, 1.0) if span_s else None,
        "open": len(summary.books),
        "turnover": total,
        "costs": summary.costs,
    }


def _floating(summary: Summary) -> float:
    return sum(book.qty * (book.px - book.entry_worth / book.entry_qty) for book in summary.books.values())


def _trading(summary: Summary, days: float) -> dict[str, Any]:
    totals = summary.totals
    count = totals.closed
    return {
        "closed": count,
        "win_ratio": totals.won / count if count else None,
        "win_mean": totals.won_sum / totals.won if totals.won else None,
        "loss_mean": totals.lost_sum / totals.lost if totals.lost else None,
        "profit_factor": totals.won_sum / -totals.lost_sum if totals.lost else None,
        "expectancy": totals.net_sum / count if count else None,
        "held_s_mean": totals.held_ms / count / 1000.0 if count else None,
        "trades_a_day": count / days if days else None,
    }


def conduct_of(summary: Summary, *, now_s: int, stops: float | None = None, restarts: int = 0) -> Conduct:
    """Return what the remarks of `flags_of` look at; see `Conduct` for what the caller adds."""
    figures = figures_of(summary, now_s=now_s)
    totals, sizes = summary.totals, summary.totals.sizes
    now, before = _leverage(summary, now_s)
    return Conduct(
        closed=totals.closed,
        grown=totals.grown,
        size_up=totals.size_up,
        loss_worst=totals.loss_worst,
        net_min=totals.net_min,
        win_ratio=figures.win_ratio,
        win_mean=figures.win_mean,
        loss_mean=figures.loss_mean,
        size_times=max(sizes) / median(sizes) if sizes else None,
        leverage_now=now,
        leverage_before=before,
        equity=figures.own_stake,
        floating=figures.floating,
        concentration=figures.concentration,
        lost=summary.curve.index <= 0,
        stops=stops,
        restarts=restarts,
    )


def _leverage(summary: Summary, now_s: int) -> tuple[float | None, float | None]:
    """Return the highest leverage of the last week, and of all time before it."""
    oldest = now_s // DAY_S - WEEK_DAYS
    week = [top for day, top in summary.exposure.week if day > oldest]
    before = [top for day, top in summary.exposure.week if day <= oldest]
    earlier = summary.exposure.before
    return max(week, default=None), max(before if earlier is None else [*before, earlier], default=None)
