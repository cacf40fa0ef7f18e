"""What followers got, the table of months, and short judgments."""

from __future__ import annotations

import math
from datetime import date

import pytest
from copydesk.analytics import Style, monthly, risk_score, style_of, too_early, tracking_difference, truth_of


def test_followers_results_are_told_by_their_median_and_quartiles() -> None:
    truth = truth_of(results=[-0.1, 0.0, 0.1, 0.2, 0.3, None, math.nan], differences=[-0.02, 0.0, 0.01, -0.1, 0.2])

    assert (truth.followers, truth.followers_in_profit) == (5, 0.6)
    assert truth.follower_return == pytest.approx(0.1)
    assert (truth.follower_return_low, truth.follower_return_high) == (pytest.approx(0.0), pytest.approx(0.2))
    assert truth.tracking_difference == 0.0


def test_what_a_handful_of_followers_earned_is_told_to_nobody() -> None:
    few = truth_of(results=[0.4] * 4, differences=[-0.1] * 4, copies_done=3, copies_due=4)

    assert (few.followers, few.follower_return, few.followers_in_profit, few.tracking_difference) == (
        4,
        None,
        None,
        None,
    )
    assert sum(few.histogram.counts) == 0
    assert few.copy_success == 0.75


def test_each_follower_stands_in_one_bar() -> None:
    bars = truth_of(results=[-0.9, -0.5, 0.0, 0.04, 9.0]).histogram

    assert len(bars.counts) == len(bars.edges) + 1
    assert sum(bars.counts) == 5
    assert (bars.counts[0], bars.counts[1], bars.counts[-1]) == (1, 1, 1)
    assert bars.counts[bars.edges.index(0.0) + 1] == 2


def test_a_strategy_that_nobody_copies_has_no_truth_yet() -> None:
    assert set(truth_of(results=[]).to_json().values()) == {0, None}


def test_copying_is_judged_by_what_was_done_of_what_was_due() -> None:
    truth = truth_of(results=[], copies_done=9, copies_due=12, slippage_bps=[1.0, 3.0, None], latency_ms=[80, 120, 900])

    assert (truth.copy_success, truth.slippage_bps, truth.latency_ms) == (0.75, 2.0, 120)


def test_the_difference_to_the_strategy_needs_both() -> None:
    assert tracking_difference(0.08, 0.1) == pytest.approx(-0.02)
    assert tracking_difference(None, 0.1) is None


def test_months_are_chained_and_a_year_is_what_its_months_make() -> None:
    days = [date(2025, 11, 20), date(2025, 11, 30), date(2025, 12, 31), date(2026, 2, 10)]

    newest, first = monthly(days, [1.0, 1.1, 1.21, 1.089])

    assert (first.year, first.months[:10]) == (2025, (None,) * 10)
    assert first.months[10:] == (pytest.approx(0.1), pytest.approx(0.1))
    assert first.total == pytest.approx(0.21)
    assert newest.months[:3] == (0.0, pytest.approx(-0.1), None)
    assert newest.total == pytest.approx(-0.1)


def test_after_all_was_lost_no_month_is_told() -> None:
    (year,) = monthly([date(2025, 1, 31), date(2025, 2, 28), date(2025, 3, 31)], [1.0, 0.0, 0.0])

    assert year.months[:3] == (0.0, -1.0, None)
    assert (year.total, monthly([], [])) == (-1.0, ())


def test_the_risk_score_is_the_worse_of_volatility_and_drawdown() -> None:
    assert (risk_score(0.05, 0.0), risk_score(0.05, 0.25), risk_score(3.0, 0.0)) == (1, 6, 10)
    assert (risk_score(None, 0.05), risk_score(None, None)) == (2, None)


def test_a_style_is_how_long_positions_are_held() -> None:
    held = (60, 3600, 3 * 86_400, 30 * 86_400)

    assert [style_of(held_s) for held_s in held] == [Style.SCALPING, Style.DAY, Style.SWING, Style.POSITION]
    assert style_of(None) is None


def test_a_short_record_is_not_judged() -> None:
    assert too_early(29.9, 100)
    assert too_early(400, 19)
    assert not too_early(30, 20)
