"""Books held against what the exchange account owns."""

from __future__ import annotations

from dataclasses import replace

import pytest
from copydesk.replication.holdings import Held, Owned, unbacked
from copydesk.trading import PositionSide
from copydesk.venues import Balance, Position
from perpetual_values import PERP, SYMBOL
from plan_values import BTC, D

PAIRS = {"BTC/USDT": BTC, "BTC/EUR": replace(BTC, symbol="BTC/EUR", venue_symbol="BTCEUR", quote="EUR")}


def owns(free: str, locked: str = "0") -> dict[int, Owned]:
    return {11: Owned({"BTC": Balance(D(free), D(locked))})}


def held(qty: str, *, subscription: int = 1, symbol: str = "BTC/USDT") -> Held:
    return Held(11, subscription, symbol, D(qty))


def test_an_account_that_owns_what_its_book_says_is_fine() -> None:
    assert unbacked([held("0.5")], owns("0.5"), PAIRS) == set()
    assert unbacked([held("0.5")], owns("0.2", "0.3"), PAIRS) == set()
    assert unbacked([held("0.5")], owns("7"), PAIRS) == set()


def test_less_than_the_book_by_more_than_a_step_is_missing() -> None:
    assert unbacked([held("0.5")], owns("0.49999"), PAIRS) == set()
    assert unbacked([held("0.5")], owns("0.49998"), PAIRS) == {1}
    assert unbacked([held("0.5")], {11: Owned({})}, PAIRS) == {1}


def test_two_books_of_an_account_do_not_claim_the_same_coins() -> None:
    both = [held("0.5", subscription=1), held("0.5", subscription=2)]
    assert unbacked(both, owns("0.5"), PAIRS) == {1, 2}
    assert unbacked(both, owns("1"), PAIRS) == set()


def test_books_in_another_quote_claim_the_same_coins() -> None:
    both = [held("0.5"), held("0.5", subscription=2, symbol="BTC/EUR")]
    assert unbacked(both, owns("0.5"), PAIRS) == {1, 2}


def test_nothing_is_said_of_accounts_that_did_not_answer_and_pairs_that_are_gone() -> None:
    assert unbacked([held("0.5")], {}, PAIRS) == set()
    assert unbacked([held("0.5", symbol="GONE/USDT")], {11: Owned({})}, PAIRS) == set()


NET, LONG, SHORT = PositionSide.NET, PositionSide.LONG, PositionSide.SHORT
PERPETUALS = {SYMBOL: PERP}


def positioned(*positions: tuple[PositionSide, str]) -> dict[int, Owned]:
    zero = D(0)
    return {11: Owned(None, [Position(SYMBOL, s, D(qty), zero, zero, None, None, zero, None) for s, qty in positions])}


def claim(qty: str, side: PositionSide = NET, *, subscription: int = 1) -> Held:
    return Held(11, subscription, SYMBOL, D(qty), side)


@pytest.mark.parametrize(
    ("qty", "actual", "short"),
    [
        ("0.5", "0.5", False),
        ("0.5", "7", False),
        ("0.5", "0.499", False),
        ("0.5", "0.498", True),
        ("0.5", "-0.5", True),
        ("-0.5", "-0.5", False),
        ("-0.5", "-7", False),
        ("-0.5", "-0.498", True),
        ("-0.5", "0.5", True),
    ],
)
def test_a_position_must_reach_as_far_from_zero_as_its_book(qty: str, actual: str, short: bool) -> None:
    assert unbacked([claim(qty)], positioned((NET, actual)), PERPETUALS) == ({1} if short else set())


def test_a_position_that_is_gone_is_missing() -> None:
    assert unbacked([claim("0.5")], positioned(), PERPETUALS) == {1}


def test_books_of_one_perpetual_are_summed_up_with_their_signs() -> None:
    both = [claim("0.5"), claim("-0.2", subscription=2)]
    assert unbacked(both, positioned((NET, "0.3")), PERPETUALS) == set()
    assert unbacked(both, positioned((NET, "0.1")), PERPETUALS) == {1, 2}
    assert unbacked([claim("0.5"), claim("-0.5", subscription=2)], positioned(), PERPETUALS) == set()


def test_each_side_of_hedge_mode_backs_its_own_books() -> None:
    both = [claim("0.5", LONG), claim("-0.2", SHORT, subscription=2)]
    assert unbacked(both, positioned((LONG, "0.5"), (SHORT, "-0.2")), PERPETUALS) == set()
    assert unbacked(both, positioned((LONG, "0.5")), PERPETUALS) == {2}
    assert unbacked([claim("0.3")], positioned((LONG, "0.5"), (SHORT, "-0.2")), PERPETUALS) == set()
    assert unbacked([claim("0.3", LONG)], positioned((NET, "0.3")), PERPETUALS) == set()


def test_what_was_not_asked_for_is_not_missing() -> None:
    assert unbacked([claim("0.5")], {11: Owned({}, None)}, PERPETUALS) == set()
    assert unbacked([held("0.5")], positioned(), PAIRS) == set()
