"""Reading a leader's account by REST: what it is worth, whether it has traded, and what leverage it has set."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from copydesk.kernel import ZERO
from copydesk.trading import Credentials, PositionSide
from copydesk.venues import Balance, Position, Venue, Wallet


def equity_of(balances: Mapping[str, Balance], prices: Mapping[str, Decimal], currency: str) -> Decimal:
    """Value balances in one currency at last prices; an asset without a price counts as nothing."""
    total = ZERO
    for asset, balance in balances.items():
        owned = balance.free + balance.locked
        total += owned if asset == currency else owned * prices.get(f"{asset}/{currency}", ZERO)
    return total


@dataclass(frozen=True, slots=True)
class AccountReading:
    """One account at one time. `margin` is the futures purse where the exchange keeps one apart, else empty."""

    coins: Mapping[str, Balance]
    margin: Mapping[str, Balance]
    positions: tuple[Position, ...]

    def equity(self, prices: Mapping[str, Decimal], currency: str) -> Decimal:
        """Value all purses, and what positions settled in the currency have gained or lost so far."""
        open_profit = sum((p.unrealized for p in self.positions if p.symbol.endswith(f":{currency}")), ZERO)
        return equity_of(self.coins, prices, currency) + equity_of(self.margin, prices, currency) + open_profit

    def valued_by(self, currency: str) -> set[str]:
        """Name the spot pairs whose prices `equity` needs."""
        held = {asset for purse in (self.coins, self.margin) for asset, b in purse.items() if b.free + b.locked}
        return {f"{asset}/{currency}" for asset in held if asset != currency}

    def trace(self) -> tuple[object, ...]:
        """Return what every trade changes: an account with the same trace has not traded in between.

        What is free of a futures purse moves with the market, so only its sum counts.
        """
        held: dict[tuple[str, PositionSide], Decimal] = {(p.symbol, p.side): p.qty for p in self.positions}
        return dict(self.coins), {asset: b.free + b.locked for asset, b in self.margin.items()}, held


async def read_account(venue: Venue, credentials: Credentials, *, perpetuals: bool) -> AccountReading:
    """Read an account's purses, and where `perpetuals` are watched its positions, side by side."""
    if not perpetuals:
        return AccountReading(await venue.balances(credentials), {}, ())
    coins, positions = venue.balances(credentials), venue.positions(credentials)
    if venue.traits.unified:
        found, held = await asyncio.gather(coins, positions)
        return AccountReading(found, {}, tuple(held))
    found, held, margin = await asyncio.gather(coins, positions, venue.balances(credentials, Wallet.FUTURES))
    return AccountReading(found, margin, tuple(held))
