"""One address's limit between brands: a burst of one leaves the others what they are likely to need."""

from __future__ import annotations

from datetime import date

from copydesk.venues.client.brand_shares import BrandShares
from copydesk.venues.client.budget import SILENT, RateBudget
from copydesk.venues.client.draw import Draw
from copydesk.venues.traits import Endpoint, LimitScope, LimitUnit, RateLimit
from hypothesis import given
from hypothesis import strategies as st

A, B = 1, 2
READ = Endpoint("GET", "/read", weight=1)
LIMIT = RateLimit(LimitScope.IP, LimitUnit.WEIGHT, 1000, 60, source="a test", as_of=date(2026, 11, 1))


def burst(shares: BrandShares, brand: int, tries: int, now: float) -> int:
    """Return how many of so many requests of weight 1 a brand may send."""
    sent = 0
    for _ in range(tries):
        sent += shares.take(brand, 1, now) == 0
    return sent


def test_a_brand_alone_may_use_all() -> None:
    assert burst(BrandShares(100, 60), A, 100, now=0.0) == 100


def test_what_the_other_does_not_need_is_lent() -> None:
    shares = BrandShares(100, 60)
    burst(shares, B, 5, now=0.0)
    # B is likely to need twice what it had, which is half of that already.
    assert burst(shares, A, 500, now=0.0) == 89
    assert burst(shares, B, 5, now=1.0) == 5


def test_who_was_refused_finds_its_equal_part_free_in_the_next_period() -> None:
    shares = BrandShares(100, 60)
    assert burst(shares, A, 100, now=0.0) == 100
    shares.want(B, 80)
    assert burst(shares, A, 500, now=60.0) == 50
    assert burst(shares, B, 500, now=61.0) == 50


def test_who_is_refused_hears_when_the_period_ends() -> None:
    shares = BrandShares(10, 60)
    burst(shares, B, 5, now=0.0)
    burst(shares, A, 5, now=0.0)
    assert shares.take(A, 1, now=20.0) == 40.0


def test_who_stays_away_for_a_whole_period_keeps_nothing_free() -> None:
    shares = BrandShares(100, 60)
    burst(shares, B, 40, now=0.0)
    assert burst(shares, A, 100, now=121.0) == 100


@given(own=st.lists(st.integers(1, 60), min_size=2, max_size=6), noise=st.integers(0, 500), brands=st.integers(1, 5))
def test_no_burst_takes_from_a_brand_what_it_had_in_the_period_before(own: list[int], noise: int, brands: int) -> None:
    shares = BrandShares(600, 60)
    for period, wanted in enumerate(own):
        now = period * 60.0
        for noisy in range(10, 10 + brands):
            burst(shares, noisy, noise, now)
        sent = burst(shares, B, wanted, now + 1)
        if period:
            assert sent >= min(wanted, own[period - 1], 600 // (brands + 1))


def test_closes_are_never_held_to_a_share() -> None:
    budget = RateBudget((LIMIT,))
    for brand in (B, A):
        while budget.try_take(READ, "k", draw=Draw.OPENS, now=0.0, brand=brand) == 0:
            pass
    assert budget.try_take(READ, "k", draw=Draw.OPENS, now=0.0, brand=A) > 0
    assert budget.try_take(READ, "k", draw=Draw.RESERVE, now=0.0, brand=A) == 0


def test_an_order_that_weighs_nothing_in_the_end_is_given_back() -> None:
    order = Endpoint("POST", "/order", weight=1, orders=1)
    budget = RateBudget((LIMIT,))
    budget.try_take(READ, "b", draw=Draw.OPENS, now=0.0, brand=B)
    for _ in range(3_000):
        assert budget.try_take(order, "a", draw=Draw.OPENS, now=0.0, brand=A) == 0
        budget.settle(order, "a", accepted=True, reported=SILENT, now=0.0, brand=A)
