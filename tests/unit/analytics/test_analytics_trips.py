"""Closed positions out of raw fills, and what they tell of how somebody trades."""

from __future__ import annotations

import numpy as np
import pytest
from copydesk.analytics.trips import Fills, Trips, habits_of, trips_of

HOUR_MS = 3_600_000
Fill = tuple[int, float, float, float]


def fills(*given: Fill) -> Fills:
    """Make fills an hour apart: (instrument, quantity, price, cost)."""
    instrument, qty, px, cost = (np.array(column) for column in zip(*given, strict=True))
    count = len(given)
    at_ms = np.arange(count, dtype=np.int64) * HOUR_MS
    return Fills(np.arange(count), instrument.astype(np.int64), at_ms, qty.astype(float), px.astype(float), cost)


def only(trips: Trips) -> tuple[float, int]:
    assert len(trips) == 1
    return float(trips.net[0]), int(trips.side[0])


def test_a_position_earns_what_its_sales_bring_less_its_purchases_and_costs() -> None:
    assert only(trips_of(fills((1, 2, 100, 0.5), (1, -1, 110, 0.25), (1, -1, 130, 0.25)))) == (39.0, 1)


def test_a_short_earns_when_the_price_falls() -> None:
    assert only(trips_of(fills((1, -2, 100, 0.0), (1, 2, 90, 1.0)))) == (19.0, -1)


def test_a_fill_through_nothing_ends_one_position_and_begins_the_next() -> None:
    trips = trips_of(fills((1, 1, 100, 0.0), (1, -3, 110, 0.3), (1, 2, 100, 0.2)))

    assert trips.net.tolist() == pytest.approx([10 - 0.1, 20 - 0.2 - 0.2])
    assert trips.side.tolist() == [1, -1]


def test_instruments_do_not_mix_however_different_their_quantities() -> None:
    trips = trips_of(fills((1, 0.001, 60_000, 0), (2, 4e9, 1e-5, 0), (1, -0.001, 61_000, 0), (2, -4e9, 2e-5, 0)))

    assert trips.net.tolist() == pytest.approx([1.0, 40_000.0])


def test_tenths_that_binary_numbers_cannot_hold_still_end_at_nothing() -> None:
    trips = trips_of(fills(*[(1, 0.1, 10, 0.0)] * 3, (1, -0.3, 11, 0.0)))

    assert only(trips) == (pytest.approx(0.3), 1)
    assert len(trips.open_qty) == 0


def test_a_fill_that_came_twice_counts_once_and_order_does_not_matter() -> None:
    straight = fills((1, 1, 100, 0.1), (1, 1, 90, 0.1), (1, -2, 120, 0.1))
    turned = [2, 0, 1, 0, 2]
    messy = Fills(
        *(part[turned] for part in (straight.trade, straight.instrument, straight.at_ms)),
        *(part[turned] for part in (straight.qty, straight.px, straight.cost)),
    )

    assert trips_of(messy).net.tolist() == trips_of(straight).net.tolist()


def test_what_is_still_open_is_told_apart() -> None:
    trips = trips_of(fills((1, 1, 100, 0.0), (2, -3, 10, 0.0), (1, -1, 101, 0.0)))

    assert only(trips) == (1.0, 1)
    assert (trips.open_instrument.tolist(), trips.open_qty.tolist()) == ([2], [-3.0])


def test_additions_to_a_losing_position_are_counted_with_their_size() -> None:
    trips = trips_of(fills((1, 1, 100, 0), (1, 2, 90, 0), (1, 4, 80, 0), (1, -7, 95, 0)))

    assert (trips.adds.tolist(), trips.adds_losing.tolist(), trips.size_up.tolist()) == ([2], [2], [4.0])


def test_additions_to_a_winning_position_are_no_martingale() -> None:
    trips = trips_of(fills((1, 1, 100, 0), (1, 2, 110, 0), (1, -3, 120, 0)))

    assert (trips.adds.tolist(), trips.adds_losing.tolist()) == ([1], [0])


def test_habits_tell_wins_losses_and_the_time_in_the_market() -> None:
    trips = trips_of(fills((1, 1, 100, 0), (1, -1, 130, 0), (2, 1, 100, 0), (2, -1, 90, 0)))
    habits = habits_of(trips, from_ms=0, now_ms=24 * HOUR_MS)

    assert (habits.closed, habits.win_ratio, habits.win_mean, habits.loss_mean) == (2, 0.5, 30.0, -10.0)
    assert (habits.profit_factor, habits.expectancy, habits.a_day) == (3.0, 10.0, 2.0)
    assert habits.held_s_mean == 3600.0
    assert habits.time_in_market == pytest.approx(2 / 24)
    assert habits.concentration == pytest.approx(230 / 420)


def test_time_in_which_two_positions_are_open_counts_once() -> None:
    trips = trips_of(fills((1, 1, 10, 0), (2, 1, 10, 0), (1, -1, 10, 0), (2, -1, 10, 0)))

    assert habits_of(trips, from_ms=0, now_ms=6 * HOUR_MS).time_in_market == pytest.approx(0.5)


def test_no_fills_make_no_figures_and_no_complaint() -> None:
    habits = habits_of(trips_of(fills((1, 0, 100, 0.0))), from_ms=0, now_ms=HOUR_MS)

    assert (habits.closed, habits.win_ratio, habits.profit_factor, habits.concentration) == (0, None, None, None)
    assert habits.time_in_market == 0.0
