"""Corners of lines on a chart's ground."""

from __future__ import annotations

from decimal import Decimal

from copydesk.web.chart_lines import chart_depths, chart_points

D = Decimal


def test_values_are_spread_over_the_ground_the_highest_on_top() -> None:
    assert chart_points([100.0, 110.0, 105.0], 200, 4, 40) == "0.0,44.0 100.0,4.0 200.0,24.0"
    assert chart_points([D(100), D(110), D(105)], 200, 4, 40) == "0.0,44.0 100.0,4.0 200.0,24.0"


def test_values_that_are_all_alike_lie_in_the_middle_and_one_stands_at_the_left() -> None:
    assert chart_points([7.0, 7.0], 200, 4, 40) == "0.0,24.0 200.0,24.0"
    assert chart_points([7.0], 200, 4, 40) == "0.0,24.0"


def test_falls_hang_down_from_their_line() -> None:
    assert chart_depths([0.0, 0.05, 0.1], 800, 220, 72) == "0.0,220.0 400.0,256.0 800.0,292.0"
    assert chart_depths([0.0, 0.0], 800, 220, 72) == "0.0,220.0 800.0,220.0"
