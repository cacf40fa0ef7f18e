"""Accounts of the lab: free and locked money per asset, and the spot orders each account has placed.

Money only moves between accounts here (deposits excepted), so the sum over all accounts never changes.
The house's maker may go below zero: its balance mirrors what everyone else has won.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from decimal import Decimal

from copydesk.kernel import ZERO
from copydesk.venues.lab.model import HOUSE_ACCOUNTS, BalanceUpdate, Order
from copydesk.venues.lab.orders import OrderRegistry


class Balance:
    """Money of one asset; `locked` is promised to open orders."""

    __slots__ = ("free", "locked")

    def __init__(self, free: Decimal = ZERO, locked: Decimal = ZERO) -> None:
        self.free = free
        self.locked = locked


class Account(OrderRegistry):
    """One account: its balances and its spot orders.

    `held` is the part of the free money that perpetuals keep as margin, as of the last look; `available` asks anew
    through `revalue`, which the perpetuals engine sets on the purses that it shares.
    """

    __slots__ = ("balances", "held", "house", "name", "revalue")

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.house = name in HOUSE_ACCOUNTS
        self.balances: defaultdict[str, Balance] = defaultdict(Balance)
        self.held: defaultdict[str, Decimal] = defaultdict(Decimal)
        self.revalue: Callable[[], None] | None = None

    def lock(self, asset: str, qty: Decimal) -> None:
        """Promise free money to an order."""
        balance = self.balances[asset]
        balance.free -= qty
        balance.locked += qty

    def unlock(self, asset: str, qty: Decimal) -> None:
        """Give back what an order no longer needs."""
        balance = self.balances[asset]
        balance.free += qty
        balance.locked -= qty

    def available(self, asset: str) -> Decimal:
        """Return the free money that no perpetual position or order holds; may be below zero after losses."""
        if self.revalue is not None:
            self.revalue()
        return self.balances[asset].free - self.held.get(asset, ZERO)

    def update(self, assets: tuple[str, ...], now_ms: int) -> BalanceUpdate:
        """Describe the current balances of these assets as an event."""
        rows = [(asset, self.balances[asset]) for asset in assets]
        return BalanceUpdate(self.name, tuple([(asset, b.free, b.locked) for asset, b in rows]), now_ms)


def lock_need(order: Order, base: str, quote: str) -> tuple[str, Decimal]:
    """Return the asset and quantity that an open limit order must have locked."""
    if order.side == "buy":
        assert order.px is not None
        return quote, order.leaves * order.px
    return base, order.leaves


def totals(accounts: Mapping[str, Account]) -> dict[str, Decimal]:
    """Sum free and locked money per asset over all accounts; only deposits change it."""
    sums: dict[str, Decimal] = {}
    for account in accounts.values():
        for asset, balance in account.balances.items():
            sums[asset] = sums.get(asset, ZERO) + balance.free + balance.locked
    return sums
