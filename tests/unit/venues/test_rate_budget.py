"""Rate budgets: no window is exceeded, closes keep their reserve, the exchange's own count wins."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from copydesk.venues.budget import RateBudget, Reported
from copydesk.venues.traits import BINANCE_SPOT, Endpoint, LimitScope, LimitUnit, RateLimit
from hypothesis import given
from hypothesis import strategies as st

AS_OF = date(2026, 11, 22)
ORDER = Endpoint("POST", "/order", weight=1, orders=1)
READ = Endpoint("GET", "/read", weight=10)
LIMITS = (
    RateLimit(LimitScope.IP, LimitUnit.WEIGHT, 100, 60, "test", AS_OF),
    RateLimit(LimitScope.KEY, LimitUnit.ORDERS, 20, 10, "test", AS_OF),
)


def taken(budget: RateBudget, endpoint: Endpoint, key: str, *, reduces: bool = False, now: float = 0.0) -> int:
    """Count how often the request fits."""
    count = 0
    while budget.try_take(endpoint, key, reduces=reduces, now=now) == 0:
        count += 1
    return count


def test_opens_stop_at_the_reserve_and_closes_go_on() -> None:
    budget = RateBudget(LIMITS)
    assert taken(budget, ORDER, "a") == 13  # 20 less 5 % safety is 19; 70 % of it.
    assert taken(budget, ORDER, "a", reduces=True) == 6


def test_one_account_does_not_spend_the_orders_of_another() -> None:
    budget = RateBudget(LIMITS)
    taken(budget, ORDER, "a")
    assert budget.try_take(ORDER, "b", reduces=False, now=0.0) == 0


def test_the_wait_lasts_until_the_window_turns() -> None:
    budget = RateBudget(LIMITS)
    taken(budget, ORDER, "a", now=3.0)
    assert budget.try_take(ORDER, "a", reduces=False, now=3.0) == 7.0


def test_what_is_under_way_still_counts_when_the_window_turns() -> None:
    budget = RateBudget(LIMITS)
    taken(budget, ORDER, "a", now=9.9)
    assert budget.try_take(ORDER, "a", reduces=False, now=10.0) > 0


def test_an_accepted_order_weighs_nothing_and_a_refused_one_does() -> None:
    for accepted, left in ((True, 6), (False, 5)):
        budget = RateBudget(LIMITS)
        for _ in range(10):
            assert budget.try_take(ORDER, "a", reduces=False, now=0.0) == 0
            budget.settle(ORDER, "a", accepted=accepted, reported=Reported(), now=0.0)
        assert taken(budget, READ, "") == left


def test_the_count_that_the_exchange_reports_wins() -> None:
    budget = RateBudget(LIMITS)
    budget.try_take(READ, "", reduces=False, now=0.0)
    budget.settle(READ, "", accepted=True, reported=Reported(weight_1m=60), now=0.0)
    assert budget.try_take(READ, "", reduces=False, now=0.0) == 60.0
    assert budget.try_take(READ, "", reduces=True, now=0.0) == 0


def test_an_answer_that_comes_late_does_not_lower_the_count() -> None:
    budget = RateBudget(LIMITS)
    for _ in range(2):
        budget.try_take(READ, "", reduces=False, now=0.0)
    budget.settle(READ, "", accepted=True, reported=Reported(weight_1m=60), now=0.0)
    budget.settle(READ, "", accepted=True, reported=Reported(weight_1m=50), now=0.0)  # Written earlier, read later.
    assert budget.try_take(READ, "", reduces=False, now=0.0) == 60.0
    assert budget.try_take(READ, "", reduces=False, now=60.0) == 0


def test_what_we_spent_counts_even_if_the_exchange_has_not_counted_it_yet() -> None:
    budget = RateBudget(LIMITS)
    for _ in range(6):
        budget.try_take(READ, "", reduces=False, now=0.0)
        budget.settle(READ, "", accepted=True, reported=Reported(weight_1m=10), now=0.0)
    assert budget.try_take(READ, "", reduces=False, now=0.0) == 60.0


def test_a_ban_stops_everything_until_it_ends() -> None:
    budget = RateBudget(LIMITS)
    budget.block(120.0, 1000.0)
    assert budget.try_take(ORDER, "a", reduces=True, now=1010.0) == 110.0
    assert budget.try_take(ORDER, "a", reduces=True, now=1121.0) == 0


@given(st.lists(st.tuples(st.integers(0, 400), st.booleans(), st.booleans()), max_size=200))
def test_no_published_limit_is_ever_exceeded(steps: list[tuple[int, bool, bool]]) -> None:
    budget = RateBudget(LIMITS, reserve_ratio=Decimal("0.3"))
    sent: dict[int, int] = {}
    now = 0.0
    for wait_ds, reduces, accepted in steps:
        now += wait_ds / 100
        if budget.try_take(ORDER, "a", reduces=reduces, now=now) == 0:
            budget.settle(ORDER, "a", accepted=accepted, reported=Reported(), now=now)
            window = int(now // 10)
            sent[window] = sent.get(window, 0) + 1
    assert all(count <= 20 for count in sent.values())


def test_every_published_limit_names_its_source_and_date() -> None:
    assert all(limit.source and limit.as_of >= AS_OF for limit in BINANCE_SPOT.rate_limits)
