"""Where an exchange counts over the last seconds, no border of ours lets twice the limit through."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from copydesk.venues.client.budget import SILENT, RateBudget
from copydesk.venues.client.draw import Draw
from copydesk.venues.traits import Endpoint, LimitScope, LimitUnit, RateLimit

ORDER = Endpoint("POST", "/order", orders=1)
FIXED = RateLimit(LimitScope.KEY, LimitUnit.REQUESTS, 20, 1, "test", date(2026, 11, 22))
ROLLING = replace(FIXED, rolling=True)


def sent_at(limit: RateLimit, moments: list[float]) -> list[float]:
    """Return when a close got through that was tried at each of these moments, answered at once."""
    budget, through = RateBudget((limit,)), []
    for now in moments:
        if budget.try_take(ORDER, "a", draw=Draw.RESERVE, now=now) == 0:
            through.append(now)
            budget.settle(ORDER, "a", accepted=True, reported=SILENT, now=now)
    return through


def most_at_once(moments: list[float], period_s: float) -> int:
    return max(sum(0 <= last - at < period_s for at in moments) for last in moments)


AROUND_A_BORDER = [99.9] * 30 + [100.05] * 30
STEADILY = [100 + n / 100 for n in range(1_000)]


def test_a_burst_around_a_border_gets_the_limit_once() -> None:
    assert len(sent_at(FIXED, AROUND_A_BORDER)) == 38  # What a rolling limit must not let through.
    assert len(sent_at(ROLLING, AROUND_A_BORDER)) == 19


def test_no_second_sees_more_than_the_limit_and_little_of_it_is_given_away() -> None:
    through = sent_at(ROLLING, STEADILY)
    assert most_at_once(through, 1.0) <= 19
    assert len(through) >= 0.85 * 19 * 10


def test_the_wait_is_told_until_the_oldest_use_is_a_period_old() -> None:
    budget = RateBudget((ROLLING,))
    for _ in range(19):
        assert budget.try_take(ORDER, "a", draw=Draw.RESERVE, now=100.02) == 0
        budget.settle(ORDER, "a", accepted=True, reported=SILENT, now=100.02)
    wait_s = budget.try_take(ORDER, "a", draw=Draw.RESERVE, now=100.5)
    assert 0.5 < wait_s <= 0.6001
    assert budget.try_take(ORDER, "a", draw=Draw.RESERVE, now=100.5 + wait_s) == 0


def test_a_clock_that_is_set_back_forgets_nothing() -> None:
    assert len(sent_at(ROLLING, [100.5] * 30 + [100.1] * 30)) == 19
