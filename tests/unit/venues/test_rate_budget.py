"""Rate budgets: no window is exceeded, closes keep their reserve, the exchange's own count wins."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from copydesk.venues import TRAITS
from copydesk.venues.client.budget import SILENT, RateBudget
from copydesk.venues.client.draw import Draw
from copydesk.venues.traits import Endpoint, LimitScope, LimitUnit, RateLimit
from hypothesis import given
from hypothesis import strategies as st

AS_OF = date(2026, 11, 22)
ORDER = Endpoint("POST", "/order", weight=1, orders=1)
WEIGHT_1M = (LimitUnit.WEIGHT, 60, "")
READ = Endpoint("GET", "/read", weight=10)
LIMITS = (
    RateLimit(LimitScope.IP, LimitUnit.WEIGHT, 100, 60, "test", AS_OF),
    RateLimit(LimitScope.KEY, LimitUnit.ORDERS, 20, 10, "test", AS_OF),
)


def taken(budget: RateBudget, endpoint: Endpoint, key: str, *, reduces: bool = False, now: float = 0.0) -> int:
    """Count how often the request fits."""
    count = 0
    while budget.try_take(endpoint, key, draw=Draw.RESERVE if reduces else Draw.OPENS, now=now) == 0:
        count += 1
    return count


def test_opens_stop_at_the_reserve_and_closes_go_on() -> None:
    budget = RateBudget(LIMITS)
    assert taken(budget, ORDER, "a") == 13  # 20 less 5 % safety is 19; 70 % of it.
    assert taken(budget, ORDER, "a", reduces=True) == 6


def test_what_can_wait_leaves_most_of_a_window_to_opens_and_closes() -> None:
    budget = RateBudget(LIMITS)
    spent = 0
    while budget.try_take(ORDER, "a", draw=Draw.SPARE, now=0.0) == 0:
        spent += 1
    assert spent == 5  # 30 % of 19.
    assert taken(budget, ORDER, "a") == 8
    assert budget.try_take(ORDER, "a", draw=Draw.SPARE, now=10.0) > 0  # Still under way.


def test_a_small_limit_lets_what_can_wait_through_one_at_a_time() -> None:
    budget = RateBudget((RateLimit(LimitScope.KEY, LimitUnit.REQUESTS, 3, 1, "test", AS_OF),))
    assert budget.try_take(READ, "a", draw=Draw.SPARE, now=0.0) == 0
    assert budget.try_take(READ, "a", draw=Draw.SPARE, now=0.0) > 0


def test_nothing_is_reserved_of_an_accounts_limit_that_no_order_counts_in() -> None:
    limit = RateLimit(LimitScope.KEY, LimitUnit.REQUESTS, 5, 1, "test", AS_OF, "leverage")
    budget, leverage = RateBudget((limit,)), Endpoint("POST", "/leverage", groups=("leverage",))
    waits = [budget.try_take(leverage, "a", draw=Draw.SPARE, now=0.0) > 0 for _ in range(5)]
    assert waits == [False, False, False, False, True]  # 5 less 5 % safety.


def test_one_account_does_not_spend_the_orders_of_another() -> None:
    budget = RateBudget(LIMITS)
    taken(budget, ORDER, "a")
    assert budget.try_take(ORDER, "b", draw=Draw.OPENS, now=0.0) == 0


def test_the_wait_lasts_until_the_window_turns() -> None:
    budget = RateBudget(LIMITS)
    taken(budget, ORDER, "a", now=3.0)
    assert budget.try_take(ORDER, "a", draw=Draw.OPENS, now=3.0) == 7.0


def test_what_is_under_way_still_counts_when_the_window_turns() -> None:
    budget = RateBudget(LIMITS)
    taken(budget, ORDER, "a", now=9.9)
    assert budget.try_take(ORDER, "a", draw=Draw.OPENS, now=10.0) > 0


def test_an_accepted_order_weighs_nothing_and_a_refused_one_does() -> None:
    for accepted, left in ((True, 6), (False, 5)):
        budget = RateBudget(LIMITS)
        for _ in range(10):
            assert budget.try_take(ORDER, "a", draw=Draw.OPENS, now=0.0) == 0
            budget.settle(ORDER, "a", accepted=accepted, reported=SILENT, now=0.0)
        assert taken(budget, READ, "") == left


def test_the_count_that_the_exchange_reports_wins() -> None:
    budget = RateBudget(LIMITS)
    budget.try_take(READ, "", draw=Draw.OPENS, now=0.0)
    budget.settle(READ, "", accepted=True, reported={WEIGHT_1M: 60}, now=0.0)
    assert budget.try_take(READ, "", draw=Draw.OPENS, now=0.0) == 60.0
    assert budget.try_take(READ, "", draw=Draw.RESERVE, now=0.0) == 0


def test_an_answer_that_comes_late_does_not_lower_the_count() -> None:
    budget = RateBudget(LIMITS)
    for _ in range(2):
        budget.try_take(READ, "", draw=Draw.OPENS, now=0.0)
    budget.settle(READ, "", accepted=True, reported={WEIGHT_1M: 60}, now=0.0)
    budget.settle(READ, "", accepted=True, reported={WEIGHT_1M: 50}, now=0.0)  # Written earlier, read later.
    assert budget.try_take(READ, "", draw=Draw.OPENS, now=0.0) == 60.0
    assert budget.try_take(READ, "", draw=Draw.OPENS, now=60.0) == 0


def test_what_we_spent_counts_even_if_the_exchange_has_not_counted_it_yet() -> None:
    budget = RateBudget(LIMITS)
    for _ in range(6):
        budget.try_take(READ, "", draw=Draw.OPENS, now=0.0)
        budget.settle(READ, "", accepted=True, reported={WEIGHT_1M: 10}, now=0.0)
    assert budget.try_take(READ, "", draw=Draw.OPENS, now=0.0) == 60.0


def test_a_blocked_key_stops_itself_and_nobody_else() -> None:
    budget = RateBudget(LIMITS)
    budget.block(5.0, 1000.0, "a")
    assert budget.try_take(ORDER, "a", draw=Draw.RESERVE, now=1002.0) == 3.0
    assert budget.try_take(ORDER, "b", draw=Draw.OPENS, now=1002.0) == 0
    assert budget.try_take(ORDER, "a", draw=Draw.RESERVE, now=1006.0) == 0


GROUPS = (
    RateLimit(LimitScope.KEY_SYMBOL, LimitUnit.REQUESTS, 10, 2, "test", AS_OF, "place"),
    RateLimit(LimitScope.KEY, LimitUnit.ORDERS, 20, 2, "test", AS_OF),
    RateLimit(LimitScope.KEY, LimitUnit.REQUESTS, 4, 1, "test", AS_OF, "read"),
)
PLACE = Endpoint("POST", "/place", orders=1, groups=("place",))
LOOK = Endpoint("GET", "/look", groups=("read",))


def test_a_group_counts_the_endpoints_that_name_it_by_key_and_instrument() -> None:
    budget = RateBudget(GROUPS, reserve_ratio=Decimal(0))
    by_symbol = [fits(budget, PLACE, "a", symbol) for symbol in ("BTC/USDT", "ETH/USDT", "SOL/USDT")]
    assert by_symbol == [9, 9, 1]  # 10 per instrument less 5 % safety; all together 20 less 5 %.
    assert [fits(budget, LOOK, key) for key in ("a", "b")] == [3, 3]
    assert fits(budget, PLACE, "b", "BTC/USDT") == 9


def fits(budget: RateBudget, endpoint: Endpoint, key: str, symbol: str = "") -> int:
    """Count how often the request fits, at most 50 times."""
    tries = (budget.try_take(endpoint, key, symbol, draw=Draw.OPENS, now=0.0) for _ in range(50))
    return sum(wait_s == 0 for wait_s in tries)


def test_a_key_s_own_count_is_believed_for_its_group_alone() -> None:
    budget = RateBudget(GROUPS, reserve_ratio=Decimal(0))
    assert budget.try_take(LOOK, "a", draw=Draw.OPENS, now=0.0) == 0
    budget.settle(LOOK, "a", accepted=True, reported={(LimitUnit.REQUESTS, 1, "read"): 3}, now=0.0)
    assert budget.try_take(LOOK, "a", draw=Draw.OPENS, now=0.5) == 0.5
    assert fits(budget, PLACE, "a", "BTC/USDT") == 9


def test_a_ban_stops_everything_until_it_ends() -> None:
    budget = RateBudget(LIMITS)
    budget.block(120.0, 1000.0)
    assert budget.try_take(ORDER, "a", draw=Draw.RESERVE, now=1010.0) == 110.0
    assert budget.try_take(ORDER, "a", draw=Draw.RESERVE, now=1121.0) == 0


@given(st.lists(st.tuples(st.integers(0, 400), st.booleans(), st.booleans()), max_size=200))
def test_no_published_limit_is_ever_exceeded(steps: list[tuple[int, bool, bool]]) -> None:
    budget = RateBudget(LIMITS, reserve_ratio=Decimal("0.3"))
    sent: dict[int, int] = {}
    now = 0.0
    for wait_ds, reduces, accepted in steps:
        now += wait_ds / 100
        if budget.try_take(ORDER, "a", draw=Draw.RESERVE if reduces else Draw.OPENS, now=now) == 0:
            budget.settle(ORDER, "a", accepted=accepted, reported=SILENT, now=now)
            window = int(now // 10)
            sent[window] = sent.get(window, 0) + 1
    assert all(count <= 20 for count in sent.values())


def test_every_published_limit_names_its_source_and_date() -> None:
    origins = [rules for traits in TRAITS.values() for rules in traits.origins.values()]
    limits = [limit for rules in origins for limit in rules.rate_limits]
    limits += [traits.connect_limit for traits in TRAITS.values()]
    assert all(limit.source and limit.as_of >= AS_OF for limit in limits)
