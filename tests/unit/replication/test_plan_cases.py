"""Planning on cases that can be checked by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from copydesk.replication.minima import smallest_open
from copydesk.replication.model import Book
from copydesk.replication.plan import plan_copies
from copydesk.trading import Denial, OrderType, Side, SizingMode, SubscriptionState
from plan_values import BTC, LIMITS, NOW, D, follower, holding, plan, signal


def test_an_open_is_a_limit_at_the_slippage_bound() -> None:
    planned = plan(signal("0", "1"), follower())
    assert (planned.leg, planned.side, planned.type, planned.reduces) == ("open", Side.BUY, OrderType.LIMIT, False)
    assert planned.px == D("50250.00")


def test_a_limit_is_rounded_to_the_tick_in_the_followers_favor() -> None:
    fact = signal("0", "1", px=D("50000.01"))
    assert plan(fact, follower()).px == D("50250.01")


def test_by_equity_ratio_the_follower_takes_the_leaders_share() -> None:
    # 0.4 BTC is a fifth of 100,000; a fifth of 1,000 is 200, or 0.004 BTC.
    planned = plan(signal("0", "0.4"), follower())
    assert (planned.qty, planned.target_qty, planned.denial) == (D("0.004"), D("0.004"), None)


def test_by_fixed_ratio_the_follower_takes_a_part_of_the_quantity() -> None:
    who = follower(sizing_mode=SizingMode.FIXED_RATIO, sizing_value=D("0.02"))
    assert plan(signal("0.1", "0.4"), who).qty == D("0.006")


def test_by_fixed_notional_the_follower_spends_the_same_on_each_order() -> None:
    who = follower(sizing_mode=SizingMode.FIXED_NOTIONAL, sizing_value=D(40))
    assert plan(signal("0", "7"), who).qty == D("0.0008")
    again = plan(signal("7", "8", first_of_order=False), who)
    assert (again.denial, again.target_qty) == (Denial.ORDER_ALREADY_COPIED, D(0))


def test_a_quantity_is_rounded_down_to_the_step_and_the_target_keeps_the_rest() -> None:
    planned = plan(signal("0", "0.1234567"), follower())
    assert planned.qty == D("0.00123")
    assert planned.target_qty == D("0.001234567")


def test_the_allocation_bounds_an_open_at_its_worst_price() -> None:
    planned = plan(signal("0", "40"), follower())
    assert planned.qty == D("0.01990")
    assert planned.qty * D(50250) <= 1000


def test_an_open_beyond_a_spent_allocation_names_the_numbers() -> None:
    planned = plan(signal("0", "1"), follower(spent=D("998.7612")))
    assert planned.denial is Denial.ALLOCATION_SPENT
    assert planned.facts == {"allocation": "1000", "spent": "998.77", "currency": "USDT"}


def test_an_open_below_the_minimum_names_what_would_do() -> None:
    planned = plan(signal("0", "0.01"), follower())
    assert planned.denial is Denial.BELOW_NOTIONAL_MIN
    assert planned.facts == {"notional": "5", "minimum": "6.02", "currency": "USDT", "allocation_needed": "1204"}


def test_an_open_below_the_smallest_quantity_says_so() -> None:
    coarse = replace(BTC, qty_step=D("0.1"), qty_min=D("0.1"))
    assert plan(signal("0", "1"), follower(), instrument=coarse).denial is Denial.BELOW_QTY_MIN


def test_a_fixed_size_below_the_minimum_names_no_allocation() -> None:
    who = follower(sizing_mode=SizingMode.FIXED_NOTIONAL, sizing_value=D(3))
    planned = plan(signal("0", "1"), who)
    assert planned.denial is Denial.BELOW_NOTIONAL_MIN
    assert "allocation_needed" not in (planned.facts or {})


def test_an_open_that_dust_makes_too_small_is_not_blamed_on_the_allocation() -> None:
    coarse = replace(BTC, qty_step=D("0.001"), qty_min=D("0.003"))
    fresh = signal("0", "0.45")
    assert plan(fresh, follower(), instrument=coarse).qty == D("0.004")
    dusty = follower(book=Book(qty=D("0.000996")), spent=D("0.05"))
    planned = plan(fresh, dusty, instrument=coarse)
    assert planned.denial is Denial.BELOW_NOTIONAL_MIN
    assert planned.facts == {"notional": "150", "minimum": "200.41", "currency": "USDT"}


def test_the_smallest_open_pays_for_its_fee_and_a_small_fall() -> None:
    assert smallest_open(D(50_000), BTC) == D("6.02")


def test_an_open_larger_than_the_exchange_takes_is_cut_and_the_target_stays() -> None:
    small = replace(BTC, qty_max=D("0.001"))
    planned = plan(signal("0", "0.4"), follower(), instrument=small)
    assert (planned.qty, planned.target_qty) == (D("0.001"), D("0.004"))


def test_what_an_earlier_order_lacked_is_bought_with_the_next() -> None:
    behind = follower(book=Book(qty=D("0.001"), target_qty=D("0.0015")))
    assert plan(signal("1", "1.1"), behind).qty == D("0.0015")


def test_a_buy_in_flight_is_not_bought_again() -> None:
    moving = follower(book=Book(target_qty=D("0.004"), buying=D("0.004")), spent=D(201))
    assert plan(signal("0.4", "0.8"), moving).qty == D("0.004")


def test_a_sale_in_flight_is_bought_back_with_the_next_open() -> None:
    leaving = follower(book=Book(qty=D("0.004"), target_qty=D(0), selling=D("0.004")), spent=D(200))
    assert plan(signal("0", "0.4"), leaving).qty == D("0.004")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"state": SubscriptionState.PAUSED}, Denial.SUBSCRIPTION_PAUSED),
        ({"state": SubscriptionState.OUT_OF_SYNC}, Denial.SUBSCRIPTION_DISARMED),
        ({"usable": False}, Denial.ACCOUNT_UNUSABLE),
    ],
)
def test_risk_blocks_opens_and_never_closes(changed: dict[str, Any], expected: Denial) -> None:
    opened = plan(signal("0", "1"), follower(**changed))
    assert (opened.denial, opened.target_qty, opened.qty) == (expected, D(0), D(0))
    closed = plan(signal("1", "0"), holding("0.01", **changed))
    assert (closed.denial, closed.qty) == (None, D("0.01"))


def test_an_old_signal_is_not_opened_but_closed() -> None:
    old = NOW - timedelta(minutes=5)
    assert plan(signal("0", "1", venue_at=old), follower()).denial is Denial.SIGNAL_TOO_OLD
    assert plan(signal("1", "0", venue_at=old), holding("0.01")).denial is None


def test_a_halted_pair_and_one_that_is_not_offered_are_not_opened() -> None:
    halted = plan(signal("0", "1"), follower(), instrument=replace(BTC, trading=False))
    assert halted.denial is Denial.INSTRUMENT_HALTED
    elsewhere = plan(signal("0", "1"), follower(), limits=replace(LIMITS, market_allowed=False))
    assert elsewhere.denial is Denial.MARKET_NOT_ALLOWED


def test_a_close_goes_to_market_without_a_price() -> None:
    planned = plan(signal("1", "0"), holding("0.01"))
    assert (planned.leg, planned.side, planned.type, planned.px, planned.reduces) == (
        "close",
        Side.SELL,
        OrderType.MARKET,
        None,
        True,
    )


def test_a_partial_close_sells_the_same_share() -> None:
    planned = plan(signal("1", "0.75"), holding("0.01"))
    assert (planned.qty, planned.target_qty) == (D("0.0025"), D("0.0075"))


def test_the_last_close_sells_everything_even_beyond_the_target() -> None:
    drifted = follower(book=Book(qty=D("0.01234"), target_qty=D("0.01")))
    assert plan(signal("1", "0"), drifted).qty == D("0.01234")


def test_a_leader_left_with_unsellable_dust_counts_as_flat() -> None:
    assert plan(signal("1", "0.00009"), holding("0.01")).qty == D("0.01")
    assert plan(signal("1", "0.0001"), holding("0.01")).qty < D("0.01")


def test_dust_is_also_what_lies_below_the_smallest_quantity() -> None:
    coarse = replace(BTC, qty_min=D("0.1"))
    assert plan(signal("1", "0.05"), holding("0.5"), instrument=coarse).target_qty == 0


def test_a_close_too_small_for_the_exchange_still_moves_the_target() -> None:
    planned = plan(signal("1", "0.99"), holding("0.001"))
    assert (planned.denial, planned.target_qty) == (Denial.BELOW_NOTIONAL_MIN, D("0.00099"))
    assert planned.facts == {"notional": "0.5", "minimum": "5", "currency": "USDT"}
    next_one = plan(signal("0.99", "0.5", id=11), follower(book=Book(D("0.001"), planned.target_qty)))
    assert next_one.qty == D("0.0005")


def test_a_change_below_one_step_is_named() -> None:
    assert plan(signal("1", "0.9999"), holding("0.001")).denial is Denial.BELOW_ONE_STEP


def test_a_follower_who_holds_nothing_has_nothing_to_reduce() -> None:
    assert plan(signal("1", "0"), follower()).denial is Denial.NOTHING_TO_REDUCE


def test_a_sale_of_what_the_leader_never_bought_here_closes_all() -> None:
    assert plan(signal("0", "0"), holding("0.01")).qty == D("0.01")


def test_a_follower_who_saw_this_signal_or_a_newer_one_is_left_out() -> None:
    seen = [follower(book=Book(last_signal_id=number)) for number in (9, 10, 11)]
    assert len(plan_copies(signal("0", "1"), seen, BTC, LIMITS, now=NOW)) == 1


def test_followers_are_planned_in_their_order_each_on_their_own_terms() -> None:
    crowd = [follower(subscription_id=n, account_id=100 + n, allocation=D(1000 * n)) for n in (1, 2, 3)]
    planned = plan_copies(signal("0", "0.4"), crowd, BTC, LIMITS, now=NOW)
    assert [(p.subscription_id, p.account_id, p.qty) for p in planned] == [
        (1, 101, D("0.004")),
        (2, 102, D("0.008")),
        (3, 103, D("0.012")),
    ]


def test_a_strategy_that_is_not_live_opens_nothing_and_closes_all_the_same() -> None:
    paused = replace(LIMITS, strategy_live=False)
    denied = plan(signal("0", "0.5"), follower(), limits=paused)
    assert (denied.denial, denied.target_qty) == (Denial.STRATEGY_PAUSED, 0)
    closing = plan(signal("0.5", "0"), holding("0.005"), limits=paused)
    assert (closing.denial, closing.qty) == (None, D("0.005"))


def test_a_half_close_with_an_open_in_doubt_sells_half_of_what_is_held() -> None:
    doubtful = Book(qty=D("0.1"), target_qty=D("0.2"), buying=D("0.1"))
    planned = plan(signal("2", "1"), follower(book=doubtful))
    assert (planned.side, planned.qty, planned.target_qty) == (Side.SELL, D("0.05"), D("0.1"))
