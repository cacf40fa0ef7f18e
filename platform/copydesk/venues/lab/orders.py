"""The orders that one account has placed on one engine: the open ones and the last finished ones."""

from __future__ import annotations

from collections import deque
from typing import Any

from copydesk.venues.lab.model import OPEN_STATUSES, Order

HISTORY_MAX = 500


class OrderRegistry:
    """Open orders and up to `HISTORY_MAX` finished ones, found by either id."""

    __slots__ = ("_finished", "by_client_id", "finished_rows", "open", "orders")

    def __init__(self) -> None:
        self.open: dict[int, Order] = {}
        self.orders: dict[int, Order] = {}
        self.by_client_id: dict[tuple[str, str], Order] = {}
        # Snapshot rows of finished orders: they never change, so each is written once.
        self.finished_rows: dict[int, dict[str, Any]] = {}
        self._finished: deque[int] = deque()

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

    def rename(self, order: Order, client_order_id: str) -> None:
        """Give an order another client id."""
        key = order.symbol, order.client_order_id
        if self.by_client_id.get(key) is order:
            del self.by_client_id[key]
        order.client_order_id = client_order_id
        self.by_client_id[order.symbol, client_order_id] = order

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

    def find(self, symbol: str | None, order_id: int | None, client_order_id: str | None) -> Order | None:
        """Find an order by either id; both given must agree. `symbol` None finds by order id on any symbol."""
        if order_id is None:
            if client_order_id is None or symbol is None:
                return None
            return self.by_client_id.get((symbol, client_order_id))
        order = self.orders.get(order_id)
        if order is None or symbol not in (None, order.symbol):
            return None
        return order if client_order_id in (None, order.client_order_id) else None
