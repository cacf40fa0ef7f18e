"""What counts as a change of a trader's behavior, and how it is told."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from copydesk.risk.conduct import ConductRules, Feature, changes, profile_of
from copydesk.risk.habits import Sentence
from trade_values import NOW, trade

USUAL = [trade(number, leverage=3 + number % 2, notional=900 + 50 * (number % 5)) for number in range(5, 40)]


def sentences(trades) -> list[Sentence]:
    return [flag.sentence for flag in changes(trades, now=NOW)]


def test_a_trader_who_goes_on_as_before_raises_no_alarm() -> None:
    assert sentences([*USUAL, *(trade(number, leverage=4, notional=1100) for number in range(5))]) == []


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"leverage": 20}, Sentence.LEVERAGE_CHANGED),
        ({"notional": 6000}, Sentence.SIZE_CHANGED),
        ({"notional": 50}, Sentence.SIZE_CHANGED),
        ({"hours": 20}, Sentence.HOLDING_CHANGED),
        ({"hours": 0}, Sentence.HOLDING_CHANGED),
    ],
)
def test_what_changed_is_named(changed, sentence: Sentence) -> None:
    assert sentences([*USUAL, *(trade(number, **changed) for number in range(5))]) == [sentence]


def test_a_change_is_told_with_before_and_after() -> None:
    steady = [trade(number, leverage=4) for number in range(5, 40)]
    (flag,) = changes([*steady, *(trade(number, leverage=20) for number in range(5))], now=NOW)
    assert flag.values == {"usual": 4, "now": 20, "times": 5, "deviation": 40, "recent": 5, "trades": 35}


def test_one_odd_trade_raises_no_alarm() -> None:
    assert sentences([*USUAL, trade(0, leverage=100), *(trade(number) for number in range(1, 5))]) == []


def test_a_size_that_grew_with_the_equity_is_no_change() -> None:
    assert sentences([*USUAL, *(trade(number, notional=5000, equity=50_000) for number in range(5))]) == []


def test_a_steady_trader_is_not_alarming_for_a_small_step() -> None:
    steady = [trade(number, leverage=10) for number in range(5, 40)]
    assert sentences([*steady, *(trade(number, leverage=11) for number in range(5))]) == []


def test_a_trader_of_many_habits_is_not_alarming_within_them() -> None:
    # From 1 to 9 times: median 5, median deviation 2, so that one is 2.97 and 15 is 3.4 of them.
    lively = [trade(number, leverage=1 + number % 9) for number in range(5, 41)]
    assert sentences([*lively, *(trade(number, leverage=15) for number in range(5))]) == []
    assert sentences([*lively, *(trade(number, leverage=16) for number in range(5))]) == [Sentence.LEVERAGE_CHANGED]


def test_with_too_few_trades_nothing_is_said() -> None:
    few = USUAL[:19]
    wild = [trade(number, leverage=50) for number in range(5)]
    assert sentences([*few, *wild]) == []
    assert sentences([*USUAL[:20], *wild]) == [Sentence.LEVERAGE_CHANGED]


def test_trades_older_than_the_profile_are_not_looked_at() -> None:
    old = [trade(days_ago=91 + number, leverage=3) for number in range(40)]
    assert sentences([*old, *(trade(number, leverage=50) for number in range(5))]) == []


def test_open_positions_count_for_leverage_but_have_no_holding_time() -> None:
    still_open = [trade(number, hours=None, leverage=20) for number in range(5)]
    assert sentences([*USUAL, *still_open]) == [Sentence.LEVERAGE_CHANGED]


def test_a_profile_is_median_and_median_deviation() -> None:
    rules = replace(ConductRules(), trades_min=5)
    profile = profile_of([trade(number, leverage=each) for number, each in enumerate((1, 2, 3, 4, 100))], rules)
    assert profile[Feature.LEVERAGE] == (3, 1, 5)
    assert profile[Feature.HOLDING] == (Decimal(4 * 3600), 0, 5)
    assert profile_of([trade()], rules) == {}
