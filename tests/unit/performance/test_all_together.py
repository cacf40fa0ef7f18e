"""All subscriptions of one person as one line: payments are neither gain nor loss."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from copydesk.performance.together import fallen
from hypothesis import given
from hypothesis import strategies as st

D = Decimal
NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
ENDS = [datetime(2026, 3, 2, tzinfo=UTC) + timedelta(days=day) for day in range(4)]
TONIGHT = datetime(2026, 3, 6, tzinfo=UTC)


def test_a_line_that_only_rises_has_not_fallen() -> None:
    points = list(zip(ENDS, map(D, (100, 110, 120, 130)), strict=True))
    assert fallen(points, {ENDS[0]: D(100)}, equity=D(140), now=NOW) == 0


def test_a_line_stands_below_its_highest_by_what_it_lost_since() -> None:
    points = list(zip(ENDS, map(D, (100, 200, 180, 170)), strict=True))
    assert fallen(points, {ENDS[0]: D(100)}, equity=D(150), now=NOW) == D("0.25")


def test_what_began_today_is_held_against_what_it_began_with() -> None:
    assert fallen([], {TONIGHT: D(500)}, equity=D(450), now=NOW) == D("0.1")


@given(st.lists(st.integers(-90, 500).map(D), min_size=4, max_size=4))
def test_money_that_comes_or_goes_moves_nothing(paid: list[Decimal]) -> None:
    worth, points, flows = D(1000), [], {ENDS[0]: D(1000)}
    for end, amount in zip(ENDS, paid, strict=True):
        worth += amount
        points.append((end, worth))
        flows[end] = flows.get(end, D(0)) + amount
    assert fallen(points, flows, equity=worth, now=NOW) == 0


def test_a_line_that_lost_everything_is_at_the_bottom() -> None:
    points = [(ENDS[0], D(100))]
    assert fallen(points, {ENDS[0]: D(100)}, equity=D(-5), now=NOW) == 1
