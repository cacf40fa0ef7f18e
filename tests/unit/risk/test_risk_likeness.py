"""How alike two strategies go, by their daily returns."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from copydesk.risk.likeness import Likeness, daily_returns, likeness

D = Decimal
TODAY = date(2026, 3, 31)


def days(count: int, *, until: date = TODAY) -> list[date]:
    return [until - timedelta(days=count - n) for n in range(count)]


def returns(*values: str) -> dict[date, Decimal]:
    return dict(zip(days(len(values)), map(Decimal, values), strict=True))


def test_a_day_brings_what_the_unit_rose_since_the_day_before() -> None:
    first, second, third = days(3)
    units = {first: D("1"), second: D("1.1"), third: D("0.99")}
    assert daily_returns(units, today=TODAY) == {second: D("0.1"), third: D("-0.1")}


def test_today_and_a_day_after_a_gap_are_no_days_to_compare() -> None:
    first, _, third = days(3)
    assert daily_returns({first: D(1), third: D(2), TODAY: D(4)}, today=TODAY) == {}


def test_a_strategy_that_lost_everything_has_no_returns_after_that() -> None:
    first, second, third = days(3)
    assert daily_returns({first: D(1), second: D(0), third: D(0)}, today=TODAY) == {second: D(-1)}


def test_days_further_back_than_ninety_do_not_count() -> None:
    units = {day: D(1) for day in days(200)}
    assert len(daily_returns(units, today=TODAY)) == 90


def test_the_worked_pair_correlates_by_0_8() -> None:
    one, other = returns("0.01", "0.02", "0.03", "0.04"), returns("0.01", "0.03", "0.02", "0.04")
    assert likeness(one, other, days_min=4) == Likeness(D("0.8000"), 4)


def test_strategies_that_do_the_same_correlate_fully_and_the_opposite_ones_inversely() -> None:
    up = returns(*[f"0.0{n % 7}" for n in range(20)])
    assert likeness(up, {day: 3 * value for day, value in up.items()}) == Likeness(D(1), 20)
    assert likeness(up, {day: -value for day, value in up.items()}) == Likeness(D(-1), 20)


def test_fewer_than_twenty_common_days_tell_nothing() -> None:
    up = returns(*[f"0.0{n % 7}" for n in range(20)])
    missing = dict(list(up.items())[1:])
    assert likeness(up, missing) == Likeness(None, 19)


def test_who_stood_still_is_like_nobody() -> None:
    up = returns(*[f"0.0{n % 7}" for n in range(20)])
    assert likeness(up, dict.fromkeys(up, D(0))) == Likeness(D(0), 20)
