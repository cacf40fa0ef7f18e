"""A storm of refusals stops opens before the limit is spent; probes find its end."""

from __future__ import annotations

from datetime import date

import pytest
from copydesk.venues import BINANCE, TRAITS
from copydesk.venues.client.breaker import PAUSE_S, PROBES, Breaker
from copydesk.venues.client.budget import RateBudget
from copydesk.venues.client.draw import Draw
from copydesk.venues.traits import Endpoint, LimitScope, LimitUnit, RateLimit
from hypothesis import given
from hypothesis import strategies as st

TRIP = 20


def stormed(now: float = 100.0) -> Breaker:
    """Return a breaker that has just opened."""
    breaker = Breaker(TRIP)
    opened = [breaker.book(now, accepted=False, reduces=False) for _ in range(TRIP)]
    assert opened == [0.0] * (TRIP - 1) + [PAUSE_S]
    return breaker


def test_many_refusals_and_hardly_anything_else_open_it() -> None:
    breaker = stormed()
    assert breaker.wait_s(101.0) == 9.0


def test_refusals_among_accepted_orders_are_everyday() -> None:
    breaker = Breaker(TRIP)
    for _ in range(10 * TRIP):
        for accepted in (True, False, False, False):
            assert breaker.book(100.0, accepted=accepted, reduces=False) == 0
    assert breaker.wait_s(100.0) == 0


def test_refusals_of_long_ago_are_forgotten() -> None:
    breaker = Breaker(TRIP)
    for second in range(0, 1000, 2):
        assert breaker.book(float(second), accepted=False, reduces=False) == 0


def test_refused_closes_count_too_for_they_weigh_as_much() -> None:
    breaker = Breaker(TRIP)
    assert [breaker.book(100.0, accepted=False, reduces=True) for _ in range(TRIP)][-1] == PAUSE_S


def test_half_open_it_lets_a_few_probes_through_and_one_that_is_accepted_closes_it() -> None:
    breaker = stormed()
    assert [breaker.wait_s(110.0) == 0 for _ in range(PROBES + 2)] == [True] * PROBES + [False] * 2
    assert breaker.book(110.1, accepted=True, reduces=False) == 0
    assert all(breaker.wait_s(110.1) == 0 for _ in range(10 * PROBES))


def test_a_refused_probe_opens_it_for_twice_as_long() -> None:
    breaker = stormed()
    assert breaker.wait_s(110.0) == 0
    assert breaker.book(110.1, accepted=False, reduces=False) == 2 * PAUSE_S
    assert breaker.wait_s(110.1) == 2 * PAUSE_S


def test_a_close_is_no_probe() -> None:
    breaker = stormed()
    assert breaker.wait_s(110.0) == 0
    breaker.book(110.1, accepted=True, reduces=True)
    breaker.book(110.1, accepted=False, reduces=True)
    assert [breaker.wait_s(110.2) == 0 for _ in range(PROBES)] == [True] * (PROBES - 1) + [False]


def test_probes_that_are_never_answered_are_sent_anew() -> None:
    breaker = stormed()
    for _ in range(PROBES):
        assert breaker.wait_s(110.0) == 0
    assert breaker.wait_s(110.0) > 0
    assert breaker.wait_s(115.0) == 0


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 3)), max_size=300))
def test_opens_always_get_another_chance(story: list[tuple[bool, float]]) -> None:
    breaker, now = Breaker(TRIP), 0.0
    for accepted, passes_s in story:
        now += passes_s
        if breaker.wait_s(now) == 0:
            breaker.book(now, accepted=accepted, reduces=False)
    wait_s = breaker.wait_s(now)
    assert breaker.wait_s(now + wait_s) == 0


@pytest.mark.parametrize("venue", TRAITS)
def test_only_where_refused_orders_weigh_is_there_a_breaker(venue: str) -> None:
    rules = TRAITS[venue].origins
    weighing = {name for name, rule in rules.items() if RateBudget(rule.rate_limits)._breaker}
    assert weighing == ({"spot", "perpetual"} if venue == "binance" else set())


def test_it_opens_before_opens_have_spent_their_part_of_the_limit() -> None:
    budget, submit = RateBudget(BINANCE.origins["spot"].rate_limits), BINANCE.origins["spot"].endpoints["submit"]
    spent = 0
    while not budget.breaker_s(submit, 100.0):
        assert budget.try_take(submit, f"key {spent}", draw=Draw.OPENS, now=100.0) == 0
        budget.settle(submit, f"key {spent}", accepted=False, reported={}, now=100.0)
        budget.book_order(submit, 100.0, accepted=False, reduces=False)
        spent += 1
    assert spent == 600
    assert budget.try_take(submit, "close", draw=Draw.RESERVE, now=100.0) == 0


def test_orders_that_never_weigh_trip_nothing() -> None:
    free = Endpoint("POST", "/free", weight=0, orders=1)
    limit = RateLimit(LimitScope.IP, LimitUnit.WEIGHT, 100, 60, "test", date(2026, 11, 22))
    budget = RateBudget((limit,))
    for _ in range(100):
        budget.book_order(free, 0.0, accepted=False, reduces=False)
    assert budget.breaker_s(free, 0.0) == 0
