"""Accounts of the lab: free and locked money per asset, and the orders each account has placed.

Money only moves between accounts here (deposits excepted), so the sum over all accounts never changes.
The house's maker may go below zero: its balance mirrors what everyone else has won.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from copydesk.kernel import ZERO
from copydesk.venues.lab.model import HOUSE_ACCOUNTS, OPEN_STATUSES, BalanceUpdate, Order

HISTORY_MAX = 500


class Balance:
    """Money of one asset; `locked` is promised to open orders."""

    __slots__ = ("free", "locked")

    def __init__(self, free: Decimal = ZERO, locked: Decimal = ZERO) -> None:
        self.free = free
        self.locked = locked


class Account:
    """One account: its balances, its open orders and up to `HISTORY_MAX` finished ones."""

    __slots__ = ("_finished", "balances", "by_client_id", "finished_rows", "house", "name", "open", "orders")

    def __init__(self, name: str) -> None:
        self.name = name
        self.house = name in HOUSE_ACCOUNTS
        self.balances: defaultdict[str, Balance] = defaultdict(Balance)
        self.open: dict[int, Order] = {}
        self.orders: dict[int, Order] = {}
        self.by_client_id: dict[tuple[str, str], Order] = {}
        # Snapshot rows of finished orders: they never change, so each is written once.
        self.finished_rows: dict[int, dict[str, Any]] = {}
        self._finished: deque[int] = deque()

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

    def register(self, order: Order) -> None:
        """Remember an order, as open or finished."""
        self.orders[order.order_id] = order
        self.by_client_id[order.symbol, order.client_order_id] = order
        if order.status in OPEN_STATUSES:
            self.open[order.order_id] = order
        else:
            self._retire(order)

    def finish(self, order: Order) -> None:
        """Move an order from open to finished."""
        if self.open.pop(order.order_id, None) is not None:
            self._retire(order)

    def _retire(self, order: Order) -> None:
        finished = self._finished
        finished.append(order.order_id)
        if len(finished) > HISTORY_MAX:
            oldest = self.orders.pop(finished.popleft())
            self.finished_rows.pop(oldest.order_id, None)
            key = oldest.symbol, oldest.client_order_id
            if self.by_client_id.get(key) is oldest:
                del self.by_client_id[key]

    def reorder(self) -> None:
        """Sort what was registered out of order (on restore) by order id."""
        self.orders = dict(sorted(self.orders.items()))
        self.open = dict(sorted(self.open.items()))
        self.by_client_id = {(o.symbol, o.client_order_id): o for o in self.orders.values()}

    def finished(self) -> list[Order]:
        """Return the finished orders kept, in the order they finished."""
        return [self.orders[order_id] for order_id in self._finished]

    def find(self, symbol: str, order_id: int | None, client_order_id: str | None) -> Order | None:
        """Find an order by either id; both given must agree."""
        if order_id is None:
            return self.by_client_id.get((symbol, client_order_id)) if client_order_id is not None else None
        order = self.orders.get(order_id)
        if order is None or order.symbol != symbol:
            return None
        return order if client_order_id in (None, order.client_order_id) else None

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
