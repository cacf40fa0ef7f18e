"""What an account owns, of which limits on allocations are shares."""

from __future__ import annotations

from decimal import Decimal

from copydesk.replication.purses import Bought, Wallets, purse_of
from copydesk.risk.order_rules import Purse
from copydesk.trading import MarginMode, PositionSide
from copydesk.venues import Balance, Position

D = Decimal
SPOT = {"USDT": Balance(D(600), D(100)), "BTC": Balance(D(5), D(0))}
FUTURES = {"USDT": Balance(D(200), D(50))}


def position(symbol: str, unrealized: str) -> Position:
    return Position(symbol, PositionSide.NET, D(1), D(1), D(1), 3, MarginMode.ISOLATED, D(unrealized), None)


def test_what_is_free_and_locked_in_every_purse_adds_up() -> None:
    assert purse_of(Wallets([SPOT, FUTURES]), (), "USDT", {}) == Purse(D(950), D(950))


def test_what_copies_bought_counts_at_cost_and_at_the_markets_price_and_the_owners_own_coins_do_not() -> None:
    bought = [Bought("BTC/USDT", D("0.01"), D(500)), Bought("ETH/USDT", D(1), D(40)), Bought("BTC/EUR", D(1), D(9))]
    found = purse_of(Wallets([SPOT]), bought, "USDT", {"BTC/USDT": D(60_000), "ETH/USDT": None})
    assert found == Purse(D(1_240), D(1_340))


def test_an_open_gain_is_equity_and_no_balance_and_of_its_own_currency_only() -> None:
    held = (position("BTC/USDT:USDT", "-30"), position("ETH/USDC:USDC", "99"))
    assert purse_of(Wallets([FUTURES], held), (), "USDT", {}) == Purse(D(250), D(220))


def test_an_account_without_the_currency_owns_nothing_of_it() -> None:
    assert purse_of(Wallets([SPOT, {}]), (), "EUR", {}) == Purse(D(0), D(0))
