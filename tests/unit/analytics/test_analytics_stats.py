"""Return, drawdown and ratios of a record: by hand, where every figure can be checked with a pencil."""

from __future__ import annotations

import numpy as np
import pytest
from copydesk.analytics.record import DAY_S
from copydesk.analytics.stats import sharpe
from whole_record import (
    Record,
    daily_returns,
    drawdowns,
    moments_of,
    money_weighted,
    record_of,
    return_between,
    return_over,
    risk_of,
    under_water,
)


def record(*equity: float, flow: dict[int, float] | None = None, step_s: int = DAY_S) -> Record:
    """Make a record with a point a day (or a step) from midnight on."""
    paid = np.zeros(len(equity))
    for place, amount in (flow or {}).items():
        paid[place] = amount
    return record_of(np.arange(len(equity)) * step_s, np.array(equity, float), paid)


def end(of: Record) -> int:
    return int(of.at_s[-1])


def test_a_deposit_is_no_profit_and_a_withdrawal_no_loss() -> None:
    # 100 → 110 earns 10 %; 90 are paid in; 200 → 220 earns 10 % again; 120 are taken out and nothing moves.
    made = record(100, 200, 220, 100, flow={1: 90, 3: -120})

    assert made.index.tolist() == pytest.approx([1.0, 1.1, 1.21, 1.21])


def test_what_lost_all_stays_lost_whatever_is_paid_in_later() -> None:
    made = record(100, 0, 500, 600, flow={2: 500})

    assert made.index.tolist() == [1.0, 0.0, 0.0, 0.0]
    assert return_between(made) == -1.0
    assert risk_of(made, now_s=end(made)).drawdown_max == 1.0


def test_what_was_emptied_by_its_owner_earns_nothing_until_money_is_back() -> None:
    made = record(100, 0, 0, 50, 55, flow={1: -100, 3: 50})

    assert made.index.tolist() == pytest.approx([1.0, 1.0, 1.0, 1.0, 1.1])


def test_points_in_any_order_or_twice_or_broken_make_the_same_record() -> None:
    whole = record_of(np.array([0, 60, 120]), np.array([100.0, 160, 80]), np.array([0.0, 50, 0]))
    messy = record_of(
        np.array([120, 60, 0, 60, 90]),
        np.array([80.0, np.nan, 100, 160, np.inf]),
        np.array([0.0, 50, 0, 0, np.nan]),
    )

    assert messy.at_s.tolist() == whole.at_s.tolist()
    assert messy.index.tolist() == whole.index.tolist()


def test_a_record_begins_with_the_first_money() -> None:
    made = record_of(np.array([0, 1, 2]), np.array([0.0, 100, 110]), np.array([0.0, 100, 0]))

    assert made.at_s.tolist() == [1, 2]
    assert return_between(made) == pytest.approx(0.1)


def test_nothing_at_all_gives_no_figures() -> None:
    made = record()
    nothing = risk_of(made, now_s=0)

    assert (nothing.return_all, nothing.drawdown_max, nothing.sharpe, nothing.calmar) == (None, None, None, None)
    assert under_water(made, now_s=0) == (None, None)
    assert money_weighted(made) is None


def test_a_window_longer_than_the_record_has_no_figure() -> None:
    made = record(*(100 + day for day in range(9)))

    assert return_over(made, 7, now_s=end(made)) == pytest.approx(108 / 101 - 1)
    assert return_over(made, 30, now_s=end(made)) is None


def test_drawdown_is_the_fall_from_the_highest_point_so_far() -> None:
    assert drawdowns(record(100, 120, 90, 150, 75).index).tolist() == pytest.approx([0, 0, 0.25, 0, 0.5])


def test_days_under_water_are_counted_from_the_last_peak_to_the_day_it_is_reached_again() -> None:
    made = record(100, 120, 90, 110, 120, 119)

    assert under_water(made, now_s=end(made) + DAY_S) == (pytest.approx(2.0), pytest.approx(3.0))


def test_a_day_without_points_earned_nothing() -> None:
    made = record_of(np.array([0, 3 * DAY_S]), np.array([100.0, 110]))

    assert daily_returns(made, now_s=3 * DAY_S).tolist() == pytest.approx([0, 0, 0.1])


def test_a_curve_without_movement_has_no_ratio() -> None:
    flat = risk_of(record(*[100] * 40), now_s=39 * DAY_S)

    assert (flat.volatility, flat.sharpe, flat.sortino, flat.calmar) == (0.0, None, None, None)


def test_the_sharpe_ratio_is_that_of_the_textbook() -> None:
    daily = np.array([0.01, -0.01, 0.02, 0.0])

    # Mean 0.005, sample deviation 0.0129099, times the root of 365.
    assert sharpe(moments_of(daily)) == pytest.approx(7.3993, abs=1e-4)


def test_money_that_was_there_for_half_of_the_time_counts_half() -> None:
    # 100 for ten days and 100 more for five: 150 on average, and 15 gained.
    made = record(*[100.0] * 5, *[200.0] * 5, 215, flow={5: 100})

    assert money_weighted(made) == pytest.approx(0.1)


def test_a_way_back_to_the_peak_in_rounded_steps_is_no_longer_under_water() -> None:
    made = record(1.0, 1.1, 1.0, 1.1, 1.0, 1.1)

    assert under_water(made, now_s=end(made) + 9 * DAY_S)[0] == 0.0
