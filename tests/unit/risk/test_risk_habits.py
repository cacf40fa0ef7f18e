"""Martingale and missing stops: what is flagged, what is not, and with which numbers."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from copydesk.risk.habits import SENTENCES, Flag, Sentence, flags, growth_after_losses, losing_adds
from trade_values import entries, trade

DOUBLING = entries(("1", "100"), ("2", "98"), ("4", "95"), ("8", "90"))


def named(trades) -> list[Sentence]:
    return [flag.sentence for flag in flags(trades)]


def losers(*notionals: int, profit: int = -10):
    """Make trades one day after the other, oldest first."""
    return [trade(len(notionals) - place, notional=notional, profit=profit) for place, notional in enumerate(notionals)]


def test_doubling_a_losing_position_is_flagged_with_its_steps() -> None:
    assert flags([trade(1), trade(0, entries=DOUBLING)]) == (
        Flag(Sentence.ADDS_WHILE_LOSING, {"steps": 3, "times": 8, "trades": 1, "of": 2}),
    )


def test_a_short_is_losing_when_the_price_rises() -> None:
    rising = entries(("1", "100"), ("2", "102"), ("4", "105"), ("8", "110"))
    assert named([trade(short=True, entries=rising)]) == [Sentence.ADDS_WHILE_LOSING]
    assert named([trade(short=False, entries=rising)]) == []


@pytest.mark.parametrize(
    "told",
    [
        (("1", "100"), ("1", "98"), ("1", "95"), ("1", "90")),
        (("1", "100"), ("2", "101"), ("4", "102"), ("8", "103")),
        (("1", "100"), ("2", "98"), ("4", "95")),
        (("1", "100"), ("2", "98"), ("1", "97"), ("2", "96")),
    ],
    ids=["equal additions", "adding to a winner", "two steps only", "a smaller one between"],
)
def test_other_ways_of_adding_are_not_a_martingale(told) -> None:
    assert named([trade(entries=entries(*told))]) == []


def test_losing_is_told_by_the_average_entry_not_by_the_last_price() -> None:
    # 99 is above the last addition at 90, but still below the average of 95.
    assert losing_adds(trade(entries=entries(("1", "100"), ("2", "90"), ("4", "93")))).steps == 2
    assert losing_adds(trade(entries=entries(("1", "100"), ("2", "90"), ("4", "94")))).steps == 1


def test_doubling_from_loss_to_loss_is_flagged() -> None:
    assert flags(losers(100, 200, 400, 800)) == (Flag(Sentence.GROWS_AFTER_LOSSES, {"steps": 3, "times": 8}),)


def test_growing_after_wins_or_with_the_equity_is_no_martingale() -> None:
    assert growth_after_losses(losers(100, 200, 400, 800, profit=10)).steps == 0
    grown = [trade(9 - n, notional=100 * 2**n, equity=1000 * 2**n, profit=-1) for n in range(5)]
    assert growth_after_losses(grown).steps == 0


def test_positions_held_at_the_same_time_are_no_chain() -> None:
    together = [each._replace(closed_at=each.opened_at.replace(month=12)) for each in losers(100, 200, 400, 800)]
    assert growth_after_losses(together).steps == 0


def test_positions_without_a_resting_stop_are_counted() -> None:
    bare = [trade(number, stopped=number < 4) for number in range(10)]
    assert flags(bare) == (Flag(Sentence.STOPS_MISSING, {"missing": 6, "trades": 10}),)
    assert named([trade(number, stopped=number < 5) for number in range(10)]) == []


def test_a_loss_left_open_far_beyond_a_usual_win_is_flagged() -> None:
    trades = [trade(number, profit=10) for number in range(9)]
    assert flags([*trades, trade(9, hours=None, worst=-60, profit=-60)]) == (
        Flag(Sentence.LOSSES_LEFT_OPEN, {"worst": 60, "win": 10, "times": 6}),
    )
    assert named([*trades, trade(9, worst=-50)]) == []


def test_few_trades_say_nothing_of_stops() -> None:
    assert named([trade(number, stopped=False, worst=-1000) for number in range(9)]) == []


def test_every_sentence_has_words_that_the_values_fill() -> None:
    assert set(SENTENCES) == set(Sentence)
    shown = {
        flag.sentence: flag.values
        for trades in (
            [trade(entries=DOUBLING)],
            losers(100, 200, 400, 800),
            [trade(number, stopped=False, worst=-1000) for number in range(10)],
        )
        for flag in flags(trades)
    }
    assert len(shown) == 4
    for sentence, values in shown.items():
        assert set(re.findall(r"%\((\w+)\)s", SENTENCES[sentence])) <= set(values)
        assert "%(" not in SENTENCES[sentence] % values


def test_a_chain_begins_anew_after_a_smaller_trade() -> None:
    run = growth_after_losses(losers(100, 200, 50, 100, 200, 400))
    assert (run.steps, run.times) == (3, Decimal(8))
