"""How many requests a lane makes in a round follows what the rate budget refuses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from copydesk.kernel import Unavailable, VenueRefused
from copydesk.workers.pace import Pace

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOLD = object()
SPENT = Unavailable("spent", retry_after_s=0.05)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_a_lane_that_is_not_refused_asks_as_much_as_a_round_may() -> None:
    pace = Pace(50)
    pace.note([TOLD] * 50, NOW)
    assert pace.allowed(NOW) == 50


def test_after_a_refusal_a_lane_waits_and_asks_half_of_what_was_told() -> None:
    pace = Pace(50)
    pace.note([TOLD] * 20 + [SPENT] * 30, NOW)
    assert pace.allowed(NOW) == 0
    assert pace.allowed(after(0.5)) == 10


def test_a_lane_waits_as_long_as_the_budget_says() -> None:
    pace = Pace(50)
    pace.note([Unavailable("spent", retry_after_s=42)], NOW)
    assert pace.allowed(after(41)) == 0
    assert pace.allowed(after(42)) == 1


def test_refusals_in_a_row_make_the_waits_longer_up_to_eight_seconds_and_one_answer_ends_that() -> None:
    pace, at = Pace(50), 0.0
    waits = []
    for _ in range(7):
        pace.note([SPENT], after(at))
        waits.append(next(wait for wait in (0.5, 1, 2, 4, 8, 16) if pace.allowed(after(at + wait))))
        at += waits[-1]
    assert waits == [0.5, 1, 2, 4, 8, 8, 8]
    pace.note([TOLD], after(at))
    pace.note([SPENT], after(at))
    assert pace.allowed(after(at + 0.5)) == 1


def test_rounds_without_a_refusal_double_until_the_most_is_reached() -> None:
    pace = Pace(5)
    pace.note([SPENT], NOW)
    found = []
    for second in range(1, 5):
        found.append(pace.allowed(after(second)))
        pace.note([TOLD] * found[-1], after(second))
    assert found == [1, 2, 4, 5]


def test_an_exchange_that_refuses_the_one_asked_about_does_not_slow_the_others() -> None:
    pace = Pace(50)
    pace.note([VenueRefused("bad key")] * 50, NOW)
    assert pace.allowed(NOW) == 50
