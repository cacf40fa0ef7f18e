"""What is tried a second time, how much smaller, and what is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from copydesk.replication.model import Bound, Planned
from copydesk.replication.outcomes import looks_soon
from copydesk.replication.settle import Settlement
from copydesk.replication.shortfall import Shortfall, second_leg, second_try
from copydesk.trading import Denial, Instrument, OrderStatus, OrderType, PositionSide, Side
from perpetual_values import PERP
from plan_values import BTC, NOW, D

# An open of 0.01 BTC at 50,250 of which 0.004 were filled; 1,000 are allocated and 201 spent.
SHORT = Shortfall(
    subscription_id=1,
    account_id=11,
    signal_id=10,
    symbol="BTC/USDT",
    position_side=PositionSide.NET,
    side=Side.BUY,
    qty=D("0.01"),
    px=D(50_250),
    reduces=False,
    cum_qty=D("0.004"),
    status=OrderStatus.EXPIRED,
    reason=Denial.PRICE_MOVED,
    signal_px=D(50_000),
    signal_at=NOW,
    book_qty=D("0.004"),
    target_qty=D("0.004"),
    allocation=D(1_000),
    left=D(799),
    leverage=1,
)
REFUSED: dict[str, Any] = {
    "status": OrderStatus.REJECTED,
    "reason": Denial.INSUFFICIENT_BALANCE,
    "cum_qty": D(0),
    "book_qty": D(0),
    "target_qty": D(0),
    "left": D(1_000),
}
CLOSE: dict[str, Any] = {
    "status": OrderStatus.REJECTED,
    "reason": Denial.NOTHING_TO_REDUCE,
    "reduces": True,
    "side": Side.SELL,
    "px": None,
    "cum_qty": D(0),
    "book_qty": D("0.01"),
    "target_qty": D(0),
}


def tried(available: str | None = None, *, instrument: Instrument = BTC, **changed: Any) -> Planned | None:
    short = replace(SHORT, **({"symbol": instrument.symbol} | changed))
    return second_try(short, instrument, None if available is None else D(available), slippage_bps_max=50)


def test_the_rest_of_a_partly_filled_open_is_topped_up_under_the_same_bound() -> None:
    again = tried()
    assert again is not None
    assert (again.leg, again.side, again.type, again.qty, again.px) == (
        "top-up",
        Side.BUY,
        OrderType.LIMIT,
        D("0.006"),
        D(50_250),
    )
    assert (again.target_qty, again.book_qty, again.wanted_qty) == (D("0.01"), D("0.004"), D("0.006"))


def test_an_open_of_which_nothing_was_filled_is_not_chased() -> None:
    assert tried(cum_qty=D(0)) is None


def test_a_rest_below_the_smallest_order_is_left() -> None:
    assert tried(cum_qty=D("0.0099")) is None


def test_a_top_up_stays_within_the_allocation() -> None:
    again = tried(left=D(100))
    assert again is not None
    assert again.qty == D("0.00199")
    assert tried(left=D(0)) is None


def test_a_top_up_of_a_short_goes_below_zero() -> None:
    again = tried(instrument=PERP, side=Side.SELL, px=D(49_750), book_qty=D("-0.004"), target_qty=D("-0.004"))
    assert again is not None
    assert (again.side, again.qty, again.target_qty) == (Side.SELL, D("0.006"), D("-0.010"))


def test_an_open_that_the_balance_does_not_pay_is_tried_once_smaller() -> None:
    again = tried("300", **REFUSED)
    assert again is not None
    assert (again.leg, again.bound) == ("smaller", Bound.BALANCE)
    # 0.98 x 300 / 50,250
    assert (again.qty, again.target_qty) == (D("0.00585"), D("0.00585"))


def test_a_refused_open_is_never_sent_again_at_the_same_size() -> None:
    again = tried("100000", **REFUSED)
    assert again is not None
    assert again.qty == D("0.0095")


def test_an_account_with_nothing_free_opens_nothing() -> None:
    assert tried("0", **REFUSED) is None
    assert tried(None, **REFUSED) is None
    assert tried("6", **REFUSED) is None


def test_a_perpetual_is_sized_by_its_margin() -> None:
    again = tried("40", instrument=PERP, leverage=5, **REFUSED)
    assert again is not None
    # 0.98 x 40 x 5 / (50,250 x 1.025) = 0.0038
    assert again.qty == D("0.003")


def test_a_close_is_sized_to_the_live_position() -> None:
    again = tried("0.0062", instrument=PERP, **CLOSE)
    assert again is not None
    assert (again.leg, again.qty, again.type, again.px, again.reduces) == (
        "resized",
        D("0.006"),
        OrderType.MARKET,
        None,
        True,
    )
    assert again.target_qty == 0


def test_a_spot_sale_is_sized_to_the_coins_that_are_there() -> None:
    sale = CLOSE | {"reason": Denial.INSUFFICIENT_BALANCE}
    again = tried("0.00612345", **sale)
    assert again is not None
    assert (again.leg, again.qty) == ("resized", D("0.00612"))


@pytest.mark.parametrize("live", ["0", "0.01", "0.02"])
def test_a_close_is_not_resized_where_nothing_is_left_or_nothing_is_missing(live: str) -> None:
    assert tried(live, instrument=PERP, **CLOSE) is None


def test_only_a_proven_end_is_tried_again() -> None:
    proven = second_leg(reduces=False, status=OrderStatus.REJECTED, reason=Denial.INSUFFICIENT_BALANCE, cum_qty=D(0))
    assert proven == "smaller"
    for status in (OrderStatus.IN_FLIGHT, OrderStatus.ACCEPTED, OrderStatus.DENIED):
        assert second_leg(reduces=False, status=status, reason=Denial.INSUFFICIENT_BALANCE, cum_qty=D(0)) is None
        assert second_leg(reduces=False, status=status, reason=Denial.PRICE_MOVED, cum_qty=D(1)) is None


@pytest.mark.parametrize(
    ("settlement", "expected"),
    [
        (Settlement(1, OrderStatus.FILLED), False),
        (Settlement(1, OrderStatus.ACCEPTED), True),
        (Settlement(1, OrderStatus.EXPIRED, reason=Denial.PRICE_MOVED, cum_qty=D(1)), True),
        (Settlement(1, OrderStatus.EXPIRED, reason=Denial.PRICE_MOVED), False),
        (Settlement(1, OrderStatus.REJECTED, reason=Denial.INSUFFICIENT_BALANCE), True),
        (Settlement(1, OrderStatus.REJECTED, reason=Denial.KEY_REJECTED), False),
    ],
)
def test_a_lane_is_looked_at_soon_for_fills_and_for_second_tries(settlement: Settlement, *, expected: bool) -> None:
    assert looks_soon([settlement]) is expected
