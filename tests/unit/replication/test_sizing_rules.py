"""Sizing modes, bounds and what cannot be true: one rule a test."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from copydesk.replication.model import Book, Bound
from copydesk.replication.plan import deny_all, plan_copies
from copydesk.replication.sizing import capped, payable_qty
from copydesk.trading import Denial, Instrument, Side, SizingMode
from perpetual_values import PERP
from perpetual_values import signal as perpetual
from plan_values import BTC, LIMITS, NOW, D, follower, holding, plan, signal


def test_a_multiplier_takes_that_many_times_the_leaders_share() -> None:
    who = follower(sizing_mode=SizingMode.MULTIPLIER, sizing_value=D("2.5"))
    assert plan(signal("0", "0.4"), who).qty == D("0.01")


def test_a_multiplier_never_exceeds_the_allocation() -> None:
    who = follower(sizing_mode=SizingMode.MULTIPLIER, sizing_value=D(10))
    planned = plan(signal("0", "0.4"), who)
    assert (planned.qty, planned.bound, planned.wanted_qty) == (D("0.01990"), Bound.ALLOCATION, D("0.04"))


def test_a_fixed_quantity_is_placed_once_for_each_order_of_the_leader() -> None:
    who = follower(sizing_mode=SizingMode.FIXED_QTY, sizing_value=D("0.003"))
    assert plan(signal("0", "7"), who).qty == D("0.003")
    again = plan(signal("7", "8", first_of_order=False), who)
    assert again.denial is Denial.ORDER_ALREADY_COPIED


def test_a_joined_burst_of_three_orders_places_the_fixed_amount_three_times() -> None:
    who = follower(sizing_mode=SizingMode.FIXED_QTY, sizing_value=D("0.003"))
    assert plan(signal("0", "7", orders=3), who).qty == D("0.009")


def test_a_ratio_is_that_of_the_next_open_and_no_deposit_moves_what_is_held() -> None:
    """A leader who deposits is copied by the new equity from the next open on; the share that a close takes stays."""
    held = holding("0.004", spent=D(200))
    richer = {"leader_equity": D(200_000)}
    assert plan(signal("0.4", "0.8"), held).qty == D("0.004")
    assert plan(signal("0.4", "0.8", **richer), held).qty == D("0.002")
    assert plan(signal("0.4", "0.2", **richer), held).qty == D("0.002")
    assert plan(signal("0.4", "0.2"), held).qty == D("0.002")


@pytest.mark.parametrize(
    ("leader", "own", "brand", "listed", "expected"),
    [(10, None, 5, 100, 5), (10, 3, 5, 100, 3), (2, 3, 5, 100, 2), (10, 8, 20, 4, 4), (None, 3, 5, 100, 1)],
)
def test_leverage_is_the_least_that_leader_follower_brand_and_bracket_allow(
    leader: int | None, own: int | None, brand: int, listed: int, expected: int
) -> None:
    limits, instrument = replace(LIMITS, leverage_max=brand), replace(PERP, leverage_max=listed)
    who = follower(leverage_max=own)
    (planned,) = plan_copies(perpetual("0", "0.8", leverage=leader), [who], instrument, limits, now=NOW)
    assert planned.leverage == expected
    assert capped(leader, brand_max=brand, instrument_max=listed, follower_max=own) == expected


def limited(changed: dict[str, Any], **of_instrument: Any) -> tuple[Bound, Any]:
    instrument: Instrument = replace(BTC, **of_instrument)
    planned = plan(signal("0", "0.4"), follower(**changed), instrument=instrument)
    return planned.bound, planned.qty


def test_a_decision_names_the_limit_that_bit() -> None:
    assert limited({}) == (Bound.NONE, D("0.004"))
    assert limited({"allocation": D("1000.3")}) == (Bound.STEP, D("0.00400"))
    assert limited({"spent": D(900)}) == (Bound.ALLOCATION, D("0.00199"))
    assert limited({}, qty_max=D("0.001")) == (Bound.QTY_MAX, D("0.001"))


def test_a_decision_tells_its_inputs() -> None:
    planned = plan(signal("0.4", "0.5"), holding("0.00399", allocation=D("1234.5"), spent=D(200)))
    assert (planned.wanted_qty, planned.allocation, planned.book_qty) == (D("0.0012345"), D("1234.5"), D("0.00399"))
    assert (planned.qty, planned.remainder) == (D("0.00123"), D("0.0000045"))
    closed = plan(signal("0.4", "0.1"), holding("0.00399"))
    assert (closed.wanted_qty, closed.qty, closed.bound) == (D("0.0029925"), D("0.00299"), Bound.STEP)


def test_a_price_far_from_the_market_is_not_believed_and_opens_nothing() -> None:
    limits = replace(LIMITS, mark_px=D(40_000), mark_bps_max=1_000)
    denied = plan(signal("0", "0.4"), follower(), limits=limits)
    assert (denied.denial, denied.target_qty) == (Denial.PRICE_ABSURD, 0)
    assert denied.facts == {"px": "50000", "mark_px": "40000", "currency": "USDT"}
    near = replace(limits, mark_px=D(46_000))
    assert plan(signal("0", "0.4"), follower(), limits=near).denial is None


@pytest.mark.parametrize("px", ["0", "-1"])
def test_a_price_that_is_none_opens_nothing_and_closes_as_it_should(px: str) -> None:
    assert plan(signal("0", "0.4", px=D(px)), follower()).denial is Denial.PRICE_ABSURD
    half = plan(signal("0.4", "0.2", px=D(px)), holding("0.004"))
    assert (half.denial, half.qty) == (None, D("0.002"))


def test_a_position_beyond_any_leverage_is_not_believed_and_opens_nothing() -> None:
    absurd = plan(signal("0", "400000"), follower())
    assert (absurd.denial, absurd.facts) == (Denial.QTY_ABSURD, {"times": "200000"})
    (short,) = plan_copies(perpetual("0", "-400000"), [follower()], PERP, LIMITS, now=NOW)
    assert short.denial is Denial.QTY_ABSURD
    closing = plan(signal("400000", "200000"), holding("0.004"))
    assert (closing.denial, closing.qty) == (None, D("0.002"))


def test_an_unknown_instrument_is_a_named_outcome_for_each_follower() -> None:
    crowd = [follower(subscription_id=n) for n in (1, 2)]
    denied = deny_all(signal("0", "0.4"), crowd, Denial.INSTRUMENT_UNMAPPED)
    assert [(p.subscription_id, p.denial, p.qty) for p in denied] == [
        (1, Denial.INSTRUMENT_UNMAPPED, 0),
        (2, Denial.INSTRUMENT_UNMAPPED, 0),
    ]


def test_one_follower_who_cannot_open_leaves_the_others_alone() -> None:
    crowd = [follower(subscription_id=1, usable=False), follower(subscription_id=2)]
    old = signal("0", "0.4")
    first, second = plan_copies(old, crowd, BTC, LIMITS, now=NOW)
    assert (first.denial, second.denial, second.qty) == (Denial.ACCOUNT_UNUSABLE, None, D("0.004"))
    both = plan_copies(old, crowd, BTC, LIMITS, now=NOW + timedelta(minutes=1))
    assert [p.denial for p in both] == [Denial.ACCOUNT_UNUSABLE, Denial.SIGNAL_TOO_OLD]


def test_an_open_never_pays_beyond_the_slippage_bound_and_a_close_has_none() -> None:
    assert plan(signal("0", "0.4"), follower()).px == D(50_000) * D("1.005")
    (short,) = plan_copies(perpetual("0", "-0.8"), [follower()], PERP, LIMITS, now=NOW)
    assert (short.side, short.px) == (Side.SELL, D(50_000) * D("0.995"))
    assert plan(signal("0.4", "0"), holding("0.004")).px is None


def test_a_close_is_neither_shrunk_nor_kept_back_by_what_is_spent() -> None:
    broke = holding("0.004", spent=D(5_000), allocation=D(1))
    assert plan(signal("0.4", "0"), broke).qty == D("0.004")
    assert plan(signal("0.4", "0.2"), broke).qty == D("0.002")


def test_three_closes_of_a_third_end_at_exactly_nothing() -> None:
    # Two purchases whose fees were taken in base: 0.00999 held of a target of 0.00999, in steps of 0.00001.
    qty = target = D("0.00999")
    sold = []
    for number, (before, after) in enumerate((("3", "2"), ("2", "1"), ("1", "0")), start=10):
        planned = plan(signal(before, after, id=number), follower(book=Book(qty, target)))
        sold.append(planned.qty)
        qty, target = qty - planned.qty, planned.target_qty
    assert (sold, qty, target) == ([D("0.00333"), D("0.00333"), D("0.00333")], 0, 0)


def test_a_fee_taken_in_base_is_not_sold() -> None:
    bought = D("0.004")
    book = Book(qty=bought - bought * D("0.001"), target_qty=bought - bought * D("0.001"))
    planned = plan(signal("0.4", "0"), follower(book=book))
    assert planned.qty == D("0.00399")
    assert planned.qty <= book.qty


def test_dust_of_a_perpetual_is_closed_whatever_it_is_worth_and_spot_dust_is_left() -> None:
    (closed,) = plan_copies(
        perpetual("0.8", "0"), [holding("0.001")], replace(PERP, notional_min=D(100)), LIMITS, now=NOW
    )
    assert (closed.denial, closed.qty, closed.reduces) == (None, D("0.001"), True)
    dust = plan(signal("0.8", "0"), holding("0.00009"))
    assert (dust.denial, dust.target_qty) == (Denial.BELOW_NOTIONAL_MIN, 0)


def test_margin_that_an_order_needs_counts_its_bound_and_keeps_a_fiftieth_free() -> None:
    # Spot pays its limit price. A perpetual at 20x pays a twentieth, and its bound of 1% at once: 0.98 x 20 / 1.2.
    assert payable_qty(D(100), D(50), leverage=1, slippage_bps_max=100, perpetual=False) == D("1.96")
    ratio = payable_qty(D(100), D(50), leverage=20, slippage_bps_max=100, perpetual=True) * 50 / (100 * 20)
    assert ratio.quantize(D("0.001")) == D("0.817")
    assert payable_qty(D(-3), D(50), leverage=1, slippage_bps_max=100, perpetual=False) == 0
