"""Which closes may be sent as reduce-only, on an account whose one position is several books together."""

from __future__ import annotations

from decimal import Decimal
from itertools import chain, combinations

import pytest
from copydesk.replication.crossing import Stake, crosses, may_cross
from copydesk.trading import OrderRequest, OrderType, PositionSide, Side
from hypothesis import given
from hypothesis import strategies as st

D = Decimal
PERPETUAL = "BTC/USDT:USDT"
BUY, SELL = Side.BUY, Side.SELL


def held(qty: str, *, buying: str = "0", selling: str = "0") -> Stake:
    return Stake(D(qty), D(buying), D(selling))


def test_a_book_alone_in_the_position_never_crosses() -> None:
    """Also where its owner may have closed a part by hand: then the exchange refuses it, and it is resized."""
    assert not crosses(SELL, D(5), held("5"), [])
    assert not crosses(SELL, D(5), held("3"), [held("0")])


@pytest.mark.parametrize(
    ("side", "qty", "own", "other", "crossing"),
    [
        (SELL, "5", "5", "-3", True),
        (SELL, "2", "5", "-3", False),
        (SELL, "5", "5", "3", False),
        (BUY, "3", "-3", "5", True),
        (BUY, "3", "-3", "2", True),
        (BUY, "3", "-3", "-5", False),
        (SELL, "5", "5", "-5", True),
    ],
)
def test_a_close_crosses_where_it_is_larger_than_what_the_books_leave_of_the_position(
    side: Side, qty: str, own: str, other: str, crossing: bool
) -> None:
    assert crosses(side, D(qty), held(own), [held(other)]) is crossing


def test_what_another_book_may_still_sell_counts_as_sold() -> None:
    assert crosses(SELL, D(5), held("5"), [held("0", selling="1")])
    assert not crosses(SELL, D(5), held("5"), [held("3", selling="3")])


def test_what_another_book_may_still_buy_does_not_count_as_bought() -> None:
    assert crosses(SELL, D(5), held("5"), [held("-3", buying="3")])


def test_what_its_own_book_has_on_its_way_makes_no_close_cross() -> None:
    assert not crosses(SELL, D(2), held("5", selling="3"), [held("3")])


QTYS = st.integers(0, 9).map(Decimal)
STAKES = st.tuples(st.integers(-9, 9).map(Decimal), QTYS, QTYS).map(Stake._make)


@given(st.sampled_from(Side), QTYS, STAKES, st.lists(STAKES, max_size=3))
def test_a_close_crosses_if_and_only_if_orders_of_others_before_it_can_leave_too_little(
    side: Side, qty: Decimal, own: Stake, others: list[Stake]
) -> None:
    sign = 1 if side is SELL else -1
    now = sum((stake.qty for stake in others), own.qty)
    moves = [move for stake in others for move in (stake.buying, -stake.selling) if move]
    orders = chain.from_iterable(combinations(moves, size) for size in range(len(moves) + 1))
    too_little = any(sign * sum(order, now) < qty for order in orders)
    assert crosses(side, qty, own, others) is (too_little and any(any(stake) for stake in others))


def test_only_closes_of_perpetuals_in_one_way_mode_may_cross() -> None:
    close = OrderRequest("cd-1", PERPETUAL, SELL, OrderType.MARKET, D(1), reduces=True)
    assert may_cross(close)
    assert not may_cross(close._replace(reduces=False))
    assert not may_cross(close._replace(symbol="BTC/USDT"))
    assert not may_cross(close._replace(position_side=PositionSide.LONG))


def test_a_close_that_crosses_is_a_close_in_all_but_the_exchanges_flag() -> None:
    close = OrderRequest("cd-1", PERPETUAL, SELL, OrderType.MARKET, D(1), reduces=True)
    assert close.reduce_only
    assert (close._replace(crosses=True).reduces, close._replace(crosses=True).reduce_only) == (True, False)
