"""Books held against what the exchange account owns."""

from __future__ import annotations

from dataclasses import replace

from copydesk.replication.holdings import Held, unbacked
from copydesk.venues import Balance
from plan_values import BTC, D

PAIRS = {"BTC/USDT": BTC, "BTC/EUR": replace(BTC, symbol="BTC/EUR", venue_symbol="BTCEUR", quote="EUR")}


def owns(free: str, locked: str = "0") -> dict[int, dict[str, Balance]]:
    return {11: {"BTC": Balance(D(free), D(locked))}}


def held(qty: str, *, subscription: int = 1, symbol: str = "BTC/USDT") -> Held:
    return Held(11, subscription, symbol, D(qty))


def test_an_account_that_owns_what_its_book_says_is_fine() -> None:
    assert unbacked([held("0.5")], owns("0.5"), PAIRS) == set()
    assert unbacked([held("0.5")], owns("0.2", "0.3"), PAIRS) == set()
    assert unbacked([held("0.5")], owns("7"), PAIRS) == set()


def test_less_than_the_book_by_more_than_a_step_is_missing() -> None:
    assert unbacked([held("0.5")], owns("0.49999"), PAIRS) == set()
    assert unbacked([held("0.5")], owns("0.49998"), PAIRS) == {1}
    assert unbacked([held("0.5")], {11: {}}, PAIRS) == {1}


def test_two_books_of_an_account_do_not_claim_the_same_coins() -> None:
    both = [held("0.5", subscription=1), held("0.5", subscription=2)]
    assert unbacked(both, owns("0.5"), PAIRS) == {1, 2}
    assert unbacked(both, owns("1"), PAIRS) == set()


def test_books_in_another_quote_claim_the_same_coins() -> None:
    both = [held("0.5"), held("0.5", subscription=2, symbol="BTC/EUR")]
    assert unbacked(both, owns("0.5"), PAIRS) == {1, 2}


def test_nothing_is_said_of_accounts_that_did_not_answer_and_pairs_that_are_gone() -> None:
    assert unbacked([held("0.5")], {}, PAIRS) == set()
    assert unbacked([held("0.5", symbol="GONE/USDT")], {11: {}}, PAIRS) == set()
