"""An independent library comes to the same figures where its definitions are ours (empyrical-reloaded 0.7)."""

from __future__ import annotations

import csv
import gzip
from importlib.resources import files

import empyrical
import numpy as np
import pandas as pd
import pytest
from copydesk.analytics import Fills, Marks, Raw, Summary, figures_of, fold
from copydesk.analytics.record import DAY_S, Floats
from copydesk.analytics.stats import annual_return, calmar, sharpe, sortino, volatility
from whole_record import daily_returns, moments_of, record_of, risk_of

YEAR = 365
FIVE_MINUTES_S = 300
BEGAN_S = 20_000 * DAY_S
CANDLES = files("copydesk.venues.lab") / "candles"


def candles(symbol: str) -> Floats:
    """Read the closes of real five-minute candles."""
    with (CANDLES / f"{symbol}.csv.gz").open("rb") as packed, gzip.open(packed, "rt") as lines:
        return np.array([float(row["close"]) for row in csv.DictReader(lines)])


def series() -> dict[str, Floats]:
    rng = np.random.default_rng(20_251_123)
    random = {f"random {n}": 1000 * np.cumprod(1 + rng.normal(0.001, 0.04, n)) for n in (3, 31, 365, 3000)}
    return {**random, **{symbol: candles(symbol) for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "BNBUSDT")}}


@pytest.mark.parametrize("name", series())
def test_every_figure_agrees_to_a_billionth(name: str) -> None:
    closes = series()[name]
    # Each close is taken as a day's, so that ratios by the year mean the same to both.
    record = record_of(np.arange(len(closes)) * DAY_S, closes)
    now_s = int(record.at_s[-1])
    daily = moments_of(daily_returns(record, now_s=now_s))
    theirs = pd.Series(np.diff(closes) / closes[:-1])

    ours = risk_of(record, now_s=now_s)

    assert ours.return_all == pytest.approx(empyrical.cum_returns_final(theirs), rel=1e-9)
    assert ours.drawdown_max == pytest.approx(-empyrical.max_drawdown(theirs), rel=1e-9)
    assert volatility(daily) == pytest.approx(empyrical.annual_volatility(theirs, annualization=YEAR), rel=1e-9)
    assert sharpe(daily) == pytest.approx(empyrical.sharpe_ratio(theirs, annualization=YEAR), rel=1e-9)
    assert sortino(daily) == pytest.approx(empyrical.sortino_ratio(theirs, annualization=YEAR), rel=1e-9)
    assert annual_return(daily) == pytest.approx(empyrical.annual_return(theirs, annualization=YEAR), rel=1e-9)
    assert calmar(daily) == pytest.approx(empyrical.calmar_ratio(theirs, annualization=YEAR), rel=1e-9)


@pytest.mark.parametrize("symbol", ["BTCUSDT", "SOLUSDT"])
def test_who_bought_and_held_has_the_return_and_the_risk_of_the_candles(symbol: str) -> None:
    """The whole way from one fill and a mark every five minutes to the figures, beside the candles themselves."""
    closes = candles(symbol)
    at_s = BEGAN_S + np.arange(len(closes)) * FIVE_MINUTES_S
    opening, now_s = 1000.0, int(at_s[-1])
    bought = Fills(
        *(np.array([value]) for value in (1, 0, (BEGAN_S + 1) * 1000, opening / closes[0], closes[0], 0.0))  # type: ignore[arg-type]
    )

    summary, series = fold(
        Summary.empty(BEGAN_S, opening), Raw(bought, (symbol,), {0: Marks(at_s, closes)}), until_s=now_s
    )
    figures = figures_of(summary, now_s=now_s)

    returns = pd.Series(np.diff(closes) / closes[:-1])
    midnights = closes[:: DAY_S // FIVE_MINUTES_S]
    daily = pd.Series(np.diff(midnights) / midnights[:-1])
    assert len(series) == len(closes)
    assert figures.return_all == pytest.approx(empyrical.cum_returns_final(returns), rel=1e-9)
    assert figures.drawdown_max == pytest.approx(-empyrical.max_drawdown(returns), rel=1e-9)
    assert figures.volatility == pytest.approx(empyrical.annual_volatility(daily, annualization=YEAR), rel=1e-9)
    assert figures.sharpe == pytest.approx(empyrical.sharpe_ratio(daily, annualization=YEAR), rel=1e-9)
    assert figures.sortino == pytest.approx(empyrical.sortino_ratio(daily, annualization=YEAR), rel=1e-9)
    assert figures.calmar == pytest.approx(empyrical.calmar_ratio(daily, annualization=YEAR), rel=1e-9)
    assert figures.time_in_market == pytest.approx(1.0, abs=1e-6)
    assert figures.money_weighted == pytest.approx(figures.return_all, rel=1e-9)
