"""An independent library comes to the same figures where its definitions are ours (empyrical-reloaded 0.7)."""

from __future__ import annotations

import csv
import gzip
from importlib.resources import files

import empyrical
import numpy as np
import pandas as pd
import pytest

from copydesk.analytics.record import DAY_S, Floats, record_of
from copydesk.analytics.stats import annual_return, calmar, daily_returns, risk_of, sharpe, sortino, volatility

YEAR = 365
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
    daily = daily_returns(record, now_s=now_s)
    theirs = pd.Series(np.diff(closes) / closes[:-1])

    ours = risk_of(record, now_s=now_s)

    assert ours.return_all == pytest.approx(empyrical.cum_returns_final(theirs), rel=1e-9)
    assert ours.drawdown_max == pytest.approx(-empyrical.max_drawdown(theirs), rel=1e-9)
    assert volatility(daily) == pytest.approx(empyrical.annual_volatility(theirs, annualization=YEAR), rel=1e-9)
    assert sharpe(daily) == pytest.approx(empyrical.sharpe_ratio(theirs, annualization=YEAR), rel=1e-9)
    assert sortino(daily) == pytest.approx(empyrical.sortino_ratio(theirs, annualization=YEAR), rel=1e-9)
    assert annual_return(daily) == pytest.approx(empyrical.annual_return(theirs, annualization=YEAR), rel=1e-9)
    assert calmar(daily) == pytest.approx(empyrical.calmar_ratio(theirs, annualization=YEAR), rel=1e-9)
