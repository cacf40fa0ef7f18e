"""Orders that are too small: skip, round up within the risk cap, accumulate. On an account of 50 USDT."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from copydesk.replication.model import Book, Bound, Follower, Limits, Planned, SignalFact
from copydesk.replication.plan import deny_all, plan_copies
from copydesk.trading import Denial, Side, SizePolicy, SizingMode, SubscriptionState
from perpetual_values import PERP
from perpetual_values import signal as perpetual
from plan_values import BTC, LIMITS, NOW, D, follower, plan, signal

# The leader is worth 100,000 and a BTC 50,000: of 50 USDT, 0.1 BTC asks for 2.50 or 0.00005 BTC. The smallest order
# that can be closed again is 0.00012 BTC, about 6 USDT.
SMALLEST = D("0.00012")


def small(policy: SizePolicy, *, book: Book | None = None, **changed: Any) -> Follower:
    return follower(allocation=D(50), size_policy=policy, book=book, **changed)


def after(planned: Planned, who: Follower) -> Follower:
    """Return the follower as stored: the order filled in whole, and free of fees."""
    qty = who.book.qty + (planned.qty if planned.side is Side.BUY else -planned.qty)
    book = Book(qty, planned.target_qty, carried_qty=planned.carried_qty, carried_at=planned.carried_at)
    return who._replace(book=book, spent=abs(qty) * 50_000)


def story(who: Follower, *positions: str, first: bool = True, limits: Limits = LIMITS) -> list[Planned]:
    """Let the leader go from each position to the next, each by an order of its own or all by one."""
    told = []
    for number, (before, now) in enumerate(pairwise(positions), start=10):
        fact = signal(before, now, id=number, first_of_order=first or number == 10)
        told.append(plan(fact, who, limits=limits))
        who = after(told[-1], who)
    return told


def test_skip_leaves_an_order_out_that_is_too_small_and_forgets_it_with_the_next() -> None:
    first, second, third = story(small(SizePolicy.SKIP), "0", "0.1", "0.2", "0.5")
    assert first.denial is Denial.BELOW_NOTIONAL_MIN
    assert second.denial is Denial.BELOW_NOTIONAL_MIN
    assert (third.qty, third.target_qty, third.carried_qty) == (D("0.00015"), D("0.00015"), 0)


def test_skip_is_what_a_follower_does_who_chose_nothing() -> None:
    assert follower().size_policy is SizePolicy.SKIP


def test_round_up_raises_an_order_to_the_smallest_one() -> None:
    planned = plan(signal("0", "0.16"), small(SizePolicy.ROUND_UP))
    assert (planned.denial, planned.qty, planned.target_qty) == (None, SMALLEST, SMALLEST)
    assert (planned.wanted_qty, planned.bound) == (D("0.00008"), Bound.MINIMUM_ROUNDED_UP)


def test_round_up_never_places_more_than_the_declared_multiple_of_the_share() -> None:
    who = small(SizePolicy.ROUND_UP)
    assert plan(signal("0", "0.12"), who).qty == SMALLEST
    beyond = plan(signal("0", "0.1199"), who)
    assert (beyond.denial, beyond.qty) == (Denial.BELOW_NOTIONAL_MIN, 0)
    bolder = replace(LIMITS, round_up_max=D(3))
    assert plan(signal("0", "0.1"), who, limits=bolder).qty == SMALLEST


def test_round_up_never_exceeds_the_allocation() -> None:
    who = small(SizePolicy.ROUND_UP, spent=D(46))
    assert plan(signal("0", "0.16"), who).denial is Denial.BELOW_NOTIONAL_MIN


def test_what_was_rounded_up_counts_against_the_other_parts_of_the_same_order() -> None:
    # Parts of 4, 4 and 4 USDT: the first is raised to 6, the second has 2 in it already and is left to the third.
    first, second, third = story(small(SizePolicy.ROUND_UP), "0", "0.16", "0.32", "0.48", first=False)
    assert (first.qty, first.carried_qty) == (SMALLEST, D("-0.00004"))
    assert (second.denial, second.carried_qty) == (Denial.BELOW_NOTIONAL_MIN, D("0.00004"))
    assert (third.qty, third.carried_qty, third.target_qty) == (SMALLEST, 0, D("0.00024"))


def test_accumulate_carries_what_is_too_small_until_it_is_enough() -> None:
    first, second, third = story(small(SizePolicy.ACCUMULATE), "0", "0.1", "0.2", "0.3")
    assert (first.denial, first.target_qty, first.carried_qty) == (Denial.CARRIED, 0, D("0.00005"))
    assert first.facts == {"notional": "2.5", "minimum": "6.02", "currency": "USDT"}
    assert (second.denial, second.carried_qty, second.facts) == (
        Denial.CARRIED,
        D("0.0001"),
        {"notional": "5", "minimum": "6.02", "currency": "USDT"},
    )
    assert (third.denial, third.qty, third.target_qty) == (None, D("0.00015"), D("0.00015"))
    assert (third.carried_qty, third.carried_at, third.bound) == (0, None, Bound.CARRIED)


def test_an_opposite_move_is_set_off_against_what_is_carried_before_anything_is_sold() -> None:
    who = small(SizePolicy.ACCUMULATE, book=Book(D("0.0002"), D("0.0002"), carried_qty=D("0.0001"), carried_at=NOW))
    # The leader gives up a quarter: of 0.0003 asked for, 0.000075 go, all of it from what is carried.
    quarter = plan(signal("0.6", "0.45"), who)
    assert (quarter.denial, quarter.target_qty, quarter.carried_qty) == (
        Denial.CARRIED,
        D("0.0002"),
        D("0.000025"),
    )
    # Half: 0.00015 go, of which 0.0001 was carried and the rest is sold.
    half = plan(signal("0.6", "0.3"), who)
    assert (half.target_qty, half.carried_qty, half.wanted_qty) == (D("0.00015"), 0, D("0.00005"))


def test_what_is_carried_is_dropped_when_it_grows_too_old() -> None:
    book = Book(carried_qty=D("0.0001"), carried_at=NOW - timedelta(hours=1, seconds=1))
    stale = plan(signal("0.2", "0.3"), small(SizePolicy.ACCUMULATE, book=book))
    assert (stale.denial, stale.carried_qty, stale.carried_at) == (Denial.CARRIED, D("0.00005"), NOW)
    fresh = book._replace(carried_at=NOW - timedelta(minutes=59))
    assert plan(signal("0.2", "0.3"), small(SizePolicy.ACCUMULATE, book=fresh)).qty == D("0.00015")


def test_what_is_carried_keeps_the_time_of_its_oldest_part() -> None:
    since = NOW - timedelta(minutes=10)
    book = Book(carried_qty=D("0.00001"), carried_at=since)
    planned = plan(signal("0.2", "0.3"), small(SizePolicy.ACCUMULATE, book=book))
    assert (planned.carried_qty, planned.carried_at) == (D("0.00006"), since)


def test_what_is_carried_ends_with_the_leaders_position() -> None:
    book = Book(carried_qty=D("0.0001"), carried_at=NOW)
    closed = plan(signal("0.2", "0"), small(SizePolicy.ACCUMULATE, book=book))
    assert (closed.carried_qty, closed.carried_at) == (0, None)
    anew = plan(signal("0", "0.1"), small(SizePolicy.ACCUMULATE, book=book))
    assert anew.carried_qty == D("0.00005")


def test_a_short_is_carried_below_zero_and_dropped_when_the_leader_turns_round() -> None:
    who = small(SizePolicy.ACCUMULATE)._replace(allocation=D(60))
    (short,) = plan_copies(perpetual("0", "-0.8"), [who], PERP, LIMITS, now=NOW)
    assert (short.denial, short.side, short.carried_qty) == (Denial.CARRIED, Side.SELL, D("-0.00048"))
    (more,) = plan_copies(perpetual("-0.8", "-1.7", id=11), [after(short, who)], PERP, LIMITS, now=NOW)
    assert (more.qty, more.side, more.target_qty, more.carried_qty) == (D("0.001"), Side.SELL, D("-0.00102"), 0)
    (turned,) = plan_copies(perpetual("-0.8", "0.8", id=11), [after(short, who)], PERP, LIMITS, now=NOW)
    assert (turned.denial, turned.side, turned.carried_qty) == (Denial.CARRIED, Side.BUY, D("0.00048"))


@pytest.mark.parametrize("policy", [SizePolicy.SKIP, SizePolicy.ACCUMULATE])
def test_the_parts_of_one_order_are_gathered_under_every_policy(policy: SizePolicy) -> None:
    parts = story(small(policy), *[f"0.{n:02}" for n in range(0, 60, 6)], first=False)
    bought = sum(planned.qty for planned in parts)
    assert [planned.denial is None for planned in parts] == [
        False,
        False,
        False,
        True,
        False,
        False,
        False,
        True,
        False,
    ]
    assert bought + parts[-1].carried_qty == D("0.00027")
    assert parts[-1].target_qty == D("0.00024")


def test_a_denied_open_keeps_what_is_carried() -> None:
    book = Book(carried_qty=D("0.0001"), carried_at=NOW)
    paused = plan(signal("0.2", "0.3"), small(SizePolicy.ACCUMULATE, book=book, state=SubscriptionState.PAUSED))
    assert (paused.denial, paused.carried_qty, paused.carried_at) == (Denial.SUBSCRIPTION_PAUSED, D("0.0001"), NOW)
    (unlisted,) = deny_all(signal("0.2", "0.3"), [small(SizePolicy.ACCUMULATE, book=book)], Denial.INSTRUMENT_UNMAPPED)
    assert (unlisted.denial, unlisted.carried_qty, unlisted.carried_at) == (
        Denial.INSTRUMENT_UNMAPPED,
        D("0.0001"),
        NOW,
    )


def test_a_fixed_amount_that_is_too_small_is_carried_from_order_to_order() -> None:
    who = small(SizePolicy.ACCUMULATE, sizing_mode=SizingMode.FIXED_NOTIONAL, sizing_value=D(4))
    first, second = story(who, "0", "0.1", "0.2")
    assert (first.denial, first.carried_qty) == (Denial.CARRIED, D("0.00008"))
    assert second.qty == D("0.00016")


def test_a_sub_minimum_close_is_made_up_for_by_the_next_open_first() -> None:
    """Opposite deltas net in the other order too: what could not be sold need not be bought."""
    who = follower(book=Book(D("0.004"), D("0.004")), spent=D(200))
    denied = plan(signal("0.4", "0.398"), who)
    assert (denied.denial, denied.target_qty) == (Denial.BELOW_NOTIONAL_MIN, D("0.00398"))
    bought = plan(signal("0.398", "0.45", id=11), follower(book=Book(D("0.004"), denied.target_qty), spent=D(200)))
    assert bought.qty == D("0.0005")
    assert bought.target_qty == D("0.0045")


def test_smallest_sizes_are_those_of_the_followers_own_exchange() -> None:
    coarse = replace(BTC, qty_step=D("0.001"), qty_min=D("0.001"))
    fact: SignalFact = signal("0", "1")
    assert plan(fact, small(SizePolicy.ACCUMULATE), instrument=coarse).denial is Denial.CARRIED
    assert plan(fact, small(SizePolicy.ACCUMULATE)).qty == D("0.0005")
