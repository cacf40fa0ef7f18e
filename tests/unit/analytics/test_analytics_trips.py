"""Closed positions out of raw fills, and what they tell of how somebody trades."""

from __future__ import annotations

import numpy as np
import pytest
from copydesk.analytics import Costs, Fills, Trips, trips_of

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
    assert len(trips.open) == 0


def test_a_rest_that_fees_or_steps_leave_is_closed_with_the_position() -> None:
    """Of 1.0 bought the exchange keeps 0.001, and sells in steps of 0.01: the rest goes with each sale."""
    trips = trips_of(fills(*[(1, 0.999, 100, 0.1), (1, -0.99, 110, 0.0)] * 3, (1, 0.999, 100, 0.1), (1, -0.5, 110, 0)))

    assert trips.net.tolist() == pytest.approx([0.999 * 10 - 0.1] * 3)
    assert trips.open.qty.tolist() == pytest.approx([0.499])


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
    assert (trips.open.instrument.tolist(), trips.open.qty.tolist()) == ([2], [-3.0])


def test_additions_to_a_losing_position_are_counted_with_their_size() -> None:
    trips = trips_of(fills((1, 1, 100, 0), (1, 2, 90, 0), (1, 4, 80, 0), (1, -7, 95, 0)))

    assert (trips.adds.tolist(), trips.adds_losing.tolist(), trips.size_up.tolist()) == ([2], [2], [4.0])


def test_additions_to_a_winning_position_are_no_martingale() -> None:
    trips = trips_of(fills((1, 1, 100, 0), (1, 2, 110, 0), (1, -3, 120, 0)))

    assert (trips.adds.tolist(), trips.adds_losing.tolist()) == ([1], [0])


def test_funding_counts_to_the_position_that_was_open_and_else_to_none() -> None:
    paid = Costs(np.array([1800, 2 * 3600]), np.array([0.5, 9.0]), np.array([1, 1]))

    assert only(trips_of(fills((1, 1, 100, 0.0), (1, -1, 110, 0.0)), paid)) == (9.5, 1)


def test_what_was_open_before_goes_on_as_if_it_had_never_been_cut() -> None:
    given = [(1, 1, 100, 0.1), (2, -5, 10, 0.1), (1, 2, 90, 0.1), (1, -3, 120, 0.1), (1, 1, 50, 0.1), (2, 5, 9, 0.1)]
    whole = trips_of(fills(*given))

    first, second = fills(*given[:2]), fills(*given)
    rest = Fills(*(getattr(second, name)[2:] for name in Fills.__slots__))
    trips = trips_of(rest, carried=trips_of(first).open)

    for name in ("net", "turnover", "opened_ms", "closed_ms", "adds", "adds_losing", "size_up", "entry_px", "qty_max"):
        assert getattr(trips, name).tolist() == pytest.approx(getattr(whole, name).tolist()), name
    assert trips.open.entry_px.tolist() == whole.open.entry_px.tolist() == [50.0]


def test_no_fills_make_no_trips_and_no_complaint() -> None:
    trips = trips_of(fills((1, 0, 100, 0.0)))

    assert (len(trips), len(trips.open)) == (0, 0)
