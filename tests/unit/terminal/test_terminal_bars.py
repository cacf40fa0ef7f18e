"""The candles of the terminal's chart: the exchange's own, going on by the minutes that were seen since."""

from __future__ import annotations

from decimal import Decimal

import pytest
from copydesk.terminal.bars import Bars, going_on, minutes_between
from copydesk.venues import Candle, Interval
from copydesk.venues.candles import candles_of
from hypothesis import given
from hypothesis import strategies as st

D = Decimal
NOON = 1_790_000_100  # A multiple of 300 s.


def candle(*prices: int) -> Candle:
    return Candle(*map(D, prices))


def test_rows_are_read_whatever_their_order_and_whatever_follows_the_prices() -> None:
    rows = [["1790000400000", "4", "6", "3", "5", "0.1", "7"], [1790000100000, "1", 4.5, "1", "4"]]
    assert candles_of(rows) == {NOON: Candle(D(1), D("4.5"), D(1), D(4)), NOON + 300: candle(4, 6, 3, 5)}
    with pytest.raises(ValueError, match="NaN"):
        candles_of([["1", "NaN", "1", "1", "1"]])


def test_minutes_since_the_reading_carry_the_running_candle_on_and_begin_the_next() -> None:
    bars = Bars(NOON + 130, {NOON - 300: candle(1, 2, 1, 2), NOON: candle(2, 5, 2, 3)})
    minutes = {NOON - 60: candle(9, 9, 9, 9), NOON + 60: candle(8, 8, 8, 8), NOON + 120: candle(3, 6, 3, 4)}
    minutes[NOON + 300] = candle(4, 4, 1, 1)
    assert going_on(bars, minutes, Interval.M5) == {
        NOON - 300: candle(1, 2, 1, 2),
        NOON: candle(2, 6, 2, 4),  # What was over when it was read, the exchange knows better.
        NOON + 300: candle(4, 4, 1, 1),
    }


def test_without_an_exchange_the_minutes_that_were_seen_are_drawn() -> None:
    minutes = minutes_between([(NOON + 3, D(5)), (NOON + 61, D(7)), (NOON + 300, D(6))])
    assert minutes == {NOON: candle(5, 5, 5, 5), NOON + 60: candle(5, 7, 5, 7), NOON + 300: candle(7, 7, 6, 6)}
    assert going_on(Bars(), minutes, Interval.M5) == {NOON: candle(5, 7, 5, 7), NOON + 300: candle(7, 7, 6, 6)}


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 99)), max_size=40), st.sampled_from(Interval))
def test_a_candle_spans_what_it_is_drawn_from(told: list[tuple[int, int]], interval: Interval) -> None:
    minutes = minutes_between(sorted((60 * minute, D(px)) for minute, px in told))
    for begins, one in going_on(Bars(), minutes, interval).items():
        assert begins % interval.seconds == 0
        assert one.low <= min(one.open, one.close) <= max(one.open, one.close) <= one.high
