"""The arithmetic behind return, drawdown and slippage."""

from __future__ import annotations

from decimal import Decimal
from itertools import accumulate

from copydesk.replication.stats import drawdowns, return_ratio, slippage_bps
from copydesk.trading import Side
from hypothesis import given, settings
from hypothesis import strategies as st

D = Decimal
equities = st.lists(st.decimals(min_value=-1_000_000, max_value=1_000_000, places=4), max_size=60)
gains = st.lists(st.decimals(min_value=0, max_value=10_000, places=4), max_size=60)
prices = st.decimals(min_value="0.0001", max_value=1_000_000, places=4)


def test_return_compares_the_last_point_with_the_first() -> None:
    assert return_ratio([D(100), D(50), D(124)]) == D("0.24")


def test_a_single_point_or_an_empty_start_has_no_return() -> None:
    assert return_ratio([]) is None
    assert return_ratio([D(100)]) is None
    assert return_ratio([D(0), D(100)]) is None


def test_drawdown_is_measured_from_the_highest_point_so_far() -> None:
    assert drawdowns([D(100), D(80), D(200), D(50), D(200)]) == [D(0), D("0.2"), D(0), D("0.75"), D(0)]


@settings(deadline=None)
@given(equities)
def test_drawdown_lies_between_nothing_and_everything(points: list[Decimal]) -> None:
    fallen = drawdowns(points)
    assert len(fallen) == len(points)
    assert all(0 <= value <= 1 for value in fallen)


@settings(deadline=None)
@given(gains)
def test_a_series_that_never_falls_has_no_drawdown(steps: list[Decimal]) -> None:
    assert set(drawdowns(accumulate(steps))) <= {D(0)}


@settings(deadline=None)
@given(prices, prices)
def test_a_worse_price_is_positive_for_both_sides(leader_px: Decimal, avg_px: Decimal) -> None:
    buy = slippage_bps(side=Side.BUY, leader_px=leader_px, avg_px=avg_px)
    sell = slippage_bps(side=Side.SELL, leader_px=leader_px, avg_px=avg_px)
    assert buy == -sell
    assert (buy > 0) == (avg_px > leader_px)
