"""What is missing of books, whose it was, and whether the exchange liquidated it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from copydesk.replication.detach import LastSeen, liquidated_at
from copydesk.replication.holdings import Held, Owned, Shortfall, shortfalls
from copydesk.replication.leaving import Leaver, Left, judge_leaver
from copydesk.trading import EndMode, OrderType, PositionSide, Side
from copydesk.venues import Balance, LeaderTrade, Position
from hypothesis import given
from hypothesis import strategies as st
from perpetual_values import PERP, SYMBOL
from plan_values import BTC, D

NET = PositionSide.NET
ZERO = D(0)
LISTED = {BTC.symbol: BTC, SYMBOL: PERP}
AT = datetime(2026, 1, 1, tzinfo=UTC)


def held(qty: str, symbol: str = BTC.symbol, subscription: int = 1) -> Held:
    return Held(11, subscription, symbol, D(qty))


def coins(qty: str) -> dict[int, Owned]:
    return {11: Owned({"BTC": Balance(D(qty), ZERO)})}


def position(qty: str) -> dict[int, Owned]:
    found = Position(SYMBOL, NET, D(qty), ZERO, ZERO, None, None, ZERO, None)
    return {11: Owned(None, [found] if found.qty else [])}


def left(books: list[Held], owned: dict[int, Owned]) -> dict[int, Decimal]:
    return {one.book.subscription_id: one.backed for one in shortfalls(books, owned, LISTED)}


def test_a_book_is_written_down_to_what_is_still_there() -> None:
    assert left([held("0.5")], coins("0.2")) == {1: D("0.2")}
    assert left([held("0.5")], coins("0")) == {1: 0}
    assert left([held("0.5")], coins("0.5")) == {}
    assert left([held("0.5")], coins("0.49999")) == {}


def test_books_that_claim_the_same_coins_lose_the_same_share() -> None:
    assert left([held("0.6"), held("0.2", subscription=2)], coins("0.4")) == {1: D("0.3"), 2: D("0.1")}


def test_of_books_that_net_each_other_out_those_on_the_side_of_the_sum_are_written_down() -> None:
    both = [held("0.5", SYMBOL), held("-0.2", SYMBOL, 2)]
    assert left(both, position("0.1")) == {1: D("0.3")}
    assert left([held("-0.5", SYMBOL)], position("-0.2")) == {1: D("-0.2")}
    assert left([held("-0.5", SYMBOL)], position("0.2")) == {1: 0}


quantities = st.decimals("0.001", "50", places=3)


@given(st.lists(quantities, min_size=1, max_size=5), st.decimals("0", "200", places=3))
def test_after_writing_down_an_account_backs_its_books(books: list[Decimal], owned: Decimal) -> None:
    claims = [Held(11, number, BTC.symbol, qty) for number, qty in enumerate(books)]
    backed = dict(enumerate(books)) | left(claims, coins(str(owned)))
    slack = BTC.qty_step * len(books)
    assert sum(backed.values(), ZERO) <= max(owned + slack, owned)
    assert all(0 <= backed[number] <= qty for number, qty in enumerate(books))


def trade(side: Side, px: str) -> LeaderTrade:
    return LeaderTrade("1", "1", "", SYMBOL, side, OrderType.MARKET, D(1), D(px), ZERO, "USDT", 0)


@pytest.mark.parametrize(
    ("qty", "traded", "liquidated"),
    [
        ("1", trade(Side.SELL, "40100"), True),
        ("1", trade(Side.SELL, "39000"), True),
        ("1", trade(Side.SELL, "40300"), False),
        ("1", trade(Side.BUY, "39000"), False),
        ("-1", trade(Side.BUY, "39900"), True),
        ("-1", trade(Side.BUY, "39700"), False),
    ],
)
def test_a_position_that_ended_at_its_liquidation_price_was_liquidated(
    qty: str, traded: LeaderTrade, liquidated: bool
) -> None:
    gone = Shortfall(held(qty, SYMBOL), ZERO)
    assert liquidated_at(gone, LastSeen(D(40_000), AT), [traded]) == (traded.px if liquidated else None)
    assert liquidated_at(gone, None, [traded]) is None


def leaver(mode: EndMode, *books: Left, moving: bool = False) -> Leaver:
    return Leaver(1, 11, mode, moving, books)


def book(qty: str, **changed: Any) -> Left:
    left_there = Left(BTC.symbol, NET, D(qty), 7, D(50_000), 0, None)
    return left_there._replace(**changed)


def test_nothing_is_decided_about_a_leaver_while_an_order_moves() -> None:
    for mode in EndMode:
        verdict = judge_leaver(leaver(mode, book("0.1"), moving=True), LISTED, AT)
        assert (verdict.close, verdict.write_off, verdict.ends) == ([], [], False)


def test_a_leaver_ends_only_when_every_book_is_closed_or_written_off() -> None:
    closing = judge_leaver(leaver(EndMode.CLOSE_NOW, book("0.1"), book("0.000004")), LISTED, AT)
    assert [qty for _, qty in closing.close] == [D("0.1")]
    assert not closing.ends
    managed = judge_leaver(leaver(EndMode.MANAGE_UNTIL_EXIT, book("0.1")), LISTED, AT)
    assert (managed.close, managed.ends) == ([], False)
    over = judge_leaver(leaver(EndMode.HAND_OVER, book("0.1")), LISTED, AT)
    assert [left_there.qty for left_there, _ in over.write_off] == [D("0.1")] and over.ends
    assert judge_leaver(leaver(EndMode.CLOSE_NOW), LISTED, AT).ends


def test_a_book_without_a_price_is_closed_all_the_same() -> None:
    verdict = judge_leaver(leaver(EndMode.CLOSE_NOW, book("0.1", px=None)), LISTED, AT)
    assert [qty for _, qty in verdict.close] == [D("0.1")]


def test_more_than_one_order_may_hold_is_closed_in_parts() -> None:
    small = {BTC.symbol: replace(BTC, qty_max=D("0.04"))}
    verdict = judge_leaver(leaver(EndMode.CLOSE_NOW, book("0.1")), small, AT)
    assert [qty for _, qty in verdict.close] == [D("0.04")]
