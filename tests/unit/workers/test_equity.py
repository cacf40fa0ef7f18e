"""What a leader's account is worth."""

from __future__ import annotations

from decimal import Decimal

from copydesk.venues import Balance
from copydesk.workers.leader import equity_of

D = Decimal
PRICES = {"BTC/USDT": D(50_000), "ETH/USDT": D(2_000), "BTC/EUR": D(45_000)}


def test_locked_and_free_count_alike_and_assets_at_their_price() -> None:
    balances = {"USDT": Balance(D(100), D(50)), "BTC": Balance(D("0.1"), D("0.1")), "ETH": Balance(D(1), D(0))}
    assert equity_of(balances, PRICES, "USDT") == 150 + 10_000 + 2_000


def test_an_asset_without_a_price_counts_as_nothing() -> None:
    assert equity_of({"AIRDROP": Balance(D(10**9), D(0)), "USDT": Balance(D(1), D(0))}, PRICES, "USDT") == 1


def test_the_brands_currency_decides_the_pairs() -> None:
    assert equity_of({"BTC": Balance(D(1), D(0)), "USDT": Balance(D(5), D(0))}, PRICES, "EUR") == 45_000


def test_an_empty_account_is_worth_nothing() -> None:
    assert equity_of({}, PRICES, "USDT") == 0
