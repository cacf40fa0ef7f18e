"""What a leader's account is worth."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import cast

import pytest
from copydesk.trading import Credentials, PositionSide
from copydesk.venues import BINANCE, Balance, Position, Venue, VenueTraits, Wallet
from copydesk.workers.account import AccountReading, equity_of, read_account

D = Decimal
PRICES = {"BTC/USDT": D(50_000), "ETH/USDT": D(2_000), "BTC/EUR": D(45_000)}


def test_locked_and_free_count_alike_and_assets_at_their_price() -> None:
    balances = {"USDT": Balance(D(100), D(50)), "BTC": Balance(D("0.1"), D("0.1")), "ETH": Balance(D(1), D(0))}
    assert equity_of(balances, PRICES, "USDT") == 150 + 10_000 + 2_000


def test_an_asset_without_a_price_counts_as_nothing() -> None:
    assert equity_of({"AIRDROP": Balance(D(10**9), D(0)), "USDT": Balance(D(1), D(0))}, PRICES, "USDT") == 1


def test_the_brands_currency_decides_the_pairs() -> None:
    assert equity_of({"BTC": Balance(D(1), D(0)), "USDT": Balance(D(5), D(0))}, PRICES, "EUR") == 45_000


def position(symbol: str, unrealized: int, *, qty: int = 1, leverage: int | None = 3) -> Position:
    return Position(symbol, PositionSide.NET, D(qty), D(1), D(1), leverage, None, D(unrealized), None)


def reading(*, free: str = "0", positions: tuple[Position, ...] = ()) -> AccountReading:
    return AccountReading({"USDT": Balance(D(100), D(0))}, {"USDT": Balance(D(free), D(50) - D(free))}, positions)


def test_purses_and_open_profit_add_up_but_not_profit_in_another_currency() -> None:
    positions = (position("BTC/USDT:USDT", -20), position("BTC/USDC:USDC", 1_000))
    assert reading(positions=positions).equity(PRICES, "USDT") == 100 + 50 - 20


def test_only_a_trade_leaves_a_trace_in_a_futures_purse() -> None:
    """What is free there follows the mark price while a position is open."""
    before, later = (
        reading(free=free, positions=(position("BTC/USDT:USDT", pnl),)) for free, pnl in (("9", 1), ("7", 3))
    )
    assert before.trace() == later.trace()
    assert reading(positions=(position("BTC/USDT:USDT", 1, qty=2),)).trace() != before.trace()
    moved = AccountReading(before.coins, {"USDT": Balance(D(51), D(0))}, before.positions)
    assert moved.trace() != before.trace()


class Account:
    """An exchange that answers for one account and notes what it was asked."""

    def __init__(self, traits: VenueTraits) -> None:
        self.traits = traits
        self.asked: list[str] = []

    async def balances(self, credentials: Credentials, wallet: Wallet = Wallet.SPOT) -> dict[str, Balance]:
        self.asked.append(wallet)
        return {"USDT": Balance(D(10), D(0))}

    async def positions(self, credentials: Credentials, symbol: str | None = None) -> list[Position]:
        self.asked.append("positions")
        return []


@pytest.mark.parametrize(
    ("wallets", "perpetuals", "asked", "worth"),
    [
        (frozenset(Wallet), False, ["spot"], 10),
        (frozenset(Wallet), True, ["futures", "positions", "spot"], 20),
        (frozenset({Wallet.SPOT, Wallet.FUNDING}), True, ["positions", "spot"], 10),
    ],
)
def test_a_purse_is_asked_for_and_counted_once(
    wallets: frozenset[Wallet], perpetuals: bool, asked: list[str], worth: int
) -> None:
    account = Account(replace(BINANCE, wallets=wallets))
    found = asyncio.run(read_account(cast(Venue, account), Credentials(1, "key", "secret"), perpetuals=perpetuals))
    assert sorted(account.asked) == asked
    assert found.equity(PRICES, "USDT") == worth


def test_an_empty_account_is_worth_nothing() -> None:
    assert equity_of({}, PRICES, "USDT") == 0
