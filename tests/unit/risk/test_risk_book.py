"""The arrays on a small scale: who is suspected, what a tick touches, peaks, and places that are used again."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest
from copydesk.risk.arrays import PositionRows, RiskBook
from copydesk.risk.holders import HolderRows
from copydesk.risk.levels import Levels

BTC, ETH = 0, 1
D = Decimal


@pytest.fixture
def book() -> RiskBook:
    """Open a book of two instruments at 100 and 10."""
    made = RiskBook.empty()
    assert [made.add_instrument(), made.add_instrument()] == [BTC, ETH]
    assert made.sweep([100.0, 10.0]).tolist() == []
    return made


def test_a_holder_is_suspected_below_its_floor_and_not_at_a_distance(book: RiskBook) -> None:
    holder = book.add_holder(D(1000), D(2000), Levels(floor=D(1900)), [(BTC, D(10))])
    assert book.equity(holder) == 2000
    assert book.tick(BTC, 91.0).tolist() == []
    assert book.sweep([89.9, 10.0]).tolist() == [holder]


def test_a_short_holder_is_suspected_as_the_price_rises(book: RiskBook) -> None:
    holder = book.add_holder(D(2000), D(1000), Levels(floor=D(900)), [(BTC, D(-10))])
    assert book.tick(BTC, 109.0).tolist() == []
    assert book.tick(BTC, 110.5).tolist() == [holder]


def test_a_profit_above_the_ceiling_is_suspected(book: RiskBook) -> None:
    holder = book.add_holder(D(0), D(1000), Levels(ceiling=D(1500)), [(BTC, D(10))])
    assert book.tick(BTC, 149.0).tolist() == []
    assert book.tick(BTC, 151.0).tolist() == [holder]


def test_a_tick_names_only_holders_of_its_instrument(book: RiskBook) -> None:
    broke = book.add_holder(D(0), D(1000), Levels(floor=D(2000)), [(ETH, D(100))])
    holder = book.add_holder(D(0), D(1000), Levels(floor=D(950)), [(BTC, D(10))])
    assert book.tick(BTC, 90.0).tolist() == [holder]
    assert book.sweep([90.0, 10.0]).tolist() == [broke, holder]


def test_nobody_is_suspected_while_a_mark_of_his_is_missing(book: RiskBook) -> None:
    holder = book.add_holder(D(0), D(1000), Levels(floor=D(950)), [(BTC, D(1)), (ETH, D(1))])
    assert book.sweep([1.0, 10.0]).tolist() == [holder]
    assert book.tick(ETH, math.nan).tolist() == []
    assert book.tick(BTC, 2.0).tolist() == []
    assert book.sweep([1.0, math.inf]).tolist() == []
    assert book.tick(ETH, 10.0).tolist() == [holder]


def test_a_position_opened_without_a_mark_silences_its_holder_until_it_is_closed(book: RiskBook) -> None:
    new = book.add_instrument()
    holder = book.add_holder(D(0), D(1000), Levels(floor=D(950)), [(BTC, D(1)), (new, D(1))])
    assert book.tick(BTC, 90.0).tolist() == []
    book.set_qty(holder, new, D(0))
    assert book.tick(BTC, 91.0).tolist() == [holder]


def test_a_fill_changes_cash_and_quantity_and_leaves_equity_where_it_was(book: RiskBook) -> None:
    holder = book.add_holder(D(1000), D(1000), Levels())
    book.set_base(holder, D(800))
    book.set_qty(holder, BTC, D(2))
    assert book.equity(holder) == 1000
    assert book.tick(BTC, 101.0).tolist() == []
    assert book.equity(holder) == 1002
    assert book.positions == 1
    book.set_qty(holder, BTC, D(0))
    assert book.positions == 0


def test_a_trailing_level_follows_the_peak_up_and_never_down(book: RiskBook) -> None:
    holder = book.add_holder(D(0), D(1000), Levels(trail_share=D("0.8")), [(BTC, D(10))])
    everything = [True, True]
    assert book.sweep([200.0, 10.0], everything).tolist() == []
    assert book.peak(holder) == 2000
    assert book.sweep([161.0, 10.0], everything).tolist() == []
    assert book.peak(holder) == 2000
    assert book.sweep([159.0, 10.0], everything).tolist() == [holder]


def test_a_peak_does_not_rise_on_a_price_that_is_not_trusted(book: RiskBook) -> None:
    doubted = book.add_holder(D(0), D(1000), Levels(trail_share=D("0.8")), [(BTC, D(10))])
    other = book.add_holder(D(0), D(1000), Levels(trail_amount=D(100)), [(ETH, D(100))])
    book.sweep([900.0, 20.0], [False, True])
    assert (book.peak(doubted), book.peak(other)) == (1000, 2000)
    book.sweep([900.0, 30.0])
    assert (book.peak(doubted), book.peak(other)) == (1000, 2000)
    assert book.tick(ETH, 18.9).tolist() == [other]


def test_a_removed_holder_is_never_suspected_and_its_place_is_used_again(book: RiskBook) -> None:
    first = book.add_holder(D(0), D(1000), Levels(floor=D(9999)), [(BTC, D(1)), (ETH, D(1))])
    book.remove_holder(first)
    assert book.positions == 0
    assert book.sweep([1.0, 1.0], [True, True]).tolist() == []
    assert book.add_holder(D(5), D(1000), Levels()) == first
    assert book.equity(first) == 5
    assert book.sweep([1.0, 1.0]).tolist() == []


def test_a_book_grows_with_its_holders_and_keeps_them(book: RiskBook) -> None:
    holders = [book.add_holder(D(n), D(n), Levels(floor=D(n + 60)), [(BTC, D(-1)), (ETH, D(5))]) for n in range(100)]
    assert len(set(holders)) == 100
    assert [book.equity(holder) for holder in holders] == [n - 50.0 for n in range(100)]
    assert book.sweep([90.0, 10.0]).tolist() == sorted(holders)
    assert [book.exposure(holder) for holder in holders] == [140.0] * 100


def test_rows_to_start_with_are_screened_as_those_that_came_one_by_one() -> None:
    none = np.full(2, np.nan)
    holders = HolderRows(np.array([0.0, 0.0]), np.array([1000.0, 1000.0]), np.array([950.0, 950.0]), none, none, none)
    positions = PositionRows(np.array([1, 0, 0]), np.array([BTC, ETH, BTC]), np.array([9.0, 50.0, 5.0]))
    book = RiskBook(holders, positions, instruments=2)
    assert book.sweep([100.0, 10.0]).tolist() == [1]
    assert (book.equity(0), book.equity(1), book.positions, book.instruments) == (1000, 900, 3, 2)
    assert book.tick(ETH, 8.0).tolist() == [0]
    third = book.add_holder(D(1), D(1), Levels(), [(BTC, D(1))])
    assert book.equity(third) == 101


def test_two_rows_of_one_holder_and_instrument_are_our_bug() -> None:
    one = np.ones(1)
    with pytest.raises(AssertionError, match="one row"):
        RiskBook(HolderRows(*[one] * 6), PositionRows(np.zeros(2, int), np.zeros(2, int), np.ones(2)), 1)
