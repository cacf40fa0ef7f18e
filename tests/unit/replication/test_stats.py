"""Return, drawdown and slippage on numbers that can be checked by hand."""

from __future__ import annotations

import pytest
from copydesk.replication.stats import drawdowns, return_ratio, slippage_bps
from copydesk.trading import Side
from plan_values import D


def test_a_return_needs_two_points_and_a_positive_start() -> None:
    assert return_ratio([D(100), D(90), D(121)]) == D("0.21")
    assert return_ratio([D(100)]) is None
    assert return_ratio([]) is None
    assert return_ratio([D(0), D(10)]) is None


def test_a_drawdown_is_measured_from_the_highest_point_so_far() -> None:
    assert drawdowns([D(100), D(110), D(99), D(110), D(55)]) == [0, 0, D("0.1"), 0, D("0.5")]


def test_nothing_left_is_a_drawdown_of_one_even_below_zero() -> None:
    assert drawdowns([D(100), D(-20)]) == [0, 1]
    assert drawdowns([D(0), D(-1)]) == [0, 0]


@pytest.mark.parametrize(
    ("side", "avg_px", "bps"), [(Side.BUY, 50_050, 10), (Side.BUY, 49_950, -10), (Side.SELL, 49_950, 10)]
)
def test_slippage_above_zero_is_worse_for_the_follower(side: Side, avg_px: int, bps: int) -> None:
    assert slippage_bps(side=side, leader_px=D(50_000), avg_px=D(avg_px)) == bps
