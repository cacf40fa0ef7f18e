"""Curves as one line of text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from copydesk.cli.sparkline import Point, bars, sampled

D = Decimal
BEGIN = datetime(2026, 3, 2, tzinfo=UTC)


def minutes(*told: tuple[int, str]) -> list[Point]:
    return [Point(BEGIN + timedelta(minutes=minute), D(value)) for minute, value in told]


def test_a_point_holds_until_the_next() -> None:
    end = BEGIN + timedelta(minutes=4)
    curve = sampled(minutes((1, "10"), (3, "7")), begin=BEGIN, end=end, first=D(9), count=5)
    assert curve == [D(9), D(10), D(10), D(7), D(7)]


def test_the_last_of_what_is_drawn_is_the_last_that_is_known() -> None:
    end = BEGIN + timedelta(minutes=7)
    assert sampled(minutes((0, "1"), (7, "3")), begin=BEGIN, end=end, first=D(9), count=60)[-1] == D(3)


def test_a_history_of_one_moment_is_drawn_too() -> None:
    assert sampled(minutes((0, "5")), begin=BEGIN, end=BEGIN, first=D(9), count=3) == [D(5)] * 3


def test_the_lowest_lies_at_the_bottom_and_the_highest_at_the_top() -> None:
    assert bars([D(0), D(50), D(100)], low=D(0), high=D(100)) == "▁▄█"


def test_what_does_not_move_lies_at_the_bottom() -> None:
    assert bars([D(5), D(5)], low=D(5), high=D(5)) == "▁▁"
