"""Shares and leases of one process, pure: what it may send without asking, and what a lease adds."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import pytest
from copydesk.venues import TRAITS
from copydesk.venues.budgets import ROLES, seat_of
from copydesk.venues.client.budget import CLOSES_RESERVE_RATIO, SILENT
from copydesk.venues.client.draw import Draw
from copydesk.venues.client.shared_budget import SharedBudget, Wants, digest_of
from copydesk.venues.client.windows import LEASE_WAIT_S, LEVEL, Seat, Shares, Window, bounds_of
from copydesk.venues.traits import Endpoint, LimitScope, LimitUnit, RateLimit
from hypothesis import given
from hypothesis import strategies as st

AS_OF = date(2026, 11, 22)
WEIGHT = RateLimit(LimitScope.IP, LimitUnit.WEIGHT, 1000, 60, "test", AS_OF)
ORDERS = RateLimit(LimitScope.KEY, LimitUnit.ORDERS, 50, 10, "test", AS_OF)
TENTHS = Shares((Decimal("0.1"), Decimal("0.2")))
SEAT = Seat(TENTHS, TENTHS, TENTHS, 0)
ORDER = Endpoint("POST", "/order", weight=1, orders=1)


class Coming(NamedTuple):
    """A request that is about to be sent."""

    endpoint: Endpoint
    key: str
    symbol: str
    draw: Draw


class Line:
    """Notes what a budget tells and asks."""

    def __init__(self) -> None:
        self.woken = 0
        self.leased: list[Wants] = []
        self.blocks: list[tuple[str, str, float]] = []
        self.breakers: list[float] = []

    def wake(self) -> None:
        self.woken += 1

    async def lease(self, budget: SharedBudget, wants: Wants) -> None:
        self.leased.append(wants)

    def tell_block(self, scope: str, key_digest: str, block_s: float) -> None:
        self.blocks.append((scope, key_digest, block_s))

    def tell_breaker(self, scope: str, open_s: float) -> None:
        self.breakers.append(open_s)


def window() -> Window:
    return Window(bounds_of(WEIGHT, CLOSES_RESERVE_RATIO, SEAT))


def filled(one: Window, *, reduces: bool, now: float = 0.0) -> int:
    count = 0
    while one.wait_s(1, LEVEL[Draw.RESERVE if reduces else Draw.OPENS], now) == 0:
        one.take(1)
        count += 1
    return count


def test_a_process_sends_its_share_without_asking_and_closes_keep_their_part_of_it() -> None:
    one = window()
    assert filled(one, reduces=False) == 66  # 70 % of a tenth of 950.
    assert filled(one, reduces=True) == 95 - 66
    assert one.wait_s(1, LEVEL[Draw.RESERVE], 0.0) == LEASE_WAIT_S


def test_a_lease_adds_to_the_draw_that_it_was_asked_for_and_ends_with_its_window() -> None:
    one = window()
    one.leased(one.statement(0.0), 100, Draw.OPENS, 0, 0.0)
    assert filled(one, reduces=False) == 166
    one.leased(one.statement(0.0), 50, Draw.RESERVE, 0, 0.0)
    assert filled(one, reduces=False) == 0
    assert filled(one, reduces=True) == 29 + 50
    assert one.statement(60.0) == (1, 245 - 95, 0, 0)  # All of it is still on its way, and counts again.


def test_the_answer_to_a_window_that_has_turned_meanwhile_is_worth_nothing() -> None:
    one = window()
    said = one.statement(59.9)
    one.leased(said, 100, Draw.OPENS, 0, 60.1)
    assert filled(one, reduces=True, now=60.1) == 95


def test_what_is_given_back_may_not_be_sent() -> None:
    one = window()
    one.leased(one.statement(0.0), 100, Draw.RESERVE, 0, 0.0)
    one.give_back(10, 0.0)  # Of 195 unused units all but ten, as far as they are leased.
    assert one.statement(0.0).held == 0
    assert filled(one, reduces=True) == 95


def test_the_exchanges_count_bounds_what_leases_allow() -> None:
    one = window()
    one.leased(one.statement(0.0), 300, Draw.OPENS, told=940, now=0.0)
    assert filled(one, reduces=True) == 10
    assert one.lacks(1, Draw.RESERVE, 0.0) == 0  # No lease would help.


def test_a_clock_that_is_set_back_a_little_opens_no_window_twice() -> None:
    one = window()
    assert filled(one, reduces=True, now=60.0) == 95
    assert one.wait_s(1, LEVEL[Draw.RESERVE], 59.9) > 0


@given(
    count=st.integers(1, 6000),
    parts=st.lists(st.decimals(0, 1, places=2), min_size=1, max_size=5).filter(lambda parts: 0 < sum(parts) <= 1),
)
def test_shares_and_the_pool_are_never_more_than_the_limit(count: int, parts: list[Decimal]) -> None:
    shares = Shares(tuple(parts))
    pieces = [shares.split(count, place) for place in range(len(parts))]
    assert sum(own for own, _ in pieces) + pieces[0][1] == count


@pytest.mark.parametrize("replicators", [1, 2, 5])
def test_every_limit_of_every_exchange_has_room_for_listener_replicators_and_risk(replicators: int) -> None:
    for limit in (limit for traits in TRAITS.values() for limit in traits.rate_limits):
        whole = bounds_of(limit, CLOSES_RESERVE_RATIO).limit.reserve
        seats = [seat_of(role, replicators) for role in ROLES]
        reads, sends, stops, by_hand = (bounds_of(limit, CLOSES_RESERVE_RATIO, seat) for seat in seats)
        shared = reads.own.reserve + replicators * sends.own.reserve + stops.own.reserve
        orders = limit.scope is not LimitScope.IP and limit.unit is LimitUnit.ORDERS
        # From an account that leads nobody else sends.
        assert by_hand.own.reserve == whole if orders else by_hand.own.reserve <= max(whole // 20, 1)
        assert shared + (0 if orders else by_hand.own.reserve) + sends.pool.reserve == whole
        assert stops.own.reserve > 0 or whole < (replicators + 2 if orders else 20)
        if limit.scope is not LimitScope.IP and limit.unit is LimitUnit.ORDERS:
            assert reads.own.reserve == 0


def test_the_only_replicator_owns_its_accounts_orders_but_for_those_of_risk() -> None:
    sends, stops = (bounds_of(ORDERS, CLOSES_RESERVE_RATIO, seat_of(role, 1)) for role in ("replicator", "risk"))
    assert (sends.limit.reserve, sends.own.reserve, stops.own.reserve, sends.pool.reserve) == (47, 42, 4, 1)


def shared(line: Line) -> SharedBudget:
    return SharedBudget((WEIGHT, ORDERS), scope="paper", seat=SEAT, line=line)


def test_a_fan_out_leases_what_it_lacks_before_it_is_sent() -> None:
    line = Line()
    budget = shared(line)
    asyncio.run(budget.ahead([Coming(ORDER, "a", "", Draw.OPENS)], 0.0, at_once=100))
    assert line.leased == []
    asyncio.run(budget.ahead([Coming(ORDER, f"k{n}", "", Draw.OPENS) for n in range(500)], 0.0, at_once=100))
    (wants,) = line.leased
    assert list(wants.values()) == [(41, Draw.OPENS)]  # Of a hundred under way 66 are its own; a slice is more.


def test_an_order_that_does_not_fit_asks_for_a_lease() -> None:
    line = Line()
    budget = shared(line)
    while budget.try_take(ORDER, "a", draw=Draw.OPENS, now=0.0) == 0:
        pass
    assert line.woken == 1
    (ask,) = [ask for ask in budget.asks(0.0) if ask.want]
    assert (ask.want, ask.draw) == (1, Draw.OPENS)
    assert digest_of("a") in ask.name
    assert budget.asks(0.0) == []  # Said once, and nothing is held.


def test_a_block_is_told_by_digest_and_heard_also_for_keys_that_are_met_later() -> None:
    line = Line()
    first, second = shared(line), shared(Line())
    first.block(30.0, 0.0, "a")
    assert line.blocks == [("paper", digest_of("a"), 30.0)]
    second.hear_block(30.0, 0.0, digest_of("a"))
    assert second.try_take(ORDER, "b", draw=Draw.RESERVE, now=1.0) == 0
    second.try_take(ORDER, "a", draw=Draw.RESERVE, now=1.0)
    assert second.try_take(ORDER, "a", draw=Draw.RESERVE, now=1.0) == 29.0
    second.hear_block(60.0, 0.0)
    assert second.try_take(ORDER, "b", draw=Draw.RESERVE, now=1.0) == 59.0


def test_a_limit_that_others_read_with_the_same_key_is_leased_key_by_key() -> None:
    read = Endpoint("GET", "/positions", weight=0, groups=("positions",))
    limit = replace(ORDERS, unit=LimitUnit.REQUESTS, count=10, group="positions")
    budget = SharedBudget((limit,), scope="paper", seat=SEAT, line=Line())
    wants = budget._wants([Coming(read, key, "", Draw.SPARE) for key in "aab"], 0.0, 5)
    assert wants == {}
    budget.try_take(read, "a", draw=Draw.SPARE, now=0.0)
    (want,) = budget._wants([Coming(read, key, "", Draw.SPARE) for key in "ab"], 0.0, 5).values()
    assert want == (1, Draw.RESERVE)
    budget.settle(read, "a", accepted=True, reported=SILENT, now=0.0)
