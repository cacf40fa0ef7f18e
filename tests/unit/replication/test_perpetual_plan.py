"""Planning perpetuals on cases that can be checked by hand: shorts, reversals, contracts, two books of one symbol."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from copydesk.replication.model import Book
from copydesk.replication.plan import deny_all
from copydesk.trading import Denial, OrderType, PositionSide, Side, SizingMode, SubscriptionState
from perpetual_values import NOW, PERP, D, follower, holding, plans, signal


def test_a_short_opens_with_a_sale_no_lower_than_the_bound() -> None:
    (planned,) = plans(signal("0", "-2"), follower())
    # Two of 100,000 for an allocation of 1,000 are 0.02; at 50,000 that is the whole allocation, less the bound.
    assert (planned.leg, planned.side, planned.type, planned.reduces) == ("open", Side.SELL, OrderType.LIMIT, False)
    assert (planned.px, planned.qty) == (D("49750.0"), D("0.019"))
    assert planned.target_qty == -1000 / D("50250")


def test_a_short_is_taken_in_proportion_and_its_target_is_below_zero() -> None:
    (planned,) = plans(signal("-0.4", "-0.8"), holding("-0.004"))
    assert (planned.side, planned.qty, planned.target_qty) == (Side.SELL, D("0.004"), D("-0.008"))


def test_a_partial_close_of_a_short_buys_back_the_same_share() -> None:
    (planned,) = plans(signal("-1", "-0.75"), holding("-0.012"))
    assert (planned.leg, planned.side, planned.type, planned.px) == ("close", Side.BUY, OrderType.MARKET, None)
    assert (planned.qty, planned.target_qty, planned.reduces) == (D("0.003"), D("-0.009"), True)


def test_the_last_close_of_a_short_buys_everything_back() -> None:
    drifted = follower(book=Book(qty=D("-0.012"), target_qty=D("-0.01")))
    (planned,) = plans(signal("-1", "0"), drifted)
    assert (planned.side, planned.qty, planned.target_qty) == (Side.BUY, D("0.012"), 0)


def test_what_a_leader_keeps_of_a_perpetual_is_never_dust() -> None:
    (planned,) = plans(signal("1", "0.00001"), holding("0.012"))
    assert planned.qty == D("0.011")


@pytest.mark.parametrize(("sign", "closing"), [(1, Side.SELL), (-1, Side.BUY)])
def test_a_reversal_is_two_legs_and_the_open_waits_for_the_close(sign: int, closing: Side) -> None:
    close, opened = plans(signal(str(0.4 * sign), str(-0.8 * sign)), holding(str(D("0.004") * sign)))
    assert (close.leg, close.side, close.type, close.qty, close.reduces) == (
        "close",
        closing,
        OrderType.MARKET,
        D("0.004"),
        True,
    )
    assert (opened.leg, opened.side, opened.qty, opened.reduces) == ("open", closing, D("0.008"), False)
    assert (close.waits, opened.waits) == (False, True)
    assert opened.target_qty == D("-0.008") * sign


def test_a_follower_who_held_nothing_opens_at_once_when_the_leader_turns_round() -> None:
    (opened,) = plans(signal("0.4", "-0.8"), follower())
    assert (opened.leg, opened.side, opened.qty, opened.waits) == ("open", Side.SELL, D("0.008"), False)


def test_what_the_close_sets_free_pays_for_the_open_of_a_reversal() -> None:
    invested = holding("0.019", cost="950")
    _, opened = plans(signal("2", "-2"), invested)
    assert opened.qty == D("0.019")


def test_a_reversal_whose_open_is_denied_still_closes() -> None:
    stale = signal("0.4", "-0.8", venue_at=NOW - timedelta(minutes=5))
    close, opened = plans(stale, holding("0.004", state=SubscriptionState.PAUSED))
    assert (close.denial, close.qty, close.target_qty) == (None, D("0.004"), 0)
    assert (opened.denial, opened.target_qty) == (Denial.SUBSCRIPTION_PAUSED, 0)
    close, opened = plans(stale, holding("0.004"))
    assert (close.denial, opened.denial) == (None, Denial.SIGNAL_TOO_OLD)


def test_a_position_left_on_the_other_side_is_closed_before_an_open() -> None:
    """A close that failed leaves the follower long while the leader, flat by now, goes short."""
    stuck = follower(book=Book(qty=D("0.004"), target_qty=D(0), cost=D(200)), spent=D(200))
    close, opened = plans(signal("0", "-0.8"), stuck)
    assert (close.side, close.qty, opened.qty, opened.waits) == (Side.SELL, D("0.004"), D("0.008"), True)


def test_an_open_waits_for_a_close_that_is_on_its_way_already() -> None:
    leaving = follower(
        book=Book(qty=D("0.004"), target_qty=D(0), selling=D("0.004"), selling_off=D("0.004"), cost=D(200)),
        spent=D(200),
    )
    (opened,) = plans(signal("0", "-0.8"), leaving)
    assert (opened.qty, opened.waits) == (D("0.008"), True)


def test_an_account_that_could_not_be_set_up_opens_nothing_and_closes_all_the_same() -> None:
    refusal = (Denial.LEVERAGE_REFUSED, {"exchange": "okx"})
    (opened,) = plans(signal("0", "0.8"), follower(refusal=refusal))
    assert (opened.denial, opened.facts) == refusal
    (closed,) = plans(signal("0.8", "0"), holding("0.008", refusal=refusal))
    assert (closed.denial, closed.qty) == (None, D("0.008"))


def test_an_open_below_one_contract_names_the_smallest_notional_on_that_exchange() -> None:
    coarse = replace(PERP, qty_step=D("0.01"), qty_min=D("0.01"), contract_size=D("0.01"))
    (planned,) = plans(signal("0", "0.4"), follower(), instrument=coarse)
    assert planned.denial is Denial.BELOW_QTY_MIN
    assert planned.facts == {
        "notional": "200",
        "minimum": "500",
        "currency": "USDT",
        "exchange": "okx",
        "allocation_needed": "2500",
    }


def test_a_short_is_measured_against_the_smallest_notional_at_its_own_limit() -> None:
    dear = replace(PERP, notional_min=D(100))
    (planned,) = plans(signal("0", "-0.2"), follower(), instrument=dear)
    assert planned.denial is Denial.BELOW_NOTIONAL_MIN
    (planned,) = plans(signal("0", "-0.3"), follower(), instrument=dear)
    assert planned.denial is None


def test_a_close_of_a_perpetual_knows_no_smallest_notional() -> None:
    dear = replace(PERP, notional_min=D(1000))
    (planned,) = plans(signal("1", "0.5"), holding("0.002"), instrument=dear)
    assert (planned.denial, planned.qty) == (None, D("0.001"))


def test_a_close_below_the_smallest_quantity_says_so() -> None:
    coarse = replace(PERP, qty_min=D("0.005"))
    (planned,) = plans(signal("1", "0.9"), holding("0.02"), instrument=coarse)
    assert planned.denial is Denial.BELOW_QTY_MIN
    assert planned.facts == {"notional": "100", "minimum": "250", "currency": "USDT", "exchange": "okx"}
    assert planned.target_qty == D("0.018")


def test_a_fixed_notional_is_spent_on_the_part_that_opens() -> None:
    who = holding("0.004", sizing_mode=SizingMode.FIXED_NOTIONAL, sizing_value=D(500))
    _, opened = plans(signal("0.4", "-0.1", first_of_order=False), who)
    assert (opened.denial, opened.qty) == (None, D("0.01"))
    (again,) = plans(signal("-0.1", "-0.8", first_of_order=False), who._replace(book=Book(qty=D("-0.01"))))
    assert again.denial is Denial.ORDER_ALREADY_COPIED


@pytest.mark.parametrize(
    ("before", "after", "leg", "side"),
    [
        ("0", "1", "open", Side.BUY),
        ("1", "0", "close", Side.SELL),
        ("0", "-1", "open", Side.SELL),
        ("-1", "0", "close", Side.BUY),
        ("1", "-1", "open", Side.SELL),
    ],
)
def test_a_denial_for_everybody_names_leg_and_side_of_what_was_not_sent(
    before: str, after: str, leg: str, side: Side
) -> None:
    (planned,) = deny_all(signal(before, after), [holding("0.004")], Denial.INSTRUMENT_UNMAPPED)
    assert (planned.leg, planned.side, planned.target_qty) == (leg, side, D("0.004"))


def test_a_short_book_of_hedge_mode_that_is_left_below_its_beginning_closes_all() -> None:
    fact = signal("0", "0", position_side=PositionSide.SHORT)
    (planned,) = plans(fact, holding("-0.004"))
    assert (planned.leg, planned.side, planned.qty) == ("close", Side.BUY, D("0.004"))
